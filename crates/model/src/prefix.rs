//! Addresses and prefixes in their one canonical form: host bits cleared, IPv6 in RFC 5952's
//! spelling, and IPv4 written as IPv4-mapped IPv6 taken for the IPv4 that it is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// An address family of unicast routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families, IPv4 first.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    pub fn of_address(address: &IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The family of a prefix.
    pub fn of_prefix(prefix: &IpNet) -> Self {
        match prefix {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }

    /// The length of a host prefix, in bits.
    pub fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// `ipv4` or `ipv6`.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        })
    }
}

/// The canonical form of an address text, or `None` when it is none. Zones are not taken.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// The canonical form of a prefix in CIDR notation, or `None` when it is none.
pub fn parse_prefix(text: &str) -> Option<IpNet> {
    text.parse().ok().map(canonical_prefix)
}

/// The canonical form of a prefix: host bits cleared, IPv4-mapped as IPv4.
pub fn canonical_prefix(prefix: IpNet) -> IpNet {
    if let IpNet::V6(v6) = prefix
        // Below /96 the prefix covers more than the mapped addresses: it is an IPv6 one.
        && let (Some(v4), Some(len)) = (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96))
        && let Ok(v4) = Ipv4Net::new(v4, len)
    {
        return v4.trunc().into();
    }
    prefix.trunc()
}

/// A prefix and the lengths of the routes inside it that are meant: FRR's `permit PREFIX [ge] [le]`.
/// `10.0.0.0/8` alone is exactly that route; with lengths 16 to 24 it is every route inside of
/// that size. Two spellings of one range (`ge 8 le 8`, nothing) are one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixRange {
    prefix: IpNet,
    min: u8,
    max: u8,
}

impl PrefixRange {
    /// Exactly this prefix.
    pub fn exact(prefix: IpNet) -> Self {
        let len = prefix.prefix_len();
        Self { prefix: prefix.trunc(), min: len, max: len }
    }

    /// This prefix and everything inside it.
    pub fn within(prefix: IpNet) -> Self {
        Self { prefix: prefix.trunc(), min: prefix.prefix_len(), max: prefix.max_prefix_len() }
    }

    /// The routes inside `prefix` whose length is at least `ge` and at most `le`, with FRR's
    /// meaning of an absent bound: neither is the prefix alone; `ge` alone reaches to the host
    /// length; `le` alone starts at the prefix' own length. `Err` says which bound is wrong.
    pub fn new(prefix: IpNet, ge: Option<u8>, le: Option<u8>) -> Result<Self, RangeError> {
        let (len, bits) = (prefix.prefix_len(), prefix.max_prefix_len());
        if let Some(le) = le.filter(|&le| le > bits) {
            return Err(RangeError::LeOverFamily { le, bits });
        }
        if let Some(ge) = ge.filter(|&ge| ge > bits) {
            return Err(RangeError::GeOverFamily { ge, bits });
        }
        if let Some(le) = le.filter(|&le| le < len) {
            return Err(RangeError::LeUnderLength { le, len });
        }
        if let Some(ge) = ge.filter(|&ge| ge < len) {
            return Err(RangeError::GeUnderLength { ge, len });
        }
        if let (Some(ge), Some(le)) = (ge, le)
            && ge > le
        {
            return Err(RangeError::GeOverLe { ge, le });
        }
        Ok(Self {
            prefix: prefix.trunc(),
            min: ge.unwrap_or(len),
            max: le.unwrap_or(if ge.is_some() { bits } else { len }),
        })
    }

    /// What an entry of an FRR prefix list spells; `None` where it is another text. `any` is one: it does not say of which
    /// family.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let prefix = parse_prefix(words.next()?)?;
        let (mut ge, mut le) = (None, None);
        while let Some(word) = words.next() {
            let bound = words.next()?.parse().ok()?;
            match word {
                "ge" => ge = Some(bound),
                "le" => le = Some(bound),
                _ => return None,
            }
        }
        Self::new(prefix, ge, le).ok()
    }

    /// The prefix.
    pub fn prefix(&self) -> IpNet {
        self.prefix
    }

    /// The family of the routes that are meant.
    pub fn family(&self) -> Family {
        Family::of_prefix(&self.prefix)
    }

    /// The shortest length that is meant.
    pub fn min(&self) -> u8 {
        self.min
    }

    /// The longest length that is meant.
    pub fn max(&self) -> u8 {
        self.max
    }

    /// Whether a route is meant.
    pub fn contains(&self, route: &IpNet) -> bool {
        (self.min..=self.max).contains(&route.prefix_len()) && self.prefix.contains(route)
    }
}

/// As the entry of an FRR prefix list spells it.
impl fmt::Display for PrefixRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, bits) = (self.prefix.prefix_len(), self.prefix.max_prefix_len());
        self.prefix.fmt(f)?;
        match (self.min, self.max) {
            (min, max) if min == len && max == len => Ok(()),
            (min, max) if min == len => write!(f, " le {max}"),
            (min, max) if max == bits => write!(f, " ge {min}"),
            (min, max) => write!(f, " ge {min} le {max}"),
        }
    }
}

/// Why two bounds do not go with a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// FRR refuses it: no route is that long.
    #[error("le {le} is longer than the {bits} bits of the prefix' family")]
    LeOverFamily {
        /// The bound.
        le: u8,
        /// 32 or 128.
        bits: u8,
    },
    /// FRR refuses it: no route is that long.
    #[error("ge {ge} is longer than the {bits} bits of the prefix' family")]
    GeOverFamily {
        /// The bound.
        ge: u8,
        /// 32 or 128.
        bits: u8,
    },
    /// No route inside the prefix is that short.
    #[error("le {le} is shorter than the prefix' own length {len}")]
    LeUnderLength {
        /// The bound.
        le: u8,
        /// The length of the prefix.
        len: u8,
    },
    /// No route inside the prefix is that short.
    #[error("ge {ge} is shorter than the prefix' own length {len}")]
    GeUnderLength {
        /// The bound.
        ge: u8,
        /// The length of the prefix.
        len: u8,
    },
    /// No length is both.
    #[error("ge {ge} is greater than le {le}")]
    GeOverLe {
        /// The lower bound.
        ge: u8,
        /// The upper bound.
        le: u8,
    },
}

/// Whether a session can come up with an address. FRR takes others as well, and tries for ever; a link-local address
/// needs an interface (`neighbor IF interface`).
pub fn is_session_address(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()),
        IpAddr::V6(v6) => !(v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local()),
    }
}

/// Whether FRR takes an address as next hop (`set ip next-hop`, `set ipv6 next-hop global`). It refuses what is no
/// unicast address; 10.3 more of it than 8.4.4, whose `127.0.0.0/8` and `0.0.0.0/8` are refused here as well.
pub fn is_next_hop(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !matches!(v4.octets()[0], 0 | 127 | 224..),
        IpAddr::V6(v6) => is_session_address(address) && !v6.is_loopback(),
    }
}

/// A router id, as FRR prints it. `0.0.0.0` means "choose one yourself".
pub fn parse_router_id(text: &str) -> Option<Ipv4Addr> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn canonical(text: &str) -> String {
        parse_prefix(text).map_or_else(|| "none".to_owned(), |prefix| prefix.to_string())
    }

    #[test]
    fn prefixes_have_one_spelling() {
        assert_eq!(canonical("10.1.2.3/16"), "10.1.0.0/16");
        assert_eq!(canonical("2001:DB8:0::1/64"), "2001:db8::/64");
        assert_eq!(canonical("::ffff:10.0.0.0/104"), "10.0.0.0/8");
        assert_eq!(canonical("::ffff:10.0.0.0/80"), "::/80");
        assert_eq!(canonical("10.0.0.0"), "none");
        assert_eq!(canonical("10.0.0.0/33"), "none");
        assert_eq!(canonical("10.0.0.0/8 le 9"), "none");
    }

    #[test]
    fn addresses_have_one_spelling() {
        let text = |t| parse_address(t).map(|a| a.to_string());
        assert_eq!(text("2001:DB8:0::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(text("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(text("fe80::1%eth0"), None);
    }

    #[test]
    fn what_is_spelled_is_read_and_nothing_else() {
        for text in ["10.0.0.0/8", "10.0.0.0/8 le 9", "10.0.0.0/8 ge 9", "2001:db8::/32 ge 40 le 48"] {
            assert_eq!(PrefixRange::read(text).map(|range| range.to_string()).as_deref(), Some(text));
        }
        for text in ["any", "", "10.0.0.0/8 le", "10.0.0.0/8 le x", "10.0.0.0/8 eq 9", "10.0.0.0/8 ge 9 le 8"]
        {
            assert_eq!(PrefixRange::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_has_one_value_and_one_spelling() {
        let range = |ge, le| {
            PrefixRange::new("10.0.0.0/8".parse().unwrap_or_default(), ge, le).map(|range| range.to_string())
        };
        assert_eq!(range(None, None), Ok("10.0.0.0/8".to_owned()));
        assert_eq!(range(Some(8), Some(8)), Ok("10.0.0.0/8".to_owned()));
        assert_eq!(range(None, Some(24)), Ok("10.0.0.0/8 le 24".to_owned()));
        assert_eq!(range(Some(8), None), Ok("10.0.0.0/8 le 32".to_owned()));
        assert_eq!(range(Some(16), None), Ok("10.0.0.0/8 ge 16".to_owned()));
        assert_eq!(range(Some(16), Some(24)), Ok("10.0.0.0/8 ge 16 le 24".to_owned()));
        assert_eq!(range(None, Some(64)), Err(RangeError::LeOverFamily { le: 64, bits: 32 }));
        assert_eq!(range(Some(4), None), Err(RangeError::GeUnderLength { ge: 4, len: 8 }));
        assert_eq!(range(Some(20), Some(16)), Err(RangeError::GeOverLe { ge: 20, le: 16 }));
    }

    #[test]
    fn only_unicast_addresses_are_next_hops() {
        let next_hop = |text: &str| parse_address(text).is_some_and(|a| is_next_hop(&a));
        assert!(next_hop("192.0.2.1"));
        assert!(next_hop("2001:db8::1"));
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "ff02::1",
            "fe80::1",
        ] {
            assert!(!next_hop(refused), "{refused}");
        }
        assert!(!next_hop(&Ipv6Addr::LOCALHOST.to_string()));
    }
}
