//! What the merge has to know of the node itself.

use std::collections::BTreeSet;
use std::net::IpAddr;

use frrk8s_model::{Peer, Vrf};

/// Facts about the node that its objects do not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// The node's own addresses, by VRF. FRR refuses a neighbor that is the router itself, and objects
    /// that list every node of a full mesh are ordinary: such a neighbor is left out on that node.
    pub own_addresses: BTreeSet<(Vrf, IpAddr)>,
}

impl NodeFacts {
    /// Whether a peer in a VRF is the node itself.
    pub fn is_own(&self, vrf: &Vrf, peer: &Peer) -> bool {
        match peer {
            Peer::Interface(_) => false,
            Peer::Address(address) => {
                let mut own = self.own_addresses.iter();
                own.any(|(own_vrf, own)| own_vrf == vrf && own == address)
            }
        }
    }
}
