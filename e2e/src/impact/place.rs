//! Configurations of the node, as lists of lines with the place of each.

use frrk8s_document::{Dialect, Document, Line, Text, opens_context};

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In no context.
    Top,
    /// The first entry of the map towards the peer.
    Out,
    /// Its second entry.
    OutV6,
    /// The map for what comes from the peer.
    In,
    /// The default router.
    Router,
    /// Its IPv4 routes.
    V4,
    /// Its IPv6 routes.
    V6,
    /// Its EVPN.
    Evpn,
    /// A VNI of its EVPN.
    Vni,
    /// The router of the VRF `red`.
    Red,
    /// Its IPv4 routes.
    RedV4,
    /// Its EVPN.
    RedEvpn,
    /// The VRF itself.
    Vrf,
    /// BFD.
    Bfd,
    /// A profile of BFD.
    Profile,
}

/// A line in its place.
pub type Placed = (Place, &'static str);

use Place::{Bfd, Evpn, In, Out, OutV6, Profile, Red, RedEvpn, RedV4, Router, Top, V4, V6, Vni, Vrf};

/// The line that opens a place, and where that line stands. A router's has its AS behind it.
const OPENED: &[(Place, Place, &str)] = &[
    (Out, Top, "route-map out permit 1"),
    (OutV6, Top, "route-map out permit 2"),
    (In, Top, "route-map in permit 1"),
    (Router, Top, "router bgp 64512"),
    (V4, Router, "address-family ipv4 unicast"),
    (V6, Router, "address-family ipv6 unicast"),
    (Evpn, Router, "address-family l2vpn evpn"),
    (Vni, Evpn, "vni 100"),
    (Red, Top, "router bgp 64514 vrf red"),
    (RedV4, Red, "address-family ipv4 unicast"),
    (RedEvpn, Red, "address-family l2vpn evpn"),
    (Vrf, Top, "vrf red"),
    (Bfd, Top, "bfd"),
    (Profile, Bfd, "profile fast"),
];

/// A line without the AS of a router: examples change it.
fn without_asn(line: &str) -> String {
    let words = line.split(' ').enumerate();
    let is_router = line.starts_with("router bgp ");
    words.filter(|(at, _)| !(is_router && *at == 2)).map(|(_, word)| format!("{word} ")).collect()
}

impl Place {
    /// The line that opens it.
    pub fn context(self) -> Option<&'static str> {
        OPENED.iter().find(|(place, ..)| *place == self).map(|(.., line)| *line)
    }

    /// The place that a line opens.
    fn opened(self, line: &str) -> Option<Self> {
        let opens = |(_, outer, opening): &&(Self, Self, &str)| {
            *outer == self && without_asn(opening) == without_asn(line)
        };
        OPENED.iter().find(opens).map(|(place, ..)| *place)
    }

    fn lines(self, placed: &[Placed]) -> Vec<Line> {
        let here = placed.iter().filter(|(place, _)| *place == self);
        here.filter_map(|(_, text)| {
            if !opens_context(self.context(), text) {
                return Some(Line::leaf(*text));
            }
            let inside = self.opened(text).map(|place| place.lines(placed)).unwrap_or_default();
            let is_idle = inside.is_empty() && text.starts_with("address-family ");
            (!is_idle).then(|| Line::context(*text, inside))
        })
        .collect()
    }
}

/// The configuration of these lines, without what is said of neighbors that are not there.
pub fn document(dialect: Dialect, placed: &[Placed]) -> Document {
    let makes = |router: Place, peer: &str| {
        let starts = [format!("neighbor {peer} remote-as "), format!("neighbor {peer} interface ")];
        let mut lines = placed.iter().filter(|(place, _)| *place == router);
        lines.any(|(_, line)| starts.iter().any(|start| line.starts_with(start)))
    };
    let is_there = |(place, line): &Placed| {
        let router = if matches!(place, Red | RedV4 | RedEvpn) { Red } else { Router };
        let peer = line.strip_prefix("neighbor ").and_then(|rest| rest.split(' ').next());
        peer.is_none_or(|peer| line.ends_with(" peer-group") || makes(router, peer))
    };
    let placed: Vec<Placed> = placed.iter().filter(|line| is_there(line)).copied().collect();
    // The order of documents and the spelling of FRR.
    dialect.read(&Text::parse(&Document::new(Top.lines(&placed)).print()))
}

/// What stands around an example: its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// A session with another AS.
    External,
    /// A session inside of the AS.
    Internal,
    /// The first with BFD on both ends.
    Bfd,
    /// The first, and another one in the VRF `red`; both routers speak EVPN.
    Vrf,
}

const COMMON: &[Placed] = &[
    (Top, "ip prefix-list sent seq 1 permit 10.0.0.0/24"),
    (Top, "ipv6 prefix-list sent6 seq 1 permit 2001:db8:1::/48"),
    (Top, "ip prefix-list taken seq 1 permit 10.255.0.0/16 le 32"),
    (Top, "route-map out permit 1"),
    (Out, "match ip address prefix-list sent"),
    (Top, "route-map out permit 2"),
    (OutV6, "match ipv6 address prefix-list sent6"),
    (Top, "route-map in permit 1"),
    (In, "match ip address prefix-list taken"),
    (Top, "router bgp 64512"),
    (Router, "no bgp ebgp-requires-policy"),
    (Router, "no bgp network import-check"),
    (Router, "no bgp default ipv4-unicast"),
    (Router, "bgp graceful-restart preserve-fw-state"),
    (Router, "neighbor 192.0.2.2 timers connect 1"),
    (Router, "address-family ipv4 unicast"),
    (Router, "address-family ipv6 unicast"),
    (Router, "address-family l2vpn evpn"),
    (V4, "network 10.0.0.0/24"),
    (V4, "network 10.1.0.0/24"),
    (V4, "neighbor 192.0.2.2 activate"),
    (V4, "neighbor 192.0.2.2 route-map in in"),
    (V4, "neighbor 192.0.2.2 route-map out out"),
    (V6, "network 2001:db8:1::/48"),
    (V6, "neighbor 192.0.2.2 activate"),
    (V6, "neighbor 192.0.2.2 route-map out out"),
];

const EXTERNAL: &[Placed] = &[(Router, "neighbor 192.0.2.2 remote-as external")];

const INTERNAL: &[Placed] = &[(Router, "neighbor 192.0.2.2 remote-as internal")];

const WITH_BFD: &[Placed] = &[
    (Router, "neighbor 192.0.2.2 remote-as external"),
    (Router, "neighbor 192.0.2.2 bfd"),
    (Router, "neighbor 192.0.2.2 bfd profile fast"),
    (Top, "bfd"),
    (Bfd, "profile fast"),
    (Profile, "receive-interval 50"),
    (Profile, "transmit-interval 50"),
    // More than half a second: less would be missed on a busy machine.
    (Profile, "detect-multiplier 12"),
];

const WITH_VRF: &[Placed] = &[
    (Router, "neighbor 192.0.2.2 remote-as external"),
    (Evpn, "neighbor 192.0.2.2 activate"),
    (Top, "router bgp 64514 vrf red"),
    (Red, "no bgp ebgp-requires-policy"),
    (Red, "no bgp network import-check"),
    (Red, "neighbor 192.0.2.2 remote-as external"),
    (Red, "neighbor 192.0.2.2 timers connect 1"),
    (Red, "address-family ipv4 unicast"),
    (Red, "address-family l2vpn evpn"),
    (RedV4, "network 10.2.0.0/24"),
    (RedV4, "neighbor 192.0.2.2 activate"),
    (Top, "vrf red"),
];

impl Scene {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::External, Self::Internal, Self::Bfd, Self::Vrf];

    /// What stands there without any example.
    pub fn lines(self) -> Vec<Placed> {
        let own = match self {
            Self::External => EXTERNAL,
            Self::Internal => INTERNAL,
            Self::Bfd => WITH_BFD,
            Self::Vrf => WITH_VRF,
        };
        [COMMON, own].concat()
    }
}
