//! `FRRNodeState`: what FRR on one node runs, and what became of the objects that select the node.

use std::fmt;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Conflict;
use crate::k8s::{Condition, Time};
use crate::open_enum::open_enum;
use crate::wire::{null_default, optional_spec, text, unset};

/// How many bytes of `runningConfig` are published at most.
pub const RUNNING_CONFIG_BYTES_MAX: usize = 64 * 1024;

/// How many objects `configurations` lists at most, those that are not applied first.
pub const CONFIGURATIONS_MAX: usize = 1_000;

/// Empty: nobody configures a node here.
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Deserialize, Serialize, JsonSchema)]
#[serde(default, remote = "Self")]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "FRRNodeState",
    status = "FRRNodeStateStatus",
    shortname = "frrns",
    derive = "Default",
    derive = "PartialEq",
    doc = "What FRR on a node runs, and what became of the FRRConfigurations that select the node. It has the name of \
           the node, and is written by the node's agent.",
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = ".status.summary.configurations",
        description = "FRRConfigurations that are accepted, of those that select the node"
    ),
    printcolumn(
        name = "Conflicts",
        type_ = "integer",
        json_path = ".status.counts.conflicts",
        description = "Values that FRRConfigurations disagree about"
    ),
    printcolumn(
        name = "Applied",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Applied")].status"#,
        description = "Whether FRR runs the merged configuration"
    ),
    printcolumn(
        name = "Sessions",
        type_ = "string",
        json_path = ".status.summary.sessions",
        description = "BGP sessions that are established, of those that are configured"
    ),
    printcolumn(
        name = "Since",
        type_ = "date",
        json_path = ".status.appliedAt",
        description = "How long FRR has been running this configuration"
    ),
    printcolumn(
        name = "In sync",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="InSync")].status"#,
        description = "Whether FRR was last seen to run what is desired",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Applied")].reason"#,
        description = "Why the configuration is (not) applied",
        priority = 1
    ),
    printcolumn(
        name = "Hash",
        type_ = "string",
        json_path = ".status.runningHash",
        description = "Of the configuration that FRR runs",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct FRRNodeStateSpec {}
optional_spec!(FRRNodeStateSpec);

/// What FRR on the node runs, and what became of the objects that select it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FRRNodeStateStatus {
    /// FRR's running configuration, with `password <retracted>` for passwords. Cut at 64 KiB; may be switched off.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub running_config: Option<String>,

    /// `success`, or what was wrong with the objects that select the node.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub last_conversion_result: Option<String>,

    /// `success`, or what FRR said against the configuration.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub last_reload_result: Option<String>,

    /// `Merged`: the objects were merged without conflicts. `Applied`: FRR runs the result. `InSync`: nobody has
    /// changed it in FRR since. `Degraded`: something that was asked for is not in effect. `Paused`: an operator told
    /// the agent to change nothing for some time.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Objects and sessions, counted.
    #[serde(skip_serializing_if = "unset")]
    pub counts: Option<NodeStateCounts>,

    /// The counts as `kubectl get` shows them.
    #[serde(skip_serializing_if = "unset")]
    pub summary: Option<NodeSummary>,

    /// The objects that select the node and what became of each, those that are not applied first. At most 1000.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub configurations: Vec<ConfigurationResult>,

    /// How many objects the list leaves out.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub configurations_omitted: u32,

    /// Identifies the configuration that the objects ask for.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub desired_hash: Option<String>,

    /// Identifies the configuration that FRR was last seen to run, as far as it is ours; equal to `desiredHash` when
    /// all is well.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub running_hash: Option<String>,

    /// When FRR last took a change of its configuration.
    #[serde(skip_serializing_if = "unset")]
    pub applied_at: Option<Time>,
}

impl FRRNodeStateStatus {
    /// What `lastConversionResult` and `lastReloadResult` say when all is well.
    pub const SUCCESS: &str = "success";
    /// What `lastConversionResult` begins with when it is not.
    pub const FAILED_PREFIX: &str = "failed: ";
}

/// Objects and sessions of a node, counted.
// Zeros are written: a count of nothing is an answer, and a column of `kubectl get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStateCounts {
    /// Objects that select the node.
    #[serde(deserialize_with = "null_default")]
    pub selected: u32,

    /// Objects of them whose newest version is part of the merged configuration.
    #[serde(deserialize_with = "null_default")]
    pub accepted: u32,

    /// Values that objects disagree about.
    #[serde(deserialize_with = "null_default")]
    pub conflicts: u32,

    /// BGP sessions that are configured.
    #[serde(deserialize_with = "null_default")]
    pub sessions: u32,

    /// BGP sessions of them that are established.
    #[serde(deserialize_with = "null_default")]
    pub sessions_up: u32,
}

/// The counts as `kubectl get` shows them, because a column can only show one field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSummary {
    /// Accepted and selected objects, such as `7/8`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub configurations: Option<String>,

    /// Established and configured sessions, such as `12/12`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub sessions: Option<String>,
}

impl From<&NodeStateCounts> for NodeSummary {
    fn from(counts: &NodeStateCounts) -> Self {
        let of = |part: &dyn fmt::Display, whole| Some(format!("{part}/{whole}"));
        Self {
            configurations: of(&counts.accepted, counts.selected),
            sessions: of(&counts.sessions_up, counts.sessions),
        }
    }
}

open_enum! {
    /// What became of an object on a node.
    pub enum Outcome {
        /// FRR runs its newest version.
        Applied = "Applied",
        /// Its newest version is accepted, and on its way to FRR.
        Accepted = "Accepted",
        /// Nothing is wrong with it, but the node is held at its last good configuration.
        Held = "Held",
        /// Its newest version is refused; an earlier one, accepted before, stays in effect.
        Superseded = "Superseded",
        /// It is refused, and nothing of it is in effect.
        Rejected = "Rejected",
    }
}

/// What became of one object on the node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigurationResult {
    /// The namespace of the object.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub namespace: Option<String>,

    /// The name of the object.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub name: Option<String>,

    /// Where the object comes from if not from the API server: the file on the node.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub source: Option<String>,

    /// The `metadata.uid` of the object.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub uid: Option<String>,

    /// The `metadata.generation` that this is about.
    #[serde(skip_serializing_if = "unset")]
    pub generation: Option<i64>,

    /// The `metadata.generation` that is in effect, if any is.
    #[serde(skip_serializing_if = "unset")]
    pub running_generation: Option<i64>,

    /// `Applied`: FRR runs this version. `Accepted`: it is on its way. `Held`: nothing is wrong with it, but the node
    /// is held at its last good configuration. `Superseded`: it is refused, and an earlier version stays in effect.
    /// `Rejected`: it is refused, and nothing of the object is in effect.
    // Without the enum: an outcome of a later release must not make the whole status unwritable.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(with = "Option<String>")]
    pub outcome: Option<Outcome>,

    /// Why it is not applied, in one word.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub reason: Option<String>,

    /// Why it is not applied, in a sentence with field and value.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub message: Option<String>,

    /// The values that other objects say otherwise.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub conflicts: Vec<Conflict>,
}
