//! The engine's own figures, in the format that Prometheus reads.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::report::Report;

/// Seconds: from a list entry on 10.x to a first load on 8.4.
const SECONDS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

/// The figures.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<Outcome, Counter>,
    stages: Family<Stage, Histogram, fn() -> Histogram>,
    lines: Counter,
    objects: Family<Outcome, Gauge>,
    conflicts: Gauge,
    drift: Gauge,
    foreign: Gauge,
    last_good: Gauge,
}

impl Metrics {
    /// All of them, at zero.
    pub fn new() -> Self {
        let new: fn() -> Histogram = || Histogram::new(SECONDS);
        let stages = Family::new_with_constructor(new);
        let mut metrics = Self {
            registry: Registry::with_prefix("frrk8s"),
            passes: Family::default(),
            stages,
            lines: Counter::default(),
            objects: Family::default(),
            conflicts: Gauge::default(),
            drift: Gauge::default(),
            foreign: Gauge::default(),
            last_good: Gauge::default(),
        };
        let Self { registry, passes, stages, lines, objects, conflicts, drift, foreign, last_good } =
            &mut metrics;
        registry.register("passes", "Passes over the node, by what they came to", passes.clone());
        registry.register("stage_seconds", "Duration of the stages of a pass", stages.clone());
        registry.register("lines_sent", "Lines told to FRR", lines.clone());
        registry.register("objects", "Objects that select the node, by what became of them", objects.clone());
        registry.register("conflicts", "Groups of objects that conflict", conflicts.clone());
        registry.register("drift_lines", "Lines of ours that somebody else changed", drift.clone());
        registry.register("foreign_lines", "Lines of FRR's that are none of ours", foreign.clone());
        registry.register(
            "last_good_timestamp_seconds",
            "When FRR was last seen to run what the objects ask for",
            last_good.clone(),
        );
        metrics
    }

    /// Takes in a pass.
    pub fn take(&self, report: &Report, (reading, sending, lines): (Duration, Option<Duration>, usize)) {
        self.passes.get_or_create(&Outcome { outcome: report.reason.clone() }).inc();
        self.stages.get_or_create(&Stage { stage: "read" }).observe(reading.as_secs_f64());
        if let Some(sending) = sending {
            self.stages.get_or_create(&Stage { stage: "send" }).observe(sending.as_secs_f64());
        }
        self.lines.inc_by(lines as u64);
        for fate in ["Accepted", "LastAccepted", "Rejected", "Held"] {
            let count = report.objects.iter().filter(|object| object.fate == fate).count();
            self.objects.get_or_create(&Outcome { outcome: fate.to_owned() }).set(gauge(count));
        }
        self.conflicts.set(gauge(report.conflicts.len()));
        self.drift.set(gauge(report.drift.len()));
        self.foreign.set(gauge(report.foreign_lines));
        if let Some(at) = report.passed_at.filter(|_| report.is_applied) {
            self.last_good.set(at.as_second());
        }
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
