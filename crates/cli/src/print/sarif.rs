//! Findings as SARIF 2.1.0, which code review tools show beside the changed lines.

use frrk8s_intake::Input;
use frrk8s_model::{Party, Rule, Severity};
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Place};

/// The whole report.
pub fn sarif(diagnostics: &[Diagnostic], input: &Input) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "frrk8s",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.iter().map(|rule| describe(*rule)).collect::<Value>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": diagnostics.iter().map(|diagnostic| one(diagnostic, input)).collect::<Value>(),
        }],
    })
}

fn describe(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": { "text": rule.summary() },
        "help": { "text": rule.advice() },
        "defaultConfiguration": { "level": level(rule.severity()) },
        "properties": { "about": rule.level().as_str() },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn one(diagnostic: &Diagnostic, input: &Input) -> Value {
    let finding = &diagnostic.finding;
    let rule = Rule::ALL.iter().position(|rule| *rule == finding.rule);
    let mut parties = finding.parties().zip(&diagnostic.places);
    let first = parties.next().map(|(party, place)| location(party, place.as_ref(), input));
    let others: Vec<Value> = parties.map(|(party, place)| location(party, place.as_ref(), input)).collect();
    json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": { "text": format!("{}. To mend it: {}.", finding.message, finding.advice()) },
        "locations": first.into_iter().collect::<Value>(),
        "relatedLocations": others,
        "properties": { "nodes": diagnostic.nodes },
    })
}

fn location(party: &Party, place: Option<&Place>, input: &Input) -> Value {
    let logical = json!([{
        "name": party.object.to_string(),
        "fullyQualifiedName": format!("{} {}", party.object, party.path),
        "kind": "object",
    }]);
    let message = match &party.value {
        Some(value) => format!("{} {} = {value}", party.object, party.path),
        None => format!("{} {}", party.object, party.path),
    };
    let mut location = json!({ "logicalLocations": logical, "message": { "text": message } });
    if let Some(place) = place {
        let source = &input.sources[place.source];
        let (line, column) = source.line_and_column(place.span.start);
        let (end_line, end_column) = source.line_and_column(place.span.end);
        location["physicalLocation"] = json!({
            "artifactLocation": { "uri": uri(&source.name) },
            "region": {
                "startLine": line,
                "startColumn": column,
                "endLine": end_line,
                "endColumn": end_column.max(column + 1),
            },
        });
    }
    location
}

/// A path as a relative reference (RFC 3986): what is not plain is escaped.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte);
    let escape = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(escape).collect()
}
