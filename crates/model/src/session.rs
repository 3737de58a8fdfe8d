//! The parameters of one session, as one object gives them or as the merge has settled them.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{Asn, BfdProfileName, Family, RemoteAs, Secret, UpdateSource};

/// What is agreed about one neighbor, its policy aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The other end's autonomous system.
    pub remote_as: RemoteAs,
    /// TCP port of the other end; unset is 179.
    pub port: Option<u16>,
    /// Where the session starts from.
    pub source: Option<UpdateSource>,
    /// TCP-MD5 password.
    pub password: Option<Secret>,
    /// Hold time in seconds, 0 or 3 to 65535; unset is 180.
    pub hold_time: Option<u16>,
    /// Keepalive interval in seconds; unset is 60.
    pub keepalive_time: Option<u16>,
    /// Seconds between attempts to connect, 1 to 65535; the API takes unset for 60, FRR has its own.
    pub connect_time: Option<u16>,
    /// Whether the other end may be more than one hop away.
    pub ebgp_multihop: bool,
    /// The AS shown to this neighbor in place of the router's.
    pub local_as: Option<Asn>,
    /// Whether an address carries both families.
    pub dual_stack: bool,
    /// The profile of the BFD session beside it.
    pub bfd_profile: Option<BfdProfileName>,
    /// Graceful restart (RFC 4724).
    pub graceful_restart: bool,
    /// Next hop of the IPv4 routes sent.
    pub next_hop_v4: Option<Ipv4Addr>,
    /// Next hop of the IPv6 routes sent.
    pub next_hop_v6: Option<Ipv6Addr>,
    /// Whether unicast routes are exchanged.
    pub unicast: bool,
    /// Whether EVPN routes are exchanged.
    pub evpn: bool,
    /// Whether every route is taken.
    pub receive_all: bool,
}

/// The port that an unset one stands for (RFC 4271 §8.2.1).
pub const PORT_DEFAULT: u16 = 179;
/// Seconds that an unset hold time stands for.
pub const HOLD_TIME_DEFAULT: u16 = 180;
/// Seconds that an unset keepalive time stands for.
pub const KEEPALIVE_TIME_DEFAULT: u16 = 60;
/// Seconds that an unset connect time stands for when objects are compared.
pub const CONNECT_TIME_DEFAULT: u16 = 60;

impl Session {
    /// A session with nothing set but the other end's AS: unicast, as the API's default has it.
    pub fn new(remote_as: RemoteAs) -> Self {
        Self {
            remote_as,
            port: None,
            source: None,
            password: None,
            hold_time: None,
            keepalive_time: None,
            connect_time: None,
            ebgp_multihop: false,
            local_as: None,
            dual_stack: false,
            bfd_profile: None,
            graceful_restart: false,
            next_hop_v4: None,
            next_hop_v6: None,
            unicast: true,
            evpn: false,
            receive_all: false,
        }
    }

    /// The address families, as `addressFamilies` has them, with commas.
    pub fn families(&self) -> &'static str {
        match (self.unicast, self.evpn) {
            (true, true) => "unicast, evpn",
            (false, true) => "evpn",
            _ => "unicast",
        }
    }

    /// The next hop of the routes of a family, as FRR reads it.
    pub fn next_hop(&self, family: Family) -> Option<String> {
        match family {
            Family::V4 => self.next_hop_v4.map(|address| address.to_string()),
            Family::V6 => self.next_hop_v6.map(|address| address.to_string()),
        }
    }
}
