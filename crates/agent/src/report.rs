//! What people and programs are told: one value, as JSON.

use std::collections::BTreeMap;

use frrk8s_frr::{StoreError, Verdict};
use frrk8s_merge::Fate;
use frrk8s_model::{Finding, Party, Rule};
use jiff::Timestamp;
use serde::Serialize;

use crate::node::{Pass, PassError};
use crate::pause::Pause;
use crate::resets::Reset;
use crate::sessions::SessionState;
use crate::sources::Trouble;
use crate::unkept::{OnDisk, Unkept};

/// The version of everything that is printed as JSON.
pub const SCHEMA_VERSION: &str = "frrk8s/v1";
/// The most findings, and the most lines of drift, that are reported.
pub const LISTED_MAX: usize = 100;

/// The state of a node.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of what is printed as JSON.
    pub schema_version: &'static str,
    /// The name of the node.
    pub node: Option<String>,
    /// The version of FRR.
    pub frr_version: Option<String>,
    /// Whether FRR runs what the objects ask for.
    pub is_applied: bool,
    /// Whether the agent drives this FRR; `false` while another one does.
    pub is_active: bool,
    /// In one word, what the last pass came to.
    pub reason: String,
    /// In one sentence.
    pub message: String,
    /// When the last pass ended.
    pub passed_at: Option<Timestamp>,
    /// When FRR was last read: what is said of its lines was so then.
    pub read_at: Option<Timestamp>,
    /// When FRR was last told something, how it ended, and how long it took.
    pub last_apply: Option<LastApply>,
    /// When FRR was last seen to run what was made of the objects as they were then, those that were set aside aside. After a
    /// restart, when the last good configuration was kept.
    pub last_good_at: Option<Timestamp>,
    /// What became of each object that selects the node.
    pub objects: Vec<ObjectReport>,
    /// How many objects do not select the node.
    pub objects_left_out: usize,
    /// What is wrong, or worth knowing.
    pub findings: Vec<FindingReport>,
    /// Objects that conflict with each other.
    pub conflicts: Vec<Vec<String>>,
    /// Lines of ours that somebody else changed: `-` is missing, `+` is more.
    pub drift: Vec<String>,
    /// How many lines of FRR's are none of ours.
    pub foreign_lines: usize,
    /// The first of them, each below its contexts, secrets masked.
    pub foreign: Vec<String>,
    /// What cannot be kept on disk.
    pub unkept: Vec<Unkept>,
    /// The sessions, as bgpd has them.
    pub sessions: Vec<SessionState>,
    /// A pause, while there is one.
    pub paused: Option<Pause>,
    /// Why what people see in the cluster cannot be written.
    pub publish_trouble: Option<String>,
    /// Why the annotation of the Node pauses nothing.
    pub pause_refused: Option<String>,
    /// Identifies what the objects ask for.
    pub desired_hash: Option<String>,
    /// Identifies what FRR was last seen to run of it; equal to the other when all is well.
    pub running_hash: Option<String>,
    /// When FRR last took a change.
    pub applied_at: Option<Timestamp>,
    /// Since when the Kubernetes API cannot be watched, and why; FRR stays at what it had last.
    pub api_trouble: Option<Trouble>,
    /// Why a source says nothing.
    pub source_error: Option<String>,
    /// What FRR has against what it was told.
    pub apply_error: Option<String>,
    /// What FRR runs, secrets masked.
    #[serde(skip)]
    pub running_config: Option<String>,
}

/// The last time that FRR was told something.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastApply {
    /// When it ended: FRR was seen to run it, or it failed.
    pub at: Timestamp,
    /// How: `Applied`, `RolledBack`, `Locked`, `Stuck`.
    pub outcome: &'static str,
    /// What went wrong.
    pub cause: Option<String>,
    /// What it was for: `Asked`, as objects changed; `Drift`, as somebody had changed what is ours; `Lost`, as a daemon had
    /// been restarted.
    pub because: &'static str,
    /// How many lines were told.
    pub lines: usize,
    /// How long FRR was told, in milliseconds.
    pub sending_milliseconds: f64,
    /// How long it was read, in milliseconds.
    pub reading_milliseconds: f64,
    /// What it did to sessions that it changed.
    pub sessions: BTreeMap<String, &'static str>,
    /// Those of them that were reset, and by whom.
    pub resets: Vec<Reset>,
}

/// An object and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectReport {
    /// `namespace/name`.
    pub object: String,
    /// `Accepted`, `LastAccepted`, `Rejected` or `Held`.
    pub fate: &'static str,
    /// The file that it comes from; `None` for one of the API.
    pub source: Option<String>,
}

/// A finding.
#[derive(Clone, Debug, Serialize)]
pub struct FindingReport {
    /// The rule.
    pub rule: &'static str,
    /// `error`, `warning` or `info`.
    pub severity: &'static str,
    /// `namespace/name`.
    pub object: String,
    /// The path of the field.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The rule in one word, as conditions and events have it.
    pub reason: String,
    /// The value of the field.
    pub value: Option<String>,
    /// The other parties.
    pub others: Vec<PartyReport>,
}

/// A value in an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartyReport {
    /// `namespace/name`.
    pub object: String,
    /// The path of the field.
    pub path: String,
    /// Its value; `None` where it is unset, or secret.
    pub value: Option<String>,
}

impl PartyReport {
    fn of(party: &Party) -> Self {
        Self { object: party.object.to_string(), path: party.path.clone(), value: party.value.clone() }
    }
}

impl Report {
    /// Takes in what came of a pass.
    pub fn take(&mut self, pass: &Pass, now: Timestamp) {
        self.passed_at = Some(now);
        self.frr_version.clone_from(&pass.version);
        // While FRR cannot be read, what it ran last is all that is known of it.
        if let Some(foreign) = &pass.foreign {
            self.read_at = Some(now);
            self.foreign_lines = foreign.count;
            self.foreign.clone_from(&foreign.first);
            self.drift = pass.drift.iter().take(LISTED_MAX).cloned().collect();
        }
        if let Some(decision) = &pass.decision {
            let fates = decision.fates.iter();
            self.objects = fates
                .map(|(object, fate)| ObjectReport {
                    object: object.to_string(),
                    fate: word(*fate),
                    source: decision.files.get(object).cloned(),
                })
                .collect();
            self.objects_left_out = decision.left_out;
            self.findings = decision.findings.iter().take(LISTED_MAX).map(FindingReport::of).collect();
            let groups = decision.groups.iter();
            self.conflicts = groups.map(|group| group.iter().map(ToString::to_string).collect()).collect();
        }
        for (what, kept) in &pass.kept {
            self.note_kept(*what, kept, now);
        }
        (self.reason, self.message, self.is_applied) = outcome(pass);
        if self.is_applied || pass.is_good() {
            self.last_good_at = Some(now);
        }
        self.running_config.clone_from(&pass.running_config);
        (self.desired_hash, self.running_hash) = (pass.desired_hash.clone(), pass.running_hash.clone());
        self.source_error = match &pass.error {
            Some(error @ (PassError::Source(_) | PassError::Inventory(_))) => Some(with_sources(error)),
            _ => None,
        };
        self.apply_error = match (&pass.error, pass.verdict().and_then(Verdict::cause)) {
            (Some(error @ (PassError::Frr(_) | PassError::Defaults { .. })), _) => Some(with_sources(error)),
            (_, cause) => cause.map(ToString::to_string),
        };
        if let Some(driven) = pass.applies.last() {
            let changed = driven.sessions.iter().filter(|(_, delta)| delta.change.as_str() != "untouched");
            self.applied_at = driven.verdict.cause().is_none().then_some(now).or(self.applied_at);
            self.last_apply = Some(LastApply {
                at: Timestamp::try_from(driven.ended).unwrap_or(now),
                outcome: driven.verdict.reason(),
                cause: driven.verdict.cause().map(ToString::to_string),
                because: match () {
                    () if pass.is_lost => "Lost",
                    () if !pass.drift.is_empty() => "Drift",
                    () => "Asked",
                },
                lines: driven.lines,
                sending_milliseconds: driven.sending.as_secs_f64() * 1000.0,
                reading_milliseconds: driven.reading.as_secs_f64() * 1000.0,
                sessions: changed.map(|(id, delta)| (id.to_string(), delta.change.as_str())).collect(),
                resets: pass.resets.iter().take(LISTED_MAX).cloned().collect(),
            });
        }
    }

    /// Takes in whether something could be kept on disk. Whether anything is new about it: the same trouble is said once,
    /// though it is tried again and again.
    pub fn note_kept(&mut self, what: OnDisk, kept: &Result<(), StoreError>, now: Timestamp) -> bool {
        let at = self.unkept.iter().position(|unkept| unkept.what == what);
        let before = at.map(|at| &self.unkept[at]);
        if before.map(|before| before.reason) == kept.as_ref().err().map(StoreError::reason) {
            return false;
        }
        let since = before.map_or(now, |before| before.since);
        self.unkept.retain(|unkept| unkept.what != what);
        if let Err(error) = kept {
            let (reason, message) = (error.reason(), with_sources(error));
            self.unkept.push(Unkept { what, reason, message, since });
            self.unkept.sort_by_key(|unkept| unkept.what);
        }
        true
    }
}

impl FindingReport {
    fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.id(),
            severity: finding.severity.as_str(),
            object: finding.at.object.to_string(),
            path: finding.at.path.clone(),
            message: finding.message.clone(),
            help: finding.advice().to_owned(),
            reason: format!("{:?}", finding.rule),
            value: finding.at.value.clone(),
            others: finding.others.iter().map(PartyReport::of).collect(),
        }
    }

    /// Whether objects disagree.
    pub fn is_conflict(&self) -> bool {
        self.severity == "error" && !self.others.is_empty()
    }

    /// Whether an object is a party to it.
    pub fn concerns(&self, object: &str) -> bool {
        self.object == object || self.others.iter().any(|party| party.object == object)
    }

    /// Everybody concerned, the first one first.
    pub fn parties(&self) -> Vec<PartyReport> {
        let (object, path, value) = (self.object.clone(), self.path.clone(), self.value.clone());
        let first = PartyReport { object, path, value };
        [first].into_iter().chain(self.others.iter().cloned()).collect()
    }
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Accepted => "Accepted",
        Fate::LastAccepted => "LastAccepted",
        Fate::Rejected => "Rejected",
        Fate::Held => "Held",
    }
}

/// The word and the sentence for a pass, and whether FRR runs what the objects ask for.
fn outcome(pass: &Pass) -> (String, String, bool) {
    if let Some(error) = &pass.error {
        let message = advised(error.reason(), with_sources(error));
        return (error.reason().to_owned(), message, false);
    }
    let Some(decision) = &pass.decision else {
        return ("Pending".to_owned(), "nothing was decided yet".to_owned(), false);
    };
    if let Some(Verdict::Unreachable(cause)) = pass.verdict() {
        // As where FRR cannot be read at the beginning of a pass: it went away a moment later.
        return (cause.reason().to_owned(), advised(cause.reason(), cause.to_string()), false);
    }
    if let Some(cause) = pass.verdict().and_then(Verdict::cause) {
        let reason = pass.verdict().map(Verdict::reason).unwrap_or_default();
        let text = if cause.is_locked() { cause.to_string() } else { format!("{}: {cause}", cause.reason()) };
        return (reason.to_owned(), advised(cause.reason(), text), false);
    }
    let errors = decision.findings.iter().filter(|finding| finding.is_error()).count();
    let objects = decision.fates.len();
    let out = decision.fates.values().filter(|fate| !matches!(fate, Fate::Accepted)).count();
    let held_down =
        decision.findings.iter().filter(|finding| finding.rule == Rule::WithdrawalHeldDown).count();
    if !decision.is_held && held_down > 0 && out == held_down && errors == 0 {
        let message =
            format!("{held_down} of {objects} objects take everything back, and are kept for a while");
        return ("HeldDown".to_owned(), message, false);
    }
    if decision.is_held || out > 0 || errors > 0 {
        let reason = if decision.is_held { "Frozen" } else { "Quarantined" };
        let message = format!("{out} of {objects} objects are not in force: {errors} errors");
        return (reason.to_owned(), message, false);
    }
    if !pass.drift.is_empty() && pass.driven.is_none() {
        return (
            "Drift".to_owned(),
            format!("{} lines were changed by somebody else", pass.drift.len()),
            false,
        );
    }
    match pass.verdict() {
        Some(_) => ("Applied".to_owned(), format!("FRR runs what {objects} objects ask for"), true),
        None if objects == 0 => ("Idle".to_owned(), "no object selects the node".to_owned(), true),
        None => {
            ("Waiting".to_owned(), "what failed is tried again later, or when it changes".to_owned(), false)
        }
    }
}

/// A message with what to do, where it does not say so itself. The table of states in `docs/agent.md` has the same words.
fn advised(reason: &str, message: String) -> String {
    match advice(reason) {
        Some(advice) => format!("{message}; {advice}"),
        None => message,
    }
}

fn advice(reason: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(of, _)| *of == reason).map(|(_, advice)| *advice)
}

const ADVICE: [(&str, &str); 5] = [
    ("DaemonTimedOut", "look at its log, and restart it if it stays so; it is tried again"),
    ("DaemonClosed", "look at its log; it is tried again"),
    ("Locked", "end that session; it is tried again every few seconds"),
    ("ConfigurationDenied", "see that nobody has locked it, and that the socket is FRR's"),
    (
        "ProgramTimedOut",
        "look for a session that holds FRR's configuration, or a daemon that hangs; it is tried again",
    ),
];

/// An error with its causes.
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Decision;
    use crate::foreign::Foreign;

    fn decided(left_out: usize) -> Pass {
        let decision = Decision {
            wanted: None,
            is_held: false,
            fates: BTreeMap::new(),
            findings: Vec::new(),
            groups: Vec::new(),
            files: BTreeMap::new(),
            left_out,
            log_level: None,
            until: None,
        };
        Pass { decision: Some(decision), ..Pass::new() }
    }

    /// What a report says after these passes.
    fn report(passes: impl IntoIterator<Item = Pass>) -> Report {
        let mut report = Report::default();
        for pass in passes {
            report.take(&pass, Timestamp::UNIX_EPOCH);
        }
        report
    }

    #[test]
    fn what_to_do_about_a_state_is_said_as_the_documentation_has_it() {
        let table = include_str!("../../../docs/agent.md");
        for (reason, advice) in ADVICE {
            let row =
                table.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{reason}`")));
            assert!(row.is_some_and(|row| row.ends_with(&format!("| {advice} |"))), "{reason}: {row:?}");
        }
        let message = advised("Locked", "mgmtd is locked".to_owned());
        assert_eq!(message, "mgmtd is locked; end that session; it is tried again every few seconds");
    }

    #[test]
    fn while_frr_cannot_be_read_what_is_known_of_its_lines_stays() {
        let foreign = Foreign { count: 51, first: vec!["log syslog".to_owned()] };
        let read = Pass { foreign: Some(foreign), drift: vec!["- a".to_owned()], ..decided(0) };
        let report = report([read, Pass::new()]);
        assert_eq!((report.foreign_lines, report.foreign), (51, vec!["log syslog".to_owned()]));
        assert_eq!(report.drift, ["- a"]);
    }

    #[test]
    fn objects_that_are_left_out_are_counted_once_however_often_frr_cannot_be_read() {
        let left_out = |mut pass: Pass| {
            pass.leave_out(40);
            pass
        };
        let passes = [decided(2), Pass::new(), Pass::new()].map(left_out);
        assert_eq!(report(passes).objects_left_out, 42);
    }
}
