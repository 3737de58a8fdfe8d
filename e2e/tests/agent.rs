//! The agent over real FRR: what the objects of its directory ask for runs, whatever happens to them, to it, or to FRR.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use frrk8s_e2e::agent::{Agent, Home, LIMIT, bgpd, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_testkit::lab::{Daemon, Router, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

fn agent(router: &Router, home: &Home, options: &[&str]) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, options)
}

#[test]
fn what_files_say_runs_and_what_runs_already_is_not_told_again() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let running = agent(&router, &home, &["--node=n1"]);
        running.wait_for_reason("Idle");
        assert!(
            !bgpd(&router).contains("router bgp"),
            "an FRR of which nobody wants anything is told something"
        );
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let report = running.wait_for_reason("Applied");
        assert_eq!(report["objects"][0]["fate"], "Accepted");
        assert!(bgpd(&router).contains(" neighbor 192.0.2.3 remote-as 64513"));
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        wait_for_config(&router, "the second neighbor", |text| text.contains("192.0.2.4 remote-as"));
        home.remove("a.yaml");
        wait_for_config(&router, "the first neighbor to go", |text| !text.contains("192.0.2.3"));
        let is_written = || {
            let startup = std::fs::read_to_string(home.frr_config()).unwrap_or_default();
            Ok(startup.contains("192.0.2.4") && !startup.contains("192.0.2.3"))
        };
        wait_until(LIMIT, "the start-up file to follow", is_written).unwrap();
        running.stop();
        let again = agent(&router, &home, &["--node=n1"]);
        again.wait_for_reason("Applied");
        assert_eq!(again.lines_told(), 0);
        assert!(again.get("/readyz").is_some());
    });
}

#[test]
fn a_conflict_freezes_the_node_and_quarantine_sets_the_junior_aside() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ", port: 1790"), ""));
        let frozen = agent(&router, &home, &[]);
        frozen.wait_for_reason("Applied");
        home.put("b.yaml", &object("b", &neighbor(3, ", port: 1791"), ""));
        home.put("c.yaml", &object("c", &neighbor(4, ""), ""));
        let report = frozen.wait_for("three objects", |report| {
            report["reason"] == "Frozen"
                && report["objects"].as_array().is_some_and(|objects| objects.len() == 3)
        });
        assert_eq!(report["conflicts"][0].as_array().unwrap().len(), 2, "{report:#}");
        assert_eq!(report["objects"][2]["fate"], "Held", "{report:#}");
        let text = bgpd(&router);
        assert!(text.contains("192.0.2.3 port 1790") && !text.contains("192.0.2.4"), "{text}");
        frozen.stop();
        let quarantined = agent(&router, &home, &["--conflict-policy=quarantine"]);
        let report = quarantined.wait_for_reason("Quarantined");
        wait_for_config(&router, "the third object", |text| text.contains("192.0.2.4 remote-as"));
        assert!(bgpd(&router).contains("192.0.2.3 port 1790"), "{report:#}");
    });
}

#[test]
fn a_line_that_frr_refuses_is_rolled_back_and_named() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let frozen = agent(&router, &home, &[]);
        frozen.wait_for_reason("Applied");
        let before = bgpd(&router);
        let raw = ", raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.4 no-such-option 7\\n\"}";
        home.put("b.yaml", &object("b", &neighbor(4, ""), raw));
        let report = frozen.wait_for_reason("RolledBack");
        assert_eq!(bgpd(&router), before);
        let finding =
            report["findings"].as_array().unwrap().iter().find(|f| f["rule"] == "frr-refused").unwrap();
        assert_eq!(
            (&finding["object"], &finding["path"]),
            (&"frr-k8s-system/b".into(), &"spec.raw.rawConfig".into())
        );
        assert!(finding["message"].as_str().unwrap().contains("no-such-option 7"), "{finding:#}");
        frozen.stop();
        let quarantined = agent(&router, &home, &["--conflict-policy=quarantine"]);
        let report = quarantined.wait_for_reason("Quarantined");
        assert!(quarantined.figure("frrk8s_applies_total{outcome=\"RolledBack\"}") > 0.5, "{report:#}");
        // Though there was nothing left to tell without the object.
        assert_eq!(report["lastApply"]["outcome"], "RolledBack", "{report:#}");
        // What is left runs, and goes on being seen to.
        let last_good = report["lastGoodAt"].clone();
        quarantined.wait_for("another look", |report| {
            report["reason"] == "Quarantined" && report["lastGoodAt"] != last_good
        });
        assert_eq!(
            (&report["objects"][0]["fate"], &report["objects"][1]["fate"]),
            (&"Accepted".into(), &"Rejected".into()),
            "{report:#}"
        );
        assert_eq!(bgpd(&router), before);
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        quarantined.wait_for_reason("Applied");
        assert!(bgpd(&router).contains("192.0.2.4 remote-as"));
    });
}

#[test]
fn an_frr_that_lost_everything_is_put_back_with_and_without_a_source() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        router.kill(Daemon::Bgpd).unwrap();
        running.wait_for("bgpd to be missed", |report| report["reason"] != "Applied");
        router.start_daemon(Daemon::Bgpd).unwrap();
        wait_for_config(&router, "bgpd to be put back", |text| text == before);
        running.wait_for_reason("Applied");
        running.kill();
        std::fs::remove_dir_all(home.objects()).unwrap();
        router.kill(Daemon::Bgpd).unwrap();
        router.start_daemon(Daemon::Bgpd).unwrap();
        let again = agent(&router, &home, &[]);
        wait_for_config(&router, "the last good configuration", |text| text == before);
        let report = again.wait_for_reason("SourceUnreadable");
        // It was kept before this agent began.
        assert!(report["lastGoodAt"].is_string(), "{report:#}");
        assert!(again.figure("frrk8s_last_good_timestamp_seconds") > 1e9);
        assert!(again.figure("frrk8s_stage_seconds_count{stage=\"verify\"}") > 0.5);
    });
}

#[test]
fn what_somebody_else_changes_of_ours_is_undone_or_reported_and_the_rest_is_left() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ", port: 1790"), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let typed =
            ["ip prefix-list people seq 5 permit any", "router bgp 64512", "no neighbor 192.0.2.3 port"];
        router.configure(Daemon::Bgpd, &typed).unwrap();
        wait_for_config(&router, "the port to be put back", |text| text.contains("192.0.2.3 port 1790"));
        assert!(bgpd(&router).contains("ip prefix-list people seq 5 permit any"));
        let report = running.wait_for("what is none of ours to be listed", |report| {
            report["foreign"].as_array().is_some_and(|lines| lines.contains(&typed[0].into()))
        });
        let lines = report["foreign"].as_array().unwrap();
        assert_eq!(report["foreignLines"], lines.len(), "{report:#}");
        assert!(!lines.iter().any(|line| line.as_str().unwrap().contains("192.0.2.3")), "{report:#}");
        running.stop();
        let reporting = agent(&router, &home, &["--on-drift=report"]);
        reporting.wait_for_reason("Applied");
        router.configure(Daemon::Bgpd, &typed[1..]).unwrap();
        let report = reporting.wait_for_reason("Drift");
        assert_eq!(report["drift"][0], "- bgpd / router bgp 64512 / neighbor 192.0.2.3 port 1790");
        assert!(!bgpd(&router).contains("port 1790"));
    });
}

#[test]
fn what_somebody_else_changes_while_objects_change_is_put_right_and_said() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ", port: 1790"), ""));
        let first = agent(&router, &home, &[]);
        first.wait_for_reason("Applied");
        first.stop();
        // Both while nobody looks: the next agent sees them at once.
        let typed = ["router bgp 64512", "no neighbor 192.0.2.3 port"];
        router.configure(Daemon::Bgpd, &typed).unwrap();
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        let next = agent(&router, &home, &["--on-drift=report"]);
        let report = next.wait_for_reason("Applied");
        assert_eq!(report["lastApply"]["because"], "Drift", "{report:#}");
        let text = bgpd(&router);
        assert!(text.contains("192.0.2.3 port 1790") && text.contains("192.0.2.4 remote-as"), "{text}");
        next.wait_for_log(&["somebody else changed", "neighbor 192.0.2.3 port 1790"]);
        assert!((next.figure("frrk8s_drifts_total") - 1.0).abs() < 0.5);
        // What only objects change is nobody else's doing, refused or not.
        let raw = ", raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.5 no-such-option 7\\n\"}";
        home.put("b.yaml", &object("b", &neighbor(5, ""), raw));
        next.wait_for_reason("RolledBack");
        home.put("b.yaml", &object("b", &neighbor(5, ""), ""));
        next.wait_for_reason("Applied");
        assert!((next.figure("frrk8s_drifts_total") - 1.0).abs() < 0.5, "{}", next.log());
    });
}

#[test]
fn a_session_that_was_reset_for_what_was_taken_back_is_named_with_both_objects() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        // The router's id, which every session has, and a line that is refused.
        let raw = ", raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.4 no-such-option 7\\n\"}";
        home.put("b.yaml", &object("b", &format!("id: 192.0.2.200, {}", neighbor(4, "")), raw));
        let report = running.wait_for_reason("RolledBack");
        let [reset] = &report["lastApply"]["resets"].as_array().unwrap()[..] else { panic!("{report:#}") };
        assert_eq!(reset["session"], "192.0.2.3", "{report:#}");
        assert_eq!(reset["definedBy"], serde_json::json!(["frr-k8s-system/a"]), "{report:#}");
        assert_eq!(reset["changed"], serde_json::json!(["frr-k8s-system/b"]), "{report:#}");
        running.wait_for_log(&["a session was reset", "frr-k8s-system/b"]);
    });
}

#[test]
fn what_cannot_be_read_takes_nothing_away() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        for policy in ["freeze", "quarantine"] {
            let running = agent(&router, &home, &[&format!("--conflict-policy={policy}")]);
            running.wait_for_reason("Applied");
            let before = bgpd(&router);
            home.put(
                "b.yaml",
                "kind: FRRConfiguration\nmetadata: {name: b}\nspec: {bgp: {routers: [{asn: 645",
            );
            running.wait_for("the half file to be seen", |report| {
                let findings = report["findings"].as_array().cloned().unwrap_or_default();
                findings.iter().any(|finding| finding["rule"] == "unreadable")
            });
            assert_eq!(bgpd(&router), before, "{policy}");
            home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
            running.wait_for_reason("Applied");
            running.stop();
        }
    });
}

#[test]
fn one_agent_drives_an_frr_and_the_next_takes_over_when_it_is_gone() {
    on_each(|install| {
        let (router, home, other) = (isolated(install), Home::new(), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let first = agent(&router, &home, &[]);
        first.wait_for_reason("Applied");
        other.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        let second = agent(&router, &other, &[]);
        second.wait_for_reason("StandingBy");
        assert!(!bgpd(&router).contains("192.0.2.4"));
        first.kill();
        second.wait_for_reason("Applied");
        wait_for_config(&router, "what the second wants", |text| {
            text.contains("192.0.2.4 remote-as") && !text.contains("192.0.2.3")
        });
    });
}

#[test]
fn a_pause_keeps_frr_as_it_is_until_it_ends() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let frrk8s = |words: &[&str]| {
            let output = std::process::Command::new(EXECUTABLE).args(words).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
        };
        let address = format!("--address={}", running.address());
        let (code, said) = frrk8s(&["pause", "0s", "--reason=x", &address]);
        assert!(code == Some(1) && said.contains("is no duration"), "{said}");
        let (code, said) = frrk8s(&["pause", "1h", "--reason=hands on", &address]);
        assert!(code == Some(0) && said.contains("hands on"), "{said}");
        running.wait_for_reason("Paused");
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        let (_, said) = frrk8s(&["status", &address]);
        assert!(said.contains("Paused: hands on"), "{said}");
        assert!(bgpd(&router).contains("192.0.2.3"));
        assert_eq!(frrk8s(&["resume", &address]), (Some(0), "resumed\n".to_owned()));
        wait_for_config(&router, "the change", |text| text.contains("192.0.2.4 remote-as"));
        // One that ends by itself.
        frrk8s(&["pause", "1s", "--reason=short", &address]);
        home.put("a.yaml", &object("a", &neighbor(5, ""), ""));
        wait_for_config(&router, "the end of the pause", |text| text.contains("192.0.2.5 remote-as"));
        let (code, said) = frrk8s(&["status", "--address=127.0.0.1:1"]);
        assert!(code == Some(1) && said.contains("no agent answers at 127.0.0.1:1"), "{said}");
    });
}

#[test]
fn what_the_existing_frr_k8s_had_loaded_is_taken_over_without_a_reset() {
    on_each(|install| {
        let release = if install.release().starts_with("8.") { "v84" } else { "v103" };
        let fixture = format!(
            "{}/../crates/document/tests/fixtures/{release}-frrk8s-2x10-running-config.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        let config = std::fs::read_to_string(fixture).unwrap();
        // 8.4 prints the router before the lists, 10.3 behind them.
        let start =
            ["router bgp", "ip prefix-list"].iter().filter_map(|line| config.find(line)).min().unwrap();
        let (router, home) = (isolated(install), Home::new());
        assert_eq!(router.load(&config[start..]).unwrap(), []);
        let neighbor = |number: u8| {
            format!(
                "{{address: 172.30.0.{number}, asn: {}, bfdProfile: prof1, password: topsecret{}, ebgpMultiHop: true, \
                 holdTime: 90s, keepaliveTime: 30s, connectTime: 2m, toAdvertise: {{allowed: {{mode: all}}}}}}",
                64999 + u32::from(number),
                number - 1,
            )
        };
        let prefixes: Vec<String> = (1..=10).map(|number| format!("10.128.{number}.0/24")).collect();
        let routers = format!(
            "id: 10.1.1.1, prefixes: [{}], neighbors: [{}, {}]",
            prefixes.join(", "),
            neighbor(1),
            neighbor(2)
        );
        let spec = object("a", &routers, "").replace("bgp: {", "bgp: {bfdProfiles: [{name: prof1}], ");
        home.put("a.yaml", &spec);
        let running = agent(&router, &home, &[]);
        let report = running.wait_for_reason("Applied");
        let sessions = report["lastApply"]["sessions"].as_object().unwrap();
        assert!(!sessions.values().any(|change| change == "reset"), "{report:#}");
        let text = bgpd(&router);
        assert!(!text.contains("allowed-ipv4") && text.contains("ip prefix-list frrk8s-1 "), "{text}");
    });
}

#[test]
fn raw_lines_are_told_and_taken_back_also_where_frr_prints_them_in_another_way() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let before = {
            home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
            let running = agent(&router, &home, &[]);
            running.wait_for_reason("Applied");
            bgpd(&router)
        };
        // FRR writes out what is cut short, and its own names of communities.
        let raw = ", raw: {rawConfig: \"bgp community-list standard mine permit 65535:65281\\n\
                   router bgp 64512\\n neighbor 192.0.2.3 description by hand\\n neighbor 192.0.2.3 adv 7\\n\"}";
        home.put("a.yaml", &object("a", &neighbor(3, ""), raw));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let text = bgpd(&router);
        for line in ["description by hand", "advertisement-interval 7", "community-list standard mine"] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert_ne!(running.lines_told(), 0);
        running.stop();
        // It is known by now, also to the next one.
        let again = agent(&router, &home, &[]);
        again.wait_for_reason("Applied");
        assert_eq!(again.lines_told(), 0);
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        wait_for_config(&router, "the raw lines to go", |text| text == before);
        again.wait_for_reason("Applied");
    });
}

#[test]
fn what_is_empty_without_anybody_having_emptied_it_takes_nothing_away() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &["--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        // A file that is truncated to be written again.
        std::fs::write(home.objects().join("a.yaml"), "").unwrap();
        running.wait_for_reason("Quarantined");
        assert_eq!(bgpd(&router), before);
        running.stop();
        // The same, when the agent has never seen what was in it.
        let again = agent(&router, &home, &["--conflict-policy=quarantine"]);
        again.wait_for_reason("Quarantined");
        assert_eq!(bgpd(&router), before);
        again.stop();
        // A directory that is found empty, and an FRR as well.
        home.remove("a.yaml");
        router.kill(Daemon::Bgpd).unwrap();
        router.start_daemon(Daemon::Bgpd).unwrap();
        let again = agent(&router, &home, &[]);
        wait_for_config(&router, "the last good configuration", |text| text == before);
        again.wait_for_reason("SourceUnreadable");
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        again.wait_for_reason("Applied");
        home.remove("a.yaml");
        wait_for_config(&router, "what was removed to go", |text| !text.contains("192.0.2.4"));
    });
}

#[test]
fn while_what_is_wanted_fails_frr_is_held_at_what_was_last_good() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        let raw = ", raw: {rawConfig: \"router bgp 64512\\nno-such-line\\n\"}";
        home.put("b.yaml", &object("b", &neighbor(4, ""), raw));
        running.wait_for_reason("RolledBack");
        router.kill(Daemon::Bgpd).unwrap();
        router.start_daemon(Daemon::Bgpd).unwrap();
        wait_for_config(&router, "bgpd to be put back", |text| text == before);
        let put_back = |report: &serde_json::Value| {
            let apply = &report["lastApply"];
            report["reason"] == "RolledBack" && apply["because"] == "Lost" && apply["outcome"] == "Applied"
        };
        running.wait_for("that it was put back", put_back);
    });
}

#[test]
fn the_start_up_file_keeps_what_is_foreign_in_it() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        let foreign = "frr defaults traditional\nip route 198.51.100.0/24 Null0\nrouter ospf\n ospf router-id 192.0.2.1\nexit\n";
        std::fs::write(home.frr_config(), foreign).unwrap();
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        router.kill(Daemon::Bgpd).unwrap();
        router.start_daemon(Daemon::Bgpd).unwrap();
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        let is_written = || {
            let text = std::fs::read_to_string(home.frr_config()).unwrap_or_default();
            Ok(foreign.lines().all(|line| text.contains(line))
                && text.contains("192.0.2.4")
                && !text.contains("192.0.2.3"))
        };
        wait_until(LIMIT, "the start-up file", is_written).unwrap();
    });
}

fn secret(password: &str) -> String {
    format!(
        "kind: Secret\ntype: kubernetes.io/basic-auth\nmetadata: {{name: s}}\nstringData: {{password: {password}}}\n"
    )
}

#[test]
fn a_password_that_changes_is_told_and_one_that_somebody_typed_is_undone() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("s.yaml", &secret("hunter1"));
        home.put("a.yaml", &object("a", &neighbor(3, ", passwordSecret: {name: s}"), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        assert!(bgpd(&router).contains("password hunter1"));
        home.put("s.yaml", &secret("hunter2"));
        wait_for_config(&router, "the other password", |text| text.contains("password hunter2"));
        let typed = ["router bgp 64512", "neighbor 192.0.2.3 password hunter3"];
        assert_eq!(router.configure(Daemon::Bgpd, &typed).unwrap(), []);
        wait_for_config(&router, "ours again", |text| text.contains("password hunter2"));
        running.stop();
        home.put("s.yaml", &secret("hunter4"));
        let again = agent(&router, &home, &["--on-drift=report"]);
        wait_for_config(&router, "the next password", |text| text.contains("password hunter4"));
        again.wait_for_reason("Applied");
        assert_eq!(router.configure(Daemon::Bgpd, &typed).unwrap(), []);
        let report = again.wait_for_reason("Drift");
        assert!(bgpd(&router).contains("password hunter3"));
        let text = report.to_string() + &std::fs::read_to_string(home.log()).unwrap();
        for password in ["hunter1", "hunter2", "hunter3", "hunter4"] {
            assert!(!text.contains(password), "{password} is shown");
        }
    });
}
