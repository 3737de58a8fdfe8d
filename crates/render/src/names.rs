//! Names of route maps. People's raw snippets refer to `<peer>-in` and `<peer>-out`.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_model::{NodeConfig, Peer, PeerId, Vrf};

/// A direction of routes, seen from the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the peer.
    In,
    /// To the peer.
    Out,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::In, Self::Out];

    /// `in` or `out`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// What the names of a session's policy begin with: the peer, and its VRF where it is in one.
pub fn peer_name(id: &PeerId) -> String {
    match &id.vrf {
        Vrf::Default => id.peer.to_string(),
        Vrf::Named(vrf) => format!("{}-{vrf}", id.peer),
    }
}

/// The first part of the names of every session's route maps. An interface `eth0-red` of the default
/// VRF and an interface `eth0` of the VRF `red` would share one: the second gets `~2` behind it.
pub(crate) fn peer_names(config: &NodeConfig) -> BTreeMap<PeerId, String> {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for id in &config.peers {
        let plain = peer_name(id);
        let mut name = plain.clone();
        let mut copy = 2;
        // Only interface names can end in what a VRF adds.
        while matches!(id.peer, Peer::Interface(_)) && taken.contains(&name) {
            name = format!("{plain}~{copy}");
            copy += 1;
        }
        taken.insert(name.clone());
        names.insert(id.clone(), name);
    }
    names
}

/// The name of a route map.
pub(crate) fn map_name(peer_name: &str, direction: Direction) -> String {
    format!("{peer_name}-{}", direction.as_str())
}

#[cfg(test)]
mod tests {
    use frrk8s_model::{InterfaceName, VrfName};

    use super::*;

    #[test]
    fn two_sessions_never_share_a_name() {
        let plain = Peer::Interface(InterfaceName::new("eth0").unwrap());
        let lookalike = Peer::Interface(InterfaceName::new("eth0-red").unwrap());
        let red = Vrf::Named(VrfName::new("red").unwrap());
        let peers = vec![PeerId { vrf: Vrf::Default, peer: lookalike }, PeerId { vrf: red, peer: plain }];
        let config = NodeConfig { peers, ..NodeConfig::default() };
        let names: Vec<_> = peer_names(&config).into_values().collect();
        assert_eq!(names, ["eth0-red", "eth0-red~2"]);
    }
}
