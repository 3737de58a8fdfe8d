//! A cluster with one node, the agent of that node beside a router of the lab, and what kubectl says of it.

use std::path::Path;

use frrk8s_testkit::cluster::{self, Cluster, ClusterOptions};
use frrk8s_testkit::lab::{Router, wait_until};

use crate::agent::{Agent, Home, LIMIT};

/// The namespace of the agent.
pub const NAMESPACE: &str = "frr-k8s-system";
/// The node.
pub const NODE: &str = "n1";
/// What has to be there before objects are: the namespace, and the node with a label.
pub const GROUND: &str = "apiVersion: v1
kind: Namespace
metadata: {name: frr-k8s-system}
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {rack: '7'}}
";

/// A cluster with our kinds and the ground; `None`, and a line that says so, where this machine has no API server.
pub fn cluster() -> Option<Cluster> {
    cluster_with(&ClusterOptions::default())
}

/// The same with options.
pub fn cluster_with(options: &ClusterOptions) -> Option<Cluster> {
    let cluster = Cluster::start(&cluster::tools()?, options).unwrap();
    cluster.install_crds().unwrap();
    cluster.apply_yaml(GROUND).unwrap();
    Some(cluster)
}

/// The agent of the node, fed by the API alone.
pub fn agent(executable: &Path, (cluster, router): (&Cluster, &Router), home: &Home, more: &[&str]) -> Agent {
    agent_as(executable, (cluster.kubeconfig(), router), home, more)
}

/// The same as the user of a kubeconfig.
pub fn agent_as(
    executable: &Path,
    (kubeconfig, router): (&Path, &Router),
    home: &Home,
    more: &[&str],
) -> Agent {
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    let node = format!("--node={NODE}");
    let all: Vec<&str> =
        ["--source=kube", &node, &kubeconfig].into_iter().chain(more.iter().copied()).collect();
    Agent::start_with(executable, router.run_directory(), home, &all)
}

/// An object of the namespace.
pub fn object(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: {name}, namespace: {NAMESPACE}}}\n\
         spec: {spec}\n---\n"
    )
}

/// A field of the `FRRNodeState`, by its JSONPath; empty where there is none.
pub fn status(cluster: &Cluster, path: &str) -> String {
    let output = format!("jsonpath={path}");
    cluster.kubectl(&["get", "frrnodestate", NODE, "--output", &output]).unwrap_or_default()
}

/// Waits until a field of the `FRRNodeState` is just that.
///
/// # Panics
///
/// When it is not in time.
pub fn wait_for_status(cluster: &Cluster, path: &str, expected: &str) {
    wait_for_status_that(cluster, path, expected, |text| text == expected);
}

/// Waits until a field of the `FRRNodeState` is as somebody wants it.
///
/// # Panics
///
/// When it is not in time.
pub fn wait_for_status_that(cluster: &Cluster, path: &str, what: &str, is_it: impl Fn(&str) -> bool) {
    let mut last = String::new();
    let waited = wait_until(LIMIT, what, || {
        last = status(cluster, path);
        Ok(is_it(&last))
    });
    let whole = cluster.kubectl(&["get", "frrnodestate", NODE, "--output=yaml"]);
    assert!(waited.is_ok(), "{path} is {last:?} instead of {what:?}\n{whole:?}");
}

/// Deletes an object of the namespace, and waits until it is gone.
pub fn delete(cluster: &Cluster, kind: &str, name: &str) {
    cluster.kubectl(&["delete", kind, name, "--namespace", NAMESPACE]).unwrap();
}
