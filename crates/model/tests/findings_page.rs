//! `docs/findings.md` lists every rule. Written by `make docs`, checked here.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;

use frrk8s_model::{Level, Rule};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/findings.md");

const HEAD: &str = "# Findings

What `frrk8s check` says of objects, and what the agent reports of them. Each finding names a rule, by an identifier that
does not change; the object, the path of the field and its value (secrets never); and what to do. This page is written from the
rules themselves by `make docs`.

An **error** keeps an object out: under `freeze` the node then stays on its last good configuration, under `quarantine` the
object is set aside. A **warning** is about an object that is taken, but does not mean what it seems to say. An **info** is worth
knowing.
";

fn section(page: &mut String, level: Level, title: &str, about: &str) {
    write!(
        page,
        "\n## {title}\n\n{about}\n\n| rule | severity | what it says | what to do |\n|---|---|---|---|\n"
    )
    .unwrap();
    for rule in Rule::ALL.iter().filter(|rule| rule.level() == level) {
        let cell = |text: &str| text.replace('|', "\\|");
        writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            rule.id(),
            rule.severity(),
            cell(rule.summary()),
            cell(rule.advice())
        )
        .unwrap();
    }
}

#[test]
fn the_page_of_findings_lists_every_rule() {
    let mut page = HEAD.to_owned();
    section(
        &mut page,
        Level::Object,
        "The object alone",
        "Its shape, its ranges, and whether it is self-contained.",
    );
    section(
        &mut page,
        Level::Grammar,
        "The object against FRR",
        "What FRR would refuse, or read differently from what it says.",
    );
    section(&mut page, Level::Node, "The merged node", "What objects do to each other on one node.");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(written == page, "docs/findings.md is out of date: run `make docs`");
}
