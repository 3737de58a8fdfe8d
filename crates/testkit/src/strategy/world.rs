//! The one small world that all owners write about.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeSet;

/// What a node looks like when everybody agrees.
#[derive(Clone, Debug)]
pub struct World {
    /// The routers: the default VRF first.
    pub routers: Vec<RouterSpec>,
    /// The BFD profiles.
    pub profiles: Vec<BfdSpec>,
}

/// A router.
#[derive(Clone, Debug)]
pub struct RouterSpec {
    /// Its VRF; empty for the default one.
    pub vrf: &'static str,
    /// Its AS.
    pub asn: i64,
    /// Its id, if it has one.
    pub id: Option<&'static str>,
    /// Its neighbors.
    pub peers: Vec<PeerSpec>,
    /// What it can originate.
    pub prefixes: Vec<&'static str>,
    /// Its EVPN part.
    pub evpn: Option<EvpnSpec>,
}

/// A neighbor.
#[derive(Clone, Debug)]
pub struct PeerSpec {
    /// Its address, or
    pub address: Option<&'static str>,
    /// its interface.
    pub interface: Option<&'static str>,
    /// Its AS; `None` for `mode`.
    pub asn: Option<i64>,
    /// How its AS is found.
    pub mode: &'static str,
    /// TCP port.
    pub port: Option<i64>,
    /// Where the session starts.
    pub source: Option<&'static str>,
    /// Its password.
    pub password: Option<&'static str>,
    /// Hold and keepalive time.
    pub timers: Option<(&'static str, &'static str)>,
    /// Connect time.
    pub connect: Option<&'static str>,
    /// More than one hop.
    pub multihop: bool,
    /// Another AS towards it.
    pub local_asn: Option<i64>,
    /// Both families over its address.
    pub dual_stack: bool,
    /// Its BFD profile, by number.
    pub profile: Option<usize>,
    /// Next hops of what is sent.
    pub next_hops: (Option<&'static str>, Option<&'static str>),
    /// Local preferences by prefix, by number.
    pub local_prefs: Vec<i64>,
}

/// A BFD profile.
#[derive(Clone, Debug)]
pub struct BfdSpec {
    /// Its name.
    pub name: &'static str,
    /// Receive, transmit, echo interval; detection multiplier; TTL.
    pub numbers: [Option<i64>; 5],
    /// Echo and passive mode.
    pub modes: [bool; 2],
}

/// The EVPN part of a router.
#[derive(Clone, Debug)]
pub struct EvpnSpec {
    /// `advertiseVNIs: All`.
    pub all: bool,
    /// `advertiseSVI`.
    pub svi: bool,
    /// Layer-2 VNIs: number, route distinguisher, targets.
    pub l2: Vec<(i64, Option<&'static str>, BTreeSet<&'static str>)>,
    /// A layer-3 VNI, which makes the router one without neighbors.
    pub l3: Option<(i64, Option<&'static str>, BTreeSet<&'static str>)>,
}

const V4_PREFIXES: &[&str] = &[
    "192.0.2.0/24",
    "192.0.2.128/25",
    "198.51.100.0/24",
    "198.51.100.7/32",
    "203.0.113.0/24",
    "10.0.0.0/8",
    "10.20.0.0/16",
    "10.20.30.0/24",
    "0.0.0.0/0",
];
const V6_PREFIXES: &[&str] =
    &["2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8::1/128", "fd00::/8", "::/0"];
/// The last three are what FRR derives for the VNIs of the default router and of the tenant.
const TARGETS: &[&str] = &[
    "65000:1",
    "65000:4000000000",
    "4200000000:7",
    "192.0.2.1:9",
    "65001:100",
    "64512:100",
    "64512:200",
    "64600:3000",
];
const DISTINGUISHERS: &[&str] = &["65000:10", "192.0.2.7:3", "4200000001:65535"];

/// What is not set more often than it is.
fn rarely<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = Option<T>> {
    option::weighted(0.3, select(values))
}

fn endpoint(number: usize, vrf: &str) -> (Option<&'static str>, Option<&'static str>) {
    match (vrf, number) {
        ("", 0) => (Some("10.99.0.2"), None),
        ("", 1) => (Some("fd99::2"), None),
        ("", 2) => (Some("10.99.0.3"), None),
        ("", 3) => (None, Some("eth1")),
        ("", _) => (Some("2001:db8:99::9"), None),
        (_, 0) => (Some("10.98.0.2"), None),
        // The same peer as in the default VRF: another session.
        (_, 1) => (Some("fd99::2"), None),
        (_, 2) => (None, Some("eth2.5")),
        _ => (Some("10.98.0.3"), None),
    }
}

prop_compose! {
    fn peer(number: usize, vrf: &'static str, router_asn: i64)(
        kind in 0..4_u8,
        port in rarely(&[179, 1790, 16384, 1]),
        source in rarely(&["10.99.0.1", "lo"]),
        source_v6 in rarely(&["fd99::1", "lo"]),
        password in rarely(&["s3cret", "a|b!#?\"'\\$%&", "!", "8"]),
        timers in rarely(&[("90s", "30s"), ("3m", "1m"), ("0s", "0s"), ("9s", "3s"), ("65535s", "1s"), ("180s", "20s")]),
        connect in rarely(&["1s", "10s", "60s", "65535s"]),
        switches in any::<[bool; 3]>(),
        local_asn in rarely(&[65100, 4_200_000_100]),
        profile in option::weighted(0.3, 0..2_usize),
        next_hop_v4 in rarely(&["192.0.2.200", "10.99.0.1"]),
        next_hop_v6 in rarely(&["2001:db8::200", "fd99::1"]),
        local_prefs in vec(select(&[0, 100, 200, 4_294_967_295_i64][..]), 20),
    ) -> PeerSpec {
        let (address, interface) = endpoint(number, vrf);
        let (asn, mode) = match kind {
            0 => (Some(router_asn), ""),
            1 => (None, "internal"),
            2 => (None, "external"),
            _ => (Some(65001 + i64::try_from(number).unwrap_or_default()), ""),
        };
        let external = kind > 1;
        let v6 = address.is_some_and(|address| address.contains(':'));
        let dual_stack = switches[0] && address.is_some();
        let carries = |family_v6: bool| interface.is_some() || dual_stack || family_v6 == v6;
        PeerSpec {
            address,
            interface,
            asn,
            mode,
            port,
            source: if interface.is_some() { None } else if v6 { source_v6 } else { source },
            password,
            timers,
            connect,
            multihop: switches[1] && external && interface.is_none(),
            local_asn: local_asn.filter(|_| external),
            dual_stack,
            profile,
            next_hops: (
                next_hop_v4.filter(|_| carries(false)),
                next_hop_v6.filter(|_| carries(true)),
            ),
            local_prefs,
        }
    }
}

fn targets() -> impl Strategy<Value = BTreeSet<&'static str>> {
    btree_set(select(TARGETS), 0..3)
}

fn evpn() -> impl Strategy<Value = EvpnSpec> {
    let l2 = subsequence(&[100_i64, 200, 16_777_215][..], 0..=3);
    (any::<[bool; 2]>(), l2, vec((rarely(DISTINGUISHERS), targets()), 3)).prop_map(
        |([all, svi], vnis, properties)| {
            let l2 = vnis.into_iter().zip(properties).map(|(vni, (rd, targets))| (vni, rd, targets));
            EvpnSpec { all, svi, l2: l2.collect(), l3: None }
        },
    )
}

fn l3() -> impl Strategy<Value = EvpnSpec> {
    (rarely(DISTINGUISHERS), targets()).prop_map(|(rd, targets)| EvpnSpec {
        all: false,
        svi: false,
        l2: Vec::new(),
        l3: Some((3000, rd, targets)),
    })
}

fn prefixes() -> impl Strategy<Value = Vec<&'static str>> {
    (subsequence(V4_PREFIXES, 2..=6), subsequence(V6_PREFIXES, 1..=4))
        .prop_map(|(v4, v6)| v4.into_iter().chain(v6).collect())
}

/// A router of a VRF.
fn router(vrf: &'static str, asn: i64, peers: usize) -> impl Strategy<Value = RouterSpec> {
    let peers: Vec<_> = (0..peers).map(|number| peer(number, vrf, asn)).collect();
    let id = rarely(&["10.99.0.1", "192.0.2.1", "255.255.255.255"]);
    (peers, id, prefixes()).prop_map(move |(peers, id, prefixes)| RouterSpec {
        vrf,
        asn,
        id,
        peers,
        prefixes,
        evpn: None,
    })
}

prop_compose! {
    fn profile(name: &'static str)(
        numbers in [
            rarely(&[10, 300, 60000]),
            rarely(&[10, 300, 60000]),
            rarely(&[10, 50, 60000]),
            rarely(&[2, 3, 255]),
            rarely(&[1, 10, 254]),
        ],
        modes in any::<[bool; 2]>(),
    ) -> BfdSpec {
        BfdSpec { name, numbers, modes }
    }
}

prop_compose! {
    /// A world: a default router, a VRF with neighbors, and, with EVPN, a tenant VRF without.
    pub fn world()(
        mut default in router("", 64512, 5),
        // Another AS than the default router's, which it imports.
        red in router("red", 64520, 4),
        mut tenant in router("tenant", 64600, 0),
        evpn in option::weighted(0.4, (evpn(), l3())),
        profiles in [profile("fast"), profile("slow.but-steady_1")],
    ) -> World {
        let mut routers = Vec::new();
        if let Some((l2, l3)) = evpn {
            default.evpn = Some(l2);
            tenant.evpn = Some(l3);
            routers.push(tenant);
        }
        routers.insert(0, red);
        routers.insert(0, default);
        World { routers, profiles: profiles.into() }
    }
}
