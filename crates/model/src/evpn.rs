//! EVPN: VNIs, route distinguishers and route targets (RFC 7432, RFC 8365).

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A VXLAN network identifier, 1 to 16777215.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vni(u32);

impl Vni {
    /// The identifier, or `None` when it does not fit into 24 bits or is 0.
    pub fn new(number: i64) -> Option<Self> {
        u32::try_from(number).ok().filter(|number| (1..1 << 24).contains(number)).map(Self)
    }

    /// The plain number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The eight bytes behind `administrator:number`, in the three layouts of RFC 4364 §4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteDistinguisher {
    /// A two-byte AS number and four bytes.
    As2(u16, u32),
    /// An IPv4 address and two bytes.
    Ipv4(Ipv4Addr, u16),
    /// A four-byte AS number and two bytes.
    As4(u32, u16),
}

/// A route target: which VRFs take a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteTarget {
    /// A full one.
    Exact(RouteDistinguisher),
    /// `*:N`: any administrator; for the import of a VRF only.
    AnyAdministrator(u32),
}

/// Why a text is no route distinguisher or target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteDistinguisherError {
    /// Not two parts.
    #[error("is not of the form ASN:NUMBER or IPV4:NUMBER")]
    Form,
    /// The part before the colon.
    #[error("has neither an AS number up to 4294967295 nor an IPv4 address before the colon")]
    Administrator,
    /// The part behind the colon.
    #[error("has behind the colon no number up to {0}")]
    Number(u32),
}

/// Decimal digits without a sign.
fn digits<T: FromStr>(text: &str) -> Option<T> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl FromStr for RouteDistinguisher {
    type Err = RouteDistinguisherError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use RouteDistinguisherError as E;
        let (left, right) = text.split_once(':').ok_or(E::Form)?;
        if right.contains(':') {
            return Err(E::Form);
        }
        let short = || digits(right).ok_or(E::Number(u16::MAX.into()));
        if let Ok(address) = left.parse() {
            return Ok(Self::Ipv4(address, short()?));
        }
        let administrator: u32 = digits(left).ok_or(E::Administrator)?;
        match u16::try_from(administrator) {
            Ok(asn) => Ok(Self::As2(asn, digits(right).ok_or(E::Number(u32::MAX))?)),
            Err(_) => Ok(Self::As4(administrator, short()?)),
        }
    }
}

impl FromStr for RouteTarget {
    type Err = RouteDistinguisherError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("*:") {
            Some(number) => {
                digits(number).map(Self::AnyAdministrator).ok_or(RouteDistinguisherError::Number(u32::MAX))
            }
            None => text.parse().map(Self::Exact),
        }
    }
}

impl fmt::Display for RouteDistinguisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::As2(asn, number) => write!(f, "{asn}:{number}"),
            Self::Ipv4(address, number) => write!(f, "{address}:{number}"),
            Self::As4(asn, number) => write!(f, "{asn}:{number}"),
        }
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => exact.fmt(f),
            Self::AnyAdministrator(number) => write!(f, "*:{number}"),
        }
    }
}

/// What a VNI's routes carry and which routes it takes. Empty lists are implicit: FRR then derives
/// the target from the AS number and the VNI.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct VniProperties {
    /// `rd`.
    pub route_distinguisher: Option<RouteDistinguisher>,
    /// `route-target import`.
    pub import_targets: BTreeSet<RouteTarget>,
    /// `route-target export`.
    pub export_targets: BTreeSet<RouteTarget>,
}

/// The layer-3 VNI of a VRF.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct L3Vni {
    /// The identifier.
    pub vni: Vni,
    /// RD and targets of the VRF.
    pub properties: VniProperties,
    /// Whether the VRF's unicast routes are advertised as type-5 routes.
    pub advertise_unicast: bool,
}

/// The EVPN part of a router.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evpn {
    /// `advertise-all-vni`.
    pub advertise_all_vnis: bool,
    /// `advertise-svi-ip`.
    pub advertise_svi: bool,
    /// Layer-2 VNIs with their properties: in the object's order in a fragment, where one may stand
    /// twice; sorted, each once, on a node.
    pub l2_vnis: Vec<(Vni, VniProperties)>,
    /// The layer-3 VNI.
    pub l3_vni: Option<L3Vni>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishers_are_read_as_frr_reads_them() {
        let read = |text: &str| text.parse::<RouteDistinguisher>().map(|rd| rd.to_string());
        assert_eq!(read("065000:01"), Ok("65000:1".to_owned()));
        assert_eq!(read("65000:4294967295"), Ok("65000:4294967295".to_owned()));
        assert_eq!(read("4200000000:65535"), Ok("4200000000:65535".to_owned()));
        assert_eq!(read("192.0.2.1:7"), Ok("192.0.2.1:7".to_owned()));
        assert_eq!(read("65536:65536"), Err(RouteDistinguisherError::Number(65535)));
        for refused in ["foo.1:5", "1.2.3:5", "99999999999:1", "1:2:3", "1", ":1", "1:", "+1:1"] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_target_may_leave_the_administrator_open() {
        assert_eq!("*:7".parse(), Ok(RouteTarget::AnyAdministrator(7)));
        assert!("*:4294967296".parse::<RouteTarget>().is_err());
        assert!("*.*:7".parse::<RouteTarget>().is_err());
    }
}
