//! A document into the daemons of a router, over their sockets, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use frrk8s_delta::Delta;
use frrk8s_document::{Daemon, Dialect, Document};
use frrk8s_model::RawSnippet;
use frrk8s_render::{Divided, divide, print_raw};
use frrk8s_testkit::lab::{self, LabError, Refused, Router, wait_until};

use crate::agent::LIMIT;
use crate::{PlannedInput, compare};

/// What came of loading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Lines of the document that a daemon refused.
    pub refused: Vec<(Daemon, Refused)>,
    /// Lines of raw snippets that a daemon refused.
    pub raw_refused: Vec<(Daemon, Refused)>,
}

/// The daemon of the lab.
fn of_lab(daemon: Daemon) -> lab::Daemon {
    match daemon {
        Daemon::Zebra => lab::Daemon::Zebra,
        Daemon::Mgmtd => lab::Daemon::Mgmtd,
        Daemon::Bgpd => lab::Daemon::Bgpd,
        Daemon::Bfdd => lab::Daemon::Bfdd,
        Daemon::Staticd => lab::Daemon::Staticd,
    }
}

/// The dialect of a router.
pub fn dialect(router: &Router) -> Dialect {
    Dialect::new(router.install().release().parse().unwrap())
}

/// The lines of a document as they are sent.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// What FRR says about lines that it takes.
const INFORMATIONAL: [&str; 1] = ["% Echo mode works correctly for IPv4"];

/// Whether there is more to a reply than such words.
pub(crate) fn is_refusal(refused: &Refused) -> bool {
    let mut remarks = refused.text.lines().filter(|line| line.starts_with('%')).peekable();
    let informational = |line: &str| INFORMATIONAL.iter().any(|text| line.starts_with(text));
    remarks.peek().is_none() || remarks.any(|line| !informational(line))
}

/// How long mgmtd may be busy with another client, on a machine that is busy as well.
const LOCK_LIMIT: Duration = Duration::from_secs(20);

/// Sends lines to one daemon. mgmtd refuses whoever comes while it serves somebody else, before anything is sent: it is
/// asked again.
fn configure(router: &Router, daemon: lab::Daemon, lines: &[String]) -> Result<Vec<Refused>, LabError> {
    let mut outcome = Ok(Vec::new());
    wait_until(LOCK_LIMIT, &format!("{daemon} to take configuration"), || {
        outcome = router.configure(daemon, lines);
        Ok(!matches!(outcome, Err(LabError::ConfigureRefused { .. })))
    })?;
    outcome
}

/// Sends a document to the daemons that keep its parts, then the raw snippets to bgpd.
pub fn load(router: &Router, document: &Document, raw: &[RawSnippet]) -> Result<Loaded, LabError> {
    let mut loaded = Loaded::default();
    for (daemon, part) in dialect(router).by_daemon(document) {
        let refused = configure(router, of_lab(daemon), &lines(&part.print()))?;
        loaded.refused.extend(refused.into_iter().filter(is_refusal).map(|refused| (daemon, refused)));
    }
    for snippet in raw {
        let refused = configure(router, lab::Daemon::Bgpd, &lines(&print_raw(snippet)))?;
        loaded.raw_refused.extend(refused.into_iter().map(|refused| (Daemon::Bgpd, refused)));
    }
    Ok(loaded)
}

/// Sends a delta, batch by batch, and makes policy take effect. What is refused is returned.
pub fn send(router: &Router, delta: &Delta) -> Result<Vec<(Daemon, Refused)>, LabError> {
    let mut refused = Vec::new();
    for batch in &delta.batches {
        let lines: Vec<String> = batch.lines().into_iter().map(|sent| sent.line.to_string()).collect();
        let said = configure(router, of_lab(batch.daemon), &lines)?;
        refused.extend(said.into_iter().filter(is_refusal).map(|refused| (batch.daemon, refused)));
    }
    let mut bgpd = router.vty(lab::Daemon::Bgpd)?;
    for clear in &delta.clears {
        let reply = bgpd.command(&clear.command())?;
        if reply.status != 0 {
            refused.push((Daemon::Bgpd, Refused { line: clear.command(), text: reply.text }));
        }
    }
    Ok(refused)
}

/// What of ours the daemons run, in normal form. `known` is what is ours beside what is so by name.
pub fn read_back(router: &Router, known: &[&Document]) -> Result<BTreeMap<Daemon, Document>, LabError> {
    Ok(read_divided(router, known)?.into_iter().map(|(daemon, divided)| (daemon, divided.ours)).collect())
}

/// What the daemons run, ours and foreign.
pub fn read_divided(router: &Router, known: &[&Document]) -> Result<BTreeMap<Daemon, Divided>, LabError> {
    let dialect = dialect(router);
    let daemons = dialect.daemons().iter();
    daemons
        .map(|&daemon| {
            let text = router.running_config(of_lab(daemon))?;
            Ok((daemon, divide(dialect.read_from(daemon, &text), known)))
        })
        .collect()
}

/// A daemon that runs something else of ours than a plan: its name, what it is to run, and what it runs.
pub type Difference = (&'static str, Document, Document);

/// The first daemon that runs something else of ours than the plan of an input. `known` is as for [`read_back`].
pub fn difference(
    router: &Router,
    input: &PlannedInput,
    known: &[&Document],
) -> Result<Option<Difference>, LabError> {
    let runs = read_back(router, known)?;
    let planned = input.plan_against(runs.get(&Daemon::Bgpd)).document;
    // What the plan has is ours whatever its name is.
    let running = read_back(router, &[known, &[&planned]].concat())?;
    let mut wanted = dialect(router).by_daemon(&planned);
    let mut of_each = running.into_iter().map(|(daemon, found)| {
        let wanted = wanted.remove(&daemon).unwrap_or_default();
        (daemon.name(), wanted, found)
    });
    Ok(of_each.find(|(_, wanted, found)| wanted != found))
}

/// Waits until every daemon runs the plan of these objects.
pub fn wait_for_plan(router: &Router, objects: &str) {
    let input = PlannedInput::read(objects);
    let runs_it = || Ok(difference(router, &input, &[])?.is_none());
    if let Err(error) = wait_until(LIMIT, "FRR to run the plan", runs_it) {
        let (daemon, wanted, found) =
            difference(router, &input, &[]).unwrap().unwrap_or_else(|| panic!("{error}"));
        compare(daemon, &wanted, &found);
    }
}
