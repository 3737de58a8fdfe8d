//! Who a session is with.

use std::fmt;
use std::net::IpAddr;

use crate::{Family, InterfaceName, Vrf};

/// The other end of a session inside one VRF. Addresses sort before interfaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A peer with an address, in its one canonical form.
    Address(IpAddr),
    /// Whoever answers on this interface (unnumbered peering over IPv6 link-local addresses).
    Interface(InterfaceName),
}

impl Peer {
    /// Whether the session with this peer carries the family, given its dual-stack flag:
    /// an address carries its own family, both with the flag; an interface carries both.
    pub fn carries(&self, family: Family, dual_stack: bool) -> bool {
        match self {
            Self::Address(address) => dual_stack || Family::of_address(address) == family,
            Self::Interface(_) => true,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => name.fmt(f),
        }
    }
}

/// The identity of a session on a node: its VRF and its peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId {
    /// The VRF of the router.
    pub vrf: Vrf,
    /// The other end.
    pub peer: Peer,
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.vrf {
            Vrf::Default => self.peer.fmt(f),
            Vrf::Named(vrf) => write!(f, "{} vrf {vrf}", self.peer),
        }
    }
}

/// Where a session starts from (`neighbor X update-source`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UpdateSource {
    /// A local address.
    Address(IpAddr),
    /// The addresses of a local interface.
    Interface(InterfaceName),
}

impl fmt::Display for UpdateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => name.fmt(f),
        }
    }
}
