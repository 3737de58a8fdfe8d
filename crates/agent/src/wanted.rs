//! What FRR is to run, and who is behind each line of it.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_delta::{Command, Documents};
use frrk8s_document::{Daemon, Dialect, Document, Line, Mark, Text, statements};
use frrk8s_frr::{Goal, RawRecord, Record, Refused, Residue};
use frrk8s_merge::Source;
use frrk8s_model::{Fragment, NodeConfig, RawSnippet};
use frrk8s_plan::{Outcome, behind, behind_raw};
use frrk8s_render::{Rendered, print_raw};

use crate::circumstances::Circumstances;
use crate::kept::Kept;

/// What FRR is to run, with the versions of the objects that lead there.
#[derive(Clone, Debug)]
pub struct Wanted {
    config: NodeConfig,
    rendered: Rendered,
    /// What it was rendered with.
    pub circumstances: Circumstances,
    /// The versions, by object.
    pub kept: Vec<Kept>,
}

/// What tells what is asked for from anything else: not the names and numbers of lists, which depend on what ran before.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    kept: Vec<Kept>,
    circumstances: Circumstances,
}

impl Wanted {
    /// What is asked for.
    pub fn asked(&self) -> Asked {
        Asked { kept: self.kept.clone(), circumstances: self.circumstances.clone() }
    }

    /// What a plan came to.
    pub fn new(outcome: &Outcome<'_>, kept: Vec<Kept>, circumstances: Circumstances) -> Self {
        let (config, rendered) = (outcome.config.clone(), outcome.rendered.clone());
        Self { config, rendered, circumstances, kept }
    }

    /// The rendering, raw snippets aside.
    pub fn document(&self) -> &Document {
        &self.rendered.document
    }

    /// The raw snippets.
    pub fn raw(&self) -> &[RawSnippet] {
        &self.config.raw
    }

    /// The raw snippets as they are told.
    pub fn raw_text(&self) -> String {
        self.raw().iter().map(print_raw).collect()
    }

    /// What every daemon is to run. `before` is what FRR made of the same raw lines earlier.
    pub fn goal(&self, dialect: Dialect, before: Option<&RawRecord>) -> Goal {
        let told = self.raw_text();
        let raw = read_raw(dialect, &told);
        let known = before.filter(|record| record.told == told);
        let as_printed = match known {
            Some(record) => {
                let [missing, more] =
                    [&record.missing, &record.more].map(|text| dialect.read(&Text::parse(text)));
                raw.without(&missing).joined(more)
            }
            None => raw.clone(),
        };
        // A line that is known to be printed in another way must not be sent again and again.
        let open = if known.is_some() { Document::default() } else { raw };
        Goal {
            documents: dialect.by_daemon(&self.document().clone().joined(as_printed)),
            raw: dialect.by_daemon(&open),
        }
    }

    /// Raw lines that no daemon of ours keeps.
    /// `has_staticd`: whether that one answers.
    pub fn homeless(&self, dialect: Dialect, has_staticd: bool) -> Vec<Refused> {
        let raw = read_raw(dialect, &self.raw_text());
        let is_lost = |line: &&Line| match dialect.homes(line.text()) {
            [] => true,
            homes => !has_staticd && homes == [Daemon::Staticd],
        };
        let lines = raw.lines().iter().filter(is_lost);
        let command =
            |line: &Line| Command { context: Vec::new(), line: line.text().into(), mark: Mark::default() };
        let refused = |line: &Line| Refused {
            daemon: Daemon::Bgpd,
            line: line.text().into(),
            commands: vec![command(line)],
            text: "no daemon that runs here, and is driven, keeps such a line".to_owned(),
        };
        lines.map(refused).collect()
    }

    /// The fields of objects that lead to a line with this mark, whatever its context.
    pub fn behind(&self, (mark, line): (u32, &str)) -> Vec<Source> {
        let ours = self.behind_generated((Mark(mark), line));
        if ours.is_empty() { behind_raw(self.raw(), (None, line)) } else { ours }
    }

    /// The fields of objects that lead to a command; and whether people wrote the line themselves.
    pub fn behind_command(&self, command: &Command) -> (Vec<Source>, bool) {
        let ours = self.behind_generated((command.mark, &command.line));
        if !ours.is_empty() {
            return (ours, false);
        }
        let raw = behind_raw(self.raw(), (Some(&command.context), &command.line));
        let is_raw = !raw.is_empty();
        (raw, is_raw)
    }

    fn behind_generated(&self, line: (Mark, &str)) -> Vec<Source> {
        let facts = self.circumstances.facts();
        let fragments: Vec<&Fragment> = self.kept.iter().map(|kept| &kept.fragment).collect();
        behind((&self.config, &self.rendered), &fragments, &facts, line)
    }

    /// The whole as `frr.conf` has it. Passwords are in it.
    pub fn print(&self) -> String {
        self.document().print() + &self.raw_text()
    }

    /// What is to be remembered of it.
    pub fn record(&self, raw: Option<RawRecord>) -> Record {
        let objects = self.kept.iter().map(Kept::to_record).collect();
        Record { objects, raw, node: Some(self.circumstances.to_record()) }
    }
}

/// Raw lines as a document. FRR goes by the lines that open contexts, whatever the indentation.
fn read_raw(dialect: Dialect, told: &str) -> Document {
    let statements = statements(told);
    let lines =
        statements.iter().map(|statement| format!("{:1$}{2}\n", "", statement.context.len(), statement.line));
    dialect.read(&Text::parse(&lines.collect::<String>()))
}

/// What FRR made of raw lines, to be remembered.
pub fn raw_record(told: String, residue: &Residue) -> RawRecord {
    let print = |documents: &BTreeMap<Daemon, Document>| -> String {
        let mut lines: BTreeSet<String> = BTreeSet::new();
        documents.values().map(Document::print).filter(|text| lines.insert(text.clone())).collect()
    };
    RawRecord { told, missing: print(&residue.missing), more: print(&residue.more) }
}

/// All documents as one.
pub fn whole(documents: &Documents) -> Document {
    documents.values().fold(Document::default(), |whole, document| whole.joined(document.clone()))
}
