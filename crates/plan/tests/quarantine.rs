//! Who is in when not all objects go together: seniority, last accepted versions, and what is told to whom.
#![allow(clippy::unwrap_used)]

use frrk8s_merge::{Candidate, ConflictPolicy, Fate, Seniority};
use frrk8s_model::Fragment;
use frrk8s_plan::{NodeInput, Plan, plan};
use frrk8s_testkit::fragment;

/// A candidate of this age (a lower one is older), with its newest and its last accepted version.
struct Given {
    name: &'static str,
    age: i64,
    source: u8,
    newest: Option<Fragment>,
    last: Option<Fragment>,
}

fn given(name: &'static str, age: i64, newest: Option<&str>, last: Option<&str>) -> Given {
    let version = |spec: Option<&str>| spec.map(|spec| fragment(name, spec));
    Given { name, age, source: 1, newest: version(newest), last: version(last) }
}

fn candidates(given: &[Given]) -> Vec<Candidate<'_>> {
    given
        .iter()
        .map(|given| Candidate {
            seniority: Seniority {
                source: given.source,
                undated: false,
                created: given.age,
                object: frrk8s_model::ObjectId::new("ns", given.name),
            },
            newest: given.newest.as_ref(),
            last_accepted: given.last.as_ref(),
        })
        .collect()
}

fn quarantined(given: &[Given]) -> Plan<'_> {
    let input = NodeInput {
        candidates: candidates(given),
        policy: ConflictPolicy::Quarantine,
        ..NodeInput::default()
    };
    plan(&input)
}

/// A router of this AS with a neighbor of this port.
fn neighbor(address: &str, port: u16) -> String {
    format!(
        "{{bgp: {{routers: [{{asn: 64512, neighbors: [{{address: {address}, asn: 1, port: {port}}}]}}]}}}}"
    )
}

fn ports(plan: &Plan<'_>) -> Vec<String> {
    let text = plan.outcome.as_ref().unwrap().print();
    text.lines().filter(|line| line.contains(" port ")).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_older_object_is_in_and_the_younger_one_is_set_aside() {
    let (a, b) = (neighbor("10.0.0.1", 180), neighbor("10.0.0.1", 181));
    let given = [given("young", 9, Some(&a), None), given("old", 1, Some(&b), None)];
    let plan = quarantined(&given);
    assert_eq!(plan.fates, [Fate::Rejected, Fate::Accepted]);
    assert_eq!(ports(&plan), ["neighbor 10.0.0.1 port 181"]);
    // Both are told.
    let parties: Vec<&str> = plan.findings[0].parties().map(|party| &*party.object.name).collect();
    assert_eq!(parties, ["young", "old"]);
    assert_eq!(plan.groups.len(), 1);
}

#[test]
fn objects_of_a_directory_come_before_those_of_the_api() {
    let (a, b) = (neighbor("10.0.0.1", 180), neighbor("10.0.0.1", 181));
    let given =
        [given("api", 1, Some(&a), None), Given { source: 0, ..given("directory", 9, Some(&b), None) }];
    assert_eq!(quarantined(&given).fates, [Fate::Rejected, Fate::Accepted]);
}

#[test]
fn an_object_whose_newest_version_does_not_fit_keeps_its_last_accepted_one() {
    let (old, fits, does_not) =
        (neighbor("10.0.0.1", 180), neighbor("10.0.0.2", 182), neighbor("10.0.0.1", 181));
    let given = [given("old", 1, Some(&old), None), given("young", 2, Some(&does_not), Some(&fits))];
    let plan = quarantined(&given);
    assert_eq!(plan.fates, [Fate::Accepted, Fate::LastAccepted]);
    assert_eq!(ports(&plan), ["neighbor 10.0.0.1 port 180", "neighbor 10.0.0.2 port 182"]);
    assert!(plan.findings[0].is_error());
}

#[test]
fn an_object_that_cannot_be_read_keeps_its_last_accepted_version() {
    let fits = neighbor("10.0.0.2", 182);
    let given = [given("broken", 1, None, Some(&fits))];
    let plan = quarantined(&given);
    assert_eq!(plan.fates, [Fate::LastAccepted]);
    assert_eq!(ports(&plan), ["neighbor 10.0.0.2 port 182"]);
}

#[test]
fn an_edit_of_a_senior_can_displace_a_junior_and_says_so() {
    // The senior now says 190 where the junior says 180.
    let (edited, before, junior) =
        (neighbor("10.0.0.1", 190), neighbor("10.0.0.9", 180), neighbor("10.0.0.1", 180));
    let given =
        [given("senior", 1, Some(&edited), Some(&before)), given("junior", 2, Some(&junior), Some(&junior))];
    let plan = quarantined(&given);
    assert_eq!(plan.fates, [Fate::Accepted, Fate::Rejected]);
    let named: Vec<&str> = plan.findings[0].parties().map(|party| &*party.object.name).collect();
    assert!(named.contains(&"junior") && named.contains(&"senior"), "{:?}", plan.findings);
}

#[test]
fn a_last_accepted_version_of_a_senior_comes_before_a_junior_that_it_conflicts_with() {
    // The middle one's newest version conflicts with the senior, its last one with the junior.
    let (senior, newest, last, junior) = (
        neighbor("10.0.0.1", 180),
        neighbor("10.0.0.1", 181),
        neighbor("10.0.0.2", 182),
        neighbor("10.0.0.2", 183),
    );
    let given = [
        given("senior", 1, Some(&senior), None),
        given("middle", 2, Some(&newest), Some(&last)),
        given("junior", 3, Some(&junior), None),
    ];
    let plan = quarantined(&given);
    assert_eq!(plan.fates, [Fate::Accepted, Fate::LastAccepted, Fate::Rejected]);
    assert_eq!(ports(&plan), ["neighbor 10.0.0.1 port 180", "neighbor 10.0.0.2 port 182"]);
    // The junior is told why, although its conflict is with a version that is no longer the newest.
    let junior =
        plan.findings.iter().find(|finding| finding.parties().any(|party| &*party.object.name == "junior"));
    assert!(junior.is_some(), "{:#?}", plan.findings);
}

#[test]
fn a_rule_of_the_merged_node_sets_aside_who_asks_for_what_is_not_there() {
    let asks = "{bgp: {routers: [{asn: 64512, evpn: {advertiseVNIs: All}}]}}";
    let speaks =
        "{bgp: {routers: [{asn: 64512, neighbors: [{address: 10.0.0.1, asn: 1, addressFamilies: [evpn]}]}]}}";
    let clashes = "{bgp: {routers: [{asn: 65000, neighbors: [{address: 10.0.0.1, asn: 1}]}]}}";
    // With the neighbor, it is in.
    let together = [given("asks", 1, Some(asks), None), given("speaks", 2, Some(speaks), None)];
    assert_eq!(quarantined(&together).fates, [Fate::Accepted, Fate::Accepted]);
    // When who has the neighbor is set aside, so is who needs it.
    let apart = [
        given("clashes", 1, Some(clashes), None),
        given("speaks", 2, Some(speaks), None),
        given("asks", 3, Some(asks), None),
    ];
    let plan = quarantined(&apart);
    assert_eq!(plan.fates, [Fate::Accepted, Fate::Rejected, Fate::Rejected]);
}

#[test]
fn a_finding_about_several_objects_is_the_same_for_every_order() {
    let asks = "{bgp: {routers: [{asn: 64512, evpn: {advertiseVNIs: All}}]}}";
    let several = ["b", "a", "c"].map(|name| given(name, 1, Some(asks), None));
    let findings: Vec<_> = [[0, 1, 2], [2, 1, 0], [1, 0, 2]]
        .map(|order| {
            let candidates = order.map(|at| candidates(&several)[at].clone()).to_vec();
            plan(&NodeInput { candidates, ..NodeInput::default() }).findings
        })
        .into();
    assert_eq!(&*findings[0][0].at.object.name, "a");
    assert!(findings.iter().all(|others| *others == findings[0]), "{findings:#?}");
}

#[test]
fn a_raw_snippet_that_takes_over_a_generated_line_is_set_aside() {
    let session = neighbor("10.0.0.1", 180);
    let raw = "{raw: {rawConfig: \"router bgp 64512\\n no neighbor 10.0.0.1\\n\"}}";
    let given = [given("raw", 1, Some(raw), None), given("session", 2, Some(&session), None)];
    let plan = quarantined(&given);
    assert_eq!(plan.fates, [Fate::Rejected, Fate::Accepted]);
    assert_eq!(plan.findings[0].rule.id(), "raw-takes-over");
    let frozen = NodeInput { candidates: candidates(&given), ..NodeInput::default() };
    let frozen = frrk8s_plan::plan(&frozen);
    assert!(frozen.outcome.is_none());
    assert_eq!(frozen.fates, [Fate::Rejected, Fate::Held]);
}

#[test]
fn under_freeze_those_at_fault_are_rejected_and_the_others_held() {
    let (a, b, c) = (neighbor("10.0.0.1", 180), neighbor("10.0.0.1", 181), neighbor("10.0.0.3", 183));
    let given = [
        given("a", 1, Some(&a), None),
        given("b", 2, Some(&b), None),
        given("bystander", 3, Some(&c), None),
        given("broken", 4, None, None),
    ];
    let input = NodeInput { candidates: candidates(&given), ..NodeInput::default() };
    let plan = plan(&input);
    assert!(plan.outcome.is_none());
    assert_eq!(plan.fates, [Fate::Rejected, Fate::Rejected, Fate::Held, Fate::Rejected]);
}

#[test]
fn a_neighbor_that_is_the_node_itself_is_left_out_there() {
    let mesh = "{bgp: {routers: [{asn: 64512, prefixes: [10.9.0.0/16], neighbors: [\
                {address: 10.0.0.1, asn: 64512, toAdvertise: {allowed: {mode: all}}}, {address: 10.0.0.2, asn: 64512}]}]}}";
    let given = [given("mesh", 1, Some(mesh), None)];
    let mut input = NodeInput { candidates: candidates(&given), ..NodeInput::default() };
    input.facts.own_addresses.insert((frrk8s_model::Vrf::Default, "10.0.0.1".parse().unwrap()));
    let plan = plan(&input);
    let text = plan.outcome.as_ref().unwrap().print();
    assert!(text.contains("neighbor 10.0.0.2") && !text.contains("10.0.0.1"), "{text}");
    assert_eq!((plan.findings.len(), plan.findings[0].rule.id()), (1, "own-address"));
}

/// A neighbor to which a prefix has these communities.
fn tagged(communities: std::ops::Range<u32>) -> String {
    let with = communities.map(|low| format!("{{community: '64512:{low}', prefixes: [10.0.0.0/8]}}"));
    let with: Vec<String> = with.collect();
    format!(
        "{{bgp: {{routers: [{{asn: 64512, prefixes: [10.0.0.0/8], neighbors: [{{address: 10.0.0.1, asn: 1, \
         toAdvertise: {{allowed: {{mode: all}}, withCommunity: [{}]}}}}]}}]}}}}",
        with.join(", ")
    )
}

#[test]
fn what_frr_cannot_hold_together_is_set_aside_from_the_junior_on() {
    let specs = [tagged(0..200), tagged(100..300), tagged(0..10), tagged(300..400), tagged(150..255)];
    let names = ["a", "b", "c", "d", "e"];
    let all: Vec<Given> = (0..)
        .zip(names.iter().zip(&specs))
        .map(|(age, (name, spec))| given(name, age, Some(spec), None))
        .collect();
    let frozen = NodeInput { candidates: candidates(&all), ..NodeInput::default() };
    let frozen = plan(&frozen);
    assert!(frozen.outcome.is_none());
    let [finding] = &frozen.findings[..] else {
        panic!("{:?}", frozen.findings);
    };
    assert_eq!(finding.rule.id(), "communities-too-many-together");
    assert_eq!(finding.others.len(), 4, "{finding:?}");
    assert!(finding.message.contains("10.0.0.0/8 has 400 standard and 0 large communities"), "{finding:?}");
    let plan = quarantined(&all);
    let expected = [Fate::Accepted, Fate::Rejected, Fate::Accepted, Fate::Rejected, Fate::Accepted];
    assert_eq!(plan.fates, expected);
    let about: Vec<&str> = plan.findings.iter().map(|finding| finding.rule.id()).collect();
    assert_eq!(about, ["communities-too-many-together"; 2], "{:?}", plan.findings);
    let text = plan.outcome.unwrap().print();
    assert!(text.contains("64512:254 additive") && !text.contains("64512:255"), "{text}");
}
