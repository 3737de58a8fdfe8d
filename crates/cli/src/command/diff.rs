//! `frrk8s diff`

use std::fmt::Write;
use std::io::{self, Read};
use std::path::Path;

use frrk8s_delta::{Clear, Delta, Documents, SessionDelta, SessionId};
use frrk8s_document::{Daemon, Dialect, Document, Text, Version};
use frrk8s_intake::{InputError, read_file};
use frrk8s_model::masked;
use frrk8s_render::{Divided, divide};
use serde_json::{Value, json};

use super::CommandError;
use crate::args::{DiffArgs, DiffFormat};
use crate::output::{Exit, Output};
use crate::print::SCHEMA_VERSION;

/// The version whose dialect is taken where neither file says its own.
const VERSION_DEFAULT: Version = Version { major: 10, minor: 0 };

pub fn run(args: &DiffArgs) -> Result<Exit, CommandError> {
    let [from, to] = [read(&args.from)?, read(&args.to)?];
    let said = args.frr_version.or_else(|| Version::of(&from)).or_else(|| Version::of(&to));
    let version = said.unwrap_or(VERSION_DEFAULT);
    if said.is_none() {
        Output::note(&format!("note: neither file names a version of FRR: taken for {version}"));
    }
    let dialect = Dialect::new(version);
    let to = dialect.read(&Text::parse(&to));
    // Who writes a name for the machine means it.
    let names = to.lines().iter().filter(|line| line.text().starts_with("hostname ")).cloned();
    let names = Document::new(names.collect());
    let to = divide(to, &[&names]);
    let from = divide(dialect.read(&Text::parse(&from)), &[&to.ours]);
    note_foreign(&from, "what runs", "they stay as they are");
    note_foreign(&to, "what is to run", "they are left out");
    let [running, desired]: [Documents; 2] =
        [&from.ours, &to.ours].map(|document: &Document| dialect.by_daemon(document));
    let delta = Delta::new(dialect, &running, &desired);
    match args.output {
        DiffFormat::Text => Output::result(&text(&delta))?,
        DiffFormat::Json => Output::result(&format!("{:#}\n", as_json(&delta, version)))?,
    }
    Ok(Exit::Fine)
}

/// A configuration of FRR. What is not UTF-8 in it is replaced: a description in another encoding does not matter.
fn read(path: &Path) -> Result<String, CommandError> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(InputError::Stdin)?;
        bytes
    } else {
        read_file(path).map_err(|error| InputError::Path { path: path.to_owned(), error })?
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn note_foreign(divided: &Divided, what: &str, so: &str) {
    let count = divided.foreign.count();
    if count > 0 {
        let lines = if count == 1 { "line" } else { "lines" };
        Output::note(&format!("note: {count} {lines} of {what} are none of ours: {so}"));
    }
}

// Writing to a string cannot fail, so what `writeln!` returns is let go below.
fn text(delta: &Delta) -> String {
    let mut text = String::new();
    if delta.is_empty() {
        text.push_str("nothing to do\n");
    }
    for batch in &delta.batches {
        let _ = writeln!(text, "to {}:", batch.daemon.name());
        for sent in batch.lines() {
            let _ = writeln!(text, "  {:1$}{2}", "", sent.depth, masked(&sent.line));
        }
    }
    if !delta.clears.is_empty() {
        let _ = writeln!(text, "to {}, so that policy takes effect at once:", Daemon::Bgpd.name());
        for clear in &delta.clears {
            let _ = writeln!(text, "  {}", clear.command());
        }
    }
    if !delta.sessions.is_empty() {
        text.push_str("sessions:\n");
    }
    for (session, change) in &delta.sessions {
        let _ = writeln!(text, "  {session}: {}{}", change.change.as_str(), because(change));
    }
    text
}

fn because(change: &SessionDelta) -> String {
    let lines: Vec<String> = change.because.iter().map(|cause| format!("`{}`", cause.line)).collect();
    if lines.is_empty() { String::new() } else { format!(", because of {}", lines.join(", ")) }
}

fn as_json(delta: &Delta, version: Version) -> Value {
    let batches = delta.batches.iter().map(|batch| {
        let lines: Value = batch.lines().iter().map(|sent| masked(&sent.line).into_owned()).collect();
        json!({ "daemon": batch.daemon.name(), "lines": lines })
    });
    let clears = delta.clears.iter().map(Clear::command);
    let sessions = delta.sessions.iter().map(session);
    json!({
        "schemaVersion": SCHEMA_VERSION,
        "frrVersion": version.to_string(),
        "batches": batches.collect::<Value>(),
        "clears": clears.collect::<Value>(),
        "sessions": sessions.collect::<Value>(),
    })
}

fn session((id, change): (&SessionId, &SessionDelta)) -> Value {
    let because = change.because.iter().map(|cause| cause.line.to_string());
    json!({
        "vrf": id.vrf,
        "peer": id.peer,
        "change": change.change.as_str(),
        "because": because.collect::<Value>(),
    })
}
