//! What objects advertise and believe, on a real API server, real FRR and real peers: each scenario in IPv4, IPv6 and
//! both, in the default VRF and in another, in one object and in several.
//!
//! The peers are `192.0.2.2` (AS 65001), `.3` (the node's own AS) and `.4` (a BIRD of AS 65003).

use std::path::Path;

use frrk8s_e2e::scenario::{Families, Place, Scenario, play};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

const ADVERTISED: &[Scenario] = &[
    Scenario {
        rule: "everything goes to every neighbor",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- {address: 192.0.2.2, asn: 65001, toAdvertise: {allowed: {mode: all}}}
- {address: 192.0.2.3, asn: 64512, toAdvertise: {allowed: {mode: all}}}
- {address: 192.0.2.4, asn: 65003, toAdvertise: {allowed: {mode: all}}}
"],
        seen: "
192.0.2.2 receives 10.1.0.0/16, 10.2.0.0/16
192.0.2.3 receives 10.1.0.0/16, 10.2.0.0/16
192.0.2.4 receives 10.1.0.0/16, 10.2.0.0/16
",
    },
    Scenario {
        rule: "a neighbor receives what it is allowed, and one that is allowed nothing receives nothing",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- {address: 192.0.2.2, asn: 65001, toAdvertise: {allowed: {prefixes: [10.1.0.0/16]}}}
- {address: 192.0.2.3, asn: 64512, toAdvertise: {allowed: {mode: all}}}
- {address: 192.0.2.4, asn: 65003}
"],
        seen: "
192.0.2.2 receives 10.1.0.0/16
192.0.2.3 receives 10.1.0.0/16, 10.2.0.0/16
",
    },
    Scenario {
        rule: "all is what the object itself has, not what another one has",
        routers: &[
            "asn: 64512
prefixes: [10.1.0.0/16]
neighbors: [{address: 192.0.2.2, asn: 65001, toAdvertise: {allowed: {mode: all}}}]
",
            "asn: 64512
prefixes: [10.2.0.0/16]
neighbors: [{address: 192.0.2.4, asn: 65003, toAdvertise: {allowed: {mode: all}}}]
",
        ],
        seen: "
192.0.2.2 receives 10.1.0.0/16
192.0.2.4 receives 10.2.0.0/16
",
    },
    Scenario {
        rule: "the next hop is the one that is asked for",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- {address: 192.0.2.2, asn: 65001, toAdvertise: {allowed: {mode: all}, nextHop: {ipv4: 192.0.2.77}}}
- {address: 192.0.2.3, asn: 64512, toAdvertise: {allowed: {prefixes: [10.1.0.0/16]}, nextHop: {ipv4: 192.0.2.78}}}
- {address: 192.0.2.4, asn: 65003, toAdvertise: {allowed: {mode: all}}}
"],
        seen: "
192.0.2.2 receives 10.1.0.0/16 via:192.0.2.77, 10.2.0.0/16 via:192.0.2.77
192.0.2.3 receives 10.1.0.0/16 via:192.0.2.78
192.0.2.4 receives 10.1.0.0/16 via:192.0.2.1, 10.2.0.0/16 via:192.0.2.1
",
    },
];

const ATTRIBUTES: &[Scenario] = &[
    Scenario {
        rule: "prefixes carry just their communities",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- address: 192.0.2.2
  asn: 65001
  toAdvertise:
    allowed: {mode: all}
    withCommunity: [{community: '64512:1', prefixes: [10.1.0.0/16, 10.2.0.0/16]}, {community: '64512:2', prefixes: [10.1.0.0/16]}]
- address: 192.0.2.4
  asn: 65003
  toAdvertise:
    allowed: {prefixes: [10.1.0.0/16, 10.2.0.0/16]}
    withCommunity: [{community: '65535:65281', prefixes: [10.2.0.0/16]}]
"],
        seen: "
192.0.2.2 receives 10.1.0.0/16 64512:1 64512:2, 10.2.0.0/16 64512:1
192.0.2.4 receives 10.1.0.0/16, 10.2.0.0/16 65535:65281
",
    },
    Scenario {
        rule: "prefixes carry just their large communities",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- address: 192.0.2.3
  asn: 64512
  toAdvertise:
    allowed: {prefixes: [10.1.0.0/16, 10.2.0.0/16]}
    withCommunity: [{community: 'large:64512:4200000000:1', prefixes: [10.1.0.0/16]}]
- address: 192.0.2.4
  asn: 65003
  toAdvertise:
    allowed: {mode: all}
    withCommunity:
    - {community: 'large:1:2:3', prefixes: [10.1.0.0/16, 10.2.0.0/16]}
    - {community: 'large:1:2:4', prefixes: [10.2.0.0/16]}
"],
        seen: "
192.0.2.3 receives 10.1.0.0/16 large:64512:4200000000:1, 10.2.0.0/16
192.0.2.4 receives 10.1.0.0/16 large:1:2:3, 10.2.0.0/16 large:1:2:3 large:1:2:4
",
    },
    Scenario {
        rule: "a local preference is told inside the AS, for its prefixes",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16]
neighbors:
- address: 192.0.2.2
  asn: 65001
  toAdvertise: {allowed: {mode: all}, withLocalPref: [{localPref: 300, prefixes: [10.1.0.0/16]}]}
- address: 192.0.2.3
  asn: 64512
  toAdvertise:
    allowed: {mode: all}
    withLocalPref: [{localPref: 300, prefixes: [10.1.0.0/16]}, {localPref: 50, prefixes: [10.2.0.0/16]}]
"],
        seen: "
192.0.2.2 receives 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16
192.0.2.3 receives 10.1.0.0/16 pref:300, 10.2.0.0/16 pref:50, 10.3.0.0/16
",
    },
    Scenario {
        rule: "one prefix has all of them at once",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- address: 192.0.2.3
  asn: 64512
  toAdvertise:
    allowed: {prefixes: [10.1.0.0/16, 10.2.0.0/16]}
    nextHop: {ipv4: 192.0.2.77}
    withLocalPref: [{localPref: 300, prefixes: [10.1.0.0/16]}, {localPref: 150, prefixes: [10.2.0.0/16]}]
    withCommunity:
    - {community: '64512:1', prefixes: [10.1.0.0/16]}
    - {community: '64512:2', prefixes: [10.1.0.0/16, 10.2.0.0/16]}
    - {community: 'large:1:2:3', prefixes: [10.1.0.0/16]}
  toReceive: {allowed: {prefixes: [{prefix: 172.20.0.0/16}]}}
"],
        seen: "
192.0.2.3 receives 10.1.0.0/16 64512:1 64512:2 large:1:2:3 pref:300 via:192.0.2.77, 10.2.0.0/16 64512:2 pref:150 via:192.0.2.77
192.0.2.3 is believed 172.20.0.0/16
",
    },
];

const BELIEVED: &[Scenario] = &[
    Scenario {
        rule: "everything is believed of everybody, but what is blocked always",
        routers: &["asn: 64512
neighbors:
- {address: 192.0.2.2, asn: 65001, toReceive: {allowed: {mode: all}}}
- {address: 192.0.2.3, asn: 64512, toReceive: {allowed: {mode: all}}}
- {address: 192.0.2.4, asn: 65003, toReceive: {allowed: {mode: all}}}
"],
        seen: "
192.0.2.2 is believed 0.0.0.0/0, 172.20.0.0/16, 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24, 192.168.9.128/25
192.0.2.3 is believed 0.0.0.0/0, 172.20.0.0/16, 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24, 192.168.9.128/25
192.0.2.4 is believed 0.0.0.0/0, 172.20.0.0/16, 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24, 192.168.9.128/25
",
    },
    Scenario {
        rule: "of a neighbor that is not believed nothing is taken",
        routers: &["asn: 64512
neighbors:
- {address: 192.0.2.2, asn: 65001}
- {address: 192.0.2.3, asn: 64512}
- {address: 192.0.2.4, asn: 65003, toReceive: {allowed: {mode: all}}}
"],
        seen: "
192.0.2.4 is believed 0.0.0.0/0, 172.20.0.0/16, 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24, 192.168.9.128/25
",
    },
    Scenario {
        rule: "a prefix that is named is taken, not what is inside it",
        routers: &["asn: 64512
neighbors:
- {address: 192.0.2.2, asn: 65001, toReceive: {allowed: {prefixes: [{prefix: 192.168.0.0/16}, {prefix: 0.0.0.0/0}]}}}
- {address: 192.0.2.4, asn: 65003}
"],
        seen: "192.0.2.2 is believed 192.168.0.0/16, 0.0.0.0/0",
    },
    Scenario {
        rule: "what is inside a prefix is taken by its length",
        routers: &["asn: 64512
neighbors:
- {address: 192.0.2.2, asn: 65001, toReceive: {allowed: {prefixes: [{prefix: 192.168.0.0/16, le: 24}]}}}
- {address: 192.0.2.3, asn: 64512, toReceive: {allowed: {prefixes: [{prefix: 192.168.0.0/16, ge: 24}]}}}
- {address: 192.0.2.4, asn: 65003, toReceive: {allowed: {prefixes: [{prefix: 192.168.0.0/16, ge: 22, le: 24}, {prefix: 172.20.0.0/16}]}}}
"],
        seen: "
192.0.2.2 is believed 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24
192.0.2.3 is believed 192.168.9.0/24, 192.168.9.128/25
192.0.2.4 is believed 192.168.4.0/22, 192.168.9.0/24, 172.20.0.0/16
",
    },
    Scenario {
        rule: "what is blocked always is not taken where it is named either",
        routers: &["asn: 64512
neighbors:
- {address: 192.0.2.2, asn: 65001, toReceive: {allowed: {prefixes: [{prefix: 10.96.0.0/12}, {prefix: 10.96.1.0/24}, {prefix: 172.20.0.0/16}]}}}
"],
        seen: "192.0.2.2 is believed 172.20.0.0/16",
    },
    Scenario {
        rule: "one object believes a prefix and another one everything: everything is taken",
        routers: &[
            "asn: 64512
neighbors: [{address: 192.0.2.2, asn: 65001, toReceive: {allowed: {prefixes: [{prefix: 192.168.0.0/16}]}}}]
",
            "asn: 64512
neighbors: [{address: 192.0.2.2, asn: 65001, toReceive: {allowed: {mode: all}}}]
",
        ],
        seen: "
192.0.2.2 is believed 0.0.0.0/0, 172.20.0.0/16, 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24, 192.168.9.128/25
",
    },
];

const BOTH_WAYS: &[Scenario] = &[
    Scenario {
        rule: "what is sent and what is taken do not depend on each other",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- address: 192.0.2.2
  asn: 65001
  toAdvertise: {allowed: {mode: all}}
  toReceive: {allowed: {prefixes: [{prefix: 192.168.0.0/16, ge: 24, le: 24}]}}
- address: 192.0.2.4
  asn: 65003
  toAdvertise: {allowed: {prefixes: [10.2.0.0/16]}}
  toReceive: {allowed: {mode: all}}
"],
        seen: "
192.0.2.2 receives 10.1.0.0/16, 10.2.0.0/16
192.0.2.2 is believed 192.168.9.0/24
192.0.2.4 receives 10.2.0.0/16
192.0.2.4 is believed 0.0.0.0/0, 172.20.0.0/16, 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24, 192.168.9.128/25
",
    },
    Scenario {
        rule: "what is taken of one is not passed on to another",
        routers: &["asn: 64512
prefixes: [10.1.0.0/16]
neighbors:
- {address: 192.0.2.2, asn: 65001, toReceive: {allowed: {mode: all}}}
- {address: 192.0.2.3, asn: 64512, toAdvertise: {allowed: {mode: all}}}
"],
        seen: "
192.0.2.3 receives 10.1.0.0/16
192.0.2.2 is believed 0.0.0.0/0, 172.20.0.0/16, 192.168.0.0/16, 192.168.4.0/22, 192.168.9.0/24, 192.168.9.128/25
",
    },
];

/// Every scenario in one place.
fn play_all(families: &[Families], place: Place) {
    let all: Vec<Scenario> = [ADVERTISED, ATTRIBUTES, BELIEVED, BOTH_WAYS].concat();
    play(Path::new(EXECUTABLE), &all, (families, place));
}

#[test]
fn policies_hold_in_each_family() {
    play_all(&[Families::V4, Families::V6], Place::Default);
}

#[test]
fn policies_hold_in_both_families_at_once() {
    play_all(&[Families::Both, Families::OneSession], Place::Default);
}

#[test]
fn policies_hold_in_a_vrf() {
    play_all(&[Families::V4, Families::V6, Families::Both], Place::Red);
}
