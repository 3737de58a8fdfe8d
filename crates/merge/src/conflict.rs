//! Conflicts: places where objects claim different values, with every party.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use frrk8s_model::{Finding, Fragment, NeighborField, ObjectId, Party, Place, Rule};

use crate::claim::{Claim, Value, claims};
use crate::{Joined, NodeFacts};

/// A place with more than one value. Parties are sorted by value, object and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub place: Place,
    /// Who claims what; at least two different values.
    pub claims: Vec<Claim>,
}

/// The disputed places of a set of fragments, and who claims what there.
#[derive(Debug, Default)]
pub(crate) struct Disputes {
    /// Claims by place; each with the number of its fragment.
    places: BTreeMap<Place, Vec<(usize, Claim)>>,
}

impl Disputes {
    /// Every dispute among these fragments.
    pub(crate) fn among(fragments: &[&Fragment], joined: &Joined, node: &NodeFacts) -> Self {
        let places = joined.disputed();
        let mut disputes = Self::default();
        if places.is_empty() {
            return disputes;
        }
        for (number, fragment) in fragments.iter().enumerate() {
            for claim in claims(fragment, node, &|place| places.contains(place)) {
                let claims = disputes.places.entry(claim.place.clone()).or_default();
                claims.push((number, claim));
            }
        }
        disputes
    }

    /// What remains of the disputes among the fragments with these numbers.
    pub(crate) fn conflicts(&self, chosen: impl Fn(usize) -> bool) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for (place, claims) in &self.places {
            let chosen = claims.iter().filter(|(number, _)| chosen(*number));
            let mut claims: Vec<Claim> = chosen.map(|(_, claim)| claim.clone()).collect();
            claims.sort();
            claims.dedup();
            if claims.windows(2).any(|pair| pair[0].value != pair[1].value) {
                let place = place.clone();
                conflicts.push(Conflict { place, claims });
            }
        }
        conflicts
    }

    /// What each fragment claims at disputed places.
    pub(crate) fn by_fragment(&self, count: usize) -> Vec<Vec<(&Place, &Value)>> {
        let mut by_fragment = vec![Vec::new(); count];
        for (place, claims) in &self.places {
            for (number, claim) in claims {
                by_fragment[*number].push((place, &claim.value));
            }
        }
        by_fragment
    }
}

impl Conflict {
    /// The objects concerned, sorted.
    pub fn objects(&self) -> BTreeSet<&ObjectId> {
        self.claims.iter().map(|claim| &claim.origin.object).collect()
    }

    /// The rule that says so.
    pub fn rule(&self) -> Rule {
        match &self.place {
            Place::Router(..) => Rule::ConflictRouter,
            Place::Neighbor(..) => Rule::ConflictNeighbor,
            Place::LocalPref(..) => Rule::ConflictLocalPref,
            Place::Bfd(..) => Rule::ConflictBfdProfile,
            Place::Vni(_, _, frrk8s_model::VniField::RouteDistinguisher) => Rule::ConflictEvpn,
            Place::Vni(..) => Rule::ConflictRouteTargets,
            Place::VniOwner(_) => Rule::VniTwice,
            Place::AllVnisOwner => Rule::AdvertiseAllTwice,
            Place::RouterUse(_) => Rule::L3VniWithNeighbors,
            _ => Rule::ConflictEvpn,
        }
    }

    /// What is claimed by whom, in one sentence.
    fn message(&self) -> String {
        let values = self.values();
        match &self.place {
            Place::Router(vrf, frrk8s_model::RouterField::Asn) => {
                format!("different asns for the router in VRF {vrf}: {values}")
            }
            Place::Neighbor(peer, NeighborField::RemoteAs) => {
                format!("different asns for neighbor {peer}: {values}")
            }
            Place::Neighbor(peer, NeighborField::BfdProfile) => {
                format!("multiple bfd profiles specified for neighbor {peer}: {values}")
            }
            place => format!("different values for {place}: {values}"),
        }
    }

    /// Each value once, with the objects that claim it.
    fn values(&self) -> String {
        const OBJECTS_MAX: usize = 3;
        let mut text = String::new();
        for claims in self.claims.chunk_by(|a, b| a.value == b.value) {
            let Some(first) = claims.first() else {
                continue;
            };
            let objects: BTreeSet<_> = claims.iter().map(|claim| &claim.origin.object).collect();
            let separator = if text.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{} in ", first.shown());
            for (at, object) in objects.iter().take(OBJECTS_MAX).enumerate() {
                let separator = if at == 0 { "" } else { " and " };
                let _ = write!(text, "{separator}{object}");
            }
            if objects.len() > OBJECTS_MAX {
                let _ = write!(text, " and {} more", objects.len() - OBJECTS_MAX);
            }
        }
        text
    }

    /// The conflict as a finding: the first party with all the others.
    pub fn finding(&self) -> Finding {
        let party = |claim: &Claim| Party {
            object: claim.origin.object.clone(),
            path: claim.origin.path.clone(),
            value: Some(claim.shown()),
        };
        let mut parties = self.claims.iter().map(party);
        let first = parties.next().unwrap_or_else(|| Party {
            object: ObjectId::new("", ""),
            path: String::new(),
            value: None,
        });
        let mut finding = Finding::new(self.rule(), &first.object, &*first.path, self.message());
        finding.at = first;
        finding.others = parties.collect();
        finding
    }
}

/// Conflicts as findings. Prefixes that the same parties dispute in the same way are one finding.
pub(crate) fn findings(conflicts: &[Conflict]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut last: Option<(&Conflict, usize)> = None;
    for conflict in conflicts {
        match &mut last {
            Some((first, more)) if same_local_pref_dispute(first, conflict) => *more += 1,
            _ => {
                note_more(&mut findings, last.map_or(0, |(_, more)| more));
                findings.push(conflict.finding());
                last = Some((conflict, 0));
            }
        }
    }
    note_more(&mut findings, last.map_or(0, |(_, more)| more));
    findings
}

fn note_more(findings: &mut [Finding], more: usize) {
    if let (Some(finding), true) = (findings.last_mut(), more > 0) {
        let _ = write!(finding.message, "; and {more} more prefixes in the same way");
    }
}

fn same_local_pref_dispute(a: &Conflict, b: &Conflict) -> bool {
    match (&a.place, &b.place) {
        (Place::LocalPref(peer_a, _), Place::LocalPref(peer_b, _)) if peer_a == peer_b => {
            let same = |(a, b): (&Claim, &Claim)| a.value == b.value && a.origin == b.origin;
            a.claims.len() == b.claims.len() && a.claims.iter().zip(&b.claims).all(same)
        }
        _ => false,
    }
}
