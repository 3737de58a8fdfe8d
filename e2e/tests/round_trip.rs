//! From one configuration to the next on real FRR: no refused line, and what runs is what is desired.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::thread;
use std::time::Instant;

use frrk8s_delta::{Delta, Documents};
use frrk8s_document::{Daemon, Document, Line};
use frrk8s_e2e::{PlannedInput, compare, dialect, generated, read_back, read_divided, send};
use frrk8s_render::Divided;
use frrk8s_testkit::lab::{self, FrrInstall, Router, RouterOptions};

/// What people typed, and what must be there to the end.
const THEIRS: &str = "ip prefix-list people seq 5 permit 172.16.0.0/12 le 24
ipv6 prefix-list frrk8s-people seq 5 permit any
bgp community-list standard people seq 5 permit 64512:1
route-map people permit 10
 match ip address prefix-list people
exit
ip route 198.51.100.0/24 Null0
interface lo
 description theirs
exit
";

/// What is in it of none of ours.
fn foreign(divided: &Divided) -> Document {
    // The machine's name is ours or not by whether we give it one. And FRR keeps what was opened, such as a VRF, also when
    // nothing is in it any more.
    let is_theirs = |line: &&Line| {
        let text = line.text();
        !text.starts_with("hostname ") && (!line.inside().is_empty() || !opens(text))
    };
    Document::new(divided.foreign.lines().iter().filter(is_theirs).cloned().collect())
}

fn opens(line: &str) -> bool {
    line == "bfd" || ["vrf ", "interface "].iter().any(|start| line.starts_with(start))
}

/// One router through all inputs, one after the other. Three times out of four names and numbers are kept from what
/// runs; the fourth is what another tool, or an older release, may have left.
fn chain(install: &FrrInstall, inputs: &[PlannedInput]) {
    let router = Router::isolated(install, RouterOptions::default()).unwrap();
    let dialect = dialect(&router);
    let (started, mut lines) = (Instant::now(), 0);
    let mut before = Document::default();
    assert_eq!(router.load(THEIRS).unwrap(), []);
    let theirs: Documents = read_divided(&router, &[])
        .unwrap()
        .iter()
        .map(|(daemon, divided)| (*daemon, foreign(divided)))
        .collect();
    assert!(theirs[&Daemon::Bgpd].print().contains("people"), "{theirs:?}");
    for (number, input) in inputs.iter().enumerate() {
        let name = format!("step {number} on FRR {}", install.release());
        let runs = read_back(&router, &[&before]).unwrap();
        let kept = runs.get(&Daemon::Bgpd).filter(|_| number % 4 != 3);
        let after = input.plan_against(kept).document;
        let running: Documents = read_back(&router, &[&before, &after]).unwrap();
        let desired = dialect.by_daemon(&after);
        let delta = Delta::new(dialect, &running, &desired);
        lines += delta.count();
        let refused = send(&router, &delta).unwrap_or_else(|error| {
            let log = router.log(lab::Daemon::Bgpd);
            panic!("{name}: {error}\n--- from\n{}--- told\n{delta:#?}\n--- log\n{log}", before.print())
        });
        assert!(
            refused.is_empty(),
            "{name}: {refused:#?}\n--- from\n{}--- to\n{}",
            before.print(),
            after.print()
        );
        let mut found = Documents::new();
        for (daemon, divided) in read_divided(&router, &[&before, &after]).unwrap() {
            let wanted = desired.get(&daemon).cloned().unwrap_or_default();
            let who = format!("{name}: {}", daemon.name());
            compare(&who, &wanted, &divided.ours);
            compare(&format!("{who}, what is not ours"), &theirs[&daemon], &foreign(&divided));
            found.insert(daemon, divided.ours);
        }
        let again = Delta::new(dialect, &found, &desired);
        assert!(again.is_empty(), "{name}: {again:#?}");
        before = after;
    }
    println!("FRR {}: {} steps, {lines} lines in {:?}", install.release(), inputs.len(), started.elapsed());
}

#[test]
fn a_delta_leads_from_any_configuration_to_any_other() {
    let mut inputs = generated::rows(2000);
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
