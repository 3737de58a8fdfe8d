//! BFD beside sessions, on a real API server, real FRR and a real peer. In VRFs that are namespaces, BFD never comes up
//! on 8.4.4 and 10.3, whoever configures it: not played here.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use frrk8s_e2e::agent::on_each;
use frrk8s_e2e::bfd;
use frrk8s_e2e::scenario::{By, Duo, Families, object, split};
use frrk8s_testkit::lab::{Daemon, FrrVersion, RouterOptions, wait_until};
use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const LIMIT: Duration = Duration::from_mins(1);

struct Profile {
    rule: &'static str,
    /// The profile in the object.
    yaml: &'static str,
    /// What the peer knows of the node by BFD.
    peer_says: &'static [(&'static str, u64)],
}

const PROFILES: &[Profile] = &[
    Profile {
        rule: "the defaults",
        yaml: "name: fabric",
        peer_says: &[
            ("remote-receive-interval", 300),
            ("remote-transmit-interval", 300),
            ("remote-detect-multiplier", 3),
        ],
    },
    Profile {
        rule: "every number",
        yaml: "name: fabric, receiveInterval: 160, transmitInterval: 120, detectMultiplier: 7, minimumTtl: 250",
        peer_says: &[
            ("remote-receive-interval", 160),
            ("remote-transmit-interval", 120),
            ("remote-detect-multiplier", 7),
        ],
    },
    Profile {
        rule: "echo",
        yaml: "name: fabric, echoMode: true, echoInterval: 400",
        peer_says: &[("remote-echo-receive-interval", 400), ("remote-detect-multiplier", 3)],
    },
];

/// An object in which the peer is a neighbor.
fn neighbor(profile: &str, prefixes: &str) -> String {
    format!(
        "bgp:
  bfdProfiles: [{{{profile}}}]
  routers:
  - asn: 64512
    prefixes: [{prefixes}]
    neighbors:
    - {{address: 192.0.2.2, asn: 65001, connectTime: 1s, bfdProfile: fabric, toAdvertise: {{allowed: {{mode: all}}}}, toReceive: {{allowed: {{mode: all}}}}}}
"
    )
}

/// The peer's side of BFD, so that a busy machine does not bring it down.
const PATIENT: [&str; 4] = ["bfd", "profile patient", "receive-interval 500", "detect-multiplier 10"];

/// What the peer knows of its only BFD session.
fn peer_says(duo: &Duo, field: &str) -> Value {
    duo.peer.show_json(Daemon::Bfdd, "show bfd peers json").unwrap()[0][field].clone()
}

/// How often the peer's session with the node came up, and dropped.
fn counted(duo: &Duo, node: &str) -> [Value; 2] {
    let shown = duo.peer.show_json(Daemon::Bgpd, &format!("show bgp neighbors {node} json")).unwrap();
    ["connectionsEstablished", "connectionsDropped"].map(|counter| shown[node][counter].clone())
}

/// The peer knows the numbers of a profile; and neither more prefixes nor two objects in the place of one, of which only
/// one says BFD, drop the session.
fn negotiates(duo: &mut Duo, profile: &Profile, families: Families) {
    let what = format!("{}, {families:?} on FRR {}", profile.rule, duo.peer.install().release());
    let (node, peer) = (families.words("192.0.2.1"), families.words("192.0.2.2"));
    let [own, more, others] = ["10.1.0.0/16", "10.2.0.0/16", "10.9.0.0/16"].map(|it| families.words(it));
    let with = |prefixes: &str| families.object(&object("a", &neighbor(profile.yaml, prefixes)));
    duo.subject.put(vec![with("10.1.0.0/16")]);
    duo.wait_received(&what, &node, &[&own]);
    duo.wait_believed(&what, &peer, &[&others]);
    bfd::wait([&duo.subject.router, &duo.peer], true).unwrap();
    for (field, value) in profile.peer_says {
        let says =
            wait_until(LIMIT, &format!("{what}: {field} {value}"), || Ok(peer_says(duo, field) == *value));
        duo.subject.expect(&says, || peer_says(duo, field).to_string());
    }
    duo.subject.wait_in_force(&what);
    let before = counted(duo, &node);
    let mut parts = split(&with("10.1.0.0/16, 10.2.0.0/16"), By::Direction);
    parts[1].spec.bgp.bfd_profiles.clear();
    parts[1].spec.bgp.routers[0].neighbors[0].bfd_profile = None;
    duo.subject.put(parts);
    duo.wait_received(&what, &node, &[&own, &more]);
    bfd::wait_heartbeats([&duo.subject.router, &duo.peer]).unwrap();
    duo.subject.wait_in_force(&what);
    assert_eq!(counted(duo, &node), before, "{what}");
}

#[test]
fn the_peer_negotiates_the_numbers_of_a_profile_and_prefixes_come_without_a_reset() {
    // An echo goes back by the other's forwarding plane.
    const FORWARD: &str =
        "for all in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$all; done";
    on_each(|install| {
        for families in [Families::V4, Families::V6] {
            let Some(mut duo) = Duo::start(Path::new(EXECUTABLE), install, RouterOptions::default()) else {
                return;
            };
            assert_eq!(duo.peer.configure(Daemon::Bfdd, &PATIENT).unwrap(), []);
            let node = families.words("192.0.2.1");
            duo.tell_peer(&format!(
                "router bgp 65001\nneighbor {node} bfd\nneighbor {node} bfd profile patient"
            ));
            duo.peer_host.namespace.run("sh", &["-ec", FORWARD]).unwrap();
            // On 10.3, a session over IPv6 with echo comes up and drops again, at 70 ms and at 400 ms.
            let flaps = families == Families::V6 && install.version() == FrrVersion::V10_3;
            for profile in PROFILES.iter().filter(|profile| !flaps || profile.rule != "echo") {
                negotiates(&mut duo, profile, families);
            }
        }
    });
}

#[test]
fn a_peer_that_bfd_misses_loses_its_session_and_gets_it_back() {
    on_each(|install| {
        let Some(mut duo) = Duo::start(Path::new(EXECUTABLE), install, RouterOptions::default()) else {
            return;
        };
        duo.tell_peer("router bgp 65001\nneighbor 192.0.2.1 bfd");
        duo.subject.put(vec![object("a", &neighbor("name: fabric", "10.1.0.0/16"))]);
        duo.wait_received("before", "192.0.2.1", &["10.1.0.0/16"]);
        bfd::wait([&duo.subject.router, &duo.peer], true).unwrap();
        let before = duo.ends().counters().unwrap()[0];
        duo.peer.kill(Daemon::Bfdd).unwrap();
        duo.ends().node.wait_drop(before).unwrap();
        duo.peer.start_daemon(Daemon::Bfdd).unwrap();
        duo.wait_received("after", "192.0.2.1", &["10.1.0.0/16"]);
        bfd::wait([&duo.subject.router, &duo.peer], true).unwrap();
        duo.subject.wait_in_force("after");
    });
}
