//! A scenario is written once, for IPv4. The others are the same with other words.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use frrk8s_api::{FRRConfiguration, Neighbor, Router};
use frrk8s_model::{IpNet, Ipv6Net};
use serde_json::Value;

use super::outcome::{Outcome, Seen};

/// Which families a scenario is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// IPv4 over IPv4.
    V4,
    /// IPv6 over IPv6.
    V6,
    /// Both, each neighbor twice: a session a family.
    Both,
    /// Both over one session, which is IPv4.
    OneSession,
}

/// How many bits an IPv6 prefix has before those of the IPv4 prefix that it stands for.
const BITS_BEFORE: u8 = 16;

impl Families {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::V4, Self::V6, Self::Both, Self::OneSession];

    /// An object of IPv4 in the words of these families.
    pub fn object(self, v4: &FRRConfiguration) -> FRRConfiguration {
        let mut object = v4.clone();
        for router in &mut object.spec.bgp.routers {
            let v6 = router_of_v6(router);
            match self {
                Self::V4 => {}
                Self::V6 => *router = v6,
                Self::Both => {
                    router.neighbors.extend(v6.neighbors);
                    router.prefixes.extend(v6.prefixes);
                }
                Self::OneSession => {
                    router.neighbors.iter_mut().zip(v6.neighbors).for_each(carry_both);
                    router.prefixes.extend(v6.prefixes);
                }
            }
        }
        object
    }

    /// A text of IPv4, such as lines of FRR, in the words of IPv6; of V4 and V6 alone.
    pub fn words(self, v4: &str) -> String {
        let word = |word: &str| if word == "ipv4" { "ipv6".to_owned() } else { text_of_v6(word) };
        let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        match self {
            Self::V6 => v4.lines().map(line).collect::<Vec<_>>().join("\n"),
            _ => v4.to_owned(),
        }
    }

    /// Some prefixes of IPv4 in the words of these families.
    pub fn prefixes(self, v4: &[&str]) -> Vec<String> {
        let ours = v4.iter().map(|prefix| (*prefix).to_owned());
        let v6 = v4.iter().map(|prefix| text_of_v6(prefix));
        match self {
            Self::V4 => ours.collect(),
            Self::V6 => v6.collect(),
            Self::Both | Self::OneSession => ours.chain(v6).collect(),
        }
    }

    /// What is seen then.
    pub fn outcome(self, v4: &Outcome) -> Outcome {
        let peers = v4.iter().map(|(peer, seen)| (*peer, seen.clone()));
        let v6 = v4.iter().map(|(peer, seen)| (address_of_v6(*peer), seen_of_v6(seen)));
        match self {
            Self::V4 => v4.clone(),
            Self::V6 => v6.collect(),
            Self::Both => peers.chain(v6).collect(),
            Self::OneSession => peers
                .map(|(peer, mut seen)| {
                    let v6 = seen_of_v6(&seen);
                    seen.received.extend(v6.received);
                    seen.taken.extend(v6.taken);
                    (peer, seen)
                })
                .collect(),
        }
    }
}

/// `192.0.2.7` on the wire is `2001:db8::7`; any other one is `fd00:` and its bits.
fn address_of_v6(address: IpAddr) -> IpAddr {
    let IpAddr::V4(v4) = address else { return address };
    match v4.octets() {
        [192, 0, 2, host] => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into()).into(),
        _ => bits_of_v6(v4).into(),
    }
}

fn bits_of_v6(v4: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d] = v4.octets();
    Ipv6Addr::new(0xfd00, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), 0, 0, 0, 0, 0)
}

/// What is in an IPv4 prefix stays in the IPv6 prefix that stands for it.
pub(super) fn prefix_of_v6(prefix: IpNet) -> IpNet {
    let IpNet::V4(v4) = prefix else { return prefix };
    if v4.prefix_len() == 0 {
        return Ipv6Net::default().into();
    }
    Ipv6Net::new_assert(bits_of_v6(v4.addr()), v4.prefix_len() + BITS_BEFORE).into()
}

fn seen_of_v6(seen: &Seen) -> Seen {
    let received = seen.received.iter().map(|(prefix, route)| {
        let mut route = route.clone();
        route.next_hop = route.next_hop.map(|hop| text_of_v6(&hop));
        (prefix_of_v6(*prefix), route)
    });
    let taken: BTreeSet<IpNet> = seen.taken.iter().copied().map(prefix_of_v6).collect();
    Seen { received: received.collect(), taken }
}

fn text_of_v6(text: &str) -> String {
    let address = text.parse().map(|address| address_of_v6(address).to_string());
    let prefix = || text.parse().map(|prefix| prefix_of_v6(prefix).to_string());
    address.or_else(|_| prefix()).unwrap_or_else(|_| text.to_owned())
}

fn router_of_v6(router: &Router) -> Router {
    let mut value = serde_json::to_value(router).unwrap();
    value_of_v6("", &mut value);
    serde_json::from_value(value).unwrap()
}

fn value_of_v6(field: &str, value: &mut Value) {
    match value {
        // The router's id looks like an address whatever it speaks.
        Value::String(text) if field != "id" => *text = text_of_v6(text),
        Value::Number(number) if matches!(field, "ge" | "le") => {
            *value = (number.as_u64().unwrap() + u64::from(BITS_BEFORE)).into();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| value_of_v6(field, item)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(field, value)| value_of_v6(field, value));
            if field == "nextHop"
                && let Some(hop) = fields.remove("ipv4")
            {
                fields.insert("ipv6".to_owned(), hop);
            }
        }
        _ => {}
    }
}

/// A neighbor's session carries also what another one of IPv6 would.
fn carry_both((neighbor, v6): (&mut Neighbor, Neighbor)) {
    neighbor.dual_stack_address_family = true;
    let (ours, more) = (&mut neighbor.to_advertise, v6.to_advertise);
    ours.allowed.prefixes.extend(more.allowed.prefixes);
    ours.next_hop.ipv6 = more.next_hop.ipv6;
    for (ours, more) in ours.with_local_pref.iter_mut().zip(more.with_local_pref) {
        ours.prefixes.extend(more.prefixes);
    }
    for (ours, more) in ours.with_community.iter_mut().zip(more.with_community) {
        ours.prefixes.extend(more.prefixes);
    }
    neighbor.to_receive.allowed.prefixes.extend(v6.to_receive.allowed.prefixes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{objects, outcome};

    const OBJECT: &str = "asn: 64512
id: 192.0.2.1
prefixes: [10.1.0.0/16]
neighbors:
- address: 192.0.2.2
  asn: 65001
  toAdvertise: {allowed: {prefixes: [10.1.0.0/16]}, nextHop: {ipv4: 192.0.2.77}}
  toReceive: {allowed: {prefixes: [{prefix: 192.168.0.0/16, ge: 24, le: 25}, {prefix: 0.0.0.0/0}]}}
";

    fn router(families: Families) -> Router {
        families.object(&objects(&[OBJECT])[0]).spec.bgp.routers.remove(0)
    }

    #[test]
    fn ipv6_has_the_same_bits_behind_its_own() {
        let v6 = router(Families::V6);
        let neighbor = &v6.neighbors[0];
        assert_eq!(
            (v6.id.as_deref(), &v6.prefixes[..]),
            (Some("192.0.2.1"), &["fd00:a01::/32".to_owned()][..])
        );
        assert_eq!(neighbor.address.as_deref(), Some("2001:db8::2"));
        assert_eq!(neighbor.to_advertise.next_hop.ipv6.as_deref(), Some("2001:db8::4d"));
        let taken = &neighbor.to_receive.allowed.prefixes;
        assert_eq!(taken[0].prefix.as_deref(), Some("fd00:c0a8::/32"));
        assert_eq!((taken[0].ge, taken[0].le), (Some(40), Some(41)));
        assert_eq!(taken[1].prefix.as_deref(), Some("::/0"));
    }

    #[test]
    fn both_is_a_session_a_family_or_one_for_both() {
        let peers = |router: &Router| {
            router.neighbors.iter().map(|it| it.address.clone().unwrap()).collect::<Vec<_>>()
        };
        let both = router(Families::Both);
        assert_eq!(peers(&both), ["192.0.2.2", "2001:db8::2"]);
        assert_eq!(both.prefixes, ["10.1.0.0/16", "fd00:a01::/32"]);
        let one = router(Families::OneSession);
        assert_eq!(peers(&one), ["192.0.2.2"]);
        assert_eq!(one.neighbors[0].to_advertise.allowed.prefixes, ["10.1.0.0/16", "fd00:a01::/32"]);
        assert!(one.neighbors[0].dual_stack_address_family);
    }

    #[test]
    fn what_is_seen_follows() {
        let v4 = outcome("192.0.2.2 receives 10.1.0.0/16 via:192.0.2.77");
        assert_eq!(Families::V6.outcome(&v4), outcome("2001:db8::2 receives fd00:a01::/32 via:2001:db8::4d"));
        let one = "192.0.2.2 receives 10.1.0.0/16 via:192.0.2.77, fd00:a01::/32 via:2001:db8::4d";
        assert_eq!(Families::OneSession.outcome(&v4), outcome(one));
    }
}
