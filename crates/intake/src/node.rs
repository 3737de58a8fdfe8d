//! Nodes, and on what terms they are planned.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use frrk8s_api::k8s::Node;
use frrk8s_merge::{ConflictPolicy, NodeFacts};
use frrk8s_model::{IpNet, Vrf};
use frrk8s_render::router_id_of;

/// The label by which objects for one node select it.
const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
/// Which node is meant, and on what terms.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Its name; `None` for all of the input.
    pub node: Option<String>,
    /// Labels of it beside those of its object.
    pub labels: Vec<(String, String)>,
    /// Routes that are never taken from anybody.
    pub always_block: Vec<IpNet>,
    /// What to do when objects do not go together.
    pub conflict_policy: ConflictPolicy,
}

/// A node, with what the input says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeView {
    /// Its name; `None` where nobody named one.
    pub name: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether there is an object for it.
    pub has_object: bool,
}

impl NodeView {
    pub(crate) fn of(node: &Node) -> Self {
        let addresses = node.status.as_ref().and_then(|status| status.addresses.as_ref());
        let addresses = addresses.into_iter().flatten().filter(|address| address.type_.ends_with("IP"));
        Self {
            name: node.metadata.name.clone(),
            labels: node.metadata.labels.clone().unwrap_or_default(),
            addresses: addresses.filter_map(|address| address.address.parse().ok()).collect(),
            has_object: true,
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let labels = [(HOSTNAME_LABEL.to_owned(), name.to_owned())];
        Self { name: Some(name.to_owned()), labels: labels.into(), ..Self::default() }
    }

    /// What it has beside its objects.
    pub fn facts(&self) -> NodeFacts {
        let own = self.addresses.iter().map(|address| (Vrf::Default, *address));
        NodeFacts { own_addresses: own.collect() }
    }

    /// The router id of a node of which addresses are known, none of them IPv4.
    pub(crate) fn router_id_fallback(&self) -> Option<Ipv4Addr> {
        let name = self.name.as_deref()?;
        let only_v6 = !self.addresses.is_empty() && self.addresses.iter().all(IpAddr::is_ipv6);
        only_v6.then(|| router_id_of(name))
    }

    /// What people call it.
    pub fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("node {name}"),
            None => "a node without labels".to_owned(),
        }
    }
}
