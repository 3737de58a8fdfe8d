//! What a node's rendering depends on besides its objects.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use frrk8s_model::IpNet;

/// The options of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeOptions {
    /// What FRR calls the machine; the line is left out where unknown.
    pub hostname: Option<Hostname>,
    /// How much FRR logs.
    pub log_level: LogLevel,
    /// Routes never taken from anybody: these prefixes and everything inside them.
    pub always_block: Vec<IpNet>,
    /// The router id of routers without one, for a node that has no IPv4 address FRR could choose.
    pub router_id_fallback: Option<Ipv4Addr>,
}

/// A host name: one word of letters, digits, dots and dashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hostname(Arc<str>);

impl Hostname {
    /// The longest name, in characters (that of a Kubernetes node, RFC 1123).
    pub const CHARS_MAX: usize = 253;

    /// The name, or `None` where FRR or Kubernetes would not take it.
    pub fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let valid = text.len() <= Self::CHARS_MAX
            && text.chars().all(plain)
            && edge(text.chars().next())
            && edge(text.chars().next_back());
        valid.then(|| Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The `logLevel` of an `FRRK8sConfiguration`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// `all` and `debug`.
    Debug,
    /// `info`.
    #[default]
    Info,
    /// `warn`.
    Warn,
    /// `error`.
    Error,
    /// `none`.
    None,
}

impl LogLevel {
    /// The level of an API string.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" | "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warn" => Some(Self::Warn),
            "error" => Some(Self::Error),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The level of FRR's word.
    pub fn from_frr(word: &str) -> Option<Self> {
        let all = [Self::Debug, Self::Info, Self::Warn, Self::Error, Self::None];
        all.into_iter().find(|level| level.frr() == word)
    }

    /// FRR's word for it (syslog's).
    pub fn frr(self) -> &'static str {
        match self {
            Self::Debug => "debugging",
            Self::Info => "informational",
            Self::Warn => "warnings",
            Self::Error => "errors",
            Self::None => "emergencies",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.frr())
    }
}

/// The router id of a node without IPv4 addresses: the CRC-32 (IEEE 802.3) of its host name, read as
/// four bytes from the lowest on. The existing FRR-K8s computes the same, so a node keeps its id.
pub fn router_id_of(hostname: &str) -> Ipv4Addr {
    let mut crc = u32::MAX;
    for byte in hostname.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc = (crc >> 1) ^ (0xEDB8_8320 * carry);
        }
    }
    Ipv4Addr::from((!crc).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_router_id_of_a_host_name_is_the_one_that_frr_k8s_computes() {
        let id = router_id_of("dummyhostname");
        assert_eq!(id, Ipv4Addr::new(167, 62, 253, 30));
    }

    #[test]
    fn a_host_name_cannot_add_a_line() {
        for refused in ["", "a b", "a\nrouter bgp 1", "-a", "a.", "é", &"a".repeat(254)] {
            assert!(Hostname::new(refused).is_none(), "{refused:?}");
        }
        assert!(Hostname::new("ip-10-0-0-1.eu-west-1.compute.internal").is_some());
    }
}
