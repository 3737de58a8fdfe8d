//! The facts of the CRDs, written by hand: every field, its type, format, bounds, default and number of rules.
//!
//! A change of the types shows here, whether it was meant or not: upstream's objects have to stay valid, and what is
//! ours has to be added on purpose.

use std::collections::BTreeMap;

use frrk8s_api::k8s::{CustomResourceDefinition, ResourceExt};
use frrk8s_api::{crds, schema_of};
use serde_json::Value;

const FRR_CONFIGURATION: &str = "
spec                                                            object
spec.bgp                                                        object
spec.bgp.bfdProfiles                                            array
spec.bgp.bfdProfiles[]                                          object required=name
spec.bgp.bfdProfiles[].detectMultiplier                         integer/int32 min=2 max=255
spec.bgp.bfdProfiles[].echoInterval                             integer/int32 min=10 max=60000
spec.bgp.bfdProfiles[].echoMode                                 boolean
spec.bgp.bfdProfiles[].minimumTtl                               integer/int32 min=1 max=254
spec.bgp.bfdProfiles[].name                                     string
spec.bgp.bfdProfiles[].passiveMode                              boolean
spec.bgp.bfdProfiles[].receiveInterval                          integer/int32 min=10 max=60000
spec.bgp.bfdProfiles[].transmitInterval                         integer/int32 min=10 max=60000
spec.bgp.routers                                                array max-items=50
spec.bgp.routers[]                                              object required=asn
spec.bgp.routers[].asn                                          integer/int64 min=0 max=4294967295
spec.bgp.routers[].evpn                                         object
spec.bgp.routers[].evpn.advertiseSVI                            boolean
spec.bgp.routers[].evpn.advertiseVNIs                           string enum=Disabled|All
spec.bgp.routers[].evpn.l2vnis                                  array max-items=10
spec.bgp.routers[].evpn.l2vnis[]                                object required=vni
spec.bgp.routers[].evpn.l2vnis[].exportRTs                      array max-items=100
spec.bgp.routers[].evpn.l2vnis[].exportRTs[]                    string max-length=21 rules=4
spec.bgp.routers[].evpn.l2vnis[].importRTs                      array max-items=100
spec.bgp.routers[].evpn.l2vnis[].importRTs[]                    string max-length=21 rules=4
spec.bgp.routers[].evpn.l2vnis[].rd                             string max-length=21 rules=4
spec.bgp.routers[].evpn.l2vnis[].vni                            integer/int32 min=1 max=16777215
spec.bgp.routers[].evpn.l3vni                                   object required=advertisePrefixes,vni
spec.bgp.routers[].evpn.l3vni.advertisePrefixes                 array min-items=1 max-items=1
spec.bgp.routers[].evpn.l3vni.advertisePrefixes[]               string enum=unicast
spec.bgp.routers[].evpn.l3vni.exportRTs                         array max-items=100
spec.bgp.routers[].evpn.l3vni.exportRTs[]                       string max-length=21 rules=4
spec.bgp.routers[].evpn.l3vni.importRTs                         array max-items=100
spec.bgp.routers[].evpn.l3vni.importRTs[]                       string max-length=21 rules=4
spec.bgp.routers[].evpn.l3vni.rd                                string max-length=21 rules=4
spec.bgp.routers[].evpn.l3vni.vni                               integer/int32 min=1 max=16777215
spec.bgp.routers[].id                                           string
spec.bgp.routers[].imports                                      array
spec.bgp.routers[].imports[]                                    object
spec.bgp.routers[].imports[].vrf                                string
spec.bgp.routers[].neighbors                                    array
spec.bgp.routers[].neighbors[]                                  object
spec.bgp.routers[].neighbors[].address                          string
spec.bgp.routers[].neighbors[].addressFamilies                  array max-items=2 default=[\"unicast\"]
spec.bgp.routers[].neighbors[].addressFamilies[]                string enum=unicast|evpn
spec.bgp.routers[].neighbors[].asn                              integer/int64 min=0 max=4294967295
spec.bgp.routers[].neighbors[].bfdProfile                       string
spec.bgp.routers[].neighbors[].connectTime                      string rules=2
spec.bgp.routers[].neighbors[].disableMP                        boolean default=false
spec.bgp.routers[].neighbors[].dualStackAddressFamily           boolean default=false
spec.bgp.routers[].neighbors[].dynamicASN                       string enum=internal|external
spec.bgp.routers[].neighbors[].ebgpMultiHop                     boolean
spec.bgp.routers[].neighbors[].enableGracefulRestart            boolean
spec.bgp.routers[].neighbors[].holdTime                         string
spec.bgp.routers[].neighbors[].interface                        string
spec.bgp.routers[].neighbors[].keepaliveTime                    string
spec.bgp.routers[].neighbors[].localASN                         integer/int64 min=1 max=4294967295
spec.bgp.routers[].neighbors[].password                         string
spec.bgp.routers[].neighbors[].passwordSecret                   object map-type=atomic
spec.bgp.routers[].neighbors[].passwordSecret.name              string
spec.bgp.routers[].neighbors[].passwordSecret.namespace         string
spec.bgp.routers[].neighbors[].port                             integer min=0 max=16384
spec.bgp.routers[].neighbors[].sourceaddress                    string
spec.bgp.routers[].neighbors[].toAdvertise                      object
spec.bgp.routers[].neighbors[].toAdvertise.allowed              object
spec.bgp.routers[].neighbors[].toAdvertise.allowed.mode         string enum=all|filtered default=\"filtered\"
spec.bgp.routers[].neighbors[].toAdvertise.allowed.prefixes     array
spec.bgp.routers[].neighbors[].toAdvertise.allowed.prefixes[]   string
spec.bgp.routers[].neighbors[].toAdvertise.nextHop              object
spec.bgp.routers[].neighbors[].toAdvertise.nextHop.ipv4         string/ipv4
spec.bgp.routers[].neighbors[].toAdvertise.nextHop.ipv6         string/ipv6
spec.bgp.routers[].neighbors[].toAdvertise.withCommunity        array
spec.bgp.routers[].neighbors[].toAdvertise.withCommunity[]      object
spec.bgp.routers[].neighbors[].toAdvertise.withCommunity[].community    string
spec.bgp.routers[].neighbors[].toAdvertise.withCommunity[].prefixes     array min-items=1
spec.bgp.routers[].neighbors[].toAdvertise.withCommunity[].prefixes[]   string
spec.bgp.routers[].neighbors[].toAdvertise.withLocalPref        array
spec.bgp.routers[].neighbors[].toAdvertise.withLocalPref[]      object
spec.bgp.routers[].neighbors[].toAdvertise.withLocalPref[].localPref    integer/int32
spec.bgp.routers[].neighbors[].toAdvertise.withLocalPref[].prefixes     array min-items=1
spec.bgp.routers[].neighbors[].toAdvertise.withLocalPref[].prefixes[]   string
spec.bgp.routers[].neighbors[].toReceive                        object
spec.bgp.routers[].neighbors[].toReceive.allowed                object
spec.bgp.routers[].neighbors[].toReceive.allowed.mode           string enum=all|filtered default=\"filtered\"
spec.bgp.routers[].neighbors[].toReceive.allowed.prefixes       array
spec.bgp.routers[].neighbors[].toReceive.allowed.prefixes[]     object
spec.bgp.routers[].neighbors[].toReceive.allowed.prefixes[].ge  integer/int32 min=1 max=128
spec.bgp.routers[].neighbors[].toReceive.allowed.prefixes[].le  integer/int32 min=1 max=128
spec.bgp.routers[].neighbors[].toReceive.allowed.prefixes[].prefix      string/cidr
spec.bgp.routers[].prefixes                                     array
spec.bgp.routers[].prefixes[]                                   string
spec.bgp.routers[].vrf                                          string
spec.nodeSelector                                               object map-type=atomic
spec.nodeSelector.matchExpressions                              array list-type=atomic
spec.nodeSelector.matchExpressions[]                            object required=key,operator
spec.nodeSelector.matchExpressions[].key                        string
spec.nodeSelector.matchExpressions[].operator                   string
spec.nodeSelector.matchExpressions[].values                     array list-type=atomic
spec.nodeSelector.matchExpressions[].values[]                   string
spec.nodeSelector.matchLabels                                   object
spec.nodeSelector.matchLabels{}                                 string
spec.raw                                                        object
spec.raw.priority                                               integer
spec.raw.rawConfig                                              string
status                                                          object
status.exampleNodes                                             array
status.exampleNodes[]                                           object
status.exampleNodes[].message                                   string
status.exampleNodes[].node                                      string
status.exampleNodes[].reason                                    string
status.nodes                                                    object
status.nodes.applied                                            integer/int64 min=0 default=0
status.nodes.rejected                                           integer/int64 min=0 default=0
status.nodes.selected                                           integer/int64 min=0 default=0
";

const FRR_NODE_STATE: &str = "
spec                                        object
status                                      object
status.runningConfig                        string
status.lastConversionResult                 string
status.lastReloadResult                     string
status.appliedAt                            string/date-time
status.configurations                       array
status.configurations[]                     object
status.configurations[].conflicts           array
status.configurations[].generation          integer/int64
status.configurations[].message             string
status.configurations[].name                string
status.configurations[].namespace           string
status.configurations[].outcome             string
status.configurations[].reason              string
status.configurations[].runningGeneration   integer/int64
status.configurations[].source              string
status.configurations[].uid                 string
status.configurationsOmitted                integer/int64 min=0
status.counts                               object
status.counts.accepted                      integer/int64 min=0 default=0
status.counts.conflicts                     integer/int64 min=0 default=0
status.counts.selected                      integer/int64 min=0 default=0
status.counts.sessions                      integer/int64 min=0 default=0
status.counts.sessionsUp                    integer/int64 min=0 default=0
status.desiredHash                          string
status.runningHash                          string
status.summary                              object
status.summary.configurations               string
status.summary.sessions                     string
";

const BGP_SESSION_STATE: &str = "
spec                        object
status                      object
status.bgpStatus            string
status.bfdStatus            string
status.node                 string
status.peer                 string
status.vrf                  string
status.establishedSince     string/date-time
status.lastResetReason      string
status.prefixesReceived     integer/int64 min=0
status.prefixesSent         integer/int64 min=0
";

const FRRK8S_CONFIGURATION: &str = "
spec            object
spec.logLevel   string enum=all|debug|info|warn|error|none
status          object
";

/// Kubernetes' own, at `status.conditions` of two kinds.
const CONDITIONS: &str = "
                        array list-type=map list-keys=[\"type\"]
[]                      object required=lastTransitionTime,message,reason,status,type
[].lastTransitionTime   string/date-time
[].message              string
[].observedGeneration   integer/int64
[].reason               string
[].status               string
[].type                 string
";

/// At `status.exampleNodes[].conflict`, and the elements of `status.configurations[].conflicts`.
const CONFLICT: &str = "
                        object
.field                  string
.others                 array
.others[]               object
.others[].field         string
.others[].name          string
.others[].namespace     string
.others[].value         string
.reason                 string
.value                  string
";

const OBJECT: &str = "
            object
apiVersion  string
kind        string
metadata    object
";

#[test]
fn the_schema_of_frrconfiguration_has_these_fields_and_no_others() {
    assert_facts(
        "FRRConfiguration",
        &[
            ("", OBJECT),
            ("", FRR_CONFIGURATION),
            ("status.conditions", CONDITIONS),
            ("status.exampleNodes[].conflict", CONFLICT),
        ],
    );
}

#[test]
fn the_schema_of_frrnodestate_has_these_fields_and_no_others() {
    assert_facts(
        "FRRNodeState",
        &[
            ("", OBJECT),
            ("", FRR_NODE_STATE),
            ("status.conditions", CONDITIONS),
            ("status.configurations[].conflicts[]", CONFLICT),
        ],
    );
}

#[test]
fn the_schema_of_bgpsessionstate_has_these_fields_and_no_others() {
    assert_facts("BGPSessionState", &[("", OBJECT), ("", BGP_SESSION_STATE)]);
}

#[test]
fn the_schema_of_frrk8sconfiguration_has_these_fields_and_no_others() {
    assert_facts("FRRK8sConfiguration", &[("", OBJECT), ("", FRRK8S_CONFIGURATION)]);
}

#[test]
fn names_scopes_and_columns_are_these() {
    let outlines: Vec<String> = crds().iter().map(outline).collect();
    // An asterisk: only with `-o wide`.
    assert_eq!(
        outlines,
        [
            "bgpsessionstates.frrk8s.metallb.io Namespaced BGPSessionState BGPSessionStateList bgpsessionstate \
             [\"bgpss\"] v1beta1 served stored +status | Node, Peer, VRF, BGP, BFD, Established*, Received*, Sent*, \
             Last reset*, Age",
            "frrconfigurations.frrk8s.metallb.io Namespaced FRRConfiguration FRRConfigurationList frrconfiguration \
             [\"frrconf\", \"frrcfg\"] v1beta1 served stored +status | Selected, Applied, Rejected, Accepted, Reason*, \
             Age",
            "frrk8sconfigurations.frrk8s.metallb.io Namespaced FRRK8sConfiguration FRRK8sConfigurationList \
             frrk8sconfiguration [] v1beta1 served stored +status | Level, Age",
            "frrnodestates.frrk8s.metallb.io Cluster FRRNodeState FRRNodeStateList frrnodestate [\"frrns\"] v1beta1 \
             served stored +status | Accepted, Conflicts, Applied, Sessions, Since, In sync*, Reason*, Hash*, Age",
        ]
    );
}

#[test]
fn every_column_shows_a_field_that_exists() {
    for crd in crds() {
        let schema = schema_of(&crd.spec.names.kind).expect("a kind of ours");
        for column in crd.spec.versions[0].additional_printer_columns.iter().flatten() {
            if column.json_path == ".metadata.creationTimestamp" {
                continue;
            }
            // `.status.conditions[?(@.type=="Applied")].status`: the dot in the filter is no step.
            let path = column.json_path.replace("@.", "@");
            let field = path.trim_start_matches('.').split('.').try_fold(schema, |schema, step| {
                let (name, filter) =
                    step.split_once('[').map_or((step, None), |(name, filter)| (name, Some(filter)));
                let field = schema.pointer(&format!("/properties/{name}"))?;
                if filter.is_some() { field.get("items") } else { Some(field) }
            });
            assert!(field.is_some(), "{}", column.json_path);
        }
    }
}

#[test]
fn every_field_explains_itself() {
    for crd in crds() {
        for (path, schema) in walk(schema_of(&crd.spec.names.kind).expect("a kind of ours")) {
            let explained =
                schema.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            let element = path.ends_with("[]") || path.ends_with("{}");
            assert!(explained || element || path == "metadata", "{path} has no description");
        }
    }
}

fn outline(crd: &CustomResourceDefinition) -> String {
    let (spec, names) = (&crd.spec, &crd.spec.names);
    let [version] = spec.versions.as_slice() else { return "more than one version".into() };
    let columns: Vec<String> = version
        .additional_printer_columns
        .iter()
        .flatten()
        .map(|column| column.name.clone() + if column.priority.unwrap_or(0) > 0 { "*" } else { "" })
        .collect();
    format!(
        "{} {} {} {} {} {:?} {}{}{}{} | {}",
        crd.name_any(),
        spec.scope,
        names.kind,
        names.list_kind.as_deref().unwrap_or("-"),
        names.singular.as_deref().unwrap_or("-"),
        names.short_names.as_deref().unwrap_or_default(),
        version.name,
        if version.served { " served" } else { "" },
        if version.storage { " stored" } else { "" },
        if version.subresources.as_ref().is_some_and(|sub| sub.status.is_some()) { " +status" } else { "" },
        columns.join(", "),
    )
}

/// Compares the schema of a kind with tables of lines, each table below a path.
fn assert_facts(kind: &str, tables: &[(&str, &str)]) {
    let mut expected = BTreeMap::new();
    for (base, table) in tables {
        for line in table.lines().filter(|line| !line.trim().is_empty()) {
            let (path, facts) = match line.split_once(' ') {
                Some((path, facts)) => (format!("{base}{path}"), facts.trim().to_owned()),
                None => ((*base).to_owned(), line.to_owned()),
            };
            assert!(expected.insert(path.clone(), facts).is_none(), "{path} has two rows");
        }
    }
    let schema = schema_of(kind).expect("a kind of ours");
    let found: BTreeMap<String, String> =
        walk(schema).into_iter().map(|(path, schema)| (path, facts(schema))).collect();
    let without_row: Vec<_> = found.iter().filter(|(path, _)| !expected.contains_key(*path)).collect();
    assert!(without_row.is_empty(), "fields without a row: {without_row:#?}");
    for (path, facts) in expected {
        assert_eq!(found.get(&path), Some(&facts), "{path}");
    }
}

/// Every schema in the tree with its path, the root's being empty.
fn walk(root: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), root)];
    while let Some((path, schema)) = open.pop() {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let separator = if path.is_empty() { "" } else { "." };
            open.push((format!("{path}{separator}{name}"), field));
        }
        for (keyword, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
            open.extend(schema.get(keyword).map(|inner| (format!("{path}{suffix}"), inner)));
        }
        found.push((path, schema));
    }
    found
}

/// What a schema says besides descriptions and inner schemas, in the notation of the tables.
fn facts(schema: &Value) -> String {
    let mut keywords = schema.as_object().cloned().unwrap_or_default();
    for keyword in ["description", "properties", "items", "additionalProperties"] {
        keywords.remove(keyword);
    }
    let mut facts = text(keywords.remove("type"));
    if let Some(format) = keywords.remove("format") {
        facts = facts + "/" + &text(Some(format));
    }
    for (keyword, name, separator) in [
        ("minimum", "min", ""),
        ("maximum", "max", ""),
        ("minItems", "min-items", ""),
        ("maxItems", "max-items", ""),
        ("maxLength", "max-length", ""),
        ("required", "required", ","),
        ("enum", "enum", "|"),
        ("default", "default", ""),
        ("x-kubernetes-map-type", "map-type", " "),
        ("x-kubernetes-list-type", "list-type", " "),
        ("x-kubernetes-list-map-keys", "list-keys", ""),
    ] {
        let Some(value) = keywords.remove(keyword) else { continue };
        let value = match (separator, value) {
            ("", value) => value.to_string(),
            (separator, Value::Array(words)) => {
                words.into_iter().map(|word| text(Some(word))).collect::<Vec<_>>().join(separator)
            }
            (_, word) => text(Some(word)),
        };
        facts = format!("{facts} {name}={value}");
    }
    if let Some(rules) = keywords.remove("x-kubernetes-validations") {
        facts = format!("{facts} rules={}", rules.as_array().map_or(0, Vec::len));
    }
    // Whatever has no notation above shows in full, and so has no row.
    keywords.iter().fold(facts, |facts, (keyword, value)| format!("{facts} {keyword}={value}"))
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        other => format!("{other:?}"),
    }
}
