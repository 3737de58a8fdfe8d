//! What becomes of an `FRRConfiguration` on the nodes that it selects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Conflict;
use crate::k8s::Condition;
use crate::wire::{null_default, text, unset};

/// How many nodes a status names at most; the counts are of all.
pub const EXAMPLE_NODES_MAX: usize = 5;

/// What becomes of the object on the nodes that it selects, put together from what the nodes report.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FRRConfigurationStatus {
    /// `Accepted`: every selected node accepts the newest version of the object. `Applied`: FRR on every selected node
    /// runs it.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// How many nodes the object concerns, and how it fares on them.
    #[serde(skip_serializing_if = "unset")]
    pub nodes: Option<NodeCounts>,

    /// Up to five of the nodes on which not all is well, with the reasons.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub example_nodes: Vec<ExampleNode>,
}

/// How many nodes an object concerns, and how it fares on them.
// Zeros are written: a count of nothing is an answer, and a column of `kubectl get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeCounts {
    /// Nodes that the object's `nodeSelector` selects.
    #[serde(deserialize_with = "null_default")]
    pub selected: u32,

    /// Nodes whose FRR runs the newest version of the object.
    #[serde(deserialize_with = "null_default")]
    pub applied: u32,

    /// Nodes that refuse the newest version of the object. What is neither applied nor rejected is on its way.
    #[serde(deserialize_with = "null_default")]
    pub rejected: u32,
}

/// A node on which the object is not (fully) in effect, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExampleNode {
    /// The name of the node.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub node: Option<String>,

    /// Why, in one word.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub reason: Option<String>,

    /// Why, in a sentence.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub message: Option<String>,

    /// The conflict with other objects on that node, if that is why.
    #[serde(skip_serializing_if = "unset")]
    pub conflict: Option<Conflict>,
}
