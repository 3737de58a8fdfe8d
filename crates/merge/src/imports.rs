//! The graph of VRF imports.

use frrk8s_model::{Finding, Fragment, NodeConfig, Rule, Vrf, router_path};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

/// VRFs that import each other's routes in a circle, each circle sorted. That is legal: FRR does not
/// pass on what was imported.
pub fn import_cycles(config: &NodeConfig) -> Vec<Vec<&Vrf>> {
    let vrfs: Vec<&Vrf> = config.routers.keys().collect();
    let number = |vrf: &Vrf| vrfs.binary_search(&vrf).ok();
    let mut graph = DiGraphMap::<usize, ()>::new();
    for (to, (_, router)) in config.routers.iter().enumerate() {
        graph.extend(router.imports.iter().filter_map(|from| Some((number(from)?, to))));
    }
    let mut cycles: Vec<Vec<&Vrf>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|mut component| {
            component.sort_unstable();
            component.into_iter().map(|at| vrfs[at]).collect()
        })
        .collect();
    cycles.sort();
    cycles
}

/// The circles as information, at each import that takes part.
pub(crate) fn findings(config: &NodeConfig, fragments: &[&Fragment]) -> Vec<Finding> {
    let cycles = import_cycles(config);
    let mut findings = Vec::new();
    for cycle in &cycles {
        let names: Vec<_> = cycle.iter().map(ToString::to_string).collect();
        let message = format!("the VRFs {} import each other's routes", names.join(", "));
        for fragment in fragments {
            for (at, router) in fragment.routers.iter().enumerate() {
                let within = router.imports.iter().any(|from| cycle.contains(&from));
                if within && cycle.contains(&&router.vrf) {
                    let path = format!("{}.imports", router_path(at));
                    findings.push(Finding::new(Rule::ImportCycle, &fragment.object, path, &*message));
                }
            }
        }
    }
    findings
}
