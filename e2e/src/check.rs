//! Whether a router takes a plan and prints it back.

use std::collections::BTreeMap;

use frrk8s_document::{Daemon, Document, Line, Text};
use frrk8s_render::divide;
use frrk8s_testkit::case::difference;
use frrk8s_testkit::lab::Router;

use crate::load::is_refusal;
use crate::{Planned, dialect, load, read_back};

/// Loads a plan into an empty router, each daemon over its socket: no line of the document is refused, of the raw
/// snippets exactly the `unknown` ones, and every daemon prints what was rendered.
///
/// # Panics
///
/// If not.
pub fn check(router: &Router, name: &str, planned: &Planned, unknown: &[String]) {
    let loaded = load(router, &planned.document, &planned.raw).unwrap();
    assert!(loaded.refused.is_empty(), "{name}: {:#?}\n{}", loaded.refused, planned.document.print());
    let refused = loaded.raw_refused.iter().map(|(_, refused)| &refused.line);
    assert!(refused.eq(unknown), "{name}: unknown are {unknown:?}, not {:#?}", loaded.raw_refused);
    let raw = taken(router, planned, unknown);
    let expected = planned.document.clone().joined(raw.clone());
    let expected: BTreeMap<Daemon, Document> = dialect(router).by_daemon(&expected);
    for (daemon, found) in read_back(router, &[&planned.document, &raw]).unwrap() {
        let wanted = expected.get(&daemon).cloned().unwrap_or_default();
        // Where it is told no name, FRR prints that of the machine.
        let named = planned.document.lines().iter().any(is_name);
        let found = if named { found } else { without_name(found) };
        compare(&format!("{name}: {}", daemon.name()), &wanted, &found);
    }
}

/// Loads a plan into an empty router as people do, as a file: no line is refused but the `unknown` ones, and
/// `show running-config` prints what was rendered.
///
/// # Panics
///
/// If not.
pub fn check_as_file(router: &Router, name: &str, planned: &Planned, unknown: &[String]) {
    let mut refused = router.load(&planned.print()).unwrap();
    refused.retain(is_refusal);
    // The daemons' own words come last, without their lines.
    let lines =
        refused.iter().map(|refused| &refused.line).filter(|line| unknown.is_empty() || !line.is_empty());
    assert!(lines.eq(unknown), "{name}: unknown are {unknown:?}, not {refused:#?}");
    let raw = taken(router, planned, unknown);
    let expected = dialect(router).as_printed(planned.document.clone().joined(raw.clone()));
    let shown = dialect(router).read(&Text::parse(&router.show_running_config().unwrap()));
    let found = divide(shown, &[&planned.document, &raw]).ours;
    // vtysh shows the name of the machine that it runs on itself.
    compare(&format!("{name}: FRR"), &without_name(expected), &without_name(found));
}

/// Whether a daemon runs what it is to run.
///
/// # Panics
///
/// If not.
pub fn compare(who: &str, wanted: &Document, found: &Document) {
    assert!(
        wanted == found,
        "{who} runs something else\n--- rendered\n{}\n--- printed\n{}\n--- difference\n{}",
        wanted.print(),
        found.print(),
        difference(&wanted.print(), &found.print()),
    );
}

fn is_name(line: &Line) -> bool {
    line.text().starts_with("hostname ")
}

fn without_name(document: Document) -> Document {
    Document::new(document.into_lines().into_iter().filter(|line| !is_name(line)).collect())
}

/// The raw snippets without the lines that are unknown.
fn taken(router: &Router, planned: &Planned, unknown: &[String]) -> Document {
    let is_known = |line: &&str| !unknown.iter().any(|unknown| unknown == line.trim());
    let raw = planned.print_raw();
    let lines: Vec<&str> = raw.lines().filter(is_known).collect();
    dialect(router).read(&Text::parse(&lines.join("\n")))
}
