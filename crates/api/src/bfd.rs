//! BFD profiles.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::{text, unset};

/// Timers and modes of BFD sessions, under a name that neighbors of the same object refer to.
///
/// Several objects may define a profile of one name if all its fields are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["name"]))]
pub struct BfdProfile {
    /// The name that a neighbor's `bfdProfile` gives. A single word without spaces.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub name: Option<String>,

    /// The shortest time between two control packets that this node is able to receive, in milliseconds (10 to
    /// 60000). FRR's default is 300.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 10, max = 60_000), extend("format" = "int32"))]
    pub receive_interval: Option<i64>,

    /// The shortest time between two control packets that this node wants to send, in milliseconds (10 to 60000);
    /// jitter not counted. FRR's default is 300.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 10, max = 60_000), extend("format" = "int32"))]
    pub transmit_interval: Option<i64>,

    /// How many control packets may be missed before the session is declared down (2 to 255): the detection time is
    /// this number times the interval that both sides agreed on. FRR's default is 3.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 2, max = 255), extend("format" = "int32"))]
    pub detect_multiplier: Option<i64>,

    /// The shortest time between two echo packets, sent and received alike, in milliseconds (10 to 60000). It counts
    /// only with `echoMode`. FRR's default is 50.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 10, max = 60_000), extend("format" = "int32"))]
    pub echo_interval: Option<i64>,

    /// Sends echo packets, which the peer only has to loop back. Works for peers that are one hop away. Default
    /// false.
    #[serde(skip_serializing_if = "unset")]
    pub echo_mode: Option<bool>,

    /// Waits for the peer to start the BFD session instead of sending first. Default false.
    #[serde(skip_serializing_if = "unset")]
    pub passive_mode: Option<bool>,

    /// The lowest TTL that incoming control packets may have, for peers several hops away (1 to 254). Lower ones are
    /// dropped. FRR's default is 254.
    #[serde(skip_serializing_if = "unset")]
    #[schemars(range(min = 1, max = 254), extend("format" = "int32"))]
    pub minimum_ttl: Option<i64>,
}
