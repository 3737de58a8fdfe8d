//! Walks the table of `docs/merge-rules.md`: for each row what joins and how, and what conflicts, with the objects in
//! every order.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_merge::{Candidate, ConflictPolicy, Seniority};
use frrk8s_model::{Finding, Fragment};
use frrk8s_plan::{NodeInput, plan};

/// Where the words of a case stand in the object.
#[derive(Clone, Copy)]
enum In {
    /// Fields of the neighbor 10.0.0.1.
    Neighbor,
    /// Fields of the router, beside that neighbor.
    Router,
    /// Fields of a BFD profile named `p`.
    Bfd,
    /// The EVPN part of the default router, whose neighbor speaks EVPN.
    Evpn,
    /// The EVPN part of a router of the VRF `red` without neighbors.
    Tenant,
    /// Fields of the spec.
    Spec,
}

/// One row of the table.
struct Row {
    field: &'static str,
    place: In,
    /// Two objects that go together,
    joined: [&'static str; 2],
    /// the lines that both together render,
    lines: &'static [&'static str],
    /// and lines that they must not.
    absent: &'static [&'static str],
    /// Two objects that conflict, with the path of the field in each; `None` where nothing can.
    conflict: Option<([&'static str; 2], &'static str)>,
}

const fn row(
    field: &'static str,
    place: In,
    joined: [&'static str; 2],
    lines: &'static [&'static str],
) -> Row {
    Row { field, place, joined, lines, absent: &[], conflict: None }
}

impl Row {
    const fn without(self, absent: &'static [&'static str]) -> Self {
        Self { absent, ..self }
    }

    const fn conflicting(self, objects: [&'static str; 2], path: &'static str) -> Self {
        Self { conflict: Some((objects, path)), ..self }
    }
}

const PREFIXES: &str = "toAdvertise: {allowed: {prefixes: [10.1.0.0/16, 10.2.0.0/16]}, ";

const ROWS: &[Row] = &[
    row("routers[].asn", In::Router, ["", ""], &["router bgp 64512"]).conflicting(["", "asn: 64999"], "asn"),
    row("routers[].id", In::Router, ["id: 192.0.2.1", ""], &["bgp router-id 192.0.2.1"])
        .conflicting(["id: 192.0.2.1", "id: 192.0.2.2"], "id"),
    row(
        "routers[].neighbors",
        In::Router,
        ["neighbors: [{address: 10.0.0.7, asn: 7}]", "neighbors: [{address: '2001:DB8::1', asn: 8}]"],
        &["neighbor 10.0.0.7 remote-as 7", "neighbor 2001:db8::1 remote-as 8"],
    ),
    row(
        "routers[].prefixes",
        In::Router,
        ["prefixes: [192.0.2.7/24]", "prefixes: ['2001:db8::/32', 192.0.2.0/24]"],
        &["network 192.0.2.0/24", "network 2001:db8::/32"],
    ),
    row(
        "routers[].imports",
        In::Spec,
        [
            "bgp: {routers: [{asn: 1, vrf: red}, {asn: 1, vrf: blue, imports: [{vrf: red}]}]}",
            "bgp: {routers: [{asn: 1}, {asn: 1, vrf: blue, imports: [{vrf: default}]}]}",
        ],
        &["import vrf red", "import vrf default"],
    ),
    row("neighbors[].asn", In::Neighbor, ["asn: 65001", "asn: 65001"], &["neighbor 10.0.0.1 remote-as 65001"])
        .conflicting(["asn: 65001", "dynamicASN: external"], "asn"),
    row("neighbors[].port", In::Neighbor, ["port: 180", "port: 180"], &["neighbor 10.0.0.1 port 180"])
        .conflicting(["port: 180", ""], "port"),
    row(
        "neighbors[].sourceaddress",
        In::Neighbor,
        ["sourceaddress: '::ffff:10.0.0.9'", "sourceaddress: 10.0.0.9"],
        &["neighbor 10.0.0.1 update-source 10.0.0.9"],
    )
    .conflicting(["sourceaddress: 10.0.0.9", ""], "sourceaddress"),
    row(
        "neighbors[].password",
        In::Neighbor,
        ["password: a", "password: a"],
        &["neighbor 10.0.0.1 password a"],
    )
    .conflicting(["password: a", ""], "password"),
    row(
        "neighbors[].holdTime",
        In::Neighbor,
        ["holdTime: 180s, keepaliveTime: 30s", "holdTime: 3m, keepaliveTime: 30s"],
        &["neighbor 10.0.0.1 timers 30 180"],
    )
    .conflicting(["holdTime: 90s, keepaliveTime: 20s", "holdTime: 60s, keepaliveTime: 20s"], "holdTime"),
    row(
        "neighbors[].keepaliveTime",
        In::Neighbor,
        ["holdTime: 180s, keepaliveTime: 60s", ""],
        &["neighbor 10.0.0.1 timers 60 180"],
    )
    .conflicting(["holdTime: 180s, keepaliveTime: 20s", ""], "keepaliveTime"),
    row(
        "neighbors[].connectTime",
        In::Neighbor,
        ["connectTime: 60s", ""],
        &["neighbor 10.0.0.1 timers connect 60"],
    )
    .conflicting(["connectTime: 30s", ""], "connectTime"),
    row(
        "neighbors[].ebgpMultiHop",
        In::Neighbor,
        ["ebgpMultiHop: true", "ebgpMultiHop: true"],
        &["neighbor 10.0.0.1 ebgp-multihop"],
    )
    .conflicting(["ebgpMultiHop: true", ""], "ebgpMultiHop"),
    row(
        "neighbors[].localASN",
        In::Neighbor,
        ["localASN: 65100", "localASN: 65100"],
        &["neighbor 10.0.0.1 local-as 65100 no-prepend replace-as"],
    )
    .conflicting(["localASN: 65100", ""], "localASN"),
    row(
        "neighbors[].dualStackAddressFamily",
        In::Neighbor,
        ["dualStackAddressFamily: true", "dualStackAddressFamily: true"],
        &["address-family ipv6 unicast", "neighbor 10.0.0.1 activate"],
    )
    .conflicting(["dualStackAddressFamily: true", ""], "dualStackAddressFamily"),
    row("neighbors[].bfdProfile", In::Neighbor, ["bfdProfile: p", ""], &["neighbor 10.0.0.1 bfd profile p"])
        .conflicting(["bfdProfile: p", "bfdProfile: q"], "bfdProfile"),
    row(
        "neighbors[].enableGracefulRestart",
        In::Neighbor,
        ["enableGracefulRestart: true", "enableGracefulRestart: false"],
        &["neighbor 10.0.0.1 graceful-restart"],
    ),
    row(
        "neighbors[].addressFamilies",
        In::Router,
        [
            "neighbors: [{address: 10.0.0.1, asn: 65001, addressFamilies: [evpn]}], evpn: {}",
            "neighbors: [{address: 10.0.0.1, asn: 65001}]",
        ],
        &["address-family l2vpn evpn", "address-family ipv4 unicast"],
    ),
    row(
        "neighbors[].toAdvertise.allowed",
        In::Neighbor,
        [
            "toAdvertise: {allowed: {prefixes: [10.1.0.0/16]}}",
            "toAdvertise: {allowed: {prefixes: [10.2.0.0/16]}}",
        ],
        &["permit 10.1.0.0/16", "permit 10.2.0.0/16"],
    )
    .without(&["permit 10.3.0.0/16"]),
    row(
        "neighbors[].toAdvertise.withLocalPref",
        In::Neighbor,
        [
            "withLocalPref: [{localPref: 100, prefixes: [10.1.0.0/16]}]}",
            "withLocalPref: [{localPref: 200, prefixes: [10.2.0.0/16]}]}",
        ],
        &["set local-preference 100", "set local-preference 200"],
    )
    .conflicting(
        [
            "withLocalPref: [{localPref: 100, prefixes: [10.1.0.0/16]}]}",
            "withLocalPref: [{localPref: 300, prefixes: [10.2.0.0/16]}, {localPref: 200, prefixes: [10.1.0.0/16]}]}",
        ],
        "localPref",
    ),
    row(
        "neighbors[].toAdvertise.withCommunity",
        In::Neighbor,
        [
            "withCommunity: [{community: '1:2', prefixes: [10.1.0.0/16]}]}",
            "withCommunity: [{community: '3:4', prefixes: [10.1.0.0/16]}, {community: 'large:1:2:3', prefixes: [10.2.0.0/16]}]}",
        ],
        &["set community 1:2 3:4 additive", "set large-community 1:2:3 additive"],
    ),
    row(
        "neighbors[].toAdvertise.nextHop.ipv4",
        In::Neighbor,
        ["nextHop: {ipv4: 192.0.2.9}}", "}"],
        &["set ip next-hop 192.0.2.9"],
    )
    .conflicting(["nextHop: {ipv4: 192.0.2.9}}", "nextHop: {ipv4: 192.0.2.8}}"], "nextHop.ipv4"),
    row(
        "neighbors[].toAdvertise.nextHop.ipv6",
        In::Router,
        [
            "prefixes: ['2001:db8::/32'], neighbors: [{address: 'fd00::1', asn: 65001, toAdvertise: {allowed: {mode: all}, nextHop: {ipv6: '2001:db8::9'}}}]",
            "neighbors: [{address: 'FD00::1', asn: 65001}]",
        ],
        &["set ipv6 next-hop global 2001:db8::9"],
    )
    .conflicting(
        [
            "neighbors: [{address: 'fd00::1', asn: 65001, toAdvertise: {nextHop: {ipv6: '2001:db8::9'}}}]",
            "neighbors: [{address: 'fd00::1', asn: 65001, toAdvertise: {nextHop: {ipv6: '2001:db8::8'}}}]",
        ],
        "nextHop.ipv6",
    ),
    row(
        "neighbors[].toReceive.allowed",
        In::Router,
        [
            "neighbors: [{address: 10.0.0.7, asn: 7, toReceive: {allowed: {mode: all}}}, {address: 'fd00::8', asn: 7, toReceive: {allowed: {prefixes: [{prefix: '2000::/3', le: 20}]}}}]",
            "neighbors: [{address: 10.0.0.7, asn: 7, toReceive: {allowed: {prefixes: [{prefix: 10.9.0.0/16}]}}}, {address: 'fd00::8', asn: 7, toReceive: {allowed: {prefixes: [{prefix: '2000::/32'}]}}}]",
        ],
        &["route-map 10.0.0.7-in permit 100", "permit 2000::/3 le 20", "permit 2000::/32"],
    )
    .without(&["permit 10.9.0.0/16"]),
    row("bfdProfiles[].receiveInterval", In::Bfd, ["receiveInterval: 30", "receiveInterval: 30"], &["receive-interval 30"])
        .conflicting(["receiveInterval: 300", ""], "receiveInterval"),
    row("bfdProfiles[].transmitInterval", In::Bfd, ["transmitInterval: 30", "transmitInterval: 30"], &["transmit-interval 30"])
        .conflicting(["transmitInterval: 300", ""], "transmitInterval"),
    row("bfdProfiles[].detectMultiplier", In::Bfd, ["detectMultiplier: 5", "detectMultiplier: 5"], &["detect-multiplier 5"])
        .conflicting(["detectMultiplier: 3", ""], "detectMultiplier"),
    row("bfdProfiles[].echoInterval", In::Bfd, ["echoInterval: 30", "echoInterval: 30"], &["echo receive-interval 30"])
        .conflicting(["echoInterval: 50", ""], "echoInterval"),
    row("bfdProfiles[].echoMode", In::Bfd, ["echoMode: true", "echoMode: true"], &["echo-mode"])
        .conflicting(["echoMode: true", ""], "echoMode"),
    row("bfdProfiles[].passiveMode", In::Bfd, ["passiveMode: false", ""], &["profile p"])
        .conflicting(["passiveMode: true", "passiveMode: false"], "passiveMode"),
    row("bfdProfiles[].minimumTtl", In::Bfd, ["minimumTtl: 9", "minimumTtl: 9"], &["minimum-ttl 9"])
        .conflicting(["minimumTtl: 254", ""], "minimumTtl"),
    row(
        "evpn",
        In::Router,
        [
            "neighbors: [{address: 10.0.0.1, asn: 65001, addressFamilies: [unicast, evpn]}], evpn: {advertiseVNIs: All}",
            "",
        ],
        &["advertise-all-vni"],
    ),
    row("evpn.advertiseVNIs", In::Evpn, ["advertiseVNIs: All", "advertiseVNIs: All"], &["advertise-all-vni"])
        .conflicting(["advertiseVNIs: All", ""], "advertiseVNIs"),
    row("evpn.advertiseSVI", In::Evpn, ["advertiseVNIs: All, advertiseSVI: true", "advertiseVNIs: All, advertiseSVI: true"], &["advertise-svi-ip"])
        .conflicting(["advertiseVNIs: All, advertiseSVI: true", "advertiseVNIs: All, advertiseSVI: false"], "advertiseSVI"),
    row(
        "evpn.l2vnis",
        In::Evpn,
        ["advertiseVNIs: All, l2vnis: [{vni: 100, rd: '1:1'}]", "advertiseVNIs: All, l2vnis: [{vni: 200, rd: '2:2'}]"],
        &["vni 100", "vni 200"],
    ),
    row("evpn.l2vnis[].rd", In::Evpn, ["advertiseVNIs: All, l2vnis: [{vni: 100, rd: '1:1'}]", "advertiseVNIs: All, l2vnis: [{vni: 100}]"], &["rd 1:1"])
        .conflicting(["advertiseVNIs: All, l2vnis: [{vni: 100, rd: '1:1'}]", "advertiseVNIs: All, l2vnis: [{vni: 1}, {vni: 100, rd: '1:2'}]"], "rd"),
    row(
        "evpn.l2vnis[].importRTs",
        In::Evpn,
        ["advertiseVNIs: All, l2vnis: [{vni: 100, importRTs: ['1:1']}]", "advertiseVNIs: All, l2vnis: [{vni: 100, importRTs: ['1:2']}]"],
        &["route-target import 1:1", "route-target import 1:2"],
    )
    .conflicting(["advertiseVNIs: All, l2vnis: [{vni: 100, importRTs: ['1:1']}]", "advertiseVNIs: All, l2vnis: [{vni: 100}]"], "importRTs"),
    row(
        "evpn.l2vnis[].exportRTs",
        In::Evpn,
        ["advertiseVNIs: All, l2vnis: [{vni: 100, exportRTs: ['1:1']}]", "advertiseVNIs: All, l2vnis: [{vni: 100, exportRTs: ['1:2']}]"],
        &["route-target export 1:1", "route-target export 1:2"],
    )
    .conflicting(["advertiseVNIs: All, l2vnis: [{vni: 100, exportRTs: ['1:1']}]", "advertiseVNIs: All, l2vnis: [{vni: 100}]"], "exportRTs"),
    row("evpn.l3vni.vni", In::Tenant, ["l3vni: {vni: 3000, advertisePrefixes: [unicast]}", ""], &["vni 3000"])
        .conflicting(
            [
                "l3vni: {vni: 3000, advertisePrefixes: [unicast]}",
                "l3vni: {vni: 3001, advertisePrefixes: [unicast]}",
            ],
            "l3vni.vni",
        ),
    row(
        "evpn.l3vni.rd",
        In::Tenant,
        ["l3vni: {vni: 3000, rd: '1:1', advertisePrefixes: [unicast]}", "l3vni: {vni: 3000, advertisePrefixes: [unicast]}"],
        &["rd 1:1"],
    )
    .conflicting(
        [
            "l3vni: {vni: 3000, rd: '1:1', advertisePrefixes: [unicast]}",
            "l3vni: {vni: 3000, rd: '1:2', advertisePrefixes: [unicast]}",
        ],
        "l3vni.rd",
    ),
    row(
        "evpn.l3vni.importRTs",
        In::Tenant,
        [
            "l3vni: {vni: 3000, importRTs: ['1:1'], advertisePrefixes: [unicast]}",
            "l3vni: {vni: 3000, importRTs: ['1:2'], advertisePrefixes: [unicast]}",
        ],
        &["route-target import 1:1", "route-target import 1:2"],
    )
    .conflicting(
        [
            "l3vni: {vni: 3000, importRTs: ['1:1'], advertisePrefixes: [unicast]}",
            "l3vni: {vni: 3000, advertisePrefixes: [unicast]}",
        ],
        "l3vni.importRTs",
    ),
    row(
        "evpn.l3vni.exportRTs",
        In::Tenant,
        [
            "l3vni: {vni: 3000, exportRTs: ['1:1'], advertisePrefixes: [unicast]}",
            "l3vni: {vni: 3000, exportRTs: ['1:2'], advertisePrefixes: [unicast]}",
        ],
        &["route-target export 1:1", "route-target export 1:2"],
    )
    .conflicting(
        [
            "l3vni: {vni: 3000, exportRTs: ['1:1'], advertisePrefixes: [unicast]}",
            "l3vni: {vni: 3000, advertisePrefixes: [unicast]}",
        ],
        "l3vni.exportRTs",
    ),
    row(
        "evpn.l3vni.advertisePrefixes",
        In::Tenant,
        ["l3vni: {vni: 3000, advertisePrefixes: [unicast]}", "l3vni: {vni: 3000, advertisePrefixes: [unicast]}"],
        &["advertise ipv4 unicast", "advertise ipv6 unicast"],
    ),
    row(
        "raw",
        In::Spec,
        ["raw: {priority: 2, rawConfig: 'debug bgp nht'}", "raw: {priority: -1, rawConfig: 'debug bgp bestpath'}"],
        &["debug bgp bestpath\ndebug bgp nht"],
    ),
];

/// The spec of an object with these words.
fn spec(place: In, words: &str) -> String {
    let asn = if words.contains("asn:") && matches!(place, In::Router) { "" } else { "asn: 64512, " };
    match place {
        In::Spec => return format!("{{{words}}}"),
        In::Router => {
            let neighbors = if words.contains("neighbors:") { "" } else { ", neighbors: []" };
            let words = if words.is_empty() { String::new() } else { format!(", {words}") };
            let asn = if words.contains(", asn: 64999") { "" } else { "asn: 64512" };
            return format!("{{bgp: {{routers: [{{{asn}{words}{neighbors}}}]}}}}").replace("{, ", "{");
        }
        In::Bfd => return format!("{{bgp: {{bfdProfiles: [{{name: p, {words}}}]}}}}"),
        In::Evpn => {
            let neighbor = "neighbors: [{address: 10.0.0.1, asn: 65001, addressFamilies: [evpn]}]";
            return format!("{{bgp: {{routers: [{{{asn}{neighbor}, evpn: {{{words}}}}}]}}}}");
        }
        In::Tenant => return format!("{{bgp: {{routers: [{{{asn}vrf: red, evpn: {{{words}}}}}]}}}}"),
        In::Neighbor => {}
    }
    let remote = if words.contains("sn: ") || words.contains("dynamicASN") { "" } else { "asn: 65001, " };
    let remote = if words.contains("localASN") { "asn: 65001, " } else { remote };
    let needs_prefixes = ["with", "nextHop", "}"].iter().any(|start| words.starts_with(start));
    let words = if needs_prefixes { format!("{PREFIXES}{words}") } else { words.to_owned() };
    format!(
        "{{bgp: {{bfdProfiles: [{{name: p}}, {{name: q}}], routers: [{{{asn}prefixes: [10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16], \
         neighbors: [{{address: 10.0.0.1, {remote}{words}}}]}}]}}}}"
    )
}

fn fragment(name: &str, place: In, words: &str) -> Fragment {
    frrk8s_testkit::fragment(name, &spec(place, words))
}

/// What a set of fragments gives: the text, or the findings that are errors.
fn outcome(fragments: &[&Fragment]) -> Result<String, Vec<Finding>> {
    let candidates = fragments.iter().map(|fragment| Candidate {
        seniority: Seniority { source: 1, undated: true, created: 0, object: fragment.object.clone() },
        newest: Some(fragment),
        last_accepted: None,
    });
    let input = NodeInput {
        candidates: candidates.collect(),
        policy: ConflictPolicy::Freeze,
        ..NodeInput::default()
    };
    let plan = plan(&input);
    match plan.outcome {
        Some(outcome) => Ok(outcome.print()),
        None => Err(plan.findings.into_iter().filter(Finding::is_error).collect()),
    }
}

fn orders(fragments: &[Fragment; 3]) -> Vec<[&Fragment; 3]> {
    let [a, b, c] = fragments;
    vec![[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]]
}

/// An object that has nothing to do with any case.
fn bystander() -> Fragment {
    fragment("bystander", In::Spec, "bgp: {routers: [{asn: 1, vrf: elsewhere}]}")
}

fn walk(row: &Row) {
    let [a, b] = row.joined;
    let fragments = [fragment("a", row.place, a), fragment("b", row.place, b), bystander()];
    let texts: BTreeSet<String> = orders(&fragments)
        .iter()
        .map(|order| outcome(order).unwrap_or_else(|errors| panic!("{}: {errors:#?}", row.field)))
        .collect();
    assert_eq!(texts.len(), 1, "{}: the order shows", row.field);
    let text = texts.first().unwrap();
    for line in row.lines {
        assert!(text.contains(line), "{}: no {line:?} in\n{text}", row.field);
    }
    for line in row.absent {
        assert!(!text.contains(line), "{}: {line:?} in\n{text}", row.field);
    }
    let Some(([a, b], path)) = row.conflict else {
        return;
    };
    let fragments = [fragment("a", row.place, a), fragment("b", row.place, b), bystander()];
    let mut verdicts = BTreeSet::new();
    for order in orders(&fragments) {
        let errors = outcome(&order).expect_err(row.field);
        let named = errors.iter().find(|error| {
            let parties: BTreeMap<&str, &str> =
                error.parties().map(|party| (&*party.object.name, party.path.as_str())).collect();
            let at_field =
                |name| parties.get(name).is_some_and(|at: &&str| at.ends_with(path) || path == "asn");
            parties.len() == 2 && at_field("a") && at_field("b")
        });
        assert!(named.is_some(), "{}: {errors:#?}", row.field);
        verdicts.insert(format!("{errors:?}"));
    }
    assert_eq!(verdicts.len(), 1, "{}: the order shows", row.field);
}

#[test]
fn every_row_of_the_table_joins_and_conflicts_as_it_says() {
    let table = include_str!("../../../docs/merge-rules.md");
    let rows: Vec<[&str; 2]> = table
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
            let [field, lattice, _, _, ..] = cells[..] else {
                return None;
            };
            Some([field.trim_end_matches('`'), lattice])
        })
        .collect();
    let documented: BTreeSet<&str> = rows.iter().map(|[field, _]| *field).collect();
    let tested: BTreeSet<&str> = ROWS.iter().map(|row| row.field).collect();
    assert_eq!(documented, tested);
    for [field, lattice] in rows {
        let row = ROWS.iter().find(|row| row.field == field).unwrap();
        let can_conflict =
            lattice.starts_with("Agree") || lattice.starts_with("One value") || field.ends_with("RTs");
        assert_eq!(row.conflict.is_some(), can_conflict && field != "evpn", "{field} is {lattice}");
        walk(row);
    }
}

/// Rules of the node as a whole: objects that break them, the rule, and the same objects when one is left out.
#[test]
fn the_node_keeps_its_rules() {
    let speaker = "neighbors: [{address: 10.0.0.1, asn: 65001, addressFamilies: [evpn]}]";
    let cases: &[(&str, [String; 2])] = &[
        (
            "vni-twice",
            [
                format!("bgp: {{routers: [{{asn: 1, {speaker}, evpn: {{l2vnis: [{{vni: 7}}]}}}}]}}"),
                "bgp: {routers: [{asn: 1, vrf: red, evpn: {l3vni: {vni: 7, advertisePrefixes: [unicast]}}}]}"
                    .to_owned(),
            ],
        ),
        (
            "advertise-all-twice",
            [
                format!("bgp: {{routers: [{{asn: 1, {speaker}, evpn: {{advertiseVNIs: All}}}}]}}"),
                format!("bgp: {{routers: [{{asn: 1, vrf: red, {speaker}, evpn: {{advertiseVNIs: All}}}}]}}"),
            ],
        ),
        (
            "l3vni-with-neighbors",
            [
                "bgp: {routers: [{asn: 1, vrf: red, neighbors: [{address: 10.0.0.1, asn: 7}]}]}".to_owned(),
                "bgp: {routers: [{asn: 1, vrf: red, evpn: {l3vni: {vni: 7, advertisePrefixes: [unicast]}}}]}"
                    .to_owned(),
            ],
        ),
        (
            "evpn-without-neighbor",
            [
                "bgp: {routers: [{asn: 1, neighbors: [{address: 10.0.0.1, asn: 7}]}]}".to_owned(),
                "bgp: {routers: [{asn: 1, evpn: {advertiseVNIs: All}}]}".to_owned(),
            ],
        ),
    ];
    for (rule, [a, b]) in cases {
        let fragments = [fragment("a", In::Spec, a), fragment("b", In::Spec, b), bystander()];
        for order in orders(&fragments) {
            let errors = outcome(&order).expect_err(rule);
            assert!(errors.iter().any(|error| error.rule.id() == *rule), "{rule}: {errors:#?}");
        }
        assert!(outcome(&[&fragments[0]]).is_ok(), "{rule}");
    }
}
