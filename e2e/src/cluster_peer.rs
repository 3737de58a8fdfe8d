//! A node of a cluster with a neighbor that sees every message: whether a route ever left, if only for a moment.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frrk8s_model::IpNet;
use frrk8s_testkit::cluster::{Cluster, ClusterOptions};
use frrk8s_testkit::lab::{Lan, Router, RouterOptions, installs};

use crate::agent::{Agent, Home};
use crate::cluster_lab::{agent_as, cluster_with, object};
use crate::speaker::wire::{Sessions, Wire};
use crate::speaker::{Seen, Speaker};

/// How long anything may take that an agent does by itself once its API is well again.
pub const RECOVERY: Duration = Duration::from_mins(2);

/// A cluster with a node of AS 64512, which has a session with 192.0.2.2 of AS 64513.
#[derive(Debug)]
pub struct Watched {
    /// The cluster.
    pub cluster: Cluster,
    /// The node.
    pub router: Router,
    /// The directories of its agent.
    pub home: Home,
    wire: Arc<Wire>,
    _speaker: Speaker,
    _lan: Lan,
}

/// An object that advertises prefixes to the neighbor. `more` is more of the spec.
pub fn advertises(name: &str, prefixes: &[&str], more: &str) -> String {
    let prefixes = prefixes.join(", ");
    let neighbor = "{address: 192.0.2.2, asn: 64513, connectTime: 1s, toAdvertise: {allowed: {mode: all}}}";
    let router = format!("{{asn: 64512, prefixes: [{prefixes}], neighbors: [{neighbor}]}}");
    object(name, &format!("{{bgp: {{routers: [{router}]}}{more}}}"))
}

impl Watched {
    /// Starts everything but the agent; `None` where this machine has no API server or no FRR, and says so.
    pub fn start(options: &ClusterOptions) -> Option<Self> {
        let install = installs().pop()?;
        let cluster = cluster_with(options)?;
        let mut lan = Lan::new().unwrap();
        let node = lan.router(&install, RouterOptions::default()).unwrap();
        let host = lan.host().unwrap();
        let wire = Arc::<Wire>::default();
        let speaker =
            Speaker::start(&host.namespace, (host.v4.into(), 64513), Some(wire.witness(0))).unwrap();
        let home = Home::new();
        Some(Self { cluster, router: node.router, home, wire, _speaker: speaker, _lan: lan })
    }

    /// Starts the agent.
    pub fn agent(&self, executable: &str, more: &[&str]) -> Agent {
        self.agent_as(executable, self.cluster.kubeconfig(), more)
    }

    /// The same as the user of a kubeconfig.
    pub fn agent_as(&self, executable: &str, kubeconfig: &Path, more: &[&str]) -> Agent {
        agent_as(Path::new(executable), (kubeconfig, &self.router), &self.home, more)
    }

    /// Applies objects.
    pub fn apply(&self, yaml: &str) {
        self.cluster.apply_yaml(yaml).unwrap();
    }

    /// Waits until the neighbor has exactly these prefixes; how long that took.
    ///
    /// # Panics
    ///
    /// When it has not in time.
    pub fn wait_for(&self, prefixes: &[&str]) -> Duration {
        let wanted = set(prefixes);
        let start = Instant::now();
        let came = self.wire.wait(RECOVERY, |sessions| table(sessions) == wanted);
        assert!(came, "the neighbor has {:?} instead of {wanted:?}", table(&self.wire.now()));
        start.elapsed()
    }

    /// From here on it counts what leaves.
    pub fn mark(&self) {
        self.wire.forget();
    }

    /// Nothing has left since, and nothing has come but these prefixes. What may leave is `gone`.
    ///
    /// # Panics
    ///
    /// When something has.
    pub fn assert_left_only(&self, gone: &[&str]) {
        let gone = set(gone);
        let log = self.wire.now().log;
        let has_left = |seen: &Seen| match seen {
            Seen::Withdrawn(prefix) => !gone.contains(prefix),
            Seen::Down => true,
            _ => false,
        };
        let left: Vec<_> = log.iter().filter(|(_, seen)| has_left(seen)).collect();
        assert!(left.is_empty(), "{left:?} of {log:#?}");
    }

    /// The prefixes that the neighbor has now.
    pub fn table(&self) -> BTreeSet<IpNet> {
        table(&self.wire.now())
    }
}

/// Prefixes as a set.
pub fn set(prefixes: &[&str]) -> BTreeSet<IpNet> {
    prefixes.iter().map(|text| text.parse().unwrap()).collect()
}

fn table(sessions: &Sessions) -> BTreeSet<IpNet> {
    sessions.tables.get(&0).into_iter().flat_map(|table| table.keys().copied()).collect()
}

/// How long an API server is away: `FRRK8S_OUTAGE_SECONDS`, 20 by default.
pub fn outage() -> Duration {
    let asked = std::env::var("FRRK8S_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(20))
}

/// Watches for so long that nothing leaves, rather than for something to happen.
pub fn nothing_leaves_for(watched: &Watched, long: Duration) {
    let start = Instant::now();
    while start.elapsed() < long {
        watched.assert_left_only(&[]);
        std::thread::sleep(Duration::from_millis(200));
    }
}
