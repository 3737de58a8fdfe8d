//! A report as the status of an `FRRNodeState`. Pure.

use frrk8s_api::k8s::{Condition, Time, Timestamp};
use frrk8s_api::{
    CONFIGURATIONS_MAX, ConfigurationResult, Conflict, ConflictParty, FRRNodeStateStatus, NodeCondition,
    NodeStateCounts, NodeSummary, Outcome, RUNNING_CONFIG_BYTES_MAX,
};

use crate::report::{FindingReport, ObjectReport, Report};

/// The longest message of a condition or an object, in characters.
const MESSAGE_CHARS_MAX: usize = 1000;

/// The status that says what a report says. `before` is what was said last: conditions that are as they were keep their
/// time.
pub fn status(report: &Report, before: &FRRNodeStateStatus, now: Timestamp) -> FRRNodeStateStatus {
    let counts = counts(report);
    let mut configurations: Vec<ConfigurationResult> =
        report.objects.iter().map(|object| result(report, object)).collect();
    configurations.sort_by_key(|result| result.outcome.as_ref().is_none_or(is_in_force));
    let omitted = configurations.len().saturating_sub(CONFIGURATIONS_MAX);
    configurations.truncate(CONFIGURATIONS_MAX);
    FRRNodeStateStatus {
        running_config: report.running_config.as_deref().map(cut),
        last_conversion_result: Some(conversion_result(report)),
        last_reload_result: Some(reload_result(report)),
        conditions: conditions(report, before, now),
        summary: Some(NodeSummary::from(&counts)),
        counts: Some(counts),
        configurations,
        configurations_omitted: u32::try_from(omitted).unwrap_or(u32::MAX),
        desired_hash: report.desired_hash.clone(),
        running_hash: report.running_hash.clone(),
        applied_at: report.applied_at.map(Time),
    }
}

fn is_in_force(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied | Outcome::Accepted)
}

fn counts(report: &Report) -> NodeStateCounts {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let up = report.sessions.iter().filter(|session| session.is_up());
    NodeStateCounts {
        selected: count(report.objects.len()),
        accepted: count(report.objects.iter().filter(|object| object.fate == "Accepted").count()),
        conflicts: count(report.findings.iter().filter(|finding| finding.is_conflict()).count()),
        sessions: count(report.sessions.len()),
        sessions_up: count(up.count()),
    }
}

fn result(report: &Report, object: &ObjectReport) -> ConfigurationResult {
    let (namespace, name) = object.object.split_once('/').unwrap_or(("", &object.object));
    let outcome = match object.fate {
        "Accepted" if report.is_applied => Outcome::Applied,
        "Accepted" => Outcome::Accepted,
        "LastAccepted" => Outcome::Superseded,
        "Held" => Outcome::Held,
        _ => Outcome::Rejected,
    };
    let concerned: Vec<&FindingReport> =
        report.findings.iter().filter(|finding| finding.concerns(&object.object)).collect();
    let worst = concerned.iter().find(|finding| finding.severity == "error");
    let worst = worst.filter(|_| !is_in_force(&outcome));
    ConfigurationResult {
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        source: object.source.clone(),
        reason: worst.map(|finding| finding.reason.clone()),
        message: worst.map(|finding| cut_message(&format!("{}: {}", finding.path, finding.message))),
        conflicts: concerned.iter().filter_map(|finding| conflict(finding, &object.object)).collect(),
        outcome: Some(outcome),
        ..ConfigurationResult::default()
    }
}

/// A conflict from the side of one of its parties.
fn conflict(finding: &FindingReport, object: &str) -> Option<Conflict> {
    if !finding.is_conflict() {
        return None;
    }
    let parties = finding.parties();
    let own = parties.iter().find(|party| party.object == object)?;
    let others = parties.iter().filter(|party| party.object != object).map(|party| {
        let (namespace, name) = party.object.split_once('/').unwrap_or(("", &party.object));
        ConflictParty {
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            field: Some(party.path.clone()),
            value: party.value.clone(),
        }
    });
    Some(Conflict {
        reason: Some(finding.reason.clone()),
        field: Some(own.path.clone()),
        value: own.value.clone(),
        others: others.collect(),
    })
}

/// Upstream's word for whether the objects could be merged.
fn conversion_result(report: &Report) -> String {
    let failed = |message: &str| cut_message(&format!("{}{message}", FRRNodeStateStatus::FAILED_PREFIX));
    let errors: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == "error" && finding.reason != "FrrRefused")
        .map(|finding| format!("{} {}: {}", finding.object, finding.path, finding.message))
        .collect();
    match (&errors[..], &report.source_error) {
        ([], None) => FRRNodeStateStatus::SUCCESS.to_owned(),
        ([], Some(error)) => failed(error),
        (errors, _) => failed(&errors.join("; ")),
    }
}

/// Upstream's word for what FRR said: a failure has `ERROR` in it.
fn reload_result(report: &Report) -> String {
    match &report.apply_error {
        None => FRRNodeStateStatus::SUCCESS.to_owned(),
        Some(error) => cut_message(&format!("ERROR: {error}")),
    }
}

fn conditions(report: &Report, before: &FRRNodeStateStatus, now: Timestamp) -> Vec<Condition> {
    let errors = report.findings.iter().filter(|finding| finding.severity == "error").count();
    let out = report.objects.iter().filter(|object| object.fate != "Accepted").count();
    let is_merged = report.source_error.is_none() && out == 0 && errors == 0;
    let counted = format!("{out} of {} objects are not in force: {errors} errors", report.objects.len());
    let merged = match &report.source_error {
        Some(error) => ("SourceUnreadable".to_owned(), error.clone()),
        None if is_merged => ("Merged".to_owned(), format!("{} objects", report.objects.len())),
        None => (report.reason.clone(), counted.clone()),
    };
    let applied = (report.reason.clone(), report.message.clone());
    let in_sync = if report.drift.is_empty() {
        ("InSync".to_owned(), String::new())
    } else {
        ("Drift".to_owned(), report.drift.join("; "))
    };
    let is_degraded = !is_merged || report.apply_error.is_some();
    let degraded = if is_degraded { applied.clone() } else { ("AsAsked".to_owned(), String::new()) };
    let paused = match &report.paused {
        Some(pause) => ("Paused".to_owned(), format!("until {}: {}", pause.until, pause.reason)),
        None => match &report.pause_refused {
            Some(why) => ("Refused".to_owned(), why.clone()),
            None => ("NotPaused".to_owned(), String::new()),
        },
    };
    let all = [
        (NodeCondition::Merged, is_merged, merged),
        (NodeCondition::Applied, report.is_applied, applied),
        (NodeCondition::InSync, report.drift.is_empty(), in_sync),
        (NodeCondition::Degraded, is_degraded, degraded),
        (NodeCondition::Paused, report.paused.is_some(), paused),
    ];
    all.into_iter().map(|(kind, is_so, words)| condition(kind, is_so, words, (before, now))).collect()
}

fn condition(
    kind: NodeCondition,
    is_so: bool,
    (reason, message): (String, String),
    (before, now): (&FRRNodeStateStatus, Timestamp),
) -> Condition {
    let status = if is_so { "True" } else { "False" };
    let before = before.conditions.iter().find(|it| it.type_ == kind.as_str() && it.status == status);
    Condition {
        type_: kind.as_str().to_owned(),
        status: status.to_owned(),
        reason,
        message: cut_message(&message),
        last_transition_time: before.map_or(Time(now), |before| before.last_transition_time.clone()),
        observed_generation: None,
    }
}

fn cut_message(message: &str) -> String {
    message.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// The beginning of a configuration, whole lines.
fn cut(config: &str) -> String {
    const ENDING: &str = "! cut here\n";
    if config.len() <= RUNNING_CONFIG_BYTES_MAX {
        return config.to_owned();
    }
    let room = RUNNING_CONFIG_BYTES_MAX - ENDING.len();
    let mut kept = String::new();
    for line in config.lines() {
        if kept.len() + line.len() + 1 > room {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept + ENDING
}
