//! The peers of a stage: who they are, and what each of them sends.

use std::net::IpAddr;

use frrk8s_model::IpNet;
use frrk8s_testkit::lab::{self, FrrInstall, Host, Lan};

use super::families::prefix_of_v6;
use crate::other::{Other, Sent};

/// The AS of the node.
pub const NODE_ASN: i64 = 64512;
/// The peer `192.0.2.2`: an FRR of AS 65001.
const EXTERNAL_ASN: i64 = 65001;
/// The last number of the peer `192.0.2.3`, an FRR of the node's AS.
pub(super) const INTERNAL: u8 = 3;
/// The peer `192.0.2.4`: a BIRD of AS 65003.
const BIRD_ASN: i64 = 65003;

/// What every peer sends of IPv4. Of IPv6 it sends those that stand for them.
const SENT: &[&str] = &[
    "0.0.0.0/0",
    "10.96.0.0/12",
    "10.96.1.0/24",
    "172.20.0.0/16",
    "192.168.0.0/16",
    "192.168.4.0/22",
    "192.168.9.0/24",
    "192.168.9.128/25",
];

/// What the agents never take from anybody, of IPv4.
const ALWAYS_BLOCK: &str = "10.96.0.0/12";

/// What every peer sends, of IPv4.
fn sent() -> Vec<IpNet> {
    SENT.iter().map(|prefix| prefix.parse().unwrap()).collect()
}

/// The option of the agents by which they never take it.
pub(super) fn always_block() -> String {
    let v4: IpNet = ALWAYS_BLOCK.parse().unwrap();
    format!("--always-block={v4},{}", prefix_of_v6(v4))
}

/// The peers, in the order of their numbers, on a wire that has the node only.
pub(super) fn enter(wire: &mut Lan, install: &FrrInstall, node: &Host) -> Vec<Other> {
    let v6: Vec<String> = sent().into_iter().map(|prefix| prefix_of_v6(prefix).to_string()).collect();
    let v6: Vec<&str> = v6.iter().map(String::as_str).collect();
    let sent = Sent { v4: SENT, v6: &v6 };
    let mut frr = |asn| Other::frr_that_sends(wire, install, ((asn, NODE_ASN), node), sent);
    let mut cast = vec![frr(EXTERNAL_ASN), frr(NODE_ASN)];
    cast.push(if lab::bird_installed() {
        Other::bird_that_sends(wire, BIRD_ASN, node, sent)
    } else {
        Other::frr_that_sends(wire, install, ((BIRD_ASN, NODE_ASN), node), sent)
    });
    cast
}

/// The addresses of a peer, each with the node's own of the same family.
pub(super) fn addresses(other: &Other, node: &Host) -> [(IpAddr, IpAddr); 2] {
    let host = other.host();
    [(host.v4.into(), node.v4.into()), (host.v6.into(), node.v6.into())]
}
