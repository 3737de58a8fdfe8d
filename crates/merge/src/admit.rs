//! Which objects a node takes, when not all of them go together.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_model::{Finding, Fragment, NodeConfig, ObjectId, Rule, neighbor_path};
use petgraph::unionfind::UnionFind;

use crate::claim::Value;
use crate::conflict::{self, Conflict, Disputes};
use crate::{Joined, NodeFacts, capacity, evpn, imports};

/// What to do when objects conflict or one is invalid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// The node stays on its last good configuration until all objects go together.
    #[default]
    Freeze,
    /// Objects are admitted by seniority, each in its newest version, else in its last accepted one,
    /// else it is set aside; the rest is applied.
    Quarantine,
}

/// Who comes first when not all can be had: objects of a directory before those of the API; then the
/// older one, one without a creation time last; then by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seniority {
    /// 0 for a directory of files on the node, 1 for the API.
    pub source: u8,
    /// Whether there is no creation time (`false` sorts first).
    pub undated: bool,
    /// Seconds since 1970 of the creation.
    pub created: i64,
    /// The object.
    pub object: ObjectId,
}

/// An object that selects the node.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Its rank.
    pub seniority: Seniority,
    /// Its newest version; `None` where that cannot be taken by itself.
    pub newest: Option<&'a Fragment>,
    /// The version, with the secrets it had, that was last accepted on this node.
    pub last_accepted: Option<&'a Fragment>,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In, in its newest version.
    Accepted,
    /// In, in its last accepted version; its newest one could not be taken.
    LastAccepted,
    /// Out.
    Rejected,
    /// In order by itself, but the node is held at its last good configuration by others.
    Held,
}

/// The verdict on all candidates of a node.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The configuration; `None` under `freeze` when something is wrong.
    pub config: Option<NodeConfig>,
    /// What became of each candidate, in the order in which they were given.
    pub fates: Vec<Fate>,
    /// Conflicts, broken rules of the node, and what is worth knowing. Sorted.
    pub findings: Vec<Finding>,
    /// Objects that conflict with each other, directly or through others; each group sorted.
    pub groups: Vec<Vec<ObjectId>>,
}

/// One version of one candidate.
struct Version<'a> {
    candidate: usize,
    last_accepted: bool,
    fragment: &'a Fragment,
}

/// Decides which candidates a node takes, and joins them.
pub fn admit(candidates: &[Candidate<'_>], policy: ConflictPolicy, node: &NodeFacts) -> Verdict {
    let newest: Vec<&Fragment> = candidates.iter().filter_map(|candidate| candidate.newest).collect();
    let joined = Joined::of(newest.iter().copied(), node);
    let disputes = Disputes::among(&newest, &joined, node);
    let conflicts = disputes.conflicts(|_| true);
    let groups = groups(&conflicts);
    let mut findings = conflict::findings(&conflicts);
    if newest.len() == candidates.len() && conflicts.is_empty() {
        let config = joined.settle();
        let mut broken = evpn::findings(&config, &newest);
        broken.extend(capacity::findings(&config, &newest));
        if !broken.iter().any(Finding::is_error) {
            findings.extend(broken);
            findings.extend(remarks(&config, &newest, node));
            let fates = vec![Fate::Accepted; candidates.len()];
            return Verdict::new(Some(config), fates, findings, groups);
        }
        if policy == ConflictPolicy::Freeze {
            findings.extend(broken);
            let fates = frozen(candidates, &findings);
            return Verdict::new(None, fates, findings, groups);
        }
    }
    match policy {
        ConflictPolicy::Freeze => {
            let fates = frozen(candidates, &findings);
            Verdict::new(None, fates, findings, groups)
        }
        ConflictPolicy::Quarantine => {
            let quarantine = Quarantine::new(candidates, node);
            let (config, fates, more) = quarantine.settle();
            findings.extend(more);
            Verdict::new(Some(config), fates, findings, groups)
        }
    }
}

impl Verdict {
    fn new(
        config: Option<NodeConfig>,
        fates: Vec<Fate>,
        mut findings: Vec<Finding>,
        groups: Vec<Vec<ObjectId>>,
    ) -> Self {
        findings.sort();
        findings.dedup();
        Self { config, fates, findings, groups }
    }
}

/// Under `freeze` nobody is in: parties to an error are rejected, the others held.
fn frozen(candidates: &[Candidate<'_>], findings: &[Finding]) -> Vec<Fate> {
    let errors = findings.iter().filter(|finding| finding.is_error());
    let parties: BTreeSet<&ObjectId> = errors.flat_map(Finding::parties).map(|party| &party.object).collect();
    candidates
        .iter()
        .map(|candidate| match candidate.newest {
            Some(fragment) if !parties.contains(&fragment.object) => Fate::Held,
            _ => Fate::Rejected,
        })
        .collect()
}

/// What is worth knowing about a configuration that is in order.
fn remarks(config: &NodeConfig, fragments: &[&Fragment], node: &NodeFacts) -> Vec<Finding> {
    let mut findings = imports::findings(config, fragments);
    if node.own_addresses.is_empty() {
        return findings;
    }
    for fragment in fragments {
        for (at, router) in fragment.routers.iter().enumerate() {
            let neighbors = router.neighbors.iter().enumerate();
            for (neighbor_at, neighbor) in neighbors {
                if node.is_own(&router.vrf, &neighbor.peer) {
                    let path = format!("{}.address", neighbor_path(at, neighbor_at));
                    let message = format!(
                        "{} is this node's own address; the neighbor is left out here",
                        neighbor.peer
                    );
                    let finding = Finding::new(Rule::OwnAddress, &fragment.object, path, message);
                    findings.push(finding.with_value(&neighbor.peer));
                }
            }
        }
    }
    findings
}

/// Objects connected by conflicts.
fn groups(conflicts: &[Conflict]) -> Vec<Vec<ObjectId>> {
    let objects: BTreeSet<&ObjectId> = conflicts.iter().flat_map(Conflict::objects).collect();
    let objects: Vec<&ObjectId> = objects.into_iter().collect();
    let number = |object: &ObjectId| objects.binary_search(&object).unwrap_or_default();
    let mut sets = UnionFind::<usize>::new(objects.len());
    for conflict in conflicts {
        let parties: Vec<usize> = conflict.objects().into_iter().map(number).collect();
        for pair in parties.windows(2) {
            sets.union(pair[0], pair[1]);
        }
    }
    let mut groups: BTreeMap<usize, Vec<ObjectId>> = BTreeMap::new();
    for (at, object) in objects.iter().enumerate() {
        groups.entry(sets.find(at)).or_default().push((*object).clone());
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort();
    groups
}

/// Admission by seniority. Two versions go together exactly when they claim no different values at any
/// place, so it is enough to remember which value each disputed place has by now.
struct Quarantine<'a> {
    candidates: &'a [Candidate<'a>],
    node: &'a NodeFacts,
    /// By seniority; a candidate's newest version before its last accepted one.
    versions: Vec<Version<'a>>,
    disputes: Disputes,
}

impl<'a> Quarantine<'a> {
    fn new(candidates: &'a [Candidate<'a>], node: &'a NodeFacts) -> Self {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by(|&a, &b| candidates[a].seniority.cmp(&candidates[b].seniority));
        let versions: Vec<Version> = order
            .into_iter()
            .flat_map(|candidate| {
                let Candidate { newest, last_accepted, .. } = &candidates[candidate];
                let version = move |fragment, last_accepted| Version { candidate, last_accepted, fragment };
                let newest = newest.iter().map(move |fragment| version(*fragment, false));
                newest.chain(last_accepted.iter().map(move |fragment| version(*fragment, true)))
            })
            .collect();
        let fragments: Vec<&Fragment> = versions.iter().map(|version| version.fragment).collect();
        let joined = Joined::of(fragments.iter().copied(), node);
        let disputes = Disputes::among(&fragments, &joined, node);
        Self { candidates, node, versions, disputes }
    }

    /// The configuration of what is admitted, the fates, and the findings on the way.
    fn settle(self) -> (NodeConfig, Vec<Fate>, Vec<Finding>) {
        let mut barred = BTreeSet::new();
        let mut findings = Vec::new();
        loop {
            let admitted = self.admitted(&barred);
            let fragments: Vec<&Fragment> =
                admitted.iter().map(|&number| self.versions[number].fragment).collect();
            let config = Joined::of(fragments.iter().copied(), self.node).settle();
            let rules = evpn::findings(&config, &fragments);
            let parties: BTreeSet<&ObjectId> = rules
                .iter()
                .filter(|finding| finding.is_error())
                .flat_map(Finding::parties)
                .map(|party| &party.object)
                .collect();
            // A rule that the merged node breaks bars every version that asks for it. This can bar
            // again and again, each time at least one: it ends.
            let broken =
                admitted.iter().filter(|&&number| parties.contains(&self.versions[number].fragment.object));
            let broken: Vec<usize> = broken.copied().collect();
            if broken.is_empty() && !capacity::fits(&config) {
                findings.extend(self.bar_what_overflows(&admitted, &mut barred));
                continue;
            }
            if broken.is_empty() {
                findings.extend(rules);
                findings.extend(remarks(&config, &fragments, self.node));
                findings.extend(self.displaced(&admitted));
                return (config, self.fates(&admitted), findings);
            }
            findings.extend(rules);
            barred.extend(broken);
        }
    }

    /// Bars, by seniority, each version that FRR cannot hold beside those before it, and says why.
    fn bar_what_overflows(&self, admitted: &[usize], barred: &mut BTreeSet<usize>) -> Vec<Finding> {
        let (mut findings, mut held, mut rest) = (Vec::new(), Vec::new(), admitted);
        let with = |held: &[usize], more: &[usize]| -> (NodeConfig, Vec<&Fragment>) {
            let numbers = held.iter().chain(more);
            let fragments: Vec<&Fragment> = numbers.map(|&number| self.versions[number].fragment).collect();
            (Joined::of(fragments.iter().copied(), self.node).settle(), fragments)
        };
        while !rest.is_empty() {
            let fits = |count: usize| capacity::fits(&with(&held, &rest[..count]).0);
            // Twice as many each time, so that few joins are large where many versions overflow.
            let mut reach = 1;
            while reach < rest.len() && fits(reach) {
                reach = rest.len().min(reach * 2);
            }
            let counts: Vec<usize> = (1..=reach).collect();
            let fitting = counts.partition_point(|&count| fits(count));
            held.extend(&rest[..fitting]);
            rest = &rest[fitting..];
            if let Some((&over, behind)) = rest.split_first()
                && fitting < reach
            {
                let (config, fragments) = with(&held, &[over]);
                findings.extend(capacity::findings(&config, &fragments));
                barred.insert(over);
                rest = behind;
            }
        }
        findings
    }

    /// The versions that get in, by seniority, leaving out those that are barred.
    fn admitted(&self, barred: &BTreeSet<usize>) -> Vec<usize> {
        let claims = self.disputes.by_fragment(self.versions.len());
        let mut held: BTreeMap<&frrk8s_model::Place, &Value> = BTreeMap::new();
        let mut in_already = vec![false; self.candidates.len()];
        let mut admitted = Vec::new();
        for (number, version) in self.versions.iter().enumerate() {
            if in_already[version.candidate] || barred.contains(&number) {
                continue;
            }
            let mut with = held.clone();
            let fits =
                claims[number].iter().all(|(place, value)| *with.entry(place).or_insert(value) == *value);
            if fits {
                held = with;
                in_already[version.candidate] = true;
                admitted.push(number);
            }
        }
        admitted
    }

    fn fates(&self, admitted: &[usize]) -> Vec<Fate> {
        let mut fates = vec![Fate::Rejected; self.candidates.len()];
        for &number in admitted {
            let version = &self.versions[number];
            fates[version.candidate] =
                if version.last_accepted { Fate::LastAccepted } else { Fate::Accepted };
        }
        fates
    }

    /// Conflicts that the newest versions alone do not show: with a last accepted version that is in, or of one that
    /// would have been the next best.
    fn displaced(&self, admitted: &[usize]) -> Vec<Finding> {
        let (mut newest_in, mut any_in) =
            (vec![false; self.candidates.len()], vec![false; self.candidates.len()]);
        for &number in admitted {
            let version = &self.versions[number];
            any_in[version.candidate] = true;
            newest_in[version.candidate] |= !version.last_accepted;
        }
        let is_admitted = |number: usize| admitted.binary_search(&number).is_ok();
        let mut findings = Vec::new();
        for (number, version) in self.versions.iter().enumerate() {
            let conflicts = if version.last_accepted && !any_in[version.candidate] {
                self.disputes.conflicts(|other| other == number || is_admitted(other))
            } else if !version.last_accepted && !newest_in[version.candidate] {
                let is_last = |other: usize| self.versions[other].last_accepted;
                self.disputes.conflicts(|other| other == number || is_admitted(other) && is_last(other))
            } else {
                continue;
            };
            let object = &version.fragment.object;
            let concerned: Vec<Conflict> =
                conflicts.into_iter().filter(|conflict| conflict.objects().contains(object)).collect();
            findings.extend(conflict::findings(&concerned).into_iter().map(|mut finding| {
                finding.message.push_str(" (by a last accepted version)");
                finding
            }));
        }
        findings
    }
}
