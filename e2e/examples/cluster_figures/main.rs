//! What the agent costs and how fast it is when the Kubernetes API is its source; `make bench-cluster`, as root (the first two
//! parts), on a machine that does nothing else. A real API server and etcd, real FRR but for the fleet.
//!
//! * `latency`: from the API server's answer to a write until a second router's table has it
//! * `memory`: of an agent with many objects in the cluster of which few are for its node; its requests when nothing changes
//! * `fleet`: many agents on one API server, while objects change all the time
//!
//! The environment makes it smaller: `FRRK8S_FIGURES` (the parts, all by default), `FRRK8S_LATENCY_RUNS` (100),
//! `FRRK8S_MEMORY_OBJECTS` (6000), `FRRK8S_FLEET` (agents × objects, 50x2000), `FRRK8S_FLEET_SECONDS` (60).
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::panic)]

mod fleet;
mod ground;
mod latency;
mod memory;

use std::env;
use std::str::FromStr;

use frrk8s_testkit::lab::LabError;

/// A number of the environment.
fn setting<T: FromStr>(name: &str, usual: T) -> T {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => usual,
    }
}

/// MiB of KiB.
#[allow(clippy::cast_precision_loss, reason = "memory is no more than terabytes")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

fn main() -> Result<(), LabError> {
    let parts = env::var("FRRK8S_FIGURES").unwrap_or_default();
    let is_wanted = |part: &str| parts.is_empty() || parts.split(',').any(|wanted| wanted.trim() == part);
    if is_wanted("latency") {
        latency::run()?;
    }
    if is_wanted("memory") {
        memory::run()?;
    }
    if is_wanted("fleet") {
        fleet::run()?;
    }
    Ok(())
}
