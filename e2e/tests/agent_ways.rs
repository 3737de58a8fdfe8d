//! The agent's ways to FRR, to the disk and to people, where they are not the usual ones.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use frrk8s_e2e::agent::{
    Agent, Home, LIMIT, bgpd, findings, isolated, neighbor, object, on_each, wait_for_config,
};
use frrk8s_testkit::lab::{Daemon, Router, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

fn agent(router: &Router, home: &Home, options: &[&str]) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, options)
}

#[test]
fn vtysh_leads_to_the_same() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let vtysh = format!("--transport=vtysh:{}", install.vtysh().display());
        let router_of = |prefix: &str| {
            format!("prefixes: [{prefix}], {}", neighbor(3, ", toAdvertise: {allowed: {mode: all}}"))
        };
        home.put("a.yaml", &object("a", &router_of("10.1.0.0/16"), ""));
        let running = agent(&router, &home, &["--node=n1", &vtysh]);
        running.wait_for_reason("Applied");
        let first = bgpd(&router);
        assert!(first.contains("network 10.1.0.0/16") && !first.contains("hostname n1"), "{first}");
        let raw = ", raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.4 no-such-option 7\\n\"}";
        home.put("b.yaml", &object("b", &neighbor(4, ""), raw));
        running.wait_for_reason("RolledBack");
        assert_eq!(bgpd(&router), first);
        home.remove("b.yaml");
        home.put("a.yaml", &object("a", &router_of("10.2.0.0/16"), ""));
        wait_for_config(&router, "the other prefix", |text| {
            text.contains("network 10.2.0.0/16") && !text.contains("network 10.1.0.0/16")
        });
        running.wait_for_reason("Applied");
        running.stop();
        // One way takes over from the other.
        let over_sockets = agent(&router, &home, &["--node=n1"]);
        wait_for_config(&router, "the name", |text| text.contains("hostname n1"));
        over_sockets.wait_for_reason("Applied");
        over_sockets.stop();
        home.put("a.yaml", &object("a", &router_of("10.3.0.0/16"), ""));
        let back = agent(&router, &home, &["--node=n1", &vtysh]);
        wait_for_config(&router, "the third prefix", |text| text.contains("network 10.3.0.0/16"));
        back.wait_for_reason("Applied");
        home.remove("a.yaml");
        wait_for_config(&router, "everything to go", |text| !text.contains("router bgp"));
    });
}

#[test]
fn a_long_commit_is_said_while_it_lasts() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let prefixes: Vec<String> =
            (0..1500).map(|at| format!("10.{}.{}.0/24", at / 256, at % 256)).collect();
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Idle");
        let advertises = neighbor(3, ", toAdvertise: {allowed: {mode: all}}");
        home.put("a.yaml", &object("a", &format!("prefixes: [{}], {advertises}", prefixes.join(", ")), ""));
        let report = running.wait_for_reason("Applying");
        assert!(report["message"].as_str().is_some_and(|text| text.contains("lines")), "{report:#}");
        assert!(running.get("/healthz").is_some());
        running.wait_for_reason("Applied");
    });
}

#[test]
fn who_asks_for_nothing_does_not_keep_others_from_asking() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Idle");
        let silent: Vec<TcpStream> =
            (0..100).map(|_| TcpStream::connect(running.address()).unwrap()).collect();
        wait_until(LIMIT * 2, "an answer", || Ok(running.get("/healthz").is_some())).unwrap();
        assert_eq!(silent.len(), 100);
    });
}

#[test]
fn an_frr_with_other_defaults_is_told_nothing() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        assert_eq!(router.configure(Daemon::Bgpd, &["frr defaults datacenter"]).unwrap(), []);
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        let report = running.wait_for_reason("DefaultsUnknown");
        assert!(report["message"].as_str().is_some_and(|text| text.contains("datacenter")), "{report:#}");
        assert!(!bgpd(&router).contains("router bgp"));
        assert_eq!(router.configure(Daemon::Bgpd, &["frr defaults traditional"]).unwrap(), []);
        running.wait_for_reason("Applied");
    });
}

#[test]
fn a_start_up_file_that_is_mounted_by_itself_is_written_over() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let mounted = home.objects().with_file_name("mounted");
        fs::write(&mounted, "").unwrap();
        fs::write(home.frr_config(), "").unwrap();
        let mut wrapper = String::from("#!/bin/sh\n");
        let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
        let paths = format!("{} {}", mounted.display(), home.frr_config().display());
        writeln!(wrapper, "exec unshare --mount sh -c '{script}' sh {paths} {EXECUTABLE} \"$@\"").unwrap();
        let path = home.objects().with_file_name("agent");
        fs::write(&path, wrapper).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
        let running = Agent::start(&path, &router, &home, &[]);
        running.wait_for_reason("Applied");
        let is_written = || Ok(fs::read_to_string(&mounted).unwrap().contains("192.0.2.3 remote-as"));
        wait_until(LIMIT, "the mounted file", is_written).unwrap();
        let log = fs::read_to_string(home.log()).unwrap();
        assert!(!log.contains("cannot be kept"), "{log}");
    });
}

#[test]
fn raw_lines_of_other_daemons_come_and_go() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let mut typed = router.vtysh();
        typed.args(["-c", "configure", "-c", "interface lo", "-c", "description theirs"]);
        assert!(typed.status().unwrap().success());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let before = router.show_running_config().unwrap();
        let raw = ", raw: {rawConfig: \"ip route 198.51.100.0/24 Null0\\nipv6 route 2001:db8::/32 Null0\\n\
                   interface lo\\n ip address 198.51.100.1/32\\nexit\\naccess-list theirs seq 5 permit any\\n\"}";
        home.put("b.yaml", &object("b", &neighbor(4, ""), raw));
        let wanted = [
            "ip route 198.51.100.0/24 Null0",
            "ipv6 route 2001:db8::/32 Null0",
            " ip address 198.51.100.1/32",
            " description theirs",
            "access-list theirs seq 5 permit any",
        ];
        let mut shown = String::new();
        let all = wait_until(LIMIT, "the raw lines", || {
            shown = router.show_running_config()?;
            Ok(wanted.iter().all(|line| shown.lines().any(|it| it == *line)))
        });
        assert!(all.is_ok(), "{all:?}\n{shown}\n{:#}", running.report());
        running.wait_for_reason("Applied");
        assert_ne!(running.lines_told(), 0);
        running.stop();
        let again = agent(&router, &home, &[]);
        again.wait_for_reason("Applied");
        assert_eq!(again.lines_told(), 0, "it ran already");
        home.remove("b.yaml");
        wait_until(LIMIT, "the raw lines to go", || Ok(router.show_running_config()? == before)).unwrap();
    });
}

/// How long mgmtd's lock is waited for, on a busy machine.
const LOCK_LIMIT: Duration = Duration::from_mins(1);

#[test]
fn a_lock_of_somebody_else_is_a_state_of_its_own_and_nobodys_object_is_to_blame() {
    on_each(|install| {
        // Before FRR 10 nobody can lock anything.
        if install.release().starts_with("8.") {
            return;
        }
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &["--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        let mut other = router.vty(Daemon::Mgmtd).unwrap();
        assert_eq!(other.command("configure terminal file-lock").unwrap().status, 0);
        home.put("b.yaml", &with_route("ip route 198.51.100.0/24 Null0"));
        let locked = |report: &serde_json::Value| report["reason"] == "Locked";
        let report = running.wait_long_for(LOCK_LIMIT, "the lock to be said", locked);
        let message = report["message"].as_str().unwrap();
        assert!(message.starts_with("mgmtd is locked") && message.contains("end that session"), "{message}");
        assert!(findings(&report, "frr-refused").is_empty(), "{report:#}");
        assert_eq!(bgpd(&router), before, "nobody is told half of it");
        drop(other);
        running.wait_for_reason("Applied");
        assert!(bgpd(&router).contains("192.0.2.4 remote-as"));
    });
}

fn with_route(route: &str) -> String {
    object("b", &neighbor(4, ""), &format!(", raw: {{rawConfig: \"{route}\\n\"}}"))
}

#[test]
fn a_static_route_in_other_words_goes_with_its_object() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &with_route("ip route 198.51.100.0 255.255.255.0 Null0"));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let has_route = || Ok(router.show_running_config()?.contains("ip route 198.51.100.0/24"));
        assert!(has_route().unwrap());
        home.remove("b.yaml");
        wait_until(LIMIT, "the route to go", || Ok(!has_route()?)).unwrap();
        running.wait_for_reason("Applied");
    });
}

#[test]
fn a_route_without_staticd_is_named_and_keeps_nobody_else_waiting() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        // From FRR 10 on mgmtd has the routes, dead or alive.
        if !router.running_config(Daemon::Staticd).is_ok_and(|_| install.release().starts_with("8.")) {
            return;
        }
        router.kill(Daemon::Staticd).unwrap();
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &with_route("ip route 198.51.100.0/24 Null0"));
        let running = agent(&router, &home, &["--conflict-policy=quarantine"]);
        let report = running.wait_for_reason("Quarantined");
        assert_eq!(findings(&report, "frr-refused")[0]["object"], "frr-k8s-system/b", "{report:#}");
        assert!(bgpd(&router).contains("192.0.2.3 remote-as") && !bgpd(&router).contains("192.0.2.4"));
        router.start_daemon(Daemon::Staticd).unwrap();
        wait_for_config(&router, "the other object", |text| text.contains("192.0.2.4 remote-as"));
        running.wait_for_reason("Applied");
        router.kill(Daemon::Staticd).unwrap();
        home.remove("b.yaml");
        home.put("c.yaml", &object("c", &neighbor(5, ""), ""));
        wait_for_config(&router, "what has no routes", |text| {
            text.contains("192.0.2.5 remote-as") && !text.contains("192.0.2.4")
        });
        running.wait_for_reason("Applied");
    });
}
