//! Every kind of line, told to live sessions and taken back: each does what the table `KINDS` says, on both versions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::thread;
use std::time::Instant;

use frrk8s_delta::KINDS;
use frrk8s_e2e::impact::{Example, Lab, Scene, examples};
use frrk8s_testkit::lab::{self, FrrInstall, FrrVersion};

/// Labs for the sessions with another AS: most examples are about those, and each waits for its sessions.
const EXTERNAL_LABS: usize = 2;

/// All examples of a scene, one after the other on sessions that stand. What is not as expected.
fn walk(install: &FrrInstall, scene: Scene, examples: &[&Example]) -> Vec<String> {
    let mut surprises = Vec::new();
    let mut lab = None;
    for example in examples {
        // After a surprise nobody knows what runs: the next example begins anew.
        let mut standing = lab.take().unwrap_or_else(|| Lab::start(install, scene).unwrap());
        match standing.check(example) {
            Ok(()) => lab = Some(standing),
            Err(what) => surprises.push(format!("{:?} `{}`: {what}", example.place, example.line)),
        }
    }
    surprises
}

fn check_version(version: FrrVersion) {
    let examples = examples();
    for install in lab::installs().into_iter().filter(|install| install.version() == version) {
        let started = Instant::now();
        let of = |scene: Scene| examples.iter().filter(move |example| example.scene == scene);
        let mut walks: Vec<(Scene, Vec<&Example>)> = Vec::new();
        for scene in Scene::ALL {
            let labs = if scene == Scene::External { EXTERNAL_LABS } else { 1 };
            walks.extend((0..labs).map(|at| (scene, of(scene).skip(at).step_by(labs).collect())));
        }
        let surprises: Vec<String> = thread::scope(|scope| {
            let run = |(scene, examples): &(Scene, Vec<&Example>)| walk(&install, *scene, examples);
            let threads: Vec<_> = walks.iter().map(|each| scope.spawn(move || run(each))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(surprises.is_empty(), "FRR {}:\n{}", install.release(), surprises.join("\n"));
        println!("FRR {}: {} examples in {:?}", install.release(), examples.len(), started.elapsed());
    }
}

#[test]
fn every_kind_of_line_has_an_example() {
    let shown: BTreeSet<(&str, &str)> =
        examples().iter().map(|example| (example.kind().context, example.kind().line)).collect();
    let missing: Vec<_> =
        KINDS.iter().map(|kind| (kind.context, kind.line)).filter(|kind| !shown.contains(kind)).collect();
    assert!(missing.is_empty(), "no example of {missing:#?}");
}

#[test]
fn lines_do_to_sessions_what_the_table_says_on_frr_8_4() {
    check_version(FrrVersion::V8_4);
}

#[test]
fn lines_do_to_sessions_what_the_table_says_on_frr_10_3() {
    check_version(FrrVersion::V10_3);
}
