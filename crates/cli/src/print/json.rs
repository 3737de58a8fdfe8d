//! Findings for programs. The shape is versioned; fields are only ever added within a version.

use frrk8s_intake::Input;
use frrk8s_model::{Party, Severity, shown_up_to};
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Place};

/// The version of everything that is printed as JSON.
pub const SCHEMA_VERSION: &str = "frrk8s/v1";

/// All findings.
pub fn json(diagnostics: &[Diagnostic], input: &Input) -> Value {
    let count = |severity| {
        let same = diagnostics.iter().filter(|diagnostic| diagnostic.finding.severity == severity);
        same.count()
    };
    json!({
        "schemaVersion": SCHEMA_VERSION,
        "findings": diagnostics.iter().map(|diagnostic| one(diagnostic, input)).collect::<Value>(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "infos": count(Severity::Info),
    })
}

fn one(diagnostic: &Diagnostic, input: &Input) -> Value {
    let finding = &diagnostic.finding;
    let mut parties =
        finding.parties().zip(&diagnostic.places).map(|(party, place)| located(party, place.as_ref(), input));
    let first = parties.next().unwrap_or_default();
    let mut value = json!({
        "rule": finding.rule.id(),
        "severity": finding.severity.as_str(),
        "level": finding.rule.level().as_str(),
        "message": finding.message,
        "help": finding.advice(),
        "others": parties.collect::<Value>(),
        "nodes": diagnostic.nodes,
    });
    if let (Some(value), Value::Object(first)) = (value.as_object_mut(), first) {
        value.extend(first);
    }
    value
}

fn located(party: &Party, place: Option<&Place>, input: &Input) -> Value {
    json!({
        "object": { "namespace": name(&party.object.namespace), "name": name(&party.object.name) },
        "path": party.path,
        "value": party.value,
        "location": place.map(|place| location(place, input)),
    })
}

/// A name in one line of bounded length, whatever somebody made of it.
fn name(text: &str) -> String {
    const CHARS_MAX: usize = 1000;
    shown_up_to(text, CHARS_MAX)
}

/// File, lines and columns, all from 1.
fn location(place: &Place, input: &Input) -> Value {
    let source = &input.sources[place.source];
    let (line, column) = source.line_and_column(place.span.start);
    let (end_line, end_column) = source.line_and_column(place.span.end);
    json!({
        "file": source.name,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
    })
}
