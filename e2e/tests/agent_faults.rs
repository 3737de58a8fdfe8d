//! What goes wrong around the agent: each ends at what the objects ask for, or at the last good configuration, and is
//! said.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, Home, LIMIT, isolated, on_each};
use frrk8s_e2e::proxy::{Act, Proxy};
use frrk8s_e2e::wait_for_plan;
use frrk8s_testkit::lab::{Daemon, Router, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

fn agent(router: &Router, home: &Home) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, &[])
}

/// So many changes are made in ten seconds.
const PACE: Duration = Duration::from_millis(10);
/// Every pass looks at the objects once.
const PASSES: &str = "frrk8s_k8s_client_updates_total";

/// An object with this many prefixes, and a neighbor that gets them.
fn object(prefixes: u32) -> String {
    let prefixes: Vec<String> =
        (0..prefixes).map(|at| format!("10.{}.{}.0/24", at / 256, at % 256)).collect();
    format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: 64512, prefixes: [{}], \
         neighbors: [{{address: 192.0.2.3, asn: 64513, toAdvertise: {{allowed: {{mode: all}}}}}}]}}]}}}}\n",
        prefixes.join(", ")
    )
}

fn networks(router: &Router) -> usize {
    let text = router.running_config(Daemon::Bgpd).unwrap_or_default();
    text.lines().filter(|line| line.trim().starts_with("network ")).count()
}

fn wait_for_networks(router: &Router, count: usize) {
    let waited = wait_until(LIMIT, "the networks", || Ok(networks(router) == count));
    assert!(waited.is_ok(), "{waited:?}: {} instead of {count}", networks(router));
}

#[test]
fn a_thousand_changes_in_ten_seconds_end_at_the_last_one() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object(1));
        // Every pass takes longer than ten changes do.
        let slow = Proxy::new(&router, Daemon::Bgpd, |line| {
            if line == "show running-config" {
                thread::sleep(10 * PACE);
            }
            Act::HandOn
        });
        let running = Agent::start_at(Path::new(EXECUTABLE), slow.directory(), &home, &[]);
        running.wait_for_reason("Applied");
        running.wait_for_passes(1);
        let (begin, passes) = (Instant::now(), running.figure(PASSES));
        for change in 1..=1000 {
            home.put("a.yaml", &object(change % 7 + 1));
            // As somebody would who makes a hundred changes a second.
            thread::sleep((begin + change * PACE).saturating_duration_since(Instant::now()));
        }
        home.put("a.yaml", &object(9));
        wait_for_plan(&router, &object(9));
        running.wait_for_passes(1);
        let passes = running.figure(PASSES) - passes;
        println!("FRR {}: {passes} passes for 1000 changes", install.release());
        assert!((5.0..300.0).contains(&passes), "it follows on the way, and takes many at once: {passes}");
        running.wait_for_reason("Applied");
    });
}

#[test]
fn a_file_that_is_replaced_is_looked_at_once() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object(1));
        let running = agent(&router, &home);
        running.wait_for_reason("Applied");
        running.wait_for_passes(2);
        let (begin, passes) = (Instant::now(), running.figure(PASSES));
        for change in 2..=41 {
            home.put("a.yaml", &object(change));
            wait_for_networks(&router, change as usize);
            running.wait_for_reason("Applied");
        }
        let passes = running.figure(PASSES) - passes;
        // It also looks by itself, every two seconds at the most.
        let by_itself = begin.elapsed().as_secs_f64() / 2.0;
        println!("FRR {}: {passes} passes for 40 changes, {by_itself} by itself", install.release());
        assert!(passes < 60.0 + by_itself, "{passes} passes for 40 changes, {by_itself} by itself");
    });
}

#[test]
fn everything_restarted_with_nothing_is_put_back() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object(3));
        let running = agent(&router, &home);
        running.wait_for_reason("Applied");
        let before = router.show_running_config().unwrap();
        let daemons: Vec<Daemon> =
            Daemon::ALL.into_iter().filter(|daemon| router.is_alive(*daemon)).collect();
        for &daemon in daemons.iter().rev() {
            router.kill(daemon).unwrap();
        }
        let report = running.wait_for("FRR to be missed", |report| report["reason"] != "Applied");
        assert_eq!(report["isApplied"], false, "{report:#}");
        for &daemon in &daemons {
            router.start_daemon(daemon).unwrap();
        }
        wait_for_plan(&router, &object(3));
        running.wait_for_reason("Applied");
        let report = running.wait_for_passes(1);
        assert_eq!(report["lastApply"]["because"], "Lost", "{report:#}");
        running.wait_for_log(&["NotListening"]);
        assert_eq!(router.show_running_config().unwrap(), before);
    });
}

#[test]
fn an_old_start_up_file_that_is_loaded_at_the_same_time_does_not_last() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object(40));
        let running = agent(&router, &home);
        running.wait_for_reason("Applied");
        fs::copy(home.frr_config(), router.config_directory().join("frr.conf")).unwrap();
        home.put("a.yaml", &object(4));
        wait_for_plan(&router, &object(4));
        running.wait_for_passes(1);
        running.wait_for_reason("Applied");
        let before = router.show_running_config().unwrap();
        let applied = running.report()["lastApply"]["at"].clone();
        router.kill(Daemon::Bgpd).unwrap();
        router.start_daemon(Daemon::Bgpd).unwrap();
        // What watchfrr does then.
        let loaded = router.vtysh().arg("-b").output().unwrap();
        assert!(loaded.status.success(), "{loaded:?}");
        wait_for_plan(&router, &object(4));
        running.wait_for_passes(2);
        let report = running.wait_for_reason("Applied");
        let last = &report["lastApply"];
        assert!(
            last["at"] != applied && ["Lost", "Drift"].iter().any(|why| last["because"] == *why),
            "{report:#}"
        );
        // Nor is there a copy of the old lists in any daemon.
        let shown = || Ok(router.show_running_config()? == before);
        let waited = wait_until(LIMIT, "what was there before", shown);
        assert!(waited.is_ok(), "{before}\n{}", router.show_running_config().unwrap());
    });
}

#[test]
fn somebody_who_configures_at_the_same_time_keeps_what_is_theirs() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object(1));
        let running = agent(&router, &home);
        running.wait_for_reason("Applied");
        let mut typed = 0;
        for change in 1..=60 {
            home.put("a.yaml", &object(change % 13 + 1));
            let line = format!("ip prefix-list people seq {change} permit 172.16.{change}.0/24");
            assert_eq!(router.configure(Daemon::Bgpd, &[line]).unwrap(), []);
            typed += 1;
        }
        home.put("a.yaml", &object(5));
        wait_for_networks(&router, 5);
        running.wait_for_reason("Applied");
        let text = router.running_config(Daemon::Bgpd).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("ip prefix-list people ")).count(), typed);
    });
}

#[test]
fn a_full_disk_is_said_and_keeps_nothing_from_frr() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object(400));
        fs::create_dir(home.state()).unwrap();
        // A mount of the agent's own, which goes with it.
        let script = "mount -t tmpfs -o size=4k tmpfs \"$1\" && shift && exec \"$@\"";
        let wrapper = home.objects().with_file_name("agent");
        let words = format!(
            "#!/bin/sh\nexec unshare --mount sh -c '{script}' sh {} {EXECUTABLE} \"$@\"\n",
            home.state().display()
        );
        fs::write(&wrapper, words).unwrap();
        Command::new("chmod").args(["+x"]).arg(&wrapper).status().unwrap();
        let running = Agent::start(&wrapper, &router, &home, &[]);
        running.wait_for_reason("Applied");
        wait_for_networks(&router, 400);
        running.wait_for("the full disk to be reported", |report| {
            let unkept = report["unkept"].as_array().map(Vec::as_slice).unwrap_or_default();
            unkept.iter().any(|it| it["what"] == "LastGood" && it["reason"] == "DiskFull")
        });
        home.put("a.yaml", &object(399));
        wait_for_networks(&router, 399);
    });
}
