//! `FRRConfiguration`: one actor's part of the configuration of some nodes.

use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::configuration_status::FRRConfigurationStatus;
use crate::k8s::LabelSelector;
use crate::wire::{null_default, optional_spec, text, unset};
use crate::{BfdProfile, Router};

/// What FRR should do on the nodes that the object selects. It adds to what other objects ask for; it never takes
/// away.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, remote = "Self")]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "FRRConfiguration",
    namespaced,
    status = "FRRConfigurationStatus",
    shortname = "frrconf",
    shortname = "frrcfg",
    derive = "Default",
    derive = "PartialEq",
    doc = "A part of the FRR configuration of the nodes that it selects. All objects that select a node are merged: \
           each may add neighbors, prefixes and filters, none can remove what another asks for, and two that disagree \
           about one value are a conflict.",
    printcolumn(
        name = "Selected",
        type_ = "integer",
        json_path = ".status.nodes.selected",
        description = "Nodes that this object selects"
    ),
    printcolumn(
        name = "Applied",
        type_ = "integer",
        json_path = ".status.nodes.applied",
        description = "Nodes whose FRR runs the newest version of this object"
    ),
    printcolumn(
        name = "Rejected",
        type_ = "integer",
        json_path = ".status.nodes.rejected",
        description = "Nodes that refuse the newest version of this object"
    ),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Accepted")].status"#,
        description = "Whether every selected node accepts this object"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Accepted")].reason"#,
        description = "Why it is (not) accepted",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct FRRConfigurationSpec {
    /// BGP routers and the BFD profiles of their neighbors.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub bgp: BgpConfig,

    /// Lines for FRR that the other fields cannot express. Experimental, and at your own risk: they are not merged,
    /// only put behind the generated configuration.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub raw: RawConfig,

    /// The nodes that this object counts for, by their labels. Absent or empty: every node.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(schema_with = "node_selector_schema")]
    pub node_selector: LabelSelector,
}
optional_spec!(FRRConfigurationSpec);

/// BGP routers and the BFD profiles of their neighbors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BgpConfig {
    /// The BGP routers, at most one for each VRF. Routers of one VRF in several objects become one router; their ASN
    /// must be the same. At most 50.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(length(max = 50))]
    pub routers: Vec<Router>,

    /// The BFD profiles that the neighbors of this object may name.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub bfd_profiles: Vec<BfdProfile>,
}

/// Lines for FRR that the other fields cannot express.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RawConfig {
    /// Where these lines stand among those of other objects: lower numbers come first, equal ones by the name of
    /// their object. Any sign; default 0.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(extend("format" = null))]
    pub priority: i64,

    /// The lines, as one would type them in FRR's configure mode, from the top level on: begin with the line that
    /// opens a context, such as `router bgp 64512`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub raw_config: Option<String>,
}

/// The schema of Kubernetes' own selector, with the merge behaviour that Go's type declares.
fn node_selector_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = LabelSelector::json_schema(generator);
    schema.insert("x-kubernetes-map-type".into(), "atomic".into());
    for list in ["/properties/matchExpressions", "/properties/matchExpressions/items/properties/values"] {
        if let Some(list) = schema.pointer_mut(list).and_then(|list| list.as_object_mut()) {
            list.insert("x-kubernetes-list-type".into(), "atomic".into());
        }
    }
    schema
}
