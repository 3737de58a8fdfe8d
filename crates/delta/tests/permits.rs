//! The law of policy: wherever a delta is cut off, no session is permitted what neither side permits, and one that
//! stays keeps what both permit.
//!
//! Tried on a plain model of FRR that commits every line at once: lists, maps, bindings and activations, nothing else.
//! `FRRK8S_LAW_CASES` sets how many deltas it is tried on (10,000 by default).
#![allow(clippy::unwrap_used, clippy::panic)]

mod plain_frr;

use std::collections::BTreeSet;

use frrk8s_api::{
    Advertise, AllowedOut, BfdProfile, BgpConfig, FRRConfiguration, FRRConfigurationSpec, Neighbor, Password,
    Router,
};
use frrk8s_delta::{Delta, Documents, SessionChange, SessionId};
use frrk8s_document::{Daemon, Dialect, Document, Text, Version};
use frrk8s_merge::{NodeFacts, merge};
use frrk8s_model::{Fragment, ObjectId};
use frrk8s_render::{NodeOptions, divide, render};
use frrk8s_testkit::strategy::agreeing_objects;
use frrk8s_translate::{Secrets, translate};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use plain_frr::{PlainFrr, Session};

fn rendered(objects: &[FRRConfiguration], running: Option<&Document>) -> Document {
    let fragments: Vec<Fragment> = objects
        .iter()
        .map(|object| {
            let id = ObjectId::new("ns", object.metadata.name.as_deref().unwrap());
            translate(&id, &object.spec, &Secrets::default()).fragment.unwrap()
        })
        .collect();
    let config = merge(&fragments.iter().collect::<Vec<_>>(), &NodeFacts::default()).unwrap();
    let options =
        NodeOptions { always_block: vec!["10.96.0.0/12".parse().unwrap()], ..NodeOptions::default() };
    render(&config, &options, running).document
}

/// Two sets of objects: of one world, so that much stays, or of two.
fn pairs() -> impl Strategy<Value = (Vec<FRRConfiguration>, Vec<FRRConfiguration>)> {
    let related = (agreeing_objects(1..5), any::<u8>(), any::<u8>()).prop_map(|(objects, before, after)| {
        let some = |bits: u8| {
            let chosen = objects.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0);
            chosen.map(|(_, object)| object.clone()).collect()
        };
        (some(before), some(after))
    });
    prop_oneof![3 => related, 1 => (agreeing_objects(0..4), agreeing_objects(0..4))]
}

fn identity(session: &Session) -> SessionId {
    let vrf = (!session.vrf.is_empty()).then(|| session.vrf.as_str().into());
    SessionId { vrf, peer: session.peer.as_str().into() }
}

fn check(before: &Document, after: &Document, version: Version) -> Result<usize, TestCaseError> {
    let dialect = Dialect::new(version);
    let documents = |document: &Document| -> Documents { [(Daemon::Bgpd, document.clone())].into() };
    let delta = Delta::new(dialect, &documents(before), &documents(after));
    let [old, new] = [before, after].map(|document| PlainFrr::running(&document.print()));
    let prefixes: Vec<_> =
        old.prefixes().chain(new.prefixes()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut frr = old.clone();
    let mut done: Vec<String> = Vec::new();
    for sent in delta.batches.iter().flat_map(frrk8s_delta::Batch::lines) {
        let touched = frr.tell(&sent.line);
        done.push(sent.line.to_string());
        for session in frr.sessions_of(&touched) {
            let change = delta.sessions.get(&identity(&session)).map(|session| session.change);
            let stays = change.is_some_and(|change| change < SessionChange::Reset);
            for prefix in prefixes.iter().filter(|prefix| session.carries(prefix)) {
                let [was, is, will] = [&old, &frr, &new].map(|frr| frr.permits(&session, prefix));
                prop_assert!(!is || was || will, "{session:?} is open for {prefix} after {done:#?}");
                prop_assert!(
                    is || !(was && will && stays),
                    "{session:?} loses {prefix} meanwhile after {done:#?}"
                );
            }
        }
    }
    for session in new.sessions() {
        for prefix in prefixes.iter().filter(|prefix| session.carries(prefix)) {
            prop_assert_eq!(frr.permits(&session, prefix), new.permits(&session, prefix), "{:?}", session);
        }
    }
    Ok(done.len())
}

/// What the existing FRR-K8s had told FRR: two neighbors that get the same ten prefixes.
const LOADED_BEFORE: [(Version, &str); 2] = [
    (
        Version { major: 8, minor: 4 },
        include_str!("../../document/tests/fixtures/v84-frrk8s-2x10-running-config.txt"),
    ),
    (
        Version { major: 10, minor: 3 },
        include_str!("../../document/tests/fixtures/v103-frrk8s-2x10-running-config.txt"),
    ),
];

/// The objects that it was made of, with one prefix withheld from one neighbor.
fn withheld(from: usize, prefix: &str) -> FRRConfiguration {
    let prefixes: Vec<String> = (1..=10).map(|number| format!("10.128.{number}.0/24")).collect();
    let neighbor = |at: usize| {
        let get = |other: &&String| at != from || *other != prefix;
        Neighbor {
            address: Some(format!("172.30.0.{}", at + 1)),
            asn: Some(65000 + i64::try_from(at).unwrap()),
            password: Some(Password::from(format!("topsecret{at}"))),
            bfd_profile: Some("prof1".to_owned()),
            ebgp_multi_hop: true,
            hold_time: Some("90s".to_owned()),
            keepalive_time: Some("30s".to_owned()),
            connect_time: Some("2m".to_owned()),
            to_advertise: Advertise {
                allowed: AllowedOut { prefixes: prefixes.iter().filter(get).cloned().collect(), mode: None },
                ..Advertise::default()
            },
            ..Neighbor::default()
        }
    };
    let router = Router {
        asn: Some(64512),
        id: Some("10.1.1.1".to_owned()),
        neighbors: (0..2).map(neighbor).collect(),
        prefixes: prefixes.clone(),
        ..Router::default()
    };
    let profile = BfdProfile { name: Some("prof1".to_owned()), ..BfdProfile::default() };
    let bgp = BgpConfig { routers: vec![router], bfd_profiles: vec![profile] };
    FRRConfiguration::new("a", FRRConfigurationSpec { bgp, ..FRRConfigurationSpec::default() })
}

/// Lists with other names, numbers and entries that deny are exchanged for ours while sessions stand.
#[test]
fn what_was_loaded_before_is_exchanged_under_the_same_law() {
    for (version, text) in LOADED_BEFORE {
        let dialect = Dialect::new(version);
        let of_bgpd = |document: &Document| dialect.by_daemon(document).remove(&Daemon::Bgpd).unwrap();
        for (from, number) in (0..2).flat_map(|from| (1..=10).map(move |number| (from, number))) {
            let prefix = format!("10.128.{number}.0/24");
            let object = withheld(from, &prefix);
            let running = dialect.read(&Text::parse(text));
            let desired = rendered(std::slice::from_ref(&object), None);
            let before = of_bgpd(&divide(running, &[&desired]).ours);
            let after = of_bgpd(&rendered(&[object], Some(&before)));
            let old = PlainFrr::running(&before.print());
            let has = |frr: &PlainFrr| {
                let mut to_it = frr.sessions().filter(|session| {
                    session.peer == format!("172.30.0.{}", from + 1)
                        && frr.permits(session, &prefix.parse().unwrap())
                });
                to_it.next().is_some()
            };
            assert!(has(&old) && !has(&PlainFrr::running(&after.print())), "{prefix} is withheld");
            let count = check(&before, &after, version)
                .unwrap_or_else(|error| panic!("{version:?} {prefix}: {error}"));
            assert!(count > 20, "{count} lines");
        }
    }
}

#[test]
fn a_delta_that_is_cut_off_permits_nothing_more_and_loses_nothing_that_stays() {
    let cases = std::env::var("FRRK8S_LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10_000);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let lines = std::cell::Cell::new(0);
    let law = |(before, after): (Vec<FRRConfiguration>, Vec<FRRConfiguration>)| {
        let before = rendered(&before, None);
        let after = rendered(&after, Some(&before));
        for version in [Version { major: 8, minor: 4 }, Version { major: 10, minor: 3 }] {
            lines.set(lines.get() + check(&before, &after, version)?);
        }
        Ok(())
    };
    if let Err(error) = TestRunner::new(config).run(&pairs(), law) {
        panic!("{error}");
    }
    // A law that is never tried is none.
    assert!(lines.get() > 20 * usize::try_from(cases).unwrap(), "{} lines", lines.get());
}
