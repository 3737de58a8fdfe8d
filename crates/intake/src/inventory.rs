//! The objects of the input: which count, which node they are for, what is wrong with each by itself.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_api::FRRConfiguration;
use frrk8s_api::k8s::Secret;
use frrk8s_manifest::{Object, Tree};
use frrk8s_merge::{Candidate, ConflictPolicy, Seniority};
use frrk8s_model::{Finding, Fragment, ObjectId, Rule, shown};
use frrk8s_plan::NodeInput;
use frrk8s_render::{Hostname, LogLevel, NodeOptions};
use frrk8s_translate::{NodeSelector, Secrets, translate};

use crate::input::{Input, SourceOrigin};
use crate::node::{NodeView, Terms};

/// The namespace of the daemon where nothing says otherwise.
const NAMESPACE_DEFAULT: &str = "frr-k8s-system";
/// The one name that an `FRRK8sConfiguration` can have.
const DAEMON_CONFIGURATION: &str = "config";

/// A configuration of the namespace that counts.
#[derive(Debug)]
pub struct Configuration {
    /// Its identity.
    pub id: ObjectId,
    /// Its rank.
    pub seniority: Seniority,
    /// Which nodes it selects; `None` where that cannot be read.
    pub selector: Option<NodeSelector>,
    /// Its part of a node's configuration; `None` where it cannot be taken.
    pub fragment: Option<Fragment>,
}

/// Everything that matters of an input.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The namespace that counts.
    pub namespace: String,
    /// The configurations that count.
    pub configurations: Vec<Configuration>,
    /// The entries of the configurations that count; of two with one name, the first.
    pub entries: BTreeMap<ObjectId, usize>,
    /// What is wrong with objects by themselves, each with the number of the object's entry.
    pub findings: Vec<(usize, Finding)>,
    /// The Secrets that the input has twice, and differently.
    disputed_secrets: BTreeSet<String>,
    /// Whether a text cannot be read, or an object is wrong that may matter to any node: then nothing is known of what a node is to run.
    pub is_incomplete: bool,
    /// The nodes of the input, by name.
    pub nodes: BTreeMap<String, NodeView>,
    /// How much FRR logs; `None` where nobody says.
    pub log_level: Option<LogLevel>,
    /// What people should know about the input as a whole.
    pub notes: Vec<String>,
}

/// Whether Secrets that are not in the input are missing, or to be found on the node only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretsSeen {
    /// An object that needs one cannot be taken.
    Required,
    /// They are assumed to be there.
    Assumed,
}

/// Why an input is not enough to work on.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// There is nothing to merge.
    #[error("no FRRConfiguration in the input{but}: name a file or directory that has one with -f")]
    NothingToMerge {
        /// What there is instead, as part of the sentence.
        but: String,
    },
    /// Which node is meant is not clear.
    #[error("the input has {count} nodes: choose one with --node, for example --node {example}")]
    WhichNode {
        /// How many there are.
        count: usize,
        /// One of them.
        example: String,
    },
}

impl Inventory {
    /// Takes stock of an input in which there must be something to merge.
    pub fn new(input: &Input, namespace: Option<&str>, seen: SecretsSeen) -> Result<Self, InventoryError> {
        let inventory = Self::of(input, namespace, seen);
        let any = input.entries.iter().any(|entry| is_configuration(&entry.manifest.object));
        if !any && !inventory.is_incomplete {
            return Err(InventoryError::NothingToMerge { but: instead(input) });
        }
        Ok(inventory)
    }

    /// Takes stock of an input.
    pub fn of(input: &Input, namespace: Option<&str>, seen: SecretsSeen) -> Self {
        let mut inventory = Self { namespace: namespace_that_counts(input, namespace), ..Self::default() };
        inventory.note_duplicates(input);
        inventory.take_nodes(input);
        inventory.note_other_kinds(input);
        inventory.take_configurations(input, &inventory.secrets(input, seen));
        inventory.is_incomplete |= !input.unreadable.is_empty();
        inventory
    }

    /// The namespace of an object, and whether it is the one that counts. An object without one counts.
    fn counts(&self, namespace: Option<&str>) -> bool {
        namespace.is_none_or(|namespace| namespace == self.namespace)
    }

    fn secrets(&self, input: &Input, seen: SecretsSeen) -> Secrets {
        let secrets = input.entries.iter().filter_map(|entry| match &entry.manifest.object {
            Object::Secret(secret) if self.counts(entry.manifest.namespace.as_deref()) => Some(&**secret),
            _ => None,
        });
        // Which of several different ones counts nobody knows: none does.
        let secrets = secrets.filter(|secret| {
            !secret.metadata.name.as_ref().is_some_and(|name| self.disputed_secrets.contains(name))
        });
        let secrets = Secrets::new(secrets.collect::<Vec<&Secret>>());
        match seen {
            SecretsSeen::Required => secrets,
            SecretsSeen::Assumed => secrets.assuming_absent(),
        }
    }

    /// Nodes, Secrets and the daemon's configuration that the input has twice, and differently.
    fn note_duplicates(&mut self, input: &Input) {
        let mut first: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (number, entry) in input.entries.iter().enumerate() {
            let manifest = &entry.manifest;
            let kind = match &manifest.object {
                Object::Node(_) => "Node",
                Object::Secret(_) if self.counts(manifest.namespace.as_deref()) => "Secret",
                Object::Daemon(_) if self.counts(manifest.namespace.as_deref()) => "FRRK8sConfiguration",
                _ => continue,
            };
            let &mut earlier = first.entry((kind, &manifest.name)).or_insert(number);
            if is_same(&input.entries[earlier].manifest.object, &manifest.object) {
                continue;
            }
            let namespace = if kind == "Node" { "" } else { self.namespace.as_str() };
            let id = ObjectId::new(namespace, &manifest.name);
            self.findings.push((number, twice(input, (earlier, number), &id, kind)));
            self.is_incomplete = true;
            if kind == "Secret" {
                self.disputed_secrets.insert(manifest.name.clone());
            }
        }
    }

    fn take_nodes(&mut self, input: &Input) {
        for (number, entry) in input.entries.iter().enumerate() {
            let manifest = &entry.manifest;
            match &manifest.object {
                Object::Node(_) if Hostname::new(&manifest.name).is_none() => {
                    let id = ObjectId::new("", &manifest.name);
                    self.findings.push((number, unnamed(&id, "a Node", &manifest.name)));
                    self.is_incomplete = true;
                }
                Object::Node(node) => {
                    self.nodes.entry(manifest.name.clone()).or_insert_with(|| NodeView::of(node));
                }
                Object::Daemon(daemon)
                    if manifest.name == DAEMON_CONFIGURATION
                        && self.counts(manifest.namespace.as_deref()) =>
                {
                    let Some(word) = &daemon.spec.log_level else {
                        continue;
                    };
                    match LogLevel::parse(word.as_str()) {
                        Some(level) => self.log_level = Some(level),
                        None => self.refuse_log_level(number, &manifest.name, word.as_str()),
                    }
                }
                Object::Daemon(_) if self.counts(manifest.namespace.as_deref()) => {
                    self.notes.push(format!(
                        "skipped the FRRK8sConfiguration {}: only the one with the name {DAEMON_CONFIGURATION} counts",
                        shown(&manifest.name)
                    ));
                }
                Object::Undecodable { kind, .. }
                    if kind != "FRRConfiguration" && self.counts(manifest.namespace.as_deref()) =>
                {
                    let namespace = manifest.namespace.as_deref().unwrap_or_default();
                    let id = ObjectId::new(namespace, &manifest.name);
                    let findings = manifest.findings(&id).into_iter();
                    self.findings.extend(findings.map(|finding| (number, finding)));
                    self.is_incomplete = true;
                }
                _ => {}
            }
        }
    }

    fn refuse_log_level(&mut self, number: usize, name: &str, word: &str) {
        let id = ObjectId::new(&self.namespace, name);
        let message =
            format!("logLevel is {:?}; it must be all, debug, info, warn, error or none", shown(word));
        let finding = Finding::new(Rule::ValueUnknown, &id, "spec.logLevel", message);
        self.findings.push((number, finding.with_value(word)));
        self.is_incomplete = true;
    }

    fn note_other_kinds(&mut self, input: &Input) {
        const KINDS_MAX: usize = 20;
        let kinds = other_kinds(input);
        for (what, count) in kinds.iter().take(KINDS_MAX) {
            self.notes.push(format!(
                "skipped {count} {what}: only FRRConfiguration, FRRK8sConfiguration, Node and Secret are read"
            ));
        }
        if kinds.len() > KINDS_MAX {
            let count: usize = kinds.values().skip(KINDS_MAX).sum();
            self.notes.push(format!("skipped {count} more of {} other kinds", kinds.len() - KINDS_MAX));
        }
    }

    fn take_configurations(&mut self, input: &Input, secrets: &Secrets) {
        for (number, entry) in input.entries.iter().enumerate() {
            let manifest = &entry.manifest;
            if !is_configuration(&manifest.object) {
                continue;
            }
            let namespace = manifest.namespace.as_deref().unwrap_or(&self.namespace);
            let id = ObjectId::new(namespace, &manifest.name);
            if namespace != self.namespace {
                let message = format!(
                    "{id} is ignored: only the namespace {} counts, and objects without one",
                    shown(&self.namespace)
                );
                let finding = Finding::new(Rule::NamespaceIgnored, &id, "metadata.namespace", message);
                self.findings.push((number, finding.with_value(namespace)));
                continue;
            }
            self.findings.extend(manifest.findings(&id).into_iter().map(|finding| (number, finding)));
            let Object::Configuration(object) = &manifest.object else {
                self.configurations.push(Configuration::undecodable(id));
                continue;
            };
            if !is_object_name(&manifest.name) {
                self.findings.push((number, unnamed(&id, "an object", &manifest.name)));
            }
            if let Some(&first) = self.entries.get(&id) {
                if !is_same(&input.entries[first].manifest.object, &manifest.object) {
                    self.findings.push((number, twice(input, (first, number), &id, "FRRConfiguration")));
                    self.is_incomplete = true;
                    self.void(&id);
                }
                continue;
            }
            self.entries.insert(id.clone(), number);
            let origin = input.sources[entry.source].origin;
            self.take(seniority(&id, object, origin), number, object, secrets);
        }
    }

    /// Which of several different objects of one name counts nobody knows: none does.
    fn void(&mut self, id: &ObjectId) {
        for configuration in self.configurations.iter_mut().filter(|configuration| configuration.id == *id) {
            configuration.fragment = None;
            configuration.selector = None;
        }
    }

    fn take(&mut self, seniority: Seniority, number: usize, object: &FRRConfiguration, secrets: &Secrets) {
        let id = seniority.object.clone();
        let selector = match NodeSelector::of(&id, &object.spec) {
            Ok(selector) => Some(selector),
            Err(findings) => {
                self.findings.extend(findings.into_iter().map(|finding| (number, finding)));
                None
            }
        };
        let translation = translate(&id, &object.spec, secrets);
        self.findings.extend(translation.findings.into_iter().map(|finding| (number, finding)));
        let named = is_object_name(&id.name);
        self.configurations.push(Configuration {
            seniority,
            fragment: translation.fragment.filter(|_| selector.is_some() && named),
            id,
            selector,
        });
    }

    /// The nodes to look at: the one that is named; all of the input; one without labels.
    pub fn nodes(&self, terms: &Terms) -> Vec<NodeView> {
        let mut nodes: Vec<NodeView> = match &terms.node {
            Some(name) => vec![self.nodes.get(name).cloned().unwrap_or_else(|| NodeView::named(name))],
            None if self.nodes.is_empty() => vec![NodeView::default()],
            None => self.nodes.values().cloned().collect(),
        };
        for node in &mut nodes {
            node.labels.extend(terms.labels.iter().cloned());
        }
        nodes
    }

    /// The one node that is meant.
    pub fn node(&self, terms: &Terms) -> Result<NodeView, InventoryError> {
        let mut nodes = self.nodes(terms);
        match (nodes.pop(), nodes.len()) {
            (Some(node), 0) => Ok(node),
            (last, others) => Err(InventoryError::WhichNode {
                count: others + 1,
                example: last.and_then(|node| node.name).unwrap_or_default(),
            }),
        }
    }

    /// Holds a node under `freeze` while something is not known that may matter to it: a text that cannot be read may
    /// hold anything.
    pub fn hold_back(&self, input: &mut NodeInput<'_>) {
        if !self.is_incomplete || input.policy == ConflictPolicy::Quarantine {
            return;
        }
        let object = ObjectId::new("", "");
        let seniority = Seniority { source: 1, undated: true, created: 0, object };
        input.candidates.push(Candidate { seniority, newest: None, last_accepted: None });
    }

    /// What a node is to run, and on what terms; and which objects are for other nodes.
    pub fn input_of(&self, node: &NodeView, terms: &Terms) -> (NodeInput<'_>, BTreeSet<&ObjectId>) {
        let mut candidates = Vec::new();
        let mut left_out = BTreeSet::new();
        for configuration in &self.configurations {
            if !configuration.may_select(node) {
                left_out.insert(&configuration.id);
                continue;
            }
            candidates.push(Candidate {
                seniority: configuration.seniority.clone(),
                newest: configuration.fragment.as_ref(),
                last_accepted: None,
            });
        }
        let input = NodeInput {
            candidates,
            policy: terms.conflict_policy,
            facts: node.facts(),
            options: NodeOptions {
                hostname: node.name.as_deref().and_then(Hostname::new),
                log_level: self.log_level.unwrap_or_default(),
                always_block: terms.always_block.clone(),
                router_id_fallback: node.router_id_fallback(),
            },
            running: None,
            version: None,
        };
        (input, left_out)
    }
}

impl Configuration {
    /// Whether it selects a node. One whose selector cannot be read may be meant for any.
    fn may_select(&self, node: &NodeView) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.matches(&node.labels))
    }

    fn undecodable(id: ObjectId) -> Self {
        let seniority = Seniority { source: 1, undated: true, created: 0, object: id.clone() };
        Self { id, seniority, selector: None, fragment: None }
    }
}

/// Whether Kubernetes takes a name for an object (a DNS subdomain, RFC 1123).
fn is_object_name(name: &str) -> bool {
    Hostname::new(name).is_some() && !name.contains(|c: char| c.is_ascii_uppercase())
}

fn unnamed(id: &ObjectId, what: &str, name: &str) -> Finding {
    let message = match name {
        "" => format!("{what} without a name"),
        name => format!("{what} cannot have the name {:?}", shown(name)),
    };
    let finding = Finding::new(Rule::Undecodable, id, "metadata.name", message);
    let finding = if name.is_empty() { finding } else { finding.with_value(name) };
    finding.with_help("use lower-case letters, digits, dots and dashes, 253 at the most")
}

/// The kinds of objects that are none of ours, each with how many there are.
fn other_kinds(input: &Input) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for entry in &input.entries {
        if let Object::Other { kind } = &entry.manifest.object {
            *kinds.entry(what_it_is(kind, &entry.manifest.tree)).or_default() += 1;
        }
    }
    kinds
}

/// What there is where no configuration is.
fn instead(input: &Input) -> String {
    const KINDS_MAX: usize = 3;
    let kinds = other_kinds(input);
    let mut shown: Vec<String> =
        kinds.iter().take(KINDS_MAX).map(|(what, count)| format!("{count} {what}")).collect();
    if kinds.len() > KINDS_MAX {
        shown.push("others".to_owned());
    }
    if shown.is_empty() { String::new() } else { format!(", but {}", shown.join(", ")) }
}

/// What people call an object that is none of ours.
fn what_it_is(kind: &str, tree: &Tree) -> String {
    let ours = matches!(kind, "FRRConfiguration" | "FRRK8sConfiguration" | "Node" | "Secret");
    match (kind, tree.get("apiVersion").and_then(Tree::text)) {
        ("", _) => "without a kind".to_owned(),
        (kind, Some(version)) if ours => format!("{kind} of {}", shown(version)),
        (kind, _) => shown(kind),
    }
}

/// Whether two objects of one name are the same as far as anybody looks.
fn is_same(one: &Object, other: &Object) -> bool {
    match (one, other) {
        (Object::Configuration(one), Object::Configuration(other)) => one.spec == other.spec,
        (Object::Daemon(one), Object::Daemon(other)) => one.spec == other.spec,
        (Object::Secret(one), Object::Secret(other)) => {
            (&one.type_, &one.data, &one.string_data) == (&other.type_, &other.data, &other.string_data)
        }
        (Object::Node(one), Object::Node(other)) => NodeView::of(one) == NodeView::of(other),
        _ => false,
    }
}

/// A second object of one name.
fn twice(input: &Input, (first, second): (usize, usize), id: &ObjectId, kind: &str) -> Finding {
    let source = |entry: usize| &input.sources[input.entries[entry].source].name;
    let what = if kind == "FRRConfiguration" { id.to_string() } else { format!("the {kind} {}", id.name) };
    let message = format!("{what} stands in {} and, differently, in {}", source(first), source(second));
    Finding::new(Rule::DuplicateObject, id, "metadata.name", message).with_value(&id.name)
}

fn is_configuration(object: &Object) -> bool {
    match object {
        Object::Configuration(_) => true,
        Object::Undecodable { kind, .. } => kind == "FRRConfiguration",
        _ => false,
    }
}

/// The namespace that counts: the one that is asked for; the one that all objects are in; the daemon's usual one.
fn namespace_that_counts(input: &Input, asked: Option<&str>) -> String {
    if let Some(asked) = asked {
        return asked.to_owned();
    }
    let configurations = input.entries.iter().filter(|entry| is_configuration(&entry.manifest.object));
    let namespaces: BTreeSet<&str> =
        configurations.filter_map(|entry| entry.manifest.namespace.as_deref()).collect();
    match namespaces.first() {
        Some(only) if namespaces.len() == 1 => (*only).to_owned(),
        _ => NAMESPACE_DEFAULT.to_owned(),
    }
}

fn seniority(id: &ObjectId, object: &FRRConfiguration, origin: SourceOrigin) -> Seniority {
    let created = object.metadata.creation_timestamp.as_ref().map(|time| time.0.as_second());
    Seniority {
        source: origin.rank(),
        undated: created.is_none(),
        created: created.unwrap_or_default(),
        object: id.clone(),
    }
}
