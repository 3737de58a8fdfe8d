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

/// The first part of the names of every session's route maps. Two sessions can ask for the same one: an interface
/// `eth0-red` or `10.0.0.1-red` of the default VRF, and the peer `eth0` or `10.0.0.1` of the VRF `red`. The first keeps
/// it, the next gets `~2` behind it; addresses come first, because raw snippets rely on their names.
pub(crate) fn peer_names(config: &NodeConfig) -> BTreeMap<PeerId, String> {
    let (mut taken, mut names) = (BTreeSet::new(), BTreeMap::new());
    let (addresses, interfaces): (Vec<_>, Vec<_>) =
        config.peers.iter().partition(|id| matches!(id.peer, Peer::Address(_)));
    for id in addresses.into_iter().chain(interfaces) {
        let plain = peer_name(id);
        let copies = (2..).map(|copy: u32| format!("{plain}~{copy}"));
        let name = std::iter::once(plain.clone()).chain(copies).find(|name| !taken.contains(name));
        let name = name.unwrap_or(plain);
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
        let interface = |name: &str| Peer::Interface(InterfaceName::new(name).unwrap());
        let address = Peer::Address("10.0.0.1".parse().unwrap());
        let red = Vrf::Named(VrfName::new("red").unwrap());
        let peers = vec![
            PeerId { vrf: Vrf::Default, peer: interface("10.0.0.1-red") },
            PeerId { vrf: Vrf::Default, peer: interface("eth0-red") },
            PeerId { vrf: red.clone(), peer: address },
            PeerId { vrf: red, peer: interface("eth0") },
        ];
        let config = NodeConfig { peers: peers.clone(), ..NodeConfig::default() };
        let names = peer_names(&config);
        let names: Vec<_> = peers.iter().map(|id| names[id].as_str()).collect();
        assert_eq!(names, ["10.0.0.1-red~2", "eth0-red", "10.0.0.1-red", "eth0-red~2"]);
    }
}
