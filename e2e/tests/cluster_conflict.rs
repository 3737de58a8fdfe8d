//! Two owners that disagree on a node: what was good stays, everybody is told who disagrees with whom, where and about which
//! values, and it is over as soon as one of them gives in.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, bgpd, wait_for_config};
use frrk8s_e2e::cluster_lab::{NAMESPACE, delete, events, object, status, wait_for_events, wait_for_status};
use frrk8s_e2e::cluster_peer::{Watched, advertises};
use frrk8s_testkit::cluster::ClusterOptions;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

/// Another session of the node, with a port.
fn session(name: &str, port: u16) -> String {
    let neighbor = format!("{{address: 192.0.2.99, asn: 64599, port: {port}}}");
    object(name, &format!("{{bgp: {{routers: [{{asn: 64512, neighbors: [{neighbor}]}}]}}}}"))
}

/// Deletes an object, and waits until the node is well; how long that took, from the API server's answer on.
fn heals(watched: &Watched, agent: &Agent, name: &str) -> Duration {
    delete(&watched.cluster, "frrconfiguration", name);
    let start = Instant::now();
    agent.wait_for("the conflict to be over", |report| {
        report["reason"] == "Applied" && report["conflicts"].as_array().is_some_and(Vec::is_empty)
    });
    start.elapsed()
}

fn assert_clear(watched: &Watched, agent: &Agent) {
    wait_for_status(&watched.cluster, "{.status.counts.conflicts}", "0");
    wait_for_status(&watched.cluster, "{.status.lastConversionResult}", "success");
    assert_eq!(status(&watched.cluster, "{.status.configurations[*].conflicts}"), "");
    assert!(agent.figure("frrk8s_conflicts").abs() < 0.5, "{:?}", agent.get("/metrics"));
}

#[test]
fn a_conflict_is_said_everywhere_and_is_over_when_either_gives_in() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&(advertises("base", &["10.1.0.0/24"], "") + &session("a", 1790)));
    watched.wait_for(&["10.1.0.0/24"]);
    agent.wait_for_reason("Applied");
    let before = bgpd(&watched.router);
    for (quits, stays, port) in [("b", "a", "port 1790"), ("a", "b", "port 1791")] {
        watched.mark();
        watched.apply(&(session("b", 1791) + &advertises("c", &["10.3.0.0/24"], "")));
        agent.wait_for_reason("Frozen");
        wait_for_status(&watched.cluster, "{.status.counts.conflicts}", "1");
        assert_eq!(bgpd(&watched.router), before, "the last good configuration stays");
        let path = "{.status.configurations[?(@.name==\"a\")].conflicts[0]}";
        let conflict = status(&watched.cluster, path);
        for word in ["neighbors[0].port", "1790", "1791", "\"name\":\"b\"", NAMESPACE] {
            assert!(conflict.contains(word), "{word} in {conflict}");
        }
        let event = wait_for_events(&watched.cluster, "both sides to hear of it", |events| {
            ["a", "b"].into_iter().all(|name| {
                events.iter().any(|event| event["reason"] == "Conflict" && event["related"]["name"] == name)
            })
        });
        let note = event.iter().find(|event| event["related"]["name"] == "a").unwrap()["note"].to_string();
        assert!(note.contains("1790") && note.contains("1791") && note.contains("/b"), "{note}");
        assert!((agent.figure("frrk8s_conflicts") - 1.0).abs() < 0.5, "{:?}", agent.get("/metrics"));
        let healed = heals(&watched, &agent, quits);
        println!("a conflict of two objects: {quits} deleted, and it is over after {healed:?}");
        wait_for_config(&watched.router, "what is left of the two", |text| text.contains(port));
        watched.wait_for(&["10.1.0.0/24", "10.3.0.0/24"]);
        assert_clear(&watched, &agent);
        watched.assert_left_only(&[]);
        let resolved = |event: &&serde_json::Value| {
            event["reason"] == "ConflictResolved" && event["related"]["name"] == stays
        };
        wait_for_events(&watched.cluster, "the end to be said", |events| {
            events.iter().any(|it| resolved(&it))
        });
        delete(&watched.cluster, "frrconfiguration", "c");
        watched.wait_for(&["10.1.0.0/24"]);
    }
    assert!(events(&watched.cluster).len() < 20, "{:#?}", events(&watched.cluster));
}

#[test]
fn under_quarantine_the_rest_moves_and_the_edited_object_keeps_its_last_accepted_version() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &["--conflict-policy=quarantine"]);
    watched.apply(&(advertises("base", &["10.1.0.0/24"], "") + &session("a", 1790)));
    let edited = |port| session("b", port).replace("192.0.2.99", "192.0.2.98");
    watched.apply(&edited(1790));
    wait_for_config(&watched.router, "all", |text| text.contains("192.0.2.98 port 1790"));
    watched.wait_for(&["10.1.0.0/24"]);
    watched.mark();
    // b moves over to the neighbor of a, with another port; c comes.
    watched.apply(&(session("b", 1791) + &advertises("c", &["10.3.0.0/24"], "")));
    watched.wait_for(&["10.1.0.0/24", "10.3.0.0/24"]);
    agent.wait_for_reason("Quarantined");
    let text = bgpd(&watched.router);
    assert!(text.contains("192.0.2.99 port 1790") && text.contains("192.0.2.98 port 1790"), "{text}");
    let outcome = "{.status.configurations[?(@.name==\"b\")].outcome}";
    wait_for_status(&watched.cluster, outcome, "Superseded");
    let healed = heals(&watched, &agent, "a");
    println!("quarantined: the senior deleted, and the junior is in force after {healed:?}");
    wait_for_config(&watched.router, "the edit", |text| text.contains("192.0.2.99 port 1791"));
    assert_clear(&watched, &agent);
    watched.assert_left_only(&[]);
}
