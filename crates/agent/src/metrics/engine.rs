//! The engine's own figures, and upstream's of its controller.

use frrk8s_document::Daemon;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::text::plain;
use crate::node::Pass;
use crate::report::{FindingReport, Report};
use crate::unkept::OnDisk;

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    daemon: &'static str,
    reason: &'static str,
}

/// The figures.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What belongs beside the figures of sessions.
    scrapes: Registry,
    passes: Family<Outcome, Counter>,
    applies: Family<Outcome, Counter>,
    stages: Family<Stage, Histogram, fn() -> Histogram>,
    lines: Counter,
    objects: Family<Outcome, Gauge>,
    conflicts: Gauge,
    drift: Gauge,
    drifts: Counter,
    foreign: Gauge,
    last_good: Gauge,
    paused: Gauge,
    unkept: Family<What, Gauge>,
    updates: Counter,
    update_errors: Counter,
    loaded: Gauge,
    stale: Gauge,
    scrape_errors: Family<Failure, Counter>,
}

impl Metrics {
    /// All of them, at zero.
    pub fn new() -> Self {
        let new: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("frrk8s"),
            scrapes: Registry::with_prefix("frrk8s"),
            passes: Family::default(),
            applies: Family::default(),
            stages: Family::new_with_constructor(new),
            lines: Counter::default(),
            objects: Family::default(),
            conflicts: Gauge::default(),
            drift: Gauge::default(),
            drifts: Counter::default(),
            foreign: Gauge::default(),
            last_good: Gauge::default(),
            paused: Gauge::default(),
            unkept: Family::default(),
            updates: Counter::default(),
            update_errors: Counter::default(),
            loaded: Gauge::default(),
            stale: Gauge::default(),
            scrape_errors: Family::default(),
        };
        metrics.register_own();
        metrics.register_upstreams();
        metrics
    }

    fn register_own(&mut self) {
        let Self { registry, passes, stages, lines, objects, conflicts, drift, foreign, last_good, .. } =
            self;
        let told = "Times that FRR was told something, by how it ended";
        registry.register("applies", told, self.applies.clone());
        registry.register("passes", "Passes over the node, by what they came to", passes.clone());
        registry.register("stage_seconds", "Duration of the stages of a pass", stages.clone());
        registry.register("lines_sent", "Lines told to FRR", lines.clone());
        registry.register("objects", "Objects that select the node, by what became of them", objects.clone());
        registry.register("conflicts", "Groups of objects that conflict", conflicts.clone());
        registry.register("drift_lines", "Lines of ours that somebody else changed", drift.clone());
        let help = "Times that somebody else was found to have changed what is ours";
        registry.register("drifts", help, self.drifts.clone());
        registry.register("foreign_lines", "Lines of FRR's that are none of ours", foreign.clone());
        registry.register(
            "last_good_timestamp_seconds",
            "When FRR was last seen to run what was made of the objects",
            last_good.clone(),
        );
        registry.register(
            "paused",
            "1 while an operator keeps FRR from being told anything",
            self.paused.clone(),
        );
        registry.register("unkept", "1 for what cannot be kept on disk", self.unkept.clone());
        let (errors, help) =
            (self.scrape_errors.clone(), "Times that a daemon could not be asked for its counters");
        self.scrapes.register("scrape_errors", help, errors);
    }

    fn register_upstreams(&mut self) {
        let Self { registry, updates, update_errors, loaded, stale, .. } = self;
        registry.register("k8s_client_updates", "Times that the objects were looked at", updates.clone());
        registry.register(
            "k8s_client_update_errors",
            "Times that the objects could not be taken as they are",
            update_errors.clone(),
        );
        registry.register(
            "k8s_client_config_loaded_bool",
            "1 when FRR was seen to run a configuration made of the objects",
            loaded.clone(),
        );
        registry.register(
            "k8s_client_config_stale_bool",
            "1 when FRR runs something else than what the objects ask for now",
            stale.clone(),
        );
    }

    /// Takes in a pass.
    pub fn take(&self, report: &Report, pass: &Pass) {
        self.look(report);
        self.passes.get_or_create(&Outcome { outcome: report.reason.clone() }).inc();
        self.stages.get_or_create(&Stage { stage: "read" }).observe(pass.reading.as_secs_f64());
        for apply in &pass.applies {
            self.applies.get_or_create(&Outcome { outcome: apply.verdict.reason().to_owned() }).inc();
            self.stages.get_or_create(&Stage { stage: "send" }).observe(apply.sending.as_secs_f64());
            self.stages.get_or_create(&Stage { stage: "verify" }).observe(apply.reading.as_secs_f64());
            self.lines.inc_by(apply.lines as u64);
        }
        for fate in ["Accepted", "LastAccepted", "Rejected", "Held"] {
            let count = report.objects.iter().filter(|object| object.fate == fate).count();
            self.objects.get_or_create(&Outcome { outcome: fate.to_owned() }).set(gauge(count));
        }
        self.conflicts.set(gauge(report.conflicts.len()));
        self.drift.set(gauge(report.drift.len()));
        self.foreign.set(gauge(report.foreign_lines));
        self.updates.inc();
        if is_refused(report) {
            self.update_errors.inc();
        }
        if report.is_applied || pass.verdict().is_some_and(|verdict| verdict.cause().is_none()) {
            self.loaded.set(1);
        }
        self.stale.set(i64::from(!report.is_applied));
    }

    /// Takes in what a report says between passes as well.
    pub fn look(&self, report: &Report) {
        self.paused.set(report.paused.is_some().into());
        if let Some(at) = report.last_good_at {
            self.last_good.set(at.as_second());
        }
        for what in OnDisk::ALL {
            let is_unkept = report.unkept.iter().any(|unkept| unkept.what == what);
            self.unkept.get_or_create(&What { what: what.as_str() }).set(is_unkept.into());
        }
    }

    /// Somebody else changed what is ours.
    pub fn note_drift(&self) {
        self.drifts.inc();
    }

    /// A daemon could not be asked.
    pub fn note_scrape_error(&self, daemon: Daemon, reason: &'static str) {
        self.scrape_errors.get_or_create(&Failure { daemon: daemon.name(), reason }).inc();
    }

    /// What belongs beside the figures of sessions.
    pub fn scrapes_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.scrapes);
        plain(&text)
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        plain(&text)
    }
}

/// Whether objects are not in force as they are: what upstream counts as an error. What FRR has against them is another
/// matter, there as here.
fn is_refused(report: &Report) -> bool {
    let is_error = |finding: &FindingReport| finding.severity == "error" && finding.reason != "FrrRefused";
    report.source_error.is_some() || report.findings.iter().any(is_error)
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use frrk8s_frr::{Cause, Driven, Verdict};
    use jiff::Timestamp;

    use super::*;
    use crate::pause::Pause;

    fn figure(metrics: &Metrics, name: &str) -> Option<String> {
        let text = metrics.text();
        text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(' ')?.to_owned()))
    }

    #[test]
    fn what_is_waited_with_is_a_pass_and_no_apply() {
        let metrics = Metrics::new();
        let report = Report { reason: "RolledBack".to_owned(), ..Report::default() };
        let apply = |verdict, lines| Driven {
            lines,
            sending: Duration::from_millis(20),
            reading: Duration::from_millis(700),
            ..Driven::not_told(verdict)
        };
        // A line was refused, and the rest applied without it.
        let refused = Verdict::RolledBack(Cause::Refused(Vec::new()));
        let applies = vec![apply(refused, 4), apply(Verdict::Applied { residue: None }, 2)];
        metrics.take(&report, &Pass { applies, ..Pass::new() });
        metrics.take(&report, &Pass::new());
        for (name, expected) in [
            ("frrk8s_passes_total{outcome=\"RolledBack\"}", "2"),
            ("frrk8s_applies_total{outcome=\"RolledBack\"}", "1"),
            ("frrk8s_applies_total{outcome=\"Applied\"}", "1"),
            ("frrk8s_lines_sent_total", "6"),
            ("frrk8s_stage_seconds_count{stage=\"read\"}", "2"),
            ("frrk8s_stage_seconds_count{stage=\"send\"}", "2"),
            ("frrk8s_stage_seconds_sum{stage=\"verify\"}", "1.4"),
        ] {
            assert_eq!(figure(&metrics, name).as_deref(), Some(expected), "{name}\n{}", metrics.text());
        }
    }

    #[test]
    fn a_pause_and_what_was_last_good_are_known_without_a_pass() {
        let (metrics, at) = (Metrics::new(), Timestamp::from_second(1800).unwrap());
        let paused = Pause::new("30m", "rack 7", at).unwrap();
        metrics.look(&Report { paused: Some(paused), last_good_at: Some(at), ..Report::default() });
        assert_eq!(figure(&metrics, "frrk8s_paused").unwrap(), "1");
        assert_eq!(figure(&metrics, "frrk8s_last_good_timestamp_seconds").unwrap(), "1800");
        metrics.look(&Report::default());
        assert_eq!(figure(&metrics, "frrk8s_paused").unwrap(), "0");
    }
}
