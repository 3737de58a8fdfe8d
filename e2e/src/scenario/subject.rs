//! A node of the cluster: its FRR, its agent, and what it says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use frrk8s_api::k8s::ResourceExt;
use frrk8s_api::{FRRConfiguration, FRRNodeStateStatus, Outcome as Fate};
use frrk8s_testkit::cluster::Cluster;
use frrk8s_testkit::lab::{Daemon, LabError, Router, wait_until};

use super::api::ApiClient;
use crate::agent::{Agent, Home};
use crate::standing::are_of_age;

/// How long anything may take, on a machine that does much else.
pub(super) const LIMIT: Duration = Duration::from_mins(1);

/// A node under test. Its objects are in a namespace of their own, so that many share a cluster.
pub struct Subject {
    /// Its agent.
    pub agent: Agent,
    /// Its FRR.
    pub router: Router,
    home: Home,
    api: ApiClient,
    cluster: &'static Cluster,
    executable: PathBuf,
    options: Vec<String>,
    namespace: String,
    node: String,
    /// The objects that are there.
    standing: Vec<FRRConfiguration>,
    steps: usize,
}

impl Subject {
    /// Makes a node in a namespace of its own, and starts its agent over a router.
    pub fn start(executable: &Path, cluster: &'static Cluster, router: Router, options: &[&str]) -> Self {
        let namespace = unique();
        let text = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n");
        cluster.apply_yaml(&text).unwrap();
        Self::start_in((executable, cluster, &namespace), router, options)
    }

    /// Makes another node whose objects are in the same namespace.
    #[must_use]
    pub fn another(&self, router: Router) -> Self {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        Self::start_in((&self.executable, self.cluster, &self.namespace), router, &options)
    }

    fn start_in(
        (executable, cluster, namespace): (&Path, &'static Cluster, &str),
        router: Router,
        options: &[&str],
    ) -> Self {
        let node = unique();
        let text = format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: {node}, labels: {{kubernetes.io/hostname: {node}}}}}\n"
        );
        cluster.apply_yaml(&text).unwrap();
        // Sessions come up at once.
        assert_eq!(router.configure(Daemon::Bgpd, &["bgp route-map delay-timer 1"]).unwrap(), []);
        let home = Home::new();
        let executable = executable.to_owned();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let agent = agent((&executable, cluster), (&router, &home), (namespace, &node), &options);
        let (api, namespace) = (ApiClient::new(cluster, namespace), namespace.to_owned());
        let (standing, steps) = (Vec::new(), 0);
        Self { agent, router, home, api, cluster, executable, options, namespace, node, standing, steps }
    }

    /// Kills the agent as nothing can be killed more, and starts another one.
    pub fn restart_agent(&mut self) {
        self.agent.kill_in_place();
        let (executable, place) = ((&*self.executable, self.cluster), (&*self.namespace, &*self.node));
        self.agent = agent(executable, (&self.router, &self.home), place, &self.options);
    }

    /// The name of the node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The namespace of its objects.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The API server.
    pub fn cluster(&self) -> &'static Cluster {
        self.cluster
    }

    /// The objects that are there.
    pub fn standing(&self) -> &[FRRConfiguration] {
        &self.standing
    }

    /// Puts these objects in the place of those that stand. Meanwhile both are there, so that sessions which both want
    /// stand. Not before these are two seconds old: until then 8.4 forgets what is withdrawn.
    pub fn put(&mut self, objects: Vec<FRRConfiguration>) {
        wait_until(LIMIT, "the sessions to be of age", || are_of_age(&self.router)).unwrap();
        self.steps += 1;
        let before = std::mem::take(&mut self.standing);
        self.add(objects);
        for object in &before {
            self.api.delete(&object.name_any());
        }
    }

    /// Adds objects to those that stand.
    pub fn add(&mut self, objects: Vec<FRRConfiguration>) {
        for mut object in objects {
            // Nobody takes the report about one for that about another.
            object.metadata.name = Some(format!("step-{}-{}", self.steps, object.name_any()));
            object.metadata.namespace = Some(self.namespace.clone());
            self.api.apply(&object);
            self.standing.push(object);
        }
    }

    /// Writes other objects; `NAMESPACE` and `NODE` in the text are those of this node.
    pub fn apply_yaml(&self, text: &str) {
        let text = text.replace("NAMESPACE", &self.namespace).replace("NODE", &self.node);
        self.cluster.apply_yaml(&text).unwrap();
    }

    /// What the node says of itself.
    pub fn state(&self) -> FRRNodeStateStatus {
        self.api.node_state(&self.node)
    }

    /// Waits until the node says something of itself.
    ///
    /// # Panics
    ///
    /// When it does not in time.
    pub fn wait_for_state(
        &self,
        what: &str,
        is_it: impl Fn(&FRRNodeStateStatus) -> bool,
    ) -> FRRNodeStateStatus {
        let mut state = FRRNodeStateStatus::default();
        let arrived = wait_until(LIMIT, &format!("{what}: {} to say so", self.node), || {
            state = self.state();
            Ok(is_it(&state))
        });
        self.expect(&arrived, || format!("{state:#?}"));
        state
    }

    /// Waits until the node says that just the objects that stand are in force, and that the sessions are up.
    ///
    /// # Panics
    ///
    /// When it does not in time.
    pub fn wait_in_force(&self, what: &str) {
        self.wait_in_force_of(what, &self.standing);
    }

    /// The same of some objects.
    ///
    /// # Panics
    ///
    /// When it does not in time.
    pub fn wait_in_force_of(&self, what: &str, objects: &[FRRConfiguration]) {
        self.wait_for_state(what, |state| says(state, objects));
    }

    /// Takes what was waited for.
    ///
    /// # Panics
    ///
    /// When it did not arrive; it says everything that there is to know.
    pub fn expect<T>(&self, arrived: &Result<T, LabError>, seen: impl FnOnce() -> String) {
        if let Err(error) = arrived {
            let objects = serde_json::to_string_pretty(&self.standing).unwrap();
            let config = self.router.running_config(Daemon::Bgpd).unwrap_or_default();
            let log = fs::read_to_string(self.home.log()).unwrap_or_default();
            let report = self.agent.report();
            panic!(
                "{error}\n{}\n--- objects {objects}\n--- FRR\n{config}\n--- agent\n{report:#}\n{log}",
                seen()
            );
        }
    }
}

/// A name in the cluster.
fn unique() -> String {
    static NAMES: AtomicUsize = AtomicUsize::new(0);
    format!("stage-{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

fn agent(
    (executable, cluster): (&Path, &Cluster),
    (router, home): (&Router, &Home),
    (namespace, node): (&str, &str),
    more: &[String],
) -> Agent {
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let (node, namespace) = (format!("--node={node}"), format!("--namespace={namespace}"));
    let mut options = vec!["--source=kube", &kubeconfig, &node, &namespace];
    options.extend(more.iter().map(String::as_str));
    Agent::start_with(executable, router.run_directory(), home, &options)
}

/// The neighbors of some objects, each once.
fn neighbors(objects: &[FRRConfiguration]) -> BTreeSet<(&str, &str)> {
    let routers = objects.iter().flat_map(|object| &object.spec.bgp.routers);
    let neighbors = routers.flat_map(|router| {
        let vrf = router.vrf.as_deref().unwrap_or_default();
        router.neighbors.iter().map(move |neighbor| (vrf, neighbor))
    });
    neighbors
        .filter_map(|(vrf, neighbor)| {
            Some((vrf, neighbor.address.as_deref().or(neighbor.interface.as_deref())?))
        })
        .collect()
}

/// Whether a node says that just these objects are in force, and that all sessions are up.
fn says(state: &FRRNodeStateStatus, objects: &[FRRConfiguration]) -> bool {
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
    let sessions = u32::try_from(neighbors(objects).len()).unwrap_or_default();
    let has_router = !objects.iter().all(|object| object.spec.bgp.routers.is_empty());
    state.last_conversion_result.as_deref() == success
        && state.last_reload_result.as_deref() == success
        && applied.iter().copied().eq(names.iter().map(String::as_str))
        && state.configurations.len() == objects.len()
        && [("Applied", "True"), ("Merged", "True"), ("InSync", "True"), ("Degraded", "False")]
            .iter()
            .all(|(kind, status)| is(kind, status))
        && (counts.conflicts, counts.sessions, counts.sessions_up) == (0, sessions, sessions)
        && state.running_config.as_deref().is_some_and(|config| config.contains("router bgp ") == has_router)
}
