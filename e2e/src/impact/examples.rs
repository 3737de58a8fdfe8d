//! The examples: for every kind of line one that is told to a live session, and taken back.

use frrk8s_delta::{Effect, Kind};
use frrk8s_document::{Dialect, Document, Version};

use super::place::{Place, Placed, Scene, document};

use Place::{Bfd, Evpn, Out, Profile, Red, RedEvpn, Router, Top, V4, V6, Vni, Vrf};

/// A line that is told to a live session, and taken back.
#[derive(Clone, Debug)]
pub struct Example {
    /// Where it stands.
    pub place: Place,
    /// The line.
    pub line: &'static str,
    /// What else stands there.
    pub scene: Scene,
    /// The session that it is about: its VRF and its peer.
    pub session: (Option<&'static str>, &'static str),
    /// What stands in its place before.
    pub instead: Option<&'static str>,
    /// What stands there before and after, beside the scene.
    also: Vec<Placed>,
    /// What the other router needs, so that the session comes up: when the line is told, and when it is taken back.
    pub far: [&'static [&'static str]; 2],
}

impl Example {
    /// A line about the session of the scene.
    fn new(scene: Scene, place: Place, line: &'static str) -> Self {
        Self {
            place,
            line,
            scene,
            session: (None, "192.0.2.2"),
            instead: None,
            also: Vec::new(),
            far: [&[], &[]],
        }
    }

    fn instead(self, line: &'static str) -> Self {
        Self { instead: Some(line), ..self }
    }

    fn also(mut self, place: Place, line: &'static str) -> Self {
        self.also.push((place, line));
        self
    }

    fn about(self, vrf: Option<&'static str>, peer: &'static str) -> Self {
        Self { session: (vrf, peer), ..self }
    }

    fn far(self, told: &'static [&'static str], taken_back: &'static [&'static str]) -> Self {
        Self { far: [told, taken_back], ..self }
    }

    /// The row of the table that it is an example of.
    pub fn kind(&self) -> &'static Kind {
        let kind = Kind::of(self.place.context(), self.line);
        kind.unwrap_or_else(|| panic!("no kind of line is {:?}", self.line))
    }

    /// What the table says of it, told or taken back: what takes its place again is told as well.
    pub fn effect(&self, version: Version, told: bool) -> Effect {
        let Kind { told: on_told, taken_back, .. } = self.kind();
        if told || self.instead.is_some() { on_told.on(version) } else { taken_back.on(version) }
    }

    /// What runs before it is told, and after.
    pub fn documents(&self, dialect: Dialect) -> [Document; 2] {
        let mut common = self.scene.lines();
        common.extend(&self.also);
        common.retain(|(place, line)| {
            *place != self.place || *line != self.line && Some(*line) != self.instead
        });
        let with = |line: Option<&'static str>| {
            let line = line.map(|line| (self.place, line));
            document(dialect, &common.iter().copied().chain(line).collect::<Vec<Placed>>())
        };
        [with(self.instead), with(Some(self.line))]
    }
}

/// All of them. Some stand in the scene already: before, they are absent.
pub fn examples() -> Vec<Example> {
    [policy(), routers(), sessions(), raw_sessions(), families(), evpn(), bfd()].concat()
}

fn external(place: Place, line: &'static str) -> Example {
    Example::new(Scene::External, place, line)
}

fn internal(place: Place, line: &'static str) -> Example {
    Example::new(Scene::Internal, place, line)
}

fn plain(place: Place, lines: &[&'static str]) -> Vec<Example> {
    lines.iter().map(|line| external(place, line)).collect()
}

/// Of the top, and of maps.
fn policy() -> Vec<Example> {
    const AT_TOP: &[&str] = &[
        "hostname other",
        "log stdout informational",
        "log timestamp precision 6",
        "debug bgp updates",
        "debug bgp keepalives",
        "ip nht resolve-via-default",
        "ipv6 nht resolve-via-default",
        "ip prefix-list sent seq 5 permit 10.1.0.0/24",
        "ipv6 prefix-list sent6 seq 5 permit 2001:db8:2::/48",
        "route-map out permit 9",
    ];
    const IN_MAP: &[&str] = &[
        "match ip address prefix-list sent",
        "set community 64512:1 additive",
        "set large-community 64512:1:1 additive",
        "set ip next-hop 192.0.2.1",
        "set ipv6 next-hop global 2001:db8::1",
        "set as-path prepend 64999 64999",
        "match metric 5",
        "set metric 5",
        "on-match next",
        "description text",
    ];
    let mut examples = [plain(Top, AT_TOP), plain(Out, IN_MAP)].concat();
    examples.extend([
        external(Out, "match ipv6 address prefix-list sent6").instead("match ip address prefix-list sent"),
        external(Out, "call other").also(Top, "route-map other permit 1"),
        internal(Out, "set local-preference 200"),
        internal(Out, "set local-preference 300").instead("set local-preference 200"),
    ]);
    examples
}

/// Of routers, without those of single sessions.
fn routers() -> Vec<Example> {
    const IN_ROUTER: &[&str] = &[
        "bgp router-id 192.0.2.77",
        "no bgp ebgp-requires-policy",
        "no bgp network import-check",
        "no bgp default ipv4-unicast",
        "bgp graceful-restart preserve-fw-state",
        "bgp graceful-restart",
        "bgp graceful-restart-disable",
        "bgp confederation identifier 64600",
        "bgp bestpath as-path multipath-relax",
        "bgp log-neighbor-changes",
        "timers bgp 5 15",
    ];
    let mut examples = plain(Router, IN_ROUTER);
    examples.extend([
        external(Top, "router bgp 64512"),
        external(Top, "router bgp 64512").instead("router bgp 64511"),
        external(Router, "bgp router-id 192.0.2.77").instead("bgp router-id 192.0.2.78"),
        internal(Router, "bgp cluster-id 192.0.2.77"),
        external(Router, "neighbor group peer-group"),
        external(Router, "bgp listen range 198.51.100.0/24 peer-group group")
            .also(Router, "neighbor group peer-group")
            .also(Router, "neighbor group remote-as external"),
        Example::new(Scene::Vrf, Top, "router bgp 64514 vrf red").about(Some("red"), "192.0.2.2"),
        Example::new(Scene::Vrf, Top, "router bgp 64514 vrf red")
            .instead("router bgp 64515 vrf red")
            .about(Some("red"), "192.0.2.2"),
        Example::new(Scene::Vrf, Red, "bgp router-id 192.0.2.77").about(Some("red"), "192.0.2.2"),
    ]);
    examples
}

/// Of single sessions.
fn sessions() -> Vec<Example> {
    const IN_ROUTER: &[&str] = &[
        "neighbor 192.0.2.2 remote-as external",
        "neighbor 192.0.2.2 ebgp-multihop",
        "neighbor 192.0.2.2 local-as 64999 no-prepend replace-as",
        "neighbor 192.0.2.2 port 1790",
        "neighbor 192.0.2.2 timers connect 1",
        "neighbor 192.0.2.2 timers 10 30",
        "neighbor 192.0.2.2 update-source 192.0.2.1",
        "neighbor 192.0.2.2 graceful-restart",
        "neighbor 192.0.2.2 disable-connected-check",
    ];
    const OVER_INTERFACE: &str = "neighbor e0 interface remote-as external";
    let over_interface =
        || external(Router, OVER_INTERFACE).also(V4, "neighbor e0 activate").about(None, "e0");
    let mut examples = plain(Router, IN_ROUTER);
    examples.extend([
        external(Router, "neighbor 192.0.2.2 remote-as 64513")
            .instead("neighbor 192.0.2.2 remote-as external"),
        internal(Router, "neighbor 192.0.2.2 remote-as 64512")
            .instead("neighbor 192.0.2.2 remote-as internal"),
        over_interface(),
        over_interface().instead("neighbor e0 interface remote-as 64513"),
        external(Router, "neighbor 192.0.2.2 timers 10 30").instead("neighbor 192.0.2.2 timers 20 60"),
        external(Router, "neighbor 192.0.2.2 password secret").far(
            &["router bgp 64513", "neighbor 192.0.2.1 password secret"],
            &["router bgp 64513", "no neighbor 192.0.2.1 password"],
        ),
        internal(Router, "neighbor 192.0.2.2 graceful-restart"),
    ]);
    examples
}

/// Of single sessions, what raw snippets say.
fn raw_sessions() -> Vec<Example> {
    const IN_ROUTER: &[&str] = &[
        "neighbor 192.0.2.2 description text",
        "neighbor 192.0.2.2 advertisement-interval 1",
        "neighbor 192.0.2.2 capability extended-nexthop",
        "neighbor 192.0.2.2 passive",
        "neighbor 192.0.2.2 shutdown message closed",
        "neighbor 192.0.2.2 shutdown",
    ];
    let mut examples = plain(Router, IN_ROUTER);
    examples.extend([
        external(Router, "neighbor 192.0.2.2 ttl-security hops 1").far(
            &["router bgp 64513", "neighbor 192.0.2.1 ttl-security hops 1"],
            &["router bgp 64513", "no neighbor 192.0.2.1 ttl-security hops 1"],
        ),
        external(Router, "neighbor 192.0.2.2 peer-group group").also(Router, "neighbor group peer-group"),
    ]);
    examples
}

/// Of families.
fn families() -> Vec<Example> {
    const IN_V4: &[&str] = &[
        "neighbor 192.0.2.2 route-map in in",
        "neighbor 192.0.2.2 route-map out out",
        "network 10.3.0.0/24",
        "neighbor 192.0.2.2 addpath-tx-all-paths",
        "neighbor 192.0.2.2 allowas-in 2",
        "neighbor 192.0.2.2 allowas-in",
        "neighbor 192.0.2.2 as-override",
        "neighbor 192.0.2.2 filter-list paths out",
        "neighbor 192.0.2.2 maximum-prefix 1000",
        "neighbor 192.0.2.2 next-hop-self force",
        "neighbor 192.0.2.2 next-hop-self",
        "neighbor 192.0.2.2 prefix-list sent out",
        "neighbor 192.0.2.2 send-community extended",
        "neighbor 192.0.2.2 soft-reconfiguration inbound",
        "maximum-paths 4",
        "redistribute connected",
    ];
    let mut examples = plain(V4, IN_V4);
    examples.extend([
        external(V4, "neighbor 192.0.2.2 route-map out out").instead("neighbor 192.0.2.2 route-map in out"),
        external(V6, "neighbor 192.0.2.2 activate"),
        internal(V4, "neighbor 192.0.2.2 route-reflector-client"),
        Example::new(Scene::Vrf, V4, "import vrf red"),
    ]);
    examples
}

/// Of EVPN.
fn evpn() -> Vec<Example> {
    let with_vni = |place: Place, line: &'static str| {
        Example::new(Scene::Vrf, place, line).also(Evpn, "advertise-all-vni").also(Evpn, "vni 100")
    };
    let in_red = |line: &'static str| with_vni(RedEvpn, line).about(Some("red"), "192.0.2.2");
    vec![
        Example::new(Scene::Vrf, Evpn, "neighbor 192.0.2.2 activate"),
        Example::new(Scene::Vrf, Evpn, "advertise-all-vni"),
        with_vni(Evpn, "vni 100"),
        with_vni(Evpn, "advertise-svi-ip"),
        with_vni(Vni, "rd 64512:100"),
        with_vni(Vni, "route-target import 64512:7"),
        with_vni(Vrf, "vni 200"),
        in_red("advertise ipv4 unicast"),
        in_red("rd 64514:1"),
        in_red("route-target import 64514:7"),
    ]
}

/// Of BFD: its session is up as well.
fn bfd() -> Vec<Example> {
    const IN_PROFILE: &[&str] = &[
        "receive-interval 50",
        "transmit-interval 50",
        "minimum-ttl 250",
        "echo receive-interval 40",
        "echo transmit-interval 40",
        "echo-mode",
        "passive-mode",
    ];
    const WITH_PROFILE: &str = "neighbor 192.0.2.2 bfd profile fast";
    let with_bfd = |place: Place, line: &'static str| Example::new(Scene::Bfd, place, line);
    let mut examples: Vec<Example> = IN_PROFILE.iter().map(|line| with_bfd(Profile, line)).collect();
    examples.extend([
        // The other router follows: FRR 10 keeps a session down while BFD is.
        external(Router, "neighbor 192.0.2.2 bfd").far(
            &["router bgp 64513", "neighbor 192.0.2.1 bfd"],
            &["router bgp 64513", "no neighbor 192.0.2.1 bfd"],
        ),
        with_bfd(Profile, "detect-multiplier 10").instead("detect-multiplier 12"),
        with_bfd(Router, WITH_PROFILE),
        with_bfd(Router, WITH_PROFILE)
            .instead("neighbor 192.0.2.2 bfd profile other")
            .also(Bfd, "profile other"),
        with_bfd(Bfd, "profile other"),
        with_bfd(Bfd, "profile fast"),
    ]);
    examples
}
