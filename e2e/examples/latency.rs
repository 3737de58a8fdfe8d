//! From a changed file to the second router's table: how long the agent, FRR and BGP take together.
//!
//! `make bench-frr`. Two routers and the agent on otherwise idle FRR; each kind of change is made `RUNS` times, back and
//! forth.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_testkit::lab::{Daemon, Family, FrrInstall, LabError, Pair, Router, installs};

const RUNS: usize = 50;
const LIMIT: Duration = Duration::from_secs(20);

/// What is asked of the node, with one thing of it in two ways.
struct Kind {
    name: &'static str,
    /// The object, each way.
    objects: [String; 2],
    /// Whether the change has arrived: at the peer or at the node, for each way.
    arrived: fn(&Pair, usize) -> Result<bool, LabError>,
}

fn object(advertised: &str, router: &str, more: &str) -> String {
    format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: 64512, {router}, \
         neighbors: [{{address: 192.0.2.2, asn: 64513, toAdvertise: {{{advertised}}}{more}}}]}}]}}}}\n"
    )
}

fn has(router: &Router, prefix: &str) -> Result<bool, LabError> {
    Ok(router.bgp_table(Family::Ipv4, None)?.contains_key(prefix))
}

fn kinds() -> Vec<Kind> {
    const ALL: &str = "allowed: {mode: all}";
    const ONE: &str = "allowed: {prefixes: [10.1.0.0/16]}";
    const TWO: &str = "prefixes: [10.1.0.0/16, 10.2.0.0/16]";
    let tagged = |tag: &str| {
        format!(
            "allowed: {{prefixes: [10.1.0.0/16]}}, withCommunity: [{{community: '64512:{tag}', prefixes: [10.1.0.0/16]}}]"
        )
    };
    vec![
        Kind {
            name: "a prefix more, and its end",
            objects: [object(ALL, TWO, ""), object(ALL, "prefixes: [10.1.0.0/16]", "")],
            arrived: |pair, way| Ok(has(&pair.b.router, "10.2.0.0/16")? == (way == 0)),
        },
        Kind {
            name: "allowed to a neighbor, and no longer",
            objects: [object(ALL, TWO, ""), object(ONE, TWO, "")],
            arrived: |pair, way| Ok(has(&pair.b.router, "10.2.0.0/16")? == (way == 0)),
        },
        Kind {
            name: "another community",
            objects: [object(&tagged("1"), TWO, ""), object(&tagged("2"), TWO, "")],
            arrived: |pair, way| {
                let table = pair.b.router.bgp_table(Family::Ipv4, None)?;
                let wanted = ["64512:1", "64512:2"][way];
                let paths = table.get("10.1.0.0/16").into_iter().flatten();
                Ok(paths.flat_map(|path| &path.communities).any(|community| community == wanted))
            },
        },
        Kind {
            name: "taken from a neighbor, and no longer",
            objects: [
                object(ONE, TWO, ", toReceive: {allowed: {mode: all}}"),
                object(ONE, TWO, ", toReceive: {allowed: {prefixes: [{prefix: 172.16.0.0/12}]}}"),
            ],
            arrived: |pair, way| Ok(has(&pair.a.router, "172.20.0.0/16")? == (way == 0)),
        },
    ]
}

const PEER: [&str; 10] = [
    "router bgp 64513",
    "no bgp ebgp-requires-policy",
    "no bgp network import-check",
    "neighbor 192.0.2.1 remote-as 64512",
    "neighbor 192.0.2.1 timers connect 1",
    "address-family ipv4 unicast",
    "network 172.20.0.0/16",
    "network 172.16.0.0/12",
    "exit-address-family",
    "exit",
];

fn measure(install: &FrrInstall) -> Result<(), LabError> {
    let pair = Pair::start(install, install)?;
    pair.b.router.configure(Daemon::Bgpd, &PEER)?;
    let home = Home::new();
    let kinds = kinds();
    home.put("a.yaml", &kinds[0].objects[0]);
    let agent = Agent::start(Path::new("frrk8s"), &pair.a.router, &home, &[]);
    agent.wait_for_reason("Applied");
    pair.b.router.wait_established("192.0.2.1", None, Duration::from_mins(1))?;
    for kind in &kinds {
        let mut times: [Vec<Duration>; 2] = Default::default();
        for run in 0..=2 * RUNS {
            let way = run % 2;
            let started = Instant::now();
            home.put("a.yaml", &kind.objects[way]);
            while !(kind.arrived)(&pair, way)? {
                if started.elapsed() > LIMIT {
                    return Err(LabError::TimedOut { what: kind.name.to_owned(), limit: LIMIT, last: None });
                }
            }
            // The first one only sets the stage.
            if run > 0 {
                times[way].push(started.elapsed());
            }
        }
        for (way, times) in times.iter_mut().enumerate() {
            times.sort_unstable();
            let milliseconds = |at: usize| times[at].as_secs_f64() * 1000.0;
            let (median, last) = (milliseconds(times.len() / 2), milliseconds(times.len() * 99 / 100));
            let name = format!("{} ({})", kind.name, ["there", "back"][way]);
            println!("{:<8}{name:<48}{median:>10.1} ms{last:>10.1} ms", install.release());
        }
    }
    let memory = std::fs::read_to_string(format!("/proc/{}/status", agent.pid())).unwrap_or_default();
    for line in memory.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")) {
        println!("{:<8}agent: {}", install.release(), line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

fn main() -> Result<(), LabError> {
    println!("{:<8}{:<48}{:>13}{:>13}", "FRR", "from the file to the table", "median", "p99");
    for install in installs() {
        measure(&install)?;
    }
    Ok(())
}
