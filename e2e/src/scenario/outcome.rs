//! What is seen of a scenario on the wire, as a text.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use frrk8s_model::IpNet;

use super::cast::INTERNAL;
use crate::oracle::{LOCAL_PREF_DEFAULT, Route};

/// What is seen of each session, by the address of the peer.
pub type Outcome = BTreeMap<IpAddr, Seen>;

/// What is seen of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the peer receives of the node.
    pub received: BTreeMap<IpNet, Route>,
    /// What the node takes of that which the peer sends.
    pub taken: BTreeSet<IpNet>,
}

/// Reads lines such as
///
/// ```text
/// 192.0.2.2 receives 10.1.0.0/16 64512:1 large:1:2:3 pref:200 via:192.0.2.77, 10.2.0.0/16
/// 192.0.2.3 is believed 0.0.0.0/0, 192.168.0.0/16
/// ```
///
/// A route has just those attributes, and no communities where it names none; the next hop is looked at where one is
/// named, the local preference where the peer is of the node's AS.
///
/// # Panics
///
/// When it cannot be read.
pub fn outcome(text: &str) -> Outcome {
    let mut outcome = Outcome::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (peer, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        let peer: IpAddr = peer.parse().unwrap_or_else(|_| panic!("{line}"));
        let seen = outcome.entry(peer).or_default();
        if let Some(routes) = rest.strip_prefix("receives ") {
            seen.received.extend(routes.split(", ").map(|text| route(peer, text)));
        } else if let Some(prefixes) = rest.strip_prefix("is believed ") {
            seen.taken.extend(prefixes.split(", ").map(|prefix| prefix.parse::<IpNet>().unwrap()));
        } else {
            panic!("{line}");
        }
    }
    outcome
}

fn route(peer: IpAddr, text: &str) -> (IpNet, Route) {
    let mut words = text.split_whitespace();
    let prefix = words.next().and_then(|prefix| prefix.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    let mut route = Route { local_pref: is_internal(peer).then_some(LOCAL_PREF_DEFAULT), ..Route::default() };
    for word in words {
        if let Some(value) = word.strip_prefix("pref:") {
            route.local_pref = Some(value.parse().unwrap());
        } else if let Some(hop) = word.strip_prefix("via:") {
            route.next_hop = Some(hop.to_owned());
        } else if let Some(large) = word.strip_prefix("large:") {
            route.large_communities.insert(large.to_owned());
        } else {
            route.communities.insert(word.to_owned());
        }
    }
    (prefix, route)
}

fn is_internal(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(v4) => v4.octets()[3] == INTERNAL,
        IpAddr::V6(v6) => v6.octets()[15] == INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_the_attributes_that_stand_behind_them() {
        let seen = outcome(
            "192.0.2.2 receives 10.1.0.0/16 64512:1 large:1:2:3 via:192.0.2.77, 10.2.0.0/16
             192.0.2.2 is believed 0.0.0.0/0",
        );
        let seen = &seen[&"192.0.2.2".parse::<IpAddr>().unwrap()];
        let first = Route {
            communities: ["64512:1".to_owned()].into(),
            large_communities: ["1:2:3".to_owned()].into(),
            local_pref: None,
            next_hop: Some("192.0.2.77".to_owned()),
        };
        let prefix = |text: &str| text.parse::<IpNet>().unwrap();
        let received =
            BTreeMap::from([(prefix("10.1.0.0/16"), first), (prefix("10.2.0.0/16"), Route::default())]);
        assert_eq!(seen, &Seen { received, taken: [prefix("0.0.0.0/0")].into() });
    }

    #[test]
    fn a_peer_of_the_own_as_always_sees_a_preference() {
        let seen = outcome("192.0.2.3 receives 10.1.0.0/16");
        assert!(seen.values().all(|seen| seen.received.values().all(|route| route.local_pref == Some(100))));
    }
}
