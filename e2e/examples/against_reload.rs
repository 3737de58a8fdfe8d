//! One change of one prefix, by the agent and by the standard path: frr-reload.py on a configuration with lists of its own
//! for each neighbor, numbered from 1 in sorted order.
//!
//! `make bench-frr`. Neighbors that nobody answers for: no sessions. The standard path is what the existing FRR-K8s does
//! for a change: `--test`, `--reload`, and `show running-config`; it is stopped after [`LIMIT`].
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_testkit::lab::{FrrInstall, LabError, Router, RouterOptions, installs};
use serde_json::Value;

/// After this long the standard path is stopped: what is printed then is a lower bound.
const LIMIT: Duration = Duration::from_mins(5);
const RUNS: usize = 5;
const SIZES: [(usize, usize); 3] = [(2, 10), (10, 100), (50, 100)];

/// The prefixes, of which the first comes and goes.
fn prefixes(count: usize, first: bool) -> Vec<String> {
    let all = (0..=count).map(|at| format!("10.{}.{}.0/24", at / 256, at % 256));
    all.skip(usize::from(!first)).collect()
}

fn neighbor(at: usize) -> String {
    format!("172.30.{}.{}", at / 250, at % 250 + 1)
}

fn object(neighbors: usize, prefixes: &[String]) -> String {
    let neighbors: Vec<String> = (0..neighbors)
        .map(|at| {
            format!("{{address: {}, asn: 65000, toAdvertise: {{allowed: {{mode: all}}}}}}", neighbor(at))
        })
        .collect();
    format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: 64512, prefixes: [{}], \
         neighbors: [{}]}}]}}}}\n",
        prefixes.join(", "),
        neighbors.join(", ")
    )
}

/// The same as the existing FRR-K8s writes it.
fn standard(neighbors: usize, prefixes: &[String]) -> String {
    let mut text = String::from("log stdout informational\n");
    let mut sessions = String::new();
    let mut family = String::new();
    for peer in (0..neighbors).map(neighbor) {
        for (at, prefix) in prefixes.iter().enumerate() {
            let _ = writeln!(text, "ip prefix-list {peer}-allowed-ipv4 seq {} permit {prefix}", at + 1);
        }
        let _ = write!(
            text,
            "ipv6 prefix-list {peer}-allowed-ipv6 seq 1 deny any\nip prefix-list {peer}-inpl-ipv4 seq 1 deny any\n\
             ipv6 prefix-list {peer}-inpl-ipv4 seq 2 deny any\n\
             route-map {peer}-out permit 1\n match ip address prefix-list {peer}-allowed-ipv4\nexit\n\
             route-map {peer}-out permit 2\n match ipv6 address prefix-list {peer}-allowed-ipv6\nexit\n\
             route-map {peer}-in permit 3\n match ip address prefix-list {peer}-inpl-ipv4\nexit\n\
             route-map {peer}-in permit 4\n match ipv6 address prefix-list {peer}-inpl-ipv4\nexit\n"
        );
        let _ = writeln!(sessions, " neighbor {peer} remote-as 65000");
        let _ = write!(
            family,
            "  neighbor {peer} activate\n  neighbor {peer} route-map {peer}-in in\n  neighbor {peer} route-map {peer}-out out\n"
        );
    }
    let networks: String = prefixes.iter().map(|prefix| format!("  network {prefix}\n")).collect();
    format!(
        "{text}router bgp 64512\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
         bgp graceful-restart preserve-fw-state\n no bgp network import-check\n{sessions} address-family ipv4 unicast\n\
         {networks}{family} exit-address-family\nexit\n"
    )
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Loads the first state, then one change back and forth: the first load, and the median of the changes.
fn ours(install: &FrrInstall, (neighbors, count): (usize, usize)) -> Result<(Duration, Duration), LabError> {
    let router = Router::isolated(install, RouterOptions::default())?;
    let home = Home::new();
    let agent = Agent::start(Path::new("frrk8s"), &router, &home, &[]);
    agent.wait_for_reason("Idle");
    let change = |with_first: bool| {
        let before = agent.report()["lastApply"]["at"].clone();
        let text = object(neighbors, &prefixes(count, with_first));
        let started = Instant::now();
        home.put("a.yaml", &text);
        let is_new = |report: &Value| report["reason"] == "Applied" && report["lastApply"]["at"] != before;
        // Asked all the time: a pause would be part of what is measured.
        while !is_new(&agent.report()) {
            assert!(started.elapsed() < LIMIT, "{:#}", agent.report());
        }
        started.elapsed()
    };
    let first = change(false);
    let changes = (0..2 * RUNS).map(|run| change(run % 2 == 0)).collect();
    Ok((first, median(changes)))
}

/// Runs a program to its end, or to the limit. Whether it ended.
fn run(mut command: Command, deadline: Instant) -> Result<bool, LabError> {
    let io = LabError::io("cannot run a program");
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(io)?;
    while child.try_wait().map_err(LabError::io("cannot wait for a program"))?.is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}

fn reload(install: &FrrInstall, router: &Router, file: &Path, deadline: Instant) -> Result<bool, LabError> {
    let script = |mode: &str| {
        let mut command = Command::new("python3");
        command.arg(install.reload_script()).args([mode, "--stdout", "--log-level", "error", "--bindir"]);
        command.arg(install.vtysh().parent().unwrap()).arg("--rundir").arg(router.run_directory());
        command.args(["--pathspace", router.pathspace()]).arg(file);
        command
    };
    let mut show = router.vtysh();
    show.args(["-c", "show running-config"]);
    Ok(run(script("--test"), deadline)? && run(script("--reload"), deadline)? && run(show, deadline)?)
}

/// One change at the front by the standard path: how long, and whether it ended.
fn theirs(install: &FrrInstall, (neighbors, count): (usize, usize)) -> Result<(Duration, bool), LabError> {
    let router = Router::isolated(install, RouterOptions::default())?;
    router.load(&standard(neighbors, &prefixes(count, false)))?;
    let file = router.config_directory().join("reload.conf");
    std::fs::write(&file, standard(neighbors, &prefixes(count, true)))
        .map_err(LabError::io("cannot write"))?;
    let started = Instant::now();
    let ended = reload(install, &router, &file, started + LIMIT)?;
    Ok((started.elapsed(), ended))
}

fn main() -> Result<(), LabError> {
    println!("one prefix more or fewer at the front of the list, from the file to verified; 0 sessions up");
    println!(
        "{:<8}{:>9} × {:<9}{:>14}{:>12}{:>18}{:>9}",
        "FRR", "neighbors", "prefixes", "first load", "agent", "standard path", "ratio"
    );
    for install in installs() {
        for size in SIZES {
            let (first, change) = ours(&install, size)?;
            let (standard, ended) = theirs(&install, size)?;
            let bound = if ended { "" } else { "> " };
            let ratio = standard.as_secs_f64() / change.as_secs_f64();
            println!(
                "{:<8}{:>9} × {:<9}{:>11.1} ms{:>9.1} ms{:>15} s{:>9}",
                install.release(),
                size.0,
                size.1,
                first.as_secs_f64() * 1000.0,
                change.as_secs_f64() * 1000.0,
                format!("{bound}{:.2}", standard.as_secs_f64()),
                format!("{bound}×{ratio:.0}")
            );
        }
    }
    Ok(())
}
