//! Lines and contexts of which nothing special is known: told where they are new, taken back where they are gone.

use std::collections::BTreeSet;

use frrk8s_document::{Line, slot};

use crate::command::Command;
use crate::kind::undo;
use crate::pairs::Pairs;

/// The commands between two sets of lines, in the order in which they are sent.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// What is told.
    pub(crate) told: Vec<Command>,
    /// What is taken back.
    pub(crate) taken_back: Vec<Command>,
}

/// The commands for lines of one context, and everything inside them.
pub(crate) fn commands(context: &[&str], pairs: &Pairs<'_>, commands: &mut Commands) {
    let parent = context.last().copied();
    for line in &pairs.come {
        tell(context, line, &mut commands.told);
    }
    for line in without_overwritten(parent, pairs) {
        take_back(context, line, &mut commands.taken_back);
    }
    for (old, new) in &pairs.changed {
        let inner: Vec<&str> = context.iter().copied().chain([new.text()]).collect();
        let pairs = Pairs::new(Some(new.text()), old.inside(), new.inside());
        self::commands(&inner, &pairs, commands);
    }
}

/// What is gone, apart from what something else overwrites in place.
pub(crate) fn without_overwritten<'a>(parent: Option<&str>, pairs: &Pairs<'a>) -> Vec<&'a Line> {
    let kept: BTreeSet<String> = pairs.come.iter().map(|line| slot(parent, line.text())).collect();
    let gone = pairs.gone.iter().copied();
    gone.filter(|line| line.is_context() || !kept.contains(&slot(parent, line.text()))).collect()
}

/// A line and all that is in it.
pub(crate) fn tell(context: &[&str], line: &Line, told: &mut Vec<Command>) {
    told.push(Command::told(context, line));
    let inner: Vec<&str> = context.iter().copied().chain([line.text()]).collect();
    for line in line.inside() {
        tell(&inner, line, told);
    }
}

/// Contexts that are not ours as a whole, or go by themselves with the last line in them.
const SHARED: [&str; 4] = ["bfd", "vrf ", "address-family ", "interface "];

/// Takes a line back; of a context that may be shared, what is in it.
pub(crate) fn take_back(context: &[&str], line: &Line, taken_back: &mut Vec<Command>) {
    let shared = SHARED.iter().any(|start| line.text().starts_with(start));
    if line.is_context() && shared {
        let inner: Vec<&str> = context.iter().copied().chain([line.text()]).collect();
        for line in line.inside() {
            take_back(&inner, line, taken_back);
        }
        return;
    }
    let undone = undo(context.last().copied(), line.text());
    taken_back.push(Command::new(context, undone));
}
