//! The Node asks for a pause: FRR is told nothing until it ends, and everybody sees it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use frrk8s_e2e::cluster_lab::{NODE, status, wait_for_events, wait_for_status, wait_for_status_that};
use frrk8s_e2e::cluster_peer::{Watched, advertises, set};
use frrk8s_testkit::cluster::{Cluster, ClusterOptions};
use jiff::Timestamp;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const PAUSED: &str = "{.status.conditions[?(@.type==\"Paused\")].status}";

/// A time so many seconds from now.
fn from_now(seconds: u64) -> String {
    let time = Timestamp::now() + Duration::from_secs(seconds);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn annotate(cluster: &Cluster, value: Option<&str>) {
    let text = match value {
        Some(value) => format!("frrk8s.metallb.io/pause={value}"),
        None => "frrk8s.metallb.io/pause-".to_owned(),
    };
    cluster.kubectl(&["annotate", "--overwrite", "node", NODE, &text]).unwrap();
}

#[test]
fn an_annotation_of_the_node_pauses_until_it_ends_or_goes() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let cluster = &watched.cluster;
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    agent.wait_for_reason("Applied");
    annotate(cluster, Some(&format!("until={} reason=rack 7 is moved", from_now(3600))));
    let report = agent.wait_for_reason("Paused");
    assert_eq!((&report["paused"]["by"], &report["message"]), (&"Node".into(), &"rack 7 is moved".into()));
    wait_for_status(cluster, PAUSED, "True");
    let message = status(cluster, "{.status.conditions[?(@.type==\"Paused\")].message}");
    assert!(message.contains("rack 7 is moved"), "{message}");
    wait_for_events(cluster, "the pause to be said", |events| {
        events.iter().any(|it| it["reason"] == "Paused")
    });
    watched.apply(&advertises("b", &["10.2.0.0/24"], ""));
    // It outlives the agent.
    agent.kill();
    let agent = watched.agent(EXECUTABLE, &[]);
    agent.wait_for_reason("Paused");
    assert_eq!(watched.table(), set(&["10.1.0.0/24"]));
    // frrk8s resume does not end what the Node asks for.
    agent.post("/resume");
    wait_for_status(cluster, PAUSED, "True");
    annotate(cluster, None);
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24"]);
    wait_for_status(cluster, PAUSED, "False");
    // It ends by itself.
    annotate(cluster, Some(&format!("until={} reason=short", from_now(15))));
    agent.wait_for_reason("Paused");
    watched.apply(&advertises("c", &["10.3.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"]);
    agent.wait_for_reason("Applied");
}

#[test]
fn an_annotation_that_is_wrong_pauses_nothing_and_is_said() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let cluster = &watched.cluster;
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    let long = format!("until={} reason=for good", from_now(3 * 24 * 3600));
    for (text, why) in [("30m", "is no pause"), (long.as_str(), "longer than 24 h")] {
        annotate(cluster, Some(text));
        let path = "{.status.conditions[?(@.type==\"Paused\")].message}";
        wait_for_status_that(cluster, path, why, |message| message.contains(why));
        assert_eq!(status(cluster, PAUSED), "False");
        let is_said = |event: &serde_json::Value| {
            event["reason"] == "PauseRefused" && event["note"].to_string().contains(why)
        };
        if why == "is no pause" {
            wait_for_events(cluster, "it to be said", |events| events.iter().any(is_said));
        }
    }
    watched.apply(&advertises("b", &["10.2.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24"]);
    agent.wait_for("it to be on the status", |report| report["pauseRefused"].to_string().contains("24 h"));
}
