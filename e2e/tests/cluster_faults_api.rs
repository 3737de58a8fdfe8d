//! The API server goes away, comes back, forgets what it had and remembers what it had before: nothing is withdrawn that nobody
//! withdrew, what is wrong is said, and it recovers by itself.
//!
//! `FRRK8S_OUTAGE_SECONDS` says how long the API server is away, 20 s by default.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, bgpd, wait_for_config};
use frrk8s_e2e::cluster_lab::{GROUND, delete, wait_for_status};
use frrk8s_e2e::cluster_peer::{RECOVERY, Watched, advertises, nothing_leaves_for, outage, set};
use frrk8s_testkit::cluster::{ClusterOptions, EtcdSnapshot};
use frrk8s_testkit::lab::Daemon;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

fn has_no_trouble(agent: &Agent) {
    agent.wait_long_for(RECOVERY, "the trouble to be over", |report| report["apiTrouble"].is_null());
}

fn accept(watched: &Watched, value: &str) {
    let annotation = format!("frrk8s.metallb.io/accept-withdrawals={value}");
    watched.cluster.kubectl(&["annotate", "--overwrite", "node", "n1", &annotation]).unwrap();
}

/// The API counts on by far more than it does by itself when it starts.
fn count_on(watched: &Watched, name: &str) {
    let one = |number| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{number}, namespace: frr-k8s-system}}\n"
        )
    };
    watched.apply(&(0..200).map(one).collect::<Vec<_>>().join("---\n"));
}

/// Waits until a rule is found with an object.
fn wait_for_finding(agent: &Agent, rule: &str, object: &str) {
    agent.wait_long_for(RECOVERY, &format!("{rule} with {object}"), |report| {
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        findings
            .iter()
            .any(|finding| finding["rule"] == rule && finding["object"] == format!("frr-k8s-system/{object}"))
    });
}

#[test]
fn an_outage_takes_nothing_away_and_what_changed_meanwhile_counts_afterwards() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&(advertises("a", &["10.1.0.0/24"], "") + &advertises("b", &["10.2.0.0/24"], "")));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24"]);
    wait_for_status(&watched.cluster, "{.status.summary.configurations}", "2/2");
    watched.mark();
    watched.cluster.stop_api_server();
    agent.wait_for("the trouble to be said", |report| report["apiTrouble"]["message"].is_string());
    assert!(watched.cluster.apply_yaml(&advertises("lost", &["10.9.0.0/24"], "")).is_err());
    nothing_leaves_for(&watched, outage());
    assert_eq!(watched.table(), set(&["10.1.0.0/24", "10.2.0.0/24"]));
    watched.cluster.start_api_server().unwrap();
    // At once, before the agent watches again.
    watched.apply(&advertises("c", &["10.3.0.0/24"], ""));
    delete(&watched.cluster, "frrconfiguration", "b");
    let after = watched.wait_for(&["10.1.0.0/24", "10.3.0.0/24"]);
    println!("what changed while nobody watched is in force after {after:?}");
    has_no_trouble(&agent);
    watched.assert_left_only(&["10.2.0.0/24"]);
    wait_for_status(&watched.cluster, "{.status.summary.configurations}", "2/2");
    // A short one, with nothing that changes: it is over although no watch says anything.
    watched.cluster.stop_api_server();
    agent.wait_for("the trouble to be said", |report| report["apiTrouble"]["message"].is_string());
    watched.cluster.start_api_server().unwrap();
    has_no_trouble(&agent);
}

#[test]
fn without_an_api_server_the_last_good_configuration_is_put_back_at_once() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    agent.wait_for_reason("Applied");
    let before = bgpd(&watched.router);
    agent.kill();
    watched.cluster.stop_api_server();
    watched.router.wipe().unwrap();
    assert!(!bgpd(&watched.router).contains("router bgp"));
    let start = Instant::now();
    let agent = watched.agent(EXECUTABLE, &[]);
    wait_for_config(&watched.router, "what was last good", |text| text == before);
    let took = start.elapsed();
    println!("without an API server, what was last good runs {took:?} after the start of the agent");
    agent.wait_for_reason("ApiUnlisted");
    watched.wait_for(&["10.1.0.0/24"]);
    watched.mark();
    watched.cluster.start_api_server().unwrap();
    agent.wait_long_for(RECOVERY, "the API to be listed", |report| report["reason"] == "Applied");
    watched.assert_left_only(&[]);
}

#[test]
fn an_agent_that_is_killed_and_one_that_stands_by_take_nothing_away() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    watched.mark();
    let second = watched.agent(EXECUTABLE, &[]);
    second.wait_for_reason("StandingBy");
    watched.apply(&advertises("b", &["10.2.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24"]);
    agent.kill();
    second.wait_for_reason("Applied");
    watched.apply(&advertises("c", &["10.3.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"]);
    watched.assert_left_only(&[]);
}

#[test]
fn what_an_agent_told_when_it_died_stays_until_the_api_answers() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    agent.wait_for_reason("Applied");
    agent.kill();
    watched.cluster.stop_api_server();
    // As if it had told FRR more, and died before it saw that FRR runs it.
    let lines = ["router bgp 64512", " address-family ipv4 unicast", "  network 10.2.0.0/24"];
    assert_eq!(watched.router.configure(Daemon::Bgpd, &lines.map(str::trim)).unwrap(), []);
    std::fs::write(watched.home.state().join("told.conf"), lines.join("\n") + "\n").unwrap();
    watched.mark();
    let agent = watched.agent(EXECUTABLE, &[]);
    agent.wait_for_reason("ApiUnlisted");
    nothing_leaves_for(&watched, Duration::from_secs(4));
    assert!(bgpd(&watched.router).contains("network 10.2.0.0/24"));
    watched.cluster.start_api_server().unwrap();
    agent.wait_long_for(RECOVERY, "the API to be listed", |report| report["reason"] == "Applied");
    // Nobody asks for it.
    wait_for_config(&watched.router, "it to go", |text| !text.contains("network 10.2.0.0/24"));
    watched.assert_left_only(&["10.2.0.0/24"]);
}

#[test]
fn an_etcd_that_was_wiped_withdraws_nothing_until_somebody_accepts_it() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    let (a, b) = (advertises("a", &["10.1.0.0/24"], ""), advertises("b", &["10.2.0.0/24"], ""));
    let selected = advertises("s", &["10.4.0.0/24"], ", nodeSelector: {matchLabels: {rack: '7'}}");
    watched.apply(&(a.clone() + &b + &selected));
    let all = ["10.1.0.0/24", "10.2.0.0/24", "10.4.0.0/24"];
    watched.wait_for(&all);
    agent.wait_for_reason("Applied");
    watched.mark();
    watched.cluster.wipe_etcd().unwrap();
    agent.wait_for("the trouble to be said", |report| report["apiTrouble"]["message"].is_string());
    nothing_leaves_for(&watched, Duration::from_secs(5));
    // An agent that starts now has the same doubts.
    agent.kill();
    let agent = watched.agent(EXECUTABLE, &[]);
    agent.wait_for_reason("ApiUnlisted");
    // People put the cluster back, and forget an object.
    watched.cluster.install_crds().unwrap();
    wait_for_finding(&agent, "missing-in-api", "b");
    watched.apply(&(GROUND.to_owned() + "---\n" + &a + &selected));
    agent.wait_long_for(RECOVERY, "only one to be missing", |report| {
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let missing = findings.iter().filter(|finding| finding["rule"] == "missing-in-api");
        missing.map(|finding| finding["object"].clone()).collect::<Vec<_>>() == ["frr-k8s-system/b"]
    });
    nothing_leaves_for(&watched, Duration::from_secs(6));
    assert_eq!(watched.table(), set(&all));
    accept(&watched, "it is a new cluster");
    watched.wait_for(&["10.1.0.0/24", "10.4.0.0/24"]);
    watched.assert_left_only(&["10.2.0.0/24"]);
    agent.wait_for_reason("Applied");
    has_no_trouble(&agent);
    // What is deleted now is deleted by somebody.
    delete(&watched.cluster, "frrconfiguration", "a");
    watched.wait_for(&["10.4.0.0/24"]);
}

#[test]
fn an_etcd_that_was_restored_from_an_older_copy_changes_nothing_until_somebody_writes() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    let deleted = advertises("deleted", &["10.8.0.0/24"], "");
    watched.apply(&(advertises("edited", &["10.1.0.0/24"], "") + &deleted));
    watched.apply(&advertises("same", &["10.5.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.5.0.0/24", "10.8.0.0/24"]);
    let copy = watched.cluster.snapshot_etcd().unwrap();
    watched.cluster.start_api_server().unwrap();
    has_no_trouble(&agent);
    watched.apply(&advertises("edited", &["10.1.0.0/24", "10.2.0.0/24"], ""));
    watched.apply(&advertises("newer", &["10.3.0.0/24"], ""));
    delete(&watched.cluster, "frrconfiguration", "deleted");
    let all = ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24", "10.5.0.0/24"];
    watched.wait_for(&all);
    agent.wait_for_reason("Applied");
    watched.mark();
    watched.cluster.restore_etcd(&copy).unwrap();
    let is_said = |agent: &Agent| {
        wait_for_finding(agent, "older-in-api", "edited");
        wait_for_finding(agent, "missing-in-api", "newer");
        wait_for_finding(agent, "older-in-api", "deleted");
    };
    is_said(&agent);
    nothing_leaves_for(&watched, Duration::from_secs(8));
    agent.kill();
    let agent = watched.agent(EXECUTABLE, &[]);
    is_said(&agent);
    nothing_leaves_for(&watched, Duration::from_secs(8));
    assert_eq!(watched.table(), set(&all));
    wait_for_status(&watched.cluster, "{.status.configurations[?(@.name==\"edited\")].reason}", "OlderInApi");
    // Somebody writes one of them as it is to be; the others are accepted as the API has them.
    watched.apply(&advertises("edited", &["10.1.0.0/24", "10.2.0.0/24", "10.6.0.0/24"], ""));
    agent.wait_long_for(RECOVERY, "the edit to be believed", |report| {
        !report["findings"].to_string().contains("/edited")
    });
    accept(&watched, "as it was at noon");
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24", "10.5.0.0/24", "10.6.0.0/24", "10.8.0.0/24"]);
    watched.assert_left_only(&["10.3.0.0/24"]);
    agent.wait_for_reason("Applied");
    has_no_trouble(&agent);
    // From here on everything is as ever.
    watched.apply(&advertises("newer", &["10.3.0.0/24"], ""));
    delete(&watched.cluster, "frrconfiguration", "deleted");
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24", "10.5.0.0/24", "10.6.0.0/24"]);
}

/// What is advertised by the object that a copy of etcd has, and the newer one that it lacks: the latter first.
const SAME_AND_NEWER: [&str; 2] = ["10.3.0.0/24", "10.5.0.0/24"];

/// An agent, and a copy of etcd from before the newer of its two objects, which the API has counted on from by far.
fn outlive_a_copy(watched: &mut Watched) -> (Agent, EtcdSnapshot) {
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&advertises("same", &SAME_AND_NEWER[1..], ""));
    watched.wait_for(&SAME_AND_NEWER[1..]);
    let copy = watched.cluster.snapshot_etcd().unwrap();
    watched.cluster.start_api_server().unwrap();
    has_no_trouble(&agent);
    count_on(watched, "before");
    watched.apply(&advertises("newer", &SAME_AND_NEWER[..1], ""));
    watched.wait_for(&SAME_AND_NEWER);
    agent.wait_for_reason("Applied");
    watched.mark();
    (agent, copy)
}

#[test]
fn an_older_copy_that_lacks_only_a_newer_object_takes_it_away_from_nobody() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let (agent, copy) = outlive_a_copy(&mut watched);
    watched.cluster.restore_etcd(&copy).unwrap();
    wait_for_finding(&agent, "missing-in-api", "newer");
    has_no_trouble(&agent);
    // Many times longer than it takes until what somebody deleted is believed to be gone.
    nothing_leaves_for(&watched, Duration::from_secs(15));
    wait_for_finding(&agent, "missing-in-api", "newer");
    assert_eq!(watched.table(), set(&SAME_AND_NEWER));
    accept(&watched, "as it was at noon");
    watched.wait_for(&SAME_AND_NEWER[1..]);
    watched.assert_left_only(&["10.3.0.0/24"]);
    agent.wait_for_reason("Applied");
}

#[test]
fn an_older_copy_that_counted_on_before_the_watch_went_on_takes_nothing_away() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let (agent, copy) = outlive_a_copy(&mut watched);
    agent.signal("-STOP");
    watched.cluster.restore_etcd(&copy).unwrap();
    // From here on the API server knows what changes; the watch goes on in the middle of it.
    watched.cluster.kubectl(&["get", "-A", "frrconfigurations,secrets,nodes,frrk8sconfigurations"]).unwrap();
    count_on(&watched, "after");
    count_on(&watched, "later");
    agent.signal("-CONT");
    wait_for_finding(&agent, "missing-in-api", "newer");
    nothing_leaves_for(&watched, Duration::from_secs(8));
    assert_eq!(watched.table(), set(&SAME_AND_NEWER));
    accept(&watched, "as it was at noon");
    watched.wait_for(&SAME_AND_NEWER[1..]);
    agent.wait_for_reason("Applied");
}

#[test]
fn a_cluster_that_was_made_anew_before_a_running_agent_looks_takes_nothing_away() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    let (a, b) = (advertises("a", &["10.1.0.0/24"], ""), advertises("b", &["10.2.0.0/24"], ""));
    watched.apply(&(a.clone() + &b));
    count_on(&watched, "before");
    let all = ["10.1.0.0/24", "10.2.0.0/24"];
    watched.wait_for(&all);
    agent.wait_for_reason("Applied");
    watched.mark();
    watched.cluster.stop_api_server();
    agent.wait_for("the trouble to be said", |report| report["apiTrouble"]["message"].is_string());
    agent.signal("-STOP");
    watched.cluster.wipe_etcd().unwrap();
    watched.cluster.install_crds().unwrap();
    watched.apply(&(GROUND.to_owned() + "---\n" + &a));
    agent.signal("-CONT");
    wait_for_finding(&agent, "missing-in-api", "b");
    nothing_leaves_for(&watched, Duration::from_secs(15));
    assert_eq!(watched.table(), set(&all));
    // It is over by itself when everything is there again, and what somebody deletes then is gone.
    watched.apply(&b);
    agent.wait_for_reason("Applied");
    has_no_trouble(&agent);
    watched.assert_left_only(&[]);
    delete(&watched.cluster, "frrconfiguration", "a");
    watched.wait_for(&["10.2.0.0/24"]);
}

#[test]
fn a_watch_that_fell_behind_begins_anew() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&(advertises("a", &["10.1.0.0/24"], "") + &advertises("b", &["10.2.0.0/24"], "")));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24"]);
    watched.mark();
    agent.signal("-STOP");
    watched.apply(&advertises("c", &["10.3.0.0/24"], ""));
    delete(&watched.cluster, "frrconfiguration", "b");
    // One that was started anew does not know what happened before.
    watched.cluster.stop_api_server();
    watched.cluster.start_api_server().unwrap();
    agent.signal("-CONT");
    agent.wait_for_log(&["cannot be watched", "FRRConfiguration"]);
    watched.wait_for(&["10.1.0.0/24", "10.3.0.0/24"]);
    has_no_trouble(&agent);
    watched.assert_left_only(&["10.2.0.0/24"]);
}
