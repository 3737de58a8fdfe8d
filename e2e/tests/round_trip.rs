//! From one configuration to the next on real FRR: no refused line, and what runs is what is desired.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::thread;
use std::time::Instant;

use frrk8s_delta::{Delta, Documents};
use frrk8s_document::{Daemon, Document, Line};
use frrk8s_e2e::{PlannedInput, compare, dialect, generated, read_back, read_divided, send};
use frrk8s_render::Divided;
use frrk8s_testkit::lab::{self, FrrInstall, FrrVersion, LabError, Router, RouterOptions};

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

/// What bgpd of FRR 10.3 said when it died in its queue of routes: once in some thousand steps, on a busy machine. As far as
/// could be seen it had nothing to do with the lines that it was told just then.
const ITS_OWN_DEATH: &str = "bgp_path_info_unlock(): assertion";
const DEATHS_MAX: usize = 5;

/// What runs beside what is ours, as [`foreign`] has it.
fn begin(router: &Router) -> Documents {
    assert_eq!(router.load(THEIRS).unwrap(), []);
    let divided = read_divided(router, &[]).unwrap();
    let theirs: Documents = divided.iter().map(|(daemon, divided)| (*daemon, foreign(divided))).collect();
    assert!(theirs[&Daemon::Bgpd].print().contains("people"), "{theirs:?}");
    theirs
}

/// From one configuration to that of an input. How many lines that took, and the configuration.
fn step(
    router: &Router,
    (before, theirs): (&Document, &Documents),
    (name, input): (&str, &PlannedInput),
    is_kept: bool,
) -> Result<(usize, Document), LabError> {
    let dialect = dialect(router);
    let runs = read_back(router, &[before])?;
    let after = input.plan_against(runs.get(&Daemon::Bgpd).filter(|_| is_kept)).document;
    let running: Documents = read_back(router, &[before, &after])?;
    let desired = dialect.by_daemon(&after);
    let delta = Delta::new(dialect, &running, &desired);
    let refused = send(router, &delta)?;
    let texts = || format!("--- from\n{}--- to\n{}", before.print(), after.print());
    assert!(refused.is_empty(), "{name}: {refused:#?}\n{}", texts());
    let mut found = Documents::new();
    for (daemon, divided) in read_divided(router, &[before, &after])? {
        let wanted = desired.get(&daemon).cloned().unwrap_or_default();
        let who = format!("{name}: {}", daemon.name());
        compare(&who, &wanted, &divided.ours);
        compare(&format!("{who}, what is not ours"), &theirs[&daemon], &foreign(&divided));
        found.insert(daemon, divided.ours);
    }
    let again = Delta::new(dialect, &found, &desired);
    assert!(again.is_empty(), "{name}: {again:#?}");
    Ok((delta.count(), after))
}

/// One router through all inputs, one after the other. Three times out of four names and numbers are kept from what
/// runs; the fourth is what another tool, or an older release, may have left.
fn chain(install: &FrrInstall, inputs: &[PlannedInput]) {
    let mut router = Router::isolated(install, RouterOptions::default()).unwrap();
    let (started, mut lines, mut deaths) = (Instant::now(), 0, 0);
    let (mut before, mut theirs) = (Document::default(), begin(&router));
    for (number, input) in inputs.iter().enumerate() {
        let name = format!("step {number} on FRR {}", install.release());
        match step(&router, (&before, &theirs), (&name, input), number % 4 != 3) {
            Ok((count, after)) => (lines, before) = (lines + count, after),
            Err(error) => {
                let log = router.log(lab::Daemon::Bgpd);
                deaths += 1;
                let is_its_own = install.version() == FrrVersion::V10_3 && log.contains(ITS_OWN_DEATH);
                assert!(
                    is_its_own && deaths <= DEATHS_MAX,
                    "{name}: {error}\n{}--- log\n{log}",
                    before.print()
                );
                router.wipe().unwrap();
                (before, theirs) = (Document::default(), begin(&router));
            }
        }
    }
    println!(
        "FRR {}: {} steps, {lines} lines in {:?}; bgpd died {deaths} times of its own",
        install.release(),
        inputs.len(),
        started.elapsed()
    );
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
