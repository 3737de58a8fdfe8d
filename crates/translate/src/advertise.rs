//! What goes to a neighbor.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_api as api;
use frrk8s_model::{
    AnyCommunity, Attributes, COMMUNITIES_MAX, Family, IpNet, LARGE_COMMUNITIES_MAX, PolicyBuilder,
    PrefixRange, PropertyEntry, Rule, parse_prefix, shown,
};

use crate::prefixes;
use crate::report::{Path, Report};
use crate::router::End;

/// The prefixes that a router's neighbors can be sent: sorted, each once.
pub(crate) struct Advertisable<'a> {
    ranges: Vec<PrefixRange>,
    /// The router's own, as they are written, and where each stands in `ranges`.
    written: &'a [String],
    position: Vec<Option<usize>>,
}

impl<'a> Advertisable<'a> {
    pub(crate) fn new(
        written: &'a [String],
        own: &[Option<IpNet>],
        imported: impl Iterator<Item = IpNet>,
    ) -> Self {
        let all = own.iter().flatten().copied().chain(imported);
        let mut ranges: Vec<PrefixRange> = all.map(PrefixRange::exact).collect();
        // Mostly the router's own, sorted and without repetition: then each stands where it is written.
        let as_written = own.iter().all(Option::is_some) && ranges.len() == own.len();
        if as_written && ranges.is_sorted_by(|a, b| a < b) {
            let position = (0..ranges.len()).map(Some).collect();
            return Self { ranges, written, position };
        }
        ranges.sort();
        ranges.dedup();
        let at = |prefix: &IpNet| ranges.binary_search(&PrefixRange::exact(*prefix)).ok();
        let position = own.iter().map(|prefix| prefix.as_ref().and_then(at)).collect();
        Self { ranges, written, position }
    }

    pub(crate) fn ranges(&self) -> Vec<PrefixRange> {
        self.ranges.clone()
    }

    /// Where a prefix stands, if the router has it. Lists of allowed prefixes mostly repeat the router's
    /// list: where the text is the one at `hint`, it need not be read again.
    fn find(&self, text: &str, hint: usize) -> Found {
        if self.written.get(hint).is_some_and(|written| written == text)
            && let Some(at) = self.position[hint]
        {
            return Found::At(at);
        }
        match parse_prefix(text) {
            None => Found::NoPrefix,
            Some(prefix) => {
                let range = PrefixRange::exact(prefix);
                let at = self.ranges.binary_search(&range);
                at.map_or(Found::Unknown(prefix), Found::At)
            }
        }
    }
}

enum Found {
    /// At this position of the advertisable prefixes.
    At(usize),
    /// A prefix that the router does not have.
    Unknown(IpNet),
    /// No prefix at all.
    NoPrefix,
}

type Properties = (Vec<PropertyEntry<u32>>, Vec<PropertyEntry<AnyCommunity>>);

/// Adds what goes to a neighbor to the policy of its router; gives the property lists, entry by entry.
pub(crate) fn advertise(
    (end, given): (&End<'_>, &api::Advertise),
    advertisable: &Advertisable<'_>,
    policy: &mut PolicyBuilder,
    neighbor_path: &Path<'_>,
    report: &mut Report<'_>,
) -> Properties {
    let path = neighbor_path.field("toAdvertise");
    let allowed = allowed(end, &given.allowed, advertisable, &path, report);
    let mut properties = PropertyLists { end, advertisable, allowed: &allowed, attributes: BTreeMap::new() };
    let local_prefs = properties.local_prefs(&given.with_local_pref, &path, report);
    let communities = properties.communities(&given.with_community, &path, report);
    let attributes = properties.attributes;
    refuse_too_many(&attributes, advertisable, &path, report);
    match &allowed {
        Allowed::All if attributes.is_empty() => {
            policy.add_all(end.number, |family| end.peer.carries(family, end.dual_stack));
        }
        Allowed::All => {
            let ranges = advertisable.ranges.iter().enumerate();
            let carried = ranges.filter(|(_, range)| carries(end, range)).map(|(at, _)| at);
            policy.add(end.number, carried, |at| attributes.get(&at));
        }
        Allowed::Some(positions) => {
            policy.add(end.number, positions.iter().copied(), |at| attributes.get(&at));
        }
    }
    (local_prefs, communities)
}

/// Which of the advertisable prefixes that a session carries are allowed.
enum Allowed {
    All,
    /// These positions: sorted, each once.
    Some(Vec<usize>),
}

impl Allowed {
    /// Whether a prefix that the session carries is allowed.
    fn contains(&self, position: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(positions) => positions.binary_search(&position).is_ok(),
        }
    }
}

/// What does not fit into a line would be read as a line of its own.
fn refuse_too_many(
    attributes: &BTreeMap<usize, Attributes>,
    advertisable: &Advertisable<'_>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) {
    let fits = |given: &Attributes| {
        given.communities.len() <= COMMUNITIES_MAX && given.large_communities.len() <= LARGE_COMMUNITIES_MAX
    };
    if let Some((position, given)) = attributes.iter().find(|(_, given)| !fits(given)) {
        let prefix = advertisable.ranges[*position].prefix();
        let (standard, large) = (given.communities.len(), given.large_communities.len());
        let message = format!("{prefix} has {standard} communities and {large} large ones");
        report.value(Rule::CommunitiesTooMany, &path.field("withCommunity"), prefix, message);
    }
}

fn carries(end: &End<'_>, range: &PrefixRange) -> bool {
    end.peer.carries(range.family(), end.dual_stack)
}

/// Reads what is allowed.
fn allowed(
    end: &End<'_>,
    given: &api::AllowedOut,
    advertisable: &Advertisable<'_>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Allowed {
    let path = path.field("allowed");
    match &given.mode {
        Some(api::PrefixMode::All) => return Allowed::All,
        Some(api::PrefixMode::Other(text)) => {
            let message = format!("mode is {:?}; it must be all or filtered", shown(text));
            report.value(Rule::ValueUnknown, &path.field("mode"), text, message);
        }
        Some(api::PrefixMode::Filtered) | None => {}
    }
    let mut allowed = Vec::with_capacity(given.prefixes.len());
    for (at, text) in given.prefixes.iter().enumerate() {
        match advertisable.find(text, at) {
            Found::At(position) if carries(end, &advertisable.ranges[position]) => {
                allowed.push(position);
            }
            Found::At(_) => {
                let message = wrong_family(end, text);
                report.value(Rule::AdvertisedFamily, &path.item("prefixes", at), text, message);
            }
            Found::Unknown(prefix) => {
                let message = format!(
                    "prefix {prefix} is allowed, but is not among the prefixes of this router in this object"
                );
                report.value(Rule::AdvertisedUnknown, &path.item("prefixes", at), text, message);
            }
            Found::NoPrefix => {
                let path = || path.item("prefixes", at).to_string();
                prefixes::prefix(text, path, report);
            }
        }
    }
    if !allowed.is_sorted_by(|a, b| a < b) {
        allowed.sort_unstable();
        allowed.dedup();
    }
    Allowed::Some(allowed)
}

fn wrong_family(end: &End<'_>, text: &str) -> String {
    let family = match parse_prefix(text) {
        Some(IpNet::V4(_)) => Family::V4,
        _ => Family::V6,
    };
    let peer = end.peer;
    format!("{} goes to neighbor {peer} without an {family} address family", shown(text))
}

/// Reads the lists that give prefixes properties.
struct PropertyLists<'a> {
    end: &'a End<'a>,
    advertisable: &'a Advertisable<'a>,
    allowed: &'a Allowed,
    /// By position of the advertisable prefixes.
    attributes: BTreeMap<usize, Attributes>,
}

/// The rules of one kind of property.
struct Property {
    what: &'static str,
    unadvertised: Rule,
    twice: Rule,
}

const LOCAL_PREF: Property =
    Property { what: "localPref", unadvertised: Rule::LocalPrefUnadvertised, twice: Rule::LocalPrefTwice };

const COMMUNITY: Property =
    Property { what: "community", unadvertised: Rule::CommunityUnadvertised, twice: Rule::CommunityTwice };

impl PropertyLists<'_> {
    fn local_prefs(
        &mut self,
        lists: &[api::LocalPrefPrefixes],
        path: &Path<'_>,
        report: &mut Report<'_>,
    ) -> Vec<PropertyEntry<u32>> {
        let mut entries = Vec::with_capacity(lists.len());
        let mut seen = BTreeSet::new();
        for (at, list) in lists.iter().enumerate() {
            let path = path.item("withLocalPref", at);
            // Go's decoder reads an absent number as 0.
            let number = list.local_pref.unwrap_or_default();
            let value = u32::try_from(number).unwrap_or_else(|_| {
                let message = format!("localPref is {number}; it must be 0 to 4294967295");
                report.value(Rule::NumberOutOfRange, &path.field("localPref"), number, message);
                0
            });
            let positions = self.positions(&LOCAL_PREF, &list.prefixes, &path, report);
            for (item, position) in &positions {
                let attributes = self.attributes.entry(*position).or_default();
                match attributes.local_pref {
                    Some(other) if other != value => {
                        let prefix = &list.prefixes[*item];
                        let message =
                            format!("{} has the local preferences {other} and {value}", shown(prefix));
                        let path = path.item("prefixes", *item);
                        report.value(Rule::LocalPrefTwice, &path, prefix, message);
                    }
                    _ => attributes.local_pref = Some(value),
                }
            }
            let entry = self.entry(value, &positions);
            check_repeated(&LOCAL_PREF, &mut seen, &entry, &path.field("localPref"), report);
            entries.push(entry);
        }
        entries
    }

    fn communities(
        &mut self,
        lists: &[api::CommunityPrefixes],
        path: &Path<'_>,
        report: &mut Report<'_>,
    ) -> Vec<PropertyEntry<AnyCommunity>> {
        let mut entries = Vec::with_capacity(lists.len());
        let mut seen = BTreeSet::new();
        for (at, list) in lists.iter().enumerate() {
            let path = path.item("withCommunity", at);
            let text = list.community.as_deref().unwrap_or_default();
            let positions = self.positions(&COMMUNITY, &list.prefixes, &path, report);
            let value: AnyCommunity = match text.parse() {
                Ok(value) => value,
                Err(error) => {
                    let message = format!("the community {:?} is {error}", shown(text));
                    report.value(Rule::CommunityInvalid, &path.field("community"), text, message);
                    continue;
                }
            };
            for (_, position) in &positions {
                let attributes = self.attributes.entry(*position).or_default();
                match value {
                    AnyCommunity::Standard(value) => attributes.communities.insert(value),
                    AnyCommunity::Large(value) => attributes.large_communities.insert(value),
                };
            }
            let entry = self.entry(value, &positions);
            check_repeated(&COMMUNITY, &mut seen, &entry, &path.field("community"), report);
            entries.push(entry);
        }
        entries
    }

    /// The prefixes of one entry that can have the property: their place in the entry, and among the
    /// advertisable ones.
    fn positions(
        &self,
        property: &Property,
        texts: &[String],
        path: &Path<'_>,
        report: &mut Report<'_>,
    ) -> Vec<(usize, usize)> {
        if texts.is_empty() {
            let message = format!("a {} without prefixes", property.what);
            report.add(Rule::EntryEmpty, &path.field("prefixes"), message);
        }
        let mut positions: Vec<(usize, usize)> = Vec::with_capacity(texts.len());
        let mut seen = BTreeSet::new();
        for (at, text) in texts.iter().enumerate() {
            let path = path.item("prefixes", at);
            let position = match self.advertisable.find(text, at) {
                Found::At(position) => position,
                Found::Unknown(_) => {
                    let (what, text) = (property.what, shown(text));
                    let message = format!("{what} associated to non existing prefix {text}");
                    report.value(property.unadvertised, &path, text, message);
                    continue;
                }
                Found::NoPrefix => {
                    let (what, text) = (property.what, shown(text));
                    let message = format!(
                        "{what} associated to non existing prefix {text}: not a prefix in CIDR notation"
                    );
                    report.value(Rule::PrefixInvalid, &path, text, message);
                    continue;
                }
            };
            if !carries(self.end, &self.advertisable.ranges[position]) {
                let message = wrong_family(self.end, text);
                report.value(Rule::AdvertisedFamily, &path, text, message);
            } else if !self.allowed.contains(position) {
                let message = format!(
                    "{} associated to non existing prefix {}: it is not allowed to this neighbor",
                    property.what,
                    shown(text)
                );
                report.value(property.unadvertised, &path, text, message);
            } else if !seen.insert(position) {
                let message = format!("{} stands twice under one {}", shown(text), property.what);
                report.value(property.twice, &path, text, message);
            } else {
                positions.push((at, position));
            }
        }
        positions
    }

    fn entry<T>(&self, value: T, positions: &[(usize, usize)]) -> PropertyEntry<T> {
        let has = |family| {
            let mut families = positions.iter().map(|(_, at)| self.advertisable.ranges[*at].family());
            families.any(|found| found == family)
        };
        PropertyEntry { value, v4: has(Family::V4), v6: has(Family::V6) }
    }
}

/// One property may stand once for a neighbor and family.
fn check_repeated<T: Ord + Copy + std::fmt::Display>(
    property: &Property,
    seen: &mut BTreeSet<(T, Family)>,
    entry: &PropertyEntry<T>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) {
    let families = [(entry.v4, Family::V4), (entry.v6, Family::V6)];
    let mut repeated = false;
    for (_, family) in families.into_iter().filter(|(has, _)| *has) {
        repeated |= !seen.insert((entry.value, family));
    }
    if repeated {
        let message = format!("{} {} is already defined for this neighbor", property.what, entry.value);
        report.value(property.twice, path, entry.value, message);
    }
}
