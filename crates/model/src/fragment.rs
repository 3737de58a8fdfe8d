//! One object's part of a node's configuration.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::{
    AnyCommunity, Asn, BfdProfile, BfdProfileName, Evpn, Family, ObjectId, Peer, Policy, Session, Vrf, masked,
};

/// What one object asks for: parsed, self-contained, every word of it acceptable to FRR. Lists keep
/// the object's own order and length, so a position in them is a position in the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The object.
    pub object: ObjectId,
    /// `spec.bgp.routers`. Two of them may be for one VRF.
    pub routers: Vec<RouterFragment>,
    /// `spec.bgp.bfdProfiles`.
    pub bfd_profiles: Vec<(BfdProfileName, BfdProfile)>,
    /// `spec.raw`, when it has a text.
    pub raw: Option<RawSnippet>,
}

/// One router of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterFragment {
    /// The VRF.
    pub vrf: Vrf,
    /// The router's own AS.
    pub asn: Asn,
    /// The router id, if set.
    pub id: Option<Ipv4Addr>,
    /// `neighbors`. The same peer may stand there twice.
    pub neighbors: Vec<NeighborFragment>,
    /// `prefixes`: what the router originates. Sorted, each once.
    pub prefixes: Vec<IpNet>,
    /// `imports`: the VRFs whose routes this one takes.
    pub imports: BTreeSet<Vrf>,
    /// `evpn`.
    pub evpn: Option<Evpn>,
    /// What goes to whom; a [`crate::PeerIx`] is a position in `neighbors`.
    pub outgoing: Policy,
    /// What is taken from whom, aside from those from whom all is taken; peers likewise.
    pub incoming: Policy,
}

/// One neighbor of one router of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighborFragment {
    /// The other end.
    pub peer: Peer,
    /// The session with it.
    pub session: Session,
    /// The Secret that the password came from.
    pub password_secret: Option<Arc<str>>,
    /// `toAdvertise.withLocalPref`, entry by entry.
    pub local_prefs: Vec<PropertyEntry<u32>>,
    /// `toAdvertise.withCommunity`, entry by entry.
    pub communities: Vec<PropertyEntry<AnyCommunity>>,
}

/// One entry of a list that gives prefixes a property; which entry it was is found again by value and
/// family, for a value may stand there once a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PropertyEntry<T> {
    /// The property.
    pub value: T,
    /// Whether it has IPv4 prefixes.
    pub v4: bool,
    /// Whether it has IPv6 prefixes.
    pub v6: bool,
}

impl<T: PartialEq> PropertyEntry<T> {
    /// The position of the entry that gives a family's prefixes this value.
    pub fn position(entries: &[Self], value: &T, family: Family) -> Option<usize> {
        entries.iter().position(|entry| {
            let has = match family {
                Family::V4 => entry.v4,
                Family::V6 => entry.v6,
            };
            has && entry.value == *value
        })
    }
}

/// Lines of FRR's own language, carried as they are. `Debug` masks what may be a secret in them.
#[derive(Clone, PartialEq, Eq)]
pub struct RawSnippet {
    /// Who wrote them.
    pub object: ObjectId,
    /// Lower ones come first; equal ones by object.
    pub priority: i64,
    /// The lines; each ends with a line feed.
    pub text: Arc<str>,
}

impl fmt::Debug for RawSnippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.text.lines().map(masked).collect();
        let mut snippet = f.debug_struct("RawSnippet");
        snippet.field("object", &self.object).field("priority", &self.priority).field("text", &lines).finish()
    }
}
