//! `BGPSessionState`: one BGP session of one node.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::k8s::Time;
use crate::wire::{optional_spec, text, unset};

/// Empty: nobody configures a session here.
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Deserialize, Serialize, JsonSchema)]
#[serde(default, remote = "Self")]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "BGPSessionState",
    namespaced,
    status = "BGPSessionStateStatus",
    shortname = "bgpss",
    derive = "Default",
    derive = "PartialEq",
    doc = "The state of one BGP session of one node, written by the node's agent. The labels \
           frrk8s.metallb.io/node, frrk8s.metallb.io/peer and frrk8s.metallb.io/vrf select sessions.",
    printcolumn(name = "Node", type_ = "string", json_path = ".status.node"),
    printcolumn(name = "Peer", type_ = "string", json_path = ".status.peer"),
    printcolumn(name = "VRF", type_ = "string", json_path = ".status.vrf"),
    printcolumn(name = "BGP", type_ = "string", json_path = ".status.bgpStatus"),
    printcolumn(name = "BFD", type_ = "string", json_path = ".status.bfdStatus"),
    printcolumn(
        name = "Established",
        type_ = "date",
        json_path = ".status.establishedSince",
        description = "How long the session has been established",
        priority = 1
    ),
    printcolumn(
        name = "Received",
        type_ = "integer",
        json_path = ".status.prefixesReceived",
        description = "Prefixes taken from the peer",
        priority = 1
    ),
    printcolumn(
        name = "Sent",
        type_ = "integer",
        json_path = ".status.prefixesSent",
        description = "Prefixes sent to the peer",
        priority = 1
    ),
    printcolumn(
        name = "Last reset",
        type_ = "string",
        json_path = ".status.lastResetReason",
        description = "Why the session last went down",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct BGPSessionStateSpec {}
optional_spec!(BGPSessionStateSpec);

impl BGPSessionState {
    /// The label with the name of the node.
    pub const NODE_LABEL: &str = "frrk8s.metallb.io/node";
    /// The label with the peer, in the form of `status.peer`.
    pub const PEER_LABEL: &str = "frrk8s.metallb.io/peer";
    /// The label with the VRF; empty for the default VRF.
    pub const VRF_LABEL: &str = "frrk8s.metallb.io/vrf";
}

/// The state of the session.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BGPSessionStateStatus {
    /// The state of the session in FRR's words: `Idle`, `Connect`, `Active`, `OpenSent`, `OpenConfirm` or
    /// `Established`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub bgp_status: Option<String>,

    /// The state of BFD towards the peer in FRR's words, such as `Up` or `Down`; `N/A` when the session does without
    /// BFD.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub bfd_status: Option<String>,

    /// The name of the node.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub node: Option<String>,

    /// The peer: an IPv4 address, an IPv6 address in full with dashes for colons, or an interface.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub peer: Option<String>,

    /// The VRF. Absent or empty: the default VRF.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub vrf: Option<String>,

    /// Since when the session has been established; absent while it is not.
    #[serde(skip_serializing_if = "unset")]
    pub established_since: Option<Time>,

    /// How many prefixes of the peer were taken, over all address families. Counted when the state was last written.
    #[serde(skip_serializing_if = "unset")]
    pub prefixes_received: Option<u32>,

    /// How many prefixes were sent to the peer, over all address families. Counted when the state was last written.
    #[serde(skip_serializing_if = "unset")]
    pub prefixes_sent: Option<u32>,

    /// Why the session last went down, in FRR's words.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub last_reset_reason: Option<String>,
}
