//! What people hear of a node in events: what is refused, what is put back, what is reset; and not more than they can read.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::time::Instant;

use frrk8s_e2e::agent::wait_for_config;
use frrk8s_e2e::cluster_lab::{
    NAMESPACE, NODE, delete, events, object, status, wait_for_events, wait_for_status,
};
use frrk8s_e2e::cluster_peer::{RECOVERY, Watched, advertises};
use frrk8s_testkit::cluster::ClusterOptions;
use frrk8s_testkit::lab::Daemon;
use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

/// Whether there is an event for a reason, with the object that it is about.
fn says(events: &[Value], reason: &str, object: Option<&str>) -> bool {
    let is_it = |event: &&Value| event["reason"] == reason && event["related"]["name"].as_str() == object;
    events.iter().any(|event| is_it(&event))
}

#[test]
fn what_is_refused_put_back_or_reset_is_said() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24"]);
    agent.wait_for_reason("Applied");
    // FRR refuses a line.
    let raw = "{raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.2 no-such-option 7\\n\"}}";
    watched.apply(&object("raw", raw));
    agent.wait_for_reason("RolledBack");
    let all = wait_for_events(&watched.cluster, "the refusal to be said", |events| {
        says(events, "RolledBack", None) && says(events, "NotInForce", Some("raw"))
    });
    let event = all.iter().find(|event| event["related"]["name"] == "raw").unwrap();
    assert_eq!((&event["regarding"]["kind"], &event["regarding"]["name"]), (&"Node".into(), &NODE.into()));
    assert_eq!((&event["type"], &event["related"]["namespace"]), (&"Warning".into(), &NAMESPACE.into()));
    assert_eq!(event["reportingInstance"], NODE);
    assert!(event["note"].to_string().contains("no-such-option 7"), "{event:#}");
    assert!(event["regarding"]["uid"].is_string(), "kubectl describe looks for the UID");
    let reason = "{.status.conditions[?(@.type==\"Applied\")].reason}";
    wait_for_status(&watched.cluster, reason, "RolledBack");
    let hashes =
        ["{.status.desiredHash}", "{.status.runningHash}"].map(|path| status(&watched.cluster, path));
    assert!(!hashes[0].is_empty() && hashes[0] != hashes[1], "{hashes:?}");
    delete(&watched.cluster, "frrconfiguration", "raw");
    agent.wait_for_reason("Applied");
    wait_for_events(&watched.cluster, "the end to be said", |events| says(events, "Applied", None));
    // Somebody types, a daemon is restarted, and an object resets another one's session.
    watched.router.configure(Daemon::Bgpd, &["router bgp 64512", "no neighbor 192.0.2.2"]).unwrap();
    wait_for_config(&watched.router, "the neighbor to be put back", |text| {
        text.contains("192.0.2.2 remote-as")
    });
    wait_for_events(&watched.cluster, "the drift to be said", |events| says(events, "DriftUndone", None));
    watched.router.kill(Daemon::Bgpd).unwrap();
    watched.router.start_daemon(Daemon::Bgpd).unwrap();
    wait_for_events(&watched.cluster, "the restart to be said", |events| says(events, "FRRPutBack", None));
    watched.wait_for(&["10.1.0.0/24"]);
    watched.apply(&object("id", "{bgp: {routers: [{asn: 64512, id: 192.0.2.77}]}}"));
    wait_for_events(&watched.cluster, "the reset to be said", |events| {
        says(events, "SessionReset", Some("id"))
    });
    let described = watched.cluster.kubectl(&["describe", "node", NODE]).unwrap();
    assert!(described.contains("DriftUndone"), "{described}");
}

#[test]
fn a_thousand_broken_objects_are_no_flood() {
    const OBJECTS: usize = 1000;
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &["--conflict-policy=quarantine"]);
    let broken = |number: usize| {
        let neighbor = "{address: 192.0.2.9, asn: 64519, passwordSecret: {name: none}}";
        let router = format!("{{asn: 64512, neighbors: [{neighbor}]}}");
        object(&format!("o{number:04}"), &format!("{{bgp: {{routers: [{router}]}}}}"))
    };
    let mut yaml = String::new();
    (0..OBJECTS).for_each(|number| {
        let _ = write!(yaml, "{}", broken(number));
    });
    let begun = Instant::now();
    watched.apply(&yaml);
    agent.wait_long_for(RECOVERY, "all of them", |report| {
        report["objects"].as_array().is_some_and(|objects| objects.len() == OBJECTS)
    });
    wait_for_status(&watched.cluster, "{.status.summary.configurations}", "0/1000");
    wait_for_events(&watched.cluster, "some to be said", |events| says(events, "NotInForce", Some("o0000")));
    let count = events(&watched.cluster).len();
    // 25 at once, and one every ten seconds.
    let allowed = 27 + begun.elapsed().as_secs() / 10;
    assert!(u64::try_from(count).is_ok_and(|count| count <= allowed), "{count} events, and not {allowed}");
}
