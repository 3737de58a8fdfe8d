//! A BGP peer, and the session with it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::rule::text_schema;
use crate::wire::{null_default, text, unset};
use crate::{Advertise, Password, Receive};

open_enum! {
    /// How a peer's ASN is found when the session opens.
    pub enum DynamicAsn {
        /// The peer's ASN is this router's.
        Internal = "internal",
        /// The peer's ASN is any but this router's.
        External = "external",
    }
}

open_enum! {
    /// What a session carries.
    pub enum AddressFamily {
        /// IPv4 and IPv6 unicast routes, as the session's addresses allow.
        Unicast = "unicast",
        /// L2VPN EVPN routes.
        Evpn = "evpn",
    }
}

/// A BGP peer, and the session with it.
///
/// A peer is known by its `address` or `interface`, and by the VRF. Objects that describe the same peer have to agree
/// on its session; their prefixes and filters add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Neighbor {
    /// The peer's autonomous system number, 1 to 4294967295. Give either this or `dynamicASN`; 0 is the same as
    /// absent.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub asn: Option<i64>,

    /// Takes the peer's ASN from its open message: `internal` demands this router's own, `external` any other. Give
    /// either this or `asn`.
    #[serde(rename = "dynamicASN", deserialize_with = "text", skip_serializing_if = "unset")]
    pub dynamic_asn: Option<DynamicAsn>,

    /// Where the session comes from on the node's side: an IP address or the name of an interface. By default what
    /// routing gives.
    #[serde(rename = "sourceaddress", deserialize_with = "text", skip_serializing_if = "unset")]
    pub source_address: Option<String>,

    /// The IP address of the peer, without a zone. Give either this or `interface`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub address: Option<String>,

    /// The interface on which the peer is found by its IPv6 link-local address (an unnumbered session). Such a
    /// session carries IPv4 and IPv6. Give either this or `address`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub interface: Option<String>,

    /// The TCP port of the peer. Default 179. The upper bound of 16384 is older than this implementation and kept,
    /// so that an object is valid under either.
    // FRR takes 1 to 65535. Widening it here would let people store objects which upstream's CRD, put back one day,
    // refuses to update. No format, as Go's uint16 has none.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 0, max = 16_384), extend("format" = null))]
    pub port: Option<i64>,

    /// The password of the session (TCP MD5) in clear text; prefer `passwordSecret`, and give only one of the two.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub password: Option<Password>,

    /// The Secret that holds the session's password (TCP MD5) under the key `password`. It must be of type
    /// `kubernetes.io/basic-auth`.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub password_secret: SecretReference,

    /// How long the session outlives the last message of the peer, as a duration such as `90s` or `1m30s`: whole
    /// seconds, 3s to 65535s, or 0s for ever. The lower offer of the two sides counts. Default 180s; give
    /// `keepaliveTime` as well.
    #[serde(skip_serializing_if = "unset")]
    pub hold_time: Option<String>,

    /// How often to tell the peer that this side is alive, as a duration such as `30s`: whole seconds, not longer than
    /// `holdTime`. Default 60s; give `holdTime` as well.
    #[serde(skip_serializing_if = "unset")]
    pub keepalive_time: Option<String>,

    /// How long to wait between two attempts to connect, as a duration such as `10s`: whole seconds, 1s to 65535s.
    /// By default what FRR does by itself: 30s in FRR 10, 120s before.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(schema_with = "connect_time_schema")]
    pub connect_time: Option<String>,

    /// Whether the peer may be more than one hop away, when it is in another autonomous system. Default false.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub ebgp_multi_hop: bool,

    /// Watches the peer by BFD, with this profile of `bfdProfiles` of the same object. By default BFD is off.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub bfd_profile: Option<String>,

    /// Asks the peer to keep our routes while BGP restarts on the node. Takes effect when the session is next
    /// established. Default false.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub enable_graceful_restart: bool,

    /// The prefixes that this peer hears of, and with which attributes. By default none.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub to_advertise: Advertise,

    /// The prefixes that are taken from this peer. By default none.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub to_receive: Receive,

    /// Has no effect any more: a session carries the family of its address unless `dualStackAddressFamily` is set.
    /// Default false.
    #[serde(rename = "disableMP", deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(extend("default" = false))]
    pub disable_mp: bool,

    /// Carries IPv4 and IPv6 routes over this session, not only those of the family of its address. Default false.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(extend("default" = false))]
    pub dual_stack_address_family: bool,

    /// Presents this autonomous system number to the peer instead of the router's, 1 to 4294967295. For peers in
    /// another autonomous system only.
    #[serde(rename = "localASN", skip_serializing_if = "unset")]
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    pub local_asn: Option<i64>,

    /// What the session carries: `unicast` (IPv4 and IPv6, as the addresses allow), `evpn`, or both. Default
    /// `[unicast]`.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(length(max = 2), extend("default" = ["unicast"]))]
    pub address_families: Vec<AddressFamily>,
}

/// A Secret, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretReference {
    /// The name of the Secret.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub name: Option<String>,

    /// Ignored: the Secret is always looked up in the namespace of the daemon.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub namespace: Option<String>,
}

/// Text with the two rules that upstream's CRD has for it as well.
///
/// Neighbors are not bounded in number, so each rule may cost the API server little more than two calls.
fn connect_time_schema(_: &mut SchemaGenerator) -> Schema {
    text_schema(&[
        (
            "duration(self) >= duration('1s') && duration(self) <= duration('65535s')",
            "connectTime must be between 1s and 65535s",
        ),
        ("duration(self).getMilliseconds() % 1000 == 0", "connectTime must be a whole number of seconds"),
    ])
}
