//! From the API server's answer to a write until the second router's table has it.

use std::path::Path;
use std::time::Instant;

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_e2e::arrival::{PEER, Routers, kinds, measure, median_and_p99, wait_idle};
use frrk8s_testkit::lab::{Daemon, FrrInstall, LabError, Pair, installs};

use crate::ground::{Ground, configuration};
use crate::setting;

/// Milliseconds.
const GOAL: f64 = 250.0;

pub fn run() -> Result<(), LabError> {
    println!("From the API server's answer to a write until the second router's table has it:\n");
    println!("| FRR | change | median | p99 | < 250 ms |");
    println!("| --- | --- | --: | --: | --: |");
    for install in installs() {
        let Some(ground) = Ground::start(1)? else { return Ok(()) };
        of(&install, &ground)?;
    }
    println!();
    Ok(())
}

fn of(install: &FrrInstall, ground: &Ground) -> Result<(), LabError> {
    let pair = Pair::start(install, install)?;
    pair.b.router.configure(Daemon::Bgpd, &PEER)?;
    let kinds = kinds();
    ground.put(vec![configuration(&kinds[0].objects[0])]);
    let (home, kubeconfig) = (Home::new(), format!("--kubeconfig={}", ground.agents()?.display()));
    let options = ["--source=kube", "--node=n1", &kubeconfig];
    let agent = Agent::start_with(Path::new("frrk8s"), pair.a.router.run_directory(), &home, &options);
    agent.wait_for_reason("Applied");
    wait_idle(&pair.a.router, pair.b.host.v4)?;
    let routers = Routers { node: &pair.a.router, other: &pair.b.router };
    let mut put = |object: &str| {
        ground.put(vec![configuration(object)]);
        Instant::now()
    };
    for kind in &kinds {
        let times = measure(kind, &routers, setting("FRRK8S_LATENCY_RUNS", 100), &mut put)?;
        for (name, times) in kind.names.iter().zip(&times) {
            let [median, last] = median_and_p99(times);
            let goal = if median < GOAL { "yes" } else { "**no**" };
            println!("| {} | {name} | {median:.1} ms | {last:.1} ms | {goal} |", install.release());
        }
    }
    Ok(())
}
