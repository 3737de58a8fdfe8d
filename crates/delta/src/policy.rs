//! Prefix lists and route maps, from one state to another.
//!
//! Make before break: what is new is added first, what is gone is taken away last, and what happens to sessions comes
//! between the two. A new entry of a map is born as `deny`, gets its lines, and is turned to `permit` last, because a
//! `permit` without its `match` is open (measured). Entries that take the place of others in a list (the same number,
//! or the same prefix under another) come in a batch of their own: FRR loses them otherwise, without a word. Renderings
//! that keep names and numbers from what runs never need that.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use frrk8s_document::{Line, slot};

use crate::command::Command;
use crate::kind::undo;
use crate::pairs::Pairs;

/// The commands that change lists and maps, in the order in which they are sent.
#[derive(Debug, Default)]
pub(crate) struct PolicyCommands {
    /// What is added.
    pub(crate) make: Vec<Command>,
    /// What is taken away.
    pub(crate) take: Vec<Command>,
    /// Entries of lists that had to wait until others were taken away.
    pub(crate) again: Vec<Command>,
}

/// Whether a line of the top level is about lists and maps.
pub(crate) fn is_policy(line: &str) -> bool {
    is_list(line) || is_map(line)
}

fn is_list(line: &str) -> bool {
    line.starts_with("ip prefix-list ") || line.starts_with("ipv6 prefix-list ")
}

fn is_map(line: &str) -> bool {
    line.starts_with("route-map ")
}

/// The commands for what of the top level is about policy.
pub(crate) fn policy(pairs: &Pairs<'_>) -> PolicyCommands {
    let mut commands = PolicyCommands::default();
    lists(pairs, &mut commands);
    maps(pairs, &mut commands);
    // Maps stop to use a list before it goes.
    let (maps, lists): (Vec<_>, Vec<_>) =
        commands.take.into_iter().partition(|command| !is_list(command.line.trim_start_matches("no ")));
    commands.take = maps.into_iter().chain(lists).collect();
    commands
}

fn lists(pairs: &Pairs<'_>, commands: &mut PolicyCommands) {
    let gone: Vec<&str> = pairs.gone.iter().map(|line| line.text()).filter(|line| is_list(line)).collect();
    let taken: BTreeSet<(&str, &str)> = gone.iter().copied().flat_map(slots).collect();
    for line in pairs.come.iter().filter(|line| is_list(line.text())) {
        let waits = slots(line.text()).into_iter().any(|slot| taken.contains(&slot));
        let commands = if waits { &mut commands.again } else { &mut commands.make };
        commands.push(Command::told(&[], line));
    }
    commands.take.extend(gone.into_iter().map(|line| Command::new(&[], undo(None, line))));
}

/// What an entry of a list holds: its list and number, and its list and prefix.
fn slots(line: &str) -> Vec<(&str, &str)> {
    let Some((list, entry)) = line.split_once(" seq ") else {
        return vec![(line, "")];
    };
    match entry.split_once(' ') {
        Some((number, range)) => vec![(list, number), (list, range)],
        None => vec![(list, entry)],
    }
}

/// An entry of a map: its name and number.
type Entry<'a> = (&'a str, &'a str);

fn entry(line: &str) -> Option<(Entry<'_>, &str)> {
    let mut words = line.strip_prefix("route-map ")?.split(' ');
    let (name, action, number) = (words.next()?, words.next()?, words.next()?);
    Some(((name, number), action))
}

fn maps(pairs: &Pairs<'_>, commands: &mut PolicyCommands) {
    let is_entry = |line: &&&Line| is_map(line.text());
    let mut before: BTreeMap<Entry<'_>, &Line> = BTreeMap::new();
    let mut after: BTreeMap<Entry<'_>, &Line> = BTreeMap::new();
    for line in pairs.gone.iter().filter(is_entry) {
        before.extend(entry(line.text()).map(|(entry, _)| (entry, *line)));
    }
    for line in pairs.come.iter().filter(is_entry) {
        after.extend(entry(line.text()).map(|(entry, _)| (entry, *line)));
    }
    for (old, new) in pairs.changed.iter().filter(|(old, _)| is_map(old.text())) {
        if let Some((entry, _)) = entry(old.text()) {
            before.insert(entry, old);
            after.insert(entry, new);
        }
    }
    for (entry, new) in &after {
        match before.get(entry) {
            None => commands.make.extend(born(new)),
            Some(old) => commands.make.extend(rewritten(old, new)),
        }
    }
    // From behind: in a chain of `on-match next`, what ends it goes before what leads to it.
    let gone = pairs.gone.iter().rev().filter(is_entry);
    let gone = gone.filter(|line| entry(line.text()).is_some_and(|(entry, _)| !after.contains_key(&entry)));
    commands.take.extend(gone.map(|line| Command::new(&[], undo(None, line.text()))));
}

const PERMIT: &str = "permit";
const DENY: &str = "deny";

/// The line of an entry with another action.
fn acting(line: &str, action: &str) -> Box<str> {
    match entry(line) {
        Some(((name, number), _)) => format!("route-map {name} {action} {number}").into(),
        None => line.into(),
    }
}

fn is_permit(line: &Line) -> bool {
    entry(line.text()).is_some_and(|(_, action)| action == PERMIT)
}

/// A new entry.
fn born(new: &Line) -> Vec<Command> {
    let closed = acting(new.text(), DENY);
    let mut commands = vec![Command { mark: new.mark, ..Command::new(&[], closed.clone()) }];
    commands.extend(new.inside().iter().map(|line| Command::told(&[&closed], line)));
    if is_permit(new) {
        commands.push(Command { mark: new.mark, ..Command::new(&[], new.text().into()) });
    }
    commands
}

/// An entry that stays, with other lines or another action.
fn rewritten(old: &Line, new: &Line) -> Vec<Command> {
    let pairs = Pairs::new(Some(new.text()), old.inside(), new.inside());
    let parent = Some(new.text());
    let kept: BTreeSet<String> = pairs.come.iter().map(|line| slot(parent, line.text())).collect();
    let gone = pairs.gone.iter().filter(|line| !kept.contains(&slot(parent, line.text())));
    let gone: Vec<&str> = gone.map(|line| line.text()).collect();
    // A `match` that goes, and none that takes its place, would leave it open meanwhile.
    let opens = gone.iter().any(|line| line.starts_with("match "));
    let stays_permit = is_permit(old) && is_permit(new) && !opens;
    let during = acting(new.text(), if stays_permit { PERMIT } else { DENY });
    let mut commands = Vec::new();
    if !stays_permit {
        commands.push(Command::new(&[], during.clone()));
    }
    commands.extend(pairs.come.iter().map(|line| Command::told(&[&during], line)));
    commands.extend(gone.iter().map(|line| Command::new(&[&during], undo(parent, line))));
    if !stays_permit && is_permit(new) {
        commands.push(Command { mark: new.mark, ..Command::new(&[], new.text().into()) });
    }
    commands
}

#[cfg(test)]
mod tests {
    use frrk8s_document::{Dialect, Document, Text, Version};

    use super::*;

    fn read(text: &str) -> Document {
        Dialect::new(Version { major: 10, minor: 3 }).read(&Text::parse(text))
    }

    fn between(before: &str, after: &str) -> Vec<String> {
        let (before, after) = (read(before), read(after));
        let commands = policy(&Pairs::new(None, before.lines(), after.lines()));
        let all = [commands.make, commands.take, commands.again];
        all.iter()
            .flatten()
            .map(|command| {
                let context: String = command.context.iter().map(|line| format!("[{line}] ")).collect();
                format!("{context}{}", command.line)
            })
            .collect()
    }

    const ENTRY: &str =
        "route-map m permit 100\n match ip address prefix-list a\n set local-preference 5\nexit\n";

    #[test]
    fn a_new_entry_is_closed_until_it_is_complete() {
        assert_eq!(
            between("", ENTRY),
            [
                "route-map m deny 100",
                "[route-map m deny 100] match ip address prefix-list a",
                "[route-map m deny 100] set local-preference 5",
                "route-map m permit 100",
            ]
        );
    }

    #[test]
    fn what_replaces_something_overwrites_it_in_place() {
        let after = ENTRY.replace("list a", "list b").replace("set local-preference 5", "set metric 1");
        assert_eq!(
            between(ENTRY, &after),
            [
                "[route-map m permit 100] match ip address prefix-list b",
                "[route-map m permit 100] set metric 1",
                "[route-map m permit 100] no set local-preference",
            ]
        );
    }

    #[test]
    fn an_entry_that_loses_its_match_is_closed_meanwhile() {
        let after = "route-map m permit 100\nexit\n";
        assert_eq!(
            between(ENTRY, after),
            [
                "route-map m deny 100",
                "[route-map m deny 100] no match ip address prefix-list a",
                "[route-map m deny 100] no set local-preference",
                "route-map m permit 100",
            ]
        );
    }

    #[test]
    fn maps_let_go_of_a_list_before_it_goes() {
        let lists = "ip prefix-list a seq 1 permit 10.0.0.0/8\n";
        assert_eq!(
            between(&format!("{lists}{ENTRY}"), ""),
            ["no route-map m permit 100", "no ip prefix-list a seq 1 permit 10.0.0.0/8"]
        );
    }

    #[test]
    fn what_takes_a_place_that_is_not_free_waits() {
        let before = "ip prefix-list a seq 1 permit 10.0.0.0/8\nip prefix-list a seq 2 permit 11.0.0.0/8\n";
        let after = "ip prefix-list a seq 1 permit 11.0.0.0/8\nip prefix-list a seq 3 permit 12.0.0.0/8\n";
        assert_eq!(
            between(before, after),
            [
                "ip prefix-list a seq 3 permit 12.0.0.0/8",
                "no ip prefix-list a seq 1 permit 10.0.0.0/8",
                "no ip prefix-list a seq 2 permit 11.0.0.0/8",
                "ip prefix-list a seq 1 permit 11.0.0.0/8",
            ]
        );
    }
}
