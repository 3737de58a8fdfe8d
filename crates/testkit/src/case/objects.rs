//! The objects of a case: which count, and for which nodes. The command line does the same with its input; that
//! both agree is a test of the command line (`crates/cli/tests/samples.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use frrk8s_api::FRRConfiguration;
use frrk8s_api::k8s::{Node, Secret};
use frrk8s_manifest::{Manifest, Object, read};
use frrk8s_merge::{NodeFacts, Seniority};
use frrk8s_model::{Finding, Fragment, IpNet, ObjectId, Rule, Vrf};
use frrk8s_render::{Hostname, LogLevel, NodeOptions, router_id_of};
use frrk8s_translate::{NodeSelector, Secrets, translate};

use super::directory::Case;

const NAMESPACE_DEFAULT: &str = "frr-k8s-system";

/// A configuration.
pub(super) struct Configuration {
    pub(super) seniority: Seniority,
    /// `None` where it cannot be read: then it may be for any node.
    selector: Option<NodeSelector>,
    /// `None` where it cannot be taken.
    pub(super) fragment: Option<Fragment>,
}

impl Configuration {
    pub(super) fn selects(&self, node: &CaseNode) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.matches(&node.labels))
    }
}

/// A node.
#[derive(Default)]
pub(super) struct CaseNode {
    /// `None` where the case has no node: then it is one without labels.
    pub(super) name: Option<String>,
    labels: BTreeMap<String, String>,
    addresses: BTreeSet<IpAddr>,
}

impl CaseNode {
    fn of(node: Node) -> Self {
        let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
        let addresses = addresses.iter().filter(|address| address.type_.ends_with("IP"));
        Self {
            addresses: addresses.filter_map(|address| address.address.parse().ok()).collect(),
            name: node.metadata.name,
            labels: node.metadata.labels.unwrap_or_default(),
        }
    }

    pub(super) fn facts(&self) -> NodeFacts {
        let own = self.addresses.iter().map(|address| (Vrf::Default, *address));
        NodeFacts { own_addresses: own.collect() }
    }

    pub(super) fn options(&self, log_level: LogLevel, always_block: &[IpNet]) -> NodeOptions {
        let only_v6 = !self.addresses.is_empty() && self.addresses.iter().all(IpAddr::is_ipv6);
        let name = self.name.as_deref();
        NodeOptions {
            hostname: name.and_then(Hostname::new),
            log_level,
            always_block: always_block.to_vec(),
            router_id_fallback: name.filter(|_| only_v6).map(router_id_of),
        }
    }
}

/// Everything of a case that matters.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) configurations: Vec<Configuration>,
    /// By name; one without a name where the case has none.
    pub(super) nodes: Vec<CaseNode>,
    pub(super) log_level: LogLevel,
    /// What is wrong with files and objects by themselves.
    pub(super) findings: Vec<Finding>,
    /// Whether a file cannot be read: what it holds may be for any node.
    pub(super) unreadable: bool,
}

impl Objects {
    pub(super) fn of(case: &Case) -> Self {
        let mut objects = Self::default();
        let mut manifests = Vec::new();
        for source in &case.sources {
            match read(&source.text) {
                Ok(found) => manifests.extend(found),
                Err(error) => {
                    let id = ObjectId::new("", &source.name);
                    objects.findings.push(Finding::new(Rule::Unreadable, &id, "", error.message));
                    objects.unreadable = true;
                }
            }
        }
        let secrets: Vec<&Secret> = manifests.iter().filter_map(secret).collect();
        let secrets = Secrets::new(secrets);
        let namespace = namespace_that_counts(&manifests);
        for manifest in manifests {
            objects.take(manifest, &namespace, &secrets);
        }
        objects.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        if objects.nodes.is_empty() {
            objects.nodes.push(CaseNode::default());
        }
        objects
    }

    fn take(&mut self, manifest: Manifest, namespace: &str, secrets: &Secrets) {
        let is_configuration = is_configuration(&manifest);
        let id = ObjectId::new(manifest.namespace.as_deref().unwrap_or(namespace), &manifest.name);
        if is_configuration && *id.namespace != *namespace {
            let message =
                format!("{id} is ignored: only the namespace {namespace} counts, and objects without one");
            let finding = Finding::new(Rule::NamespaceIgnored, &id, "metadata.namespace", message);
            self.findings.push(finding.with_value(&*id.namespace));
            return;
        }
        self.findings.extend(manifest.findings(&id));
        match manifest.object {
            Object::Configuration(object) => self.take_configuration(&id, &object, secrets),
            Object::Node(node) => self.nodes.push(CaseNode::of(*node)),
            Object::Daemon(daemon) => {
                let level = daemon.spec.log_level.as_ref();
                self.log_level = level.and_then(|level| LogLevel::parse(level.as_str())).unwrap_or_default();
            }
            Object::Undecodable { .. } if is_configuration => {
                let seniority = seniority(&id, None);
                self.configurations.push(Configuration { seniority, selector: None, fragment: None });
            }
            Object::Undecodable { .. } | Object::Secret(_) | Object::Other { .. } => {}
        }
    }

    fn take_configuration(&mut self, id: &ObjectId, object: &FRRConfiguration, secrets: &Secrets) {
        let selector = match NodeSelector::of(id, &object.spec) {
            Ok(selector) => Some(selector),
            Err(findings) => {
                self.findings.extend(findings);
                None
            }
        };
        let translation = translate(id, &object.spec, secrets);
        self.findings.extend(translation.findings);
        let created = object.metadata.creation_timestamp.as_ref().map(|time| time.0.as_second());
        self.configurations.push(Configuration {
            seniority: seniority(id, created),
            fragment: translation.fragment.filter(|_| selector.is_some()),
            selector,
        });
    }
}

fn seniority(id: &ObjectId, created: Option<i64>) -> Seniority {
    let object = id.clone();
    Seniority { source: 1, undated: created.is_none(), created: created.unwrap_or_default(), object }
}

fn secret(manifest: &Manifest) -> Option<&Secret> {
    match &manifest.object {
        Object::Secret(secret) => Some(secret),
        _ => None,
    }
}

fn is_configuration(manifest: &Manifest) -> bool {
    match &manifest.object {
        Object::Configuration(_) => true,
        Object::Undecodable { kind, .. } => kind == "FRRConfiguration",
        _ => false,
    }
}

/// The namespace that all configurations are in, else the daemon's usual one.
fn namespace_that_counts(manifests: &[Manifest]) -> String {
    let configurations = manifests.iter().filter(|manifest| is_configuration(manifest));
    let namespaces: BTreeSet<&str> =
        configurations.filter_map(|manifest| manifest.namespace.as_deref()).collect();
    match namespaces.first() {
        Some(only) if namespaces.len() == 1 => (*only).to_owned(),
        _ => NAMESPACE_DEFAULT.to_owned(),
    }
}
