//! One case a rule: an object that breaks it, and the finding, with its path and value. Rules of the merged node and
//! of files are tested where they are made.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use frrk8s_api::k8s::Secret;
use frrk8s_manifest::{Object, read};
use frrk8s_model::{Finding, Level, ObjectId, Rule};
use frrk8s_translate::{NodeSelector, Secrets, translate};

const SECRETS: &str = "
{kind: Secret, metadata: {name: good}, type: kubernetes.io/basic-auth, stringData: {password: s3cret}}
---
{kind: Secret, metadata: {name: broken-line}, type: kubernetes.io/basic-auth, data: {password: czNjcmV0Cg==}}
---
{kind: Secret, metadata: {name: opaque}, type: Opaque, stringData: {password: s3cret}}
---
{kind: Secret, metadata: {name: keyless}, type: kubernetes.io/basic-auth, stringData: {user: x}}
---
{kind: Secret, metadata: {name: binary}, type: kubernetes.io/basic-auth, data: {password: /////w==}}
";

/// What is wrong with a spec.
fn findings(spec: &str) -> (Vec<Finding>, bool) {
    let secrets: Vec<Secret> = read(SECRETS)
        .unwrap()
        .into_iter()
        .map(|manifest| match manifest.object {
            Object::Secret(secret) => *secret,
            other => panic!("{other:?}"),
        })
        .collect();
    let yaml = format!("kind: FRRConfiguration\nmetadata: {{name: a, namespace: ns}}\nspec: {spec}\n");
    let manifests = read(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let id = ObjectId::new("ns", "a");
    let mut findings = manifests[0].findings(&id);
    let Object::Configuration(object) = &manifests[0].object else {
        return (findings, false);
    };
    let selector = NodeSelector::of(&id, &object.spec);
    let selects = selector.is_ok();
    findings.extend(selector.err().into_iter().flatten());
    let translation = translate(&id, &object.spec, &Secrets::new(&secrets));
    findings.extend(translation.findings);
    (findings, translation.fragment.is_some() && selects)
}

/// A spec with one router of AS 64512 and these fields.
fn router(fields: &str) -> String {
    format!("{{bgp: {{routers: [{{asn: 64512, {fields}}}]}}}}")
}

/// A spec with one neighbor with these fields, in a router with two prefixes.
fn neighbor(fields: &str) -> String {
    let prefixes = "prefixes: [10.1.0.0/16, '2001:db8::/32']";
    format!(
        "{{bgp: {{bfdProfiles: [{{name: p}}], routers: [{{asn: 64512, {prefixes}, neighbors: [{{{fields}}}]}}]}}}}"
    )
}

/// A neighbor 10.0.0.1 of AS 65001 with these fields.
fn session(fields: &str) -> String {
    neighbor(&format!("address: 10.0.0.1, asn: 65001, {fields}"))
}

struct Case {
    rule: Rule,
    spec: String,
    /// The path, below `spec.`; a neighbor's begins with `N.`, a router's with `R.`.
    path: &'static str,
    value: Option<&'static str>,
}

fn case(rule: Rule, spec: String, path: &'static str, value: impl Into<Option<&'static str>>) -> Case {
    Case { rule, spec, path, value: value.into() }
}

#[allow(clippy::too_many_lines)] // a table
fn cases() -> Vec<Case> {
    let advertise =
        |fields: &str| session(&format!("toAdvertise: {{allowed: {{prefixes: [10.1.0.0/16]}}, {fields}}}"));
    let evpn = |fields: &str| router(&format!("evpn: {{{fields}}}"));
    let long = "x".repeat(81);
    vec![
        case(Rule::Undecodable, "{bgp: {routers: [{asn: many}]}}".into(), "bgp.routers[0].asn", "many"),
        case(Rule::Undecodable, "{bgp: {routers: [[64512]]}}".into(), "bgp.routers[0]", None),
        case(
            Rule::FieldDropped,
            "{nodeSelector: {labelSelector: {a: b}}}".into(),
            "nodeSelector.labelSelector",
            None,
        ),
        case(
            Rule::NodeSelectorInvalid,
            "{nodeSelector: {matchExpressions: [{key: a, operator: Near}]}}".into(),
            "nodeSelector.matchExpressions[0].operator",
            "Near",
        ),
        case(
            Rule::NodeSelectorInvalid,
            "{nodeSelector: {matchExpressions: [{key: a, operator: In}]}}".into(),
            "nodeSelector.matchExpressions[0].operator",
            "In",
        ),
        case(
            Rule::NodeSelectorInvalid,
            "{nodeSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}".into(),
            "nodeSelector.matchExpressions[0].operator",
            "Exists",
        ),
        case(
            Rule::NodeSelectorInvalid,
            "{nodeSelector: {matchExpressions: [{key: /a, operator: Exists}]}}".into(),
            "nodeSelector.matchExpressions[0].key",
            "/a",
        ),
        case(
            Rule::NodeSelectorInvalid,
            "{nodeSelector: {matchLabels: {a: b c}}}".into(),
            "nodeSelector.matchLabels",
            "b c",
        ),
        case(Rule::PrefixLinkLocal, router("prefixes: ['fe80:1::/64']"), "R.prefixes[0]", "fe80:1::/64"),
        case(
            Rule::ListTooLong,
            format!("{{bgp: {{routers: [{}]}}}}", vec!["{asn: 1}"; 51].join(", ")),
            "bgp.routers",
            None,
        ),
        case(
            Rule::ListTooLong,
            session("addressFamilies: [unicast, evpn, unicast]"),
            "N.addressFamilies",
            None,
        ),
        case(
            Rule::ListTooLong,
            evpn(
                "l2vnis: [{vni: 1}, {vni: 2}, {vni: 3}, {vni: 4}, {vni: 5}, {vni: 6}, {vni: 7}, {vni: 8}, {vni: 9}, {vni: 10}, {vni: 11}]",
            ),
            "R.evpn.l2vnis",
            None,
        ),
        case(
            Rule::ValueUnknown,
            session("addressFamilies: [multicast]"),
            "N.addressFamilies[0]",
            "multicast",
        ),
        case(Rule::ValueUnknown, neighbor("address: 10.0.0.1, dynamicASN: auto"), "N.dynamicASN", "auto"),
        case(
            Rule::ValueUnknown,
            session("toAdvertise: {allowed: {mode: some}}"),
            "N.toAdvertise.allowed.mode",
            "some",
        ),
        case(
            Rule::ValueUnknown,
            session("toReceive: {allowed: {mode: some}}"),
            "N.toReceive.allowed.mode",
            "some",
        ),
        case(Rule::ValueUnknown, evpn("advertiseVNIs: Some"), "R.evpn.advertiseVNIs", "Some"),
        case(Rule::NumberOutOfRange, session("port: 16385"), "N.port", "16385"),
        case(
            Rule::NumberOutOfRange,
            "{bgp: {bfdProfiles: [{name: p, detectMultiplier: 1}]}}".into(),
            "bgp.bfdProfiles[0].detectMultiplier",
            "1",
        ),
        case(
            Rule::NumberOutOfRange,
            advertise("withLocalPref: [{localPref: 4294967296, prefixes: [10.1.0.0/16]}]"),
            "N.toAdvertise.withLocalPref[0].localPref",
            "4294967296",
        ),
        case(
            Rule::NumberOutOfRange,
            session("toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0/8, le: 0}]}}"),
            "N.toReceive.allowed.prefixes[0].le",
            "0",
        ),
        case(Rule::NumberOutOfRange, evpn("l2vnis: [{vni: 16777216}]"), "R.evpn.l2vnis[0].vni", "16777216"),
        case(
            Rule::EntryEmpty,
            advertise("withCommunity: [{community: '1:2', prefixes: []}]"),
            "N.toAdvertise.withCommunity[0].prefixes",
            None,
        ),
        case(Rule::AsnInvalid, "{bgp: {routers: [{asn: 0}]}}".into(), "R.asn", "0"),
        case(Rule::AsnInvalid, "{bgp: {routers: [{vrf: red}]}}".into(), "R.asn", "unset"),
        case(Rule::AsnInvalid, neighbor("address: 10.0.0.1, asn: 4294967296"), "N.asn", "4294967296"),
        case(Rule::AsnInvalid, session("localASN: -1"), "N.localASN", "-1"),
        case(Rule::RouterIdInvalid, router("id: '2001:db8::1'"), "R.id", "2001:db8::1"),
        case(Rule::RouterIdZero, router("id: 0.0.0.0"), "R.id", "0.0.0.0"),
        case(Rule::VrfInvalid, router("vrf: 'a b'"), "R.vrf", "a b"),
        case(Rule::VrfInvalid, router("vrf: all"), "R.vrf", "all"),
        case(Rule::VrfInvalid, router("vrf: a-name-of-16-byt"), "R.vrf", "a-name-of-16-byt"),
        case(Rule::PrefixInvalid, router("prefixes: [192.a.10.10]"), "R.prefixes[0]", "192.a.10.10"),
        case(Rule::PrefixHostBits, router("prefixes: [10.1.2.3/16]"), "R.prefixes[0]", "10.1.2.3/16"),
        case(
            Rule::Ipv4Mapped,
            neighbor("address: '::ffff:10.0.0.1', asn: 1"),
            "N.address",
            "::ffff:10.0.0.1",
        ),
        case(
            Rule::Ipv4Mapped,
            router("prefixes: ['::ffff:10.0.0.0/104']"),
            "R.prefixes[0]",
            "::ffff:10.0.0.0/104",
        ),
        case(Rule::ImportInvalid, router("imports: [{}]"), "R.imports[0].vrf", None),
        case(Rule::ImportInvalid, router("vrf: red, imports: [{vrf: red}]"), "R.imports[0].vrf", "red"),
        case(Rule::ImportUnknown, router("imports: [{vrf: red}]"), "R.imports[0].vrf", "red"),
        case(Rule::EndpointMissing, neighbor("asn: 65001"), "N", None),
        case(Rule::EndpointTwice, session("interface: eth0"), "N.interface", "eth0"),
        case(Rule::AddressInvalid, neighbor("address: 192.2.2.a, asn: 1"), "N.address", "192.2.2.a"),
        case(Rule::AddressInvalid, neighbor("address: 'fe80::1%eth0', asn: 1"), "N.address", "fe80::1%eth0"),
        case(Rule::AddressUnusable, neighbor("address: 224.0.0.5, asn: 1"), "N.address", "224.0.0.5"),
        case(Rule::AddressUnusable, neighbor("address: 'fe80::1', asn: 1"), "N.address", "fe80::1"),
        case(
            Rule::InterfaceInvalid,
            neighbor("interface: 'eth0 peer-group x', asn: 1"),
            "N.interface",
            "eth0 peer-group x",
        ),
        case(Rule::InterfaceInvalid, neighbor("interface: 10.0.0.1, asn: 1"), "N.interface", "10.0.0.1"),
        case(Rule::NeighborAsnMissing, neighbor("address: 10.0.0.1"), "N", None),
        case(Rule::NeighborAsnTwice, session("dynamicASN: external"), "N.dynamicASN", "external"),
        case(Rule::LocalAsnInvalid, session("localASN: 64512"), "N.localASN", "64512"),
        case(
            Rule::LocalAsnInvalid,
            neighbor("address: 10.0.0.1, asn: 64512, localASN: 5"),
            "N.localASN",
            "5",
        ),
        case(Rule::LocalAsnVersion, session("localASN: 65001"), "N.localASN", "65001"),
        case(
            Rule::LocalAsnVersion,
            neighbor("address: 10.0.0.1, dynamicASN: internal, localASN: 5"),
            "N.localASN",
            "5",
        ),
        case(Rule::PortZero, session("port: 0"), "N.port", "0"),
        case(Rule::DurationInvalid, session("holdTime: '90', keepaliveTime: 30s"), "N.holdTime", "90"),
        case(Rule::DurationInvalid, session("connectTime: 1s-1s"), "N.connectTime", "1s-1s"),
        case(
            Rule::DurationTruncated,
            session("holdTime: 90s, keepaliveTime: 20.5s"),
            "N.keepaliveTime",
            "20.5s",
        ),
        case(Rule::TimersUnpaired, session("holdTime: 90s"), "N.holdTime", "90s"),
        case(Rule::TimersUnpaired, session("keepaliveTime: 90s"), "N.keepaliveTime", "90s"),
        case(Rule::HoldTimeInvalid, session("holdTime: 2s, keepaliveTime: 1s"), "N.holdTime", "2"),
        case(Rule::HoldTimeInvalid, session("holdTime: 70000s, keepaliveTime: 1s"), "N.holdTime", "70000"),
        case(Rule::KeepaliveOverHold, session("holdTime: 9s, keepaliveTime: 10s"), "N.keepaliveTime", "10"),
        case(Rule::KeepaliveCut, session("holdTime: 90s, keepaliveTime: 60s"), "N.keepaliveTime", "60"),
        case(Rule::ConnectTimeInvalid, session("connectTime: 1500ms"), "N.connectTime", "1500ms"),
        case(Rule::ConnectTimeInvalid, session("connectTime: 65536s"), "N.connectTime", "65536s"),
        case(
            Rule::PasswordTwice,
            session("password: a, passwordSecret: {name: good}"),
            "N.passwordSecret.name",
            "good",
        ),
        case(Rule::PasswordInvalid, session("password: 'with space'"), "N.password", "***"),
        case(Rule::PasswordInvalid, session(&format!("password: {long}")), "N.password", "***"),
        case(
            Rule::PasswordLineBreak,
            session("passwordSecret: {name: broken-line}"),
            "N.passwordSecret.name",
            "broken-line",
        ),
        case(
            Rule::SecretMissing,
            session("passwordSecret: {name: nonexisting}"),
            "N.passwordSecret.name",
            "nonexisting",
        ),
        case(
            Rule::SecretInvalid,
            session("passwordSecret: {name: opaque}"),
            "N.passwordSecret.name",
            "opaque",
        ),
        case(
            Rule::SecretInvalid,
            session("passwordSecret: {name: keyless}"),
            "N.passwordSecret.name",
            "keyless",
        ),
        case(
            Rule::SecretInvalid,
            session("passwordSecret: {name: binary}"),
            "N.passwordSecret.name",
            "binary",
        ),
        case(
            Rule::SecretNamespace,
            session("passwordSecret: {name: good, namespace: x}"),
            "N.passwordSecret.namespace",
            "x",
        ),
        case(Rule::SourceInvalid, session("sourceaddress: 'a b'"), "N.sourceaddress", "a b"),
        case(Rule::AddressUnusable, session("sourceaddress: 224.0.0.1"), "N.sourceaddress", "224.0.0.1"),
        case(
            Rule::OptionIgnored,
            neighbor("interface: eth0, asn: 1, sourceaddress: 10.0.0.1"),
            "N.sourceaddress",
            "10.0.0.1",
        ),
        case(
            Rule::OptionIgnored,
            neighbor("address: 10.0.0.1, asn: 64512, ebgpMultiHop: true"),
            "N.ebgpMultiHop",
            "true",
        ),
        case(
            Rule::MultihopInterface,
            neighbor("interface: eth0, asn: 1, ebgpMultiHop: true"),
            "N.ebgpMultiHop",
            "true",
        ),
        case(Rule::DisableMpIgnored, session("disableMP: true"), "N.disableMP", "true"),
        case(Rule::BfdProfileUnknown, session("bfdProfile: q"), "N.bfdProfile", "q"),
        case(
            Rule::NextHopInvalid,
            session("toAdvertise: {nextHop: {ipv4: 0.0.0.0}}"),
            "N.toAdvertise.nextHop.ipv4",
            "0.0.0.0",
        ),
        case(
            Rule::NextHopFamily,
            session("toAdvertise: {nextHop: {ipv6: '2001:db8::1'}}"),
            "N.toAdvertise.nextHop.ipv6",
            "2001:db8::1",
        ),
        case(
            Rule::AdvertisedUnknown,
            session("toAdvertise: {allowed: {prefixes: [10.9.0.0/16]}}"),
            "N.toAdvertise.allowed.prefixes[0]",
            "10.9.0.0/16",
        ),
        case(
            Rule::AdvertisedFamily,
            session("toAdvertise: {allowed: {prefixes: ['2001:db8::/32']}}"),
            "N.toAdvertise.allowed.prefixes[0]",
            "2001:db8::/32",
        ),
        case(
            Rule::LocalPrefTwice,
            advertise(
                "withLocalPref: [{localPref: 1, prefixes: [10.1.0.0/16]}, {localPref: 2, prefixes: [10.1.0.0/16]}]",
            ),
            "N.toAdvertise.withLocalPref[1].prefixes[0]",
            "10.1.0.0/16",
        ),
        case(
            Rule::LocalPrefTwice,
            advertise("withLocalPref: [{localPref: 1, prefixes: [10.1.0.0/16, 10.1.2.0/16]}]"),
            "N.toAdvertise.withLocalPref[0].prefixes[1]",
            "10.1.2.0/16",
        ),
        case(
            Rule::LocalPrefUnadvertised,
            session("toAdvertise: {withLocalPref: [{localPref: 1, prefixes: [10.1.0.0/16]}]}"),
            "N.toAdvertise.withLocalPref[0].prefixes[0]",
            "10.1.0.0/16",
        ),
        case(
            Rule::LocalPrefExternal,
            advertise("withLocalPref: [{localPref: 1, prefixes: [10.1.0.0/16]}]"),
            "N.toAdvertise.withLocalPref",
            None,
        ),
        case(
            Rule::CommunityInvalid,
            advertise("withCommunity: [{community: '1:2:3', prefixes: [10.1.0.0/16]}]"),
            "N.toAdvertise.withCommunity[0].community",
            "1:2:3",
        ),
        case(
            Rule::CommunityTwice,
            advertise(
                "withCommunity: [{community: '1:2', prefixes: [10.1.0.0/16]}, {community: '01:2', prefixes: [10.1.0.0/16]}]",
            ),
            "N.toAdvertise.withCommunity[1].community",
            "1:2",
        ),
        case(
            Rule::CommunitiesTooMany,
            advertise(&format!(
                "withCommunity: [{}]",
                (0..256)
                    .map(|number| format!("{{community: '7:{number}', prefixes: [10.1.0.0/16]}}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            "N.toAdvertise.withCommunity",
            "10.1.0.0/16",
        ),
        case(
            Rule::CommunityUnadvertised,
            advertise("withCommunity: [{community: '1:2', prefixes: [10.9.0.0/16]}]"),
            "N.toAdvertise.withCommunity[0].prefixes[0]",
            "10.9.0.0/16",
        ),
        case(
            Rule::ReceivedRange,
            session("toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0/8, le: 64}]}}"),
            "N.toReceive.allowed.prefixes[0]",
            "10.0.0.0/8",
        ),
        case(
            Rule::ReceivedFamily,
            session("toReceive: {allowed: {prefixes: [{prefix: '2000::/3'}]}}"),
            "N.toReceive.allowed.prefixes[0].prefix",
            "2000::/3",
        ),
        case(
            Rule::BfdNameInvalid,
            "{bgp: {bfdProfiles: [{name: 'a b'}]}}".into(),
            "bgp.bfdProfiles[0].name",
            "a b",
        ),
        case(
            Rule::BfdNameInvalid,
            format!("{{bgp: {{bfdProfiles: [{{name: {}}}]}}}}", &long[..64]),
            "bgp.bfdProfiles[0].name",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        case(
            Rule::BfdProfileTwice,
            "{bgp: {bfdProfiles: [{name: a}, {name: a}]}}".into(),
            "bgp.bfdProfiles[1].name",
            "a",
        ),
        case(
            Rule::RouteDistinguisherInvalid,
            evpn("l2vnis: [{vni: 1, rd: '1.2.3:5'}]"),
            "R.evpn.l2vnis[0].rd",
            "1.2.3:5",
        ),
        case(
            Rule::RouteTargetInvalid,
            evpn("l2vnis: [{vni: 1, exportRTs: ['foo.1:5']}]"),
            "R.evpn.l2vnis[0].exportRTs[0]",
            "foo.1:5",
        ),
        case(
            Rule::RouteTargetWildcard,
            evpn("l2vnis: [{vni: 1, importRTs: ['*:5']}]"),
            "R.evpn.l2vnis[0].importRTs[0]",
            "*:5",
        ),
        case(
            Rule::RouteTargetWildcardVersion,
            router("vrf: red, evpn: {l3vni: {vni: 1, advertisePrefixes: [unicast], importRTs: ['*:5']}}"),
            "R.evpn.l3vni.importRTs[0]",
            "*:5",
        ),
        case(Rule::EvpnNeedsAll, evpn("advertiseSVI: true"), "R.evpn.advertiseSVI", "true"),
        case(Rule::EvpnNeedsAll, evpn("l2vnis: [{vni: 1, rd: '1:1'}]"), "R.evpn.l2vnis[0]", None),
        case(
            Rule::L3VniDefaultVrf,
            evpn("l3vni: {vni: 1, advertisePrefixes: [unicast]}"),
            "R.evpn.l3vni",
            None,
        ),
        case(
            Rule::EntryEmpty,
            router("vrf: red, evpn: {l3vni: {vni: 1}}"),
            "R.evpn.l3vni.advertisePrefixes",
            None,
        ),
        case(Rule::RawInvalid, "{raw: {rawConfig: \"a\\u0007b\"}}".into(), "raw.rawConfig", "a\\u{7}b"),
    ]
}

#[test]
fn every_rule_names_the_field_and_the_value() {
    for Case { rule, spec, path, value } in cases() {
        let path = match path.split_once('.').unwrap_or((path, "")) {
            ("N", "") => "spec.bgp.routers[0].neighbors[0]".to_owned(),
            ("N", rest) => format!("spec.bgp.routers[0].neighbors[0].{rest}"),
            ("R", rest) => format!("spec.bgp.routers[0].{rest}"),
            _ => format!("spec.{path}"),
        };
        let (findings, translated) = findings(&spec);
        let found = findings.iter().find(|finding| finding.rule == rule && finding.at.path == path);
        let found = found.unwrap_or_else(|| panic!("no {rule} at {path}: {findings:#?}\n{spec}"));
        assert_eq!(found.at.value.as_deref(), value, "{spec}");
        let errors = findings.iter().any(Finding::is_error);
        assert_eq!(translated, !errors, "{findings:#?}\n{spec}");
        assert!(!findings.iter().any(|finding| format!("{finding:?}").contains("s3cret")), "{findings:#?}");
    }
}

#[test]
fn every_rule_about_objects_has_a_case() {
    // Those about files and several objects are the command line's, and those about the API the agent's; two are below.
    let elsewhere = [
        Rule::Unreadable,
        Rule::MissingInApi,
        Rule::OlderInApi,
        Rule::DuplicateObject,
        Rule::NamespaceIgnored,
        Rule::SecretAssumed,
        Rule::PolicyTooLarge,
    ];
    let tested: BTreeSet<Rule> = cases().into_iter().map(|case| case.rule).collect();
    let missing: Vec<Rule> = Rule::ALL
        .iter()
        .copied()
        .filter(|rule| rule.level() != Level::Node && !tested.contains(rule) && !elsewhere.contains(rule))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn an_object_in_order_has_no_finding() {
    for spec in [
        "{}".to_owned(),
        session("port: 179, passwordSecret: {name: good}, bfdProfile: p, holdTime: 90s, keepaliveTime: 30s"),
        neighbor("interface: eth0.5, dynamicASN: external, toAdvertise: {allowed: {mode: all}}"),
        router("vrf: default, id: 192.0.2.1"),
    ] {
        let (findings, translated) = findings(&spec);
        assert!(translated && findings.is_empty(), "{findings:#?}");
    }
}

#[test]
fn a_secret_that_cannot_be_seen_is_assumed_where_that_is_asked_for() {
    let yaml = session("passwordSecret: {name: elsewhere}");
    let manifests = read(&format!("kind: FRRConfiguration\nmetadata: {{}}\nspec: {yaml}\n")).unwrap();
    let Object::Configuration(object) = &manifests[0].object else { panic!() };
    let secrets = Secrets::default().assuming_absent();
    let translation = translate(&ObjectId::new("ns", "a"), &object.spec, &secrets);
    assert!(translation.fragment.is_some());
    assert_eq!(translation.findings[0].rule, Rule::SecretAssumed);
}

#[test]
fn an_object_that_needs_more_route_map_entries_than_there_are_is_refused() {
    const MANY: usize = 1500;
    let list = |item: &dyn Fn(usize, usize) -> String| {
        let items: Vec<String> = (0..MANY).map(|at| item(at / 256, at % 256)).collect();
        format!("[{}]", items.join(", "))
    };
    let prefixes = list(&|high, low| format!("10.{high}.{low}.0/24"));
    let communities =
        list(&|high, low| format!("{{community: '{high}:{low}', prefixes: [10.{high}.{low}.0/24]}}"));
    let neighbors = list(&|high, low| {
        let more = if (high, low) == (0, 0) { communities.as_str() } else { "[]" };
        format!(
            "{{address: 192.0.{high}.{low}, asn: 1, toAdvertise: {{allowed: {{mode: all}}, withCommunity: {more}}}}}"
        )
    });
    let spec = router(&format!("prefixes: {prefixes}, neighbors: {neighbors}"));
    let (findings, translated) = findings(&spec);
    let found: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.at.path.as_str())).collect();
    assert_eq!((translated, found), (false, vec![(Rule::PolicyTooLarge, "spec.bgp.routers[0].neighbors")]));
}

/// What the tests of the existing FRR-K8s look for in its messages.
#[test]
fn messages_contain_what_others_search_them_for() {
    let cases = [
        ("invalid NodeSelector", "{nodeSelector: {matchExpressions: [{key: a, operator: Near}]}}".to_owned()),
        ("unknown ipfamily", router("prefixes: [192.a.10.10]")),
        ("failed to find ipfamily for", neighbor("address: 192.a.b.10, asn: 100")),
        ("without an ipv6 address family", session("toAdvertise: {nextHop: {ipv6: '2001:db8::1'}}")),
        (
            "without an ipv4 address family",
            neighbor("address: '2001:db8::1', asn: 1, toAdvertise: {nextHop: {ipv4: 192.0.2.1}}"),
        ),
        (
            "localPref associated to non existing prefix",
            session("toAdvertise: {withLocalPref: [{localPref: 200, prefixes: [10.10.10.10]}]}"),
        ),
        (
            "community associated to non existing prefix",
            session("toAdvertise: {withCommunity: [{community: '1:2', prefixes: [10.9.0.0/16]}]}"),
        ),
        ("has no ASN or DynamicASN specified", neighbor("address: 1.2.3.4")),
        ("has both ASN and DynamicASN specified", session("dynamicASN: external")),
        ("has no address and no interface", neighbor("asn: 1")),
        ("has both Address and Interface specified", session("interface: eth0")),
        ("secret nonexisting not found", session("passwordSecret: {name: nonexisting}")),
    ];
    for (text, spec) in cases {
        let (findings, _) = findings(&spec);
        assert!(findings.iter().any(|finding| finding.message.contains(text)), "no {text:?}: {findings:#?}");
    }
}
