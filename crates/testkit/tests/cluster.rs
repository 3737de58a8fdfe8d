//! The cluster itself, with the real programs.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::thread;
use std::time::Duration;

use frrk8s_testkit::cluster::{self, BoundTo, Cluster, ClusterOptions};
use frrk8s_testkit::lab::wait_until;

const LIMIT: Duration = Duration::from_mins(1);

const NAMESPACE: &str = "apiVersion: v1
kind: Namespace
metadata: {name: frr-k8s-system}
";

const NODE: &str = "apiVersion: v1
kind: Node
metadata: {name: worker-1}
";

/// A cluster with our kinds and the agent's namespace; nothing where the tools are missing.
fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start(&cluster::tools()?, &ClusterOptions::default()).unwrap();
    cluster.install_crds().unwrap();
    cluster.apply_yaml(NAMESPACE).unwrap();
    Some(cluster)
}

fn apply_sample(cluster: &Cluster) {
    let sample =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests/samples/advertise-all/border.yaml");
    cluster.apply(&sample).unwrap();
}

fn configurations(cluster: &Cluster) -> String {
    cluster.kubectl(&["get", "frrconfigurations", "-A", "--output=name"]).unwrap()
}

const BORDER: &str = "frrconfiguration.frrk8s.metallb.io/border\n";

#[test]
fn a_configuration_is_stored_and_listed_with_its_columns() {
    let Some(cluster) = cluster() else { return };
    apply_sample(&cluster);
    let table = cluster.kubectl(&["get", "frrconfiguration", "--namespace=frr-k8s-system"]).unwrap();
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(columns, ["NAME", "SELECTED", "APPLIED", "REJECTED", "ACCEPTED", "AGE"]);
    assert!(lines.next().unwrap().starts_with("border "), "{table}");
}

#[test]
fn the_rules_of_the_schema_refuse_an_invalid_configuration() {
    let Some(cluster) = cluster() else { return };
    let invalid = "apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: invalid, namespace: frr-k8s-system}
spec:
  bgp:
    routers:
    - asn: 64512
      vrf: blue
      evpn:
        l3vni:
          vni: 5000
          importRTs: ['64512:1:2']
          advertisePrefixes: [unicast]
";
    let refused = cluster.apply_yaml(invalid).unwrap_err().to_string();
    assert!(refused.contains("there must be exactly one colon"), "{refused}");
    assert_eq!(configurations(&cluster), "");
}

#[test]
fn every_sample_is_accepted() {
    let Some(cluster) = cluster() else { return };
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests/samples");
    let samples = samples.to_string_lossy();
    // By the ordinary apply: a server-side one refuses the two addresses of one type that a dual-stack Node has.
    let accepted =
        cluster.kubectl(&["apply", "--dry-run=server", "--recursive", "--filename", &samples]).unwrap();
    assert!(accepted.lines().count() > 40, "{accepted}");
}

#[test]
fn the_version_is_the_one_that_was_built() {
    let Some(cluster) = cluster() else { return };
    let versions = cluster.kubectl(&["version"]).unwrap();
    let server = versions.lines().find_map(|line| line.strip_prefix("Server Version: v1.")).unwrap();
    assert!(!server.contains('$'), "{versions}");
}

#[test]
fn an_api_server_comes_back_where_it_was_with_what_it_had() {
    let Some(mut cluster) = cluster() else { return };
    apply_sample(&cluster);
    let url = cluster.url();
    cluster.stop_api_server();
    let error = cluster.kubectl(&["get", "nodes"]).unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
    cluster.start_api_server().unwrap();
    assert_eq!(cluster.url(), url);
    assert_eq!(configurations(&cluster), BORDER);
}

#[test]
fn an_api_server_outlives_an_outage_of_etcd() {
    let Some(mut cluster) = cluster() else { return };
    apply_sample(&cluster);
    cluster.stop_etcd();
    cluster.kubectl(&["get", "--raw=/readyz"]).unwrap_err();
    cluster.start_etcd().unwrap();
    wait_until(LIMIT, "the configuration to be there", || {
        cluster.kubectl(&["get", "frrconfigurations", "-A", "--output=name"]).map(|names| names == BORDER)
    })
    .unwrap();
}

#[test]
fn a_restored_etcd_has_what_the_snapshot_had_and_a_wiped_one_has_nothing() {
    let Some(mut cluster) = cluster() else { return };
    let snapshot = cluster.snapshot_etcd().unwrap();
    cluster.start_api_server().unwrap();
    apply_sample(&cluster);
    assert_eq!(configurations(&cluster), BORDER);
    cluster.restore_etcd(&snapshot).unwrap();
    assert_eq!(configurations(&cluster), "");
    cluster.wipe_etcd().unwrap();
    assert_eq!(cluster.kubectl(&["get", "crds", "--output=name"]).unwrap(), "");
    cluster.install_crds().unwrap();
    assert_eq!(configurations(&cluster), "");
}

const READER: &str = "apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: frr-k8s-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: frr-k8s-system}
rules:
- {apiGroups: [frrk8s.metallb.io], resources: [frrconfigurations], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: frr-k8s-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: reader, namespace: frr-k8s-system}
";

#[test]
fn a_service_account_may_do_what_its_role_says_and_nothing_else() {
    let Some(cluster) = cluster() else { return };
    cluster.apply_yaml(READER).unwrap();
    apply_sample(&cluster);
    let token = cluster.service_account_token("frr-k8s-system", "reader", BoundTo::Nothing).unwrap();
    let kubeconfig = cluster.kubeconfig_for("reader", &token).unwrap();
    let namespace = "--namespace=frr-k8s-system";
    let list = || cluster.kubectl_as(&kubeconfig, &["get", "frrconfigurations", namespace, "--output=name"]);
    assert_eq!(list().unwrap(), BORDER);
    let delete = ["delete", "frrconfiguration", "border", namespace];
    let refused = cluster.kubectl_as(&kubeconfig, &delete).unwrap_err().to_string();
    assert!(refused.contains("Forbidden"), "{refused}");

    assert_eq!(cluster.kubeconfig_for("reader", "nobody's").unwrap(), kubeconfig);
    let refused = list().unwrap_err().to_string();
    assert!(refused.contains("Unauthorized"), "{refused}");
}

#[test]
fn a_token_goes_with_its_service_account() {
    let Some(cluster) = cluster() else { return };
    cluster.apply_yaml(READER).unwrap();
    let token = cluster.service_account_token("frr-k8s-system", "reader", BoundTo::Nothing).unwrap();
    let kubeconfig = cluster.kubeconfig_for("reader", &token).unwrap();
    let who = || cluster.kubectl_as(&kubeconfig, &["auth", "whoami"]);
    who().unwrap();
    cluster.kubectl(&["delete", "serviceaccount", "reader", "--namespace=frr-k8s-system"]).unwrap();
    let refused = || Ok(who().is_err_and(|error| error.to_string().contains("Unauthorized")));
    wait_until(LIMIT, "the token to be refused", refused).unwrap();
}

#[test]
fn a_bound_token_names_the_node() {
    let Some(cluster) = cluster() else { return };
    cluster.apply_yaml(READER).unwrap();
    cluster.apply_yaml(NODE).unwrap();
    let pod = "apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: frr-k8s-system}
spec:
  nodeName: worker-1
  serviceAccountName: reader
  containers: [{name: agent, image: agent}]
";
    cluster.apply_yaml(pod).unwrap();
    for bound_to in [BoundTo::Pod("agent"), BoundTo::Node("worker-1")] {
        let token = cluster.service_account_token("frr-k8s-system", "reader", bound_to).unwrap();
        let kubeconfig = cluster.kubeconfig_for("bound", &token).unwrap();
        let who = cluster.kubectl_as(&kubeconfig, &["auth", "whoami", "--output=json"]).unwrap();
        let who: serde_json::Value = serde_json::from_str(&who).unwrap();
        let user = &who["status"]["userInfo"];
        assert_eq!(user["username"], "system:serviceaccount:frr-k8s-system:reader", "{bound_to:?}");
        assert_eq!(user["extra"]["authentication.kubernetes.io/node-name"][0], "worker-1", "{bound_to:?}");
    }
}

#[test]
fn an_owned_object_goes_with_its_owner() {
    let Some(tools) = cluster::tools() else { return };
    if !tools.have_controller_manager() {
        return;
    }
    let Some(mut cluster) = cluster() else { return };
    cluster.start_controller_manager().unwrap();
    cluster.apply_yaml(NODE).unwrap();
    let uid = cluster.kubectl(&["get", "node", "worker-1", "--output=jsonpath={.metadata.uid}"]).unwrap();
    let state = format!(
        "apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRNodeState
metadata:
  name: worker-1
  ownerReferences: [{{apiVersion: v1, kind: Node, name: worker-1, uid: {uid}}}]
"
    );
    cluster.apply_yaml(&state).unwrap();
    cluster.kubectl(&["delete", "node", "worker-1"]).unwrap();
    cluster.kubectl(&["wait", "--for=delete", "--timeout=60s", "frrnodestate/worker-1"]).unwrap();
}

#[test]
fn a_deleted_namespace_goes_and_a_new_one_has_its_default_service_account() {
    let Some(tools) = cluster::tools() else { return };
    if !tools.have_controller_manager() {
        return;
    }
    let Some(mut cluster) = cluster() else { return };
    cluster.start_controller_manager().unwrap();
    let account = ["get", "serviceaccount", "default", "--namespace=frr-k8s-system"];
    wait_until(LIMIT, "the default service account", || cluster.kubectl(&account).map(|_| true)).unwrap();
    apply_sample(&cluster);
    cluster.kubectl(&["delete", "namespace", "frr-k8s-system", "--timeout=60s"]).unwrap();
    assert_eq!(configurations(&cluster), "");
}

#[test]
fn a_dropped_cluster_leaves_no_process() {
    let Some(cluster) = cluster() else { return };
    let pids: Vec<u32> = cluster.processes().into_iter().map(|(_, pid)| pid).collect();
    assert_eq!(pids.len(), 2);
    drop(cluster);
    assert!(pids.iter().all(|pid| !Path::new("/proc").join(pid.to_string()).exists()));
}

#[test]
fn a_cluster_outlives_the_thread_that_started_it() {
    let Some(cluster) = thread::spawn(cluster).join().unwrap() else { return };
    cluster.kubectl(&["get", "--raw=/readyz"]).unwrap();
}
