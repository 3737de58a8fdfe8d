//! The join itself: every field of every fragment, into sets. Sets of distinct contributions make
//! it commutative, associative and idempotent by construction.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use frrk8s_model::{
    Asn, BfdField, BfdProfile, BfdProfileName, Evpn, Fragment, IpNet, L3Vni, NeighborField, NodeConfig, Peer,
    PeerId, PeerIx, Place, RawSnippet, Router, RouterField, RouterFragment, Session, VniProperties, Vrf,
};

use crate::NodeFacts;
use crate::claim::{Value, bfd_claim, evpn_claims, node_claims, session_claim};
use crate::policy::PolicyJoin;
use crate::runs::Runs;

/// All contributions to a node, side by side.
#[derive(Debug, Default)]
pub struct Joined {
    routers: BTreeMap<Vrf, RouterJoin>,
    /// Sessions by the number they were given when they first came up.
    peers: Vec<PeerId>,
    outgoing: PolicyJoin,
    incoming: PolicyJoin,
    bfd_profiles: BTreeMap<BfdProfileName, BTreeSet<BfdProfile>>,
    raw: BTreeMap<(i64, frrk8s_model::ObjectId), RawSnippet>,
    node_claims: BTreeMap<Place, BTreeSet<Value>>,
}

#[derive(Debug, Default)]
struct RouterJoin {
    asns: BTreeSet<Asn>,
    ids: BTreeSet<Ipv4Addr>,
    neighbors: BTreeMap<Peer, NeighborJoin>,
    prefixes: Runs<IpNet, ()>,
    imports: BTreeSet<Vrf>,
    evpn: BTreeSet<Evpn>,
}

#[derive(Debug)]
struct NeighborJoin {
    number: PeerIx,
    sessions: BTreeSet<Session>,
}

impl Joined {
    /// The join of these fragments on this node, whose own addresses are nobody's neighbors.
    pub fn of<'a>(fragments: impl IntoIterator<Item = &'a Fragment>, node: &NodeFacts) -> Self {
        let mut joined = Self::default();
        for fragment in fragments {
            joined.add(fragment, node);
        }
        joined.outgoing.finish();
        joined.incoming.finish();
        joined
    }

    fn add(&mut self, fragment: &Fragment, node: &NodeFacts) {
        for router in &fragment.routers {
            self.add_router(router, node);
        }
        for (name, profile) in &fragment.bfd_profiles {
            let profiles = self.bfd_profiles.entry(name.clone()).or_default();
            profiles.insert(profile.clone());
        }
        if let Some(raw) = &fragment.raw {
            self.raw.insert((raw.priority, raw.object.clone()), raw.clone());
        }
    }

    fn add_router(&mut self, router: &RouterFragment, node: &NodeFacts) {
        let joined = self.routers.entry(router.vrf.clone()).or_default();
        joined.asns.insert(router.asn);
        joined.ids.extend(router.id);
        let mut numbers = Vec::with_capacity(router.neighbors.len());
        for neighbor in &router.neighbors {
            if node.is_own(&router.vrf, &neighbor.peer) {
                numbers.push(None);
                continue;
            }
            let peers = &mut self.peers;
            if !joined.neighbors.contains_key(&neighbor.peer) {
                let number = PeerIx(u32::try_from(peers.len()).unwrap_or(u32::MAX));
                peers.push(PeerId { vrf: router.vrf.clone(), peer: neighbor.peer.clone() });
                let sessions = BTreeSet::new();
                joined.neighbors.insert(neighbor.peer.clone(), NeighborJoin { number, sessions });
            }
            if let Some(known) = joined.neighbors.get_mut(&neighbor.peer) {
                numbers.push(Some(known.number));
                if !known.sessions.contains(&neighbor.session) {
                    known.sessions.insert(neighbor.session.clone());
                }
            }
        }
        let prefixes = router.prefixes.iter().map(|prefix| (*prefix, ()));
        joined.prefixes.push(prefixes.collect(), &mut |(), ()| ());
        joined.imports.extend(router.imports.iter().cloned());
        if let Some(evpn) = &router.evpn {
            joined.evpn.insert(evpn.clone());
            for (place, value, _) in node_claims(router, node) {
                self.node_claims.entry(place).or_default().insert(value);
            }
        }
        self.outgoing.add(&router.outgoing, &numbers);
        self.incoming.add(&router.incoming, &numbers);
    }

    /// Every place where two contributions claim different values.
    pub fn disputed(&self) -> BTreeSet<Place> {
        let mut disputed = BTreeSet::new();
        for (vrf, router) in &self.routers {
            if router.asns.len() > 1 {
                disputed.insert(Place::Router(vrf.clone(), RouterField::Asn));
            }
            if router.ids.len() > 1 {
                disputed.insert(Place::Router(vrf.clone(), RouterField::Id));
            }
            disputed.extend(router.disputed_neighbors(vrf));
            let claims = router.evpn.iter().flat_map(|evpn| evpn_claims(vrf, evpn));
            disputed.extend(torn(claims.map(|(place, value, _)| (place, value))));
            let l3 = router.evpn.iter().any(|evpn| evpn.l3_vni.is_some());
            if l3 && !router.neighbors.is_empty() {
                disputed.insert(Place::RouterUse(vrf.clone()));
            }
        }
        for (name, profiles) in self.bfd_profiles.iter().filter(|(_, set)| set.len() > 1) {
            disputed.extend(torn(profiles.iter().flat_map(|profile| {
                let field = |&field| (Place::Bfd(name.clone(), field), bfd_claim(profile, field).0);
                BfdField::ALL.iter().map(field)
            })));
        }
        let node_claims = self.node_claims.iter().filter(|(_, values)| values.len() > 1);
        disputed.extend(node_claims.map(|(place, _)| place.clone()));
        disputed.extend(
            self.outgoing
                .disputed()
                .into_iter()
                .map(|(peer, range)| Place::LocalPref(self.peers[peer.0 as usize].clone(), range.prefix())),
        );
        disputed
    }

    /// The node's configuration, given that nothing is disputed.
    pub fn settle(self) -> NodeConfig {
        let mut sorted = self.peers.clone();
        sorted.sort();
        let number = |id: &PeerId| {
            let at = sorted.binary_search(id).ok()?;
            u32::try_from(at).ok().map(PeerIx)
        };
        let numbers: Vec<_> = self.peers.iter().map(number).collect();
        let takes_all = |id: &PeerId| {
            let neighbor = self.routers.get(&id.vrf).and_then(|r| r.neighbors.get(&id.peer));
            neighbor.is_some_and(|n| n.sessions.iter().any(|session| session.receive_all))
        };
        let filtered: Vec<_> = self.peers.iter().map(|id| number(id).filter(|_| !takes_all(id))).collect();
        NodeConfig {
            outgoing: self.outgoing.settle(&numbers),
            incoming: self.incoming.settle(&filtered),
            routers: self
                .routers
                .into_iter()
                .filter_map(|(vrf, router)| Some((vrf, router.settle()?)))
                .collect(),
            peers: sorted,
            bfd_profiles: self
                .bfd_profiles
                .into_iter()
                .filter_map(|(name, profiles)| Some((name, profiles.into_iter().next()?)))
                .collect(),
            raw: self.raw.into_values().collect(),
        }
    }
}

impl RouterJoin {
    fn disputed_neighbors(&self, vrf: &Vrf) -> BTreeSet<Place> {
        let several = self.neighbors.iter().filter(|(_, n)| n.sessions.len() > 1);
        several
            .flat_map(|(peer, neighbor)| {
                let id = PeerId { vrf: vrf.clone(), peer: peer.clone() };
                torn(neighbor.sessions.iter().flat_map(move |session| {
                    let id = id.clone();
                    NeighborField::ALL.iter().filter_map(move |&field| {
                        let (value, _) = session_claim(&id.peer, session, field)?;
                        Some((Place::Neighbor(id.clone(), field), value))
                    })
                }))
            })
            .collect()
    }

    fn settle(self) -> Option<Router> {
        Some(Router {
            asn: self.asns.first().copied()?,
            id: self.ids.first().copied(),
            neighbors: self
                .neighbors
                .into_iter()
                .filter_map(|(peer, n)| Some((peer, n.sessions.into_iter().reduce(join_sessions)?)))
                .collect(),
            prefixes: self.prefixes.finish(&mut |(), ()| ()).into_iter().map(|(prefix, ())| prefix).collect(),
            imports: self.imports,
            evpn: settle_evpn(self.evpn),
        })
    }
}

/// Places with more than one value.
fn torn(claims: impl Iterator<Item = (Place, Value)>) -> Vec<Place> {
    let mut values: BTreeMap<Place, BTreeSet<Value>> = BTreeMap::new();
    for (place, value) in claims {
        values.entry(place).or_default().insert(value);
    }
    let torn = values.into_iter().filter(|(_, values)| values.len() > 1);
    torn.map(|(place, _)| place).collect()
}

/// Two undisputed contributions to one session: what either sets is set.
fn join_sessions(a: Session, b: Session) -> Session {
    Session {
        remote_as: a.remote_as,
        port: a.port.or(b.port),
        source: a.source,
        password: a.password,
        hold_time: a.hold_time.or(b.hold_time),
        keepalive_time: a.keepalive_time.or(b.keepalive_time),
        connect_time: a.connect_time.or(b.connect_time),
        ebgp_multihop: a.ebgp_multihop,
        local_as: a.local_as,
        dual_stack: a.dual_stack || b.dual_stack,
        bfd_profile: a.bfd_profile.or(b.bfd_profile),
        graceful_restart: a.graceful_restart || b.graceful_restart,
        next_hop_v4: a.next_hop_v4.or(b.next_hop_v4),
        next_hop_v6: a.next_hop_v6.or(b.next_hop_v6),
        unicast: a.unicast || b.unicast,
        evpn: a.evpn || b.evpn,
        receive_all: a.receive_all || b.receive_all,
    }
}

/// Undisputed EVPN parts of one router, as one.
fn settle_evpn(parts: BTreeSet<Evpn>) -> Option<Evpn> {
    let mut settled: Option<Evpn> = None;
    let mut l2_vnis: BTreeMap<_, VniProperties> = BTreeMap::new();
    for part in parts {
        for (vni, properties) in part.l2_vnis {
            join_properties(l2_vnis.entry(vni).or_default(), properties);
        }
        let evpn = settled.get_or_insert_default();
        evpn.advertise_all_vnis |= part.advertise_all_vnis;
        evpn.advertise_svi |= part.advertise_svi;
        match (&mut evpn.l3_vni, part.l3_vni) {
            (Some(known), Some(L3Vni { properties, advertise_unicast, .. })) => {
                known.advertise_unicast |= advertise_unicast;
                join_properties(&mut known.properties, properties);
            }
            (known, more) => *known = known.take().or(more),
        }
    }
    settled.map(|evpn| Evpn { l2_vnis: l2_vnis.into_iter().collect(), ..evpn })
}

fn join_properties(known: &mut VniProperties, more: VniProperties) {
    known.route_distinguisher = known.route_distinguisher.or(more.route_distinguisher);
    known.import_targets.extend(more.import_targets);
    known.export_targets.extend(more.export_targets);
}
