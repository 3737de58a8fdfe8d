//! `docs/session-impact.md` lists every kind of line. Written by `make docs`, checked here.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;

use frrk8s_delta::{Impact, KINDS, Kind, Undo};
use frrk8s_document::{Daemon, Dialect, Version};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/session-impact.md");

const HEAD: &str = "# What a line does to a session

What FRR does to a BGP session that is up, when a line is told and when it is taken back, and how the line is taken back. Measured
with live sessions on FRR 8.4.4 and 10.3; where they differ, both are named. Words in capitals stand for any word, `...` for the
rest of the line. `kept by` names the daemons that keep the line, and are told it. This page is written from the table that the code uses, by `make docs`.

| word | what happens |
|---|---|
| untouched | nothing |
| policy only | other routes are sent or taken; the session stays |
| deferred | FRR takes the line, and goes by it from the next reset on |
| reset | the session drops and comes up again |
";

fn impact(impact: Impact) -> String {
    let Impact { v8, v10 } = impact;
    if v8 == v10 {
        v8.as_str().to_owned()
    } else {
        format!("{} on 8.x, {} on 10.x", v8.as_str(), v10.as_str())
    }
}

fn undo(kind: &Kind) -> String {
    match kind.undo {
        Undo::Whole => {
            kind.line.strip_prefix("no ").map_or_else(|| format!("no {}", kind.line), str::to_owned)
        }
        Undo::Head(words) => {
            let head: Vec<&str> = kind.line.split(' ').take(words).collect();
            format!("no {}", head.join(" "))
        }
        Undo::Default(line) => line.to_owned(),
    }
}

/// The daemons that keep a line: those of the line of the top level around it.
fn homes(kind: &Kind) -> String {
    let top = match kind.context {
        "" => kind.line,
        "router" | "address-family" | "vni" => "router bgp ASN",
        "route-map" => "route-map NAME ACTION NUMBER",
        "profile" => "bfd",
        "vrf" => "vrf VRF",
        context => context,
    };
    let on = |major, minor| {
        let dialect = Dialect::new(Version { major, minor });
        let homes = dialect.homes(top);
        if homes == dialect.daemons() {
            return "all".to_owned();
        }
        if homes.is_empty() {
            return "the daemon that it is about".to_owned();
        }
        homes.iter().map(|daemon: &Daemon| daemon.name()).collect::<Vec<_>>().join(", ")
    };
    let (v8, v10) = (on(8, 4), on(10, 3));
    if v8 == v10 { v8 } else { format!("{v8} on 8.x, {v10} on 10.x") }
}

fn section(page: &mut String, title: &str, about: &str, rendered: bool) {
    write!(
        page,
        "\n## {title}\n\n{about}\n\n| in | line | told | taken back | taken back by | printed | kept by |\n|---|---|---|---|---|---|---|\n"
    )
    .unwrap();
    for kind in KINDS.iter().filter(|kind| kind.rendered == rendered) {
        let context = if kind.context.is_empty() { "" } else { &format!("`{}`", kind.context) };
        let printed = if kind.printed.is_empty() { "as it is told" } else { kind.printed };
        writeln!(
            page,
            "| {context} | `{}` | {} | {} | `{}` | {printed} | {} |",
            kind.line,
            impact(kind.told),
            impact(kind.taken_back),
            undo(kind),
            homes(kind),
        )
        .unwrap();
    }
}

#[test]
fn the_page_of_session_impact_lists_every_kind() {
    let mut page = HEAD.to_owned();
    section(&mut page, "What is generated", "Every line that objects lead to.", true);
    section(
        &mut page,
        "What people write",
        "Lines that raw snippets often have. Of a line that is not listed the worst is assumed.",
        false,
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(written == page, "docs/session-impact.md is out of date: run `make docs`");
}
