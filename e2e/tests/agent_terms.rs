//! On what terms the agent holds FRR: time that a writer gets, options that change, nodes that vanish, an operator's
//! pause.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use frrk8s_e2e::agent::{Agent, Home, LIMIT, bgpd, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_testkit::lab::{Daemon, Router, wait_until};
use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

fn agent(router: &Router, home: &Home, options: &[&str]) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, options)
}

fn has_finding(report: &Value, rule: &str) -> bool {
    report["findings"].as_array().is_some_and(|findings| findings.iter().any(|it| it["rule"] == rule))
}

#[test]
fn an_object_that_takes_back_everything_is_kept_for_the_hold_down() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let full = object("a", &format!("prefixes: [10.1.0.0/16], {}", neighbor(3, "")), "");
        let bare = object("a", &neighbor(3, ""), "");
        home.put("a.yaml", &full);
        let running = agent(&router, &home, &["--withdraw-hold-down=4s"]);
        running.wait_for_reason("Applied");
        // As a writer does that restarts: bare, gone, and full again.
        home.put("a.yaml", &bare);
        let held = running.wait_for("the hold-down", |report| has_finding(report, "withdrawal-held-down"));
        assert_eq!(held["objects"][0]["fate"], "LastAccepted", "{held:#}");
        home.remove("a.yaml");
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        wait_for_config(&router, "the other object", |text| text.contains("192.0.2.4 remote-as"));
        assert!(bgpd(&router).contains("network 10.1.0.0/16"));
        home.put("a.yaml", &full);
        running.wait_for("its end", |report| {
            report["reason"] == "Applied" && !has_finding(report, "withdrawal-held-down")
        });
        // Somebody who means it.
        let since = Instant::now();
        home.put("a.yaml", &bare);
        wait_for_config(&router, "the prefix to go", |text| !text.contains("network 10.1.0.0/16"));
        assert!(since.elapsed().as_secs_f64() > 3.5, "{:?}", since.elapsed());
        running.wait_for_reason("Applied");
    });
}

#[test]
fn an_empty_directory_in_the_place_of_the_one_that_was_read_takes_nothing_away() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        let away = home.objects().with_file_name("away");
        fs::rename(home.objects(), &away).unwrap();
        running.wait_for_reason("SourceUnreadable");
        fs::create_dir(home.objects()).unwrap();
        let report = running.wait_for("the empty one to be seen", |report| {
            report["message"].as_str().is_some_and(|message| message.contains("no .yaml"))
        });
        assert_eq!((report["reason"].as_str(), bgpd(&router)), (Some("SourceUnreadable"), before));
        fs::remove_dir(home.objects()).unwrap();
        fs::rename(&away, home.objects()).unwrap();
        running.wait_for_reason("Applied");
    });
}

#[test]
fn routes_that_are_never_taken_are_blocked_even_when_no_source_answers() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ", toReceive: {allowed: {mode: all}}"), ""));
        agent(&router, &home, &["--node=n1"]).wait_for_reason("Applied");
        assert!(!bgpd(&router).contains("10.9.0.0/16"));
        let away = home.objects().with_file_name("away");
        fs::rename(home.objects(), &away).unwrap();
        let blocks = agent(&router, &home, &["--node=n1", "--always-block=10.9.0.0/16"]);
        wait_for_config(&router, "the block", |text| text.contains("permit 10.9.0.0/16"));
        blocks.wait_for_reason("SourceUnreadable");
        let told = blocks.lines_told();
        assert_ne!(told, 0);
        fs::rename(&away, home.objects()).unwrap();
        blocks.wait_for_reason("Applied");
        assert_eq!(blocks.lines_told(), told, "it ran already");
        // And while objects do not go together.
        home.put("b.yaml", &object("b", &neighbor(3, ", port: 1790"), ""));
        blocks.wait_for_reason("Frozen");
        blocks.stop();
        let frozen = agent(&router, &home, &["--node=n1"]);
        wait_for_config(&router, "the block to go", |text| !text.contains("10.9.0.0/16"));
        frozen.wait_for_reason("Frozen");
    });
}

fn node(text: &str) -> String {
    format!("kind: Node\nmetadata: {{name: n1, labels: {{rack: '7'}}}}\n{text}")
}

fn on_rack_7(router: &str) -> String {
    object("a", router, ", nodeSelector: {matchLabels: {rack: '7'}}")
}

#[test]
fn a_node_that_vanishes_keeps_what_its_labels_selected() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("node.yaml", &node(""));
        home.put("a.yaml", &on_rack_7(&neighbor(3, "")));
        let running = agent(&router, &home, &["--node=n1"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        home.remove("node.yaml");
        running.wait_for("the Node to be missed", |report| has_finding(report, "node-missing"));
        assert_eq!(bgpd(&router), before);
        running.stop();
        let again = agent(&router, &home, &["--node=n1"]);
        again.wait_for("it to be missed still", |report| has_finding(report, "node-missing"));
        assert_eq!(bgpd(&router), before);
        // Labels that are changed, not lost, count.
        home.put("node.yaml", &node("").replace('7', "8"));
        wait_for_config(&router, "the neighbor to go", |text| !text.contains("192.0.2.3"));
    });
}

#[test]
fn a_router_id_that_was_made_up_stays() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let v6 = "status: {addresses: [{type: InternalIP, address: 'fd00::1'}]}\n";
        home.put("node.yaml", &node(v6));
        home.put("a.yaml", &on_rack_7(&neighbor(3, "")));
        let running = agent(&router, &home, &["--node=n1"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        assert!(before.contains(" bgp router-id "), "{before}");
        running.stop();
        home.put("node.yaml", &node(&v6.replace("}]", "}, {type: InternalIP, address: 192.0.2.9}]")));
        let again = agent(&router, &home, &["--node=n1"]);
        again.wait_for_reason("Applied");
        assert_eq!(bgpd(&router), before);
    });
}

#[test]
fn a_pause_outlives_the_agent() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let ask = |agent: &Agent, path: &str| {
            let asked = ureq::post(format!("http://{}{path}", agent.address())).send_empty();
            asked.unwrap().status().as_u16()
        };
        assert_eq!(ask(&running, "/pause?duration=10m&reason=rack"), 200);
        running.wait_for_reason("Paused");
        running.kill();
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        let again = agent(&router, &home, &[]);
        let report = again.wait_for_reason("Paused");
        assert_eq!(report["message"], "rack");
        assert!(!bgpd(&router).contains("192.0.2.4"));
        assert_eq!(ask(&again, "/resume"), 200);
        wait_for_config(&router, "the second neighbor", |text| text.contains("192.0.2.4 remote-as"));
        again.stop();
        agent(&router, &home, &[]).wait_for_reason("Applied");
    });
}

#[test]
fn what_somebody_changed_in_our_lists_is_left_where_it_is_only_to_be_reported() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let advertises = ", toAdvertise: {allowed: {mode: all}}";
        home.put(
            "a.yaml",
            &object("a", &format!("prefixes: [10.1.0.0/16], {}", neighbor(3, advertises)), ""),
        );
        let running = agent(&router, &home, &["--on-drift=report"]);
        running.wait_for_reason("Applied");
        let typed =
            ["ip prefix-list frrk8s-1 seq 77 permit 10.77.0.0/16", "no route-map 192.0.2.3-in deny 65535"];
        assert_eq!(router.configure(Daemon::Bgpd, &typed).unwrap(), []);
        let changed = bgpd(&router);
        let report = running.wait_for_reason("Drift");
        assert_eq!(bgpd(&router), changed, "{report:#}");
        assert!(report["drift"].as_array().is_some_and(|lines| lines.len() >= 2), "{report:#}");
        running.stop();
        let undoes = agent(&router, &home, &["--on-drift=undo"]);
        wait_for_config(&router, "the drift to be undone", |text| !text.contains("10.77.0.0/16"));
        undoes.wait_for_reason("Applied");
    });
}

#[test]
fn an_object_says_how_much_is_logged_while_the_agent_runs() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let debugs = || fs::read_to_string(home.log()).unwrap().matches("DEBUG").count();
        assert_eq!(debugs(), 0);
        home.put(
            "config.yaml",
            "kind: FRRK8sConfiguration\nmetadata: {name: config}\nspec: {logLevel: debug}\n",
        );
        wait_for_config(&router, "FRR's own level", |text| {
            text.lines().any(|line| line == "log stdout") && text.contains("debug bgp")
        });
        // It says at that level what wakes it.
        running.wait_for_passes(1);
        wait_until(LIMIT, "debug lines", || Ok(debugs() > 0)).unwrap();
        home.remove("config.yaml");
        wait_for_config(&router, "FRR's own level", |text| text.contains("log stdout informational"));
    });
}

#[test]
fn the_name_of_the_machine_is_ours_only_where_we_give_one() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        assert_eq!(router.configure(Daemon::Bgpd, &["hostname theirs"]).unwrap(), []);
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let nameless = agent(&router, &home, &[]);
        nameless.wait_for_reason("Applied");
        assert!(bgpd(&router).contains("hostname theirs"));
        nameless.stop();
        let named = agent(&router, &home, &["--node=n1"]);
        wait_for_config(&router, "the name", |text| text.contains("hostname n1"));
        named.wait_for_reason("Applied");
        named.stop();
        let nameless = agent(&router, &home, &[]);
        wait_for_config(&router, "the name to go", |text| !text.contains("hostname n1"));
        nameless.wait_for_reason("Applied");
    });
}

#[test]
fn a_session_that_another_object_resets_is_announced_with_both() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        home.put("b.yaml", &object("b", &format!("id: 192.0.2.200, {}", neighbor(4, "")), ""));
        let report = running.wait_for("the reset", |report| {
            report["lastApply"]["resets"].as_array().is_some_and(|resets| resets.len() == 2)
        });
        let reset = &report["lastApply"]["resets"][0];
        assert_eq!(reset["definedBy"][0], "frr-k8s-system/a", "{reset:#}");
        assert_eq!(reset["changed"][0], "frr-k8s-system/b", "{reset:#}");
        assert_eq!(reset["because"][0], "bgp router-id 192.0.2.200", "{reset:#}");
        let log = fs::read_to_string(home.log()).unwrap();
        let said: Vec<&str> = log.lines().filter(|line| line.contains("a session was reset")).collect();
        assert!(said.len() == 1 && said[0].contains("192.0.2.3"), "only the one of somebody else: {said:?}");
    });
}

#[test]
fn an_object_that_resets_its_own_session_is_not_taken_for_another() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let both = |a: &str, b: &str| format!("{}---\n{}", object("a", a, ""), object("b", b, ""));
        home.put("all.yaml", &both(&neighbor(3, ""), &neighbor(4, "")));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let (a, b) = ("neighbors: [{address: 192.0.2.3, asn: 64599}]", neighbor(4, ""));
        home.put("all.yaml", &both(a, &format!("prefixes: [10.1.0.0/16], {b}")));
        let report = running.wait_for("the reset", |report| {
            report["lastApply"]["resets"].as_array().is_some_and(|resets| resets.len() == 1)
        });
        let changed = &report["lastApply"]["resets"][0]["changed"];
        assert_eq!(*changed, serde_json::json!(["frr-k8s-system/a"]), "{report:#}");
        assert!(!fs::read_to_string(home.log()).unwrap().contains("a session was reset"));
    });
}

#[test]
fn a_bgpd_that_lost_everything_is_put_back_even_where_drift_is_only_reported() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &["--on-drift=report"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        router.kill(Daemon::Bgpd).unwrap();
        router.start_daemon(Daemon::Bgpd).unwrap();
        wait_for_config(&router, "what was lost", |text| text == before);
        running.wait_for_reason("Applied");
    });
}

#[test]
fn a_node_without_configurations_is_there() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("node.yaml", &node(""));
        home.put("a.yaml", &on_rack_7(&neighbor(3, "")));
        let running = agent(&router, &home, &["--node=n1"]);
        running.wait_for_reason("Applied");
        home.remove("a.yaml");
        wait_for_config(&router, "the neighbor to go", |text| !text.contains("192.0.2.3"));
        let report =
            running.wait_for("the end of the object", |report| report["objects"] == serde_json::json!([]));
        assert!(!has_finding(&report, "node-missing"), "{report:#}");
    });
}

#[test]
fn options_that_change_take_nothing_away_that_this_release_cannot_render() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ", toReceive: {allowed: {mode: all}}"), ""));
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        let running = agent(&router, &home, &["--node=n1"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        running.stop();
        // A record of a release that took more than this one.
        let script = "cd \"$0\"/generation-*; sed -i 's/\"192.0.2.4\"/\"192.0.2.4444\"/' record.json; sha256sum frr.conf record.json > sha256";
        assert!(Command::new("sh").args(["-c", script]).arg(home.state()).status().unwrap().success());
        fs::rename(home.objects(), home.objects().with_file_name("away")).unwrap();
        let blocks = agent(&router, &home, &["--node=n1", "--always-block=10.9.0.0/16"]);
        blocks.wait_for_reason("SourceUnreadable");
        assert!(
            fs::read_to_string(home.log())
                .unwrap()
                .contains("not taken over from the last good configuration")
        );
        assert_eq!(bgpd(&router), before);
    });
}
