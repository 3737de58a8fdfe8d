//! The agent loses its rights, or its token: nothing is withdrawn, what is wrong is said, and it recovers by itself.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use frrk8s_e2e::agent::{Agent, LIMIT};
use frrk8s_e2e::cluster_lab::{NAMESPACE, NODE, delete, status, wait_for_status, wait_for_status_that};
use frrk8s_e2e::cluster_peer::{RECOVERY, Watched, advertises, nothing_leaves_for};
use frrk8s_testkit::cluster::{BoundTo, ClusterOptions};
use frrk8s_testkit::lab::wait_until;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const ACCOUNT: &str = "agent-under-test";

/// Everything that an agent needs, and more: which rights those are is another test's affair.
fn rights(is_given: bool) -> String {
    let verbs = if is_given { "['*']" } else { "[]" };
    let resources = if is_given { "['*']" } else { "[]" };
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {ACCOUNT}}}\n\
         rules: [{{apiGroups: ['*'], resources: {resources}, verbs: {verbs}}}]\n"
    )
    .replace("rules: [{apiGroups: ['*'], resources: [], verbs: []}]", "rules: []")
}

const BOUND: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: agent-under-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: agent-under-test}
subjects: [{kind: ServiceAccount, name: agent-under-test, namespace: frr-k8s-system}]
---
";

fn make_account(watched: &Watched) -> std::path::PathBuf {
    watched.cluster.kubectl(&["create", "serviceaccount", ACCOUNT, "--namespace", NAMESPACE]).unwrap();
    let token = watched.cluster.service_account_token(NAMESPACE, ACCOUNT, BoundTo::Nothing).unwrap();
    watched.cluster.kubeconfig_for("agent", &token).unwrap()
}

fn is_in_trouble(agent: &Agent) {
    agent.wait_long_for(RECOVERY, "the trouble to be said", |report| {
        report["apiTrouble"]["message"].is_string()
    });
}

fn recovers(watched: &Watched, agent: &Agent) {
    agent.wait_long_for(RECOVERY, "everything to be well", |report| {
        report["apiTrouble"].is_null() && report["publishTrouble"].is_null()
    });
    watched.apply(&advertises("c", &["10.3.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.3.0.0/24"]);
    watched.assert_left_only(&[]);
    wait_for_status(&watched.cluster, "{.status.summary.configurations}", "2/2");
}

#[test]
fn lost_rights_take_nothing_away_and_count_again_when_they_are_given_back() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    watched.apply(&(BOUND.to_owned() + &rights(true)));
    let kubeconfig = make_account(&watched);
    let agent = watched.agent_as(EXECUTABLE, &kubeconfig, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    wait_for_status(&watched.cluster, "{.status.summary.configurations}", "1/1");
    watched.mark();
    watched.cluster.kubectl(&["delete", "clusterrolebinding", ACCOUNT]).unwrap();
    // A watch that is under way is let go on; a new API server asks anew.
    watched.cluster.stop_api_server();
    watched.cluster.start_api_server().unwrap();
    agent.wait_long_for(RECOVERY, "403 to be said", |report| {
        report["apiTrouble"]["message"].to_string().contains("forbidden")
    });
    nothing_leaves_for(&watched, Duration::from_secs(5));
    // What cannot be written is said, too.
    let pause = ureq_pause(&agent);
    assert!(pause, "the pause is taken");
    agent.wait_long_for(RECOVERY, "what cannot be written to be said", |report| {
        report["publishTrouble"].to_string().contains("forbidden")
    });
    resume(&agent);
    watched.apply(BOUND);
    recovers(&watched, &agent);
}

fn ureq_pause(agent: &Agent) -> bool {
    let url = format!("http://{}/pause?duration=1h&reason=looking", agent.address());
    ureq::post(&url).send_empty().is_ok()
}

fn resume(agent: &Agent) {
    agent.post("/resume");
}

#[test]
fn a_token_that_is_revoked_takes_nothing_away_and_a_new_one_counts() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    watched.apply(&(BOUND.to_owned() + &rights(true)));
    let kubeconfig = make_account(&watched);
    let agent = watched.agent_as(EXECUTABLE, &kubeconfig, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    watched.mark();
    delete(&watched.cluster, "serviceaccount", ACCOUNT);
    watched.cluster.stop_api_server();
    watched.cluster.start_api_server().unwrap();
    is_in_trouble(&agent);
    nothing_leaves_for(&watched, Duration::from_secs(5));
    assert_eq!(make_account(&watched), kubeconfig, "the same file, with another token");
    recovers(&watched, &agent);
}

#[test]
fn a_node_state_that_somebody_deletes_or_changes_is_as_it_was() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &["--publish-running-config=false"]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    agent.wait_for_reason("Applied");
    let wait = || wait_for_status(&watched.cluster, "{.status.summary.configurations}", "1/1");
    wait();
    assert_eq!(status(&watched.cluster, "{.status.runningConfig}"), "", "it was switched off");
    let uid = || watched.cluster.kubectl(&["get", "frrnodestate", NODE, "-o", "jsonpath={.metadata.uid}"]);
    let before = uid().unwrap();
    watched.cluster.kubectl(&["delete", "frrnodestate", NODE]).unwrap();
    let is_new = || Ok(uid().is_ok_and(|uid| !uid.is_empty() && uid != before));
    wait_until(LIMIT, "the FRRNodeState to be made anew", is_new).unwrap();
    wait();
    let patch = "{\"status\": {\"lastConversionResult\": \"whatever\"}}";
    let act = ["patch", "frrnodestate", NODE, "--subresource=status", "--type=merge", "--patch", patch];
    watched.cluster.kubectl(&act).unwrap();
    wait_for_status_that(&watched.cluster, "{.status.lastConversionResult}", "success", |text| {
        text == "success"
    });
}
