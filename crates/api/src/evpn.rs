//! EVPN of a router.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::route_target::{export_targets_schema, import_targets_schema, route_distinguisher_schema};
use crate::wire::{null_default, text, unset};

open_enum! {
    /// Which of the node's VNIs are advertised.
    pub enum AdvertiseVnis {
        /// None.
        Disabled = "Disabled",
        /// Every VNI that the node has.
        All = "All",
    }
}

open_enum! {
    /// Which routes of a VRF go out as EVPN type-5 routes.
    pub enum RoutePrefixes {
        /// The unicast routes of both families.
        Unicast = "unicast",
    }
}

/// EVPN of a router.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Evpn {
    /// `All` advertises every VNI that the node has, `Disabled` none. Default `Disabled`. Needs a neighbor with
    /// `evpn` among its `addressFamilies`.
    #[serde(rename = "advertiseVNIs", deserialize_with = "text", skip_serializing_if = "unset")]
    pub advertise_vnis: Option<AdvertiseVnis>,

    /// Advertises the addresses of the VLAN interfaces (SVI) as type-2 routes. Default false.
    #[serde(rename = "advertiseSVI", deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub advertise_svi: bool,

    /// Layer 2 networks whose route distinguisher or route targets are to be set by hand. At most 10.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(length(max = 10))]
    pub l2vnis: Vec<L2Vni>,

    /// The layer 3 network of this router's VRF. Its router has no neighbors of its own: the routes travel over those
    /// of the default VRF.
    #[serde(skip_serializing_if = "unset")]
    pub l3vni: Option<L3Vni>,
}

/// A layer 2 network: a bridge domain that spans nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["vni"]))]
pub struct L2Vni {
    /// The VXLAN network identifier, 1 to 16777215; no other network of the node has the same.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 1, max = 16_777_215), extend("format" = "int32"))]
    pub vni: Option<i64>,

    /// The route distinguisher: `65000:100` (up to 65535:4294967295), `4200000000:100` (up to 4294967295:65535) or
    /// `192.0.2.1:100` (up to 65535). By default FRR makes one from the router ID.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(schema_with = "route_distinguisher_schema")]
    pub rd: Option<String>,

    /// The route targets of routes to take in. By default FRR makes one from ASN and VNI. At most 100.
    #[serde(rename = "importRTs", deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(schema_with = "import_targets_schema")]
    pub import_rts: Vec<String>,

    /// The route targets that own routes carry. By default FRR makes one from ASN and VNI. At most 100.
    #[serde(rename = "exportRTs", deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(schema_with = "export_targets_schema")]
    pub export_rts: Vec<String>,
}

/// The layer 3 network of a VRF: its routes, carried between nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["vni", "advertisePrefixes"]))]
pub struct L3Vni {
    /// The VXLAN network identifier, 1 to 16777215; no other network of the node has the same.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 1, max = 16_777_215), extend("format" = "int32"))]
    pub vni: Option<i64>,

    /// The route distinguisher: `65000:100` (up to 65535:4294967295), `4200000000:100` (up to 4294967295:65535) or
    /// `192.0.2.1:100` (up to 65535). By default FRR makes one from the router ID.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(schema_with = "route_distinguisher_schema")]
    pub rd: Option<String>,

    /// The route targets of routes to take in; `*:100` takes any left side. By default FRR makes one from ASN and
    /// VNI. At most 100.
    #[serde(rename = "importRTs", deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(schema_with = "import_targets_schema")]
    pub import_rts: Vec<String>,

    /// The route targets that own routes carry. By default FRR makes one from ASN and VNI. At most 100.
    #[serde(rename = "exportRTs", deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(schema_with = "export_targets_schema")]
    pub export_rts: Vec<String>,

    /// Which routes of the VRF go out as type-5 routes: exactly `[unicast]`.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(length(min = 1, max = 1))]
    pub advertise_prefixes: Vec<RoutePrefixes>,
}
