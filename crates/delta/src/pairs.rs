//! What two sets of lines have in common, and what not.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use frrk8s_document::{Line, compare};

/// The lines of one context, before and after.
#[derive(Debug, Default)]
pub(crate) struct Pairs<'a> {
    /// Only before, in the order of documents.
    pub(crate) gone: Vec<&'a Line>,
    /// Only after.
    pub(crate) come: Vec<&'a Line>,
    /// The same line, with something else inside.
    pub(crate) changed: Vec<(&'a Line, &'a Line)>,
}

impl<'a> Pairs<'a> {
    /// Compares lines of documents; `parent` opens the context that they stand in.
    pub(crate) fn new(parent: Option<&str>, before: &'a [Line], after: &'a [Line]) -> Self {
        // The one context that is not in the common order.
        if parent.is_some_and(|parent| parent.starts_with("vni ")) {
            return Self::unordered(before, after);
        }
        let mut pairs = Self::default();
        let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return pairs,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) if old.text() == new.text() => Ordering::Equal,
                (Some(old), Some(new)) => compare(parent, old.text(), new.text()),
            };
            match order {
                Ordering::Less => pairs.gone.extend(before.next()),
                Ordering::Greater => pairs.come.extend(after.next()),
                Ordering::Equal => {
                    let both = before.next().zip(after.next());
                    pairs.changed.extend(both.filter(|(old, new)| old != new));
                }
            }
        }
    }

    fn unordered(before: &'a [Line], after: &'a [Line]) -> Self {
        let by_text = |lines: &'a [Line]| -> BTreeMap<&str, &Line> {
            lines.iter().map(|line| (line.text(), line)).collect()
        };
        let (old, new) = (by_text(before), by_text(after));
        let both = |line: &'a Line| new.get(line.text()).filter(|new| **new != line).map(|new| (line, *new));
        Self {
            gone: before.iter().filter(|line| !new.contains_key(line.text())).collect(),
            come: after.iter().filter(|line| !old.contains_key(line.text())).collect(),
            changed: before.iter().filter_map(both).collect(),
        }
    }
}
