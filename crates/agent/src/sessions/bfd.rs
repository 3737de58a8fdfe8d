//! What bfdd says about its sessions. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::read::{ReadError, decode};

/// Every session and whether it is up, in all VRFs.
pub const PEERS: &str = "show bfd peers json";
/// What is counted of each.
pub const COUNTERS: &str = "show bfd peers counters json";

/// A session of bfdd. One neighbor may have several: one a local address, and the same link-local address may be behind
/// several interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct BfdKey {
    /// Its VRF by FRR's name.
    pub vrf: String,
    /// The address of the other end.
    pub peer: String,
    /// The address of this end, where it is bound to one.
    pub local: String,
    /// The interface, where it is bound to one.
    pub interface: String,
}

/// The packets and events of a session, counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[allow(missing_docs, reason = "each is the counter of FRR that it is named after")]
pub struct BfdCounters {
    pub control_packet_input: u64,
    pub control_packet_output: u64,
    pub echo_packet_input: u64,
    pub echo_packet_output: u64,
    pub session_up: u64,
    pub session_down: u64,
    pub zebra_notifications: u64,
}

/// bfdd's word for each session: `up`, `down`, `init`, `shutdown`.
pub type BfdStates = BTreeMap<BfdKey, String>;

/// Reads the answer to [`PEERS`].
pub fn peers(json: &str) -> Result<BfdStates, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Peer {
        #[serde(flatten)]
        key: BfdKey,
        status: String,
    }
    let peers: Vec<Peer> = decode(PEERS, json)?;
    Ok(peers.into_iter().map(|peer| (peer.key, peer.status)).collect())
}

/// Reads the answer to [`COUNTERS`].
pub fn counters(json: &str) -> Result<BTreeMap<BfdKey, BfdCounters>, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Peer {
        #[serde(flatten)]
        key: BfdKey,
        #[serde(flatten)]
        counters: BfdCounters,
    }
    let peers: Vec<Peer> = decode(COUNTERS, json)?;
    Ok(peers.into_iter().map(|peer| (peer.key, peer.counters)).collect())
}
