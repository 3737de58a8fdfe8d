//! The join of policies: per prefix, the union of the audiences.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_model::{
    Attributes, AttributesIx, AudienceIx, Community, Interner, LargeCommunity, Members, PeerIx, Policy,
    PrefixRange,
};

use crate::runs::Runs;

/// Attributes with every local preference that somebody gave: more than one is a conflict.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Gathered {
    local_prefs: BTreeSet<u32>,
    communities: BTreeSet<Community>,
    large_communities: BTreeSet<LargeCommunity>,
}

impl From<&Attributes> for Gathered {
    fn from(attributes: &Attributes) -> Self {
        Self {
            local_prefs: attributes.local_pref.into_iter().collect(),
            communities: attributes.communities.clone(),
            large_communities: attributes.large_communities.clone(),
        }
    }
}

impl Gathered {
    fn join(mut self, other: &Self) -> Self {
        self.local_prefs.extend(&other.local_prefs);
        self.communities.extend(&other.communities);
        self.large_communities.extend(&other.large_communities);
        self
    }

    /// The attributes, given that nobody disagrees.
    fn settle(self) -> Attributes {
        Attributes {
            local_pref: self.local_prefs.first().copied(),
            communities: self.communities,
            large_communities: self.large_communities,
        }
    }
}

/// The policies of many fragments. Entries are runs until [`PolicyJoin::finish`].
#[derive(Debug, Default)]
pub(crate) struct PolicyJoin {
    tables: Tables,
    runs: Runs<PrefixRange, u32>,
    entries: Vec<(PrefixRange, u32)>,
}

/// Who and what, by number.
#[derive(Debug, Default)]
struct Tables {
    attributes: Interner<Gathered>,
    audiences: Interner<Members>,
    joined_attributes: BTreeMap<(u32, u32), u32>,
    joined_audiences: BTreeMap<(u32, u32), u32>,
}

impl PolicyJoin {
    /// Adds a fragment's policy. `peers` gives its peers the numbers they have here; a peer without one is left out.
    pub(crate) fn add(&mut self, policy: &Policy, peers: &[Option<PeerIx>]) {
        let tables = &mut self.tables;
        let given = policy.all_attributes().iter();
        let attributes: Vec<u32> = given.map(|given| tables.attributes.number(given.into())).collect();
        let given = policy.audiences();
        let audiences: Vec<u32> =
            given.map(|(_, members)| tables.audience(members, &attributes, peers)).collect();
        let entries = policy.entries().iter();
        let run = entries.map(|(range, audience)| (*range, audiences[audience.0 as usize])).collect();
        self.runs.push(run, &mut |a, b| tables.join_audiences(a, b));
    }

    /// Joins all runs.
    pub(crate) fn finish(&mut self) {
        let tables = &mut self.tables;
        let runs = std::mem::take(&mut self.runs);
        self.entries = runs.finish(&mut |a, b| tables.join_audiences(a, b));
    }

    /// Where objects give one range different local preferences towards one peer.
    pub(crate) fn disputed(&self) -> Vec<(PeerIx, PrefixRange)> {
        let gathered = self.tables.attributes.values().iter();
        let torn: Vec<bool> = gathered.map(|gathered| gathered.local_prefs.len() > 1).collect();
        if !torn.contains(&true) {
            return Vec::new();
        }
        let mut disputed = Vec::new();
        for (range, audience) in &self.entries {
            let members = self.tables.audiences.get(*audience).iter();
            let torn = members.filter(|(_, carried)| torn[carried.0 as usize]);
            disputed.extend(torn.map(|(peer, _)| (*peer, *range)));
        }
        disputed
    }

    /// The policy, with the peers' final numbers; a peer without one is left out.
    pub(crate) fn settle(self, peers: &[Option<PeerIx>]) -> Policy {
        let mut audiences = Interner::default();
        let renamed: Vec<AudienceIx> = self
            .tables
            .audiences
            .values()
            .iter()
            .map(|members| {
                let renamed =
                    members.iter().filter_map(|(peer, carried)| Some((peers[peer.0 as usize]?, *carried)));
                let mut renamed: Members = renamed.collect();
                renamed.sort_unstable();
                AudienceIx(audiences.number(renamed))
            })
            .collect();
        let entries = self.entries.into_iter();
        let entries = entries.map(|(range, audience)| (range, renamed[audience as usize]));
        let attributes = self.tables.attributes.into_values().into_iter();
        Policy::new(attributes.map(Gathered::settle).collect(), audiences.into_values(), entries.collect())
    }
}

impl Tables {
    fn audience(&mut self, members: &Members, attributes: &[u32], peers: &[Option<PeerIx>]) -> u32 {
        let mut renamed: Members = members
            .iter()
            .filter_map(|(peer, carried)| {
                let peer = peers[peer.0 as usize]?;
                Some((peer, AttributesIx(attributes[carried.0 as usize])))
            })
            .collect();
        renamed.sort_unstable();
        // One object may name a peer twice in one router.
        renamed.dedup_by(|again, first| {
            let same = again.0 == first.0;
            if same {
                first.1 = AttributesIx(self.join_attributes(first.1.0, again.1.0));
            }
            same
        });
        self.audiences.number(renamed)
    }

    fn join_attributes(&mut self, a: u32, b: u32) -> u32 {
        if a == b {
            return a;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&joined) = self.joined_attributes.get(&key) {
            return joined;
        }
        let value = self.attributes.get(a).clone().join(self.attributes.get(b));
        let joined = self.attributes.number(value);
        self.joined_attributes.insert(key, joined);
        joined
    }

    fn join_audiences(&mut self, a: u32, b: u32) -> u32 {
        if a == b {
            return a;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&joined) = self.joined_audiences.get(&key) {
            return joined;
        }
        let mut members: BTreeMap<PeerIx, AttributesIx> = self.audiences.get(a).iter().copied().collect();
        for (peer, carried) in self.audiences.get(b).clone() {
            let carried = match members.get(&peer) {
                Some(already) => AttributesIx(self.join_attributes(already.0, carried.0)),
                None => carried,
            };
            members.insert(peer, carried);
        }
        let joined = self.audiences.number(members.into_iter().collect());
        self.joined_audiences.insert(key, joined);
        joined
    }
}
