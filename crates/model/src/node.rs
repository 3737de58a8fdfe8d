//! What all objects together ask of one node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::IpNet;

use crate::{Asn, BfdProfile, BfdProfileName, Evpn, Peer, PeerId, PeerIx, Policy, RawSnippet, Session, Vrf};

/// The merged configuration of one node. Equal inputs give equal values, in whatever order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeConfig {
    /// One router a VRF.
    pub routers: BTreeMap<Vrf, Router>,
    /// Every session, sorted; a [`PeerIx`] of the policies is a position here.
    pub peers: Vec<PeerId>,
    /// Which prefixes go to whom, with what.
    pub outgoing: Policy,
    /// Which routes are taken from whom; peers with `receive_all` are not in it.
    pub incoming: Policy,
    /// BFD profiles, used or not.
    pub bfd_profiles: BTreeMap<BfdProfileName, BfdProfile>,
    /// Raw snippets by (priority, object).
    pub raw: Vec<RawSnippet>,
}

/// The BGP instance of one VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// The router's own AS.
    pub asn: Asn,
    /// The router id, if anybody set it.
    pub id: Option<Ipv4Addr>,
    /// The neighbors.
    pub neighbors: BTreeMap<Peer, Session>,
    /// What the router originates. Sorted, each once.
    pub prefixes: Vec<IpNet>,
    /// The VRFs whose routes this one takes.
    pub imports: BTreeSet<Vrf>,
    /// The EVPN part.
    pub evpn: Option<Evpn>,
}

impl NodeConfig {
    /// The number of a session in the policies.
    pub fn peer_ix(&self, id: &PeerId) -> Option<PeerIx> {
        let at = self.peers.binary_search(id).ok()?;
        u32::try_from(at).ok().map(PeerIx)
    }

    /// The session with a number.
    pub fn peer(&self, peer: PeerIx) -> &PeerId {
        &self.peers[peer.0 as usize]
    }

    /// The session parameters of a peer.
    pub fn session(&self, id: &PeerId) -> Option<&Session> {
        self.routers.get(&id.vrf)?.neighbors.get(&id.peer)
    }

    /// Every session with its number and parameters, sorted.
    pub fn sessions(&self) -> impl Iterator<Item = (PeerIx, &PeerId, &Router, &Session)> {
        (0..).map(PeerIx).zip(&self.peers).filter_map(|(peer, id)| {
            let router = self.routers.get(&id.vrf)?;
            Some((peer, id, router, router.neighbors.get(&id.peer)?))
        })
    }
}
