//! What is kept on disk: what is being told, what was last good, and FRR's start-up file.

use frrk8s_delta::Documents;
use frrk8s_document::{Daemon, Dialect, Document, Line, Text};
use frrk8s_frr::{RawRecord, Transport};
use frrk8s_render::divide;

use super::{Applied, Node, Pass};
use crate::unkept::OnDisk;
use crate::wanted::{Wanted, whole};

/// FRR's start-up file: what stands there and is none of ours, and ours. What runs and does not stand there is not added:
/// with FRR, what somebody typed is kept when they say `write`.
fn startup_text(dialect: Dialect, there: &str, (before, ours): (&Documents, &Document)) -> String {
    let head = there.lines().filter(|line| ["frr ", "service "].iter().any(|start| line.starts_with(start)));
    let head: String = head.flat_map(|line| [line, "\n"]).collect();
    let is_service = |line: &&Line| !line.text().starts_with("service ");
    let known: Vec<&Document> = before.values().chain([ours]).collect();
    let foreign = divide(dialect.read(&Text::parse(there)), &known).foreign;
    let foreign = Document::new(foreign.lines().iter().filter(is_service).cloned().collect());
    head + &foreign.joined(ours.clone()).print()
}

impl<T: Transport> Node<T> {
    /// Notes what is about to be told and was not told before. Not all of it is ours by name: who finds it running after our
    /// death knows it from here.
    pub(super) fn note_told(&mut self, goal: &Documents, pass: &mut Pass) {
        let applied = self.applied.as_ref().map(|applied| &applied.documents);
        let is_new = |daemon, document| applied.and_then(|applied| applied.get(daemon)) != Some(document);
        let empty = Document::default();
        let of_one = |(daemon, document): (&Daemon, &Document)| {
            document.without(applied.and_then(|applied| applied.get(daemon)).unwrap_or(&empty))
        };
        let new = goal.iter().filter(|(daemon, document)| is_new(daemon, *document)).map(of_one);
        let new = new.fold(Document::default(), Document::joined);
        if new.is_empty() && self.told.is_some() {
            return;
        }
        let told = self.told.take().unwrap_or_default().joined(new);
        pass.kept.push((OnDisk::Told, self.store.note_told(&told.print())));
        self.told = Some(told);
    }

    /// What was told is part of what is kept, or was seen to be gone again.
    pub(super) fn forget_told(&mut self, pass: &mut Pass) {
        if !self.unsaved && self.told.take().is_some() {
            self.store.forget_told();
            // Nobody needs it any more.
            pass.kept.push((OnDisk::Told, Ok(())));
        }
    }

    /// FRR was seen to run it: it is kept, on disk as well.
    pub(super) fn keep(
        &mut self,
        wanted: &Wanted,
        (documents, raw, dialect): (Documents, Option<RawRecord>, Dialect),
        pass: &mut Pass,
    ) {
        let is_new = self.applied.as_ref().is_none_or(|applied| applied.documents != documents)
            || !self.engine.has_accepted(wanted);
        self.engine.accept(wanted);
        let ours = whole(&documents);
        if is_new || self.unsaved {
            let saved = self.store.save(&ours.print(), &wanted.record(raw.clone()));
            self.unsaved = saved.is_err();
            pass.kept.push((OnDisk::LastGood, saved.map(drop)));
        }
        self.forget_told(pass);
        if let Some(startup) = &self.startup {
            let nothing = Documents::new();
            let before = self.applied.as_ref().map_or(&nothing, |applied| &applied.documents);
            // What cannot be read is not written over: people's lines may stand there.
            let written = startup
                .read()
                .and_then(|there| startup.write(&startup_text(dialect, &there, (before, &ours))));
            pass.kept.push((OnDisk::StartupFile, written.map(drop)));
        }
        self.applied = Some(Applied { documents, raw, dialect, is_old: false });
    }
}
