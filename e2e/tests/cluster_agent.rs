//! The agent on a real API server and real FRR: what kubectl writes runs, and what the cluster loses does not go.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use frrk8s_e2e::agent::{Agent, Home, bgpd, isolated, wait_for_config};
use frrk8s_e2e::cluster_lab::{self, NAMESPACE, cluster, status, wait_for_status};
use frrk8s_e2e::cluster_peer::RECOVERY;
use frrk8s_testkit::cluster::Cluster;
use frrk8s_testkit::lab::{Router, installs};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

fn agent(cluster: &Cluster, router: &Router, home: &Home, options: &[&str]) -> Agent {
    cluster_lab::agent(Path::new(EXECUTABLE), (cluster, router), home, options)
}

fn object(name: &str, neighbor: u8, more: &str) -> String {
    let neighbor = format!("{{address: 192.0.2.{neighbor}, asn: 64513{more}}}");
    cluster_lab::object(name, &format!("{{bgp: {{routers: [{{asn: 64512, neighbors: [{neighbor}]}}]}}}}"))
}

#[test]
fn what_kubectl_writes_runs_and_is_said() {
    let Some(cluster) = cluster() else { return };
    let Some(install) = installs().pop() else { return };
    let (router, home) = (isolated(&install), Home::new());
    let running = agent(&cluster, &router, &home, &[]);
    cluster.apply_yaml(&object("a", 3, "")).unwrap();
    wait_for_config(&router, "the first neighbor", |text| text.contains("192.0.2.3 remote-as"));
    wait_for_status(&cluster, "{.status.summary.configurations}", "1/1");
    wait_for_status(&cluster, "{.status.lastConversionResult} {.status.lastReloadResult}", "success success");
    assert!(status(&cluster, "{.status.runningConfig}").contains("192.0.2.3 remote-as"));
    // A conflict: the last good configuration stays, and everybody sees who disagrees.
    cluster.apply_yaml(&object("b", 3, ", port: 1790")).unwrap();
    wait_for_status(&cluster, "{.status.counts.conflicts}", "1");
    let others = status(&cluster, "{.status.configurations[*].conflicts[*].others[*].name}");
    assert_eq!(others, "b a");
    assert!(!bgpd(&router).contains("1790"));
    cluster.kubectl(&["delete", "frrconfiguration", "b", "-n", NAMESPACE]).unwrap();
    wait_for_status(&cluster, "{.status.counts.conflicts}", "0");
    // An API that is gone takes nothing away, nor keeps a new agent from starting.
    running.stop();
    let mut cluster = cluster;
    cluster.stop_api_server();
    let before = bgpd(&router);
    let again = agent(&cluster, &router, &home, &[]);
    again.wait_for_reason("ApiUnlisted");
    assert_eq!(bgpd(&router), before);
    cluster.start_api_server().unwrap();
    again.wait_long_for(RECOVERY, "the API to be listed", |report| report["reason"] == "Applied");
    cluster.kubectl(&["delete", "frrconfiguration", "a", "-n", NAMESPACE]).unwrap();
    wait_for_config(&router, "what was deleted to go", |text| !text.contains("192.0.2.3"));
}

#[test]
fn a_crd_or_a_namespace_that_is_deleted_takes_nothing_along() {
    let Some(cluster) = cluster() else { return };
    let Some(install) = installs().pop() else { return };
    let (router, home) = (isolated(&install), Home::new());
    let running = agent(&cluster, &router, &home, &[]);
    cluster.apply_yaml(&object("a", 3, "")).unwrap();
    running.wait_for_reason("Applied");
    wait_for_config(&router, "the neighbor", |text| text.contains("192.0.2.3 remote-as"));
    let before = bgpd(&router);
    cluster.kubectl(&["delete", "crd", "frrconfigurations.frrk8s.metallb.io"]).unwrap();
    running.wait_for("the object to be missed", |report| {
        report["findings"].to_string().contains("missing-in-api")
    });
    assert_eq!(bgpd(&router), before);
    cluster.install_crds().unwrap();
    cluster.apply_yaml(&object("a", 3, "")).unwrap();
    running.wait_for_reason("Applied");
    assert_eq!(bgpd(&router), before);
}
