//! What becomes of a case.
#![allow(clippy::panic, reason = "a case with nothing in it fails its test")]

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::Document;
use frrk8s_intake::{Input, Inventory, NodeView, SecretsSeen, Terms};
use frrk8s_merge::{ConflictPolicy, Fate};
use frrk8s_model::{Finding, NodeConfig, ObjectId, RawSnippet, Rule};
use frrk8s_plan::{Outcome, plan};
use frrk8s_render::print_raw;

use super::directory::Case;

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
    /// If there is nothing in it to merge.
    pub fn judge(&self) -> Judged {
        let mut input = Input::default();
        for source in &self.sources {
            input.add(&source.name, source.text.clone().into_bytes());
        }
        let inventory = Inventory::new(&input, None, SecretsSeen::Required);
        let inventory = inventory.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let unreadable = input.unreadable.iter().map(|unreadable| {
            let id = ObjectId::new("", &input.sources[unreadable.source].name);
            Finding::new(Rule::Unreadable, &id, "", unreadable.message.as_str())
        });
        let by_themselves = inventory.findings.iter().map(|(_, finding)| finding.clone()).chain(unreadable);
        let mut findings: BTreeMap<Finding, BTreeSet<String>> =
            by_themselves.map(|finding| (finding, BTreeSet::new())).collect();
        let mut nodes = Vec::new();
        for node in inventory.nodes(&Terms::default()) {
            let (accepted, found) = self.plan(&inventory, &node, ConflictPolicy::Freeze);
            for finding in found {
                findings.entry(finding).or_default().extend(node.name.clone());
            }
            let quarantined = match accepted {
                Some(_) => None,
                None => self.plan(&inventory, &node, ConflictPolicy::Quarantine).0,
            };
            nodes.push(JudgedNode { name: node.name, accepted, quarantined });
        }
        let findings = findings.into_iter().map(|(finding, nodes)| Reported { finding, nodes }).collect();
        Judged { findings, nodes }
    }

    fn plan(
        &self,
        inventory: &Inventory,
        node: &NodeView,
        policy: ConflictPolicy,
    ) -> (Option<Planned>, Vec<Finding>) {
        let terms =
            Terms { always_block: self.always_block.clone(), conflict_policy: policy, ..Terms::default() };
        let (mut input, _) = inventory.input_of(node, &terms);
        inventory.hold_back(&mut input);
        let plan = plan(&input);
        let anything = policy == ConflictPolicy::Freeze || plan.fates.contains(&Fate::Accepted);
        (plan.outcome.filter(|_| anything).map(Planned::of), plan.findings)
    }
}
