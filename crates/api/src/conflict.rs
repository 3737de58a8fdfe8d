//! A conflict, as it is told to the writer of one of the objects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::{null_default, text, unset};

/// One value that this object and others do not agree about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Conflict {
    /// The rule that is broken, in one word, such as `RouterAsn`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub reason: Option<String>,

    /// Where in this object the value stands, such as `spec.bgp.routers[0].asn`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub field: Option<String>,

    /// The value in this object. Absent when it is unset or secret.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub value: Option<String>,

    /// The objects that say otherwise.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub others: Vec<ConflictParty>,
}

/// An object on the other side of a conflict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ConflictParty {
    /// The namespace of the object.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub namespace: Option<String>,

    /// The name of the object.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub name: Option<String>,

    /// Where in that object its value stands.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub field: Option<String>,

    /// The value there. Absent when it is unset or secret.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub value: Option<String>,
}
