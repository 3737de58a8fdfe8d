//! A session as a `BGPSessionState`: its name, labels and status. Pure.
//!
//! Upstream names these objects at random; server-side apply needs a name, and the same session always the same one: the
//! node and a digest of VRF and peer.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use frrk8s_api::k8s::Time;
use frrk8s_api::{BGPSessionState, BGPSessionStateStatus};
use sha2::{Digest as _, Sha256};

use crate::sessions::SessionState;

/// FRR's name of the default VRF; it has none in Kubernetes.
const DEFAULT_VRF: &str = "default";
/// What a session without BFD says of it.
const NO_BFD: &str = "N/A";
/// The longest value of a label.
const LABEL_MAX: usize = 63;
/// The longest name of an object.
const NAME_MAX: usize = 253;
/// The characters of a digest that tell values apart.
const DIGEST: usize = 10;

/// What the object of a session is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub status: BGPSessionStateStatus,
}

impl Wanted {
    /// For a session of a node.
    pub fn of(node: &str, session: &SessionState) -> Self {
        let vrf = if session.vrf == DEFAULT_VRF { "" } else { &session.vrf };
        let peer = peer_text(&session.peer);
        let labels = [
            (BGPSessionState::NODE_LABEL, node),
            (BGPSessionState::PEER_LABEL, &peer),
            (BGPSessionState::VRF_LABEL, vrf),
        ];
        Self {
            name: name(node, vrf, &peer),
            labels: labels.into_iter().map(|(label, value)| (label.to_owned(), label_value(value))).collect(),
            status: BGPSessionStateStatus {
                bgp_status: Some(session.state.clone()),
                bfd_status: Some(session.bfd.clone().unwrap_or_else(|| NO_BFD.to_owned())),
                node: Some(node.to_owned()),
                peer: Some(peer),
                vrf: Some(vrf.to_owned()).filter(|vrf| !vrf.is_empty()),
                established_since: session.established_since.map(Time),
                prefixes_received: Some(count(session.prefixes_in)),
                prefixes_sent: Some(count(session.prefixes_out)),
                last_reset_reason: session.last_reset.clone(),
            },
        }
    }
}

/// How soon a difference is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing differs.
    None,
    /// Prefixes, counted again.
    Counts,
    /// A session that is not up tries on.
    Trying,
    /// It came up or went down, or BFD did.
    Now,
}

/// How soon the difference between two states is to be written.
pub fn urgency(there: &BGPSessionStateStatus, wanted: &BGPSessionStateStatus) -> Urgency {
    let is_up = |status: &BGPSessionStateStatus| status.established_since.is_some();
    let essence = |status: &BGPSessionStateStatus| {
        (status.node.clone(), status.peer.clone(), status.vrf.clone(), status.bfd_status.clone())
    };
    let trying =
        |status: &BGPSessionStateStatus| (status.bgp_status.clone(), status.last_reset_reason.clone());
    let counts = |status: &BGPSessionStateStatus| (status.prefixes_received, status.prefixes_sent);
    if essence(there) != essence(wanted)
        || is_up(there) != is_up(wanted)
        || there.bgp_status.is_none()
        || (is_up(wanted) && there.established_since != wanted.established_since)
    {
        Urgency::Now
    } else if trying(there) != trying(wanted) {
        Urgency::Trying
    } else if counts(there) != counts(wanted) {
        Urgency::Counts
    } else {
        Urgency::None
    }
}

/// A peer as upstream writes it: IPv6 in full, with dashes for colons.
fn peer_text(peer: &str) -> String {
    match peer.parse::<Ipv6Addr>() {
        Ok(address) => address.segments().map(|segment| format!("{segment:04x}")).join("-"),
        Err(_) => peer.to_owned(),
    }
}

fn name(node: &str, vrf: &str, peer: &str) -> String {
    let digest = digest(&format!("{vrf}\n{peer}"));
    // A node's name is one of an object: plain characters, without an end that may not be one.
    let node: String = node.chars().take(NAME_MAX - DIGEST - 1).collect();
    format!("{}-{digest}", node.trim_end_matches(['.', '-']))
}

/// A value as a label may have it. One that may not be is cut, made of characters that may, and told apart by a digest.
pub fn label_value(value: &str) -> String {
    let may_be = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let may_end = |c: char| c.is_ascii_alphanumeric();
    let is_fine = value.len() <= LABEL_MAX
        && value.chars().all(may_be)
        && value.chars().next().is_none_or(may_end)
        && value.chars().next_back().is_none_or(may_end);
    if is_fine {
        return value.to_owned();
    }
    let plain: String = value.chars().map(|c| if may_be(c) { c } else { '-' }).collect();
    let plain = plain.trim_start_matches(|c| !may_end(c));
    let cut = &plain[..plain.len().min(LABEL_MAX - DIGEST - 1)];
    let digest = digest(value);
    if cut.is_empty() { digest } else { format!("{cut}-{digest}") }
}

fn digest(text: &str) -> String {
    let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..DIGEST].to_owned()
}

fn count(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn session(vrf: &str, peer: &str) -> SessionState {
        let (vrf, peer, state) = (vrf.to_owned(), peer.to_owned(), "Idle".to_owned());
        SessionState { vrf, peer, state, ..SessionState::default() }
    }

    #[test]
    fn a_session_is_spelled_as_upstream_spells_it() {
        let wanted = Wanted::of("n1", &session("default", "fc00:f853:ccd:e793::4"));
        let peer = "fc00-f853-0ccd-e793-0000-0000-0000-0004";
        let values: Vec<&str> = wanted.labels.values().map(String::as_str).collect();
        assert_eq!(values, ["n1", peer, ""]);
        assert_eq!(wanted.status.peer.as_deref(), Some(peer));
        assert_eq!(wanted.status.vrf, None);
        assert_eq!(wanted.status.bfd_status.as_deref(), Some("N/A"));
        assert!(wanted.name.starts_with("n1-") && wanted.name.len() == 13, "{}", wanted.name);
        assert_ne!(wanted.name, Wanted::of("n1", &session("red", "fc00:f853:ccd:e793::4")).name);
        assert_eq!(
            Wanted::of("n1", &session("red", "192.0.2.7")).labels["frrk8s.metallb.io/peer"],
            "192.0.2.7"
        );
    }

    #[test]
    fn odd_names_become_labels_that_may_be() {
        for fine in ["", "e0", "192.0.2.1", "br-ex", "eth0.100", &"a".repeat(63)] {
            assert_eq!(label_value(fine), fine);
        }
        let odd = ["eth0:1", "-e0", "_", "e0.", "große", &"a".repeat(64), &"a".repeat(65)];
        let values: Vec<String> = odd.iter().map(|value| label_value(value)).collect();
        for value in &values {
            assert!(value.len() <= 63 && *value == label_value(value), "{value}");
        }
        let distinct: std::collections::BTreeSet<&String> = values.iter().collect();
        assert_eq!(distinct.len(), odd.len(), "{values:?}");
        let long = format!("{}.example", "n".repeat(245));
        let name = Wanted::of(&long, &session("default", "192.0.2.1")).name;
        assert!(name.len() <= 253 && name.starts_with(&"n".repeat(200)), "{name}");
    }

    #[test]
    fn what_is_up_or_down_is_urgent_and_counting_is_not() {
        let since = |seconds| Some(jiff::Timestamp::from_second(seconds).unwrap());
        let up = |seconds, prefixes_in| SessionState {
            state: "Established".to_owned(),
            established_since: since(seconds),
            prefixes_in,
            ..session("default", "a")
        };
        let status = |session: &SessionState| Wanted::of("n1", session).status;
        let idle = session("default", "a");
        let active = SessionState { state: "Active".to_owned(), ..idle.clone() };
        let with_bfd = SessionState { bfd: Some("Down".to_owned()), ..idle.clone() };
        for (there, wanted, expected) in [
            (&idle, &idle, Urgency::None),
            (&idle, &active, Urgency::Trying),
            (&idle, &with_bfd, Urgency::Now),
            (&idle, &up(1, 0), Urgency::Now),
            (&up(1, 0), &active, Urgency::Now),
            (&up(1, 0), &up(1, 7), Urgency::Counts),
            (&up(1, 0), &up(2, 0), Urgency::Now),
        ] {
            assert_eq!(urgency(&status(there), &status(wanted)), expected);
        }
        assert_eq!(urgency(&BGPSessionStateStatus::default(), &status(&idle)), Urgency::Now);
    }
}
