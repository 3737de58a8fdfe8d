//! Findings for people: with the source lines of every party.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use frrk8s_intake::Input;
use frrk8s_model::{Party, Severity};

use crate::diagnostic::{Diagnostic, Place};

/// How many findings are printed; what is more is counted.
const FINDINGS_MAX: usize = 200;
/// How many parties of one conflict are shown with their source lines.
const PARTIES_MAX: usize = 8;
/// The longest source line that is shown, in bytes.
const LINE_BYTES_MAX: usize = 400;

/// Whether colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Letters only.
    Plain,
    /// With colours.
    Coloured,
}

/// All findings, and a line that counts them.
pub fn text(diagnostics: &[Diagnostic], input: &Input, masked: &[String], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(FINDINGS_MAX) {
        text.push_str(&one(diagnostic, input, masked, &renderer));
        text.push_str("\n\n");
    }
    if diagnostics.len() > FINDINGS_MAX {
        let more = diagnostics.len() - FINDINGS_MAX;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "… and {more} more; -o json prints them all\n");
    }
    text
}

fn one(diagnostic: &Diagnostic, input: &Input, masked: &[String], renderer: &Renderer) -> String {
    let finding = &diagnostic.finding;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level.primary_title(finding.message.as_str()).id(finding.rule.id());
    let mut group = Group::with_title(title);
    let parties: Vec<&Party> = finding.parties().collect();
    let lines: Vec<SourceLine> = diagnostic
        .places
        .iter()
        .map(|place| {
            place.as_ref().and_then(|place| SourceLine::new(place, input, masked)).unwrap_or_default()
        })
        .collect();
    let shown = parties.iter().zip(&diagnostic.places).zip(&lines).take(PARTIES_MAX);
    for (number, ((party, place), line)) in shown.enumerate() {
        let label = label(party);
        let Some(place) = place else {
            group = group.element(Level::NOTE.message(label));
            continue;
        };
        let name = input.sources[place.source].name.as_str();
        if line.text.is_empty() {
            let (line, column) = input.sources[place.source].line_and_column(place.span.start);
            group = group.element(Level::NOTE.message(format!("{name}:{line}:{column}: {label}")));
            continue;
        }
        let kind = if number == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(line.span.clone()).label(label);
        let snippet = Snippet::source(line.text.as_str()).line_start(line.number).path(name);
        group = group.element(snippet.annotation(annotation));
    }
    if parties.len() > PARTIES_MAX {
        let more = parties.len() - PARTIES_MAX;
        group = group.element(Level::NOTE.message(format!("and {more} more objects")));
    }
    if !diagnostic.nodes.is_empty() {
        group = group.element(Level::NOTE.message(nodes(diagnostic)));
    }
    if finding.severity != Severity::Info {
        group = group.element(Level::HELP.message(finding.advice()));
    }
    renderer.render(&[group])
}

/// Whose field it is, and its value.
fn label(party: &Party) -> String {
    let place = match (party.object.name.is_empty(), party.path.is_empty()) {
        (_, true) => party.object.to_string(),
        (true, false) => party.path.clone(),
        (false, false) => format!("{} {}", party.object, party.path),
    };
    match &party.value {
        Some(value) => format!("{place} = {value}"),
        None => place,
    }
}

fn nodes(diagnostic: &Diagnostic) -> String {
    const NODES_MAX: usize = 5;
    let names: Vec<&str> = diagnostic.nodes.iter().take(NODES_MAX).map(String::as_str).collect();
    let more = diagnostic.nodes.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("on {}{more}", names.join(", "))
}

/// The line of a source that a place is on.
#[derive(Default)]
struct SourceLine {
    text: String,
    number: usize,
    span: std::ops::Range<usize>,
}

impl SourceLine {
    fn new(place: &Place, input: &Input, masked: &[String]) -> Option<Self> {
        let text = &masked[place.source];
        let (start, end) = (place.span.start, place.span.end);
        let from = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let to = text.get(start..)?.find('\n').map_or(text.len(), |at| start + at);
        let line = text.get(from..to)?;
        if line.len() > LINE_BYTES_MAX || line.trim().is_empty() {
            return None;
        }
        let (number, _) = input.sources[place.source].line_and_column(start);
        let span = start - from..end.min(to).max(start) - from;
        Some(Self { text: line.to_owned(), number, span })
    }
}
