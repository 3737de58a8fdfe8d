//! The expected files of a case.
#![allow(clippy::panic, reason = "a case that does not give what is expected fails its test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::{env, fs};

use super::directory::Case;
use super::judge::{Judged, Planned, Reported};

/// The environment variable that has the expected files written anew.
pub const UPDATE: &str = "UPDATE_CASES";

const FINDINGS: &str = "expected.findings";

impl Case {
    /// Compares what became of the case with the expected files, or writes these.
    ///
    /// # Panics
    ///
    /// If they differ.
    pub fn compare(&self, judged: &Judged) {
        let found = files(judged);
        if env::var_os(UPDATE).is_some() {
            self.write(&found);
        }
        let names: Vec<&String> = found.keys().collect();
        assert!(
            self.expected_files().iter().eq(names.iter().copied()),
            "{}: expected are {:?}, found {names:?}; {UPDATE}=1 writes them anew",
            self.directory.display(),
            self.expected_files(),
        );
        for (name, text) in &found {
            let expected = self.text_of(name);
            assert!(
                expected == *text,
                "{}/{name}: {UPDATE}=1 writes it anew\n{}",
                self.directory.display(),
                difference(&expected, text)
            );
        }
    }

    fn write(&self, found: &BTreeMap<String, String>) {
        let write = |name: &str, text: &str| {
            fs::write(self.directory.join(name), text)
                .unwrap_or_else(|error| panic!("cannot write {name} of {}: {error}", self.name));
        };
        for gone in self.expected_files().iter().filter(|name| !found.contains_key(*name)) {
            fs::remove_file(self.directory.join(gone))
                .unwrap_or_else(|error| panic!("cannot remove {gone} of {}: {error}", self.name));
        }
        for (name, text) in found {
            write(name, text);
        }
    }
}

/// The expected files as they would have to be.
fn files(judged: &Judged) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let several = judged.nodes.len() > 1;
    let findings = judged.findings.iter().map(|reported| report_line(reported, several));
    files.insert(FINDINGS.to_owned(), findings.collect());
    for node in &judged.nodes {
        let of_node = match &node.name {
            Some(name) if several => format!("{name}."),
            _ => String::new(),
        };
        let kinds = [("", &node.accepted), ("quarantine.", &node.quarantined)];
        for (kind, planned) in kinds {
            if let Some(planned) = planned {
                files.insert(format!("expected.{kind}{of_node}conf"), masked(planned));
            }
        }
    }
    files
}

/// `severity[rule] object path: message`, the advice where the finding has one of its own, the nodes where it is not
/// about the object alone and there are several.
pub fn report_line(reported: &Reported, several_nodes: bool) -> String {
    let finding = &reported.finding;
    let mut line = finding.to_string().replacen(" : ", ": ", 1);
    // Writing to a string cannot fail.
    if let Some(help) = &finding.help {
        let _ = write!(line, "; {help}");
    }
    if several_nodes && !reported.nodes.is_empty() {
        let nodes: Vec<&str> = reported.nodes.iter().map(String::as_str).collect();
        let _ = write!(line, " (on {})", nodes.join(", "));
    }
    line + "\n"
}

/// The text of a plan with `***` in place of every password.
fn masked(planned: &Planned) -> String {
    let mut masked = String::new();
    for line in planned.print().lines() {
        let shown = line.split_once("password ").map(|(before, _)| format!("{before}password ***"));
        masked.push_str(shown.as_deref().unwrap_or(line));
        masked.push('\n');
    }
    masked
}

/// The lines of only one of two texts, marked by `-` and `+`; where there are none, the first pair in another order.
pub fn difference(wanted: &str, found: &str) -> String {
    let only = |sign: &str, a: &str, b: &str| {
        let b: Vec<&str> = b.lines().collect();
        let lines = a.lines().filter(|line| !b.contains(line));
        lines.flat_map(|line| [sign, line, "\n"]).collect::<String>()
    };
    let only = only("-", wanted, found) + &only("+", found, wanted);
    if !only.is_empty() {
        return only;
    }
    let mut pairs = (1..).zip(wanted.lines().zip(found.lines()));
    let pair = pairs.find(|(_, (wanted, found))| wanted != found);
    pair.map_or_else(String::new, |(number, (wanted, found))| {
        format!("the same lines, but line {number} is\n-{wanted}\n+{found}\n")
    })
}
