//! A node and one peer, an FRR of AS 65001, for scenarios in which more happens than objects are written.

use std::net::IpAddr;
use std::path::Path;

use frrk8s_testkit::lab::{Daemon, FrrInstall, Host, Lan, Router, RouterOptions, wait_until};

use super::api::ground;
use super::subject::{LIMIT, Subject};
use crate::oracle::taken;
use crate::standing::{End, Ends};

/// What the peer runs: a session a family, and a prefix in each, `10.9.0.0/16` and `fd00:a09::/32`.
const PEER: &str = "bgp route-map delay-timer 1
router bgp 65001
no bgp ebgp-requires-policy
no bgp network import-check
no bgp default ipv4-unicast
neighbor 192.0.2.1 remote-as 64512
neighbor 192.0.2.1 timers connect 1
neighbor 2001:db8::1 remote-as 64512
neighbor 2001:db8::1 timers connect 1
address-family ipv4 unicast
neighbor 192.0.2.1 activate
network 10.9.0.0/16
exit-address-family
address-family ipv6 unicast
neighbor 2001:db8::1 activate
network fd00:a09::/32
exit-address-family";

/// A node and its peer.
pub struct Duo {
    /// The node.
    pub subject: Subject,
    /// `192.0.2.1`: where the node is.
    pub host: Host,
    /// The peer.
    pub peer: Router,
    /// `192.0.2.2`: where the peer is.
    pub peer_host: Host,
    /// The wire.
    pub lan: Lan,
}

impl Duo {
    /// A node and its peer in the cluster that all share; `None`, and a line that says so, without one.
    pub fn start(executable: &Path, install: &FrrInstall, options: RouterOptions) -> Option<Self> {
        let cluster = ground()?;
        let mut lan = Lan::new().unwrap();
        let (host, peer_host) = (lan.host().unwrap(), lan.host().unwrap());
        let router = Router::start(install, &host.namespace, options).unwrap();
        let peer = Router::start(install, &peer_host.namespace, RouterOptions::default()).unwrap();
        let duo =
            Self { subject: Subject::start(executable, cluster, router, &[]), host, peer, peer_host, lan };
        duo.tell_peer(PEER);
        Some(duo)
    }

    /// Tells the peer some lines.
    pub fn tell_peer(&self, lines: &str) {
        let lines: Vec<&str> = lines.lines().map(str::trim).collect();
        assert_eq!(self.peer.configure(Daemon::Bgpd, &lines).unwrap(), []);
    }

    /// Waits until the peer has just these prefixes of an address of the node.
    ///
    /// # Panics
    ///
    /// When it has not in time.
    pub fn wait_received(&self, what: &str, from: &str, prefixes: &[&str]) {
        self.wait_taken((&self.peer, from), what, prefixes);
    }

    /// Waits until the node has taken just these prefixes of an address of the peer.
    ///
    /// # Panics
    ///
    /// When it has not in time.
    pub fn wait_believed(&self, what: &str, from: &str, prefixes: &[&str]) {
        self.wait_taken((&self.subject.router, from), what, prefixes);
    }

    fn wait_taken(&self, (router, from): (&Router, &str), what: &str, prefixes: &[&str]) {
        let from: IpAddr = from.parse().unwrap();
        let mut found = Vec::new();
        let arrived = wait_until(LIMIT, &format!("{what}: {prefixes:?} of {from}"), || {
            found = taken(router, None, from).iter().map(ToString::to_string).collect();
            Ok(found == prefixes)
        });
        self.subject.expect(&arrived, || format!("found {found:?}"));
    }

    /// Both ends of the session over IPv4.
    pub fn ends(&self) -> Ends<'_> {
        Ends {
            node: End { router: &self.subject.router, vrf: None, peer: self.peer_host.v4.to_string() },
            far: End { router: &self.peer, vrf: None, peer: self.host.v4.to_string() },
        }
    }
}
