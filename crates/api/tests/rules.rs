//! The rules that the API server checks, run for real on the published schema.

use frrk8s_api::schema_of;
use kube_cel::{Validator, compile_schema};
use serde_json::{Value, json};

/// Right for a route distinguisher and for route targets of both directions.
const PAIRS: &[&str] = &[
    "65000:100",
    "0:0",
    "65535:4294967295",
    "065000:070000",
    "65536:65535",
    "4294967295:65535",
    "192.0.2.1:100",
    "0.0.0.0:0",
    "255.255.255.255:65535",
];

/// Right for route targets to import only.
const WILDCARDS: &[&str] = &["*:0", "*:100", "*:65536", "*:4294967295"];

/// Wrong for all three.
const NO_PAIRS: &[&str] = &[
    "",
    ":",
    "100",
    "100:",
    ":100",
    "1:2:3",
    "::1:5",
    "2001:db8::1:5",
    "foo:5",
    "foo.1:5",
    "1foo:5",
    "1:foo",
    "1:5foo",
    "1:5 ",
    " 1:5",
    "1:5\n",
    "-1:5",
    "1:-5",
    "+1:5",
    "0x10:5",
    "1.2:5",
    "1.2.3:5",
    "1.2.3.4.5:5",
    "1.2.3.256:5",
    "1.2.3.04:5",
    "1.2.3.4:65536",
    "65535:4294967296",
    "65536:65536",
    "4294967296:1",
    "99999999999:1",
    "9223372036854775808:1",
    "1:9223372036854775808",
    "1.5:65000",
    "**:5",
    "1*:5",
    "*.*:5",
    "*:4294967296",
    "*:foo",
    "*:*",
];

#[test]
fn route_distinguishers_and_export_targets_are_pairs_without_wildcards() {
    for (field, list) in [("rd", false), ("exportRTs", true)] {
        for text in PAIRS {
            assert_eq!(breaches_in_vni(field, list, text), NONE, "{field} {text:?}");
        }
        for text in [NO_PAIRS, WILDCARDS].concat() {
            assert_ne!(breaches_in_vni(field, list, text), NONE, "{field} {text:?}");
        }
    }
}

#[test]
fn import_targets_may_be_wildcards() {
    for text in [PAIRS, WILDCARDS].concat() {
        assert_eq!(breaches_in_vni("importRTs", true, text), NONE, "{text:?}");
    }
    for text in NO_PAIRS {
        assert_ne!(breaches_in_vni("importRTs", true, text), NONE, "{text:?}");
    }
}

#[test]
fn the_message_tells_what_is_wrong() {
    for (text, message) in [
        ("100", "there must be exactly one colon"),
        ("foo.1:5", "left of the colon there must be a number or an IPv4 address"),
        ("1:foo", "right of the colon there must be a number"),
        ("99999999999:1", "the highest are 65535:4294967295, 4294967295:65535 and 255.255.255.255:65535"),
    ] {
        let breaches = breaches_in_vni("rd", false, text);
        assert!(breaches.contains(&message.to_owned()), "{text}: {breaches:?}");
    }
}

#[test]
fn connect_time_is_whole_seconds_from_one_to_65535() {
    for text in ["1s", "10s", "1m30s", "1h", "1.0s", "1000ms", "18h12m15s", "65535s"] {
        assert_eq!(breaches_of_connect_time(text), NONE, "{text:?}");
    }
    for text in [
        "",
        "0",
        "0s",
        "10",
        "-1s",
        "500ms",
        "1.5s",
        "1s500ms",
        "65535s1ms",
        "65536s",
        "18h12m16s",
        "ten",
        "1d",
    ] {
        assert_ne!(breaches_of_connect_time(text), NONE, "{text:?}");
    }
}

#[test]
fn every_rule_compiles() {
    let schema = schema_of("FRRConfiguration").unwrap();
    assert!(!compile_schema(schema).has_errors());
}

const NONE: Vec<String> = Vec::new();

/// What is wrong with a text in one field of an L2 VNI and in the same field of the L3 VNI.
fn breaches_in_vni(field: &str, list: bool, text: &str) -> Vec<String> {
    let value = if list { json!(["65000:1", text]) } else { json!(text) };
    let l2 = json!({ "vni": 1, (field): value });
    let l3 = json!({ "vni": 2, "advertisePrefixes": ["unicast"], (field): value });
    let [l2, l3] = [json!({ "l2vnis": [l2] }), json!({ "l3vni": l3 })]
        .map(|evpn| breaches(&json!({ "asn": 65000, "evpn": evpn })));
    assert_eq!(l2, l3, "{field} {text:?}");
    l2
}

fn breaches_of_connect_time(text: &str) -> Vec<String> {
    breaches(&json!({ "asn": 65000, "neighbors": [{ "connectTime": text }] }))
}

fn breaches(router: &Value) -> Vec<String> {
    let schema = schema_of("FRRConfiguration").expect("a kind of ours");
    let object = json!({ "spec": { "bgp": { "routers": [router] } } });
    match Validator::new().validate(schema, &object, None) {
        Ok(()) => NONE,
        Err(breaches) => breaches.iter().map(|breach| breach.message.clone()).collect(),
    }
}
