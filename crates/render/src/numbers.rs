//! Names of lists, and numbers of entries: kept from what runs, so that a change stays small.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use frrk8s_model::{AUDIENCES_MAX, Family, PrefixRange};

use crate::Direction;
use crate::layout::{Layout, List, Map, Purpose};
use crate::running::{ListId, Running, RunningEntry, RunningList};

/// Entries that block routes whatever the objects say.
pub(crate) const BLOCK_BAND: RangeInclusive<u16> = 1..=99;
/// Entries of audiences. The second band is for maps with more than 3,900 of them.
pub(crate) const AUDIENCE_BANDS: [RangeInclusive<u16>; 2] = [100..=3999, 5000..=65534];
// A map has an entry for each audience and family that its peer has, and one that permits all.
const _: () = {
    let [first, second] = AUDIENCE_BANDS;
    let numbers = (*first.end() - *first.start()) as usize + (*second.end() - *second.start()) as usize + 2;
    assert!(2 * AUDIENCES_MAX < numbers);
};
/// The entry that ends every map of ours.
pub(crate) const CLOSING_NUMBER: u16 = 65535;

/// The names and numbers of a layout.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// By list: its number, and the sequence number of each of its ranges.
    pub(crate) lists: Vec<(u32, Vec<u32>)>,
    /// By map: the number of the entry of each use, and that of the entry that permits all.
    pub(crate) maps: Vec<(Vec<u16>, u16)>,
}

impl Numbers {
    pub(crate) fn new(layout: &Layout, running: &Running) -> Self {
        let kept = keep_names(layout, running);
        let mut taken: BTreeSet<u32> = running.lists.keys().map(|(_, number)| *number).collect();
        taken.extend(kept.iter().flatten().map(|(_, number)| *number));
        let mut fresh = (1..).filter(|number| !taken.contains(number));
        let lists: Vec<(u32, Vec<u32>)> = layout
            .lists
            .iter()
            .zip(&kept)
            .map(|(list, kept)| {
                let number = kept.map_or_else(|| fresh.next().unwrap_or(u32::MAX), |(_, n)| n);
                let old = kept.and_then(|id| running.lists.get(&id));
                (number, sequence(&list.ranges, old))
            })
            .collect();
        let nothing = BTreeMap::new();
        let maps = layout
            .maps
            .iter()
            .map(|map| {
                let entries = running.maps.get(&map.name).unwrap_or(&nothing);
                number_entries(map, layout, &lists, entries)
            })
            .collect();
        Self { lists, maps }
    }
}

/// Sequence numbers of ranges: those that run keep theirs, new ones take the lowest that is free both
/// in what runs and in what is to run.
fn sequence(ranges: &[PrefixRange], running: Option<&RunningList>) -> Vec<u32> {
    let Some(running) = running else {
        return (1..).take(ranges.len()).collect();
    };
    let mut fresh = (1..).filter(|number| !running.numbers.contains(number));
    ranges
        .iter()
        .map(|range| {
            let at = running.ranges.binary_search_by(|(old, _)| old.cmp(range));
            at.map_or_else(|_| fresh.next().unwrap_or(u32::MAX), |at| running.ranges[at].1)
        })
        .collect()
}

/// Which running list each list takes over: pairs with the most lines in common first. Lines in
/// common are entries of the list and entries of the maps that use it.
fn keep_names(layout: &Layout, running: &Running) -> Vec<Option<ListId>> {
    let mut kept = vec![None; layout.lists.len()];
    if running.lists.is_empty() {
        return kept;
    }
    let maps = layout.maps.iter().enumerate();
    let map_of = maps.map(|(at, map)| (map.name.as_str(), at)).collect();
    let wanted = Wanted { layout, map_of };
    let mut pairs: Vec<(usize, ListId, usize)> = candidates(layout, running)
        .into_iter()
        .filter_map(|((list, id), ranges)| {
            let (wanted_list, old) = (&layout.lists[list], running.lists.get(&id)?);
            let users = common_users(wanted_list, old, running, &wanted);
            let may = may_take_over(wanted_list, old, ranges, users) && !forgets(wanted_list, old);
            may.then_some((ranges + users, id, list))
        })
        .collect();
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.1.cmp(&b.1.1)).then(a.2.cmp(&b.2)));
    let mut gone: BTreeSet<u32> = BTreeSet::new();
    for (_, id, list) in pairs {
        if kept[list].is_none() && !gone.contains(&id.1) {
            kept[list] = Some(id);
            gone.insert(id.1);
        }
    }
    kept
}

/// Whether a list can become another one line by line without a moment in which a map permits what it permits neither
/// before nor after: where routes come while users go, or go while users come, one of them would see a route that is
/// not for it. Such a list gets a name of its own, and the old one goes as a whole. What blocks can not permit.
fn may_take_over(list: &List, old: &RunningList, ranges: usize, users: usize) -> bool {
    let (routes_come, routes_go) = (list.ranges.len() > ranges, old.numbers.len() > ranges);
    let (users_come, users_go) = (list.users.len() > users, old.users.len() > users);
    list.purpose == Purpose::Block || !(routes_come && users_go || routes_go && users_come)
}

/// Whether an entry goes whose prefix another entry has that is to be there. The tables in which FRR 8.4 looks up what a
/// map entry matches then forget the prefix, and the other entry matches nothing any more (measured; 10.3 does not). Such
/// a list gets a name of its own as well. So does one to which such an entry comes: on the way back it would go.
fn forgets(list: &List, old: &RunningList) -> bool {
    if list.purpose.direction() == Direction::Out {
        // What is sent is told prefix by prefix.
        return false;
    }
    let has_prefix_of = |ranges: &[PrefixRange], range: &PrefixRange| {
        let at = ranges.partition_point(|other| other.prefix() < range.prefix());
        ranges.get(at).is_some_and(|other| other.prefix() == range.prefix())
    };
    let was: Vec<PrefixRange> = old.ranges.iter().map(|(range, _)| *range).collect();
    let is_lost = |from: &[PrefixRange], to: &[PrefixRange]| {
        from.iter().any(|range| to.binary_search(range).is_err() && has_prefix_of(to, range))
    };
    is_lost(&was, &list.ranges) || is_lost(&list.ranges, &was)
}

/// Pairs of a list and a running one of the same family and direction that have ranges in common, with how
/// many, or the same users.
fn candidates(layout: &Layout, running: &Running) -> BTreeMap<(usize, ListId), usize> {
    let mut by_range: [Vec<(PrefixRange, ListId)>; 2] = [Vec::new(), Vec::new()];
    let mut by_users: BTreeMap<Users, ListId> = BTreeMap::new();
    for (&id, old) in &running.lists {
        let Ok(direction) = old.direction() else {
            continue;
        };
        for (at, way) in Direction::ALL.into_iter().enumerate() {
            if direction.is_none_or(|direction| direction == way) {
                by_range[at].extend(old.ranges.iter().map(|(range, _)| (*range, id)));
            }
        }
        by_users.entry(running_users(id, old, running)).or_insert(id);
    }
    for ranges in &mut by_range {
        ranges.sort_unstable();
    }
    let mut pairs = BTreeMap::new();
    for (at, list) in layout.lists.iter().enumerate() {
        let ranges = &by_range[list.purpose.direction() as usize];
        for range in &list.ranges {
            let from = ranges.partition_point(|(old, _)| old < range);
            for (_, id) in ranges[from..].iter().take_while(|(old, _)| old == range) {
                *pairs.entry((at, *id)).or_default() += 1;
            }
        }
        if let Some(&id) = by_users.get(&users(list, layout)) {
            pairs.entry((at, id)).or_default();
        }
    }
    pairs
}

/// Who uses a list and how: family, whether it permits, and per map its `set` lines.
type Users = (Family, bool, Vec<(String, Vec<String>)>);

fn users(list: &List, layout: &Layout) -> Users {
    let used = list.users.iter();
    let mut users: Vec<_> = used
        .map(|&(map, sets)| (layout.maps[map].name.clone(), layout.sets[sets as usize].clone()))
        .collect();
    users.sort();
    (list.family, list.purpose != Purpose::Block, users)
}

fn running_users(id: ListId, list: &RunningList, running: &Running) -> Users {
    let mut permits = true;
    let mut users: Vec<_> = list
        .users
        .iter()
        .filter_map(|(map, number)| {
            let entry = running.maps.get(map)?.get(number)?;
            permits &= entry.permit;
            Some((map.clone(), entry.sets.clone()))
        })
        .collect();
    users.sort();
    (id.0, permits, users)
}

/// The map entries that stay when a list takes over a running one.
fn common_users(list: &List, old: &RunningList, running: &Running, wanted: &Wanted<'_>) -> usize {
    let permit = list.purpose != Purpose::Block;
    let same = |(map, number): &&(String, u16)| {
        let entry = running.maps.get(map).and_then(|entries| entries.get(number));
        let Some((entry, &map)) = entry.zip(wanted.map_of.get(map.as_str())) else {
            return false;
        };
        let user = list.users.binary_search_by_key(&map, |(user, _)| *user);
        let sets = user.map(|at| &wanted.layout.sets[list.users[at].1 as usize]);
        entry.permit == permit && sets == Ok(&entry.sets)
    };
    old.users.iter().filter(same).count()
}

/// What is to run, with its maps by name.
struct Wanted<'a> {
    layout: &'a Layout,
    map_of: BTreeMap<&'a str, usize>,
}

/// Numbers for a map's entries: those that run keep theirs; a new one gets the number after the
/// highest of its band. Where those that run leave too few, all are numbered anew.
fn number_entries(
    map: &Map,
    layout: &Layout,
    lists: &[(u32, Vec<u32>)],
    running: &BTreeMap<u16, RunningEntry>,
) -> (Vec<u16>, u16) {
    let numbered = number_beside(map, layout, lists, running);
    let numbered = numbered.or_else(|| number_beside(map, layout, lists, &BTreeMap::new()));
    numbered.unwrap_or_default()
}

/// `None` where no number is left.
fn number_beside(
    map: &Map,
    layout: &Layout,
    lists: &[(u32, Vec<u32>)],
    running: &BTreeMap<u16, RunningEntry>,
) -> Option<(Vec<u16>, u16)> {
    let mut blocks = Band::lowest(&[BLOCK_BAND], running);
    let mut audiences = Band::after_highest(&AUDIENCE_BANDS, running);
    let mut kept: BTreeMap<(ListId, bool), u16> = BTreeMap::new();
    let mut permit_all = None;
    for (&number, entry) in running {
        let band = if entry.permit { &audiences } else { &blocks };
        if !band.contains(number) {
            continue;
        }
        if let Some(list) = entry.list {
            kept.entry((list, entry.permit)).or_insert(number);
        } else if entry.permit && !entry.matches {
            permit_all = permit_all.or(Some(number));
        }
    }
    let numbers = map
        .uses
        .iter()
        .map(|&(list, _)| {
            let List { purpose, family, .. } = layout.lists[list];
            let permit = purpose != Purpose::Block;
            let kept = kept.get(&((family, lists[list].0), permit)).copied();
            let band = if permit { &mut audiences } else { &mut blocks };
            kept.or_else(|| band.next())
        })
        .collect::<Option<Vec<u16>>>()?;
    let permit_all = if map.permit_all { permit_all.or_else(|| audiences.next())? } else { CLOSING_NUMBER };
    Some((numbers, permit_all))
}

/// The free numbers of a band. A new entry of an audience gets the number after the highest in use (then,
/// when the band is full, the lowest free). One that blocks gets the lowest that is free, to stand before
/// whatever people add by hand.
struct Band {
    used: BTreeSet<u16>,
    bands: Vec<RangeInclusive<u16>>,
    after: Option<u16>,
}

impl Band {
    fn lowest(bands: &[RangeInclusive<u16>], running: &BTreeMap<u16, RunningEntry>) -> Self {
        let within = |number: &&u16| bands.iter().any(|band| band.contains(number));
        let used = running.keys().filter(within).copied().collect();
        Self { used, bands: bands.to_vec(), after: None }
    }

    fn after_highest(bands: &[RangeInclusive<u16>], running: &BTreeMap<u16, RunningEntry>) -> Self {
        let band = Self::lowest(bands, running);
        Self { after: Some(band.used.last().copied().unwrap_or_default()), ..band }
    }

    fn contains(&self, number: u16) -> bool {
        self.bands.iter().any(|band| band.contains(&number))
    }

    fn next(&mut self) -> Option<u16> {
        let behind = self.after.and_then(|after| {
            let first = after.saturating_add(1);
            let rests = self.bands.iter().map(|band| first.max(*band.start())..=*band.end());
            rests.into_iter().find_map(|mut rest| rest.next())
        });
        let free = |number: &u16| !self.used.contains(number);
        let number = behind.or_else(|| self.bands.iter().cloned().flatten().find(free))?;
        self.after = self.after.map(|after| after.max(number));
        self.used.insert(number);
        Some(number)
    }
}
