//! A node with its agent, and the cast around it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use frrk8s_api::k8s::ResourceExt;
use frrk8s_api::{FRRConfiguration, FRRNodeStateStatus, Outcome as Fate};
use frrk8s_model::IpNet;
use frrk8s_testkit::cluster::Cluster;
use frrk8s_testkit::lab::{
    Daemon, FrrInstall, Host, LabError, Lan, Router, RouterOptions, installs, wait_until,
};
use serde_json::Value;

use super::api::{ApiClient, ground};
use super::cast::{addresses, always_block, enter};
use super::outcome::Outcome;
use super::{By, Families, Scenario, objects, outcome, split};
use crate::agent::{Agent, Home};
use crate::oracle::{agrees, taken};
use crate::other::Other;
use crate::standing::{COALESCE, up_for};

/// How long anything may take, on a machine that does much else.
const LIMIT: Duration = Duration::from_mins(1);

/// Where scenarios are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the default VRF.
    Default,
    /// In the VRF `red`.
    Red,
}

impl Place {
    fn vrf(self) -> Option<&'static str> {
        (self == Self::Red).then_some("red")
    }
}

/// A node, its agent and its peers. The namespace of its objects has the name of the node.
pub struct Stage {
    agent: Agent,
    home: Home,
    router: Router,
    cast: Vec<Other>,
    /// Where the sessions are.
    host: Host,
    _wires: Vec<Lan>,
    api: ApiClient,
    node: String,
    families: Families,
    place: Place,
    /// The objects that are there.
    standing: Vec<FRRConfiguration>,
    steps: usize,
}

/// Plays scenarios on every FRR, in each of the families; first as they are written, then split by everything.
///
/// # Panics
///
/// When something else is seen.
pub fn play(executable: &Path, scenarios: &[Scenario], (families, place): (&[Families], Place)) {
    let Some(cluster) = ground() else { return };
    thread::scope(|scope| {
        for install in installs() {
            for families in families {
                let install = install.clone();
                scope.spawn(move || {
                    let mut stage = Stage::set(executable, (cluster, &install), (*families, place));
                    let ways = [None].into_iter().chain(By::ALL.map(Some));
                    ways.for_each(|by| scenarios.iter().for_each(|scenario| stage.play(scenario, by)));
                });
            }
        }
    });
}

impl Stage {
    /// A stage in a cluster.
    pub fn set(
        executable: &Path,
        (cluster, install): (&Cluster, &FrrInstall),
        (families, place): (Families, Place),
    ) -> Self {
        static STAGES: AtomicUsize = AtomicUsize::new(0);
        let node = format!("stage-{}", STAGES.fetch_add(1, Ordering::Relaxed));
        cluster.apply_yaml(&ground_of(&node)).unwrap();
        let mut wire = Lan::new().unwrap();
        let host = wire.host().unwrap();
        let mut wires = Vec::new();
        let (at, vrfs) = match place.vrf() {
            None => (host.clone(), Vec::new()),
            Some(vrf) => {
                let mut other = Lan::new().unwrap();
                let at = other.host().unwrap();
                wires.push(other);
                (at, vec![(vrf.to_owned(), host.namespace.clone())])
            }
        };
        let options = RouterOptions { vrfs, ..RouterOptions::default() };
        let router = Router::start(install, &at.namespace, options).unwrap();
        // Sessions come up at once.
        assert_eq!(router.configure(Daemon::Bgpd, &["bgp route-map delay-timer 1"]).unwrap(), []);
        let cast = enter(&mut wire, install, &host);
        wires.push(wire);
        let home = Home::new();
        let agent = agent(executable, (cluster, &router), &home, &node);
        let api = ApiClient::new(cluster, &node);
        let (standing, steps) = (Vec::new(), 0);
        Self { agent, home, router, cast, host, _wires: wires, api, node, families, place, standing, steps }
    }

    /// Plays a scenario, its objects split by something where that is possible. What stood before goes.
    ///
    /// # Panics
    ///
    /// When something else is seen.
    pub fn play(&mut self, scenario: &Scenario, by: Option<By>) {
        let whole = objects(scenario.routers);
        let parts: Vec<FRRConfiguration> = match by {
            None => whole.clone(),
            Some(by) => whole.iter().flat_map(|object| split(object, by)).collect(),
        };
        if by.is_some() && parts.len() == whole.len() {
            return;
        }
        self.steps += 1;
        let objects = parts.iter().map(|object| self.placed(object)).collect();
        self.wait_until_deletions_count();
        self.put(objects);
        let release = self.router.install().release();
        let split = by.map(|by| format!(" split by {by:?}")).unwrap_or_default();
        let what =
            format!("{}{split}, {:?}, {:?} on FRR {release}", scenario.rule, self.families, self.place);
        self.check(&what, &self.families.outcome(&outcome(scenario.seen)));
    }

    /// An object in the words of this stage.
    fn placed(&self, object: &FRRConfiguration) -> FRRConfiguration {
        let mut object = self.families.object(object);
        for router in &mut object.spec.bgp.routers {
            router.vrf = self.place.vrf().map(str::to_owned);
        }
        // Nobody takes the report about one for that about another.
        object.metadata.name = Some(format!("step-{}-{}", self.steps, object.name_any()));
        object.metadata.namespace = Some(self.node.clone());
        object
    }

    /// Puts these objects in the place of those that stand. Meanwhile both are there, so that sessions which both want
    /// stand.
    fn put(&mut self, objects: Vec<FRRConfiguration>) {
        objects.iter().for_each(|object| self.api.apply(object));
        self.standing.iter().for_each(|object| self.api.delete(&object.name_any()));
        self.standing = objects;
    }

    fn sessions(&self) -> Vec<(&Other, IpAddr, IpAddr)> {
        let both = |other| addresses(other, &self.host).map(|(peer, own)| (other, peer, own));
        self.cast.iter().flat_map(both).collect()
    }

    /// Until a session is two seconds old, 8.4 forgets what is withdrawn.
    fn wait_until_deletions_count(&self) {
        if self.place == Place::Red {
            // [`up_for`] knows the default VRF.
            return;
        }
        for (_, peer, _) in self.sessions() {
            let is_old = || {
                let is_up = self.router.established(&peer.to_string(), None)?;
                Ok(!is_up || up_for(&self.router, peer)? >= COALESCE)
            };
            wait_until(LIMIT, "the sessions to be old", is_old).unwrap();
        }
    }

    fn check(&self, what: &str, expected: &Outcome) {
        // Twice: what has arrived must also stay.
        for look in ["arrives", "stays"] {
            self.check_sessions(&format!("{what}: what {look}"), expected);
            self.check_kernel(what, expected);
            self.wait_for_state(what);
        }
    }

    fn check_sessions(&self, what: &str, expected: &Outcome) {
        for (other, peer, own) in self.sessions() {
            let wanted = expected.get(&peer).cloned().unwrap_or_default();
            let mut seen = wanted.clone();
            let arrived = wait_until(LIMIT, &format!("{what} at {peer}"), || {
                seen.received = other.received(own);
                seen.taken = taken(&self.router, self.place.vrf(), peer);
                Ok(agrees(&wanted.received, &seen.received) && wanted.taken == seen.taken)
            });
            self.expect(&arrived, || format!("--- wanted {wanted:#?}\n--- seen {seen:#?}"));
        }
    }

    /// What is taken of the peers is in the kernel, and nothing else of BGP.
    fn check_kernel(&self, what: &str, expected: &Outcome) {
        let wanted: BTreeSet<IpNet> = expected.values().flat_map(|seen| seen.taken.clone()).collect();
        let mut found = BTreeSet::new();
        let arrived = wait_until(LIMIT, &format!("{what}: the kernel's routes"), || {
            found = kernel_routes(&self.host)?;
            Ok(found == wanted)
        });
        self.expect(&arrived, || format!("--- wanted {wanted:?}\n--- found {found:?}"));
    }

    /// The node says that just these objects are in force, and that the sessions are up.
    fn wait_for_state(&self, what: &str) {
        let sessions = u32::try_from(neighbors(&self.standing).len()).unwrap_or_default();
        let mut state = FRRNodeStateStatus::default();
        let arrived = wait_until(LIMIT, &format!("{what}: the node to say so"), || {
            state = self.api.node_state(&self.node);
            Ok(says(&state, &self.standing, sessions))
        });
        self.expect(&arrived, || format!("{state:#?}"));
    }

    fn expect<T>(&self, arrived: &Result<T, LabError>, seen: impl FnOnce() -> String) {
        if let Err(error) = arrived {
            let objects = serde_json::to_string_pretty(&self.standing).unwrap();
            let config = self.router.running_config(Daemon::Bgpd).unwrap_or_default();
            let log = std::fs::read_to_string(self.home.log()).unwrap_or_default();
            let report = self.agent.report();
            panic!(
                "{error}\n{}\n--- objects {objects}\n--- FRR\n{config}\n--- agent\n{report:#}\n{log}",
                seen()
            );
        }
    }
}

fn ground_of(node: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {node}}}\n---\n\
         apiVersion: v1\nkind: Node\nmetadata: {{name: {node}, labels: {{kubernetes.io/hostname: {node}}}}}\n"
    )
}

fn agent(executable: &Path, (cluster, router): (&Cluster, &Router), home: &Home, node: &str) -> Agent {
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let (node, namespace) = (format!("--node={node}"), format!("--namespace={node}"));
    let options = ["--source=kube", &kubeconfig, &node, &namespace, &always_block()];
    Agent::start_with(executable, router.run_directory(), home, &options)
}

/// The addresses of the neighbors of some objects, each once.
fn neighbors(objects: &[FRRConfiguration]) -> BTreeSet<&str> {
    let routers = objects.iter().flat_map(|object| &object.spec.bgp.routers);
    routers.flat_map(|router| &router.neighbors).filter_map(|neighbor| neighbor.address.as_deref()).collect()
}

/// Whether a node says that just these objects are in force, and so many sessions are there and up.
fn says(state: &FRRNodeStateStatus, objects: &[FRRConfiguration], sessions: u32) -> bool {
    let success = Some(FRRNodeStateStatus::SUCCESS);
    let applied: BTreeSet<&str> = state
        .configurations
        .iter()
        .filter(|result| result.outcome == Some(Fate::Applied))
        .filter_map(|result| result.name.as_deref())
        .collect();
    let names: BTreeSet<String> = objects.iter().map(ResourceExt::name_any).collect();
    let is = |kind: &str, status: &str| {
        state.conditions.iter().any(|condition| condition.type_ == kind && condition.status == status)
    };
    let counts = state.counts.clone().unwrap_or_default();
    state.last_conversion_result.as_deref() == success
        && state.last_reload_result.as_deref() == success
        && applied.iter().copied().eq(names.iter().map(String::as_str))
        && state.configurations.len() == objects.len()
        && is("Applied", "True")
        && is("Merged", "True")
        && is("InSync", "True")
        && is("Degraded", "False")
        && (counts.conflicts, counts.sessions, counts.sessions_up) == (0, sessions, sessions)
        && state.running_config.as_deref().is_some_and(|config| config.contains("router bgp 64512"))
}

/// The prefixes that the kernel has from BGP.
fn kernel_routes(host: &Host) -> Result<BTreeSet<IpNet>, LabError> {
    let mut routes = BTreeSet::new();
    for family in ["-4", "-6"] {
        let shown = host.namespace.run("ip", &["-j", family, "route", "show", "proto", "bgp"])?;
        let shown: Value = serde_json::from_str(&shown).unwrap_or_default();
        let prefixes = shown.as_array().into_iter().flatten().filter_map(|route| route["dst"].as_str());
        routes.extend(prefixes.filter_map(|prefix| match (prefix, family) {
            ("default", "-4") => "0.0.0.0/0".parse().ok(),
            ("default", _) => "::/0".parse().ok(),
            (prefix, _) => prefix.parse::<IpNet>().ok(),
        }));
    }
    Ok(routes)
}
