//! Lines that FRR refuses, wherever they stand in a delta: the node ends at the last good configuration, or at what the
//! others ask for, and the line and its object are named.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use frrk8s_e2e::agent::{Agent, Home, bgpd, findings, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_e2e::proxy::{Act, Proxy};
use frrk8s_testkit::lab::Daemon;
use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

/// Where a refused line stands among the lines that bgpd is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    Middle,
    End,
}

/// Raw lines that bgpd refuses, the refused one, and where it is told.
const REFUSED: [(&str, &str, At); 3] = [
    (
        "ip prefix-list A seq 5 permit 10.0.0.0/8 ge 4",
        "ip prefix-list A seq 5 permit 10.0.0.0/8 ge 4",
        At::Start,
    ),
    ("router bgp 64512\\n neighbor 192.0.2.4 timers 30 2", "neighbor 192.0.2.4 timers 30 2", At::Middle),
    ("router bgp 64512 vrf red\\n no-such-line at all", "no-such-line at all", At::End),
];

/// The place of a line among those that lead there, before the way back begins.
fn place(told: &[String], line: &str) -> Option<At> {
    let there = told.iter().take_while(|line| !line.starts_with("no ") || line.starts_with("no-"));
    let told: Vec<&String> = there.filter(|line| !line.starts_with("exit")).collect();
    let at = told.iter().position(|told| *told == line)?;
    Some(if at == 0 {
        At::Start
    } else if at + 1 == told.len() {
        At::End
    } else {
        At::Middle
    })
}

#[test]
fn a_line_refused_at_the_start_in_the_middle_or_at_the_end_of_a_delta_is_taken_back_and_named() {
    on_each(|install| {
        for (raw, line, at) in REFUSED {
            let (router, home) = (isolated(install), Home::new());
            let proxy = Proxy::new(&router, Daemon::Bgpd, |_| Act::HandOn);
            home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
            let frozen = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
            frozen.wait_for_reason("Applied");
            let before = bgpd(&router);
            proxy.forget();
            // A neighbor is activated at the end: there is none where the refused line is to be the last.
            let neighbors = if at == At::End {
                "neighbors: []".to_owned()
            } else {
                neighbor(4, ", toAdvertise: {allowed: {mode: all}}")
            };
            let routers = format!("prefixes: [10.1.0.0/16], {neighbors}");
            home.put("b.yaml", &object("b", &routers, &format!(", raw: {{rawConfig: \"{raw}\\n\"}}")));
            let report = frozen.wait_for_reason("RolledBack");
            let told = proxy.told();
            assert_eq!(place(&told, line), Some(at), "{line}: {told:#?}");
            assert_eq!(bgpd(&router), before, "{line}");
            let found = findings(&report, "frr-refused");
            let [finding] = found[..] else { panic!("{line}: {report:#}") };
            assert_eq!(
                (&finding["object"], &finding["path"]),
                (&"frr-k8s-system/b".into(), &"spec.raw.rawConfig".into())
            );
            assert!(finding["message"].as_str().unwrap().contains(line), "{finding:#}");
            frozen.stop();
            home.put("c.yaml", &object("c", &neighbor(5, ""), ""));
            let options = ["--conflict-policy=quarantine"];
            let quarantined = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &options);
            let report = quarantined.wait_for_reason("Quarantined");
            let fates: Vec<_> =
                report["objects"].as_array().unwrap().iter().map(|o| o["fate"].clone()).collect();
            assert_eq!(fates, ["Accepted", "Rejected", "Accepted"], "{line}: {report:#}");
            let text = bgpd(&router);
            assert!(text.contains("192.0.2.5 remote-as") && !text.contains("10.1.0.0/16"), "{line}\n{text}");
            home.put("b.yaml", &object("b", &routers, ""));
            quarantined.wait_for_reason("Applied");
            wait_for_config(&router, "the object without the line", |text| {
                text.contains("network 10.1.0.0/16")
            });
        }
    });
}

/// The fates of the objects, in the order of their names.
fn fates(report: &Value) -> Vec<Value> {
    report["objects"].as_array().unwrap().iter().map(|object| object["fate"].clone()).collect()
}

fn raw(lines: &str) -> String {
    format!(", raw: {{rawConfig: \"{lines}\\n\"}}")
}

/// Lines that FRR refuses together without a word about which.
const NAMELESS: &str = "route-map BAD permit 10\\n on-match goto 5";

#[test]
fn of_lines_that_are_refused_together_those_are_blamed_that_somebody_wrote() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let options = ["--conflict-policy=quarantine"];
        let agent = Agent::start_at(Path::new(EXECUTABLE), router.run_directory(), &home, &options);
        // The first is alone with generated lines; then there is another one who wrote a map, and is taken already.
        let allowed = ", toAdvertise: {allowed: {mode: all}}";
        home.put(
            "a.yaml",
            &object("a", &format!("prefixes: [10.1.0.0/16], {}", neighbor(3, allowed)), &raw(NAMELESS)),
        );
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        let report = agent.wait_for_reason("Quarantined");
        assert_eq!(fates(&report), ["Rejected", "Accepted"], "{report:#}");
        let fine = raw("route-map GOOD permit 10\\n set metric 5");
        home.put(
            "a.yaml",
            &object("a", &format!("prefixes: [10.1.0.0/16], {}", neighbor(3, allowed)), &fine),
        );
        agent.wait_for_reason("Applied");
        let both = format!(
            "{}---\n{}",
            object("a", &neighbor(3, allowed), &raw("route-map GOOD permit 10\\n set metric 6")),
            object("c", &neighbor(5, ""), &raw(NAMELESS))
        );
        home.put("a.yaml", &both);
        let report = agent.wait_for_reason("RolledBack");
        let named: Vec<&Value> =
            findings(&report, "frr-refused").into_iter().map(|it| &it["object"]).collect();
        assert_eq!(named, ["frr-k8s-system/a", "frr-k8s-system/c"], "nobody knows which: {report:#}");
        home.put(
            "a.yaml",
            &object("a", &neighbor(3, allowed), &raw("route-map GOOD permit 10\\n set metric 6")),
        );
        agent.wait_for_reason("Applied");
        home.put("c.yaml", &object("c", &neighbor(5, ""), &raw(NAMELESS)));
        let report = agent.wait_for_reason("Quarantined");
        assert_eq!(fates(&report), ["Accepted", "Accepted", "Rejected"], "{report:#}");
        let [finding] = findings(&report, "frr-refused")[..] else { panic!("{report:#}") };
        assert_eq!(finding["path"], "spec.raw.rawConfig");
        assert!(bgpd(&router).contains("set metric 6"));
    });
}

#[test]
fn who_wrote_a_longer_line_or_the_same_elsewhere_is_not_blamed() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let options = ["--conflict-policy=quarantine"];
        let agent = Agent::start_at(Path::new(EXECUTABLE), router.run_directory(), &home, &options);
        let elsewhere = "router bgp 64512 vrf red\\n neighbor 192.0.2.4 remote-as 64514\\n neighbor 192.0.2.4 timers 30 200";
        home.put("a.yaml", &object("a", &neighbor(3, ""), &raw(elsewhere)));
        home.put(
            "b.yaml",
            &object("b", &neighbor(4, ""), &raw("router bgp 64512\\n neighbor 192.0.2.4 timers 30 2")),
        );
        let report = agent.wait_for_reason("Quarantined");
        assert_eq!(fates(&report), ["Accepted", "Rejected"], "{report:#}");
        assert!(bgpd(&router).contains("neighbor 192.0.2.4 timers 30 200"));
    });
}
