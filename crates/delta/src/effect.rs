//! Which sessions send or take other routes than before: those need a soft clear, because FRR acts on a changed list or
//! map only after its delay timer (5 s).

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::{Document, Line};

use crate::session::{SessionId, vrf_of};

/// A direction of routes, seen from the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From the peer.
    In,
    /// To the peer.
    Out,
}

/// A `clear bgp … soft`: makes changed policy take effect on one session. Told outside of `configure`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clear {
    /// The session.
    pub session: SessionId,
    /// `ipv4` or `ipv6`; unicast.
    pub family: &'static str,
    /// Which routes are sent, or asked for, again.
    pub way: Way,
}

impl Clear {
    /// The command.
    pub fn command(&self) -> String {
        let SessionId { vrf, peer } = &self.session;
        let vrf = vrf.as_ref().map(|vrf| format!("vrf {vrf} ")).unwrap_or_default();
        let way = match self.way {
            Way::In => "in",
            Way::Out => "out",
        };
        format!("clear bgp {vrf}{} unicast {peer} soft {way}", self.family)
    }
}

/// What of policy differs between two documents.
#[derive(Debug, Default)]
pub(crate) struct PolicyEffect {
    /// What takes effect only by a clear.
    pub(crate) clears: BTreeSet<Clear>,
    /// Sessions that send or take other routes, by policy or because a prefix comes or goes.
    pub(crate) changed: BTreeSet<SessionId>,
}

/// Compares what each session that both documents have sends and takes.
pub(crate) fn policy_effect(before: &Document, after: &Document) -> PolicyEffect {
    let (old, new) = (View::new(before), View::new(after));
    let changed_lists = changed_lists(&old, &new);
    let mut effect = PolicyEffect::default();
    for (binding, new_map) in &new.bindings {
        let Some(old_map) = old.bindings.get(binding) else {
            continue;
        };
        let networks = changed_networks(binding, &old, &new);
        let sides = Sides { old: &old, new: &new, lists: &changed_lists };
        let (by_policy, by_network) = sides.differ((old_map, new_map), binding.way, &networks);
        let session = SessionId { vrf: binding.vrf.map(Into::into), peer: binding.peer.into() };
        if by_policy || by_network {
            effect.changed.insert(session.clone());
        }
        if by_policy {
            effect.clears.insert(Clear { session, family: binding.family, way: binding.way });
        }
    }
    effect
}

/// Where a map is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Binding<'a> {
    vrf: Option<&'a str>,
    peer: &'a str,
    family: &'static str,
    way: Way,
}

/// A list: `ip` or `ipv6`, and its name.
type ListName<'a> = (&'a str, &'a str);

/// An entry of a map.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    number: u32,
    permits: bool,
    /// The list that it matches; `None` for all routes.
    list: Option<ListName<'a>>,
    sets: Vec<&'a str>,
    /// Whether there is more in it than this type can say.
    is_plain: bool,
    text: &'a Line,
}

/// Policy, taken apart.
#[derive(Debug, Default)]
struct View<'a> {
    /// The entries of each list without their numbers, sorted.
    lists: BTreeMap<ListName<'a>, Vec<&'a str>>,
    maps: BTreeMap<&'a str, Vec<Entry<'a>>>,
    bindings: BTreeMap<Binding<'a>, &'a str>,
    networks: BTreeMap<(Option<&'a str>, &'static str), BTreeSet<&'a str>>,
}

impl<'a> View<'a> {
    fn new(document: &'a Document) -> Self {
        let mut view = Self::default();
        for line in document.lines() {
            let text = line.text();
            if text.starts_with("route-map ") {
                view.add_entry(line);
            } else if text.starts_with("router bgp ") {
                view.add_router(line);
            } else {
                view.add_listed(text);
            }
        }
        view.lists.values_mut().for_each(|entries| entries.sort_unstable());
        for entries in view.maps.values_mut() {
            entries.sort_by_key(|entry| entry.number);
        }
        view
    }

    fn add_listed(&mut self, line: &'a str) {
        let parts = line.split_once(" prefix-list ").and_then(|(ip, rest)| Some((ip, rest.split_once(' ')?)));
        if let Some((ip @ ("ip" | "ipv6"), (name, entry))) = parts {
            let range =
                entry.strip_prefix("seq ").and_then(|entry| entry.split_once(' ')).map(|(_, range)| range);
            self.lists.entry((ip, name)).or_default().push(range.unwrap_or(entry));
        }
    }

    fn add_entry(&mut self, line: &'a Line) {
        let words: Vec<&str> = line.text().split(' ').collect();
        let [_, name, action, number] = words[..] else {
            return;
        };
        let mut entry = Entry {
            number: number.parse().unwrap_or_default(),
            permits: action == "permit",
            list: None,
            sets: Vec::new(),
            is_plain: true,
            text: line,
        };
        for line in line.inside() {
            let text = line.text();
            let list = text.strip_prefix("match ").and_then(|text| text.split_once(" address prefix-list "));
            match list {
                Some(list) if entry.list.is_none() => entry.list = Some(list),
                _ if text.starts_with("set ") => entry.sets.push(text),
                _ if text.starts_with("description ") => {}
                _ => entry.is_plain = false,
            }
        }
        self.maps.entry(name).or_default().push(entry);
    }

    fn add_router(&mut self, router: &'a Line) {
        let vrf = vrf_of(router.text());
        for context in router.inside().iter().filter(|line| line.is_context()) {
            let family = match context.text() {
                "address-family ipv4 unicast" => "ipv4",
                "address-family ipv6 unicast" => "ipv6",
                _ => continue,
            };
            for line in context.inside() {
                let words: Vec<&str> = line.text().split(' ').collect();
                match words[..] {
                    ["network", prefix] => {
                        self.networks.entry((vrf, family)).or_default().insert(prefix);
                    }
                    ["neighbor", peer, "route-map", map, way] => {
                        let way = if way == "in" { Way::In } else { Way::Out };
                        self.bindings.insert(Binding { vrf, peer, family, way }, map);
                    }
                    _ => {}
                }
            }
        }
    }

    fn map(&self, name: &str) -> &[Entry<'a>] {
        self.maps.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    fn list(&self, name: ListName<'a>) -> &[&'a str] {
        self.lists.get(&name).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a map does with a range of its lists: the first entry that matches.
    fn result(&self, map: &str, ip: &str, range: &str) -> Option<&[&'a str]> {
        let matches = |entry: &&Entry<'_>| match entry.list {
            None => true,
            Some((family, name)) => {
                let listed = self.list((family, name)).binary_search_by(|entry| permitted(entry).cmp(range));
                family == ip && listed.is_ok()
            }
        };
        let entry = self.map(map).iter().find(matches)?;
        entry.permits.then_some(entry.sets.as_slice())
    }

    /// Whether everything that decides about a map is as simple as what we render.
    fn is_plain(&self, map: &str) -> bool {
        self.map(map).iter().all(|entry| {
            let permits = |entry: &&str| entry.starts_with("permit ");
            entry.is_plain && entry.list.is_none_or(|list| self.list(list).iter().all(permits))
        })
    }
}

/// The range of a list's entry.
fn permitted(entry: &str) -> &str {
    entry.strip_prefix("permit ").unwrap_or(entry)
}

/// The lists that differ, each with the ranges that only one side has.
fn changed_lists<'a>(old: &View<'a>, new: &View<'a>) -> ChangedLists<'a> {
    let names: BTreeSet<ListName<'a>> = old.lists.keys().chain(new.lists.keys()).copied().collect();
    let changed = names.into_iter().filter(|name| old.list(*name) != new.list(*name));
    changed
        .map(|name| {
            let set = |view: &View<'a>| -> BTreeSet<&'a str> {
                view.list(name).iter().map(|entry| permitted(entry)).collect()
            };
            (name, set(old).symmetric_difference(&set(new)).copied().collect())
        })
        .collect()
}

type ChangedLists<'a> = BTreeMap<ListName<'a>, Vec<&'a str>>;

/// The prefixes that a router begins or ceases to originate: their routes come and go by themselves.
fn changed_networks<'a>(binding: &Binding<'a>, old: &View<'a>, new: &View<'a>) -> BTreeSet<&'a str> {
    let none = BTreeSet::new();
    let key = (binding.vrf, binding.family);
    let (before, after) = (old.networks.get(&key).unwrap_or(&none), new.networks.get(&key).unwrap_or(&none));
    before.symmetric_difference(after).copied().collect()
}

struct Sides<'a, 'v> {
    old: &'v View<'a>,
    new: &'v View<'a>,
    lists: &'v ChangedLists<'a>,
}

impl<'a> Sides<'a, '_> {
    /// Whether two maps differ in what they do, by policy, and for prefixes that come or go.
    fn differ(&self, (old, new): (&str, &str), way: Way, networks: &BTreeSet<&str>) -> (bool, bool) {
        let (before, after) = (self.old.map(old), self.new.map(new));
        let uses_changed = |entry: &Entry<'_>| entry.list.is_some_and(|list| self.lists.contains_key(&list));
        let same_text = before.iter().map(|entry| entry.text).eq(after.iter().map(|entry| entry.text));
        if same_text && !before.iter().any(uses_changed) {
            return (false, false);
        }
        if !self.old.is_plain(old) || !self.new.is_plain(new) {
            return (true, false);
        }
        let all = |entries: &[Entry<'_>]| entries.iter().any(|entry| entry.list.is_none() && entry.permits);
        if all(before) != all(after) {
            return (true, false);
        }
        let (mut by_policy, mut by_network) = (false, false);
        for (ip, range) in self.candidates(before, after) {
            if self.old.result(old, ip, range) == self.new.result(new, ip, range) {
                continue;
            }
            if way == Way::Out && networks.contains(range) {
                by_network = true;
            } else {
                by_policy = true;
                break;
            }
        }
        (by_policy, by_network)
    }

    /// The ranges about which the maps can differ: of an entry that both have, what changed in its list; of another
    /// one, all that its list has.
    fn candidates(&self, before: &[Entry<'a>], after: &[Entry<'a>]) -> Vec<(&'a str, &'a str)> {
        let mut candidates = Vec::new();
        for (entries, others, view) in [(before, after, self.old), (after, before, self.new)] {
            for entry in entries {
                let Some(list) = entry.list else {
                    continue;
                };
                let (ip, _) = list;
                if others.iter().any(|other| other.text == entry.text) {
                    let changed = self.lists.get(&list).into_iter().flatten();
                    candidates.extend(changed.map(|range| (ip, *range)));
                } else {
                    candidates.extend(view.list(list).iter().map(|entry| (ip, permitted(entry))));
                }
            }
        }
        candidates
    }
}
