//! From a changed file to the second router's table: how long the agent, FRR and BGP take together.
//!
//! `make bench-frr`, as root on a machine that does nothing else. Two routers and the agent; each kind of change is made
//! there and back. Then what changes lists alone, for one of many neighbors. The environment makes it smaller:
//!
//! * `FRRK8S_LATENCY_RUNS`: how often each change is made there and back, 50 by default
//! * `FRRK8S_LATENCY_LARGE`: the many neighbors and their prefixes, `50x1000` by default; `none` leaves them out
//! * `FRRK8S_BENCH_FRR`: the versions, `8.4,10.3` by default
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::panic)]

mod large;
mod small;

use std::env;
use std::path::Path;
use std::time::Instant;

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_e2e::arrival::{self, Kind, Routers, median_and_p99};
use frrk8s_testkit::lab::{LabError, Router, installs};

/// Makes the changes, and prints a line of a table for each.
fn measure(size: &str, kinds: &[Kind], (routers, home): (&Routers<'_>, &Home)) -> Result<(), LabError> {
    let mut put = |object: &str| {
        let started = Instant::now();
        home.put("a.yaml", object);
        started
    };
    for kind in kinds {
        let times = arrival::measure(kind, routers, runs(), &mut put)?;
        for (name, times) in kind.names.iter().zip(&times) {
            let [median, last] = median_and_p99(times);
            let release = routers.node.install().release();
            let goal = if median < 200.0 { "yes" } else { "**no**" };
            println!("| {release} | {size} | {name} | {median:.1} ms | {last:.1} ms | {goal} |");
        }
    }
    Ok(())
}

fn runs() -> usize {
    env::var("FRRK8S_LATENCY_RUNS").ok().map_or(50, |runs| runs.parse().unwrap())
}

/// The many neighbors and their prefixes.
fn large_size() -> Option<(usize, usize)> {
    let text = env::var("FRRK8S_LATENCY_LARGE").unwrap_or_else(|_| "50x1000".to_owned());
    let (neighbors, prefixes) = text.split_once('x')?;
    Some((neighbors.parse().unwrap(), prefixes.parse().unwrap()))
}

/// An agent that has applied the first of the objects.
fn agent(router: &Router, home: &Home, object: &str) -> Agent {
    home.put("a.yaml", object);
    let agent = Agent::start(Path::new("frrk8s"), router, home, &[]);
    agent.wait_for_reason("Applied");
    agent
}

fn main() -> Result<(), LabError> {
    println!("From the changed file to the second router's table:\n");
    println!("| FRR | neighbors × prefixes | change | median | p99 | < 200 ms |");
    println!("| --- | --- | --- | --: | --: | --: |");
    let wanted = env::var("FRRK8S_BENCH_FRR").unwrap_or_default();
    for install in installs() {
        let version = install.version().to_string();
        if wanted.is_empty() || wanted.split(',').any(|wanted| wanted.trim() == version) {
            small::run(&install)?;
            if let Some(size) = large_size() {
                large::run(&install, size)?;
            }
        }
    }
    println!();
    Ok(())
}
