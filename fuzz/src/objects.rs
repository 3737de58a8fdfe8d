//! The objects of a text, for one node; the command line does the same with its input (`crates/cli/src/inventory.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use frrk8s_api::FRRConfiguration;
use frrk8s_api::k8s::{Node, Secret};
use frrk8s_manifest::{Manifest, Object};
use frrk8s_merge::{Candidate, ConflictPolicy, NodeFacts, Seniority};
use frrk8s_model::{Finding, ObjectId, Vrf, masked};
use frrk8s_plan::NodeInput;
use frrk8s_render::{Hostname, LogLevel, NodeOptions, router_id_of};
use frrk8s_translate::{NodeSelector, Secrets, Translation, translate};
use serde_json::Value as Json;

use crate::{MARK, planted};

/// [`MARK`] as the data of a Secret has it.
pub const MARK_BASE64: &str = "bjN2ZXItc2hvd24=";

const NAMESPACE: &str = "ns";

/// The configurations of a text that select its node.
#[derive(Debug, Default)]
pub struct Objects {
    configurations: Vec<(Seniority, Translation)>,
    facts: NodeFacts,
    options: NodeOptions,
    /// What is wrong with objects by themselves.
    pub findings: Vec<Finding>,
}

impl Objects {
    /// Takes stock of what was read; the first node is the one that counts.
    pub fn new(manifests: &[Manifest]) -> Self {
        let secrets = manifests.iter().filter_map(|manifest| match &manifest.object {
            Object::Secret(secret) => Some(&**secret),
            _ => None,
        });
        let secrets = Secrets::new(secrets.collect::<Vec<&Secret>>());
        let mut nodes = manifests.iter().filter_map(|manifest| match &manifest.object {
            Object::Node(node) => Some((manifest.name.as_str(), &**node)),
            _ => None,
        });
        let node = nodes.find(|(name, _)| Hostname::new(name).is_some());
        let mut objects = Self::default();
        objects.take_node(node);
        let labels = node.and_then(|(_, node)| node.metadata.labels.clone()).unwrap_or_default();
        let mut known = BTreeSet::new();
        for manifest in manifests {
            let id = ObjectId::new(manifest.namespace.as_deref().unwrap_or(NAMESPACE), &manifest.name);
            objects.findings.extend(manifest.findings(&id));
            match &manifest.object {
                Object::Configuration(object) if known.insert(id.clone()) => {
                    objects.take(id, object, &secrets, &labels);
                }
                Object::Daemon(daemon) => {
                    let level = daemon.spec.log_level.as_ref();
                    let level = level.and_then(|level| LogLevel::parse(level.as_str()));
                    objects.options.log_level = level.unwrap_or_default();
                }
                _ => {}
            }
        }
        objects
    }

    fn take_node(&mut self, node: Option<(&str, &Node)>) {
        let Some((name, node)) = node else {
            return;
        };
        let addresses = node.status.as_ref().and_then(|status| status.addresses.as_ref());
        let addresses = addresses.into_iter().flatten().filter(|address| address.type_.ends_with("IP"));
        let addresses: Vec<IpAddr> = addresses.filter_map(|address| address.address.parse().ok()).collect();
        let only_v6 = !addresses.is_empty() && addresses.iter().all(IpAddr::is_ipv6);
        self.options.hostname = Hostname::new(name);
        self.options.router_id_fallback = only_v6.then(|| router_id_of(name));
        self.facts.own_addresses = addresses.into_iter().map(|address| (Vrf::Default, address)).collect();
    }

    fn take(
        &mut self,
        id: ObjectId,
        object: &FRRConfiguration,
        secrets: &Secrets,
        labels: &BTreeMap<String, String>,
    ) {
        let selector = NodeSelector::of(&id, &object.spec);
        let mut translation = translate(&id, &object.spec, secrets);
        let is_wrong = translation.findings.iter().any(Finding::is_error);
        assert_eq!(translation.fragment.is_none(), is_wrong, "{:#?}", translation.findings);
        self.findings.extend(translation.findings.iter().cloned());
        // Kubernetes takes no other names; the command line refuses them as well.
        let is_named = Hostname::new(&id.name).is_some();
        translation.fragment = translation.fragment.filter(|_| selector.is_ok() && is_named);
        let selects = selector.as_ref().map_or(true, |selector| selector.matches(labels));
        self.findings.extend(selector.err().into_iter().flatten());
        let created = object.metadata.creation_timestamp.as_ref().map(|time| time.0.as_second());
        if selects {
            let (undated, created) = (created.is_none(), created.unwrap_or_default());
            self.configurations.push((Seniority { source: 1, undated, created, object: id }, translation));
        }
    }

    /// What the node is to run, and on what terms.
    pub fn input(&self, policy: ConflictPolicy) -> NodeInput<'_> {
        let candidates = self.configurations.iter().map(|(seniority, translation)| Candidate {
            seniority: seniority.clone(),
            newest: translation.fragment.as_ref(),
            last_accepted: None,
        });
        NodeInput {
            candidates: candidates.collect(),
            policy,
            facts: self.facts.clone(),
            options: self.options.clone(),
            running: None,
            version: None,
        }
    }
}

/// The same objects with [`MARK`] in every password, as JSON; `None` where there is none, or where the mark stands in a
/// place that people may see as well.
pub fn with_passwords(manifests: &[Manifest]) -> Option<String> {
    let mut text = String::new();
    let mut any = false;
    for manifest in manifests {
        let kind = match &manifest.object {
            Object::Configuration(_) => "FRRConfiguration",
            Object::Secret(_) => "Secret",
            Object::Undecodable { kind, .. } => kind,
            _ => "",
        };
        let mut object = manifest.tree.json();
        let mut seen = object.clone();
        for (object, visible) in [(&mut object, false), (&mut seen, true)] {
            any |= match kind {
                "FRRConfiguration" => mark_configuration(object, visible)?,
                "Secret" => mark_secret(object, visible),
                _ => false,
            };
        }
        let seen = seen.to_string();
        if seen.contains(MARK) || seen.contains(MARK_BASE64) {
            return None;
        }
        if let (Json::Object(fields), false) = (&mut object, kind.is_empty()) {
            // An item of a typed list need not name its kind.
            fields.insert("kind".to_owned(), kind.into());
        }
        text.push_str("---\n");
        push_ascii(&object, &mut text);
        text.push('\n');
    }
    any.then_some(text)
}

/// Adds a value as JSON in ASCII: YAML refuses some characters that it has as escapes.
fn push_ascii(value: &Json, text: &mut String) {
    for c in value.to_string().chars() {
        if c.is_ascii_graphic() || c == ' ' {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
}

/// Puts the mark into the passwords of a configuration, or takes them away, so that what is left is what people may see.
/// Whether there are any.
fn mark_configuration(object: &mut Json, take_away: bool) -> Option<bool> {
    let mut any = false;
    for (name, value) in object.get_mut("spec").and_then(Json::as_object_mut).into_iter().flatten() {
        match (name.as_str(), value) {
            ("raw", raw) => {
                let Some(Json::String(text)) = raw.get_mut("rawConfig") else {
                    continue;
                };
                let marked = planted(text)?;
                any |= marked.contains(MARK);
                let without = text.split_inclusive('\n').map(masked);
                *text = if take_away { without.collect() } else { marked };
            }
            // A label may have that name.
            ("nodeSelector", _) => {}
            (_, value) => any |= mark_fields(value, take_away),
        }
    }
    Some(any)
}

/// The fields of the name `password`, wherever they are.
fn mark_fields(value: &mut Json, take_away: bool) -> bool {
    let mut any = false;
    match value {
        Json::Array(items) => {
            for item in items {
                any |= mark_fields(item, take_away);
            }
        }
        Json::Object(fields) => {
            for (name, value) in fields {
                any |= match value {
                    Json::String(text) if name == "password" => mark_text(text, take_away),
                    value => mark_fields(value, take_away),
                };
            }
        }
        _ => {}
    }
    any
}

fn mark_secret(object: &mut Json, take_away: bool) -> bool {
    let mut any = false;
    for part in ["data", "stringData"] {
        for value in object.get_mut(part).and_then(Json::as_object_mut).into_iter().flatten() {
            let (_, Json::String(text)) = value else {
                continue;
            };
            any = true;
            match part {
                "data" if take_away => text.clear(),
                "data" => MARK_BASE64.clone_into(text),
                _ => drop(mark_text(text, take_away)),
            }
        }
    }
    any
}

fn mark_text(text: &mut String, take_away: bool) -> bool {
    if take_away {
        text.clear();
    } else if frrk8s_model::Secret::password(text).is_ok() {
        // It stays one that FRR takes, and another than the next.
        text.truncate(frrk8s_model::PASSWORD_BYTES_MAX - MARK.len());
        text.insert_str(0, MARK);
    } else {
        text.insert_str(0, MARK);
    }
    true
}
