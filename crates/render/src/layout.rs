//! The layout of policy: one prefix list an audience and family, one map entry for each of its members.
//!
//! Audiences are disjoint, so the order of a map's permits means nothing, and N neighbors that share
//! P prefixes cost N + P lines.

use std::collections::BTreeMap;

use frrk8s_model::{
    Attributes, AudienceIx, Family, Interner, IpNet, NodeConfig, PeerId, PeerIx, Policy, PrefixRange,
};

use crate::Direction;
use crate::names::{map_name, peer_names};

/// What a list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Routes never taken.
    Block,
    /// An audience's routes.
    Audience(Direction, AudienceIx),
}

impl Purpose {
    /// The direction of the maps that use the list.
    pub(crate) fn direction(self) -> Direction {
        match self {
            Self::Block => Direction::In,
            Self::Audience(direction, _) => direction,
        }
    }
}

/// A prefix list before it has a name.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) purpose: Purpose,
    pub(crate) family: Family,
    /// Sorted.
    pub(crate) ranges: Vec<PrefixRange>,
    /// The maps that use it, by number, each with the number of what the entry does.
    pub(crate) users: Vec<(usize, u32)>,
}

/// What a map entry does with the routes it matches: `set` lines, sorted.
pub(crate) type Sets = Vec<String>;

/// A route map before its entries have numbers.
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) peer: PeerId,
    pub(crate) direction: Direction,
    pub(crate) name: String,
    /// Whether it permits everything that is not blocked.
    pub(crate) permit_all: bool,
    /// The lists it uses, by number, each with the number of what the entry does.
    pub(crate) uses: Vec<(usize, u32)>,
}

/// All lists and maps of a node.
#[derive(Debug)]
pub(crate) struct Layout {
    /// In the order in which fresh ones are numbered.
    pub(crate) lists: Vec<List>,
    pub(crate) maps: Vec<Map>,
    pub(crate) sets: Vec<Sets>,
}

impl Layout {
    pub(crate) fn new(config: &NodeConfig, always_block: &[IpNet]) -> Self {
        let mut builder = Builder::new(config);
        builder.audiences(&config.outgoing, Direction::Out);
        builder.audiences(&config.incoming, Direction::In);
        builder.always_block(always_block);
        builder.finish()
    }
}

struct Builder<'a> {
    config: &'a NodeConfig,
    lists: Vec<List>,
    maps: Vec<Map>,
    map_of: BTreeMap<(PeerIx, Direction), usize>,
    sets: Interner<Sets>,
}

impl<'a> Builder<'a> {
    fn new(config: &'a NodeConfig) -> Self {
        let names = peer_names(config);
        let (mut maps, mut map_of) = (Vec::new(), BTreeMap::new());
        // Where no unicast routes are exchanged, there is nothing to filter: maps that wait for a session to exchange
        // some would be those of yesterday when it does.
        for (peer, id, _, session) in config.sessions().filter(|(.., session)| session.unicast) {
            let Some(name) = names.get(id) else {
                continue;
            };
            for direction in Direction::ALL {
                map_of.insert((peer, direction), maps.len());
                maps.push(Map {
                    peer: id.clone(),
                    direction,
                    name: map_name(name, direction),
                    permit_all: direction == Direction::In && session.receive_all,
                    uses: Vec::new(),
                });
            }
        }
        Self { config, lists: Vec::new(), maps, map_of, sets: Interner::default() }
    }

    /// A list for each audience and family of a policy.
    fn audiences(&mut self, policy: &Policy, direction: Direction) {
        let mut list_of = vec![[None; 2]; policy.audience_count()];
        for (range, audience) in policy.entries() {
            let family = range.family();
            let slot = &mut list_of[audience.0 as usize][family as usize];
            let list = *slot.get_or_insert_with(|| {
                self.lists.push(List {
                    purpose: Purpose::Audience(direction, *audience),
                    family,
                    ranges: Vec::new(),
                    users: Vec::new(),
                });
                self.lists.len() - 1
            });
            self.lists[list].ranges.push(*range);
        }
        for list in list_of.into_iter().flatten().flatten() {
            self.add_users(list, policy);
        }
    }

    fn add_users(&mut self, list: usize, policy: &Policy) {
        let List { purpose, family, .. } = self.lists[list];
        let Purpose::Audience(direction, audience) = purpose else {
            return;
        };
        for (peer, carried) in policy.members(audience) {
            let Some(&map) = self.map_of.get(&(*peer, direction)) else {
                continue;
            };
            let sets = self.set_lines(*peer, family, direction, policy.attributes(*carried));
            let sets = self.sets.number(sets);
            self.lists[list].users.push((map, sets));
        }
    }

    fn set_lines(&self, peer: PeerIx, family: Family, direction: Direction, attributes: &Attributes) -> Sets {
        let mut lines = set_lines(attributes);
        if direction == Direction::Out {
            let session = self.config.session(self.config.peer(peer));
            let next_hop = session.and_then(|session| session.next_hop(family));
            lines.extend(next_hop.map(|address| match family {
                Family::V4 => format!("set ip next-hop {address}"),
                Family::V6 => format!("set ipv6 next-hop global {address}"),
            }));
        }
        lines.sort();
        lines
    }

    /// One list a family, used by everybody's incoming map.
    fn always_block(&mut self, blocked: &[IpNet]) {
        for family in Family::ALL {
            let blocked = blocked.iter().filter(|prefix| Family::of_prefix(prefix) == family);
            let mut ranges: Vec<_> = blocked.copied().map(PrefixRange::within).collect();
            ranges.sort();
            ranges.dedup();
            if ranges.is_empty() {
                continue;
            }
            let nothing = self.sets.number(Sets::new());
            let maps = self.maps.iter().enumerate();
            let incoming = maps.filter(|(_, map)| map.direction == Direction::In);
            let users = incoming.map(|(map, _)| (map, nothing)).collect();
            self.lists.push(List { purpose: Purpose::Block, family, ranges, users });
        }
    }

    fn finish(mut self) -> Layout {
        self.lists.retain(|list| !list.users.is_empty());
        self.lists.sort_by_key(|list| (list.family, list.ranges.first().copied(), list.purpose));
        for (at, list) in self.lists.iter().enumerate() {
            for &(map, sets) in &list.users {
                self.maps[map].uses.push((at, sets));
            }
        }
        Layout { lists: self.lists, maps: self.maps, sets: self.sets.into_values() }
    }
}

/// The `set` lines of attributes. Additive: what a route carries already stays.
fn set_lines(attributes: &Attributes) -> Sets {
    let mut lines = Vec::new();
    if let Some(local_pref) = attributes.local_pref {
        lines.push(format!("set local-preference {local_pref}"));
    }
    let words = |values: &mut dyn Iterator<Item = String>| {
        let words: Vec<String> = values.collect();
        words.join(" ")
    };
    if !attributes.communities.is_empty() {
        let values = words(&mut attributes.communities.iter().map(ToString::to_string));
        lines.push(format!("set community {values} additive"));
    }
    if !attributes.large_communities.is_empty() {
        let values = words(&mut attributes.large_communities.iter().map(ToString::to_string));
        lines.push(format!("set large-community {values} additive"));
    }
    lines
}
