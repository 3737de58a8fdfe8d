//! Which sessions send or take other routes than before: those need a soft clear, because FRR acts on a changed list or
//! map only after its delay timer (5 s).

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::{Document, Line};

use crate::ranges::{Range, Ranges};
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
    let sides = Sides { old: &old, new: &new, lists: changed_lists(&old, &new) };
    let networks = changed_networks(&old, &new);
    let none = BTreeSet::new();
    let mut effect = PolicyEffect::default();
    for (binding, new_map) in &new.bindings {
        let Some(old_map) = old.bindings.get(binding) else {
            continue;
        };
        let networks = match binding.way {
            Way::Out => networks.get(&(binding.vrf, binding.family)).unwrap_or(&none),
            Way::In => &none,
        };
        let (by_policy, by_network) = sides.differ((old_map, new_map), binding.family, networks);
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

/// A family of a router: its VRF, and `ipv4` or `ipv6`.
type Router<'a> = (Option<&'a str>, &'static str);

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

/// What becomes of a route: what is set on it, or `None` where it is denied.
type Fate<'v> = Option<&'v [&'v str]>;

impl Entry<'_> {
    fn fate(&self) -> Fate<'_> {
        self.permits.then_some(&self.sets)
    }
}

/// A prefix list.
#[derive(Debug, Default)]
struct List<'a> {
    /// Its entries without their numbers, sorted.
    entries: Vec<&'a str>,
    /// The same as ranges, once somebody asks; `None` where an entry is not one that permits a range.
    ranges: OnceCell<Option<Ranges>>,
}

impl List<'_> {
    fn ranges(&self, ip: &str) -> Option<&Ranges> {
        let range = |entry: &&str| Range::parse(ip, entry.strip_prefix("permit ")?);
        self.ranges.get_or_init(|| self.entries.iter().map(range).collect()).as_ref()
    }
}

/// Policy, taken apart.
#[derive(Debug, Default)]
struct View<'a> {
    lists: BTreeMap<ListName<'a>, List<'a>>,
    maps: BTreeMap<&'a str, Vec<Entry<'a>>>,
    bindings: BTreeMap<Binding<'a>, &'a str>,
    networks: BTreeMap<Router<'a>, BTreeSet<&'a str>>,
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
        view.lists.values_mut().for_each(|list| list.entries.sort_unstable());
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
            self.lists.entry((ip, name)).or_default().entries.push(range.unwrap_or(entry));
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

    fn entries_of(&self, name: ListName<'a>) -> &[&'a str] {
        self.lists.get(&name).map(|list| list.entries.as_slice()).unwrap_or_default()
    }

    /// A map as it is for routes of a family; `None` where something decides in it that is not known here.
    fn decides<'v>(&'v self, map: &str, ip: &str) -> Option<Decides<'a, 'v>> {
        let mut decides = Decides { entries: Vec::new(), rest: None };
        for entry in self.map(map) {
            if !entry.is_plain {
                return None;
            }
            match entry.list {
                // No route comes as far as what stands behind it.
                None => return Some(Decides { rest: entry.fate(), ..decides }),
                Some(list) if list.0 == ip => {
                    let ranges = match self.lists.get(&list) {
                        Some(known) => Some(known.ranges(ip)?),
                        None => None,
                    };
                    decides.entries.push((entry, ranges));
                }
                Some(_) => {}
            }
        }
        Some(decides)
    }
}

/// The entries of a map that decide about routes of a family, each with the ranges of its list, up to the first one
/// without a list.
struct Decides<'a, 'v> {
    entries: Vec<(&'v Entry<'a>, Option<&'v Ranges>)>,
    /// What becomes of routes that are in none of the lists.
    rest: Fate<'v>,
}

impl<'a, 'v> Decides<'a, 'v> {
    /// What becomes of the routes of a range: the parts that entries single out, in order, and the fate of all others.
    /// Equal where the same becomes of each route; that others are equal as well is not seen.
    fn fates(&self, range: &Range) -> (Vec<(BTreeSet<Range>, Fate<'v>)>, Fate<'v>) {
        let (mut parts, mut rest): (Vec<(BTreeSet<Range>, Fate<'v>)>, _) = (Vec::new(), self.rest);
        for (entry, ranges) in &self.entries {
            let (found, covers) = ranges.map(|ranges| ranges.overlapping(range)).unwrap_or_default();
            if covers {
                rest = entry.fate();
                break;
            }
            match parts.last_mut() {
                _ if found.is_empty() => {}
                Some((part, fate)) if *fate == entry.fate() => part.extend(found),
                _ => parts.push((found.into_iter().collect(), entry.fate())),
            }
        }
        while parts.pop_if(|(_, fate)| *fate == rest).is_some() {}
        (parts, rest)
    }

    /// The entry with a number.
    fn numbered(&self, number: u32) -> Option<&'v Entry<'a>> {
        let at = self.entries.binary_search_by_key(&number, |(entry, _)| entry.number);
        at.ok().map(|at| self.entries[at].0)
    }
}

/// The lists that differ, each with the ranges that only one side has.
type ChangedLists<'a> = BTreeMap<ListName<'a>, Vec<Range>>;

fn changed_lists<'a>(old: &View<'a>, new: &View<'a>) -> ChangedLists<'a> {
    let names: BTreeSet<ListName<'a>> = old.lists.keys().chain(new.lists.keys()).copied().collect();
    let changed = names.into_iter().filter(|name| old.entries_of(*name) != new.entries_of(*name));
    changed
        .map(|name| {
            let set = |view: &View<'a>| -> BTreeSet<Range> {
                let ranges = view.lists.get(&name).and_then(|list| list.ranges(name.0));
                ranges.map(Ranges::all).unwrap_or_default().iter().copied().collect()
            };
            (name, set(old).symmetric_difference(&set(new)).copied().collect())
        })
        .collect()
}

/// The prefixes that each router begins or ceases to originate: their routes come and go by themselves.
fn changed_networks<'a>(old: &View<'a>, new: &View<'a>) -> BTreeMap<Router<'a>, BTreeSet<Range>> {
    let none = BTreeSet::new();
    let routers: BTreeSet<Router<'a>> = old.networks.keys().chain(new.networks.keys()).copied().collect();
    let changed = |router: Router<'a>| {
        let (before, after) = (old.networks.get(&router), new.networks.get(&router));
        let prefixes = before.unwrap_or(&none).symmetric_difference(after.unwrap_or(&none));
        (router, prefixes.filter_map(|prefix| Range::parse("", prefix)).collect())
    };
    routers.into_iter().map(changed).collect()
}

struct Sides<'a, 'v> {
    old: &'v View<'a>,
    new: &'v View<'a>,
    lists: ChangedLists<'a>,
}

impl<'a> Sides<'a, '_> {
    /// Whether two maps differ in what they do with routes of a family: by policy, and for prefixes that come or go.
    fn differ(&self, (old, new): (&str, &str), family: &str, networks: &BTreeSet<Range>) -> (bool, bool) {
        let (before, after) = (self.old.map(old), self.new.map(new));
        let uses_changed = |entry: &Entry<'_>| entry.list.is_some_and(|list| self.lists.contains_key(&list));
        let same_text = before.iter().map(|entry| entry.text).eq(after.iter().map(|entry| entry.text));
        if same_text && !before.iter().any(uses_changed) {
            return (false, false);
        }
        let ip = if family == "ipv4" { "ip" } else { "ipv6" };
        let (Some(before), Some(after)) = (self.old.decides(old, ip), self.new.decides(new, ip)) else {
            return (true, false);
        };
        if before.rest != after.rest {
            return (true, false);
        }
        let (mut by_policy, mut by_network) = (false, false);
        for range in self.candidates(&before, &after) {
            if before.fates(range) == after.fates(range) {
                continue;
            }
            if networks.contains(range) {
                by_network = true;
            } else {
                by_policy = true;
                break;
            }
        }
        (by_policy, by_network)
    }

    /// The ranges about which the maps can differ: of an entry that both have, what changed in its list; of another
    /// one, all that its list has. A route of which something else becomes is in one of them.
    fn candidates<'s>(
        &'s self,
        before: &'s Decides<'a, '_>,
        after: &'s Decides<'a, '_>,
    ) -> impl Iterator<Item = &'s Range> {
        let of_entry =
            |other: &Decides<'a, '_>, entry: &Entry<'a>, ranges: Option<&'s Ranges>| -> &'s [Range] {
                if other.numbered(entry.number).is_some_and(|other| other.text == entry.text) {
                    return entry
                        .list
                        .and_then(|list| self.lists.get(&list))
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                }
                ranges.map(Ranges::all).unwrap_or_default()
            };
        [(before, after), (after, before)].into_iter().flat_map(move |(one, other)| {
            one.entries.iter().flat_map(move |(entry, ranges)| of_entry(other, entry, *ranges))
        })
    }
}
