//! Two routers with one session.

use frrk8s_e2e::agent::Home;
use frrk8s_e2e::arrival::{PEER, Routers, kinds, wait_idle};
use frrk8s_testkit::lab::{Daemon, FrrInstall, LabError, Pair};

use crate::{agent, measure};

pub fn run(install: &FrrInstall) -> Result<(), LabError> {
    let pair = Pair::start(install, install)?;
    pair.b.router.configure(Daemon::Bgpd, &PEER)?;
    let home = Home::new();
    let kinds = kinds();
    let agent = agent(&pair.a.router, &home, &kinds[0].objects[0]);
    wait_idle(&pair.a.router, pair.b.host.v4)?;
    let routers = Routers { node: &pair.a.router, other: &pair.b.router };
    measure("1 × 2", &kinds, (&routers, &home))?;
    eprintln!("FRR {}: agent VmRSS, VmHWM {:?} KiB", install.release(), agent.memory());
    Ok(())
}
