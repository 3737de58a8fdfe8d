//! What an object claims about the fields on which objects must agree.
//!
//! This is the one place that knows each field's lattice: what an unset field claims (nothing, the
//! default, or "unset"). Two objects conflict exactly when they claim different values at one place.

use std::fmt;

use frrk8s_model::{
    BfdField, BfdProfile, CONNECT_TIME_DEFAULT, Evpn, EvpnField, Family, Fragment, HOLD_TIME_DEFAULT,
    KEEPALIVE_TIME_DEFAULT, NeighborField, NeighborFragment, Origin, PORT_DEFAULT, Peer, PeerId, PeerIx,
    Place, PropertyEntry, RouterField, RouterFragment, Secret, Session, VniField, VniProperties, VniSlot,
    Vrf, neighbor_path, router_path,
};

use crate::NodeFacts;

/// A claimed value. Equal values agree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing is set, and that is a claim.
    Unset,
    /// A number.
    Number(u64),
    /// On or off.
    Flag(bool),
    /// Anything else, in its canonical form.
    Text(String),
    /// A password.
    Secret(Secret),
}

impl Value {
    fn text(value: impl fmt::Display) -> Self {
        Self::Text(value.to_string())
    }

    fn exact(value: Option<impl fmt::Display>) -> Self {
        value.map_or(Self::Unset, Self::text)
    }

    fn number(value: Option<impl Into<u64>>) -> Self {
        value.map_or(Self::Unset, |number| Self::Number(number.into()))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("unset"),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Secret(secret) => secret.fmt(f),
        }
    }
}

/// One claim of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// About what.
    pub place: Place,
    /// Which value.
    pub value: Value,
    /// Where the object says so, or would.
    pub origin: Origin,
    /// Whether the object says so, or the default is meant.
    pub written: bool,
}

impl Claim {
    /// The value as a finding shows it.
    pub fn shown(&self) -> String {
        let unit = if self.is_time() { " s" } else { "" };
        match (&self.value, self.written) {
            (Value::Unset, _) => self.value.to_string(),
            (value, true) => format!("{value}{unit}"),
            (value, false) => format!("{value}{unit} (default)"),
        }
    }

    fn is_time(&self) -> bool {
        use NeighborField::{ConnectTime, HoldTime, KeepaliveTime};
        matches!(self.place, Place::Neighbor(_, HoldTime | KeepaliveTime | ConnectTime))
    }
}

/// Every claim of an object at the places that are wanted.
pub fn claims(fragment: &Fragment, node: &NodeFacts, wanted: &dyn Fn(&Place) -> bool) -> Vec<Claim> {
    let mut claims = Claims { fragment, wanted, found: Vec::new() };
    for (at, router) in fragment.routers.iter().enumerate() {
        claims.router(at, router, node);
    }
    for (at, (name, profile)) in fragment.bfd_profiles.iter().enumerate() {
        for &field in BfdField::ALL {
            let path = || format!("spec.bgp.bfdProfiles[{at}].{field}");
            let (value, written) = bfd_claim(profile, field);
            claims.add(Place::Bfd(name.clone(), field), value, written, path);
        }
    }
    claims.found
}

/// The claim of a BFD profile about a field, and whether it is written there. Numbers agree exactly;
/// an unset switch means off.
pub(crate) fn bfd_claim(profile: &BfdProfile, field: BfdField) -> (Value, bool) {
    let number = |value: Option<u32>| (Value::number(value), value.is_some());
    match field {
        BfdField::ReceiveInterval => number(profile.receive_interval),
        BfdField::TransmitInterval => number(profile.transmit_interval),
        BfdField::DetectMultiplier => number(profile.detect_multiplier.map(u32::from)),
        BfdField::EchoInterval => number(profile.echo_interval),
        BfdField::EchoMode => (Value::Flag(profile.echo_mode), profile.echo_mode),
        BfdField::PassiveMode => (Value::Flag(profile.passive_mode), profile.passive_mode),
        BfdField::MinimumTtl => number(profile.minimum_ttl.map(u32::from)),
    }
}

/// The claim of a session about a field, and whether it is written there; `None` where it claims
/// nothing: the field is a union, or is unset and gives way.
pub(crate) fn session_claim(peer: &Peer, session: &Session, field: NeighborField) -> Option<(Value, bool)> {
    let default = |value: Option<u16>, default: u16| {
        let number = value.unwrap_or(default);
        Some((Value::Number(number.into()), value.is_some()))
    };
    let gives_way = |value: Option<String>| value.map(|text| (Value::Text(text), true));
    match field {
        NeighborField::RemoteAs => Some((Value::text(session.remote_as), true)),
        NeighborField::Port => default(session.port, PORT_DEFAULT),
        NeighborField::Source => Some((Value::exact(session.source.as_ref()), session.source.is_some())),
        NeighborField::Password => Some(match &session.password {
            Some(secret) => (Value::Secret(secret.clone()), true),
            None => (Value::Unset, false),
        }),
        NeighborField::HoldTime => default(session.hold_time, HOLD_TIME_DEFAULT),
        NeighborField::KeepaliveTime => default(session.keepalive_time, KEEPALIVE_TIME_DEFAULT),
        NeighborField::ConnectTime => default(session.connect_time, CONNECT_TIME_DEFAULT),
        NeighborField::EbgpMultihop => Some((Value::Flag(session.ebgp_multihop), session.ebgp_multihop)),
        NeighborField::LocalAs => {
            let asn = session.local_as;
            Some((Value::number(asn.map(frrk8s_model::Asn::get)), asn.is_some()))
        }
        // An interface carries both families, whatever the flag says.
        NeighborField::DualStack => match peer {
            Peer::Address(_) => Some((Value::Flag(session.dual_stack), session.dual_stack)),
            Peer::Interface(_) => None,
        },
        NeighborField::BfdProfile => gives_way(session.bfd_profile.as_ref().map(ToString::to_string)),
        NeighborField::NextHopV4 => gives_way(session.next_hop(Family::V4)),
        NeighborField::NextHopV6 => gives_way(session.next_hop(Family::V6)),
        NeighborField::GracefulRestart | NeighborField::AddressFamilies | NeighborField::ReceiveMode => None,
    }
}

/// The claims of an EVPN part, its VNI numbers aside.
pub(crate) fn evpn_claims(vrf: &Vrf, evpn: &Evpn) -> Vec<(Place, Value, bool)> {
    let field = |field, value, written| (Place::Evpn(vrf.clone(), field), value, written);
    let mut claims = vec![
        field(
            EvpnField::AdvertiseVnis,
            Value::text(if evpn.advertise_all_vnis { "All" } else { "Disabled" }),
            evpn.advertise_all_vnis,
        ),
        field(EvpnField::AdvertiseSvi, Value::Flag(evpn.advertise_svi), evpn.advertise_svi),
    ];
    if let Some(l3) = &evpn.l3_vni {
        claims.push(field(EvpnField::L3Vni, Value::Number(l3.vni.get().into()), true));
        claims.extend(vni_claims(vrf, VniSlot::L3, &l3.properties));
    }
    for (vni, properties) in &evpn.l2_vnis {
        claims.extend(vni_claims(vrf, VniSlot::L2(*vni), properties));
    }
    claims
}

fn vni_claims(vrf: &Vrf, slot: VniSlot, properties: &VniProperties) -> Vec<(Place, Value, bool)> {
    let place = |field| Place::Vni(vrf.clone(), slot, field);
    let given = |field, empty: bool| {
        let text = if empty { "left to FRR" } else { "given" };
        (place(field), Value::text(text), !empty)
    };
    let mut claims = vec![
        given(VniField::ImportTargets, properties.import_targets.is_empty()),
        given(VniField::ExportTargets, properties.export_targets.is_empty()),
    ];
    if let Some(rd) = properties.route_distinguisher {
        claims.push((place(VniField::RouteDistinguisher), Value::text(rd), true));
    }
    claims
}

/// Which VNIs a router uses, and whether it is the one that advertises all: on a node each of these
/// can be said of one router only, and a layer-3 VNI excludes neighbors.
pub(crate) fn node_claims(router: &RouterFragment, node: &NodeFacts) -> Vec<(Place, Value, String)> {
    let vrf = &router.vrf;
    let mut claims = Vec::new();
    let with_l3 = Place::RouterUse(vrf.clone());
    for (at, neighbor) in router.neighbors.iter().enumerate() {
        if !node.is_own(vrf, &neighbor.peer) {
            let path = format!("neighbors[{at}]");
            claims.push((with_l3.clone(), Value::text("neighbors"), path));
        }
    }
    let Some(evpn) = &router.evpn else {
        return claims;
    };
    let owner = |vni, layer: &str, path: String| {
        let value = Value::text(format_args!("the {layer} VNI of VRF {vrf}"));
        (Place::VniOwner(vni), value, path)
    };
    for (at, (vni, _)) in evpn.l2_vnis.iter().enumerate() {
        claims.push(owner(*vni, "L2", format!("evpn.l2vnis[{at}].vni")));
    }
    if let Some(l3) = &evpn.l3_vni {
        let path = "evpn.l3vni.vni".to_owned();
        claims.push(owner(l3.vni, "L3", path.clone()));
        claims.push((with_l3, Value::text("a layer-3 VNI"), path));
    }
    if evpn.advertise_all_vnis {
        let path = EvpnField::AdvertiseVnis.path().to_owned();
        claims.push((Place::AllVnisOwner, Value::text(vrf), path));
    }
    claims
}

/// The path of a field of a neighbor, in the spelling that the object used.
pub(crate) fn neighbor_field_path(neighbor: &NeighborFragment, field: NeighborField) -> &'static str {
    use frrk8s_model::RemoteAs;
    match field {
        NeighborField::RemoteAs if !matches!(neighbor.session.remote_as, RemoteAs::Number(_)) => "dynamicASN",
        NeighborField::Password if neighbor.password_secret.is_some() => "passwordSecret.name",
        field => field.path(),
    }
}

/// The path of a place of a VNI below its router.
pub(crate) fn vni_path(evpn: &Evpn, slot: VniSlot, field: VniField) -> String {
    match slot {
        VniSlot::L3 => format!("evpn.l3vni.{field}"),
        VniSlot::L2(vni) => {
            let at = evpn.l2_vnis.iter().position(|(number, _)| *number == vni);
            format!("evpn.l2vnis[{}].{field}", at.unwrap_or_default())
        }
    }
}

struct Claims<'a> {
    fragment: &'a Fragment,
    wanted: &'a dyn Fn(&Place) -> bool,
    found: Vec<Claim>,
}

impl Claims<'_> {
    fn add(&mut self, place: Place, value: Value, written: bool, path: impl FnOnce() -> String) {
        if (self.wanted)(&place) {
            self.found.push(Claim {
                place,
                value,
                origin: Origin { object: self.fragment.object.clone(), path: path() },
                written,
            });
        }
    }

    fn router(&mut self, at: usize, router: &RouterFragment, node: &NodeFacts) {
        let vrf = &router.vrf;
        let path = |below: &str| format!("{}.{below}", router_path(at));
        let asn = Value::Number(router.asn.get().into());
        self.add(Place::Router(vrf.clone(), RouterField::Asn), asn, true, || path("asn"));
        if let Some(id) = router.id {
            let place = Place::Router(vrf.clone(), RouterField::Id);
            self.add(place, Value::text(id), true, || path("id"));
        }
        for (neighbor_at, neighbor) in router.neighbors.iter().enumerate() {
            if !node.is_own(vrf, &neighbor.peer) {
                self.neighbor(vrf, neighbor, &neighbor_path(at, neighbor_at));
            }
        }
        self.local_prefs(at, router, node);
        if let Some(evpn) = &router.evpn {
            self.evpn(vrf, evpn, &path);
        }
        for (place, value, below) in node_claims(router, node) {
            self.add(place, value, true, || path(&below));
        }
    }

    fn neighbor(&mut self, vrf: &Vrf, neighbor: &NeighborFragment, path: &str) {
        let id = PeerId { vrf: vrf.clone(), peer: neighbor.peer.clone() };
        for &field in NeighborField::ALL {
            if let Some((value, written)) = session_claim(&neighbor.peer, &neighbor.session, field) {
                let below = neighbor_field_path(neighbor, field);
                let place = Place::Neighbor(id.clone(), field);
                self.add(place, value, written, || format!("{path}.{below}"));
            }
        }
    }

    fn local_prefs(&mut self, at: usize, router: &RouterFragment, node: &NodeFacts) {
        for (ix, (neighbor_at, neighbor)) in (0..).zip(router.neighbors.iter().enumerate()) {
            if neighbor.local_prefs.is_empty() || node.is_own(&router.vrf, &neighbor.peer) {
                continue;
            }
            let id = PeerId { vrf: router.vrf.clone(), peer: neighbor.peer.clone() };
            for (range, attributes) in router.outgoing.of_peer(PeerIx(ix)) {
                let Some(local_pref) = attributes.local_pref else {
                    continue;
                };
                let place = Place::LocalPref(id.clone(), range.prefix());
                self.add(place, Value::Number(local_pref.into()), true, || {
                    let entries = &neighbor.local_prefs;
                    let entry = PropertyEntry::position(entries, &local_pref, range.family());
                    let (path, entry) = (neighbor_path(at, neighbor_at), entry.unwrap_or_default());
                    format!("{path}.toAdvertise.withLocalPref[{entry}].localPref")
                });
            }
        }
    }

    fn evpn(&mut self, vrf: &Vrf, evpn: &Evpn, path: &dyn Fn(&str) -> String) {
        for (place, value, written) in evpn_claims(vrf, evpn) {
            let below = match &place {
                Place::Evpn(_, field) => field.path().to_owned(),
                Place::Vni(_, slot, field) => vni_path(evpn, *slot, *field),
                _ => String::new(),
            };
            self.add(place, value, written, || path(&below));
        }
    }
}
