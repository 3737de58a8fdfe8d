//! Daemons that die, hang or are not there, between applies and in the midst of them: FRR ends at what the objects ask
//! for, or at the last good configuration, and the report says which daemon it was.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frrk8s_e2e::agent::{
    Agent, Home, LIMIT, bgpd, findings, isolated, neighbor, object, on_each, wait_for_config,
    wait_for_config_of,
};
use frrk8s_e2e::proxy::{Act, Proxy, kill, kill_at};
use frrk8s_testkit::lab::{Daemon, FrrInstall, Router, wait_until};
use tempfile::TempDir;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
/// At this line of the object b the proxies kill.
const FATAL: &str = "neighbor 192.0.2.4 remote-as 64514";
/// How long a reply may take, and the processes of a busy machine.
const MUTE_LIMIT: Duration = Duration::from_secs(90);

fn agent(router: &Router, home: &Home, options: &[&str]) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, options)
}

fn behind(proxy: &Proxy, home: &Home, options: &[&str]) -> Agent {
    Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), home, options)
}

/// What watchfrr does: a daemon that has died is started again, until something is so.
fn keep_alive(router: &mut Router, daemon: Daemon, what: &str, mut is_so: impl FnMut(&Router) -> bool) {
    let waited = wait_until(LIMIT, what, || {
        if !router.is_alive(daemon) {
            router.start_daemon(daemon)?;
        }
        Ok(is_so(router))
    });
    assert!(waited.is_ok(), "{waited:?}");
}

#[test]
fn a_bgpd_that_is_killed_at_a_line_is_put_back_and_the_object_behind_the_line_is_named_at_once() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        let proxy = Proxy::new(&router, Daemon::Bgpd, kill_at(FATAL, 1));
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = behind(&proxy, &home, &["--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        keep_alive(&mut router, Daemon::Bgpd, "the loss to be reported", |_| {
            running.report()["reason"] == "RolledBack"
        });
        let report = running.report();
        assert_eq!(bgpd(&router), before, "{report:#}");
        assert!(report["message"].as_str().unwrap().starts_with("DaemonClosed: bgpd closed"), "{report:#}");
        let [finding] = findings(&report, "daemon-lost")[..] else { panic!("{report:#}") };
        assert_eq!(
            (&finding["object"], &finding["severity"]),
            (&"frr-k8s-system/b".into(), &"warning".into())
        );
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains(&format!("bgpd went away at {FATAL:?}")), "{message}");
        // Anybody may have killed it: the object is tried again, and not set aside.
        assert_ne!(report["objects"][1]["fate"], "Rejected", "{report:#}");
        let report = running.wait_for_reason("Applied");
        assert!(findings(&report, "daemon-lost").is_empty(), "{report:#}");
        assert!(bgpd(&router).contains(FATAL));
    });
}

#[test]
fn an_object_at_whose_line_bgpd_dies_twice_is_set_aside_under_quarantine_and_the_rest_applied() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        let proxy = Proxy::new(&router, Daemon::Bgpd, kill_at(FATAL, usize::MAX));
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = behind(&proxy, &home, &["--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        home.put("b.yaml", &object("b", &format!("{}, prefixes: [10.1.0.0/16]", neighbor(4, "")), ""));
        keep_alive(&mut router, Daemon::Bgpd, "the loss to be reported", |_| {
            running.report()["reason"] == "RolledBack"
        });
        keep_alive(&mut router, Daemon::Bgpd, "the object to be set aside", |_| {
            running.report()["reason"] == "Quarantined"
        });
        let report = running.report();
        let [finding] = findings(&report, "daemon-lost")[..] else { panic!("{report:#}") };
        assert_eq!((&finding["object"], &finding["severity"]), (&"frr-k8s-system/b".into(), &"error".into()));
        assert!(finding["message"].as_str().unwrap().contains("twice in a row"), "{finding:#}");
        let fates = (&report["objects"][0]["fate"], &report["objects"][1]["fate"]);
        assert_eq!(fates, (&"Accepted".into(), &"Rejected".into()), "{report:#}");
        assert_eq!(proxy.told().iter().filter(|line| *line == FATAL).count(), 2, "{:?}", proxy.told());
        let text = bgpd(&router);
        assert!(text.contains("192.0.2.3 remote-as") && !text.contains("192.0.2.4"), "{text}");
        // Others go on, and the object itself when it has changed.
        home.put("c.yaml", &object("c", &neighbor(5, ""), ""));
        wait_for_config(&router, "another object", |text| text.contains("192.0.2.5 remote-as"));
        home.put("b.yaml", &object("b", &neighbor(6, ""), ""));
        running.wait_for_reason("Applied");
        assert!(bgpd(&router).contains("192.0.2.6 remote-as"));
    });
}

#[test]
fn under_freeze_an_object_at_whose_line_bgpd_dies_twice_is_named_and_the_node_stays_at_the_last_good() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        let proxy = Proxy::new(&router, Daemon::Bgpd, kill_at(FATAL, usize::MAX));
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = behind(&proxy, &home, &[]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        keep_alive(&mut router, Daemon::Bgpd, "the second loss to be reported", |_| {
            let report = running.report();
            report["reason"] == "RolledBack"
                && findings(&report, "daemon-lost").first().is_some_and(|found| found["severity"] == "error")
        });
        assert_eq!(bgpd(&router), before);
    });
}

#[test]
fn a_bfdd_that_is_killed_at_a_line_is_put_back() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        let proxy = Proxy::new(&router, Daemon::Bfdd, kill_at("profile fast", 1));
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = behind(&proxy, &home, &[]);
        running.wait_for_reason("Applied");
        let with_bfd = object("a", &neighbor(3, ", bfdProfile: fast"), "")
            .replace("bgp: {", "bgp: {bfdProfiles: [{name: fast, receiveInterval: 100}], ");
        home.put("a.yaml", &with_bfd);
        keep_alive(&mut router, Daemon::Bfdd, "the loss to be reported", |_| {
            running.report()["reason"] == "RolledBack"
        });
        let report = running.report();
        assert!(report["message"].as_str().unwrap().contains("bfdd closed the connection"), "{report:#}");
        assert!(!bgpd(&router).contains("bfd profile"));
        running.wait_for_reason("Applied");
        assert!(router.running_config(Daemon::Bfdd).unwrap().contains("profile fast"));
        assert!(bgpd(&router).contains("192.0.2.3 bfd profile fast"));
    });
}

#[test]
fn a_zebra_or_mgmtd_that_is_killed_at_a_line_is_put_back() {
    on_each(|install| {
        let mgmtd = install.version().has_mgmtd().then_some(Daemon::Mgmtd);
        for daemon in mgmtd.into_iter().chain([Daemon::Zebra]) {
            let (mut router, home) = (isolated(install), Home::new());
            let proxy = Proxy::new(&router, daemon, kill_at("log stdout errors", 1));
            home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
            let running = behind(&proxy, &home, &[]);
            running.wait_for_reason("Applied");
            let before = bgpd(&router);
            let level = "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRK8sConfiguration\n\
                         metadata: {name: config}\nspec: {logLevel: error}\n";
            home.put("config.yaml", level);
            keep_alive(&mut router, daemon, "the loss to be reported", |_| {
                running.report()["reason"] == "RolledBack"
            });
            let report = running.report();
            let message = report["message"].as_str().unwrap();
            assert!(message.contains(&format!("{daemon} closed the connection at `log stdout")), "{message}");
            assert_eq!(bgpd(&router), before, "{daemon}");
            running.wait_for_reason("Applied");
            for daemon in [daemon, Daemon::Bgpd] {
                let text = router.running_config(daemon).unwrap();
                assert!(text.contains("log stdout errors"), "{daemon}: {text}");
            }
        }
    });
}

#[test]
fn nobody_is_named_for_a_line_at_which_the_lists_before_it_take_effect() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        let is_armed = Arc::new(AtomicBool::new(false));
        let (armed, kills) = (Arc::clone(&is_armed), kill_at("router bgp 64512", 1));
        let rule = move |line: &str| if armed.load(Ordering::Relaxed) { kills(line) } else { Act::HandOn };
        let proxy = Proxy::new(&router, Daemon::Bgpd, rule);
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = behind(&proxy, &home, &["--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        is_armed.store(true, Ordering::Relaxed);
        let more = neighbor(3, ", toAdvertise: {allowed: {mode: all}}");
        home.put("a.yaml", &object("a", &format!("prefixes: [10.1.0.0/16], {more}"), ""));
        keep_alive(&mut router, Daemon::Bgpd, "the loss to be reported", |_| {
            running.report()["reason"] == "RolledBack"
        });
        let report = running.report();
        assert!(report["message"].as_str().unwrap().contains("closed the connection at `router bgp 64512`"));
        assert!(findings(&report, "daemon-lost").is_empty(), "{report:#}");
        assert!(!bgpd(&router).contains("prefix-list"));
        running.wait_for_reason("Applied");
        assert!(bgpd(&router).contains("network 10.1.0.0/16"));
    });
}

/// Object number N of a stream: every daemon has something to do.
fn streamed(number: u8) -> String {
    let profile = number % 5;
    let routers = format!(
        "prefixes: [10.{number}.0.0/16], neighbors: [{{address: 192.0.2.3, asn: 64513, bfdProfile: p{profile}, \
         toAdvertise: {{allowed: {{mode: all}}}}}}]"
    );
    let profile = format!("bgp: {{bfdProfiles: [{{name: p{profile}, receiveInterval: {}}}], ", 100 + profile);
    object("a", &routers, "").replace("bgp: {", &profile)
}

#[test]
fn daemons_that_are_killed_at_any_moment_of_a_stream_of_changes_end_at_the_last_one() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &streamed(0));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let mut number = 0;
        for daemon in [Daemon::Bgpd, Daemon::Zebra, Daemon::Bfdd, Daemon::Bgpd] {
            // A kill after one change, after two, and so on: the agent is somewhere else each time.
            for changes in 1..=4 {
                for _ in 0..changes {
                    number += 1;
                    home.put("a.yaml", &streamed(number));
                }
                router.kill(daemon).unwrap();
                router.start_daemon(daemon).unwrap();
            }
        }
        let (prefix, profile) = (format!("network 10.{number}.0.0/16"), format!("profile p{}", number % 5));
        let is_last = |text: &str| text.contains(&prefix) && text.matches("  network ").count() == 1;
        wait_for_config(&router, "the last change in bgpd", is_last);
        wait_for_config_of(&router, Daemon::Bfdd, "the last change in bfdd", |text| {
            text.contains(&profile) && text.matches(" profile ").count() == 1
        });
        running.wait_for_reason("Applied");
    });
}

#[test]
fn a_daemon_that_is_not_there_is_named_and_what_changes_meanwhile_is_applied_when_it_is_back() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &streamed(1));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        for (number, daemon) in (2..).zip([Daemon::Zebra, Daemon::Bfdd, Daemon::Bgpd]) {
            router.kill(daemon).unwrap();
            let names_it = |report: &serde_json::Value, reason: &str| {
                let message = report["message"].as_str().unwrap_or_default();
                report["reason"] == reason && message.contains(&format!("{daemon}.vty"))
            };
            running.wait_for("a dead daemon to be named", |report| names_it(report, "NotListening"));
            std::fs::remove_file(router.socket(daemon)).unwrap();
            running.wait_for("a missing daemon to be named", |report| names_it(report, "SocketMissing"));
            home.put("a.yaml", &streamed(number));
            let passed = running.report()["passedAt"].clone();
            running.wait_for("another pass", |report| report["passedAt"] != passed);
            router.start_daemon(daemon).unwrap();
            running.wait_for_reason("Applied");
            assert!(bgpd(&router).contains(&format!("network 10.{number}.0.0/16")));
            let bfdd = router.running_config(Daemon::Bfdd).unwrap();
            assert!(bfdd.contains(&format!("profile p{number}")), "{bfdd}");
        }
    });
}

#[test]
fn a_staticd_that_goes_is_named_and_the_object_whose_lines_it_kept_is_not_blamed() {
    on_each(|install| {
        if install.version().has_mgmtd() {
            // There mgmtd keeps them.
            return;
        }
        let (mut router, home) = (isolated(install), Home::new());
        let raw = ", raw: {rawConfig: \"ip route 198.51.100.0/24 Null0\\n\"}";
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &object("b", &neighbor(4, ""), raw));
        let running = agent(&router, &home, &["--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        router.kill(Daemon::Staticd).unwrap();
        let is_missed = |report: &serde_json::Value| {
            report["reason"] == "NotListening" && report["message"].as_str().unwrap().contains("staticd")
        };
        running.wait_for("staticd to be missed", is_missed);
        // As often as an object would be set aside for a line that FRR refuses.
        for pass in 0..3 {
            let other = object(
                "other",
                &neighbor(6, ""),
                &format!(", nodeSelector: {{matchLabels: {{a: b{pass}}}}}"),
            );
            home.put("other.yaml", &other);
            let passed = running.report()["passedAt"].clone();
            let report = running.wait_for("another pass", |report| report["passedAt"] != passed);
            assert!(is_missed(&report), "{report:#}");
            assert!(findings(&report, "frr-refused").is_empty(), "{report:#}");
        }
        assert_eq!(bgpd(&router), before);
        router.start_daemon(Daemon::Staticd).unwrap();
        running.wait_for_reason("Applied");
        wait_for_config_of(&router, Daemon::Staticd, "the route", |text| text.contains("198.51.100.0/24"));
        assert_eq!(bgpd(&router), before);
        // Nobody needs it any more: then it may be away.
        router.kill(Daemon::Staticd).unwrap();
        home.put("b.yaml", &object("b", &neighbor(5, ""), ""));
        wait_for_config(&router, "the change", |text| text.contains("192.0.2.5 remote-as"));
        running.wait_for_reason("Applied");
    });
}

fn wedged(install: &FrrInstall) {
    let (router, home) = (isolated(install), Home::new());
    home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
    let running = agent(&router, &home, &[]);
    running.wait_for_reason("Applied");
    let pid_file = router.run_directory().join("bgpd.pid");
    kill(&pid_file, "STOP");
    home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
    let report = running
        .wait_long_for(MUTE_LIMIT, "a wedged bgpd to be noticed", |report| report["reason"] != "Applied");
    kill(&pid_file, "CONT");
    assert_eq!(report["reason"], "DaemonTimedOut", "{report:#}");
    let message = report["message"].as_str().unwrap();
    assert!(message.contains("bgpd did not answer") && message.contains("look at its log"), "{report:#}");
    running.wait_for_reason("Applied");
    let text = bgpd(&router);
    assert!(text.contains("192.0.2.4 remote-as") && !text.contains("192.0.2.3"), "{text}");
}

/// A socket at which somebody listens, and never answers.
fn mute() {
    let (sockets, home) = (TempDir::new().unwrap(), Home::new());
    let _listener = UnixListener::bind(sockets.path().join("bgpd.vty")).unwrap();
    home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
    let running = Agent::start_at(Path::new(EXECUTABLE), sockets.path(), &home, &[]);
    running.wait_for_reason("Starting");
    let report = running
        .wait_long_for(MUTE_LIMIT, "a mute socket to be noticed", |report| report["reason"] != "Starting");
    assert_eq!(report["reason"], "DaemonTimedOut", "{report:#}");
}

/// A bgpd that does not answer one line, and everything else.
fn mute_at_a_line(install: &FrrInstall) {
    let (router, home) = (isolated(install), Home::new());
    let swallowed = AtomicBool::new(false);
    let proxy = Proxy::new(&router, Daemon::Bgpd, move |line| match line {
        FATAL if !swallowed.swap(true, Ordering::Relaxed) => Act::Swallow,
        _ => Act::HandOn,
    });
    home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
    let running = behind(&proxy, &home, &["--conflict-policy=quarantine"]);
    running.wait_for_reason("Applied");
    let before = bgpd(&router);
    home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
    let report =
        running.wait_long_for(MUTE_LIMIT, "silence to be noticed", |report| report["reason"] == "RolledBack");
    assert_eq!(bgpd(&router), before);
    assert!(report["message"].as_str().unwrap().starts_with("DaemonTimedOut"), "{report:#}");
    let [finding] = findings(&report, "daemon-lost")[..] else { panic!("{report:#}") };
    assert!(finding["message"].as_str().unwrap().contains(&format!("bgpd fell silent at {FATAL:?}")));
    running.wait_for_reason("Applied");
    assert!(bgpd(&router).contains(FATAL));
}

// One test, because all of it is waiting.
#[test]
fn a_daemon_that_does_not_answer_is_given_up_in_time_and_used_again_when_it_does() {
    thread::scope(|scope| {
        let others = [scope.spawn(mute), scope.spawn(|| on_each(mute_at_a_line))];
        on_each(wedged);
        for other in others {
            other.join().unwrap();
        }
    });
}
