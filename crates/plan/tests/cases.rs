//! Directory cases: the samples that users are shown, and cases that are only for tests. `UPDATE_CASES=1` writes what is
//! expected of them anew.
#![allow(clippy::unwrap_used, clippy::panic)]

use frrk8s_testkit::case::{Judged, cases, report_line, samples};

#[test]
fn every_sample_gives_what_is_expected() {
    for case in samples() {
        case.compare(&case.judge());
    }
}

#[test]
fn every_case_gives_what_is_expected() {
    for case in cases() {
        case.compare(&case.judge());
    }
}

/// The findings of a case, a line each.
fn report(name: &str) -> String {
    let case = cases().into_iter().find(|case| case.name == name);
    let Judged { findings, nodes } = case.unwrap_or_else(|| panic!("no case {name}")).judge();
    findings.iter().map(|reported| report_line(reported, nodes.len() > 1)).collect()
}

#[test]
fn a_field_that_stands_in_the_wrong_place_is_told_where_it_belongs() {
    const MISPLACED: &[(&str, &str, &str)] = &[
        ("receive-all-printed", "spec.bgp.neighbors", "neighbors is a field of spec.bgp.routers[]"),
        (
            "receive-all-printed",
            "spec.bgp.toReceive",
            "toReceive is a field of spec.bgp.routers[].neighbors[]",
        ),
        ("routers-printed", "spec.bgp.neighbors", "neighbors is a field of spec.bgp.routers[]"),
        ("advertise-some-printed-unmarked", "routers", "routers is a field of spec.bgp"),
        (
            "advertise-all-printed-unmarked",
            "spec.bgp.routers[0].neighbors[0].toAdvertise.prefixes",
            "prefixes is a field of spec.bgp.routers[]",
        ),
        (
            "receive-ranges-printed-unmarked",
            "spec.bgp.routers[0].neighbors[0].toReceive.allowed.ge",
            "ge is a field of spec.bgp.routers[].neighbors[].toReceive.allowed.prefixes[]",
        ),
        ("bfd-printed", "spec.bgp.neighbors", "neighbors is a field of spec.bgp.routers[]"),
        ("bfd-printed", "spec.bfdProfiles", "bfdProfiles is a field of spec.bgp"),
    ];
    for (case, path, belongs) in MISPLACED {
        let report = report(&format!("openshift-{case}"));
        let told =
            |line: &str| line.starts_with("warning[field-dropped]") && line.contains(&format!(" {path}: "));
        let line =
            report.lines().find(|line| told(line)).unwrap_or_else(|| panic!("{case}, {path}:\n{report}"));
        assert!(line.contains(belongs), "{case}: {line}");
    }
}

#[test]
fn a_label_selector_below_the_node_selector_is_told_to_select_every_node() {
    let report = report("openshift-node-selector-printed");
    assert!(report.contains("the object then selects every node"), "{report}");
}

#[test]
fn a_mark_that_was_copied_with_the_text_says_where_it_is_no_value() {
    let report = report("openshift-advertise-all-printed");
    assert!(
        report.contains("toAdvertise.allowed.mode: mode is \"all 1\"; it must be all or filtered"),
        "{report}"
    );
}

#[test]
fn what_is_no_yaml_or_does_not_decode_says_so() {
    for (case, begins) in [
        ("no-yaml", "error[unreadable] broken.yaml"),
        ("received-prefixes-as-texts", "error[undecodable] frr-k8s-system/test"),
        ("openshift-advertise-some-printed-indented", "error[undecodable] frr-k8s-system/test"),
    ] {
        assert!(report(case).starts_with(begins), "{case}:\n{}", report(case));
    }
}
