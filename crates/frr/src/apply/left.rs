//! Lines that FRR does not let go of.
//!
//! What people wrote may be taken back by words that nobody knows, or by none at all: FRR 8.4 has no `no` for the numbers
//! of a BFD peer. Such a line must not keep everything else from being applied.

use std::fmt;

use frrk8s_delta::{Documents, Kind, undo};
use frrk8s_document::{Daemon, Document, Line};
use frrk8s_model::masked;

use super::Refused;

/// A line that nobody wants any more, and that stays: FRR refused to take it back. Not one of those that we render.
/// `Debug` and `Display` leave out passwords.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// Who keeps it.
    pub daemon: Daemon,
    /// The contexts around it, outermost first, and the line.
    pub path: Vec<Box<str>>,
    /// What FRR said.
    pub text: String,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<_> = self.path.iter().map(|line| masked(line)).collect();
        write!(f, "{} keeps {:?}: {}", self.daemon.name(), path.join(" / "), masked(self.text.trim()))
    }
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Left {
    /// Whether it stands in one of these documents.
    pub fn is_in<'a>(&self, documents: impl IntoIterator<Item = &'a Document>) -> bool {
        let path: Vec<&str> = self.path.iter().map(|line| &**line).collect();
        documents.into_iter().any(|document| document.find(&path).is_some())
    }

    /// A document without it.
    pub fn taken_from(&self, document: Document) -> Document {
        if !self.is_in([&document]) {
            return document;
        }
        document.reduced(|line| without(line, &self.path))
    }
}

/// Contexts that FRR does not keep without anything in them.
const HOLLOW: [&str; 4] = ["bfd", "vrf ", "address-family ", "interface "];

fn without(line: Line, path: &[Box<str>]) -> Option<Line> {
    match path {
        [last] => (line.text() != &**last).then_some(line),
        [first, inside @ ..] if line.text() == &**first => {
            let line = line.map_inside(|line| without(line, inside));
            let is_hollow = HOLLOW.iter().any(|start| line.text().starts_with(start));
            (!is_hollow || !line.inside().is_empty()).then_some(line)
        }
        _ => Some(line),
    }
}

/// The lines that stay because of refusals, between what ran and what was wanted; `None` where something else was refused
/// as well.
pub(super) fn left(refused: &[Refused], (ran, wanted): (&Documents, &Documents)) -> Option<Vec<Left>> {
    let of_one = |refused: &Refused| {
        let [command] = &refused.commands[..] else {
            return Vec::new();
        };
        let nothing = Document::default();
        let [ran, wanted] = [ran, wanted].map(|side| side.get(&refused.daemon).unwrap_or(&nothing));
        let gone = ran.without(wanted);
        let context: Vec<&str> = command.context.iter().map(|line| &**line).collect();
        let lines = if context.is_empty() {
            gone.lines()
        } else {
            gone.find(&context).map(Line::inside).unwrap_or_default()
        };
        let parent = context.last().copied();
        let is_refused = |line: &&Line| undo(parent, line.text()) == command.line;
        let is_rendered = |line: &Line| Kind::of(parent, line.text()).is_some_and(|kind| kind.rendered);
        let lines: Vec<&Line> = lines.iter().filter(is_refused).collect();
        if lines.iter().any(|line| is_rendered(line)) {
            return Vec::new();
        }
        let left = |line: &&Line| Left {
            daemon: refused.daemon,
            path: command.context.iter().cloned().chain([line.text().into()]).collect(),
            text: refused.text.clone(),
        };
        lines.iter().map(left).collect()
    };
    let mut all = Vec::new();
    for refused in refused {
        let left = of_one(refused);
        if left.is_empty() {
            return None;
        }
        all.extend(left);
    }
    Some(all)
}
