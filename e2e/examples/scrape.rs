//! What a scrape of 100 established sessions costs, on each version of FRR: from the request to the last byte of the
//! answer, over the connection that the agent keeps.
//!
//!     cargo run --release --package frrk8s-e2e --example scrape
//!
//! It runs `frrk8s` from the PATH, or what `FRRK8S_EXECUTABLE` names.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::env;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_e2e::fleet::{FLEET_ASN, Fleet, address};
use frrk8s_testkit::lab::{FrrInstall, Router, RouterOptions, installs, wait_until};

const SESSIONS: usize = 100;
const SCRAPES: usize = 30;
/// What somebody else was told is shared for a second.
const APART: Duration = Duration::from_millis(1100);
const LIMIT: Duration = Duration::from_mins(3);

fn main() {
    println!("| FRR | sessions | scrape, median | worst of {SCRAPES} | bytes |\n|---|---|---|---|---|");
    for install in installs() {
        println!("{}", measure(&install));
    }
}

fn measure(install: &FrrInstall) -> String {
    let executable = env::var_os("FRRK8S_EXECUTABLE").map_or_else(|| PathBuf::from("frrk8s"), PathBuf::from);
    let (fleet, home) = (Fleet::new(SESSIONS).unwrap(), Home::new());
    let router = Router::start(install, &fleet.node.namespace, RouterOptions::default()).unwrap();
    let neighbor = |at| {
        let address = address(at);
        format!("{{address: {address}, asn: {FLEET_ASN}, toAdvertise: {{allowed: {{mode: all}}}}}}")
    };
    let neighbors: Vec<String> = (0..SESSIONS).map(neighbor).collect();
    home.put(
        "all.yaml",
        &format!(
            "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: all}}\n\
             spec: {{bgp: {{routers: [{{asn: 64512, prefixes: [203.0.113.0/24], neighbors: [{}]}}]}}}}\n",
            neighbors.join(", ")
        ),
    );
    let agent = Agent::start(&executable, &router, &home, &[]);
    let up = "frrk8s_bgp_session_up{";
    let count = |text: &str| text.lines().filter(|line| line.starts_with(up) && line.ends_with(" 1")).count();
    let all_up = || Ok(count(&agent.get("/metrics").unwrap_or_default()) == SESSIONS);
    wait_until(LIMIT, "all sessions", all_up).unwrap();
    let mut took = Vec::new();
    let mut bytes = 0;
    for _ in 0..SCRAPES {
        sleep(APART);
        let begun = Instant::now();
        let text = agent.get("/metrics").unwrap();
        took.push(begun.elapsed());
        assert_eq!(count(&text), SESSIONS);
        bytes = text.len();
    }
    took.sort();
    let milliseconds = |at: usize| took[at].as_secs_f64() * 1000.0;
    let (median, worst) = (milliseconds(SCRAPES / 2), milliseconds(SCRAPES - 1));
    format!("| {} | {SESSIONS} | {median:.1} ms | {worst:.1} ms | {bytes} |", install.release())
}
