//! How many lines a change of policy costs: as many as changed, whatever the number of neighbors and prefixes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use frrk8s_api::k8s::ObjectMeta;
use frrk8s_api::{BgpConfig, FRRConfiguration, FRRConfigurationSpec, Neighbor, Router};
use frrk8s_document::{Document, Line};
use frrk8s_manifest::{Object, read};
use frrk8s_merge::{NodeFacts, merge};
use frrk8s_model::ObjectId;
use frrk8s_render::{NodeOptions, render};
use frrk8s_translate::{Secrets, translate};

/// Which of N neighbors are allowed which of P prefixes.
struct Node {
    neighbors: usize,
    prefixes: usize,
    /// Pairs (neighbor, prefix) that are not allowed.
    except: BTreeSet<(usize, usize)>,
}

impl Node {
    fn new(neighbors: usize, prefixes: usize) -> Self {
        Self { neighbors, prefixes, except: BTreeSet::new() }
    }

    fn except(mut self, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        self.except.extend(pairs);
        self
    }

    fn object(&self) -> FRRConfiguration {
        let prefix = |number: usize| format!("10.{}.{}.0/24", number / 256, number % 256);
        let neighbors = (0..self.neighbors).map(|neighbor| {
            let allowed = (0..self.prefixes).filter(|at| !self.except.contains(&(neighbor, *at)));
            let mut object = Neighbor {
                asn: Some(65001),
                address: Some(format!("172.30.{}.{}", neighbor / 200, neighbor % 200 + 1)),
                ..Neighbor::default()
            };
            object.to_advertise.allowed.prefixes = allowed.map(prefix).collect();
            object
        });
        let router = Router {
            asn: Some(64512),
            neighbors: neighbors.collect(),
            prefixes: (0..self.prefixes).map(prefix).collect(),
            ..Router::default()
        };
        FRRConfiguration {
            metadata: ObjectMeta::default(),
            spec: FRRConfigurationSpec {
                bgp: BgpConfig { routers: vec![router], bfd_profiles: Vec::new() },
                ..FRRConfigurationSpec::default()
            },
            status: None,
        }
    }

    fn render(&self, running: Option<&Document>) -> Document {
        rendered(&self.object(), running)
    }
}

fn rendered(object: &FRRConfiguration, running: Option<&Document>) -> Document {
    let id = ObjectId::new("ns", "object");
    let fragment = translate(&id, &object.spec, &Secrets::default()).fragment.unwrap();
    let config = merge(&[&fragment], &NodeFacts::default()).unwrap();
    render(&config, &NodeOptions::default(), running).document
}

/// Every line with the contexts around it.
fn lines(document: &Document) -> BTreeSet<String> {
    fn walk(path: &str, line: &Line, lines: &mut BTreeSet<String>) {
        let path = format!("{path} / {}", line.text());
        for inside in line.inside() {
            walk(&path, inside, lines);
        }
        lines.insert(path);
    }
    let mut all = BTreeSet::new();
    for line in document.lines() {
        walk("", line, &mut all);
    }
    all
}

/// The lines that differ between a node and, rendered against it, what becomes of it.
fn changed(before: &Node, after: &Node) -> Vec<String> {
    let before = before.render(None);
    let after = after.render(Some(&before));
    lines(&before).symmetric_difference(&lines(&after)).cloned().collect()
}

const SIZES: [(usize, usize); 4] = [(2, 3), (3, 40), (40, 5), (50, 300)];

#[test]
fn a_prefix_added_for_all_is_two_lines() {
    for (neighbors, prefixes) in SIZES {
        let changed = changed(&Node::new(neighbors, prefixes), &Node::new(neighbors, prefixes + 1));
        assert_eq!(changed.len(), 2, "{neighbors} × {prefixes}: {changed:#?}");
    }
}

#[test]
fn a_prefix_for_one_neighbor_fewer_or_more_is_two_lines_once_the_audience_exists() {
    for (neighbors, prefixes) in SIZES {
        // The last prefix is there already for all but the first neighbor.
        let one = || Node::new(neighbors, prefixes).except([(0, prefixes - 1)]);
        let two = || one().except([(0, 0)]);
        for (before, after) in [(one(), two()), (two(), one())] {
            let changed = changed(&before, &after);
            assert_eq!(changed.len(), 2, "{neighbors} × {prefixes}: {changed:#?}");
        }
    }
}

#[test]
fn a_new_audience_costs_its_neighbors_not_its_prefixes() {
    for (neighbors, prefixes) in SIZES {
        let changed =
            changed(&Node::new(neighbors, prefixes), &Node::new(neighbors, prefixes).except([(0, 0)]));
        // The entry of the old list, that of the new one, and for each of its neighbors a map entry of two lines.
        assert_eq!(changed.len(), 2 + 2 * (neighbors - 1), "{neighbors} × {prefixes}: {changed:#?}");
    }
}

#[test]
fn splitting_and_joining_audiences_renames_no_other_list() {
    for (neighbors, prefixes) in [(3, 6), (10, 40), (30, 100)] {
        // Three audiences that stay, with prefixes of their own.
        let standing = [(0, 1), (1, 2), (2, 3), (0, 3)];
        let whole = || Node::new(neighbors, prefixes).except(standing);
        let split = || whole().except([(1, 4), (1, 5)]);
        for (before, after) in [(whole(), split()), (split(), whole())] {
            for line in changed(&before, &after) {
                let others = ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"];
                assert!(!others.iter().any(|prefix| line.contains(prefix)), "{line}");
            }
        }
    }
}

#[test]
fn all_prefixes_replaced_keeps_the_names() {
    // A service that changes its address: the audience stays, its one prefix does not.
    let before = Node::new(20, 2).except((0..20).map(|neighbor| (neighbor, 0)));
    let after = Node::new(20, 2).except((0..20).map(|neighbor| (neighbor, 1)));
    let changed = changed(&before, &after);
    assert_eq!(changed.len(), 2, "{changed:#?}");
}

/// A neighbor of which prefixes inside 192.168.0.0/16 are taken, by their longest lengths, and another one.
fn takes(lengths: &[i64], running: Option<&Document>) -> Document {
    let lengths = lengths.iter().map(|le| format!("{{prefix: 192.168.0.0/16, le: {le}}}"));
    let ranges: Vec<String> = lengths.chain(["{prefix: 10.0.0.0/8}".to_owned()]).collect();
    let receive = format!("{{allowed: {{prefixes: [{}]}}}}", ranges.join(", "));
    let neighbor = format!("{{asn: 65001, address: 192.0.2.2, toReceive: {receive}}}");
    let router = format!("{{asn: 64512, neighbors: [{neighbor}]}}");
    let yaml =
        format!("kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{router}]}}}}\n");
    let object = match read(&yaml).unwrap().remove(0).object {
        Object::Configuration(object) => *object,
        other => unreachable!("{other:?}"),
    };
    rendered(&object, running)
}

#[test]
fn a_list_does_not_lose_an_entry_beside_another_one_of_the_same_prefix() {
    // 8.4 would not match the other one any more: the list gets another name, and the map takes it in its place.
    // So it does where one comes, which would go on the way back.
    for (before, after) in [(&[24, 28][..], &[24][..]), (&[24], &[28]), (&[24], &[24, 28])] {
        let before = takes(before, None);
        let after = takes(after, Some(&before)).print();
        assert!(after.contains("ip prefix-list frrk8s-2 seq 1 permit 10.0.0.0/8\n"), "{after}");
        assert!(!after.contains("frrk8s-1"), "{after}");
    }
    // One that comes or goes with its prefix needs none.
    for (before, after) in [(&[][..], &[24][..]), (&[24], &[])] {
        let before = takes(before, None);
        let after = takes(after, Some(&before)).print();
        assert!(after.contains("frrk8s-1 seq") && !after.contains("frrk8s-2"), "{after}");
    }
}
