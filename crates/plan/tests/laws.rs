//! The laws of the merge and of the rendering, on generated sets of objects.
//!
//! `FRRK8S_LAW_CASES` sets how many cases each law is tried on (10,000 by default).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use frrk8s_api::FRRConfiguration;
use frrk8s_document::{Dialect, Document, Line, Text, Version};
use frrk8s_merge::{Candidate, ConflictPolicy, NodeFacts, Seniority, merge};
use frrk8s_model::{
    Fragment, NeighborFragment, NodeConfig, ObjectId, PeerIx, PolicyBuilder, PrefixRange, Router,
    RouterFragment, Vrf,
};
use frrk8s_plan::{NodeInput, plan};
use frrk8s_render::{NodeOptions, render};
use frrk8s_testkit::strategy::{agreeing_objects, objects};
use frrk8s_translate::{Secrets, translate};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn cases() -> u32 {
    std::env::var("FRRK8S_LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10_000)
}

fn check<S: Strategy>(strategy: S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config =
        Config { cases: cases(), failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&strategy, law) {
        panic!("{error}");
    }
}

fn id(object: &FRRConfiguration) -> ObjectId {
    let metadata = &object.metadata;
    ObjectId::new(metadata.namespace.as_deref().unwrap(), metadata.name.as_deref().unwrap())
}

/// The fragment of an object that is in order.
fn fragment(object: &FRRConfiguration) -> Fragment {
    let translation = translate(&id(object), &object.spec, &Secrets::default());
    translation.fragment.unwrap_or_else(|| panic!("{:#?}\n{:#?}", translation.findings, object.spec))
}

fn fragments(objects: &[FRRConfiguration]) -> Vec<Fragment> {
    objects.iter().map(fragment).collect()
}

fn join(fragments: &[&Fragment]) -> Result<NodeConfig, Vec<String>> {
    let outcome = merge(fragments, &NodeFacts::default());
    outcome.map_err(|conflicts| conflicts.iter().map(|conflict| format!("{conflict:?}")).collect())
}

fn all(fragments: &[Fragment]) -> Result<NodeConfig, Vec<String>> {
    join(&fragments.iter().collect::<Vec<_>>())
}

/// A merged configuration as one object would ask for it.
fn as_fragment(config: &NodeConfig, name: &str) -> Fragment {
    let router = |(vrf, router): (&Vrf, &Router)| {
        let numbers: Vec<PeerIx> =
            config.sessions().filter(|(_, id, ..)| id.vrf == *vrf).map(|(number, ..)| number).collect();
        let policy = |whole: &frrk8s_model::Policy| {
            let mut builder = PolicyBuilder::new(whole.entries().iter().map(|(range, _)| *range).collect());
            for (at, number) in (0..).zip(&numbers) {
                let theirs: Vec<(PrefixRange, frrk8s_model::Attributes)> =
                    whole.of_peer(*number).map(|(range, attributes)| (range, attributes.clone())).collect();
                let at_range = |range: &PrefixRange| builder.ranges().binary_search(range).unwrap();
                let positions: Vec<(usize, &frrk8s_model::Attributes)> =
                    theirs.iter().map(|(range, attributes)| (at_range(range), attributes)).collect();
                builder.add(PeerIx(at), positions.iter().map(|(at, _)| *at).collect::<Vec<_>>(), |at| {
                    positions.iter().find(|(position, _)| *position == at).map(|(_, attributes)| *attributes)
                });
            }
            builder.build()
        };
        RouterFragment {
            vrf: vrf.clone(),
            asn: router.asn,
            id: router.id,
            neighbors: router
                .neighbors
                .iter()
                .map(|(peer, session)| NeighborFragment {
                    peer: peer.clone(),
                    session: session.clone(),
                    password_secret: None,
                    local_prefs: Vec::new(),
                    communities: Vec::new(),
                })
                .collect(),
            prefixes: router.prefixes.clone(),
            imports: router.imports.clone(),
            evpn: router.evpn.clone(),
            outgoing: policy(&config.outgoing),
            incoming: policy(&config.incoming),
        }
    };
    Fragment {
        object: ObjectId::new("merged", name),
        routers: config.routers.iter().map(router).collect(),
        bfd_profiles: config
            .bfd_profiles
            .iter()
            .map(|(name, profile)| (name.clone(), profile.clone()))
            .collect(),
        raw: None,
    }
}

/// The configuration without its raw snippets, which `as_fragment` cannot carry.
fn without_raw(config: NodeConfig) -> NodeConfig {
    NodeConfig { raw: Vec::new(), ..config }
}

#[test]
fn the_generated_sets_conflict_and_overlap_often_enough() {
    let (total, conflicting, overlapping) = (Cell::new(0_u32), Cell::new(0_u32), Cell::new(0_u32));
    check(objects(2..5), |objects| {
        let fragments = fragments(&objects);
        total.set(total.get() + 1);
        conflicting.set(conflicting.get() + u32::from(all(&fragments).is_err()));
        let mut seen = BTreeSet::new();
        let peers = fragments.iter().flat_map(|fragment| {
            let routers = fragment.routers.iter();
            let named = routers.flat_map(|router| router.neighbors.iter().map(|n| (&router.vrf, &n.peer)));
            named.collect::<BTreeSet<_>>()
        });
        let overlap = peers.filter(|peer| !seen.insert(*peer)).count() > 0;
        overlapping.set(overlapping.get() + u32::from(overlap));
        Ok(())
    });
    let share = |count: &Cell<u32>| 100 * count.get() / total.get();
    println!("of {} sets {} % conflict, {} % overlap", total.get(), share(&conflicting), share(&overlapping));
    assert!(share(&conflicting) >= 30 && share(&overlapping) >= 30);
}

#[test]
fn the_merge_commutes() {
    let shuffled =
        objects(2..5).prop_flat_map(|objects| (Just(objects.clone()), Just(objects).prop_shuffle()));
    check(shuffled, |(objects, shuffled)| {
        prop_assert_eq!(all(&fragments(&objects)), all(&fragments(&shuffled)));
        Ok(())
    });
}

#[test]
fn the_merge_is_idempotent() {
    check(objects(1..4), |objects| {
        let fragments = fragments(&objects);
        let twice: Vec<&Fragment> = fragments.iter().chain(&fragments).collect();
        prop_assert_eq!(all(&fragments), join(&twice));
        Ok(())
    });
}

#[test]
fn the_merge_associates() {
    check((objects(1..3), objects(1..3)), |(some, others)| {
        let (some, others) = (fragments(&some), fragments(&others));
        let together: Vec<&Fragment> = some.iter().chain(&others).collect();
        let together = join(&together).map(without_raw).map_err(drop);
        // First some, then the others as a whole; and the other way round.
        for (first, rest) in [(&some, &others), (&others, &some)] {
            let apart = all(first).map_err(drop).and_then(|first| {
                let first = as_fragment(&first, "first");
                let with: Vec<&Fragment> = std::iter::once(&first).chain(rest).collect();
                join(&with).map(without_raw).map_err(drop)
            });
            prop_assert_eq!(&together, &apart);
        }
        Ok(())
    });
}

#[test]
fn an_object_only_extends_the_others() {
    check(agreeing_objects(2..5), |objects| {
        let fragments = fragments(&objects);
        let Ok(more) = all(&fragments) else {
            return Err(TestCaseError::fail("agreeing objects conflict"));
        };
        let Ok(less) = all(&fragments[1..]) else {
            return Err(TestCaseError::fail("agreeing objects conflict"));
        };
        for (vrf, router) in &less.routers {
            let extended = &more.routers[vrf];
            prop_assert_eq!(extended.asn, router.asn);
            prop_assert!(router.id.is_none() || router.id == extended.id);
            prop_assert!(router.prefixes.iter().all(|prefix| extended.prefixes.contains(prefix)));
            prop_assert!(router.imports.is_subset(&extended.imports));
            for (peer, session) in &router.neighbors {
                let extended = &extended.neighbors[peer];
                prop_assert_eq!(extended.remote_as, session.remote_as);
                prop_assert_eq!(&extended.password, &session.password);
                prop_assert_eq!(&extended.source, &session.source);
                prop_assert!(session.port.is_none() || session.port == extended.port);
                prop_assert!(session.hold_time.is_none() || session.hold_time == extended.hold_time);
                prop_assert!(session.bfd_profile.is_none() || session.bfd_profile == extended.bfd_profile);
                prop_assert!(session.graceful_restart <= extended.graceful_restart);
                prop_assert!(session.unicast <= extended.unicast && session.evpn <= extended.evpn);
                prop_assert!(session.receive_all <= extended.receive_all);
            }
        }
        for (number, id, _, session) in less.sessions() {
            let extended = more.peer_ix(id).unwrap();
            let sent: Vec<_> = more.outgoing.of_peer(extended).collect();
            for (range, attributes) in less.outgoing.of_peer(number) {
                let (_, extended) = sent.iter().find(|(sent, _)| *sent == range).unwrap();
                prop_assert!(attributes.local_pref.is_none() || attributes.local_pref == extended.local_pref);
                prop_assert!(attributes.communities.is_subset(&extended.communities));
                prop_assert!(attributes.large_communities.is_subset(&extended.large_communities));
            }
            let taken: Vec<_> = more.incoming.of_peer(extended).map(|(range, _)| range).collect();
            let takes_all = more.session(id).unwrap().receive_all;
            for (range, _) in less.incoming.of_peer(number) {
                prop_assert!(takes_all || taken.contains(&range));
            }
            prop_assert!(!session.receive_all || takes_all);
        }
        Ok(())
    });
}

/// Candidates in this order, older ones first.
fn candidates(fragments: &[Fragment]) -> Vec<Candidate<'_>> {
    let candidate = |(age, fragment)| Candidate {
        seniority: Seniority {
            source: 1,
            undated: false,
            created: age,
            object: Fragment::clone(fragment).object,
        },
        newest: Some(fragment),
        last_accepted: None,
    };
    (0..).zip(fragments).map(candidate).collect()
}

fn planned(candidates: Vec<Candidate<'_>>, policy: ConflictPolicy) -> (Option<String>, Vec<String>) {
    let input = NodeInput { candidates, policy, ..NodeInput::default() };
    let plan = plan(&input);
    let text = plan.outcome.map(|outcome| outcome.print());
    (text, plan.findings.iter().map(ToString::to_string).collect())
}

#[test]
fn a_rejected_object_leaves_the_rendering_as_it_is() {
    check(objects(2..5), |objects| {
        let fragments = fragments(&objects);
        let all = candidates(&fragments);
        let input =
            NodeInput { candidates: all.clone(), policy: ConflictPolicy::Quarantine, ..NodeInput::default() };
        let plan = plan(&input);
        let accepted: Vec<Candidate<'_>> = all
            .into_iter()
            .zip(&plan.fates)
            .filter(|(_, fate)| matches!(fate, frrk8s_merge::Fate::Accepted))
            .map(|(candidate, _)| candidate)
            .collect();
        let whole = plan.outcome.map(|outcome| outcome.print());
        let (without, _) = planned(accepted, ConflictPolicy::Quarantine);
        prop_assert_eq!(whole, without);
        Ok(())
    });
}

#[test]
fn quarantine_takes_what_freeze_takes_and_the_most_senior_always() {
    check(objects(1..5), |objects| {
        let fragments = fragments(&objects);
        let (frozen, _) = planned(candidates(&fragments), ConflictPolicy::Freeze);
        let input = NodeInput {
            candidates: candidates(&fragments),
            policy: ConflictPolicy::Quarantine,
            ..NodeInput::default()
        };
        let plan = plan(&input);
        let text = plan.outcome.map(|outcome| outcome.print());
        if let Some(frozen) = frozen {
            prop_assert_eq!(Some(frozen), text);
        }
        // The first one is in whenever it is in order by itself.
        let (alone, _) = planned(candidates(&fragments[..1]), ConflictPolicy::Freeze);
        prop_assert!(alone.is_none() || plan.fates[0] == frrk8s_merge::Fate::Accepted);
        Ok(())
    });
}

#[test]
fn the_rendering_does_not_depend_on_the_order_of_the_input() {
    let shuffled = objects(2..5).prop_flat_map(|objects| {
        let order: Vec<usize> = (0..objects.len()).collect();
        (Just(objects), Just(order).prop_shuffle())
    });
    check(shuffled, |(objects, order)| {
        let fragments = fragments(&objects);
        for policy in [ConflictPolicy::Freeze, ConflictPolicy::Quarantine] {
            let all = candidates(&fragments);
            let shuffled = order.iter().map(|at| all[*at].clone()).collect();
            prop_assert_eq!(planned(all.clone(), policy), planned(shuffled, policy));
        }
        Ok(())
    });
}

#[test]
fn rendered_against_itself_nothing_changes() {
    let dialect = Dialect::new(Version { major: 10, minor: 3 });
    check(agreeing_objects(1..5), |objects| {
        let config = all(&fragments(&objects)).unwrap();
        let options = NodeOptions::default();
        let first = render(&config, &options, None).document;
        let again = render(&config, &options, Some(&first)).document;
        prop_assert_eq!(&first, &again);
        // Also when it has gone through FRR's text.
        let read = dialect.read(&Text::parse(&first.print()));
        let again = render(&config, &options, Some(&read)).document;
        prop_assert_eq!(&first, &again);
        prop_assert_eq!(dialect.as_printed(first), read);
        Ok(())
    });
}

#[test]
fn against_what_runs_a_rendering_means_the_same_and_keeps_what_it_can() {
    check((agreeing_objects(1..4), agreeing_objects(1..4)), |(before, after)| {
        let options = NodeOptions::default();
        let running = render(&all(&fragments(&before)).unwrap(), &options, None).document;
        let config = all(&fragments(&after)).unwrap();
        let fresh = render(&config, &options, None).document;
        let kept = render(&config, &options, Some(&running)).document;
        prop_assert_eq!(meaning(&fresh), meaning(&kept));
        let settled = render(&config, &options, Some(&kept)).document;
        prop_assert_eq!(kept, settled);
        Ok(())
    });
}

/// A document without the names and numbers that are free: each list by its content, each entry without its
/// number.
fn meaning(document: &Document) -> BTreeSet<String> {
    let mut lists: BTreeMap<[&str; 2], BTreeSet<String>> = BTreeMap::new();
    for line in document.lines() {
        let words: Vec<&str> = line.text().split(' ').collect();
        if let [ip, "prefix-list", name, "seq", _, ref rest @ ..] = words[..] {
            lists.entry([ip, name]).or_default().insert(rest.join(" "));
        }
    }
    let inside = |line: &Line| match line.text().split(' ').collect::<Vec<_>>()[..] {
        ["match", ip, "address", "prefix-list", name] => format!("{:?}", lists[&[ip, name]]),
        _ => format!("{line:?}"),
    };
    let numberless = |line: &Line| {
        let text = line.text();
        let entry = text.starts_with("route-map ").then(|| text.rsplit_once(' ')).flatten();
        entry.map_or(text, |(entry, _)| entry).to_owned()
    };
    let lines = document.lines().iter().filter(|line| !line.text().contains("prefix-list"));
    lines
        .map(|line| [vec![numberless(line)], line.inside().iter().map(inside).collect()].concat().join(" | "))
        .collect()
}
