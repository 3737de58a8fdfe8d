//! What becomes of a case.
#![allow(clippy::panic, reason = "a case that cannot be rendered fails its test")]

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::Document;
use frrk8s_merge::{Candidate, ConflictPolicy, Fate, Seniority};
use frrk8s_model::{Finding, NodeConfig, ObjectId, RawSnippet};
use frrk8s_plan::{NodeInput, Outcome, plan};
use frrk8s_render::print_raw;

use super::directory::Case;
use super::objects::{CaseNode, Objects};

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What was found, sorted.
    pub findings: Vec<Reported>,
    /// The nodes, by name.
    pub nodes: Vec<JudgedNode>,
}

/// A finding, and the nodes that it is about.
#[derive(Clone, Debug)]
pub struct Reported {
    /// What was found.
    pub finding: Finding,
    /// The nodes; empty for what is wrong with an object by itself.
    pub nodes: BTreeSet<String>,
}

/// What became of one node.
#[derive(Clone, Debug)]
pub struct JudgedNode {
    /// Its name; `None` where the case has no node.
    pub name: Option<String>,
    /// What it is to run; `None` where `freeze` holds it.
    pub accepted: Option<Planned>,
    /// What `quarantine` makes of the objects that are in order, where `freeze` holds the node and there are any.
    pub quarantined: Option<Planned>,
}

/// What FRR is to run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The merged configuration.
    pub config: NodeConfig,
    /// The rendered document, raw snippets aside.
    pub document: Document,
    /// The raw snippets.
    pub raw: Vec<RawSnippet>,
}

impl Planned {
    /// What a plan came to.
    pub fn of(outcome: Outcome<'_>) -> Self {
        Self { raw: outcome.config.raw.clone(), config: outcome.config, document: outcome.rendered.document }
    }

    /// The raw snippets as they are sent.
    pub fn print_raw(&self) -> String {
        self.raw.iter().map(print_raw).collect()
    }

    /// The whole as `frr.conf` has it. Passwords are in it.
    pub fn print(&self) -> String {
        self.document.print() + &self.print_raw()
    }
}

impl Case {
    /// Goes the whole way for every node.
    ///
    /// # Panics
    ///
    /// If a merged node cannot be rendered.
    pub fn judge(&self) -> Judged {
        let objects = Objects::of(self);
        let mut findings: BTreeMap<Finding, BTreeSet<String>> =
            objects.findings.iter().map(|finding| (finding.clone(), BTreeSet::new())).collect();
        let mut nodes = Vec::with_capacity(objects.nodes.len());
        for node in &objects.nodes {
            let (accepted, found) = self.plan(&objects, node, ConflictPolicy::Freeze);
            for finding in found {
                findings.entry(finding).or_default().extend(node.name.clone());
            }
            let quarantined = match accepted {
                Some(_) => None,
                None => self.plan(&objects, node, ConflictPolicy::Quarantine).0,
            };
            nodes.push(JudgedNode { name: node.name.clone(), accepted, quarantined });
        }
        let findings = findings.into_iter().map(|(finding, nodes)| Reported { finding, nodes }).collect();
        Judged { findings, nodes }
    }

    fn plan(
        &self,
        objects: &Objects,
        node: &CaseNode,
        policy: ConflictPolicy,
    ) -> (Option<Planned>, Vec<Finding>) {
        let selecting = objects.configurations.iter().filter(|configuration| configuration.selects(node));
        let mut candidates: Vec<Candidate<'_>> = selecting
            .map(|configuration| Candidate {
                seniority: configuration.seniority.clone(),
                newest: configuration.fragment.as_ref(),
                last_accepted: None,
            })
            .collect();
        if objects.unreadable {
            let object = ObjectId::new("", "");
            let seniority = Seniority { source: 1, undated: true, created: 0, object };
            candidates.push(Candidate { seniority, newest: None, last_accepted: None });
        }
        let input = NodeInput {
            candidates,
            policy,
            facts: node.facts(),
            options: node.options(objects.log_level, &self.always_block),
            running: None,
            version: None,
        };
        let plan = plan(&input);
        let anything = policy == ConflictPolicy::Freeze || plan.fates.contains(&Fate::Accepted);
        (plan.outcome.filter(|_| anything).map(Planned::of), plan.findings)
    }
}
