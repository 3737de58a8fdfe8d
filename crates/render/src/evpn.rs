//! EVPN: the address family, the VNIs, and the VRF stanza of a layer-3 VNI.

use frrk8s_document::Line;
use frrk8s_model::{
    Evpn, EvpnField, NeighborField, PeerId, Place, RouteTarget, Router, VniField, VniProperties, VniSlot, Vrf,
};

use crate::subject::{Subject, Subjects};

/// `address-family l2vpn evpn` of a router that has an EVPN part.
pub(crate) fn family(vrf: &Vrf, router: &Router, subjects: &mut Subjects) -> Option<Line> {
    let evpn = router.evpn.as_ref()?;
    let mut lines = Vec::new();
    for (peer, session) in router.neighbors.iter().filter(|(_, session)| session.evpn) {
        let id = PeerId { vrf: vrf.clone(), peer: peer.clone() };
        debug_assert!(session.evpn);
        let place = Place::Neighbor(id, NeighborField::AddressFamilies);
        let mark = subjects.note(Subject::Place(place));
        lines.push(Line::leaf(format!("neighbor {peer} activate")).marked(mark));
    }
    let mut field = |field, text: &str| {
        let mark = subjects.note(Subject::Place(Place::Evpn(vrf.clone(), field)));
        lines.push(Line::leaf(text).marked(mark));
    };
    if evpn.advertise_all_vnis {
        field(EvpnField::AdvertiseVnis, "advertise-all-vni");
    }
    if evpn.advertise_svi {
        field(EvpnField::AdvertiseSvi, "advertise-svi-ip");
    }
    if evpn.l3_vni.as_ref().is_some_and(|l3| l3.advertise_unicast) {
        field(EvpnField::L3Prefixes, "advertise ipv4 unicast");
        field(EvpnField::L3Prefixes, "advertise ipv6 unicast");
    }
    lines.extend(vnis(vrf, evpn, subjects));
    (!lines.is_empty()).then(|| Line::context("address-family l2vpn evpn", lines))
}

fn vnis(vrf: &Vrf, evpn: &Evpn, subjects: &mut Subjects) -> Vec<Line> {
    let mut lines = Vec::new();
    for (vni, properties) in &evpn.l2_vnis {
        let slot = VniSlot::L2(*vni);
        let inside = properties_lines(vrf, slot, properties, subjects);
        if !inside.is_empty() {
            let mark = subjects.note(Subject::Place(Place::VniOwner(*vni)));
            lines.push(Line::context(format!("vni {vni}"), inside).marked(mark));
        }
    }
    if let Some(l3) = &evpn.l3_vni {
        lines.extend(properties_lines(vrf, VniSlot::L3, &l3.properties, subjects));
    }
    lines
}

fn properties_lines(
    vrf: &Vrf,
    slot: VniSlot,
    properties: &VniProperties,
    subjects: &mut Subjects,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |place, text: String| {
        let mark = subjects.note(Subject::Place(place));
        lines.push(Line::leaf(text).marked(mark));
    };
    if let Some(rd) = properties.route_distinguisher {
        add(Place::Vni(vrf.clone(), slot, VniField::RouteDistinguisher), format!("rd {rd}"));
    }
    let target = |field, target: &RouteTarget| Place::Target(vrf.clone(), slot, field, *target);
    for import in &properties.import_targets {
        add(target(VniField::ImportTargets, import), format!("route-target import {import}"));
    }
    for export in &properties.export_targets {
        add(target(VniField::ExportTargets, export), format!("route-target export {export}"));
    }
    lines
}

/// `vrf NAME` with the layer-3 VNI of a router. The default VRF has no such stanza.
pub(crate) fn vrf_stanza(vrf: &Vrf, router: &Router, subjects: &mut Subjects) -> Option<Line> {
    let l3 = router.evpn.as_ref()?.l3_vni.as_ref()?;
    let name = vrf.name()?;
    let place = Place::Evpn(vrf.clone(), EvpnField::L3Vni);
    let mark = subjects.note(Subject::Place(place));
    let inside = vec![Line::leaf(format!("vni {}", l3.vni)).marked(mark)];
    Some(Line::context(format!("vrf {name}"), inside).marked(mark))
}
