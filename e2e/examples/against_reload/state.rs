//! The configuration that is measured, as objects and as the existing FRR-K8s writes it.

use std::fmt::Write;

use frrk8s_e2e::fleet::{FLEET_ASN, NODE_ASN, address};

use crate::settings::Size;

/// One of the states between which things change. Every neighbor is allowed every prefix, but for the first neighbor:
/// what is withheld from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All prefixes but the one at the front.
    Base,
    /// With the one at the front: one prefix more.
    Front,
    /// As [`Base`](Self::Base); the last prefix is withheld.
    LastWithheld,
    /// The last one, and the one at the front.
    TwoWithheld,
    /// The one at the front.
    FrontWithheld,
}

/// The prefix that comes and goes at the front of the list.
pub const FRONT: &str = "10.0.0.0/24";

impl State {
    pub fn prefixes(self, size: Size) -> Vec<String> {
        let all = (0..=size.prefixes).map(|at| format!("10.{}.{}.0/24", at / 256, at % 256));
        all.skip(usize::from(self != Self::Front)).collect()
    }

    /// What the first neighbor is allowed.
    fn allowed_to_first(self, size: Size) -> Vec<String> {
        let mut allowed = self.prefixes(size);
        if matches!(self, Self::LastWithheld | Self::TwoWithheld) {
            allowed.pop();
        }
        if matches!(self, Self::FrontWithheld | Self::TwoWithheld) {
            allowed.remove(0);
        }
        allowed
    }

    /// How many prefixes a neighbor is to be sent.
    pub fn count(self, size: Size, neighbor: usize) -> usize {
        if neighbor == 0 { self.allowed_to_first(size).len() } else { self.prefixes(size).len() }
    }

    /// The object.
    pub fn object(self, size: Size) -> String {
        let prefixes = self.prefixes(size);
        let own = self.allowed_to_first(size);
        let neighbor = |at: usize| {
            let allowed = if at == 0 && own != prefixes {
                format!("prefixes: [{}]", own.join(", "))
            } else {
                "mode: all".to_owned()
            };
            format!("{{address: {}, asn: {FLEET_ASN}, toAdvertise: {{allowed: {{{allowed}}}}}}}", address(at))
        };
        format!(
            "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: {NODE_ASN}, \
             prefixes: [{}], neighbors: [{}]}}]}}}}\n",
            prefixes.join(", "),
            (0..size.neighbors).map(neighbor).collect::<Vec<_>>().join(", ")
        )
    }

    /// The lists of the standard rendering, each by itself: one of its own for each neighbor, numbered from 1 in sorted
    /// order.
    pub fn standard_lists(self, size: Size) -> impl Iterator<Item = Vec<String>> {
        let (prefixes, own) = (self.prefixes(size), self.allowed_to_first(size));
        (0..size.neighbors).map(move |at| {
            let peer = address(at);
            let line = |(seq, prefix): (usize, &String)| {
                format!("ip prefix-list {peer}-allowed-ipv4 seq {} permit {prefix}", seq + 1)
            };
            let allowed = if at == 0 { &own } else { &prefixes };
            allowed.iter().enumerate().map(line).collect()
        })
    }

    /// The rest of the standard rendering.
    pub fn standard_rest(self, size: Size) -> String {
        let (mut policy, mut sessions, mut family) = (String::new(), String::new(), String::new());
        for peer in (0..size.neighbors).map(address) {
            let _ = write!(
                policy,
                "ipv6 prefix-list {peer}-allowed-ipv6 seq 1 deny any\nip prefix-list {peer}-inpl-ipv4 seq 1 deny any\n\
                 ipv6 prefix-list {peer}-inpl-ipv4 seq 2 deny any\n\
                 route-map {peer}-out permit 1\n match ip address prefix-list {peer}-allowed-ipv4\nexit\n\
                 route-map {peer}-out permit 2\n match ipv6 address prefix-list {peer}-allowed-ipv6\nexit\n\
                 route-map {peer}-in permit 3\n match ip address prefix-list {peer}-inpl-ipv4\nexit\n\
                 route-map {peer}-in permit 4\n match ipv6 address prefix-list {peer}-inpl-ipv4\nexit\n"
            );
            let _ = writeln!(sessions, " neighbor {peer} remote-as {FLEET_ASN}");
            let _ = write!(
                family,
                "  neighbor {peer} activate\n  neighbor {peer} route-map {peer}-in in\n  neighbor {peer} route-map {peer}-out out\n"
            );
        }
        let networks: String =
            self.prefixes(size).iter().map(|prefix| format!("  network {prefix}\n")).collect();
        format!(
            "{policy}router bgp {NODE_ASN}\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
             bgp graceful-restart preserve-fw-state\n no bgp network import-check\n{sessions} address-family ipv4 unicast\n\
             {networks}{family} exit-address-family\nexit\n"
        )
    }

    /// The whole, as the existing FRR-K8s writes it.
    pub fn standard(self, size: Size) -> String {
        let lists: String = self.standard_lists(size).flatten().map(|line| line + "\n").collect();
        format!("log stdout informational\n{lists}{}", self.standard_rest(size))
    }
}
