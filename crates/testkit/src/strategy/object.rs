//! What one owner writes about the world.

use frrk8s_api::k8s::ObjectMeta;
use frrk8s_api::{
    AddressFamily, AdvertiseVnis, BfdProfile, BgpConfig, CommunityPrefixes, Evpn, FRRConfiguration,
    FRRConfigurationSpec, L2Vni, L3Vni, LocalPrefPrefixes, Neighbor, PrefixMode, PrefixSelector, RawConfig,
    RoutePrefixes, Router, VrfImport,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{BfdSpec, EvpnSpec, PeerSpec, RouterSpec, World};

const COMMUNITIES: &[&str] = &[
    "64512:100",
    "0:0",
    "65535:65281",
    "65535:65282",
    "65535:666",
    "65535:65535",
    "large:64512:1:7",
    "large:0:0:0",
    "large:4294967295:4294967295:4294967295",
];
const RECEIVED_V4: &[(&str, Option<i64>, Option<i64>)] = &[
    ("192.168.0.0/16", None, None),
    ("192.168.0.0/16", None, Some(24)),
    ("192.168.0.0/16", Some(20), Some(24)),
    ("192.168.0.0/16", Some(17), None),
    ("10.0.0.0/8", Some(8), Some(8)),
    ("0.0.0.0/0", None, Some(32)),
];
const RECEIVED_V6: &[(&str, Option<i64>, Option<i64>)] =
    &[("2000::/3", None, Some(20)), ("2000::/32", None, None), ("fd00::/8", Some(64), Some(128))];

/// What one owner picks. Numbers are masks and positions in the world's lists.
#[derive(Clone, Debug)]
pub struct ObjectSpec {
    /// Which routers: a bit each.
    pub routers: u8,
    /// What it says about each.
    pub parts: Vec<PartSpec>,
    /// Which VRF, if any, the second router imports: 0 is the default one.
    pub import: Option<u8>,
    /// A raw snippet, by number.
    pub raw: Option<u8>,
    /// What it says differently from the others.
    pub twist: Option<Twist>,
}

/// What one owner says about one router.
#[derive(Clone, Debug)]
pub struct PartSpec {
    /// Whether it names the router's id.
    id: bool,
    /// Which prefixes: a bit each.
    prefixes: u16,
    /// Whether it has the EVPN part.
    evpn: bool,
    /// Its neighbors: which, and how.
    neighbors: Vec<NeighborSpec>,
}

/// What one owner says about one neighbor.
#[derive(Clone, Debug)]
pub struct NeighborSpec {
    peer: usize,
    /// Whether it names what may be left to others: BFD, next hops, defaults, graceful restart.
    names: [bool; 4],
    families: u8,
    /// 0: nothing, 1: all, else some.
    sends: u8,
    allowed: u16,
    with_local_pref: u16,
    communities: Vec<(usize, u16)>,
    /// 0: nothing, 1: all, else some.
    takes: u8,
    filters: Vec<usize>,
}

/// One field about which an owner says something else.
#[derive(Clone, Copy, Debug)]
pub struct Twist {
    /// Which field.
    pub field: TwistField,
    /// One of three values.
    pub value: u8,
}

/// The fields that a twist can concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwistField {
    /// The router's AS.
    RouterAsn,
    /// The router's id.
    RouterId,
    /// A neighbor's AS.
    Asn,
    /// A neighbor's port.
    Port,
    /// A neighbor's password.
    Password,
    /// A neighbor's timers.
    Timers,
    /// The local preference of all prefixes to a neighbor.
    LocalPref,
    /// A BFD profile's numbers.
    Bfd,
    /// The EVPN switches.
    Evpn,
}

const TWIST_FIELDS: &[TwistField] = &[
    TwistField::RouterAsn,
    TwistField::RouterId,
    TwistField::Asn,
    TwistField::Port,
    TwistField::Password,
    TwistField::Timers,
    TwistField::LocalPref,
    TwistField::Bfd,
    TwistField::Evpn,
];

/// A twist.
pub fn twist() -> impl Strategy<Value = Twist> {
    (select(TWIST_FIELDS), 0..3_u8).prop_map(|(field, value)| Twist { field, value })
}

prop_compose! {
    fn neighbor()(
        peer in 0..5_usize,
        names in any::<[bool; 4]>(),
        families in 0..8_u8,
        sends in 0..6_u8,
        allowed in any::<u16>(),
        with_local_pref in prop_oneof![Just(0), any::<u16>()],
        communities in vec((0..COMMUNITIES.len(), any::<u16>()), 0..4),
        takes in 0..5_u8,
        filters in vec(0..RECEIVED_V4.len() + RECEIVED_V6.len(), 0..4),
    ) -> NeighborSpec {
        NeighborSpec { peer, names, families, sends, allowed, with_local_pref, communities, takes, filters }
    }
}

prop_compose! {
    fn part()(
        id in any::<bool>(),
        prefixes in any::<u16>(),
        evpn in any::<bool>(),
        neighbors in vec(neighbor(), 1..5),
    ) -> PartSpec {
        PartSpec { id, prefixes, evpn, neighbors }
    }
}

prop_compose! {
    /// What one owner picks, in agreement with the world.
    pub fn object_spec()(
        routers in 1..8_u8,
        parts in vec(part(), 3),
        import in option::weighted(0.2, 0..2_u8),
        raw in option::weighted(0.15, 0..3_u8),
    ) -> ObjectSpec {
        ObjectSpec { routers, parts, import, raw, twist: None }
    }
}

impl ObjectSpec {
    /// The object of the owner with this number.
    pub fn build(&self, world: &World, number: usize) -> FRRConfiguration {
        let mut routers: Vec<Router> = Vec::new();
        for (at, (spec, part)) in world.routers.iter().zip(&self.parts).enumerate() {
            if self.routers & (1 << at) != 0 {
                routers.push(self.router(world, spec, part));
            }
        }
        self.add_import(&mut routers);
        let bfd_profiles = if routers.iter().any(|router| !router.neighbors.is_empty()) {
            world.profiles.iter().map(|profile| self.profile(profile)).collect()
        } else {
            Vec::new()
        };
        let raw = self.raw.map(|kind| raw(kind, number, &routers)).unwrap_or_default();
        let name = format!("owner-{number}");
        FRRConfiguration {
            metadata: ObjectMeta {
                namespace: Some("frr-k8s-system".to_owned()),
                name: Some(name),
                ..ObjectMeta::default()
            },
            spec: FRRConfigurationSpec {
                bgp: BgpConfig { routers, bfd_profiles },
                raw,
                ..FRRConfigurationSpec::default()
            },
            status: None,
        }
    }

    fn twisted(&self, field: TwistField) -> Option<u8> {
        self.twist.filter(|twist| twist.field == field).map(|twist| twist.value)
    }

    fn router(&self, world: &World, spec: &RouterSpec, part: &PartSpec) -> Router {
        let prefixes: Vec<String> = picked(&spec.prefixes, part.prefixes).map(str::to_owned).collect();
        let mut neighbors: Vec<Neighbor> = Vec::new();
        for neighbor in &part.neighbors {
            let Some(peer) = spec.peers.get(neighbor.peer) else {
                continue;
            };
            neighbors.push(self.neighbor(world, spec, peer, neighbor, &prefixes));
        }
        let evpn = spec.evpn.as_ref().filter(|evpn| part.evpn || evpn.l3.is_some());
        if let (Some(evpn), true) = (evpn, spec.vrf.is_empty()) {
            make_speak(evpn, &mut neighbors, |names| {
                let first = NeighborSpec::silent(0, names);
                self.neighbor(world, spec, &spec.peers[0], &first, &prefixes)
            });
        }
        let asn = self.twisted(TwistField::RouterAsn).map_or(spec.asn, |value| spec.asn + i64::from(value));
        let id = spec.id.filter(|_| part.id).map(str::to_owned);
        let id = self.twisted(TwistField::RouterId).map(|value| format!("192.0.2.{value}")).or(id);
        Router {
            asn: Some(asn),
            id,
            vrf: (!spec.vrf.is_empty()).then(|| spec.vrf.to_owned()),
            neighbors,
            prefixes,
            imports: Vec::new(),
            evpn: evpn.map(|evpn| self.evpn(evpn)),
        }
    }

    fn evpn(&self, spec: &EvpnSpec) -> Evpn {
        let targets = |targets: &std::collections::BTreeSet<&'static str>| -> Vec<String> {
            targets.iter().map(|target| (*target).to_owned()).collect()
        };
        let all = spec.all ^ (self.twisted(TwistField::Evpn) == Some(0));
        Evpn {
            advertise_vnis: all.then_some(AdvertiseVnis::All),
            // FRR takes the rest only from the router that advertises all VNIs.
            advertise_svi: all && spec.svi ^ (self.twisted(TwistField::Evpn) == Some(1)),
            l2vnis: spec
                .l2
                .iter()
                .filter(|_| all)
                .map(|(vni, rd, rts)| L2Vni {
                    vni: Some(*vni),
                    rd: rd.map(str::to_owned),
                    import_rts: targets(rts),
                    export_rts: targets(rts),
                })
                .collect(),
            l3vni: spec.l3.as_ref().map(|(vni, rd, rts)| L3Vni {
                vni: Some(*vni + i64::from(self.twisted(TwistField::Evpn).unwrap_or_default())),
                rd: rd.map(str::to_owned),
                import_rts: targets(rts),
                export_rts: targets(rts),
                advertise_prefixes: vec![RoutePrefixes::Unicast],
            }),
        }
    }

    fn profile(&self, spec: &BfdSpec) -> BfdProfile {
        let [receive, transmit, echo, multiplier, ttl] = spec.numbers;
        let twisted = self.twisted(TwistField::Bfd).map(|value| 100 + i64::from(value));
        BfdProfile {
            name: Some(spec.name.to_owned()),
            receive_interval: twisted.or(receive),
            transmit_interval: transmit,
            detect_multiplier: multiplier,
            echo_interval: echo,
            echo_mode: spec.modes[0].then_some(true),
            passive_mode: spec.modes[1].then_some(true),
            minimum_ttl: ttl,
        }
    }

    fn neighbor(
        &self,
        world: &World,
        router: &RouterSpec,
        peer: &PeerSpec,
        spec: &NeighborSpec,
        prefixes: &[String],
    ) -> Neighbor {
        let [names_bfd, names_hops, names_defaults, restarts] = spec.names;
        let text = |text: Option<&'static str>| text.map(str::to_owned);
        let asn = self.twisted(TwistField::Asn).map(|value| 65900 + i64::from(value)).or(peer.asn);
        let port = self.twisted(TwistField::Port).map(|value| 2000 + i64::from(value)).or(peer.port);
        let password = self.twisted(TwistField::Password).map(|value| format!("other{value}"));
        let timers = self.twisted(TwistField::Timers).map(|_| ("30s", "10s")).or(peer.timers);
        // What is the default may be written, or left out.
        let timers = timers.or(names_defaults.then_some(("180s", "60s")));
        let mut neighbor = Neighbor {
            asn,
            dynamic_asn: (asn.is_none()).then(|| peer.mode.into()),
            source_address: text(peer.source),
            address: text(peer.address),
            interface: text(peer.interface),
            port: port.or(names_defaults.then_some(179)),
            password: password.or(text(peer.password)).map(Into::into),
            hold_time: timers.map(|(hold, _)| hold.to_owned()),
            keepalive_time: timers.map(|(_, keepalive)| keepalive.to_owned()),
            connect_time: text(peer.connect.or(names_defaults.then_some("60s"))),
            ebgp_multi_hop: peer.multihop && asn.is_none_or(|asn| asn != router.asn),
            bfd_profile: peer.profile.filter(|_| names_bfd).map(|at| world.profiles[at].name.to_owned()),
            enable_graceful_restart: restarts,
            dual_stack_address_family: peer.dual_stack,
            local_asn: peer.local_asn,
            address_families: match spec.families {
                0 => vec![AddressFamily::Evpn],
                1 => vec![AddressFamily::Unicast, AddressFamily::Evpn],
                2 => vec![AddressFamily::Unicast],
                _ => Vec::new(),
            },
            ..Neighbor::default()
        };
        if names_hops {
            neighbor.to_advertise.next_hop.ipv4 = text(peer.next_hops.0);
            neighbor.to_advertise.next_hop.ipv6 = text(peer.next_hops.1);
        }
        self.add_policy(&mut neighbor, router, peer, spec, prefixes);
        neighbor
    }

    fn add_policy(
        &self,
        neighbor: &mut Neighbor,
        router: &RouterSpec,
        peer: &PeerSpec,
        spec: &NeighborSpec,
        prefixes: &[String],
    ) {
        let carried: Vec<&String> = prefixes.iter().filter(|prefix| peer.carries(prefix)).collect();
        let allowed: Vec<&String> = match spec.sends {
            0 => Vec::new(),
            1 => carried,
            _ => picked(&carried, spec.allowed).collect(),
        };
        let advertise = &mut neighbor.to_advertise;
        if spec.sends == 1 {
            advertise.allowed.mode = Some(PrefixMode::All);
        } else {
            advertise.allowed.prefixes = allowed.iter().map(|prefix| (*prefix).clone()).collect();
        }
        let preferred = picked(&allowed, spec.with_local_pref);
        let mut local_prefs: Vec<(i64, Vec<String>)> = Vec::new();
        for prefix in preferred {
            let at = router.prefixes.iter().position(|known| known == prefix).unwrap_or_default();
            let twisted = self.twisted(TwistField::LocalPref).map(|value| 900 + i64::from(value));
            let value = twisted.unwrap_or(peer.local_prefs[at]);
            match local_prefs.iter_mut().find(|(known, _)| *known == value) {
                Some((_, prefixes)) => prefixes.push(prefix.clone()),
                None => local_prefs.push((value, vec![prefix.clone()])),
            }
        }
        advertise.with_local_pref = local_prefs
            .into_iter()
            .map(|(value, prefixes)| LocalPrefPrefixes { prefixes, local_pref: Some(value) })
            .collect();
        for (community, mask) in &spec.communities {
            let prefixes: Vec<String> = picked(&allowed, *mask).cloned().collect();
            let community = Some(COMMUNITIES[*community].to_owned());
            let again = advertise.with_community.iter().any(|entry| entry.community == community);
            if !prefixes.is_empty() && !again {
                advertise.with_community.push(CommunityPrefixes { prefixes, community });
            }
        }
        add_received(neighbor, peer, spec);
    }

    /// Lets the second router import another, when the object has both.
    fn add_import(&self, routers: &mut [Router]) {
        let (Some(import), [_, second, ..]) = (self.import, &mut *routers) else {
            return;
        };
        let (importing, from) = if import == 0 { (1, 0) } else { (0, 1) };
        if second.evpn.as_ref().is_some_and(|evpn| evpn.l3vni.is_some()) {
            return;
        }
        let vrf = routers[from].vrf.clone().unwrap_or_else(|| "default".to_owned());
        routers[importing].imports = vec![VrfImport { vrf: Some(vrf) }];
    }
}

impl NeighborSpec {
    /// A neighbor that sends and takes nothing.
    fn silent(peer: usize, names: [bool; 4]) -> Self {
        Self {
            peer,
            names,
            families: 1,
            sends: 0,
            allowed: 0,
            with_local_pref: 0,
            communities: Vec::new(),
            takes: 0,
            filters: Vec::new(),
        }
    }
}

impl PeerSpec {
    fn carries(&self, prefix: &str) -> bool {
        let both = self.interface.is_some() || self.dual_stack;
        both || prefix.contains(':') == self.address.is_some_and(|address| address.contains(':'))
    }
}

/// The values whose bits are set.
fn picked<T: Copy>(values: &[T], mask: u16) -> impl Iterator<Item = T> {
    values.iter().enumerate().filter(move |(at, _)| mask & (1 << (at % 16)) != 0).map(|(_, value)| *value)
}

/// A router with VNIs to advertise needs a neighbor to advertise them to.
fn make_speak(evpn: &EvpnSpec, neighbors: &mut Vec<Neighbor>, first: impl FnOnce([bool; 4]) -> Neighbor) {
    let asks = evpn.all || evpn.svi || !evpn.l2.is_empty();
    let speaks = neighbors.iter().any(|n| n.address_families.contains(&AddressFamily::Evpn));
    if asks && !speaks {
        neighbors.push(first([false; 4]));
    }
}

fn add_received(neighbor: &mut Neighbor, peer: &PeerSpec, spec: &NeighborSpec) {
    let allowed = &mut neighbor.to_receive.allowed;
    match spec.takes {
        0 => {}
        1 => allowed.mode = Some(PrefixMode::All),
        _ => {
            for at in &spec.filters {
                let all = RECEIVED_V4.iter().chain(RECEIVED_V6);
                let Some(&(prefix, ge, le)) = all.clone().nth(*at) else {
                    continue;
                };
                if peer.carries(prefix) {
                    allowed.prefixes.push(PrefixSelector { prefix: Some(prefix.to_owned()), le, ge });
                }
            }
        }
    }
}

/// A raw snippet that only adds.
fn raw(kind: u8, number: usize, routers: &[Router]) -> RawConfig {
    let named = |router: &Router| router.vrf.as_deref().map_or(String::new(), |vrf| format!(" vrf {vrf}"));
    let text = match (kind, routers.iter().find(|router| !router.neighbors.is_empty())) {
        (0, Some(router)) => {
            let peer = &router.neighbors[0];
            let peer = peer.address.as_deref().or(peer.interface.as_deref()).unwrap_or_default();
            let asn = router.asn.unwrap_or_default();
            format!("router bgp {asn}{}\n neighbor {peer} description by owner {number}\n", named(router))
        }
        (1, _) => format!(
            "ip prefix-list owner-{number} seq 5 permit 172.16.0.0/12 le 24\n\
             route-map owner-{number} permit 10\n match ip address prefix-list owner-{number}\n"
        ),
        _ => format!("ip prefix-list owner-{number} seq 5 deny 100.64.0.0/10\n"),
    };
    RawConfig { priority: i64::try_from(number).unwrap_or_default() - 2, raw_config: Some(text) }
}
