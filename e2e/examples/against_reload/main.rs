//! One change of one prefix, by the agent and by the standard path: frr-reload.py on a configuration with lists of its own
//! for each neighbor, numbered from 1 in sorted order, which is what the existing FRR-K8s does.
//!
//! `make bench-frr`, as root on a machine that does nothing else. It prints tables for `docs/performance.md`, which says what
//! they mean, and on the standard error what it is at. The environment makes it smaller:
//!
//! * `FRRK8S_BENCH_SIZES`: neighbors and prefixes, `2x10,10x100,50x100,50x1000,100x2000` by default
//! * `FRRK8S_BENCH_FRR`: the versions, `8.4,10.3` by default
//! * `FRRK8S_BENCH_RUNS`: how often our changes are made there and back, 10 by default
//! * `FRRK8S_BENCH_LIMIT`: after how many seconds the standard path is stopped, 300 by default
//! * `FRRK8S_BENCH_SETUP_LIMIT`: how many seconds FRR may take to be brought to run the standard rendering before a change of
//!   it is measured, 1200 by default
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::panic)]

mod bounded;
mod floor;
mod ours;
mod settings;
mod state;
mod table;
mod theirs;

use std::time::Instant;

use frrk8s_e2e::fleet::Fleet;
use frrk8s_testkit::lab::{FrrInstall, LabError, Router, RouterOptions};

use settings::{Settings, Size};
use table::{Row, print};

fn measure(settings: &Settings, install: &FrrInstall, size: Size) -> Result<Row, LabError> {
    let started = Instant::now();
    let say = |what: &str| {
        eprintln!("{:>5} s  FRR {} {}: {what}", started.elapsed().as_secs(), install.release(), size.name());
    };
    let fleet = Fleet::new(size.neighbors)?;
    let mut router = Router::start(install, &fleet.node.namespace, RouterOptions::default())?;
    let ours = ours::measure(settings, size, (&router, &fleet));
    say(&format!("{ours:?}"));
    let floor = floor::measure(settings.runs, size, (&router, &fleet))?;
    say(&format!("{floor:?}"));
    let on_ours = theirs::on_our_rendering(settings, &router)?;
    say(&format!("on our rendering: {on_ours:?}"));
    router.wipe()?;
    let theirs = if size.is_for_standard(install.version()) {
        Some(theirs::measure(settings, size, (&mut router, &fleet))?)
    } else {
        None
    };
    say(&format!("{theirs:?}"));
    Ok(Row { release: install.release().to_owned(), size, ours, floor, on_ours, theirs })
}

fn main() -> Result<(), LabError> {
    let settings = Settings::read();
    let (mut rows, mut failed) = (Vec::new(), Ok(()));
    for install in &settings.installs {
        for size in &settings.sizes {
            // The others have taken hours.
            match measure(&settings, install, *size) {
                Ok(row) => rows.push(row),
                Err(error) => {
                    eprintln!("FRR {} {}: {error}", install.release(), size.name());
                    failed = Err(error);
                }
            }
        }
    }
    print!("{}", print(&rows));
    failed
}
