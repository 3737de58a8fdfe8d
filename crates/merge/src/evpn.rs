//! The rules of EVPN that only the merged node can break, one object's words being in order.

use frrk8s_model::{
    Evpn, EvpnField, Finding, Fragment, NeighborField, NodeConfig, Party, Rule, Session, Vrf, neighbor_path,
    router_path,
};

/// What a router's EVPN part advertises, by the path of the field that asks for it.
fn advertised(evpn: &Evpn) -> Option<&'static str> {
    if evpn.advertise_all_vnis {
        return Some(EvpnField::AdvertiseVnis.path());
    }
    if evpn.advertise_svi {
        return Some(EvpnField::AdvertiseSvi.path());
    }
    (!evpn.l2_vnis.is_empty()).then_some("evpn.l2vnis")
}

/// Routers that have VNIs to advertise and nobody to advertise them to, with every object that asks for
/// it; and neighbors whose EVPN sessions stay inactive for want of an `evpn` part.
pub(crate) fn findings(config: &NodeConfig, fragments: &[&Fragment]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (vrf, router) in &config.routers {
        let speaks = router.neighbors.values().any(|session| session.evpn);
        match &router.evpn {
            Some(evpn) if advertised(evpn).is_some() && !speaks => {
                findings.extend(without_neighbor(vrf, fragments));
            }
            None if speaks => findings.extend(inactive(vrf, fragments)),
            _ => {}
        }
    }
    findings
}

fn without_neighbor(vrf: &Vrf, fragments: &[&Fragment]) -> Option<Finding> {
    let parties = fragments.iter().flat_map(|fragment| {
        let routers = fragment.routers.iter().enumerate();
        routers.filter_map(|(at, router)| {
            let asks = router.evpn.as_ref().and_then(advertised)?;
            (router.vrf == *vrf).then(|| Party {
                object: fragment.object.clone(),
                path: format!("{}.{asks}", router_path(at)),
                value: None,
            })
        })
    });
    let mut parties: Vec<Party> = parties.collect();
    parties.sort();
    let mut parties = parties.into_iter();
    let first = parties.next()?;
    let message = format!(
        "the router in VRF {vrf} has VNIs to advertise, but no neighbor with evpn in its addressFamilies"
    );
    let mut finding = Finding::new(Rule::EvpnWithoutNeighbor, &first.object, first.path, message);
    finding.others = parties.collect();
    Some(finding)
}

fn inactive(vrf: &Vrf, fragments: &[&Fragment]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for fragment in fragments {
        for (at, router) in fragment.routers.iter().enumerate() {
            let evpn = |session: &Session| session.evpn && router.vrf == *vrf;
            let neighbors = router.neighbors.iter().enumerate();
            for (neighbor_at, neighbor) in neighbors.filter(|(_, n)| evpn(&n.session)) {
                let path = neighbor_path(at, neighbor_at);
                let path = format!("{path}.{}", NeighborField::AddressFamilies);
                let message = format!(
                    "neighbor {} has the address family evpn, but no object gives the router in VRF {vrf} an evpn part",
                    neighbor.peer
                );
                findings.push(Finding::new(Rule::EvpnInactive, &fragment.object, path, message));
            }
        }
    }
    findings
}
