//! Real peers receive exactly what the merged configuration says, and nothing else; and the node takes from them
//! exactly what it says. What it says is computed from the model, not from route maps.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use frrk8s_api::FRRConfiguration;
use frrk8s_e2e::chain::PREFIXES;
use frrk8s_e2e::oracle::{agrees, received_by, taken, taken_from};
use frrk8s_e2e::other::{Other, SENT_V4, SENT_V6};
use frrk8s_e2e::{Planned, PlannedInput, load};
use frrk8s_model::{IpNet, NodeConfig, Peer, PeerId, Vrf};
use frrk8s_testkit::lab::{self, FrrInstall, FrrVersion, Host, Lan, Node, RouterOptions, wait_until};
use frrk8s_testkit::strategy::{ObjectSpec, PeerSpec, RouterSpec, World, object_spec};
use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const LIMIT: Duration = Duration::from_mins(1);

const ALWAYS_BLOCK: &[&str] = &["10.96.0.0/12", "fd00:1::/64"];

/// The other routers: their number on the wire, AS, and what they are.
const PEERS: [(u8, i64); 3] = [(2, 64512), (3, 65003), (4, 65004)];

fn prefixes(texts: &[&str]) -> BTreeSet<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The world of this lab: the node's neighbors are the routers that are there, over both families.
fn world() -> World {
    let text = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let plain = |address: String, number: usize| {
        let (own, asn) = PEERS[number];
        PeerSpec {
            address: Some(text(address)),
            interface: None,
            asn: (own != 4).then_some(asn),
            mode: "external",
            port: None,
            source: None,
            password: None,
            timers: Some(("9s", "3s")),
            connect: Some("1s"),
            multihop: false,
            local_asn: None,
            dual_stack: false,
            profile: None,
            next_hops: (None, None),
            local_prefs: (0..20).map(|at| [50, 100, 4_294_967_295, 0][at % 4]).collect(),
        }
    };
    let mut peers = vec![
        plain("192.0.2.2".to_owned(), 0),
        plain("2001:db8::2".to_owned(), 0),
        plain("192.0.2.3".to_owned(), 1),
        plain("192.0.2.4".to_owned(), 2),
        plain("2001:db8::4".to_owned(), 2),
    ];
    // One session for both families, with next hops of its own.
    peers[2].dual_stack = true;
    peers[2].next_hops = (Some("192.0.2.33"), Some("2001:db8::33"));
    peers[0].next_hops = (Some("192.0.2.44"), None);
    let prefixes = PREFIXES;
    let router = RouterSpec {
        vrf: "",
        asn: 64512,
        id: Some("192.0.2.1"),
        peers,
        prefixes: prefixes.to_vec(),
        evpn: None,
    };
    World { routers: vec![router], profiles: Vec::new() }
}

/// The same sets of objects on every run.
fn generated(count: usize, seed: u8) -> Vec<Vec<FRRConfiguration>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let world = world();
    let strategy = vec(object_spec(), 2..4);
    (0..count)
        .map(|_| {
            let specs = strategy.new_tree(&mut runner).unwrap().current();
            let build = |(number, spec): (usize, &ObjectSpec)| {
                let spec = ObjectSpec { routers: 1, raw: None, import: None, ..spec.clone() };
                spec.build(&world, number)
            };
            specs.iter().enumerate().map(build).collect()
        })
        .collect()
}

fn id(peer: &str) -> PeerId {
    PeerId { vrf: Vrf::Default, peer: Peer::Address(peer.parse().unwrap()) }
}

/// The sessions of the lab: the peer's number among the others, its address, and the node's address for it.
fn sessions(others: &[Other], node: &Host) -> Vec<(usize, IpAddr, IpAddr)> {
    let both = |(at, other): (usize, &Other)| {
        let host = other.host();
        [(at, IpAddr::V4(host.v4), IpAddr::V4(node.v4)), (at, IpAddr::V6(host.v6), IpAddr::V6(node.v6))]
    };
    others.iter().enumerate().flat_map(both).collect()
}

fn carries_unicast(config: &NodeConfig, id: &PeerId) -> bool {
    config.session(id).is_some_and(|session| session.unicast)
}

/// Runs one configuration and looks at it from every other router, and from the node.
fn check(name: &str, planned: &Planned, node: &Node, others: &[Other]) {
    let loaded = load(&node.router, &planned.document, &planned.raw).unwrap();
    assert!(loaded.refused.is_empty() && loaded.raw_refused.is_empty(), "{name}: {loaded:?}");
    let config = &planned.config;
    let sent: BTreeSet<IpNet> = prefixes(SENT_V4).into_iter().chain(prefixes(SENT_V6)).collect();
    let blocked: Vec<IpNet> = prefixes(ALWAYS_BLOCK).into_iter().collect();
    for (_, peer, _) in sessions(others, &node.host) {
        if carries_unicast(config, &id(&peer.to_string())) {
            node.router.wait_established(&peer.to_string(), None, LIMIT).unwrap();
        }
    }
    // Twice: what has arrived must also stay.
    for look in ["arrives", "stays"] {
        for (at, peer, own) in sessions(others, &node.host) {
            let id = id(&peer.to_string());
            let wanted = received_by(config, &id);
            let mut seen = BTreeMap::new();
            let what = format!("{name}: what {peer} receives {look}");
            let arrived = wait_until(LIMIT, &what, || {
                seen = others[at].received(own);
                Ok(agrees(&wanted, &seen))
            });
            arrived.unwrap_or_else(|error| {
                panic!("{error}\n--- wanted {wanted:#?}\n--- seen {seen:#?}\n{}", planned.document.print())
            });
            let wanted = taken_from(config, &id, &sent, &blocked);
            let what = format!("{name}: what is taken from {peer} {look}");
            let arrived = wait_until(LIMIT, &what, || Ok(taken(&node.router, None, peer) == wanted));
            arrived.unwrap_or_else(|error| {
                panic!(
                    "{error}\n--- wanted {wanted:?}\n--- taken {:?}\n{}",
                    taken(&node.router, None, peer),
                    planned.document.print()
                )
            });
        }
    }
}

fn configurations_count() -> usize {
    std::env::var("FRRK8S_PEER_INPUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(12)
}

fn check_version(install: &FrrInstall, seed: u8) {
    let inputs = generated(configurations_count(), seed);
    let mut lan = Lan::new().unwrap();
    let mut node = lan.router(install, RouterOptions::default()).unwrap();
    let mut others: Vec<Other> = Vec::new();
    for (_, asn) in &PEERS[..2] {
        others.push(Other::frr(&mut lan, install, (*asn, 64512), &node.host));
    }
    let asn = PEERS[2].1;
    others.push(if lab::bird_installed() {
        Other::bird(&mut lan, asn, &node.host)
    } else {
        Other::frr(&mut lan, install, (asn, 64512), &node.host)
    });
    let started = std::time::Instant::now();
    for (number, objects) in inputs.into_iter().enumerate() {
        let mut input = PlannedInput { objects, ..PlannedInput::default() };
        input.options.always_block = prefixes(ALWAYS_BLOCK).into_iter().collect();
        let planned = input.plan();
        check(&format!("input {number} on FRR {}", install.release()), &planned, &node, &others);
        node.router.wipe().unwrap();
    }
    println!(
        "FRR {}: {} configurations in {:?}",
        install.release(),
        configurations_count(),
        started.elapsed()
    );
}

// Two tests, so that they wait for their sessions at the same time.

#[test]
fn peers_of_frr_8_4_receive_exactly_what_the_configuration_says() {
    lab::installs()
        .iter()
        .filter(|install| install.version() == FrrVersion::V8_4)
        .for_each(|install| check_version(install, 1));
}

#[test]
fn peers_of_frr_10_3_receive_exactly_what_the_configuration_says() {
    lab::installs()
        .iter()
        .filter(|install| install.version() == FrrVersion::V10_3)
        .for_each(|install| check_version(install, 2));
}
