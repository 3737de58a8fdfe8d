//! What bgpd says about its sessions. Pure.
//!
//! bgpd's JSON has facts about a VRF beside the sessions in it, under the same object: what is no object is no session.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Everything about every session: a quarter of a megabyte for 100 of them, 3 ms of bgpd's time.
pub const NEIGHBORS: &str = "show bgp vrf all neighbors json";
/// What of them may change without anybody having typed: 40 kB for 100 of them, 0.6 ms. Without those that have no
/// address family.
pub const SUMMARY: &str = "show bgp vrf all summary json";
/// How many there are: those without an address family are counted here, and stay idle.
pub const VRFS: &str = "show bgp vrfs json";

/// A session, as bgpd has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbor {
    /// Its VRF by FRR's name: `default` for the default one.
    pub vrf: String,
    /// Its address or interface.
    pub peer: String,
    /// The other end's AS.
    pub asn: u64,
    /// BGP's word for its state.
    pub state: String,
    /// How often it came up.
    pub established: u64,
    /// When it came up, where it is.
    pub since: Option<Timestamp>,
    /// How long it has been up, in seconds, where it is.
    pub up_seconds: Option<u64>,
    /// Prefixes taken.
    pub prefixes_in: u64,
    /// Prefixes sent.
    pub prefixes_out: u64,
    /// BFD's word for its state, where the session has BFD.
    pub bfd: Option<String>,
    /// Why it last went down.
    pub last_reset: Option<String>,
    /// Messages counted.
    pub messages: Messages,
}

impl Neighbor {
    /// Whether it is established.
    pub fn is_up(&self) -> bool {
        self.state == ESTABLISHED
    }
}

/// BGP's word for a session that is up.
pub const ESTABLISHED: &str = "Established";

/// The messages of a session, counted since it was configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "each is the counter of FRR that it is named after")]
pub struct Messages {
    pub opens_sent: u64,
    pub opens_recv: u64,
    pub notifications_sent: u64,
    pub updates_sent: u64,
    pub updates_recv: u64,
    pub keepalives_sent: u64,
    pub keepalives_recv: u64,
    pub route_refresh_sent: u64,
    pub total_sent: u64,
    pub total_recv: u64,
}

/// An answer that is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the answer to `{command}` cannot be read")]
pub struct ReadError {
    /// What was asked.
    pub command: &'static str,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

/// Reads JSON that answers a command.
pub fn decode<'a, T: Deserialize<'a>>(command: &'static str, json: &'a str) -> Result<T, ReadError> {
    serde_json::from_str(json).map_err(|source| ReadError { command, source })
}

/// Reads the answer to [`NEIGHBORS`], sorted by VRF and peer.
pub fn neighbors(json: &str) -> Result<Vec<Neighbor>, ReadError> {
    let vrfs: BTreeMap<String, OrFact<BTreeMap<String, OrFact<Raw>>>> = decode(NEIGHBORS, json)?;
    let mut all = Vec::new();
    for (vrf, peers) in vrfs {
        let peers = peers.0.into_iter().flatten();
        all.extend(peers.filter_map(|(peer, raw)| raw.0?.neighbor(&vrf, peer)));
    }
    Ok(all)
}

/// What of the sessions may change by itself: by VRF and peer, the state and how often it came up and dropped.
pub type States = BTreeMap<(String, String), (String, u64, u64)>;

/// Reads the answer to [`SUMMARY`].
pub fn states(json: &str) -> Result<States, ReadError> {
    #[derive(Deserialize)]
    struct Family {
        #[serde(default)]
        peers: BTreeMap<String, Peer>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    #[derive(Default)]
    struct Peer {
        state: String,
        connections_established: u64,
        connections_dropped: u64,
    }
    let vrfs: BTreeMap<String, OrFact<BTreeMap<String, OrFact<Family>>>> = decode(SUMMARY, json)?;
    let mut states = States::new();
    for (vrf, families) in vrfs {
        for family in families.0.into_iter().flatten().filter_map(|(_, family)| family.0) {
            for (peer, it) in family.peers {
                let state = (it.state, it.connections_established, it.connections_dropped);
                states.insert((vrf.clone(), peer), state);
            }
        }
    }
    Ok(states)
}

/// Reads the answer to [`VRFS`]: how many sessions each VRF has.
pub fn counts(json: &str) -> Result<BTreeSet<(String, u64)>, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Vrf {
        num_configured_peers: u64,
    }
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        vrfs: BTreeMap<String, Vrf>,
    }
    let answer: Answer = decode(VRFS, json)?;
    Ok(answer.vrfs.into_iter().map(|(name, vrf)| (name, vrf.num_configured_peers)).collect())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Raw {
    remote_as: u64,
    bgp_state: String,
    bgp_timer_up_msec: Option<u64>,
    bgp_timer_up_established_epoch: Option<i64>,
    connections_established: u64,
    connections_dropped: u64,
    last_reset_due_to: Option<String>,
    address_family_info: BTreeMap<String, RawFamily>,
    message_stats: Messages,
    peer_bfd_info: Option<RawBfd>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawFamily {
    accepted_prefix_counter: u64,
    sent_prefix_counter: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawBfd {
    status: Option<String>,
}

impl Raw {
    /// Something without a state is no session.
    fn neighbor(self, vrf: &str, peer: String) -> Option<Neighbor> {
        if self.bgp_state.is_empty() {
            return None;
        }
        let is_up = self.bgp_state == ESTABLISHED;
        // A session that never dropped has had no reset: the word is that of its configuration.
        let is_unbroken = is_up && self.connections_dropped == 0;
        let families = || self.address_family_info.values();
        let epoch = self.bgp_timer_up_established_epoch.filter(|_| is_up);
        Some(Neighbor {
            vrf: vrf.to_owned(),
            peer,
            asn: self.remote_as,
            established: self.connections_established,
            since: epoch.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            up_seconds: self.bgp_timer_up_msec.filter(|_| is_up).map(|milliseconds| milliseconds / 1000),
            prefixes_in: families().map(|family| family.accepted_prefix_counter).sum(),
            prefixes_out: families().map(|family| family.sent_prefix_counter).sum(),
            bfd: self.peer_bfd_info.and_then(|bfd| bfd.status),
            last_reset: self.last_reset_due_to.filter(|_| !is_unbroken),
            messages: self.message_stats,
            state: self.bgp_state,
        })
    }
}

/// An object, or a fact that stands beside objects.
struct OrFact<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrFact<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OrFact<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a fact")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|value| OrFact(Some(value)))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(OrFact(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(OrFact(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(OrFact(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(OrFact(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(OrFact(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(OrFact(None))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(OrFact(None))
            }
        }

        input.deserialize_any(Either(std::marker::PhantomData))
    }
}
