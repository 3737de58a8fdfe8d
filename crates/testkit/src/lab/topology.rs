use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::LabError;
use super::install::FrrInstall;
use super::namespace::Namespace;
use super::router::{Router, RouterOptions};

const DEVICE: &str = "e0";

/// A namespace with addresses on its device `e0`: the n-th host of a link has `192.0.2.n/24` and `2001:db8::n/64`.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its IPv4 address.
    pub v4: Ipv4Addr,
    /// Its IPv6 address.
    pub v6: Ipv6Addr,
}

impl Host {
    fn new(number: u8) -> Result<Self, LabError> {
        Ok(Self {
            namespace: Namespace::new("host")?,
            v4: Ipv4Addr::new(192, 0, 2, number),
            v6: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()),
        })
    }

    fn addresses(&self) -> [String; 2] {
        [format!("{}/24", self.v4), format!("{}/64", self.v6)]
    }
}

/// A router in a host.
#[derive(Debug)]
pub struct Node {
    /// The router.
    pub router: Router,
    /// Where it runs.
    pub host: Host,
}

/// Two routers joined by one cable: when one end goes down, the other sees it.
#[derive(Debug)]
pub struct Pair {
    /// `192.0.2.1`, `2001:db8::1`.
    pub a: Node,
    /// `192.0.2.2`, `2001:db8::2`.
    pub b: Node,
}

impl Pair {
    /// Starts both, of either version, with all their daemons.
    pub fn start(a: &FrrInstall, b: &FrrInstall) -> Result<Self, LabError> {
        let (host_a, host_b) = (Host::new(1)?, Host::new(2)?);
        let (addresses_a, addresses_b) = (host_a.addresses(), host_b.addresses());
        Namespace::veth(
            (&host_a.namespace, DEVICE, &addresses_a.each_ref().map(String::as_str)),
            (&host_b.namespace, DEVICE, &addresses_b.each_ref().map(String::as_str)),
        )?;
        let start = |install: &FrrInstall, host: Host| -> Result<Node, LabError> {
            let router = Router::start(install, &host.namespace, RouterOptions::default())?;
            Ok(Node { router, host })
        };
        Ok(Self { a: start(a, host_a)?, b: start(b, host_b)? })
    }
}

/// A switch, and any number of hosts and routers on it, each reaching each.
#[derive(Debug)]
pub struct Lan {
    switch: Namespace,
    hosts: u8,
}

impl Lan {
    const BRIDGE: &str = "lan";

    /// A switch without hosts.
    pub fn new() -> Result<Self, LabError> {
        let switch = Namespace::new("switch")?;
        switch.ip(&["link", "add", Self::BRIDGE, "type", "bridge"], &[])?;
        switch.set_link(Self::BRIDGE, true)?;
        Ok(Self { switch, hosts: 0 })
    }

    /// Adds a host, for a peer that is not FRR, or for a router with options.
    pub fn host(&mut self) -> Result<Host, LabError> {
        let number = self.hosts.checked_add(1).filter(|number| *number < 255).ok_or(LabError::LanFull)?;
        let host = Host::new(number)?;
        let port = format!("port{number}");
        let addresses = host.addresses();
        Namespace::veth(
            (&host.namespace, DEVICE, &addresses.each_ref().map(String::as_str)),
            (&self.switch, &port, &[]),
        )?;
        self.switch.ip(&["link", "set", &port, "master", Self::BRIDGE], &[])?;
        self.hosts = number;
        Ok(host)
    }

    /// Adds a host with a router.
    pub fn router(&mut self, install: &FrrInstall, options: RouterOptions) -> Result<Node, LabError> {
        let host = self.host()?;
        let router = Router::start(install, &host.namespace, options)?;
        Ok(Node { router, host })
    }
}
