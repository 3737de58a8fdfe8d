//! Many neighbors of one node, each with an address and a session of its own. They throw away what they are sent, and send
//! nothing: what they cost is what they cost the node.

use std::collections::BTreeMap;
use std::time::Duration;

use frrk8s_testkit::lab::{Daemon, Host, LabError, Lan, Router, wait_until};

use crate::speaker::Speaker;

/// The AS of the node.
pub const NODE_ASN: u32 = 64512;
/// The AS of the neighbors.
pub const FLEET_ASN: u32 = 65000;

/// The most neighbors: one /24 has the addresses.
pub const NEIGHBORS_MAX: usize = 150;

/// The node's place, its neighbors, and the switch between them.
#[derive(Debug)]
pub struct Fleet {
    /// Where the node's router is to be started.
    pub node: Host,
    /// For more routers.
    pub lan: Lan,
    neighbors: Vec<Speaker>,
}

/// The address of a neighbor.
///
/// # Panics
///
/// Beyond [`NEIGHBORS_MAX`].
pub fn address(at: usize) -> String {
    assert!(at < NEIGHBORS_MAX, "the lab has addresses for {NEIGHBORS_MAX} neighbors");
    format!("192.0.2.{}", 101 + at)
}

impl Fleet {
    /// So many neighbors.
    pub fn new(count: usize) -> Result<Self, LabError> {
        let mut lan = Lan::new()?;
        let node = lan.host()?;
        let namespace = lan.host()?.namespace;
        let speaker = |at| {
            let own = address(at);
            namespace.add_address("e0", &format!("{own}/24"))?;
            let own = own.parse().map_err(|_| LabError::LanFull)?;
            Speaker::start(&namespace, (own, FLEET_ASN), None)
        };
        let neighbors = (0..count).map(speaker).collect::<Result<_, _>>()?;
        Ok(Self { node, lan, neighbors })
    }

    /// Waits until each neighbor that is to have a session has been sent as many prefixes as it is to have; how many
    /// have, when that or the time has come.
    pub fn wait_sent(
        &self,
        router: &Router,
        limit: Duration,
        expected: impl Fn(usize) -> Option<usize>,
    ) -> usize {
        let expected: Vec<(String, usize)> = (0..self.neighbors.len())
            .filter_map(|at| expected(at).map(|count| (address(at), count)))
            .collect();
        let mut have = 0;
        // What is not reached in time is told by the count.
        let _ = wait_until(limit, "the neighbors to be sent their prefixes", || {
            let sent = sent(router)?;
            have = expected.iter().filter(|(address, count)| sent.get(address) == Some(count)).count();
            Ok(have == expected.len())
        });
        have
    }
}

/// How many prefixes each neighbor was sent whose session is up.
pub fn sent(router: &Router) -> Result<BTreeMap<String, usize>, LabError> {
    let shown = router.show_json(Daemon::Bgpd, "show bgp summary json")?;
    let peers = shown["ipv4Unicast"]["peers"].as_object().into_iter().flatten();
    let up = peers.filter(|(_, peer)| peer["state"] == "Established");
    let count = |value: &serde_json::Value| value.as_u64().and_then(|count| usize::try_from(count).ok());
    Ok(up.map(|(name, peer)| (name.clone(), count(&peer["pfxSnt"]).unwrap_or_default())).collect())
}
