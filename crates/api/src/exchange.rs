//! What is sent to a neighbor and what is taken from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::wire::{null_default, text, unset};

open_enum! {
    /// Whether a list of prefixes is a filter.
    pub enum PrefixMode {
        /// Everything; the list does not count.
        All = "all",
        /// Only what the list says.
        Filtered = "filtered",
    }
}

/// The prefixes that a peer hears of, and with which attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Advertise {
    /// Which of the router's prefixes go to this peer.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub allowed: AllowedOut,

    /// The next hop that the peer is told, for each family. By default the node's own address.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub next_hop: NextHop,

    /// Local preferences, each for some of the advertised prefixes. Only peers in the same autonomous system see them.
    /// A prefix has at most one.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub with_local_pref: Vec<LocalPrefPrefixes>,

    /// Communities, each for some of the advertised prefixes. A prefix may have several.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub with_community: Vec<CommunityPrefixes>,
}

/// Which of the router's prefixes go to a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AllowedOut {
    /// The prefixes to advertise, each one of the router's `prefixes` in this same object (or of the VRFs it imports
    /// there).
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub prefixes: Vec<String>,

    /// `all` advertises every prefix that this object gives the router, `filtered` those in `prefixes`. Default
    /// `filtered`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(extend("default" = "filtered"))]
    pub mode: Option<PrefixMode>,
}

/// The next hop that a peer is told, for each family.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NextHop {
    /// The next hop of IPv4 prefixes: an IPv4 address.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(extend("format" = "ipv4"))]
    pub ipv4: Option<String>,

    /// The next hop of IPv6 prefixes: a global IPv6 address.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(extend("format" = "ipv6"))]
    pub ipv6: Option<String>,
}

/// A local preference, and the prefixes that carry it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalPrefPrefixes {
    /// The prefixes that carry the local preference; each one has to be advertised to this peer. At least one.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(length(min = 1))]
    pub prefixes: Vec<String>,

    /// The local preference. Higher is preferred; BGP's default is 100. The API server accepts up to 2147483647.
    // BGP itself goes to 4294967295; the format is upstream's, so that both servers accept the same objects.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(extend("format" = "int32"))]
    pub local_pref: Option<i64>,
}

/// A community, and the prefixes that carry it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CommunityPrefixes {
    /// The prefixes that carry the community; each one has to be advertised to this peer. At least one.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    #[schemars(length(min = 1))]
    pub prefixes: Vec<String>,

    /// The community: `65000:100`, two numbers up to 65535, or a large one as `large:65000:1:2`, three numbers up to
    /// 4294967295.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub community: Option<String>,
}

/// The prefixes that are taken from a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Receive {
    /// Which of the peer's prefixes are taken.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub allowed: AllowedIn,
}

/// Which of a peer's prefixes are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AllowedIn {
    /// The prefixes to take.
    #[serde(deserialize_with = "null_default", skip_serializing_if = "unset")]
    pub prefixes: Vec<PrefixSelector>,

    /// `all` takes whatever the peer sends, `filtered` what `prefixes` select. Default `filtered`. If any object says
    /// `all`, all it is.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(extend("default" = "filtered"))]
    pub mode: Option<PrefixMode>,
}

/// A prefix, or with `ge` and `le` the prefixes inside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PrefixSelector {
    /// The prefix, in CIDR form. Without `le` and `ge` exactly this one.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    #[schemars(extend("format" = "cidr"))]
    pub prefix: Option<String>,

    /// Takes prefixes inside `prefix` whose length is at most this (to 32 for IPv4, to 128 for IPv6).
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 1, max = 128), extend("format" = "int32"))]
    pub le: Option<i64>,

    /// Takes prefixes inside `prefix` whose length is at least this (to 32 for IPv4, to 128 for IPv6).
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 1, max = 128), extend("format" = "int32"))]
    pub ge: Option<i64>,
}
