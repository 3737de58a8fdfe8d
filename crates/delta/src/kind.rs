//! What is known of each kind of line: how it is taken back, and what FRR does to a session when it is told and when
//! it is taken back. Measured with live sessions on 8.4.4 and 10.3; `docs/session-impact.md` is printed from this table,
//! and tests walk it on both.

use frrk8s_document::Version;

/// What a line does to a BGP session that is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing.
    #[default]
    Untouched,
    /// Other routes are sent or taken; the session stays.
    Policy,
    /// Nothing before the next reset: FRR takes the line, and goes by it when the session opens again.
    Deferred,
    /// The session drops and comes up again.
    Reset,
}

impl Effect {
    /// The word for tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Policy => "policy only",
            Self::Deferred => "deferred",
            Self::Reset => "reset",
        }
    }
}

/// The effect by major version: what 8.4.4 does, which 9 is taken to do as well, and what 10.3 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impact {
    /// Up to FRR 9.
    pub v8: Effect,
    /// From FRR 10 on.
    pub v10: Effect,
}

impl Impact {
    const fn both(effect: Effect) -> Self {
        Self { v8: effect, v10: effect }
    }

    /// The effect on a version.
    pub fn on(self, version: Version) -> Effect {
        if version.major >= 10 { self.v10 } else { self.v8 }
    }
}

/// How a line is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// `no`, and the whole line.
    Whole,
    /// `no`, and the first words of the line.
    Head(usize),
    /// Another line is told: the default. FRR 8.4 has no `no` for these.
    Default(&'static str),
}

/// A kind of line.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The first word of the context; empty at the top.
    pub context: &'static str,
    /// The line: words in capitals stand for any word, `...` for the rest.
    pub line: &'static str,
    /// How it is taken back.
    pub undo: Undo,
    /// What it does when it is told to a router that runs something else in its place, or nothing.
    pub told: Impact,
    /// What taking it back does.
    pub taken_back: Impact,
    /// How it is printed, where not as it is told.
    pub printed: &'static str,
    /// Whether we render it. Others are told by raw snippets.
    pub rendered: bool,
}

const UNTOUCHED: Impact = Impact::both(Effect::Untouched);
const POLICY: Impact = Impact::both(Effect::Policy);
const DEFERRED: Impact = Impact::both(Effect::Deferred);
const RESET: Impact = Impact::both(Effect::Reset);
/// FRR 8 asks for a reset, FRR 10 makes one.
const DEFERRED_THEN_RESET: Impact = Impact { v8: Effect::Deferred, v10: Effect::Reset };

const fn row(
    context: &'static str,
    line: &'static str,
    undo: Undo,
    told: Impact,
    taken_back: Impact,
) -> Kind {
    Kind { context, line, undo, told, taken_back, printed: "", rendered: true }
}

const fn printed(kind: Kind, printed: &'static str) -> Kind {
    Kind { printed, ..kind }
}

/// Of raw snippets.
const fn raw(context: &'static str, line: &'static str, undo: Undo, impact: Impact) -> Kind {
    Kind { rendered: false, ..row(context, line, undo, impact, impact) }
}

use Undo::{Default as Instead, Head, Whole};

/// All kinds. The first that fits counts.
pub const KINDS: &[Kind] = &[
    // What every daemon, or zebra, has.
    row("", "hostname NAME", Whole, UNTOUCHED, UNTOUCHED),
    printed(row("", "log stdout ...", Head(2), UNTOUCHED, UNTOUCHED), "without its level at `debugging`"),
    row("", "log timestamp precision DIGITS", Whole, UNTOUCHED, UNTOUCHED),
    printed(
        row("", "debug bgp updates", Whole, UNTOUCHED, UNTOUCHED),
        "as two lines, `… updates in` and `… updates out`",
    ),
    row("", "debug ...", Whole, UNTOUCHED, UNTOUCHED),
    printed(row("", "ip nht resolve-via-default", Whole, UNTOUCHED, UNTOUCHED), "on 10.x only its `no`"),
    printed(row("", "ipv6 nht resolve-via-default", Whole, UNTOUCHED, UNTOUCHED), "on 10.x only its `no`"),
    // Policy.
    row("", "ip prefix-list NAME seq NUMBER ...", Whole, POLICY, POLICY),
    row("", "ipv6 prefix-list NAME seq NUMBER ...", Whole, POLICY, POLICY),
    row("", "route-map NAME ACTION NUMBER", Whole, POLICY, POLICY),
    row("route-map", "match ip address prefix-list NAME", Whole, POLICY, POLICY),
    row("route-map", "match ipv6 address prefix-list NAME", Whole, POLICY, POLICY),
    printed(
        row("route-map", "set community ...", Head(2), POLICY, POLICY),
        "with names for the well-known ones, in FRR's order",
    ),
    row("route-map", "set large-community ...", Head(2), POLICY, POLICY),
    row("route-map", "set local-preference NUMBER", Head(2), POLICY, POLICY),
    row("route-map", "set ip next-hop ADDRESS", Whole, POLICY, POLICY),
    row("route-map", "set ipv6 next-hop global ADDRESS", Whole, POLICY, POLICY),
    raw("route-map", "set as-path prepend ASN ...", Head(4), POLICY),
    raw("route-map", "match ...", Whole, POLICY),
    raw("route-map", "set ...", Whole, POLICY),
    raw("route-map", "on-match ...", Whole, POLICY),
    raw("route-map", "call NAME", Head(1), POLICY),
    raw("route-map", "description ...", Head(1), UNTOUCHED),
    // A router.
    row("", "router bgp ASN", Whole, RESET, RESET),
    row("", "router bgp ASN vrf VRF", Whole, RESET, RESET),
    printed(row("router", "bgp router-id ID", Head(2), RESET, RESET), "not at all when it is `0.0.0.0`"),
    row("router", "no bgp ebgp-requires-policy", Whole, UNTOUCHED, UNTOUCHED),
    row("router", "no bgp network import-check", Whole, UNTOUCHED, UNTOUCHED),
    row("router", "no bgp default ipv4-unicast", Whole, UNTOUCHED, UNTOUCHED),
    row("router", "bgp graceful-restart preserve-fw-state", Whole, DEFERRED, DEFERRED),
    raw("router", "bgp graceful-restart", Whole, DEFERRED_THEN_RESET),
    raw("router", "bgp graceful-restart-disable", Whole, DEFERRED_THEN_RESET),
    raw("router", "bgp cluster-id ID", Head(2), RESET),
    raw("router", "bgp confederation ...", Whole, RESET),
    raw("router", "bgp listen range PREFIX peer-group NAME", Whole, UNTOUCHED),
    raw("router", "bgp bestpath ...", Whole, UNTOUCHED),
    raw("router", "bgp log-neighbor-changes", Whole, UNTOUCHED),
    raw("router", "timers bgp ...", Head(2), DEFERRED),
    // A session.
    row("router", "neighbor PEER remote-as ASN", Head(2), RESET, RESET),
    row("router", "neighbor PEER interface remote-as ASN", Whole, RESET, RESET),
    printed(
        row("router", "neighbor PEER ebgp-multihop", Whole, RESET, RESET),
        "with 255 on 8.x; not at all on iBGP",
    ),
    row("router", "neighbor PEER local-as ASN no-prepend replace-as", Whole, RESET, RESET),
    printed(
        row("router", "neighbor PEER port NUMBER", Head(3), RESET, DEFERRED),
        "not at all when it is 179",
    ),
    row("router", "neighbor PEER timers connect SECONDS", Whole, DEFERRED, DEFERRED),
    printed(
        row("router", "neighbor PEER timers SECONDS SECONDS", Head(3), DEFERRED, DEFERRED),
        "with a keepalive of a third of the hold time at most",
    ),
    row("router", "neighbor PEER password PASSWORD", Head(3), RESET, RESET),
    printed(
        row("router", "neighbor PEER update-source ADDRESS", Head(3), RESET, RESET),
        "not at all on an interface",
    ),
    row("router", "neighbor PEER graceful-restart", Whole, DEFERRED_THEN_RESET, DEFERRED_THEN_RESET),
    // Taken back, BFD goes down on the other end, and with it the session.
    row("router", "neighbor PEER bfd", Whole, UNTOUCHED, RESET),
    row("router", "neighbor PEER bfd profile NAME", Whole, UNTOUCHED, UNTOUCHED),
    row("router", "neighbor PEER disable-connected-check", Whole, RESET, RESET),
    raw("router", "neighbor PEER description ...", Head(3), UNTOUCHED),
    raw("router", "neighbor PEER advertisement-interval SECONDS", Head(3), UNTOUCHED),
    raw("router", "neighbor PEER capability extended-nexthop", Whole, RESET),
    raw("router", "neighbor PEER passive", Whole, RESET),
    raw("router", "neighbor PEER shutdown ...", Head(3), RESET),
    raw("router", "neighbor PEER shutdown", Whole, RESET),
    raw("router", "neighbor PEER ttl-security hops NUMBER", Whole, RESET),
    raw("router", "neighbor NAME peer-group", Whole, UNTOUCHED),
    raw("router", "neighbor PEER peer-group NAME", Whole, RESET),
    // The families of a router.
    row("address-family", "neighbor PEER activate", Whole, RESET, RESET),
    row("address-family", "neighbor PEER route-map NAME DIRECTION", Whole, POLICY, POLICY),
    row("address-family", "network PREFIX", Whole, UNTOUCHED, UNTOUCHED),
    row("address-family", "import vrf VRF", Whole, UNTOUCHED, UNTOUCHED),
    raw("address-family", "neighbor PEER addpath-tx-all-paths", Whole, RESET),
    raw("address-family", "neighbor PEER allowas-in ...", Head(3), POLICY),
    raw("address-family", "neighbor PEER allowas-in", Whole, POLICY),
    raw("address-family", "neighbor PEER as-override", Whole, POLICY),
    raw("address-family", "neighbor PEER filter-list NAME DIRECTION", Whole, POLICY),
    raw("address-family", "neighbor PEER maximum-prefix ...", Head(3), UNTOUCHED),
    raw("address-family", "neighbor PEER next-hop-self ...", Whole, POLICY),
    raw("address-family", "neighbor PEER next-hop-self", Whole, POLICY),
    raw("address-family", "neighbor PEER prefix-list NAME DIRECTION", Whole, POLICY),
    raw("address-family", "neighbor PEER route-reflector-client", Whole, RESET),
    raw("address-family", "neighbor PEER send-community ...", Whole, POLICY),
    raw("address-family", "neighbor PEER soft-reconfiguration inbound", Whole, POLICY),
    raw("address-family", "maximum-paths ...", Head(1), UNTOUCHED),
    raw("address-family", "redistribute ...", Head(2), UNTOUCHED),
    // EVPN.
    row("address-family", "advertise-all-vni", Whole, UNTOUCHED, UNTOUCHED),
    row("address-family", "advertise-svi-ip", Whole, UNTOUCHED, UNTOUCHED),
    row("address-family", "advertise FAMILY unicast", Whole, UNTOUCHED, UNTOUCHED),
    row("address-family", "vni VNI", Whole, UNTOUCHED, UNTOUCHED),
    row("address-family", "rd RD", Whole, UNTOUCHED, UNTOUCHED),
    row("address-family", "route-target DIRECTION TARGET", Whole, UNTOUCHED, UNTOUCHED),
    row("vni", "rd RD", Whole, UNTOUCHED, UNTOUCHED),
    printed(
        row("vni", "route-target DIRECTION TARGET", Whole, UNTOUCHED, UNTOUCHED),
        "not at all when it is what FRR derives itself and stands alone",
    ),
    row("vrf", "vni VNI", Whole, UNTOUCHED, UNTOUCHED),
    // BFD.
    row("bfd", "profile NAME", Whole, UNTOUCHED, UNTOUCHED),
    printed(default("receive-interval MILLISECONDS", "receive-interval 300"), AT_DEFAULT),
    printed(default("transmit-interval MILLISECONDS", "transmit-interval 300"), AT_DEFAULT),
    printed(default("detect-multiplier PACKETS", "detect-multiplier 3"), AT_DEFAULT),
    printed(default("minimum-ttl HOPS", "minimum-ttl 254"), AT_DEFAULT),
    printed(default("echo receive-interval MILLISECONDS", "echo receive-interval 50"), AT_DEFAULT),
    printed(default("echo transmit-interval MILLISECONDS", "echo transmit-interval 50"), AT_DEFAULT),
    row("profile", "echo-mode", Whole, UNTOUCHED, UNTOUCHED),
    row("profile", "passive-mode", Whole, UNTOUCHED, UNTOUCHED),
];

const AT_DEFAULT: &str = "not at all at its default";

const fn default(line: &'static str, default: &'static str) -> Kind {
    row("profile", line, Instead(default), UNTOUCHED, UNTOUCHED)
}

impl Kind {
    /// The kind of a line, told or taken back, in a context given by the line that opens it.
    pub fn of(parent: Option<&str>, line: &str) -> Option<&'static Self> {
        let context = parent.map_or("", first_word);
        KINDS.iter().find(|kind| kind.context == context && fits(kind.line, line))
    }
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn fits(pattern: &str, line: &str) -> bool {
    let mut words = line.split(' ');
    for expected in pattern.split(' ') {
        let any = expected.bytes().all(|byte| byte.is_ascii_uppercase());
        match words.next() {
            Some(_) if expected == "..." => return true,
            Some(word) if any || word == expected => {}
            _ => return false,
        }
    }
    words.next().is_none()
}

/// The line that takes a line back.
pub fn undo(parent: Option<&str>, line: &str) -> Box<str> {
    let undo = Kind::of(parent, line).map_or(Whole, |kind| kind.undo);
    match (undo, line.strip_prefix("no ")) {
        (_, Some(plain)) => plain.into(),
        (Instead(default), None) => default.into(),
        (Head(words), None) => {
            let head: Vec<&str> = line.split(' ').take(words).collect();
            format!("no {}", head.join(" ")).into()
        }
        (Whole, None) => format!("no {line}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_back_as_frr_wants_it() {
        let router = Some("router bgp 1");
        let cases = [
            (None, "hostname a", "no hostname a"),
            (None, "no ip nht resolve-via-default", "ip nht resolve-via-default"),
            (
                router,
                "neighbor eth0 interface remote-as external",
                "no neighbor eth0 interface remote-as external",
            ),
            (router, "neighbor 10.0.0.1 remote-as 65001", "no neighbor 10.0.0.1"),
            (router, "neighbor 10.0.0.1 password secret", "no neighbor 10.0.0.1 password"),
            (router, "neighbor 10.0.0.1 timers connect 5", "no neighbor 10.0.0.1 timers connect 5"),
            (router, "neighbor 10.0.0.1 timers 1 3", "no neighbor 10.0.0.1 timers"),
            (router, "no bgp default ipv4-unicast", "bgp default ipv4-unicast"),
            (Some("profile fast"), "receive-interval 10", "receive-interval 300"),
            (Some("route-map a permit 1"), "set community 1:1 additive", "no set community"),
            (Some("route-map a permit 1"), "set metric 5", "no set metric 5"),
        ];
        for (parent, line, expected) in cases {
            assert_eq!(&*undo(parent, line), expected);
        }
    }

    #[test]
    fn a_pattern_fits_words() {
        assert!(fits("neighbor PEER port NUMBER", "neighbor eth0 port 1790"));
        assert!(!fits("neighbor PEER port NUMBER", "neighbor eth0 port"));
        assert!(!fits("neighbor PEER bfd", "neighbor eth0 bfd profile fast"));
        assert!(fits("log stdout ...", "log stdout informational"));
        assert!(!fits("log stdout ...", "log stdout"));
    }
}
