//! Many neighbors with standing sessions, of which one is a router with a table.

use frrk8s_e2e::agent::Home;
use frrk8s_e2e::arrival::{Kind, LIMIT, Routers, has, wait_idle};
use frrk8s_e2e::fleet::{FLEET_ASN, Fleet, NODE_ASN, address};
use frrk8s_testkit::lab::{Daemon, FrrInstall, Host, LabError, Router, RouterOptions};

use crate::{agent, measure};

/// The one that is withheld from the first neighbor, and sent to it again.
const CHANGED: &str = "10.0.0.0/24";

fn prefixes(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("10.{}.{}.0/24", at / 256, at % 256)).collect()
}

/// The first neighbor is the router; it never has the last prefix, so that there are two audiences always.
fn object((neighbors, count): (usize, usize), other: &Host, is_allowed: bool) -> String {
    let all = prefixes(count);
    let allowed = &all[usize::from(!is_allowed)..count - 1];
    let router = format!(
        "{{address: {}, asn: {FLEET_ASN}, toAdvertise: {{allowed: {{prefixes: [{}]}}}}}}",
        other.v4,
        allowed.join(", ")
    );
    let neighbor = |at| {
        format!("{{address: {}, asn: {FLEET_ASN}, toAdvertise: {{allowed: {{mode: all}}}}}}", address(at))
    };
    let neighbors: Vec<String> = std::iter::once(router).chain((1..neighbors).map(neighbor)).collect();
    format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: {NODE_ASN}, \
         prefixes: [{}], neighbors: [{}]}}]}}}}\n",
        all.join(", "),
        neighbors.join(", ")
    )
}

pub fn run(install: &FrrInstall, size: (usize, usize)) -> Result<(), LabError> {
    let (neighbors, count) = size;
    let mut fleet = Fleet::new(neighbors)?;
    let node = Router::start(install, &fleet.node.namespace, RouterOptions::default())?;
    let other = fleet.lan.router(install, RouterOptions::default())?;
    let lines = [
        format!("router bgp {FLEET_ASN}"),
        "no bgp ebgp-requires-policy".to_owned(),
        format!("neighbor {} remote-as {NODE_ASN}", fleet.node.v4),
        format!("neighbor {} timers connect 1", fleet.node.v4),
    ];
    other.router.configure(Daemon::Bgpd, &lines)?;
    let kind = Kind {
        names: ["allowed to one neighbor", "no longer allowed to it"],
        objects: [object(size, &other.host, true), object(size, &other.host, false)],
        arrived: |routers, way| Ok(has(routers.other, CHANGED)? == (way == 0)),
    };
    let home = Home::new();
    let agent = agent(&node, &home, &kind.objects[0]);
    wait_idle(&node, other.host.v4)?;
    // The address of the first of the fleet has no session: the router is in its place.
    let expected = |at| if at == 0 { None } else { Some(count) };
    let up = fleet.wait_sent(&node, LIMIT, expected) + 1;
    let routers = Routers { node: &node, other: &other.router };
    let name = format!("{neighbors} × {count}, {up} up");
    measure(&name, &[kind], (&routers, &home))?;
    eprintln!("FRR {}: agent VmRSS, VmHWM {:?} KiB", install.release(), agent.memory());
    Ok(())
}
