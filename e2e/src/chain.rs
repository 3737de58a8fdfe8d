//! A node and its neighbors that change step by step, a little each time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::Range;

use frrk8s_model::{Peer, PeerId, Vrf};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::PlannedInput;

/// The AS of the node.
pub const NODE_ASN: i64 = 64512;

/// The AS of each other router, in the order in which they come to the wire behind the node.
pub const ASNS: [i64; 3] = [64512, 65003, 65004];

/// The sessions: with which router, and its address; the second one carries both families and has BFD.
const SESSIONS: [(usize, &str); 5] =
    [(0, "192.0.2.2"), (1, "192.0.2.3"), (2, "192.0.2.4"), (0, "2001:db8::2"), (2, "2001:db8::4")];

/// The session with BFD, on both ends.
pub const WITH_BFD: usize = 1;

/// What is originated: both families, and one prefix within another.
pub const PREFIXES: [&str; 7] = [
    "198.51.100.0/24",
    "198.51.100.7/32",
    "203.0.113.0/24",
    "10.20.0.0/16",
    "2001:db8:1::/48",
    "2001:db8:2::/64",
    "fd00:9::/32",
];
const COMMUNITIES: [&str; 4] = ["'64512:100'", "'64512:200'", "'65535:65281'", "'large:64512:1:7'"];
const LOCAL_PREFS: [u32; 3] = [50, 100, 300];
const RECEIVED: [&str; 5] = [
    "{prefix: 192.168.0.0/16}",
    "{prefix: 192.168.0.0/16, le: 24}",
    "{prefix: 10.0.0.0/8, le: 32}",
    "{prefix: '2000::/3', le: 32}",
    "{prefix: 'fd00::/8', ge: 64}",
];
const TIMERS: [&str; 3] = ["", "holdTime: 90s, keepaliveTime: 30s,", "holdTime: 60s, keepaliveTime: 20s,"];
const PROFILES: [&str; 2] = ["slow", "slower"];
const ROUTER_IDS: [&str; 2] = ["192.0.2.1", "192.0.2.101"];
/// The sessions whose families change: over IPv4, and without BFD, which takes them down once more.
const OF_ONE_FAMILY: [usize; 2] = [0, 2];
/// Those whose AS changes: with another AS than the node's.
const EXTERNAL: [usize; 3] = [1, 2, 4];
/// What is added to it.
const OTHER_ASN: i64 = 100;
const PASSWORDS: [Option<&str>; 3] = [None, Some("first"), Some("second")];

/// Numbers are positions in the lists above. What is there goes, and what is not comes.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// The node originates a prefix.
    Originates(usize),
    /// A prefix is allowed to a neighbor.
    Allowed(usize, usize),
    /// A community of a prefix towards a neighbor.
    Community(usize, (usize, usize)),
    /// The local preference of a prefix towards a neighbor.
    LocalPref(usize, (usize, u32)),
    /// A range is taken from a neighbor.
    Received(usize, usize),
    Timers(usize, usize),
    Profile(usize),
    /// On both ends.
    Password(usize, usize),
    /// A neighbor, until the next step.
    Leaves(usize),
    RouterId,
    /// The AS of a neighbor, on both ends.
    Asn(usize),
    /// A neighbor has one address family or both.
    Families(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let (neighbor, prefix) = (0..SESSIONS.len(), 0..PREFIXES.len());
    let community = (0..COMMUNITIES.len(), prefix.clone());
    let local_pref = (prefix.clone(), select(&LOCAL_PREFS));
    prop_oneof![
        3 => prefix.clone().prop_map(Change::Originates),
        6 => (neighbor.clone(), prefix).prop_map(|(peer, prefix)| Change::Allowed(peer, prefix)),
        4 => (neighbor.clone(), community).prop_map(|(peer, both)| Change::Community(peer, both)),
        3 => (neighbor.clone(), local_pref).prop_map(|(peer, both)| Change::LocalPref(peer, both)),
        3 => (neighbor.clone(), 0..RECEIVED.len()).prop_map(|(peer, range)| Change::Received(peer, range)),
        2 => (neighbor.clone(), 0..TIMERS.len()).prop_map(|(peer, timers)| Change::Timers(peer, timers)),
        1 => (0..PROFILES.len()).prop_map(Change::Profile),
        1 => (neighbor.clone(), 0..PASSWORDS.len()).prop_map(|(peer, word)| Change::Password(peer, word)),
        1 => neighbor.prop_map(Change::Leaves),
    ]
}

/// A change of any kind; those more often of which a step shows only the greatest.
fn any_change() -> impl Strategy<Value = Change> {
    let neighbor = 0..SESSIONS.len();
    prop_oneof![
        24 => change(),
        3 => (neighbor.clone(), 0..TIMERS.len()).prop_map(|(peer, timers)| Change::Timers(peer, timers)),
        2 => neighbor.clone().prop_map(Change::Leaves),
        2 => (neighbor, 0..PASSWORDS.len()).prop_map(|(peer, word)| Change::Password(peer, word)),
        1 => Just(Change::RouterId),
        2 => select(&EXTERNAL).prop_map(Change::Asn),
        2 => select(&OF_ONE_FAMILY).prop_map(Change::Families),
    ]
}

/// A change that only policy and `network` lines follow from: no session drops.
fn change_of_policy() -> impl Strategy<Value = Change> {
    change().prop_filter("it concerns sessions", |change| {
        use Change::{Asn, Families, Leaves, Password, Profile, RouterId, Timers};
        let of_sessions = matches!(change, Timers(..) | Profile(..) | Password(..) | Leaves(..));
        !of_sessions && !matches!(change, RouterId | Asn(..) | Families(..))
    })
}

/// A neighbor as its owner wants it.
#[derive(Clone, Debug, Default)]
pub struct Neighbor {
    /// Whether it is configured at all.
    pub is_there: bool,
    /// The password of its session.
    pub password: Option<&'static str>,
    /// Whether its AS is another one than at first.
    has_other_asn: bool,
    /// Whether it has both families.
    has_both_families: bool,
    allowed: BTreeSet<usize>,
    communities: BTreeSet<(usize, usize)>,
    local_prefs: BTreeMap<usize, u32>,
    received: BTreeSet<usize>,
    timers: usize,
}

/// The node as its owner wants it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The neighbors, in the order of the sessions.
    pub neighbors: [Neighbor; SESSIONS.len()],
    originated: BTreeSet<usize>,
    /// That of the session with BFD; `None` for a session without.
    profile: Option<usize>,
    router_id: usize,
}

/// The router and the address of each session.
pub fn sessions() -> [(usize, IpAddr); SESSIONS.len()] {
    SESSIONS.map(|(router, address)| (router, address.parse().unwrap()))
}

/// The session with an address.
pub fn id(peer: IpAddr) -> PeerId {
    PeerId { vrf: Vrf::Default, peer: Peer::Address(peer) }
}

/// Puts an element into a set, or out of it.
fn toggle<T: Ord>(set: &mut BTreeSet<T>, element: T) {
    if let Err(element) = set.take(&element).ok_or(element) {
        set.insert(element);
    }
}

impl Wanted {
    /// Everybody is there, and may have half of what there is.
    fn first() -> Self {
        let neighbor = |at: usize| Neighbor {
            is_there: true,
            allowed: (0..PREFIXES.len()).filter(|prefix| (prefix + at).is_multiple_of(2)).collect(),
            received: [at].into(),
            has_both_families: at == WITH_BFD,
            ..Neighbor::default()
        };
        let originated = (0..PREFIXES.len()).collect();
        Self { neighbors: std::array::from_fn(neighbor), originated, profile: Some(0), router_id: 0 }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Originates(prefix) => toggle(&mut self.originated, prefix),
            Change::Allowed(peer, prefix) => toggle(&mut self.neighbors[peer].allowed, prefix),
            Change::Community(peer, both) => toggle(&mut self.neighbors[peer].communities, both),
            Change::LocalPref(peer, (prefix, value)) => {
                let all = &mut self.neighbors[peer].local_prefs;
                if all.insert(prefix, value) == Some(value) {
                    all.remove(&prefix);
                }
            }
            Change::Received(peer, range) => toggle(&mut self.neighbors[peer].received, range),
            Change::Timers(peer, timers) => self.neighbors[peer].timers = timers,
            Change::Profile(profile) => self.profile = Some(profile),
            Change::Password(peer, word) => self.neighbors[peer].password = PASSWORDS[word],
            Change::Leaves(peer) => self.neighbors[peer].is_there = false,
            Change::RouterId => self.router_id = 1 - self.router_id,
            Change::Asn(peer) => self.neighbors[peer].has_other_asn ^= true,
            Change::Families(peer) => self.neighbors[peer].has_both_families ^= true,
        }
    }

    /// The object.
    pub fn input(&self) -> PlannedInput {
        PlannedInput::read(&self.yaml())
    }

    /// The AS that the other router has for a session.
    pub fn asn(&self, at: usize) -> i64 {
        let (router, _) = SESSIONS[at];
        ASNS[router] + if self.neighbors[at].has_other_asn { OTHER_ASN } else { 0 }
    }

    /// What of a session's own has changed for neighbors that are there before and after: the router id, an AS, the
    /// families, the password.
    pub fn changed_since(&self, before: &Self) -> BTreeSet<&'static str> {
        let both = self.neighbors.iter().zip(&before.neighbors);
        let stay: Vec<_> = both.filter(|(now, then)| now.is_there && then.is_there).collect();
        let any = |differ: fn(&Neighbor, &Neighbor) -> bool| stay.iter().any(|(now, then)| differ(now, then));
        let changed = [
            ("router id", self.router_id != before.router_id && !stay.is_empty()),
            ("AS", any(|now, then| now.has_other_asn != then.has_other_asn)),
            ("families", any(|now, then| now.has_both_families != then.has_both_families)),
            ("password", any(|now, then| now.password != then.password)),
        ];
        changed.into_iter().filter_map(|(what, is_so)| is_so.then_some(what)).collect()
    }

    /// The object as a text.
    pub fn yaml(&self) -> String {
        let there = (0..SESSIONS.len()).filter(|at| self.neighbors[*at].is_there);
        let neighbors: String = there.map(|at| self.neighbor(at)).collect();
        let prefixes = names(self.originated.iter().copied());
        let router_id = ROUTER_IDS[self.router_id];
        format!(
            "kind: FRRConfiguration
metadata: {{name: chain}}
spec:
  bgp:
    bfdProfiles:
    - {{name: slow, receiveInterval: 500, transmitInterval: 500, detectMultiplier: 10}}
    - {{name: slower, receiveInterval: 600, transmitInterval: 600, detectMultiplier: 10}}
    routers:
    - asn: {NODE_ASN}
      id: {router_id}
      prefixes: {prefixes}
      neighbors:
{neighbors}"
        )
    }

    fn neighbor(&self, at: usize) -> String {
        let neighbor = &self.neighbors[at];
        let (_, address) = SESSIONS[at];
        let (asn, timers) = (self.asn(at), TIMERS[neighbor.timers]);
        let profile = self.profile.filter(|_| at == WITH_BFD);
        let bfd = profile.map(|profile| format!("bfdProfile: {},", PROFILES[profile])).unwrap_or_default();
        let families = if neighbor.has_both_families { "dualStackAddressFamily: true," } else { "" };
        let password = neighbor.password.map(|word| format!("password: {word},")).unwrap_or_default();
        let mut allowed: BTreeSet<usize> = neighbor.allowed.intersection(&self.originated).copied().collect();
        // What a session cannot carry is refused.
        let is_v6 = |text: &str| text.contains(':');
        allowed.retain(|prefix| neighbor.has_both_families || is_v6(PREFIXES[*prefix]) == is_v6(address));
        let communities = neighbor.communities.iter().map(|(number, prefix)| (COMMUNITIES[*number], *prefix));
        let local_prefs = neighbor.local_prefs.iter().map(|(prefix, value)| (*value, *prefix));
        let entries = [
            entries("community", communities.filter(|(_, prefix)| allowed.contains(prefix))),
            entries("localPref", local_prefs.filter(|(_, prefix)| allowed.contains(prefix))),
        ];
        let ranges: Vec<&str> = neighbor.received.iter().map(|range| RECEIVED[*range]).collect();
        let [communities, local_prefs] = entries;
        format!(
            "      - {{address: '{address}', asn: {asn}, connectTime: 1s, {timers} {families} {bfd} {password}
         toAdvertise: {{allowed: {{prefixes: {}}}, withCommunity: [{communities}], withLocalPref: [{local_prefs}]}},
         toReceive: {{allowed: {{prefixes: [{}]}}}}}}\n",
            names(allowed),
            ranges.join(", "),
        )
    }
}

/// One entry a value: an object may not name a value twice.
fn entries<T: Display + Ord>(key: &str, pairs: impl Iterator<Item = (T, usize)>) -> String {
    let mut entries: BTreeMap<T, BTreeSet<usize>> = BTreeMap::new();
    pairs.for_each(|(value, prefix)| _ = entries.entry(value).or_default().insert(prefix));
    let entry = |(value, prefixes)| format!("{{{key}: {value}, prefixes: {}}}", names(prefixes));
    entries.into_iter().map(entry).collect::<Vec<_>>().join(", ")
}

fn names(prefixes: impl IntoIterator<Item = usize>) -> String {
    format!("{:?}", prefixes.into_iter().map(|prefix| PREFIXES[prefix]).collect::<Vec<_>>())
}

/// So many steps, the same on every run: one to four changes each. Who left comes back with the next step.
pub fn steps(count: usize, seed: u8) -> Vec<Wanted> {
    walk(Wanted::first(), any_change().boxed(), 1..5, seed).take(count + 1).collect()
}

/// Steps without end, the same on every run, over which every session stays: many changes each. Without BFD.
pub fn policy_steps(seed: u8) -> impl Iterator<Item = Wanted> {
    walk(Wanted { profile: None, ..Wanted::first() }, change_of_policy().boxed(), 6..24, seed)
}

fn walk(
    first: Wanted,
    change: BoxedStrategy<Change>,
    changes: Range<usize>,
    seed: u8,
) -> impl Iterator<Item = Wanted> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = vec(change, changes);
    std::iter::successors(Some(first), move |last| {
        let mut next = last.clone();
        next.neighbors.iter_mut().for_each(|neighbor| neighbor.is_there = true);
        let changes = strategy.new_tree(&mut runner).unwrap().current();
        for change in changes {
            next.apply(change);
        }
        Some(next)
    })
}
