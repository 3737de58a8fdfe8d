//! What runs already, as far as names and numbers are to be kept: our lists and the maps' entries.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::{Document, Line};
use frrk8s_model::{Family, PrefixRange};

use crate::Direction;

/// What our list names begin with.
pub(crate) const LIST_PREFIX: &str = "frrk8s-";

/// A list of ours: its number is unique over both families.
pub(crate) type ListId = (Family, u32);

/// What runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) lists: BTreeMap<ListId, RunningList>,
    pub(crate) maps: BTreeMap<String, BTreeMap<u16, RunningEntry>>,
}

/// A list of ours that runs.
#[derive(Debug, Default)]
pub(crate) struct RunningList {
    /// Sequence numbers in use.
    pub(crate) numbers: BTreeSet<u32>,
    /// Permitted ranges with their sequence numbers, sorted by range.
    pub(crate) ranges: Vec<(PrefixRange, u32)>,
    /// Map entries that match it.
    pub(crate) users: Vec<(String, u16)>,
}

/// A map entry that runs.
#[derive(Debug)]
pub(crate) struct RunningEntry {
    pub(crate) permit: bool,
    /// The list of ours that it matches.
    pub(crate) list: Option<ListId>,
    /// Whether it has any `match` line.
    pub(crate) matches: bool,
    /// Its `set` lines, sorted.
    pub(crate) sets: Vec<String>,
}

impl Running {
    pub(crate) fn read(document: &Document) -> Self {
        let mut running = Self::default();
        for line in document.lines() {
            if line.is_context() {
                running.read_map_entry(line);
            } else {
                running.read_list_entry(line.text());
            }
        }
        for list in running.lists.values_mut() {
            list.ranges.sort();
        }
        for (map, entries) in &running.maps {
            for (number, entry) in entries {
                if let Some(list) = entry.list.and_then(|id| running.lists.get_mut(&id)) {
                    list.users.push((map.clone(), *number));
                }
            }
        }
        running
    }

    fn read_list_entry(&mut self, line: &str) {
        let (family, rest) = match line.split_once(' ') {
            Some(("ip", rest)) => (Family::V4, rest),
            Some(("ipv6", rest)) => (Family::V6, rest),
            _ => return,
        };
        let Some(rest) = rest.strip_prefix("prefix-list ") else {
            return;
        };
        let words: Vec<&str> = rest.split(' ').collect();
        let [name, "seq", number, action, range @ ..] = words.as_slice() else {
            return;
        };
        let (Some(list), Ok(number)) = (list_number(name), number.parse()) else {
            return;
        };
        let list = self.lists.entry((family, list)).or_default();
        list.numbers.insert(number);
        if let (&"permit", Some(range)) = (action, PrefixRange::read(&range.join(" "))) {
            list.ranges.push((range, number));
        }
    }

    fn read_map_entry(&mut self, line: &Line) {
        let words: Vec<&str> = line.text().split(' ').collect();
        let ["route-map", name, action, number] = words[..] else {
            return;
        };
        let Ok(number) = number.parse() else {
            return;
        };
        let mut entry =
            RunningEntry { permit: action == "permit", list: None, matches: false, sets: Vec::new() };
        for inside in line.inside() {
            let text = inside.text();
            if text.starts_with("set ") {
                entry.sets.push(text.to_owned());
            }
            if text.starts_with("match ") {
                entry.matches = true;
                entry.list = entry.list.or(matched_list(text));
            }
        }
        entry.sets.sort();
        let entries = self.maps.entry(name.to_owned()).or_default();
        entries.insert(number, entry);
    }
}

impl RunningList {
    /// The direction of the maps that use it, where all go one way; `None` where nobody uses it.
    /// `Err` where it is used both ways.
    pub(crate) fn direction(&self) -> Result<Option<Direction>, ()> {
        let mut directions = self
            .users
            .iter()
            .map(|(map, _)| if map.ends_with("-out") { Direction::Out } else { Direction::In });
        let Some(first) = directions.next() else {
            return Ok(None);
        };
        if directions.all(|direction| direction == first) { Ok(Some(first)) } else { Err(()) }
    }
}

/// The number of a list of ours, by its name.
pub(crate) fn list_number(name: &str) -> Option<u32> {
    let number = name.strip_prefix(LIST_PREFIX)?;
    let plain = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| number.parse().ok()).flatten()
}

fn matched_list(line: &str) -> Option<ListId> {
    let (family, name) = match line.strip_prefix("match ip address prefix-list ") {
        Some(name) => (Family::V4, name),
        None => (Family::V6, line.strip_prefix("match ipv6 address prefix-list ")?),
    };
    list_number(name).map(|number| (family, number))
}

/// The range of an entry of a prefix list, from its whole line.
pub fn listed_range(line: &str) -> Option<PrefixRange> {
    PrefixRange::read(line.split_once(" permit ")?.1)
}
