//! Which objects select a node.

use std::collections::BTreeMap;

use frrk8s_api::FRRConfigurationSpec;
use frrk8s_api::k8s::{Selector, SelectorExt};
use frrk8s_model::{Finding, ObjectId, Rule, shown};

/// A node selector that was read.
#[derive(Clone, Debug)]
pub struct NodeSelector(Selector);

impl NodeSelector {
    /// The selector of an object. An absent or empty one selects every node.
    pub fn of(object: &ObjectId, spec: &FRRConfigurationSpec) -> Result<Self, Box<Finding>> {
        Selector::try_from(spec.node_selector.clone()).map(Self).map_err(|error| {
            let message = format!("invalid NodeSelector: {}", shown(&error.to_string()));
            Box::new(Finding::new(Rule::NodeSelectorInvalid, object, "spec.nodeSelector", message))
        })
    }

    /// Whether a node with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.matches(labels)
    }
}
