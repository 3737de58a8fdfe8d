//! Who put a value there: looked up in the fragments when somebody asks, not stored with each value.

use std::collections::BTreeMap;

use frrk8s_model::{
    Evpn, Fragment, NeighborField, NeighborFragment, Origin, Peer, PeerId, PeerIx, Place, Policy,
    PrefixRange, PropertyEntry, RouteTarget, RouterFragment, VniField, VniSlot, neighbor_path, router_path,
};

use crate::NodeFacts;
use crate::claim::{claims, neighbor_field_path, vni_path};

/// One object's contribution to a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Where it stands.
    pub origin: Origin,
    /// What it says there.
    pub value: String,
}

/// Looks up who put what where. Built once for many questions: which fragments have to do with a peer or a
/// prefix is noted, so that an answer does not look at all of them.
#[derive(Debug)]
pub struct Origins<'a> {
    fragments: &'a [&'a Fragment],
    node: &'a NodeFacts,
    by_peer: BTreeMap<PeerId, Vec<usize>>,
    by_range: BTreeMap<PrefixRange, Vec<usize>>,
}

impl<'a> Origins<'a> {
    /// Origins of what these fragments ask for.
    pub fn new(fragments: &'a [&'a Fragment], node: &'a NodeFacts) -> Self {
        let mut by_peer: BTreeMap<PeerId, Vec<usize>> = BTreeMap::new();
        let mut by_range: BTreeMap<PrefixRange, Vec<usize>> = BTreeMap::new();
        for (number, fragment) in fragments.iter().enumerate() {
            for router in &fragment.routers {
                for neighbor in &router.neighbors {
                    let id = PeerId { vrf: router.vrf.clone(), peer: neighbor.peer.clone() };
                    note(by_peer.entry(id).or_default(), number);
                }
                let own = router.prefixes.iter().copied().map(PrefixRange::exact);
                let policies = [&router.outgoing, &router.incoming];
                let listed = policies.into_iter().flat_map(Policy::entries).map(|(range, _)| *range);
                for range in own.chain(listed) {
                    note(by_range.entry(range).or_default(), number);
                }
            }
        }
        Self { fragments, node, by_peer, by_range }
    }

    /// Every object that has a part in what stands at a place, sorted. Objects that leave the field to its
    /// default have none.
    pub fn of(&self, place: &Place) -> Vec<Source> {
        let concerned: Option<Option<&Vec<usize>>> = match place {
            Place::Neighbor(id, _) => Some(self.by_peer.get(id)),
            Place::Network(_, prefix) | Place::Outgoing(_, prefix) | Place::LocalPref(_, prefix) => {
                Some(self.by_range.get(&PrefixRange::exact(*prefix)))
            }
            Place::Incoming(_, range) => Some(self.by_range.get(range)),
            _ => None,
        };
        let all = || (0..self.fragments.len()).collect();
        let numbers: Vec<usize> = concerned.map_or_else(all, |found| found.cloned().unwrap_or_default());
        let mut sources: Vec<Source> = numbers
            .into_iter()
            .flat_map(|number| contributions(self.fragments[number], place, self.node))
            .collect();
        sources.sort();
        sources.dedup();
        sources
    }
}

/// Adds a number to an ascending list, once.
fn note(numbers: &mut Vec<usize>, number: usize) {
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}

fn contributions(fragment: &Fragment, place: &Place, node: &NodeFacts) -> Vec<Source> {
    let source = |path: String, value: String| Source {
        origin: Origin { object: fragment.object.clone(), path },
        value,
    };
    let routers = fragment.routers.iter().enumerate();
    match place {
        Place::Network(vrf, prefix) => routers
            .filter(|(_, r)| r.vrf == *vrf && r.prefixes.binary_search(prefix).is_ok())
            .map(|(at, _)| source(format!("{}.prefixes", router_path(at)), prefix.to_string()))
            .collect(),
        Place::Import(vrf, from) => routers
            .filter(|(_, router)| router.vrf == *vrf && router.imports.contains(from))
            .map(|(at, _)| source(format!("{}.imports", router_path(at)), from.to_string()))
            .collect(),
        Place::Target(vrf, slot, field, target) => routers
            .filter(|(_, router)| router.vrf == *vrf)
            .filter_map(|(at, router)| {
                let evpn = router.evpn.as_ref()?;
                let path = format!("{}.{}", router_path(at), vni_path(evpn, *slot, *field));
                has_target(evpn, (*slot, *field), *target).then(|| source(path, target.to_string()))
            })
            .collect(),
        Place::Raw(object) if *object == fragment.object => {
            vec![source("spec.raw.rawConfig".to_owned(), String::new())]
        }
        Place::Raw(_) => Vec::new(),
        Place::Neighbor(id, field) if is_union(*field) => routers
            .filter(|(_, router)| router.vrf == id.vrf)
            .flat_map(|(at, router)| neighbors(at, router, &id.peer))
            .filter_map(|(path, _, neighbor)| {
                let value = union_value(neighbor, *field)?;
                let below = neighbor_field_path(neighbor, *field);
                Some(source(format!("{path}.{below}"), value))
            })
            .collect(),
        Place::Outgoing(id, prefix) => routers
            .filter(|(_, router)| router.vrf == id.vrf)
            .flat_map(|(at, router)| {
                let theirs = neighbors(at, router, &id.peer);
                theirs.flat_map(move |(path, peer, n)| outgoing(router, &path, peer, n, prefix))
            })
            .map(|(path, value)| source(path, value))
            .collect(),
        Place::Incoming(id, range) => routers
            .filter(|(_, router)| router.vrf == id.vrf)
            .flat_map(|(at, router)| {
                let theirs = neighbors(at, router, &id.peer);
                theirs.filter(|(_, peer, n)| takes(router, *peer, n, range))
            })
            .map(|(path, _, _)| source(format!("{path}.toReceive.allowed"), range.to_string()))
            .collect(),
        place => claims(fragment, node, &|claimed| claimed == place)
            .into_iter()
            .filter(|claim| claim.written)
            .map(|claim| source(claim.origin.path.clone(), claim.shown()))
            .collect(),
    }
}

/// Whether an object's EVPN part names a target for a VNI.
fn has_target(evpn: &Evpn, (slot, field): (VniSlot, VniField), target: RouteTarget) -> bool {
    let properties = match slot {
        VniSlot::L2(vni) => {
            evpn.l2_vnis.iter().find(|(number, _)| *number == vni).map(|(_, properties)| properties)
        }
        VniSlot::L3 => evpn.l3_vni.as_ref().map(|l3| &l3.properties),
    };
    properties.is_some_and(|properties| match field {
        VniField::ImportTargets => properties.import_targets.contains(&target),
        VniField::ExportTargets => properties.export_targets.contains(&target),
        VniField::RouteDistinguisher => false,
    })
}

/// What a router says of a peer: usually one neighbor, with its path and number.
fn neighbors<'a>(
    router_at: usize,
    router: &'a RouterFragment,
    peer: &'a Peer,
) -> impl Iterator<Item = (String, PeerIx, &'a NeighborFragment)> {
    let numbered = (0..).map(PeerIx).zip(router.neighbors.iter().enumerate());
    numbered
        .filter(|(_, (_, neighbor))| neighbor.peer == *peer)
        .map(move |(number, (at, neighbor))| (neighbor_path(router_at, at), number, neighbor))
}

fn is_union(field: NeighborField) -> bool {
    matches!(
        field,
        NeighborField::GracefulRestart | NeighborField::AddressFamilies | NeighborField::ReceiveMode
    )
}

fn union_value(neighbor: &NeighborFragment, field: NeighborField) -> Option<String> {
    let session = &neighbor.session;
    match field {
        NeighborField::GracefulRestart => session.graceful_restart.then(|| "true".to_owned()),
        NeighborField::ReceiveMode => session.receive_all.then(|| "all".to_owned()),
        NeighborField::AddressFamilies => Some(session.families().to_owned()),
        _ => None,
    }
}

/// What one neighbor of one router has to do with a prefix going to it.
fn outgoing(
    router: &RouterFragment,
    path: &str,
    peer: PeerIx,
    neighbor: &NeighborFragment,
    prefix: &frrk8s_model::IpNet,
) -> Vec<(String, String)> {
    let range = PrefixRange::exact(*prefix);
    let policy = &router.outgoing;
    let carried =
        policy.audience_of(&range).and_then(|audience| frrk8s_model::member(policy.members(audience), peer));
    let Some(attributes) = carried.map(|carried| policy.attributes(carried)) else {
        return Vec::new();
    };
    let below = format!("{path}.toAdvertise");
    let mut found = vec![(format!("{below}.allowed"), prefix.to_string())];
    if let Some(local_pref) = attributes.local_pref {
        let entries = &neighbor.local_prefs;
        let at = PropertyEntry::position(entries, &local_pref, range.family()).unwrap_or_default();
        let value = format!("local preference {local_pref}");
        found.push((format!("{below}.withLocalPref[{at}].localPref"), value));
    }
    let standard = attributes.communities.iter().copied();
    let large = attributes.large_communities.iter().copied();
    let communities = standard
        .map(frrk8s_model::AnyCommunity::Standard)
        .chain(large.map(frrk8s_model::AnyCommunity::Large));
    for community in communities {
        let entries = &neighbor.communities;
        let at = PropertyEntry::position(entries, &community, range.family()).unwrap_or_default();
        let value = format!("community {community}");
        found.push((format!("{below}.withCommunity[{at}].community"), value));
    }
    found
}

/// Whether a neighbor takes exactly these routes.
fn takes(router: &RouterFragment, peer: PeerIx, neighbor: &NeighborFragment, range: &PrefixRange) -> bool {
    let policy = &router.incoming;
    let listed = policy
        .audience_of(range)
        .is_some_and(|audience| frrk8s_model::member(policy.members(audience), peer).is_some());
    listed && !neighbor.session.receive_all
}
