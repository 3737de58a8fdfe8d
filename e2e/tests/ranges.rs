//! Filters of several lengths inside one prefix, while they change under a session that stands.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use frrk8s_e2e::agent::{Agent, Home, LIMIT, object, on_each};
use frrk8s_e2e::oracle::taken;
use frrk8s_testkit::lab::{Daemon, FrrInstall, Node, Pair, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

const PEER: [&str; 9] = [
    "bgp route-map delay-timer 1",
    "router bgp 64512",
    "no bgp ebgp-requires-policy",
    "no bgp network import-check",
    "neighbor 192.0.2.1 remote-as 64512",
    "address-family ipv4 unicast",
    "network 192.168.0.0/16",
    "network 192.168.4.0/22",
    "network 192.168.9.0/24",
];

/// An object that believes the peer what is inside 192.168.0.0/16, up to these lengths; with more of the spec.
fn believes(lengths: &[u8], more: &str) -> String {
    let ranges: Vec<String> =
        lengths.iter().map(|le| format!("{{prefix: 192.168.0.0/16, le: {le}}}")).collect();
    let receive = format!("toReceive: {{allowed: {{prefixes: [{}]}}}}", ranges.join(", "));
    object("a", &format!("neighbors: [{{address: 192.0.2.2, asn: 64512, connectTime: 1s, {receive}}}]"), more)
}

/// Waits until as many routes of the peer are taken.
fn wait_taken(node: &Node, peer: &Node, what: &str, count: usize) {
    let mut found = Vec::new();
    let arrived = wait_until(LIMIT, what, || {
        found = taken(&node.router, None, peer.host.v4.into()).into_iter().collect();
        Ok(found.len() == count)
    });
    let runs = || node.router.running_config(Daemon::Bgpd).unwrap();
    assert!(arrived.is_ok(), "{what}: {found:?}\n{}", runs());
}

/// A node that takes nothing yet, and its peer.
fn start(install: &FrrInstall) -> Pair {
    let pair = Pair::start(install, install).unwrap();
    assert_eq!(pair.b.router.configure(Daemon::Bgpd, &PEER).unwrap(), []);
    assert_eq!(pair.a.router.configure(Daemon::Bgpd, &PEER[..1]).unwrap(), []);
    pair
}

#[test]
fn a_length_that_comes_or_goes_takes_no_other_one_along() {
    on_each(|install| {
        let Pair { a: node, b: peer } = start(install);
        let home = Home::new();
        let _agent = Agent::start(Path::new(EXECUTABLE), &node.router, &home, &[]);
        for (lengths, count) in
            [(&[22, 24][..], 3), (&[24], 3), (&[22], 2), (&[16, 22], 2), (&[16], 1), (&[24], 3)]
        {
            home.put("a.yaml", &believes(lengths, ""));
            wait_taken(&node, &peer, &format!("FRR {}: what {lengths:?} lets in", install.release()), count);
        }
    });
}

#[test]
fn a_length_that_is_taken_back_takes_no_other_one_along() {
    on_each(|install| {
        let Pair { a: node, b: peer } = start(install);
        let home = Home::new();
        let agent = Agent::start(Path::new(EXECUTABLE), &node.router, &home, &[]);
        home.put("a.yaml", &believes(&[16], ""));
        wait_taken(&node, &peer, "the prefix", 1);
        agent.wait_for_reason("Applied");
        // Of all lines the last one.
        let refused = ", raw: {rawConfig: \"router bgp 64512 vrf red\\n no-such-line at all\\n\"}";
        home.put("a.yaml", &believes(&[16, 24], refused));
        agent.wait_for_reason("RolledBack");
        for (line, count) in [("no network 192.168.0.0/16", 0), ("network 192.168.0.0/16", 1)] {
            let lines = ["router bgp 64512", "address-family ipv4 unicast", line];
            assert_eq!(peer.router.configure(Daemon::Bgpd, &lines).unwrap(), []);
            wait_taken(&node, &peer, &format!("FRR {}, after {line}", install.release()), count);
        }
    });
}
