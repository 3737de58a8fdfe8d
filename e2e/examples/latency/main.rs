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
use std::net::Ipv4Addr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_e2e::standing::{COALESCE, up_for};
use frrk8s_testkit::lab::{Family, LabError, Router, installs, wait_until};

const LIMIT: Duration = Duration::from_mins(1);
/// How often the table is looked at. Without a pause, looking would keep bgpd from what is waited for.
const LOOK: Duration = Duration::from_millis(1);

/// The routers, from which the change is seen.
struct Routers<'a> {
    node: &'a Router,
    other: &'a Router,
}

/// What is asked of the node, with one thing of it in two ways.
struct Kind {
    /// What the change to the first way is, and the one to the second.
    names: [&'static str; 2],
    /// The object, each way.
    objects: [String; 2],
    /// Whether a way has arrived.
    arrived: fn(&Routers<'_>, usize) -> Result<bool, LabError>,
}

fn has(router: &Router, prefix: &str) -> Result<bool, LabError> {
    Ok(!router.bgp_paths(Family::Ipv4, None, prefix)?.is_empty())
}

/// Makes the changes, and prints a line of a table for each.
fn measure(size: &str, kinds: &[Kind], (routers, home): (&Routers<'_>, &Home)) -> Result<(), LabError> {
    for kind in kinds {
        let mut times: [Vec<Duration>; 2] = Default::default();
        for run in 0..=2 * runs() {
            let way = (run + 1) % 2;
            let started = Instant::now();
            home.put("a.yaml", &kind.objects[way]);
            while !(kind.arrived)(routers, way)? {
                if started.elapsed() > LIMIT {
                    return Err(LabError::TimedOut {
                        what: kind.names[way].to_owned(),
                        limit: LIMIT,
                        last: None,
                    });
                }
                sleep(LOOK);
            }
            // The first one only sets the stage.
            if run > 0 {
                times[way].push(started.elapsed());
            }
        }
        for (name, times) in kind.names.iter().zip(&mut times) {
            times.sort_unstable();
            let milliseconds = |at: usize| times[at].as_secs_f64() * 1000.0;
            let (median, last) = (milliseconds(times.len() / 2), milliseconds(times.len() * 99 / 100));
            let release = routers.node.install().release();
            let goal = if median < 200.0 { "yes" } else { "**no**" };
            println!("| {release} | {size} | {name} | {median:.1} ms | {last:.1} ms | {goal} |");
        }
    }
    Ok(())
}

/// Waits until a session of the node is no longer new: FRR keeps back what it tells a new one.
fn wait_idle(node: &Router, peer: Ipv4Addr) -> Result<(), LabError> {
    let is_of_age = || Ok(up_for(node, peer.into())? > COALESCE * 2);
    wait_until(LIMIT, "the session to be of age", is_of_age).map(drop)
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
