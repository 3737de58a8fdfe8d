//! Real FRR takes every sample and every case, for each of its nodes, and prints back what was rendered.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::Instant;

use frrk8s_e2e::{Planned, check, check_as_file};
use frrk8s_testkit::case::{Case, cases, samples};
use frrk8s_testkit::lab::{self, Router, RouterOptions};

/// What the nodes of a case run, each by its name.
fn plans(case: &Case) -> Vec<(String, Planned)> {
    let nodes = case.judge().nodes.into_iter();
    let plans = nodes.filter_map(|node| {
        let name = format!("{} {}", case.name, node.name.unwrap_or_default());
        Some((name, node.accepted.or(node.quarantined)?))
    });
    plans.collect()
}

/// Every node of every sample and case, with a router that is empty each time.
fn on_every_node(test: impl Fn(&Router, &str, &Planned, &[String])) {
    let all: Vec<Case> = samples().into_iter().chain(cases()).collect();
    for install in lab::installs() {
        let mut router = Router::isolated(&install, RouterOptions::default()).unwrap();
        let (started, mut count) = (Instant::now(), 0);
        for case in &all {
            let unknown = case.refused_by(install.release());
            for (name, planned) in plans(case) {
                test(&router, &format!("{name} on FRR {}", install.release()), &planned, &unknown);
                router.wipe().unwrap();
                count += 1;
            }
        }
        println!("FRR {}: {count} nodes in {:?}", install.release(), started.elapsed());
    }
}

#[test]
fn every_sample_and_case_is_taken_and_printed_back() {
    on_every_node(check);
}

#[test]
fn every_sample_and_case_can_be_loaded_as_a_file() {
    on_every_node(check_as_file);
}
