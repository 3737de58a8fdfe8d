//! Raw lines that FRR does not let go of: each is said until it is gone, keeps nobody from anything, and is not tried again.

use std::collections::BTreeMap;

use frrk8s_delta::Documents;
use frrk8s_document::Document;
use frrk8s_frr::Left;
use frrk8s_model::{Finding, ObjectId, RawSnippet, Rule};
use frrk8s_plan::behind_raw;

use crate::engine::Decision;

/// Lines that stayed.
#[derive(Debug, Default)]
pub(super) struct LeftBehind {
    lines: BTreeMap<Left, Finding>,
    /// What people wrote lately: whose line it was.
    written: Vec<RawSnippet>,
}

impl LeftBehind {
    /// Whose snippets are in force, and whose are to be.
    pub(super) fn note_written(&mut self, snippets: impl Iterator<Item = RawSnippet>) {
        self.written = snippets.collect();
    }

    /// Lines that FRR refused to take back.
    pub(super) fn note(&mut self, lines: Vec<Left>) {
        for line in lines {
            let place = line.path.split_last();
            let behind =
                place.and_then(|(last, context)| behind_raw(&self.written, (Some(context), last)).pop());
            let (object, path) = behind.map_or_else(
                // Who wrote it before we were started is not known.
                || (ObjectId::new("", line.daemon.name()), String::new()),
                |source| (source.origin.object, source.origin.path),
            );
            let message = format!("FRR does not take back a line that is gone from the object: {line}");
            let finding = Finding::new(Rule::RawLeftBehind, &object, path.as_str(), message);
            self.lines.insert(line, finding);
        }
    }

    /// Forgets those that do not run any more.
    pub(super) fn keep_running(&mut self, running: &Documents) {
        self.lines.retain(|line, _| line.is_in(running.values()));
    }

    /// Forgets those that are wanted again.
    pub(super) fn keep_unwanted(&mut self, wanted: &Documents) {
        self.lines.retain(|line, _| !line.is_in(wanted.values()));
    }

    /// What runs, without them.
    pub(super) fn taken_from(&self, running: Document) -> Document {
        self.lines.keys().fold(running, |running, line| line.taken_from(running))
    }

    /// Adds what is said of them.
    pub(super) fn say(&self, decision: &mut Decision) {
        decision.findings.extend(self.lines.values().cloned());
        decision.findings.sort();
        decision.findings.dedup();
    }
}
