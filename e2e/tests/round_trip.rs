//! From one configuration to the next on real FRR: no refused line, and what runs is what is desired.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::thread;
use std::time::Instant;

use frrk8s_delta::{Delta, Documents};
use frrk8s_document::{Daemon, Document};
use frrk8s_e2e::{PlannedInput, compare, dialect, generated, read_back, send};
use frrk8s_testkit::lab::{self, FrrInstall, Router, RouterOptions};

/// One router through all inputs, one after the other. Three times out of four names and numbers are kept from what
/// runs; the fourth is what another tool, or an older release, may have left.
fn chain(install: &FrrInstall, inputs: &[PlannedInput]) {
    let router = Router::isolated(install, RouterOptions::default()).unwrap();
    let dialect = dialect(&router);
    let (started, mut lines) = (Instant::now(), 0);
    let mut before = Document::default();
    for (number, input) in inputs.iter().enumerate() {
        let name = format!("step {number} on FRR {}", install.release());
        let runs = read_back(&router, &[&before]).unwrap();
        let kept = runs.get(&Daemon::Bgpd).filter(|_| number % 4 != 3);
        let after = input.plan_against(kept).document;
        let running: Documents = read_back(&router, &[&before, &after]).unwrap();
        let desired = dialect.by_daemon(&after);
        let delta = Delta::new(dialect, &running, &desired);
        lines += delta.count();
        let refused = send(&router, &delta).unwrap();
        assert!(
            refused.is_empty(),
            "{name}: {refused:#?}\n--- from\n{}--- to\n{}",
            before.print(),
            after.print()
        );
        let found: Documents = read_back(&router, &[&before, &after]).unwrap();
        for (daemon, found) in &found {
            let wanted = desired.get(daemon).cloned().unwrap_or_default();
            compare(&format!("{name}: {}", daemon.name()), &wanted, found);
        }
        let again = Delta::new(dialect, &found, &desired);
        assert!(again.is_empty(), "{name}: {again:#?}");
        before = after;
    }
    println!("FRR {}: {} steps, {lines} lines in {:?}", install.release(), inputs.len(), started.elapsed());
}

#[test]
fn a_delta_leads_from_any_configuration_to_any_other() {
    let mut inputs = generated::inputs(2000);
    // What raw snippets leave behind is not a matter of documents.
    inputs.iter_mut().flat_map(|input| &mut input.objects).for_each(|object| {
        object.spec.raw = frrk8s_api::RawConfig::default();
    });
    thread::scope(|scope| {
        for install in lab::installs() {
            let inputs = &inputs;
            scope.spawn(move || chain(&install, inputs));
        }
    });
}
