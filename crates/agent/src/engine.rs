//! From the objects of a source to what the node is to run, with what was accepted before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use frrk8s_document::{Document, Version};
use frrk8s_frr::Record;
use frrk8s_intake::{Input, Inventory, InventoryError, NodeView, SecretsSeen, SourceOrigin, Terms};
use frrk8s_manifest::Object;
use frrk8s_merge::{Candidate, ConflictPolicy, Fate};
use frrk8s_model::{Finding, Fragment, ObjectId, Rule};
use frrk8s_plan::{NodeInput, Outcome, plan};
use frrk8s_render::LogLevel;
use serde_json::Value;

use crate::circumstances::Circumstances;
use crate::hold_down::HoldDown;
use crate::kept::Kept;
use crate::refusals::Refusals;
use crate::wanted::Wanted;

/// What is known of a node's objects from one pass to the next.
#[derive(Debug)]
pub struct Engine {
    terms: Terms,
    namespace: Option<String>,
    /// The versions that are in force, by object.
    kept: BTreeMap<ObjectId, Kept>,
    /// Versions of which FRR refused a line.
    refused: Refusals,
    /// The objects of each text, when it could be read the last time.
    provided: BTreeMap<String, BTreeSet<ObjectId>>,
    /// The node, when everything could be read the last time; else as it was when something was accepted last.
    node: Option<NodeView>,
    /// What the configuration in force was rendered with.
    in_force: Option<Circumstances>,
    hold_down: HoldDown,
    /// Whether some of what was in force before a restart could not be taken over.
    is_restored_in_part: bool,
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
    /// The files that objects come from; those of the API have none.
    pub files: BTreeMap<ObjectId, String>,
    /// How many objects there are that do not select the node.
    pub left_out: usize,
    /// How much is to be logged, where an object says so.
    pub log_level: Option<LogLevel>,
    /// When it is to be decided anew, though nothing happens.
    pub until: Option<Instant>,
}

impl Decision {
    /// Nothing is decided.
    fn held(findings: Vec<Finding>) -> Self {
        let (fates, files, groups, left_out) = (BTreeMap::new(), BTreeMap::new(), Vec::new(), 0);
        let (log_level, until) = (None, None);
        Self { wanted: None, is_held: true, fates, findings, groups, files, left_out, log_level, until }
    }
}

impl Engine {
    /// An engine for one node.
    pub fn new(terms: Terms, namespace: Option<String>) -> Self {
        Self {
            terms,
            namespace,
            kept: BTreeMap::new(),
            refused: Refusals::default(),
            provided: BTreeMap::new(),
            node: None,
            in_force: None,
            hold_down: HoldDown::default(),
            is_restored_in_part: false,
        }
    }

    /// The same, with objects that take back everything kept as they were for a while.
    #[must_use]
    pub fn with_hold_down(mut self, hold_down: HoldDown) -> Self {
        self.hold_down = hold_down;
        self
    }

    /// Takes over what was accepted before a restart. What a newer release does not take any more is left out, and
    /// said.
    pub fn restore(&mut self, record: &Record) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.kept.clear();
        for accepted in &record.objects {
            match Kept::from_record(accepted) {
                Ok(kept) => {
                    self.kept.insert(kept.fragment.object.clone(), kept);
                }
                Err(found) => {
                    self.is_restored_in_part = true;
                    findings.extend(found);
                }
            }
        }
        self.in_force = record.node.as_ref().map(Circumstances::from_record);
        let same_name = |view: &NodeView| self.terms.node.is_none() || self.terms.node == view.name;
        self.node = self.in_force.as_ref().map(|it| it.view.clone()).filter(same_name);
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
        now: Instant,
    ) -> Result<Decision, InventoryError> {
        let inventory = Inventory::of(input, self.namespace.as_deref(), SecretsSeen::Required);
        self.note_provided(input, &inventory);
        let (Some(view), missing) = self.node_of(&inventory)? else {
            let findings = own_findings(input, &inventory, &BTreeSet::new());
            return Ok(Decision::held(findings));
        };
        self.forgive(&inventory);
        let (mut planned, left_out) = inventory.input_of(&view, &self.terms);
        planned.running = running;
        planned.version = Some(version);
        self.keep_router_id(&view, &mut planned);
        let held_down = self.held_down(&planned, input, &inventory, now);
        self.complete(&mut planned, input, &inventory, (&held_down, now));
        inventory.hold_back(&mut planned);
        let result = plan(&planned);
        let mut findings = own_findings(input, &inventory, &left_out);
        findings.extend(result.findings);
        findings.extend(self.refused.findings().cloned());
        findings.extend(held_down.keys().map(held_down_finding));
        findings.extend(missing);
        findings.sort();
        findings.dedup();
        let objects = planned.candidates.iter().map(|candidate| candidate.seniority.object.clone());
        let mut fates: BTreeMap<ObjectId, Fate> =
            objects.zip(result.fates).filter(|(object, _)| !object.name.is_empty()).collect();
        for (object, fate) in &mut fates {
            if *fate == Fate::Accepted && held_down.contains_key(object) {
                *fate = Fate::LastAccepted;
            }
        }
        let circumstances = Circumstances::of(&view, &planned);
        let wanted = result.outcome.map(|outcome| {
            let kept = self.kept_of(&outcome, input, &inventory);
            Wanted::new(&outcome, kept, circumstances)
        });
        let is_held = wanted.is_none();
        let log_level = inventory.log_level;
        let (left_out, until) =
            (left_out.len(), held_down.into_values().chain(self.refused.until(now)).min());
        let (files, groups) = (files(input, &inventory), result.groups);
        Ok(Decision { wanted, is_held, fates, findings, groups, files, left_out, log_level, until })
    }

    /// The node, as its object has it. While something cannot be read it may be that object, and one that is gone says
    /// nothing about labels: the node is as it was then. `None` where nobody knows how it was, and something is in force.
    fn node_of(
        &mut self,
        inventory: &Inventory,
    ) -> Result<(Option<NodeView>, Option<Finding>), InventoryError> {
        if inventory.is_incomplete && (self.node.is_some() || !self.is_blank()) {
            return Ok((self.node.clone(), None));
        }
        let view = inventory.node(&self.terms)?;
        let is_lost = !view.has_object && self.terms.labels.is_empty();
        if let Some(before) = self.node.as_ref().filter(|before| before.has_object && is_lost) {
            let id = ObjectId::new("", before.name.as_deref().unwrap_or_default());
            let message = "the Node is no longer there: its labels and addresses are taken as they were";
            return Ok((Some(before.clone()), Some(Finding::new(Rule::NodeMissing, &id, "", message))));
        }
        if !inventory.is_incomplete {
            self.node = Some(view.clone());
        }
        Ok((Some(view), None))
    }

    /// A router id that was made up because the node had no IPv4 address stays: another one resets every session.
    fn keep_router_id(&self, view: &NodeView, planned: &mut NodeInput<'_>) {
        let before = self.in_force.as_ref().filter(|before| before.view.name == view.name);
        let before = before.and_then(|before| before.options.router_id_fallback);
        planned.options.router_id_fallback = planned.options.router_id_fallback.or(before);
    }

    /// The objects that are kept as they were although they take everything back, each with the end of it.
    fn held_down(
        &mut self,
        planned: &NodeInput<'_>,
        input: &Input,
        inventory: &Inventory,
        now: Instant,
    ) -> BTreeMap<ObjectId, Instant> {
        let hidden = self.hidden(planned, input, inventory);
        let hidden: BTreeSet<ObjectId> = hidden.iter().map(|kept| kept.fragment.object.clone()).collect();
        let asked: BTreeMap<&ObjectId, Option<&Fragment>> =
            planned.candidates.iter().map(|it| (&it.seniority.object, it.newest)).collect();
        self.hold_down.keep_only(&self.kept.keys().collect());
        let mut held = BTreeMap::new();
        for (object, kept) in &self.kept {
            let now_asked = match asked.get(object) {
                Some(Some(newest)) => Some(*newest),
                None if !hidden.contains(object) && !inventory.entries.contains_key(object) => None,
                // It cannot be read, or is for other nodes now.
                _ => continue,
            };
            let until = self.hold_down.holds(&kept.fragment, now_asked, now);
            held.extend(until.map(|until| (object.clone(), until)));
        }
        held
    }

    /// What is in force, on the terms of today; `None` where those are what they were. For when no source says anything.
    pub fn on_new_terms(&self, running: Option<&Document>, version: Version) -> Option<Wanted> {
        let before = self.in_force.as_ref()?;
        // Rendered without what could not be taken over it would be withdrawn.
        if before.options.always_block == self.terms.always_block || self.is_restored_in_part {
            return None;
        }
        let mut circumstances = before.clone();
        circumstances.options.always_block.clone_from(&self.terms.always_block);
        let planned = NodeInput {
            candidates: self.kept.values().map(Kept::candidate).collect(),
            policy: ConflictPolicy::Freeze,
            facts: circumstances.facts(),
            options: circumstances.options.clone(),
            running,
            version: Some(version),
        };
        let outcome = plan(&planned).outcome?;
        Some(Wanted::new(&outcome, self.kept.values().cloned().collect(), circumstances))
    }

    /// Notes that FRR refused a line of a version. Whether it is out from now on, for a while.
    pub fn refuse(&mut self, fragment: &Fragment, finding: Finding) -> bool {
        let was_in_force = self.kept.get(&fragment.object).is_some_and(|kept| kept.fragment == *fragment);
        self.refused.note(fragment, finding, was_in_force, Instant::now())
    }

    /// Whether a daemon died at a line of a version before, so that once more is enough.
    pub fn is_known_to_kill(&self, fragment: &Fragment) -> bool {
        self.refused.is_known_to_kill(fragment)
    }

    /// Whether these versions are those in force.
    pub fn has_accepted(&self, wanted: &Wanted) -> bool {
        self.in_force.as_ref() == Some(&wanted.circumstances)
            && self.kept.len() == wanted.kept.len()
            && wanted.kept.iter().all(|kept| self.kept.get(&kept.fragment.object) == Some(kept))
    }

    /// The versions in force.
    pub fn in_force(&self) -> &BTreeMap<ObjectId, Kept> {
        &self.kept
    }

    /// Takes note of what FRR was seen to run.
    pub fn accept(&mut self, wanted: &Wanted) {
        self.kept = wanted.kept.iter().map(|kept| (kept.fragment.object.clone(), kept.clone())).collect();
        self.in_force = Some(wanted.circumstances.clone());
        self.is_restored_in_part = false;
        wanted.kept.iter().for_each(|kept| self.refused.forget(&kept.fragment));
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

    /// Versions that are neither the newest nor the one in force any more do not matter, whatever FRR had against them.
    fn forgive(&mut self, inventory: &Inventory) {
        let is_newest = |fragment: &Fragment| {
            inventory
                .configurations
                .iter()
                .any(|configuration| configuration.fragment.as_ref() == Some(fragment))
        };
        let kept = &self.kept;
        let is_kept = |it: &Fragment| kept.get(&it.object).is_some_and(|kept| kept.fragment == *it);
        self.refused.keep_only(|fragment| is_newest(fragment) || is_kept(fragment));
    }

    /// Adds to candidates what was accepted of them before, leaves out what FRR refused, and adds the objects of texts
    /// that cannot be read now.
    fn complete<'a>(
        &'a self,
        planned: &mut NodeInput<'a>,
        input: &Input,
        inventory: &Inventory,
        (held_down, now): (&BTreeMap<ObjectId, Instant>, Instant),
    ) {
        for candidate in &mut planned.candidates {
            let object = &candidate.seniority.object;
            candidate.last_accepted = self.kept.get(object).map(|kept| &kept.fragment);
        }
        let hidden = self.hidden(planned, input, inventory);
        planned
            .candidates
            .extend(hidden.into_iter().map(|kept| Candidate { newest: None, ..kept.candidate() }));
        planned.candidates.retain(|candidate| !held_down.contains_key(&candidate.seniority.object));
        planned
            .candidates
            .extend(held_down.keys().filter_map(|object| self.kept.get(object)).map(Kept::candidate));
        let is_taken = |fragment: &&Fragment| !self.refused.is_out(fragment, now);
        for candidate in &mut planned.candidates {
            candidate.newest = candidate.newest.filter(is_taken);
            candidate.last_accepted = candidate.last_accepted.filter(is_taken);
        }
    }

    /// Objects in force that are in none of what could be read, and may be in what could not.
    fn hidden(&self, planned: &NodeInput<'_>, input: &Input, inventory: &Inventory) -> Vec<&Kept> {
        let there: BTreeSet<&ObjectId> =
            planned.candidates.iter().map(|candidate| &candidate.seniority.object).collect();
        let mut hidden: BTreeSet<&ObjectId> = BTreeSet::new();
        for unreadable in &input.unreadable {
            if let Some(missed) = &unreadable.missed {
                hidden.extend(missed.is_configuration.then_some(&missed.object));
                continue;
            }
            match self.provided.get(&input.sources[unreadable.source].name) {
                Some(objects) => hidden.extend(objects),
                // Nobody knows what it has: it may be any of those that are nowhere to be seen.
                None => hidden.extend(self.kept.keys()),
            }
        }
        let hidden = hidden.into_iter();
        hidden
            .filter(|object| !there.contains(object) && !inventory.entries.contains_key(object))
            .filter_map(|object| self.kept.get(object))
            .collect()
    }

    /// The versions behind an outcome.
    fn kept_of(&self, outcome: &Outcome<'_>, input: &Input, inventory: &Inventory) -> Vec<Kept> {
        let of = |fragment: &&Fragment| {
            let before = self.kept.get(&fragment.object).filter(|kept| kept.fragment == **fragment);
            before.cloned().unwrap_or_else(|| {
                let spec = spec_of(input, inventory, &fragment.object);
                Kept::new((*fragment).clone(), spec, rank(inventory, &fragment.object))
            })
        };
        outcome.fragments.iter().map(of).collect()
    }
}

/// The files that objects come from.
fn files(input: &Input, inventory: &Inventory) -> BTreeMap<ObjectId, String> {
    let source = |at: &usize| &input.sources[input.entries[*at].source];
    let of_file = inventory.entries.iter().filter(|(_, at)| source(at).origin == SourceOrigin::File);
    of_file.map(|(object, at)| (object.clone(), source(at).name.clone())).collect()
}

fn held_down_finding(object: &ObjectId) -> Finding {
    let message = "the object takes back everything that it advertised: it is kept as it was for a while";
    Finding::new(Rule::WithdrawalHeldDown, object, "", message)
}

/// What is wrong with texts and objects by themselves, those for other nodes aside.
fn own_findings(input: &Input, inventory: &Inventory, left_out: &BTreeSet<&ObjectId>) -> Vec<Finding> {
    let left_out: BTreeSet<usize> =
        left_out.iter().filter_map(|id| inventory.entries.get(id).copied()).collect();
    let of_objects = inventory.findings.iter().filter(|(entry, _)| !left_out.contains(entry));
    let unreadable = input.unreadable.iter().map(|unreadable| {
        if let Some(missed) = &unreadable.missed {
            return Finding::new(missed.rule, &missed.object, "", unreadable.message.as_str());
        }
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

fn rank(inventory: &Inventory, object: &ObjectId) -> (u8, Option<i64>) {
    let configuration = inventory.configurations.iter().find(|c| c.id == *object);
    let seniority = configuration.map(|configuration| &configuration.seniority);
    let created = seniority.filter(|seniority| !seniority.undated).map(|seniority| seniority.created);
    (seniority.map_or(0, |seniority| seniority.source), created)
}
