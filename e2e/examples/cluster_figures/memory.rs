//! The memory of one agent in a large cluster, and what it asks when nothing changes.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use frrk8s_api::FRRConfiguration;
use frrk8s_e2e::agent::{Agent, Home, isolated};
use frrk8s_testkit::lab::{LabError, installs};

use crate::ground::{Ground, configuration};
use crate::{mebibytes, setting};

/// How many of the objects are for the node.
const OWN: usize = 20;
/// How long after the sync the memory is read, and how long requests are counted from then on.
const QUIET: Duration = Duration::from_mins(1);
const SYNC_LIMIT: Duration = Duration::from_mins(5);

/// An object of two neighbors and fifty prefixes, for one node.
fn object(number: usize, node: &str) -> FRRConfiguration {
    let prefixes: Vec<String> =
        (0..50).map(|at| format!("10.{}.{}.{}/32", number / 256 % 256, number % 256, at)).collect();
    let neighbor = |last: usize| {
        format!("{{address: 192.0.2.{last}, asn: 64513, toAdvertise: {{allowed: {{mode: all}}}}}}")
    };
    configuration(&format!(
        "kind: FRRConfiguration\nmetadata: {{name: o{number}}}\nspec:\n  nodeSelector: {{matchLabels: {{kubernetes.io/hostname: {node}}}}}\n  \
         bgp: {{routers: [{{asn: 64512, prefixes: [{}], neighbors: [{}, {}]}}]}}\n",
        prefixes.join(", "),
        neighbor(2),
        neighbor(3)
    ))
}

pub fn run() -> Result<(), LabError> {
    let Some(install) = installs().pop() else { return Ok(()) };
    let Some(ground) = Ground::start(1)? else { return Ok(()) };
    let count: usize = setting("FRRK8S_MEMORY_OBJECTS", 6000);
    let node = |number| if number < OWN { "n1".to_owned() } else { format!("other-{}", number % 300) };
    ground.put((0..count).map(|number| object(number, &node(number))).collect());
    let (router, home) = (isolated(&install), Home::new());
    let kubeconfig = format!("--kubeconfig={}", ground.agents()?.display());
    let started = Instant::now();
    let options = ["--source=kube", "--node=n1", &kubeconfig];
    let agent = Agent::start_with(Path::new("frrk8s"), router.run_directory(), &home, &options);
    let report =
        agent.wait_long_for(SYNC_LIMIT, "the agent to apply", |report| report["reason"] == "Applied");
    let synced = started.elapsed();
    sleep(QUIET);
    let (before, place) = ground.requests_since(0);
    sleep(QUIET);
    let (quiet, _) = ground.requests_since(place);
    let [now, most] = agent.memory().map(mebibytes);
    println!("One agent, {count} objects in the cluster, {OWN} for its node:\n");
    println!(
        "| applied after | VmRSS | ≤ 32 MiB | VmHWM | ≤ 64 MiB | requests until then | in a quiet minute |"
    );
    println!("| --: | --: | --: | --: | --: | --: | --: |");
    let within = |value: f64, most: f64| if value <= most { "yes" } else { "**no**" };
    println!(
        "| {:.2} s | {now:.1} MiB | {} | {most:.1} MiB | {} | {} | {} |\n",
        synced.as_secs_f64(),
        within(now, 32.0),
        within(most, 64.0),
        before.len(),
        quiet.len()
    );
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for request in quiet {
        *kinds.entry(format!("{} {} ({})", request.verb, request.resource, request.stage)).or_default() += 1;
    }
    for (kind, count) in &kinds {
        println!("* in the quiet minute: {kind}: {count}");
    }
    eprintln!(
        "{} accepted, {} left out",
        report["objects"].as_array().map_or(0, Vec::len),
        report["objectsLeftOut"]
    );
    Ok(())
}
