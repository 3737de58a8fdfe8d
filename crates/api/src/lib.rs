//! The custom resources of `frrk8s.metallb.io/v1beta1`: what people write, and what they read back.
//!
//! ```text
//!                 people, MetalLB, OVN-Kubernetes            the agent, the cluster controller
//!                          │ write                                     │ write
//!                          ▼                                           ▼
//!   FRRConfiguration.spec, FRRK8sConfiguration        FRRConfiguration.status, FRRNodeState,
//!        (upstream's, byte for byte)                  BGPSessionState (upstream's fields and ours)
//! ```
//!
//! These are *wire types*: they hold whatever the API server, a file or an older release may hand us, and judge
//! nothing. Judging is the work of `translate`, which names the field and the value of everything it refuses.
//!
//! # Invariants
//!
//! * **Names and schema are upstream's.** Every stored object decodes unchanged, and a server with our CRDs fills the
//!   same defaults and refuses the same values (`tests/facts.rs` is the list, written by hand). The exceptions are in
//!   our favour: status fields of our own, columns, short names, and route targets checked without upstream's holes.
//! * **Decoding is as forgiving as Go**: what is absent, `null` or (for text) empty is one and the same, and unknown
//!   fields are ignored. A value of the wrong type is an error.
//! * **Values out of range decode.** Numbers are `i64`; an unknown word of an enumeration is its `Other(text)`; fields
//!   that the schema requires are `Option`. So each can be reported with its path, all at once.
//! * **Encoding adds nothing**: neither `null`, nor an empty list, nor a default that nobody wrote.
//! * **What can be refused is in `spec` only.** A status that the API server refuses tells nobody anything, and an old
//!   CRD may meet a new agent: in status there are neither enumerations nor longest lists, but constants that the
//!   writers obey.
//!
//! Deliberately absent: clients, validation, defaulting, anything that reads a clock. Other crates reach k8s-openapi
//! only through [`k8s`].

#![allow(
    clippy::duplicated_attributes,
    reason = "it takes the columns of `#[kube(printcolumn(…))]` for repetitions of one attribute"
)]

mod bfd;
mod condition;
mod configuration;
mod configuration_status;
mod conflict;
mod crd;
mod daemon_configuration;
mod duration;
mod evpn;
mod exchange;
pub mod k8s;
mod neighbor;
mod node_state;
mod open_enum;
mod password;
mod route_target;
mod router;
mod rule;
mod session_state;
mod wire;

pub use bfd::BfdProfile;
pub use condition::{ConfigurationCondition, NodeCondition};
pub use configuration::{BgpConfig, FRRConfiguration, FRRConfigurationSpec, RawConfig};
pub use configuration_status::{EXAMPLE_NODES_MAX, ExampleNode, FRRConfigurationStatus, NodeCounts};
pub use conflict::{Conflict, ConflictParty};
pub use crd::{crd_yaml, crds, crds_yaml, schema_of};
pub use daemon_configuration::{
    FRRK8sConfiguration, FRRK8sConfigurationSpec, FRRK8sConfigurationStatus, LogLevel,
};
pub use duration::{DurationError, parse_duration};
pub use evpn::{AdvertiseVnis, Evpn, L2Vni, L3Vni, RoutePrefixes};
pub use exchange::{
    Advertise, AllowedIn, AllowedOut, CommunityPrefixes, LocalPrefPrefixes, NextHop, PrefixMode,
    PrefixSelector, Receive,
};
pub use neighbor::{AddressFamily, DynamicAsn, Neighbor, SecretReference};
pub use node_state::{
    CONFIGURATIONS_MAX, ConfigurationResult, FRRNodeState, FRRNodeStateSpec, FRRNodeStateStatus,
    NodeStateCounts, NodeSummary, Outcome, RUNNING_CONFIG_BYTES_MAX,
};
pub use password::Password;
pub use router::{Router, VrfImport};
pub use session_state::{BGPSessionState, BGPSessionStateSpec, BGPSessionStateStatus};

/// The API group of all four kinds.
pub const GROUP: &str = "frrk8s.metallb.io";

/// The one version of the API: served, and stored.
pub const VERSION: &str = "v1beta1";
