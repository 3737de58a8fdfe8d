//! Objects as they are stored: what a real API server returned, what people write by hand, what older releases wrote.

use frrk8s_api::{
    AddressFamily, BGPSessionState, DynamicAsn, FRRConfiguration, FRRConfigurationSpec, FRRK8sConfiguration,
    FRRNodeState, LogLevel, Neighbor, Outcome, Password, PrefixMode, schema_of,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What a `MetalLB` of July 2026 wrote, as a real API server returned it.
const METALLB: &str = include_str!("data/metallb.yaml");

#[test]
fn what_metallb_writes_decodes_field_by_field() {
    let object: FRRConfiguration = serde_saphyr::from_str(METALLB).unwrap();
    assert_eq!(object.metadata.name.as_deref(), Some("metallb-n1"));
    let spec = object.spec;
    assert_eq!(spec.node_selector.match_labels.unwrap()["kubernetes.io/hostname"], "n1");
    let profile = &spec.bgp.bfd_profiles[0];
    assert_eq!((profile.name.as_deref(), profile.minimum_ttl), (Some("fast"), Some(254)));
    assert_eq!((profile.echo_mode, profile.passive_mode), (Some(false), Some(true)));

    let [default, red] = spec.bgp.routers.as_slice() else { panic!("two routers") };
    assert_eq!((default.asn, default.vrf.as_deref()), (Some(64512), None));
    assert_eq!((red.asn, red.vrf.as_deref()), (Some(64512), Some("red")));
    assert_eq!(red.neighbors[0].dynamic_asn, Some(DynamicAsn::External));

    let neighbor = &default.neighbors[0];
    assert_eq!(neighbor.address_families, [AddressFamily::Unicast]);
    assert_eq!((neighbor.asn, neighbor.port), (Some(64513), Some(179)));
    assert_eq!(neighbor.hold_time.as_deref(), Some("1m30s"));
    assert_eq!(neighbor.password.as_ref().map(Password::reveal), Some("s3cret"));
    assert_eq!(neighbor.password_secret.name, None);
    assert_eq!(neighbor.to_advertise.allowed.mode, Some(PrefixMode::Filtered));
    assert_eq!(neighbor.to_advertise.allowed.prefixes.len(), 2);
    assert_eq!(neighbor.to_advertise.with_local_pref[0].local_pref, Some(100));
    let community = &neighbor.to_advertise.with_community[2];
    assert_eq!(community.community.as_deref(), Some("large:64512:1:7"));
    let graceful = &default.neighbors[2];
    assert!(graceful.ebgp_multi_hop && graceful.enable_graceful_restart);
}

#[test]
fn encoding_loses_nothing_but_what_is_unset_anyway() {
    let stored: Value = serde_saphyr::from_str(METALLB).unwrap();
    let object: FRRConfiguration = decode(&stored);
    assert_eq!(without_unset(encode(&object)), without_unset(stored));
    assert_eq!(decode::<FRRConfiguration>(&encode(&object)), object);
}

#[test]
fn encoding_adds_nothing() {
    let meta = json!({ "name": "x" });
    for kind in ["FRRConfiguration", "FRRNodeState", "BGPSessionState", "FRRK8sConfiguration"] {
        let object =
            json!({ "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": kind, "metadata": meta, "spec": {} });
        assert_eq!(recode(kind, &object), object);
    }
}

#[test]
fn evpn_is_kept_when_it_is_empty_because_that_activates_it() {
    let spec = json!({ "bgp": { "routers": [{ "asn": 1, "evpn": {} }] } });
    assert_eq!(encode(&decode::<FRRConfigurationSpec>(&spec)), spec);
}

#[test]
fn an_object_without_a_spec_has_an_empty_one() {
    for kind in ["FRRConfiguration", "FRRNodeState", "BGPSessionState", "FRRK8sConfiguration"] {
        let whole = recode(kind, &json!({ "metadata": {}, "spec": {} }));
        for object in [json!({ "metadata": {} }), json!({ "metadata": {}, "spec": null })] {
            assert_eq!(recode(kind, &object), whole, "{kind}");
        }
    }
}

/// Every field of every schema at once, set to what counts as unset.
#[test]
fn null_and_empty_are_the_same_as_absent() {
    for kind in ["FRRConfiguration", "FRRNodeState", "BGPSessionState", "FRRK8sConfiguration"] {
        let schema = schema_of(kind).unwrap();
        for part in ["spec", "status"] {
            let schema = &schema["properties"][part];
            let absent = recode(kind, &object_with(part, instance(schema, &|_| None)));
            let null = recode(kind, &object_with(part, instance(schema, &|_| Some(Value::Null))));
            assert_eq!(null, absent, "{kind}.{part}: null");
            let empty = recode(kind, &object_with(part, instance(schema, &empty_text)));
            assert_eq!(empty, absent, "{kind}.{part}: empty text");
        }
    }
}

#[test]
fn an_empty_duration_is_not_unset_because_go_refuses_it() {
    let neighbor: Neighbor = decode(&json!({ "holdTime": "", "keepaliveTime": null }));
    assert_eq!((neighbor.hold_time.as_deref(), neighbor.keepalive_time), (Some(""), None));
}

#[test]
fn values_out_of_range_decode_for_validation_to_report() {
    let neighbor: Neighbor = decode(&json!({
        "asn": -1,
        "localASN": 4_294_967_296_i64,
        "port": 70_000,
        "dynamicASN": "iBGP",
        "addressFamilies": ["unicast", "l2vpn"],
        "holdTime": "soon",
        "toAdvertise": {
            "allowed": { "mode": "some" },
            "withLocalPref": [{ "prefixes": [], "localPref": 5_000_000_000_i64 }],
        },
        "toReceive": { "allowed": { "prefixes": [{ "prefix": "0.0.0.0/0", "le": 129 }] } },
    }));
    assert_eq!(
        (neighbor.asn, neighbor.local_asn, neighbor.port),
        (Some(-1), Some(4_294_967_296), Some(70_000))
    );
    assert_eq!(neighbor.dynamic_asn, Some(DynamicAsn::Other("iBGP".into())));
    assert_eq!(neighbor.address_families, [AddressFamily::Unicast, AddressFamily::Other("l2vpn".into())]);
    assert_eq!(neighbor.to_advertise.allowed.mode, Some(PrefixMode::Other("some".into())));
    assert_eq!(neighbor.to_advertise.with_local_pref[0].local_pref, Some(5_000_000_000));
    assert_eq!(neighbor.to_receive.allowed.prefixes[0].le, Some(129));
}

#[test]
fn what_the_schema_requires_may_be_missing_for_validation_to_report() {
    let spec: FRRConfigurationSpec = decode(&json!({ "bgp": {
        "bfdProfiles": [{}],
        "routers": [{ "evpn": { "l2vnis": [{}], "l3vni": {} } }],
    } }));
    assert_eq!(spec.bgp.bfd_profiles[0].name, None);
    let router = &spec.bgp.routers[0];
    assert_eq!(router.asn, None);
    let evpn = router.evpn.as_ref().unwrap();
    assert_eq!(evpn.l2vnis[0].vni, None);
    assert!(evpn.l3vni.as_ref().unwrap().advertise_prefixes.is_empty());
}

#[test]
fn values_of_the_wrong_type_are_errors() {
    for spec in [
        json!("bgp"),
        json!({ "bgp": "none" }),
        json!({ "nodeSelector": "all" }),
        json!({ "nodeSelector": { "matchLabels": { "rack": 1 } } }),
        json!({ "raw": { "priority": "5" } }),
        json!({ "bgp": { "routers": {} } }),
        json!({ "bgp": { "routers": [null] } }),
        json!({ "bgp": { "routers": [{ "asn": "65000" }] } }),
        json!({ "bgp": { "routers": [{ "asn": 65000.5 }] } }),
        json!({ "bgp": { "routers": [{ "vrf": 1 }] } }),
        json!({ "bgp": { "routers": [{ "prefixes": "10.0.0.0/8" }] } }),
        json!({ "bgp": { "routers": [{ "neighbors": [{ "ebgpMultiHop": "true" }] }] } }),
        json!({ "bgp": { "routers": [{ "neighbors": [{ "dynamicASN": true }] }] } }),
        json!({ "bgp": { "routers": [{ "neighbors": [{ "holdTime": 90 }] }] } }),
        json!({ "bgp": { "routers": [{ "neighbors": [{ "toReceive": { "allowed": { "prefixes": ["::/0"] } } }] }] } }),
    ] {
        assert!(serde_json::from_value::<FRRConfigurationSpec>(spec.clone()).is_err(), "{spec}");
    }
}

#[test]
fn unknown_fields_are_ignored_at_every_level() {
    let extra = json!({
        "metadata": {},
        "data": 1,
        "spec": {
            "nodeSelector": { "labelSelector": { "matchLabels": { "a": "b" } } },
            "peers": [],
            "bgp": { "routers": [
                { "asn": 1, "ASN": 2, "neighbors": [{ "address": "192.0.2.1", "sourceAddress": "x" }] },
            ] },
        },
        "status": { "novelty": {} },
    });
    let plain = json!({
        "metadata": {},
        "spec": { "bgp": { "routers": [{ "asn": 1, "neighbors": [{ "address": "192.0.2.1" }] }] } },
        "status": {},
    });
    assert_eq!(recode("FRRConfiguration", &extra), recode("FRRConfiguration", &plain));
}

#[test]
fn status_of_upstream_decodes() {
    let state: FRRNodeState = decode(&json!({
        "metadata": { "name": "n1" },
        "spec": {},
        "status": { "runningConfig": "router bgp 1", "lastConversionResult": "success", "lastReloadResult": "success" },
    }));
    let status = state.status.unwrap();
    assert_eq!(status.running_config.as_deref(), Some("router bgp 1"));
    assert_eq!(status.last_conversion_result, status.last_reload_result);
    assert_eq!((status.counts, status.conditions), (None, vec![]));

    let session: BGPSessionState = decode(&json!({
        "metadata": { "name": "n1-x" },
        "status": { "bgpStatus": "Established", "bfdStatus": "N/A", "node": "n1", "peer": "192.0.2.1", "vrf": "" },
    }));
    let status = session.status.unwrap();
    assert_eq!((status.bfd_status.as_deref(), status.vrf), (Some("N/A"), None));

    let settings: FRRK8sConfiguration = decode(&json!({
        "metadata": { "name": "config" }, "spec": { "logLevel": "warn" }, "status": {},
    }));
    assert_eq!(settings.spec.log_level, Some(LogLevel::Warn));
}

#[test]
fn counts_of_nothing_are_written_and_summed_up() {
    let counts = frrk8s_api::NodeStateCounts { selected: 8, accepted: 7, ..Default::default() };
    let zeros = json!({ "selected": 8, "accepted": 7, "conflicts": 0, "sessions": 0, "sessionsUp": 0 });
    assert_eq!(encode(&counts), zeros);
    let summary = json!({ "configurations": "7/8", "sessions": "0/0" });
    assert_eq!(encode(&frrk8s_api::NodeSummary::from(&counts)), summary);
}

#[test]
fn an_outcome_of_a_later_release_is_kept() {
    let status: frrk8s_api::FRRNodeStateStatus =
        decode(&json!({ "configurations": [{ "name": "a", "outcome": "Deferred" }] }));
    assert_eq!(status.configurations[0].outcome, Some(Outcome::Other("Deferred".into())));
}

#[test]
fn a_password_does_not_show_itself_in_debug_output() {
    let object: FRRConfiguration = serde_saphyr::from_str(METALLB).unwrap();
    let shown = format!("{object:?}");
    assert!(shown.contains("***") && !shown.contains("s3cret"));
}

fn decode<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("decodes")
}

fn encode(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("encodes")
}

/// Decodes an object of a kind and encodes it again.
fn recode(kind: &str, object: &Value) -> Value {
    match kind {
        "FRRConfiguration" => encode(&decode::<FRRConfiguration>(object)),
        "FRRNodeState" => encode(&decode::<FRRNodeState>(object)),
        "BGPSessionState" => encode(&decode::<BGPSessionState>(object)),
        "FRRK8sConfiguration" => encode(&decode::<FRRK8sConfiguration>(object)),
        _ => Value::Null,
    }
}

fn object_with(part: &str, value: Value) -> Value {
    let mut object = json!({ "metadata": {} });
    object[part] = value;
    object
}

/// An instance of a schema with one element in every list of objects, and its other fields as `leaf` says; without
/// `conditions`, whose elements are Kubernetes' own and have required fields.
fn instance(schema: &Value, leaf: &dyn Fn(&Value) -> Option<Value>) -> Value {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields = fields.filter_map(|(name, field)| {
        let element = &field["items"];
        let value = if name == "conditions" {
            return None;
        } else if field.get("properties").is_some() {
            instance(field, leaf)
        } else if element.get("properties").is_some() {
            json!([instance(element, leaf)])
        } else {
            leaf(field)?
        };
        Some((name.clone(), value))
    });
    Value::Object(fields.collect())
}

/// Empty text for text, except where it means something: durations, dates, and Kubernetes' own required fields.
fn empty_text(schema: &Value) -> Option<Value> {
    let duration = schema["description"].as_str().is_some_and(|text| text.contains("duration such as"));
    let ours = schema["type"] == "string" && schema["format"] != "date-time" && !duration;
    ours.then(|| json!(""))
}

/// What encoding leaves out: `null`, `false`, empty text, lists and objects.
fn without_unset(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().map(|(name, field)| (name, without_unset(field)));
            Value::Object(kept.filter(|(_, field)| !is_unset(field)).collect())
        }
        Value::Array(elements) => elements.into_iter().map(without_unset).collect(),
        other => other,
    }
}

fn is_unset(value: &Value) -> bool {
    [json!(null), json!(false), json!(""), json!([]), json!({})].contains(value)
}
