//! Which prefixes go to, or come from, which peers: sorted ranges, each with its *audience*.
//!
//! Most prefixes of a node share a handful of audiences, so an audience is stored once and named by
//! its number. With 100,000 prefixes for each of 20 neighbors this is 100,000 pairs of numbers
//! instead of 2,000,000 set members.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use crate::{Community, Family, LargeCommunity, PrefixRange};

/// The most audiences that a peer's prefixes can fall into, in one direction: a route map has 65,535 numbers, and an
/// audience may need one for each family.
pub const AUDIENCES_MAX: usize = 32_000;

/// What a route carries to one peer besides being allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes {
    /// `set local-preference`.
    pub local_pref: Option<u32>,
    /// `set community … additive`.
    pub communities: BTreeSet<Community>,
    /// `set large-community … additive`.
    pub large_communities: BTreeSet<LargeCommunity>,
}

/// The number of a peer; whoever owns the policy says which peer that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerIx(pub u32);

/// The number of an audience inside its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AudienceIx(pub u32);

/// The number of a set of attributes inside its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributesIx(pub u32);

/// Peers, each with what the routes carry to it. Sorted by peer, each peer once.
pub type Members = Vec<(PeerIx, AttributesIx)>;

/// A table that gives equal values one number.
#[derive(Clone, Debug)]
pub struct Interner<T> {
    values: Vec<T>,
    numbers: BTreeMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Interner<T> {
    /// The number of a value: the next free one when it is new.
    pub fn number(&mut self, value: T) -> u32 {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let number = count(self.values.len());
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    /// The value of a number that this table gave.
    pub fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    /// All values, by number.
    pub fn into_values(self) -> Vec<T> {
        self.values
    }

    /// All values, by number.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

/// A length as the 32-bit number that tables store.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Ranges with their audiences. Sorted by range, each range once; audiences and attributes are
/// numbered in the order in which the ranges first use them, so equal policies are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    attributes: Vec<Attributes>,
    audiences: Vec<Members>,
    entries: Vec<(PrefixRange, AudienceIx)>,
}

impl Policy {
    /// The policy of these entries over these tables. Entries must be sorted by range with each
    /// range once; audiences must be sorted by peer. Entries of an empty audience are dropped.
    pub fn new(
        attributes: Vec<Attributes>,
        audiences: Vec<Members>,
        entries: Vec<(PrefixRange, AudienceIx)>,
    ) -> Self {
        debug_assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
        let mut policy = Self { attributes, audiences, entries };
        policy.entries.retain(|(_, audience)| !policy.audiences[audience.0 as usize].is_empty());
        policy.renumber();
        policy
    }

    /// Audiences and attributes by first use; what no entry uses is gone.
    fn renumber(&mut self) {
        let mut audiences = Renumbering::new(self.audiences.len());
        for (_, audience) in &mut self.entries {
            audience.0 = audiences.number(audience.0);
        }
        self.audiences = audiences.pick(mem::take(&mut self.audiences));
        let mut attributes = Renumbering::new(self.attributes.len());
        for (_, carried) in self.audiences.iter_mut().flatten() {
            carried.0 = attributes.number(carried.0);
        }
        self.attributes = attributes.pick(mem::take(&mut self.attributes));
    }

    /// Ranges with their audiences, sorted by range.
    pub fn entries(&self) -> &[(PrefixRange, AudienceIx)] {
        &self.entries
    }

    /// How many audiences there are.
    pub fn audience_count(&self) -> usize {
        self.audiences.len()
    }

    /// Every audience with its number.
    pub fn audiences(&self) -> impl Iterator<Item = (AudienceIx, &Members)> {
        (0..).map(AudienceIx).zip(&self.audiences)
    }

    /// The members of an audience.
    pub fn members(&self, audience: AudienceIx) -> &Members {
        &self.audiences[audience.0 as usize]
    }

    /// What a number of [`Members`] stands for.
    pub fn attributes(&self, attributes: AttributesIx) -> &Attributes {
        &self.attributes[attributes.0 as usize]
    }

    /// All sets of attributes, by number.
    pub fn all_attributes(&self) -> &[Attributes] {
        &self.attributes
    }

    /// What one peer gets, in the order of the ranges.
    pub fn of_peer(&self, peer: PeerIx) -> impl Iterator<Item = (PrefixRange, &Attributes)> {
        let carried: Vec<Option<AttributesIx>> =
            self.audiences.iter().map(|members| member(members, peer)).collect();
        self.entries.iter().filter_map(move |(range, audience)| {
            carried[audience.0 as usize].map(|attributes| (*range, self.attributes(attributes)))
        })
    }

    /// The audience of exactly this range.
    pub fn audience_of(&self, range: &PrefixRange) -> Option<AudienceIx> {
        let at = self.entries.binary_search_by(|(entry, _)| entry.cmp(range));
        at.ok().map(|at| self.entries[at].1)
    }
}

/// The attributes that one peer has among these members.
pub fn member(members: &[(PeerIx, AttributesIx)], peer: PeerIx) -> Option<AttributesIx> {
    let at = members.binary_search_by_key(&peer, |(member, _)| *member);
    at.ok().map(|at| members[at].1)
}

/// New numbers for old ones, by first use.
struct Renumbering {
    new: Vec<Option<u32>>,
    used: Vec<u32>,
}

impl Renumbering {
    fn new(len: usize) -> Self {
        Self { new: vec![None; len], used: Vec::new() }
    }

    fn number(&mut self, old: u32) -> u32 {
        *self.new[old as usize].get_or_insert_with(|| {
            self.used.push(old);
            count(self.used.len() - 1)
        })
    }

    fn pick<T: Default>(&self, mut values: Vec<T>) -> Vec<T> {
        self.used.iter().map(|&old| mem::take(&mut values[old as usize])).collect()
    }
}

/// Gathers who gets what, one peer after the other, over a fixed sorted list of ranges.
///
/// Ranges that had the same peers so far are one class, so that a peer that gets everything costs a step a class, not
/// one a range.
#[derive(Debug)]
pub struct PolicyBuilder {
    ranges: Vec<PrefixRange>,
    /// By range, its class.
    class_of: Vec<u32>,
    classes: Vec<Class>,
    attributes: Interner<Attributes>,
    /// Each is another one with one more peer, so that the audiences on the way to the last cost next to nothing.
    audiences: Interner<Option<Extended>>,
}

/// An audience with one more peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Extended {
    audience: u32,
    peer: PeerIx,
    with: AttributesIx,
}

#[derive(Clone, Copy, Debug)]
struct Class {
    family: Family,
    audience: u32,
}

impl PolicyBuilder {
    /// A builder over these ranges, which must be sorted, each once.
    pub fn new(ranges: Vec<PrefixRange>) -> Self {
        debug_assert!(ranges.is_sorted_by(|a, b| a < b));
        let mut audiences = Interner::default();
        let nobody = audiences.number(None);
        Self {
            class_of: ranges.iter().map(|range| u32::from(range.family() == Family::V6)).collect(),
            classes: Family::ALL.map(|family| Class { family, audience: nobody }).to_vec(),
            ranges,
            attributes: Interner::default(),
            audiences,
        }
    }

    /// The ranges, in their order.
    pub fn ranges(&self) -> &[PrefixRange] {
        &self.ranges
    }

    /// The audience of another one with one more peer.
    fn extended(&mut self, audience: u32, peer: PeerIx, with: Attributes) -> u32 {
        debug_assert!(self.audiences.get(audience).is_none_or(|last| last.peer < peer));
        let with = AttributesIx(self.attributes.number(with));
        self.audiences.number(Some(Extended { audience, peer, with }))
    }

    fn members(&self, mut audience: u32) -> Members {
        let mut members = Members::new();
        while let Some(extended) = self.audiences.get(audience) {
            members.push((extended.peer, extended.with));
            audience = extended.audience;
        }
        members.reverse();
        members
    }

    /// Adds a peer to the audience of every range of the families that it carries. Peers must come in ascending
    /// order.
    pub fn add_all(&mut self, peer: PeerIx, carries: impl Fn(Family) -> bool) {
        for at in 0..self.classes.len() {
            let Class { family, audience } = self.classes[at];
            if carries(family) {
                self.classes[at].audience = self.extended(audience, peer, Attributes::default());
            }
        }
    }

    /// Adds a peer to the audience of each of these ranges (by their place in the list). Peers must come in ascending
    /// order. `carried` yields what a range carries to this peer.
    pub fn add<'a>(
        &mut self,
        peer: PeerIx,
        ranges: impl IntoIterator<Item = usize>,
        mut carried: impl FnMut(usize) -> Option<&'a Attributes>,
    ) {
        // Neighboring ranges mostly step from the same class to the same class.
        let mut last: Option<(u32, Option<&Attributes>, u32)> = None;
        let mut steps: BTreeMap<(u32, Option<&Attributes>), u32> = BTreeMap::new();
        for at in ranges {
            let from = self.class_of[at];
            let with = carried(at);
            let to = match last {
                Some((last_from, last_with, last_to)) if last_from == from && last_with == with => last_to,
                _ => *steps.entry((from, with)).or_insert_with(|| {
                    let Class { family, audience } = self.classes[from as usize];
                    let audience = self.extended(audience, peer, with.cloned().unwrap_or_default());
                    self.classes.push(Class { family, audience });
                    count(self.classes.len() - 1)
                }),
            };
            last = Some((from, with, to));
            self.class_of[at] = to;
        }
    }

    /// How many (peer, audience) pairs the policy will have: the entries of all its route maps together.
    pub fn pair_count(&self) -> usize {
        // An audience's number is above that of the one it extends.
        let mut lengths: Vec<usize> = Vec::with_capacity(self.audiences.values().len());
        for extended in self.audiences.values() {
            lengths.push(extended.map_or(0, |extended| lengths[extended.audience as usize] + 1));
        }
        self.used().into_iter().map(|audience| lengths[audience as usize]).sum()
    }

    /// How many audiences the policy will have.
    pub fn audience_count(&self) -> usize {
        self.used().len()
    }

    /// The audiences that any range has.
    fn used(&self) -> BTreeSet<u32> {
        let classes: BTreeSet<u32> = self.class_of.iter().copied().collect();
        classes.into_iter().map(|class| self.classes[class as usize].audience).collect()
    }

    /// The policy.
    pub fn build(self) -> Policy {
        let used: Vec<u32> = self.used().into_iter().collect();
        let audiences = used.iter().map(|audience| self.members(*audience)).collect();
        let number = |class: &u32| {
            let audience = self.classes[*class as usize].audience;
            AudienceIx(count(used.binary_search(&audience).unwrap_or_default()))
        };
        let numbers: Vec<AudienceIx> = self.class_of.iter().map(number).collect();
        let entries = self.ranges.into_iter().zip(numbers).collect();
        Policy::new(self.attributes.into_values(), audiences, entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> PrefixRange {
        PrefixRange::exact(text.parse().unwrap_or_default())
    }

    fn preferring(local_pref: u32) -> Attributes {
        Attributes { local_pref: Some(local_pref), ..Attributes::default() }
    }

    #[test]
    fn prefixes_with_the_same_peers_share_one_audience() {
        let ranges = vec![range("10.0.0.0/24"), range("10.0.1.0/24"), range("10.0.2.0/24")];
        let mut builder = PolicyBuilder::new(ranges);
        builder.add(PeerIx(0), 0..3, |_| None);
        builder.add(PeerIx(1), [0, 2], |_| None);
        let policy = builder.build();
        assert_eq!(policy.audience_count(), 2);
        let of_second: Vec<_> = policy.of_peer(PeerIx(1)).map(|(range, _)| range).collect();
        assert_eq!(of_second, [range("10.0.0.0/24"), range("10.0.2.0/24")]);
    }

    #[test]
    fn what_a_route_carries_divides_audiences() {
        let mut builder = PolicyBuilder::new(vec![range("10.0.0.0/24"), range("10.0.1.0/24")]);
        let high = preferring(200);
        builder.add(PeerIx(0), 0..2, |at| (at == 1).then_some(&high));
        let policy = builder.build();
        let local_prefs: Vec<_> = policy.of_peer(PeerIx(0)).map(|(_, a)| a.local_pref).collect();
        assert_eq!(local_prefs, [None, Some(200)]);
    }

    #[test]
    fn everything_is_the_same_as_each_range() {
        let ranges = || vec![range("10.0.0.0/24"), range("10.0.1.0/24"), range("2001:db8::/32")];
        let (mut all, mut each) = (PolicyBuilder::new(ranges()), PolicyBuilder::new(ranges()));
        let high = preferring(7);
        for (number, only_v4) in [(0, true), (2, false)] {
            all.add_all(PeerIx(number), |family| !only_v4 || family == Family::V4);
            each.add(PeerIx(number), if only_v4 { 0..2 } else { 0..3 }, |_| None);
            for builder in [&mut all, &mut each] {
                builder.add(PeerIx(number + 1), [1], |_| Some(&high));
            }
        }
        assert_eq!(all.build(), each.build());
    }

    #[test]
    fn many_peers_of_one_prefix_cost_one_audience() {
        const PEERS: u32 = 100_000;
        let mut builder = PolicyBuilder::new(vec![range("10.0.0.0/24")]);
        for number in 0..PEERS {
            builder.add_all(PeerIx(number), |_| true);
        }
        assert_eq!((builder.audience_count(), builder.pair_count()), (1, PEERS as usize));
        assert_eq!(builder.build().members(AudienceIx(0)).len(), PEERS as usize);
    }

    #[test]
    fn a_range_for_nobody_is_no_entry() {
        let mut builder = PolicyBuilder::new(vec![range("10.0.0.0/24"), range("10.0.1.0/24")]);
        builder.add(PeerIx(0), [1], |_| None);
        assert_eq!(builder.build().entries().len(), 1);
    }
}
