//! A BGP router: one VRF, its neighbors, and what it can advertise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::{null_default, text, unset};
use crate::{Evpn, Neighbor};

/// A BGP router: one VRF, its neighbors, and what it can advertise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["asn"]))]
pub struct Router {
    /// The autonomous system number of this node in this VRF, 1 to 4294967295. Every object that configures the VRF
    /// must give the same.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub asn: Option<i64>,

    /// The BGP router ID, written as an IPv4 address. When no object gives one, FRR takes it from the node's
    /// addresses.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub id: Option<String>,

    /// The Linux VRF of this router, which has to exist on the node. Absent, empty or `default`: the default VRF.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub vrf: Option<String>,

    /// The peers of this router. A peer that several objects list is one peer, with what all of them ask for.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub neighbors: Vec<Neighbor>,

    /// The prefixes that this router originates, in CIDR form. Which neighbor hears of which is for its
    /// `toAdvertise` to say: by default none.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub prefixes: Vec<String>,

    /// The VRFs whose routes this router takes over. Each has to be a router of this same object.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub imports: Vec<VrfImport>,

    /// Makes the router speak EVPN. The VXLAN, bridge and VRF interfaces have to exist on the node. An empty object
    /// only activates the address family for the neighbors that have `evpn` among their `addressFamilies`.
    #[serde(skip_serializing_if = "unset")]
    pub evpn: Option<Evpn>,
}

/// A VRF whose routes are taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VrfImport {
    /// The name of the VRF; `default` is the default VRF.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub vrf: Option<String>,
}
