//! Autonomous system numbers.

use std::fmt;
use std::num::NonZeroU32;

/// An autonomous system number, 1 to 4294967295. FRR refuses `router bgp 0` and `remote-as 0`
/// (RFC 7607 reserves AS 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(NonZeroU32);

impl Asn {
    /// The number, or `None` when it is outside of 1 to 4294967295.
    pub fn new(number: i64) -> Option<Self> {
        u32::try_from(number).ok().and_then(NonZeroU32::new).map(Self)
    }

    /// The plain number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a neighbor's autonomous system is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemoteAs {
    /// Exactly this number (`asn`).
    Number(Asn),
    /// Whatever it is, as long as it is the router's own (`dynamicASN: internal`).
    Internal,
    /// Whatever it is, as long as it is not the router's own (`dynamicASN: external`).
    External,
}

impl RemoteAs {
    /// Whether a session with this neighbor is iBGP, seen from a router of `own`.
    pub fn is_internal(self, own: Asn) -> bool {
        match self {
            Self::Number(asn) => asn == own,
            Self::Internal => true,
            Self::External => false,
        }
    }
}

impl fmt::Display for RemoteAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(asn) => asn.fmt(f),
            Self::Internal => f.write_str("internal"),
            Self::External => f.write_str("external"),
        }
    }
}
