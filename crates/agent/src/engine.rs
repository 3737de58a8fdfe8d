//! From the objects of a source to what the node is to run, with what was accepted before.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::{Document, Version};
use frrk8s_frr::Record;
use frrk8s_intake::{Input, Inventory, InventoryError, NodeView, SecretsSeen, Terms};
use frrk8s_manifest::Object;
use frrk8s_merge::{Candidate, Fate};
use frrk8s_model::{Finding, Fragment, ObjectId, Rule};
use frrk8s_plan::{NodeInput, Outcome, plan};
use serde_json::Value;

use crate::kept::Kept;
use crate::wanted::Wanted;

/// What is known of a node's objects from one pass to the next.
#[derive(Debug)]
pub struct Engine {
    terms: Terms,
    namespace: Option<String>,
    /// The versions that are in force, by object.
    kept: BTreeMap<ObjectId, Kept>,
    /// Versions of which FRR refused a line. Each is out until it changes.
    refused: BTreeMap<ObjectId, Refusal>,
    /// The objects of each text, when it could be read the last time.
    provided: BTreeMap<String, BTreeSet<ObjectId>>,
    /// The node, when everything could be read the last time.
    node: Option<NodeView>,
}

/// A version of an object that FRR does not take.
#[derive(Debug)]
struct Refusal {
    fragment: Fragment,
    finding: Finding,
}

/// What becomes of the objects, and what the node is to run.
#[derive(Debug)]
pub struct Decision {
    /// What FRR is to run; `None` where the node is held at what was last good.
    pub wanted: Option<Wanted>,
    /// Whether it is held.
    pub is_held: bool,
    /// What became of each object that selects the node, by object.
    pub fates: BTreeMap<ObjectId, Fate>,
    /// What is wrong, or worth knowing. Sorted.
    pub findings: Vec<Finding>,
    /// Objects that conflict with each other.
    pub groups: Vec<Vec<ObjectId>>,
    /// How many objects there are that do not select the node.
    pub left_out: usize,
}

impl Decision {
    /// Nothing is decided.
    fn held(findings: Vec<Finding>) -> Self {
        let (fates, groups) = (BTreeMap::new(), Vec::new());
        Self { wanted: None, is_held: true, fates, findings, groups, left_out: 0 }
    }
}

impl Engine {
    /// An engine for one node.
    pub fn new(terms: Terms, namespace: Option<String>) -> Self {
        Self {
            terms,
            namespace,
            kept: BTreeMap::new(),
            refused: BTreeMap::new(),
            provided: BTreeMap::new(),
            node: None,
        }
    }

    /// Takes over what was accepted before a restart. What a newer release does not take any more is left out, and
    /// said.
    pub fn restore(&mut self, record: &Record) -> Vec<Finding> {
        let mut findings = Vec::new();
        for accepted in &record.objects {
            match Kept::from_record(accepted) {
                Ok(kept) => {
                    self.kept.insert(kept.fragment.object.clone(), kept);
                }
                Err(found) => findings.extend(found),
            }
        }
        findings
    }

    /// Whether nothing was ever accepted.
    pub fn is_blank(&self) -> bool {
        self.kept.is_empty()
    }

    /// Decides about the objects of an input. `running` is what bgpd runs of ours.
    pub fn decide(
        &mut self,
        input: &Input,
        running: Option<&Document>,
        version: Version,
    ) -> Result<Decision, InventoryError> {
        let inventory = match Inventory::new(input, self.namespace.as_deref(), SecretsSeen::Required) {
            Err(InventoryError::NothingToMerge { .. }) => Inventory::default(),
            inventory => inventory?,
        };
        self.note_provided(input, &inventory);
        let Some(node) = self.node_of(&inventory)? else {
            let findings = own_findings(input, &inventory, &BTreeSet::new());
            return Ok(Decision::held(findings));
        };
        self.forgive(&inventory);
        let (mut planned, left_out) = inventory.input_of(&node, &self.terms);
        planned.running = running;
        planned.version = Some(version);
        self.complete(&mut planned, input, &inventory);
        inventory.hold_back(&mut planned);
        let result = plan(&planned);
        let mut findings = own_findings(input, &inventory, &left_out);
        findings.extend(result.findings);
        findings.extend(self.refused.values().map(|refusal| refusal.finding.clone()));
        findings.sort();
        findings.dedup();
        let objects = planned.candidates.iter().map(|candidate| candidate.seniority.object.clone());
        let fates = objects.zip(result.fates).filter(|(object, _)| !object.name.is_empty()).collect();
        let wanted = result.outcome.map(|outcome| self.wanted(&outcome, input, &inventory));
        let is_held = wanted.is_none();
        Ok(Decision { wanted, is_held, fates, findings, groups: result.groups, left_out: left_out.len() })
    }

    /// The node, as its object has it. While something cannot be read it may be that object: the node is as it was when
    /// all could be read. `None` where that was never so since the start, and something is in force.
    fn node_of(&mut self, inventory: &Inventory) -> Result<Option<NodeView>, InventoryError> {
        if inventory.is_incomplete {
            match &self.node {
                Some(node) => return Ok(Some(node.clone())),
                None if !self.is_blank() => return Ok(None),
                None => {}
            }
        }
        let node = inventory.node(&self.terms)?;
        if !inventory.is_incomplete {
            self.node = Some(node.clone());
        }
        Ok(Some(node))
    }

    /// Notes that FRR refused lines of these objects: until they change, their last accepted versions count.
    pub fn refuse(&mut self, fragment: &Fragment, finding: Finding) {
        let refusal = Refusal { fragment: fragment.clone(), finding };
        self.refused.insert(fragment.object.clone(), refusal);
    }

    /// Whether a version is out because FRR refused lines of it.
    pub fn is_refused(&self, fragment: &Fragment) -> bool {
        self.refused.get(&fragment.object).is_some_and(|refusal| refusal.fragment == *fragment)
    }

    /// Whether these versions are those in force.
    pub fn has_accepted(&self, wanted: &Wanted) -> bool {
        self.kept.len() == wanted.kept.len()
            && wanted.kept.iter().all(|kept| self.kept.get(&kept.fragment.object) == Some(kept))
    }

    /// Takes note of what FRR was seen to run.
    pub fn accept(&mut self, wanted: &Wanted) {
        self.kept = wanted.kept.iter().map(|kept| (kept.fragment.object.clone(), kept.clone())).collect();
    }

    /// The name and labels of the node, as the objects of an input have them.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    fn note_provided(&mut self, input: &Input, inventory: &Inventory) {
        let unreadable: BTreeSet<usize> =
            input.unreadable.iter().map(|unreadable| unreadable.source).collect();
        let mut provided: BTreeMap<String, BTreeSet<ObjectId>> = BTreeMap::new();
        for (number, source) in input.sources.iter().enumerate() {
            let name = source.name.clone();
            if unreadable.contains(&number) {
                // Of one that could never be read nobody knows what it has.
                provided.extend(self.provided.get(&name).map(|before| (name, before.clone())));
            } else {
                let here = inventory.entries.iter().filter(|(_, at)| input.entries[**at].source == number);
                provided.insert(name, here.map(|(id, _)| id.clone()).collect());
            }
        }
        self.provided = provided;
    }

    /// Objects that have changed since FRR refused them get another chance.
    fn forgive(&mut self, inventory: &Inventory) {
        let now: BTreeMap<&ObjectId, Option<&Fragment>> =
            inventory.configurations.iter().map(|c| (&c.id, c.fragment.as_ref())).collect();
        self.refused.retain(|object, refusal| now.get(object).copied().flatten() == Some(&refusal.fragment));
    }

    /// Adds to candidates what was accepted of them before, leaves out what FRR refused, and adds the objects of texts
    /// that cannot be read now.
    fn complete<'a>(&'a self, planned: &mut NodeInput<'a>, input: &Input, inventory: &Inventory) {
        for candidate in &mut planned.candidates {
            // Objects of a directory come before those of the API.
            candidate.seniority.source = 0;
            let object = &candidate.seniority.object;
            let kept = self.kept.get(object).map(|kept| &kept.fragment);
            candidate.last_accepted = kept.filter(|fragment| !self.is_refused(fragment));
            if self.refused.contains_key(object) {
                candidate.newest = None;
            }
        }
        let there: BTreeSet<ObjectId> =
            planned.candidates.iter().map(|candidate| candidate.seniority.object.clone()).collect();
        let mut hidden: BTreeSet<&ObjectId> = BTreeSet::new();
        for unreadable in &input.unreadable {
            match self.provided.get(&input.sources[unreadable.source].name) {
                Some(objects) => hidden.extend(objects),
                // Nobody knows what it has: it may be any of those that are nowhere to be seen.
                None => hidden.extend(self.kept.keys()),
            }
        }
        let hidden = hidden
            .into_iter()
            .filter(|object| !there.contains(object) && !inventory.entries.contains_key(object));
        let hidden = hidden.filter_map(|object| self.kept.get(object));
        planned.candidates.extend(hidden.map(|kept| Candidate {
            seniority: kept.seniority(),
            newest: None,
            last_accepted: Some(&kept.fragment),
        }));
    }

    fn wanted(&self, outcome: &Outcome<'_>, input: &Input, inventory: &Inventory) -> Wanted {
        let kept = outcome.fragments.iter().map(|fragment| {
            let before = self.kept.get(&fragment.object).filter(|kept| kept.fragment == **fragment);
            before.cloned().unwrap_or_else(|| {
                let spec = spec_of(input, inventory, &fragment.object);
                Kept::new((*fragment).clone(), spec, created(inventory, &fragment.object))
            })
        });
        Wanted::new(outcome, kept.collect())
    }
}

/// What is wrong with texts and objects by themselves, those for other nodes aside.
fn own_findings(input: &Input, inventory: &Inventory, left_out: &BTreeSet<&ObjectId>) -> Vec<Finding> {
    let left_out: BTreeSet<usize> =
        left_out.iter().filter_map(|id| inventory.entries.get(id).copied()).collect();
    let of_objects = inventory.findings.iter().filter(|(entry, _)| !left_out.contains(entry));
    let unreadable = input.unreadable.iter().map(|unreadable| {
        let id = ObjectId::new("", &input.sources[unreadable.source].name);
        Finding::new(Rule::Unreadable, &id, "", unreadable.message.as_str())
    });
    of_objects.map(|(_, finding)| finding.clone()).chain(unreadable).collect()
}

fn spec_of(input: &Input, inventory: &Inventory, object: &ObjectId) -> Value {
    let entry = inventory.entries.get(object).map(|at| &input.entries[*at].manifest.object);
    match entry {
        Some(Object::Configuration(configuration)) => {
            serde_json::to_value(&configuration.spec).unwrap_or_default()
        }
        _ => Value::Null,
    }
}

fn created(inventory: &Inventory, object: &ObjectId) -> Option<i64> {
    let configuration = inventory.configurations.iter().find(|c| c.id == *object)?;
    (!configuration.seniority.undated).then_some(configuration.seniority.created)
}
