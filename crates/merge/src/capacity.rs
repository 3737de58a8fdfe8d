//! What FRR's lines and route maps cannot hold, although each object by itself keeps to what they can.

use std::collections::BTreeMap;

use frrk8s_model::{
    AUDIENCES_MAX, Attributes, COMMUNITIES_MAX, Finding, Fragment, LARGE_COMMUNITIES_MAX, NodeConfig, Party,
    PeerId, PeerIx, Policy, PrefixRange, Rule, neighbor_path,
};

/// Whether routes to one peer have more communities than a line has room for.
fn overflows(attributes: &Attributes) -> bool {
    attributes.communities.len() > COMMUNITIES_MAX
        || attributes.large_communities.len() > LARGE_COMMUNITIES_MAX
}

/// The peers whose prefixes fall into more audiences than a route map can tell apart, with how many.
fn crowded(policy: &Policy) -> BTreeMap<PeerIx, usize> {
    if policy.audience_count() <= AUDIENCES_MAX {
        return BTreeMap::new();
    }
    let mut counts = BTreeMap::new();
    for (peer, _) in policy.audiences().flat_map(|(_, members)| members) {
        *counts.entry(*peer).or_default() += 1;
    }
    counts.retain(|_, count| *count > AUDIENCES_MAX);
    counts
}

/// Whether FRR can hold a configuration.
pub(crate) fn fits(config: &NodeConfig) -> bool {
    let policies = [&config.outgoing, &config.incoming];
    !config.outgoing.all_attributes().iter().any(overflows)
        && policies.iter().all(|policy| crowded(policy).is_empty())
}

/// What FRR cannot hold, each with every object that has a part in it.
pub(crate) fn findings(config: &NodeConfig, fragments: &[&Fragment]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (peer, (range, attributes)) in overflowing(config) {
        let peer = config.peer(peer);
        let message = format!(
            "{range} has {} standard and {} large communities towards neighbor {peer} together; {COMMUNITIES_MAX} and \
             {LARGE_COMMUNITIES_MAX} fit into a line of FRR's",
            attributes.communities.len(),
            attributes.large_communities.len()
        );
        let parties = parties(fragments, peer, |router, at| {
            let given = router.outgoing.of_peer(at).find(|(given, _)| *given == range);
            let count = given.map_or(0, |(_, given)| given.communities.len() + given.large_communities.len());
            (count > 0).then(|| ("toAdvertise.withCommunity", format!("{count} communities")))
        });
        findings.extend(finding(Rule::CommunitiesTooManyTogether, message, parties));
    }
    for (policy, field, way) in
        [(&config.outgoing, "toAdvertise", "go to"), (&config.incoming, "toReceive", "come from")]
    {
        for (peer, count) in crowded(policy) {
            let peer = config.peer(peer);
            let message = format!(
                "prefixes {way} neighbor {peer} in {count} different ways; a route map of FRR's can tell \
                 {AUDIENCES_MAX} apart"
            );
            let parties = parties(fragments, peer, |router, at| {
                let policy = if field == "toAdvertise" { &router.outgoing } else { &router.incoming };
                let count = policy.of_peer(at).count();
                (count > 0).then(|| (field, format!("{count} prefixes")))
            });
            findings.extend(finding(Rule::PolicyTooLargeTogether, message, parties));
        }
    }
    findings
}

/// For each peer with too many communities, the first prefix that has them.
fn overflowing(config: &NodeConfig) -> BTreeMap<PeerIx, (PrefixRange, &Attributes)> {
    let policy = &config.outgoing;
    let mut first = BTreeMap::new();
    if !policy.all_attributes().iter().any(overflows) {
        return first;
    }
    for (range, audience) in policy.entries() {
        for (peer, carried) in policy.members(*audience) {
            let attributes = policy.attributes(*carried);
            if overflows(attributes) {
                first.entry(*peer).or_insert((*range, attributes));
            }
        }
    }
    first
}

/// The neighbors of this name that have a part in something: `part` says under which field, and how large it is.
fn parties(
    fragments: &[&Fragment],
    peer: &PeerId,
    part: impl Fn(&frrk8s_model::RouterFragment, PeerIx) -> Option<(&'static str, String)>,
) -> Vec<Party> {
    let mut parties = Vec::new();
    for fragment in fragments {
        let routers = fragment.routers.iter().enumerate().filter(|(_, router)| router.vrf == peer.vrf);
        for (router_at, router) in routers {
            let neighbors = (0..).zip(&router.neighbors).filter(|(_, neighbor)| neighbor.peer == peer.peer);
            for (at, _) in neighbors {
                if let Some((field, value)) = part(router, PeerIx(at)) {
                    let path = format!("{}.{field}", neighbor_path(router_at, at as usize));
                    parties.push(Party { object: fragment.object.clone(), path, value: Some(value) });
                }
            }
        }
    }
    parties.sort();
    parties
}

fn finding(rule: Rule, message: String, parties: Vec<Party>) -> Option<Finding> {
    let mut parties = parties.into_iter();
    let first = parties.next()?;
    let mut finding = Finding::new(rule, &first.object, first.path.as_str(), message);
    finding.at = first;
    finding.others = parties.collect();
    Some(finding)
}
