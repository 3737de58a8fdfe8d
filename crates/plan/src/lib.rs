//! The whole pure path as one function, the same for the command line, the agent, the admission
//! webhook and the tests.
//!
//! ```text
//! candidates ─ merge::admit ─► NodeConfig ─ render ─► Document ┐
//!      ▲                                                      ├─► Plan
//!      └──── a snippet that takes over a generated line ◄─ raw ┘
//! ```
//!
//! Invariants:
//! * Equal input gives an equal plan; the order of the candidates never shows.
//! * Under `freeze` there is a configuration only when nothing is wrong; under `quarantine` there
//!   always is one, of what is in order.

mod blame;

use std::collections::BTreeSet;

use frrk8s_document::{Document, Version};
use frrk8s_merge::{Candidate, ConflictPolicy, Fate, NodeFacts, Verdict, admit};
use frrk8s_model::{Finding, Fragment, NodeConfig, ObjectId, RawSnippet, Rule};
use frrk8s_render::{NodeOptions, Rendered, check_raw, print_raw, render};

pub use blame::{behind, behind_raw};

/// What one node is to run, and on what terms.
#[derive(Clone, Debug, Default)]
pub struct NodeInput<'a> {
    /// The objects that select the node.
    pub candidates: Vec<Candidate<'a>>,
    /// What to do when they do not go together.
    pub policy: ConflictPolicy,
    /// Facts about the node.
    pub facts: NodeFacts,
    /// How the node is rendered.
    pub options: NodeOptions,
    /// What runs, in normal form, for names and numbers to keep.
    pub running: Option<&'a Document>,
    /// The version of FRR that runs, where it is known.
    pub version: Option<Version>,
}

/// What a node is to run.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// What became of each candidate, in the order of the candidates.
    pub fates: Vec<Fate>,
    /// What is wrong with the node, or worth knowing. Sorted; what is wrong with an object by itself is not in it.
    pub findings: Vec<Finding>,
    /// Objects that conflict with each other, directly or through others.
    pub groups: Vec<Vec<ObjectId>>,
    /// The configuration; `None` under `freeze` when something is wrong.
    pub outcome: Option<Outcome<'a>>,
}

/// The configuration of a plan.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// The merged configuration.
    pub config: NodeConfig,
    /// The same as FRR reads it, raw snippets aside.
    pub rendered: Rendered,
    /// What was merged, to look up who asked for what. Sorted by object.
    pub fragments: Vec<&'a Fragment>,
}

impl Outcome<'_> {
    /// The raw snippets, in the order in which they are sent, behind everything else.
    pub fn raw(&self) -> &[RawSnippet] {
        &self.config.raw
    }

    /// The whole as one text, as `frr.conf` has it. Passwords are in it.
    pub fn print(&self) -> String {
        let mut text = self.rendered.document.print();
        for snippet in self.raw() {
            text.push_str(&print_raw(snippet));
        }
        text
    }
}

/// Above this many entries of route maps, a change takes FRR 8 noticeably long: its cost grows with
/// the square of the number.
const MAP_ENTRIES_SLOW: usize = 800;

/// Plans a node.
pub fn plan<'a>(input: &NodeInput<'a>) -> Plan<'a> {
    let mut candidates = input.candidates.clone();
    let mut raw_findings: Vec<Finding> = Vec::new();
    loop {
        let mut verdict = admit(&candidates, input.policy, &input.facts);
        let Some(config) = verdict.config.take() else {
            return Plan::new(verdict, None, raw_findings);
        };
        let rendered = render(&config, &input.options, input.running);
        let found = check_raw(&config.raw, &rendered.document);
        let refused: BTreeSet<ObjectId> = found
            .iter()
            .filter(|finding| finding.is_error())
            .map(|finding| finding.at.object.clone())
            .collect();
        raw_findings.extend(found);
        if refused.is_empty() {
            raw_findings.extend(slow_policy(&rendered, input.version));
            let fragments = admitted(&candidates, &verdict.fates);
            let outcome = Outcome { config, rendered, fragments };
            return Plan::new(verdict, Some(outcome), raw_findings);
        }
        if input.policy == ConflictPolicy::Freeze {
            return frozen_by_raw(verdict, &candidates, &refused, raw_findings);
        }
        // Without that version of theirs, again: each round there is at least one less.
        for (candidate, fate) in candidates.iter_mut().zip(&verdict.fates) {
            let version = match fate {
                Fate::Accepted => &mut candidate.newest,
                Fate::LastAccepted => &mut candidate.last_accepted,
                Fate::Rejected | Fate::Held => continue,
            };
            if version.is_some_and(|fragment| refused.contains(&fragment.object)) {
                *version = None;
            }
        }
    }
}

/// The versions that are in.
fn admitted<'a>(candidates: &[Candidate<'a>], fates: &[Fate]) -> Vec<&'a Fragment> {
    let version = |(candidate, fate): (&Candidate<'a>, &Fate)| match fate {
        Fate::Accepted => candidate.newest,
        Fate::LastAccepted => candidate.last_accepted,
        Fate::Rejected | Fate::Held => None,
    };
    let mut fragments: Vec<&Fragment> = candidates.iter().zip(fates).filter_map(version).collect();
    fragments.sort_by(|a, b| a.object.cmp(&b.object));
    fragments
}

fn frozen_by_raw<'a>(
    mut verdict: Verdict,
    candidates: &[Candidate<'a>],
    refused: &BTreeSet<ObjectId>,
    findings: Vec<Finding>,
) -> Plan<'a> {
    for (fate, candidate) in verdict.fates.iter_mut().zip(candidates) {
        let at_fault = candidate.newest.is_some_and(|fragment| refused.contains(&fragment.object));
        *fate = if at_fault { Fate::Rejected } else { Fate::Held };
    }
    Plan::new(verdict, None, findings)
}

impl<'a> Plan<'a> {
    fn new(verdict: Verdict, outcome: Option<Outcome<'a>>, more: Vec<Finding>) -> Self {
        let mut findings = verdict.findings;
        findings.extend(more);
        findings.sort();
        findings.dedup();
        Self { fates: verdict.fates, findings, groups: verdict.groups, outcome }
    }
}

/// A word about the time that a change will take on FRR 8.
fn slow_policy(rendered: &Rendered, version: Option<Version>) -> Option<Finding> {
    if version.is_some_and(|version| version.major >= 10) {
        return None;
    }
    let entries =
        rendered.document.lines().iter().filter(|line| line.text().starts_with("route-map ")).count();
    (entries > MAP_ENTRIES_SLOW).then(|| {
        let message = format!("{entries} route map entries: FRR 8 takes seconds to minutes for each change");
        Finding::new(Rule::PolicyLarge, &ObjectId::new("", "node"), "", message)
    })
}
