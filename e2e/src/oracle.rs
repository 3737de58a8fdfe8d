//! What a peer must see, computed from the merged configuration by somebody who knows nothing of route maps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use frrk8s_model::{Family, IpNet, NodeConfig, PeerId, Vrf};
use frrk8s_testkit::lab::Family::{Ipv4, Ipv6};
use frrk8s_testkit::lab::Router;

/// A route as a peer has to see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Standard communities, as numbers.
    pub communities: BTreeSet<String>,
    /// Large communities.
    pub large_communities: BTreeSet<String>,
    /// The local preference, on iBGP only.
    pub local_pref: Option<u64>,
    /// The next hop, where the configuration sets one.
    pub next_hop: Option<String>,
}

/// The local preference of a route without one (RFC 4271 leaves it to the speaker; FRR and BIRD take 100).
pub const LOCAL_PREF_DEFAULT: u64 = 100;

/// Everything that a peer receives: the prefixes that the router originates, or imports from another VRF of the
/// node, and that are allowed to this peer.
pub fn received_by(config: &NodeConfig, id: &PeerId) -> BTreeMap<IpNet, Route> {
    let (Some(peer), Some(session)) = (config.peer_ix(id), config.session(id)) else {
        return BTreeMap::new();
    };
    let router = &config.routers[&id.vrf];
    let imported = router.imports.iter().filter_map(|vrf: &Vrf| config.routers.get(vrf));
    let present: BTreeSet<IpNet> =
        router.prefixes.iter().chain(imported.flat_map(|router| &router.prefixes)).copied().collect();
    let internal = session.remote_as.is_internal(router.asn);
    let mut received = BTreeMap::new();
    for (range, attributes) in config.outgoing.of_peer(peer) {
        let prefix = range.prefix();
        let family = Family::of_prefix(&prefix);
        if !present.contains(&prefix) || !session.unicast || !id.peer.carries(family, session.dual_stack) {
            continue;
        }
        let local_pref = attributes.local_pref.map_or(LOCAL_PREF_DEFAULT, u64::from);
        received.insert(
            prefix,
            Route {
                communities: attributes.communities.iter().map(ToString::to_string).collect(),
                large_communities: attributes.large_communities.iter().map(ToString::to_string).collect(),
                local_pref: internal.then_some(local_pref),
                next_hop: session.next_hop(family),
            },
        );
    }
    received
}

/// Which of the routes that a peer sends are taken.
pub fn taken_from(
    config: &NodeConfig,
    id: &PeerId,
    sent: &BTreeSet<IpNet>,
    always_block: &[IpNet],
) -> BTreeSet<IpNet> {
    let (Some(number), Some(session)) = (config.peer_ix(id), config.session(id)) else {
        return BTreeSet::new();
    };
    let ranges: Vec<_> = config.incoming.of_peer(number).map(|(range, _)| range).collect();
    let carried =
        |route: &IpNet| session.unicast && id.peer.carries(Family::of_prefix(route), session.dual_stack);
    let blocked = |route: &IpNet| always_block.iter().any(|blocked| blocked.contains(route));
    let wanted = |route: &IpNet| session.receive_all || ranges.iter().any(|range| range.contains(route));
    sent.iter().filter(|route| carried(route) && !blocked(route) && wanted(route)).copied().collect()
}

/// Whether two views of a session's routes agree; the next hop only where the configuration sets one, the local
/// preference only on iBGP.
pub fn agrees(wanted: &BTreeMap<IpNet, Route>, seen: &BTreeMap<IpNet, Route>) -> bool {
    wanted.len() == seen.len()
        && wanted.iter().all(|(prefix, wanted)| {
            seen.get(prefix).is_some_and(|seen| {
                communities_agree(&wanted.communities, &seen.communities)
                    && wanted.large_communities == seen.large_communities
                    && wanted.local_pref.is_none_or(|value| seen.local_pref == Some(value))
                    && wanted.next_hop.as_ref().is_none_or(|hop| seen.next_hop.as_ref() == Some(hop))
            })
        })
}

/// Whether the communities that arrived are those that were sent. Who receives `BLACKHOLE` adds `NO_EXPORT` by itself
/// (RFC 7999 §3.2; FRR 10 does).
fn communities_agree(wanted: &BTreeSet<String>, seen: &BTreeSet<String>) -> bool {
    const BLACKHOLE: &str = "65535:666";
    const NO_EXPORT: &str = "65535:65281";
    let mut added = wanted.clone();
    if wanted.contains(BLACKHOLE) {
        added.insert(NO_EXPORT.to_owned());
    }
    seen == wanted || *seen == added
}

/// What a router has taken from a peer.
pub fn taken(router: &Router, vrf: Option<&str>, peer: IpAddr) -> BTreeSet<IpNet> {
    let peer = peer.to_string();
    let tables = [Ipv4, Ipv6].map(|family| router.bgp_table(family, vrf).unwrap_or_default());
    let from_peer =
        tables.into_iter().flatten().filter(|(_, paths)| paths.iter().any(|path| path.peer == peer));
    from_peer.filter_map(|(prefix, _)| prefix.parse().ok()).collect()
}
