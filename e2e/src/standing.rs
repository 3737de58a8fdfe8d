//! Sessions that stand while configuration changes, seen from both ends.

use std::net::IpAddr;
use std::time::Duration;

use frrk8s_testkit::lab::{Daemon, LabError, Router, wait_until};
use serde_json::Value;

/// How long a session may take to drop, or to come up: bgpd holds new ones back for its delay timer (5 s), and a
/// busy machine for longer.
pub const SESSION_LIMIT: Duration = Duration::from_secs(40);

/// How long a new session waits before it is told what changes: a second, and some more by the number of sessions. What
/// is withdrawn meanwhile, 8.4 forgets: the peer keeps it.
pub const COALESCE: Duration = Duration::from_millis(1900);

/// What a router counts of a session. It forgets when the neighbor is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// How often it came up.
    pub established: u64,
    /// How often it dropped after that.
    pub dropped: u64,
}

/// A session as one of its routers knows it.
#[derive(Clone, Debug)]
pub struct End<'a> {
    /// The router.
    pub router: &'a Router,
    /// The VRF of the session.
    pub vrf: Option<&'a str>,
    /// The name of the other end: an address or an interface.
    pub peer: String,
}

impl End<'_> {
    /// What is counted; zeros where there is no such neighbor.
    pub fn counters(&self) -> Result<Counters, LabError> {
        let vrf = self.vrf.map(|vrf| format!("vrf {vrf} ")).unwrap_or_default();
        let command = format!("show bgp {vrf}neighbors {} json", self.peer);
        let shown = self.router.show_json(Daemon::Bgpd, &command)?;
        let count = |name: &str| shown[&self.peer][name].as_u64().unwrap_or_default();
        Ok(Counters { established: count("connectionsEstablished"), dropped: count("connectionsDropped") })
    }

    /// Whether it is up.
    pub fn is_up(&self) -> Result<bool, LabError> {
        self.router.established(&self.peer, self.vrf)
    }

    /// Waits until this end has seen it drop.
    pub fn wait_drop(&self, before: Counters) -> Result<(), LabError> {
        let what = format!("the session of {} to drop", self.peer);
        wait_until(SESSION_LIMIT, &what, || Ok(self.counters()?.dropped > before.dropped)).map(drop)
    }
}

/// How long a session with an address has been up.
pub fn up_for(router: &Router, peer: IpAddr) -> Result<Duration, LabError> {
    let shown = router.show_json(Daemon::Bgpd, &format!("show bgp neighbors {peer} json"))?;
    Ok(age(&shown[peer.to_string()]))
}

fn age(neighbor: &Value) -> Duration {
    Duration::from_millis(neighbor["bgpTimerUpMsec"].as_u64().unwrap_or_default())
}

/// Whether all sessions of a router that are up, in every VRF, are old enough for what is withdrawn to arrive.
pub fn are_of_age(router: &Router) -> Result<bool, LabError> {
    let shown = router.show_json(Daemon::Bgpd, "show bgp vrf all neighbors json")?;
    let vrfs = shown.as_object().into_iter().flat_map(|vrfs| vrfs.values());
    let neighbors = vrfs.filter_map(Value::as_object).flat_map(|vrf| vrf.values());
    let mut up = neighbors.filter(|neighbor| neighbor["bgpState"] == "Established");
    Ok(up.all(|neighbor| age(neighbor) >= COALESCE))
}

/// Both ends of a session.
#[derive(Clone, Debug)]
pub struct Ends<'a> {
    /// On the node whose configuration changes.
    pub node: End<'a>,
    /// On the other router. It counts also what the node forgets.
    pub far: End<'a>,
}

impl Ends<'_> {
    /// What both count.
    pub fn counters(&self) -> Result<[Counters; 2], LabError> {
        Ok([self.node.counters()?, self.far.counters()?])
    }

    /// Whether both say that it is up.
    pub fn is_up(&self) -> Result<bool, LabError> {
        Ok(self.node.is_up()? && self.far.is_up()?)
    }

    /// Waits until both say that it is up.
    pub fn wait_up(&self) -> Result<(), LabError> {
        let what = format!("the session of {} to come up", self.node.peer);
        wait_until(SESSION_LIMIT, &what, || self.is_up()).map(drop)
    }

    /// Waits until the other end has seen it drop.
    pub fn wait_drop(&self, before: Counters) -> Result<(), LabError> {
        self.far.wait_drop(before)
    }
}
