//! The merged configuration as data, each value with its origins.

use frrk8s_merge::{NodeFacts, Origins, Source};
use frrk8s_model::{
    Attributes, BfdField, EvpnField, NeighborField, NodeConfig, PeerId, PeerIx, Place, Policy, Router,
    RouterField, Session, VniField, VniProperties, VniSlot, Vrf,
};
use frrk8s_plan::Outcome;
use serde_json::{Map, Value, json};

use crate::print::SCHEMA_VERSION;

/// The whole of a node.
pub fn merged(outcome: &Outcome<'_>, facts: &NodeFacts, node: Option<&str>) -> Value {
    let view = View { outcome, origins: Origins::new(&outcome.fragments, facts) };
    let config = &outcome.config;
    json!({
        "schemaVersion": SCHEMA_VERSION,
        "node": node,
        "objects": outcome.fragments.iter().map(|fragment| fragment.object.to_string()).collect::<Value>(),
        "routers": config.routers.iter().map(|(vrf, router)| view.router(vrf, router)).collect::<Value>(),
        "bfdProfiles": config.bfd_profiles.keys().map(|name| {
            let mut profile = Map::new();
            profile.insert("name".to_owned(), json!(name.as_str()));
            for &field in BfdField::ALL {
                view.put(&mut profile, field.path(), &Place::Bfd(name.clone(), field));
            }
            Value::Object(profile)
        }).collect::<Value>(),
        "raw": config.raw.iter().map(|snippet| json!({
            "object": snippet.object.to_string(),
            "priority": snippet.priority,
            "text": crate::command::masked(&snippet.text),
        })).collect::<Value>(),
    })
}

struct View<'a> {
    outcome: &'a Outcome<'a>,
    origins: Origins<'a>,
}

impl View<'_> {
    fn config(&self) -> &NodeConfig {
        &self.outcome.config
    }

    fn sources(&self, place: &Place) -> Vec<Source> {
        self.origins.of(place)
    }

    /// A value with who gave it; nothing where nobody did.
    fn put(&self, to: &mut Map<String, Value>, name: &str, place: &Place) {
        let sources = self.sources(place);
        if let Some(first) = sources.first() {
            to.insert(name.to_owned(), json!({ "value": first.value, "from": from(&sources) }));
        }
    }

    fn router(&self, vrf: &Vrf, router: &Router) -> Value {
        let mut view = Map::new();
        view.insert("vrf".to_owned(), json!(vrf.to_string()));
        self.put(&mut view, "asn", &Place::Router(vrf.clone(), RouterField::Asn));
        self.put(&mut view, "id", &Place::Router(vrf.clone(), RouterField::Id));
        let neighbors = self.config().sessions().filter(|(_, id, ..)| id.vrf == *vrf);
        let neighbors = neighbors.map(|(number, id, _, session)| self.neighbor(number, id, session));
        view.insert("neighbors".to_owned(), neighbors.collect());
        let prefixes = router.prefixes.iter().map(|prefix| {
            let place = Place::Network(vrf.clone(), *prefix);
            json!({ "prefix": prefix.to_string(), "from": from(&self.sources(&place)) })
        });
        view.insert("prefixes".to_owned(), prefixes.collect());
        let imports = router.imports.iter().map(|import| {
            let place = Place::Import(vrf.clone(), import.clone());
            json!({ "vrf": import.to_string(), "from": from(&self.sources(&place)) })
        });
        view.insert("imports".to_owned(), imports.collect());
        if router.evpn.is_some() {
            view.insert("evpn".to_owned(), self.evpn(vrf, router));
        }
        Value::Object(view)
    }

    fn evpn(&self, vrf: &Vrf, router: &Router) -> Value {
        let mut view = Map::new();
        let Some(evpn) = &router.evpn else {
            return Value::Null;
        };
        self.put(&mut view, "advertiseVNIs", &Place::Evpn(vrf.clone(), EvpnField::AdvertiseVnis));
        self.put(&mut view, "advertiseSVI", &Place::Evpn(vrf.clone(), EvpnField::AdvertiseSvi));
        let l2 = evpn.l2_vnis.iter().map(|(vni, properties)| {
            let mut view = self.vni(vrf, VniSlot::L2(*vni), properties);
            let sources = self.sources(&Place::VniOwner(*vni));
            view.insert("vni".to_owned(), json!({ "value": vni.get(), "from": from(&sources) }));
            Value::Object(view)
        });
        view.insert("l2vnis".to_owned(), l2.collect());
        if let Some(l3) = &evpn.l3_vni {
            let mut l3_view = self.vni(vrf, VniSlot::L3, &l3.properties);
            self.put(&mut l3_view, "vni", &Place::Evpn(vrf.clone(), EvpnField::L3Vni));
            view.insert("l3vni".to_owned(), Value::Object(l3_view));
        }
        Value::Object(view)
    }

    fn vni(&self, vrf: &Vrf, slot: VniSlot, properties: &VniProperties) -> Map<String, Value> {
        let mut view = Map::new();
        self.put(&mut view, "rd", &Place::Vni(vrf.clone(), slot, VniField::RouteDistinguisher));
        for (field, targets) in [
            (VniField::ImportTargets, &properties.import_targets),
            (VniField::ExportTargets, &properties.export_targets),
        ] {
            if !targets.is_empty() {
                let value: Value = targets.iter().map(ToString::to_string).collect();
                let sources = self.sources(&Place::Vni(vrf.clone(), slot, field));
                view.insert(field.path().to_owned(), json!({ "value": value, "from": from(&sources) }));
            }
        }
        view
    }

    fn neighbor(&self, number: PeerIx, id: &PeerId, session: &Session) -> Value {
        let mut view = Map::new();
        view.insert("peer".to_owned(), json!(id.peer.to_string()));
        for &field in NeighborField::ALL {
            self.put(&mut view, field.path(), &Place::Neighbor(id.clone(), field));
            // Families add up, so that no one object need have the whole of them.
            if let (NeighborField::AddressFamilies, Some(families)) = (field, view.get_mut(field.path())) {
                families["value"] = json!(session.families());
            }
        }
        let config = self.config();
        let sent = if session.unicast { self.sent(number, id, &config.outgoing) } else { json!([]) };
        view.insert("sent".to_owned(), sent);
        let received = config.incoming.of_peer(number).map(|(range, _)| {
            let place = Place::Incoming(id.clone(), range);
            json!({ "prefix": range.to_string(), "from": from(&self.sources(&place)) })
        });
        let received = match session {
            Session { unicast: false, .. } => json!([]),
            Session { receive_all: true, .. } => json!("all"),
            _ => received.collect(),
        };
        view.insert("received".to_owned(), received);
        Value::Object(view)
    }

    fn sent(&self, number: PeerIx, id: &PeerId, outgoing: &Policy) -> Value {
        let sent = outgoing.of_peer(number).map(|(range, attributes)| {
            let place = Place::Outgoing(id.clone(), range.prefix());
            let mut view = attributes_view(attributes);
            view.insert("prefix".to_owned(), json!(range.prefix().to_string()));
            view.insert("from".to_owned(), from(&self.sources(&place)));
            Value::Object(view)
        });
        sent.collect()
    }
}

/// What a route carries.
fn attributes_view(attributes: &Attributes) -> Map<String, Value> {
    let mut view = Map::new();
    if let Some(local_pref) = attributes.local_pref {
        view.insert("localPref".to_owned(), json!(local_pref));
    }
    let standard = attributes.communities.iter().map(ToString::to_string);
    let large = attributes.large_communities.iter().map(|community| format!("large:{community}"));
    let communities: Vec<String> = standard.chain(large).collect();
    if !communities.is_empty() {
        view.insert("communities".to_owned(), json!(communities));
    }
    view
}

/// Objects with the paths of the fields.
fn from(sources: &[Source]) -> Value {
    let origins = sources
        .iter()
        .map(|source| json!({ "object": source.origin.object.to_string(), "path": source.origin.path }));
    origins.collect()
}
