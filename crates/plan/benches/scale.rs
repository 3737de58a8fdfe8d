//! How the pure path grows: 10, 100, 1,000 objects × 20 neighbors × 100 prefixes on one node.
//!
//! Prints time, lines and peak memory beyond the input for translate + merge and for render, and beside each the
//! growth from a tenth of the objects. Run by `make bench`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_types, missing_docs)]

use std::time::{Duration, Instant};

use frrk8s_api::{BgpConfig, FRRConfigurationSpec, Neighbor, PrefixMode, Router};
use frrk8s_merge::{Candidate, ConflictPolicy, NodeFacts, Seniority, admit};
use frrk8s_model::{Fragment, NodeConfig, ObjectId};
use frrk8s_render::{NodeOptions, Rendered, render};
use frrk8s_translate::{Secrets, translate};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const NEIGHBORS: usize = 20;
const PREFIXES: usize = 100;
const SIZES: [usize; 3] = [10, 100, 1_000];
/// The median of this many runs is printed.
const RUNS: usize = 7;

/// What the objects have in common.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// All have the same prefixes, and send all.
    Overlapping,
    /// Each has its own prefixes, and sends all of them.
    Disjoint,
    /// Each has its own prefixes, and lists those that it sends.
    Listed,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Overlapping => "overlapping",
            Self::Disjoint => "disjoint",
            Self::Listed => "disjoint, listed",
        }
    }
}

fn object(shape: Shape, number: usize) -> (ObjectId, FRRConfigurationSpec) {
    let first = if shape == Shape::Overlapping { 0 } else { number * PREFIXES };
    let prefixes: Vec<String> = (first..first + PREFIXES)
        .map(|at| format!("{}.{}.{}.0/24", 10 + at / 65536, at / 256 % 256, at % 256))
        .collect();
    let neighbors = (0..NEIGHBORS).map(|at| {
        let mut neighbor = Neighbor {
            asn: Some(65001),
            address: Some(format!("172.30.0.{}", at + 1)),
            port: Some(179),
            ..Neighbor::default()
        };
        if shape == Shape::Listed {
            neighbor.to_advertise.allowed.prefixes.clone_from(&prefixes);
        } else {
            neighbor.to_advertise.allowed.mode = Some(PrefixMode::All);
        }
        neighbor
    });
    let router = Router {
        asn: Some(64512),
        neighbors: neighbors.collect(),
        prefixes: prefixes.clone(),
        ..Router::default()
    };
    let spec = FRRConfigurationSpec {
        bgp: BgpConfig { routers: vec![router], bfd_profiles: Vec::new() },
        ..FRRConfigurationSpec::default()
    };
    (ObjectId::new("frr-k8s-system", &format!("object-{number}")), spec)
}

fn merged(objects: &[(ObjectId, FRRConfigurationSpec)]) -> NodeConfig {
    let secrets = Secrets::default();
    let fragments: Vec<Fragment> =
        objects.iter().map(|(id, spec)| translate(id, spec, &secrets).fragment.unwrap()).collect();
    let candidates: Vec<Candidate<'_>> = fragments
        .iter()
        .map(|fragment| Candidate {
            seniority: Seniority { source: 1, undated: true, created: 0, object: fragment.object.clone() },
            newest: Some(fragment),
            last_accepted: None,
        })
        .collect();
    admit(&candidates, ConflictPolicy::Freeze, &NodeFacts::default()).config.unwrap()
}

fn rendered(config: &NodeConfig) -> (Rendered, String) {
    let rendered = render(config, &NodeOptions::default(), None);
    let text = rendered.document.print();
    (rendered, text)
}

/// The median time of a step, and the most memory that it took beyond what was there before.
fn measure<T>(step: impl Fn() -> T) -> (Duration, usize, T) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = step();
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            let again = step();
            let time = started.elapsed();
            drop(again);
            time
        })
        .collect();
    times.sort();
    (times[RUNS / 2], peak, result)
}

#[allow(clippy::cast_precision_loss)] // for people's eyes
fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn main() {
    println!(
        "{NEIGHBORS} neighbors × {PREFIXES} prefixes an object; medians of {RUNS} runs; memory beyond the input"
    );
    println!(
        "{:<18}{:>8} | {:>12}{:>8}{:>10} | {:>10}{:>8}{:>10}{:>9} | {:>10}{:>8}",
        "", "objects", "merge", "growth", "MiB", "render", "growth", "MiB", "lines", "together", "growth"
    );
    for shape in [Shape::Overlapping, Shape::Disjoint, Shape::Listed] {
        let mut last: Option<[Duration; 3]> = None;
        for size in SIZES {
            let objects: Vec<_> = (0..size).map(|number| object(shape, number)).collect();
            let (merge_time, merge_peak, config) = measure(|| merged(&objects));
            let (render_time, render_peak, (document, _)) = measure(|| rendered(&config));
            let times = [merge_time, render_time, merge_time + render_time];
            let growth = |at: usize| {
                last.map_or(String::new(), |last| {
                    format!("×{:.1}", times[at].as_secs_f64() / last[at].as_secs_f64())
                })
            };
            println!(
                "{:<18}{size:>8} | {:>9.2} ms{:>8}{:>10.1} | {:>7.2} ms{:>8}{:>10.1}{:>9} | {:>7.2} ms{:>8}",
                shape.name(),
                merge_time.as_secs_f64() * 1e3,
                growth(0),
                mib(merge_peak),
                render_time.as_secs_f64() * 1e3,
                growth(1),
                mib(render_peak),
                document.document.count(),
                times[2].as_secs_f64() * 1e3,
                growth(2),
            );
            last = Some(times);
        }
    }
}
