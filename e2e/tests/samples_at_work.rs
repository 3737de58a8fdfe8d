//! Samples about nodes that talk to each other, with all their nodes on one wire: the routes arrive.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use frrk8s_e2e::load;
use frrk8s_testkit::case::{Case, samples};
use frrk8s_testkit::lab::{self, Daemon, Family, FrrInstall, Host, Lan, Router, RouterOptions, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

/// A sample's node: its name, and the last number of its address 192.0.2.x.
type Place = (&'static str, u8);

/// The nodes of a sample, each running what it is to run, at its address.
struct Cluster {
    name: String,
    routers: Vec<(&'static str, Router)>,
    _wire: Lan,
}

impl Cluster {
    fn start(install: &FrrInstall, sample: &str, places: &[Place]) -> Self {
        let case: Case = samples().into_iter().find(|case| case.name == sample).unwrap();
        let nodes = case.judge().nodes;
        let mut wire = Lan::new().unwrap();
        let last = places.iter().map(|(_, number)| *number).max().unwrap_or_default();
        let hosts: Vec<Host> = (1..=last).map(|_| wire.host().unwrap()).collect();
        let start = |&(name, number): &Place| {
            let node = nodes.iter().find(|node| node.name.as_deref() == Some(name));
            let planned = node.and_then(|node| node.accepted.as_ref()).unwrap();
            let host = &hosts[usize::from(number) - 1];
            let router = Router::start(install, &host.namespace, RouterOptions::default()).unwrap();
            let soon = router.configure(Daemon::Bgpd, &["bgp route-map delay-timer 1"]).unwrap();
            assert_eq!(soon, []);
            let loaded = load(&router, &planned.document, &planned.raw).unwrap();
            assert!(loaded.refused.is_empty() && loaded.raw_refused.is_empty(), "{name}: {loaded:#?}");
            (name, router)
        };
        Self {
            name: format!("{sample} on FRR {}", install.release()),
            routers: places.iter().map(start).collect(),
            _wire: wire,
        }
    }

    /// A node learns a prefix, and where it is.
    fn learns(&self, node: &str, prefix: &str, next_hop: &str) {
        let (_, router) = self.routers.iter().find(|(name, _)| *name == node).unwrap();
        let arrived = wait_until(LIMIT, &format!("{}: {prefix} at {node}", self.name), || {
            let table = router.bgp_table(Family::Ipv4, None)?;
            let paths = table.get(prefix).into_iter().flatten();
            let mut next_hops = paths.flat_map(|path| &path.next_hops).map(ToString::to_string);
            Ok(next_hops.any(|found| found == next_hop))
        });
        arrived.unwrap_or_else(|error| panic!("{error}\n{:#?}", router.bgp_table(Family::Ipv4, None)));
    }
}

#[test]
fn reflectors_pass_routes_between_workers_that_have_no_session() {
    for install in lab::installs() {
        let places = [("infra-1", 1), ("infra-2", 2), ("worker-1", 11), ("worker-2", 12)];
        let cluster = Cluster::start(&install, "route-reflectors", &places);
        cluster.learns("worker-1", "10.244.2.0/24", "192.0.2.12");
        cluster.learns("worker-2", "10.244.1.0/24", "192.0.2.11");
    }
}

#[test]
fn nodes_of_a_full_mesh_learn_each_others_pods() {
    for install in lab::installs() {
        let places = [("worker-1", 11), ("worker-2", 12), ("worker-3", 13)];
        let cluster = Cluster::start(&install, "ibgp-full-mesh", &places);
        for (node, _) in places {
            for (other, number) in places.into_iter().filter(|(other, _)| *other != node) {
                let pods = format!("10.244.{}.0/24", other.trim_start_matches("worker-"));
                cluster.learns(node, &pods, &format!("192.0.2.{number}"));
            }
        }
    }
}
