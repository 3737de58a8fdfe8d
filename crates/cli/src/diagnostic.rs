//! Findings with the places in the sources that they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use frrk8s_intake::{Input, Inventory, floor};
use frrk8s_manifest::{Object, Tree, Value};
use frrk8s_model::{Finding, ObjectId, Party, Rule, Severity, secret_in};
use serde_json::Value as Json;

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the source.
    pub source: usize,
    /// The bytes.
    pub span: Range<usize>,
}

/// A finding with the places of its parties, the first one first.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What was found.
    pub finding: Finding,
    /// Where each party stands, where that is known.
    pub places: Vec<Option<Place>>,
    /// The nodes concerned; empty for what is wrong with an object by itself.
    pub nodes: BTreeSet<String>,
}

/// The findings of an input, gathered.
pub struct Diagnostics<'a> {
    input: &'a Input,
    /// The configurations that count, by the number of their entries.
    entries: BTreeMap<ObjectId, usize>,
    known: BTreeMap<Finding, usize>,
    found: Vec<Diagnostic>,
}

impl<'a> Diagnostics<'a> {
    /// Starts with what is wrong with sources and objects by themselves, those aside that do not matter.
    pub fn new(input: &'a Input, inventory: &Inventory, left_out: &BTreeSet<&ObjectId>) -> Self {
        let entries = inventory.entries.clone();
        let left_out: BTreeSet<usize> = left_out.iter().filter_map(|id| entries.get(id).copied()).collect();
        let mut diagnostics = Self { input, entries, known: BTreeMap::new(), found: Vec::new() };
        for unreadable in &input.unreadable {
            let name = &input.sources[unreadable.source].name;
            let finding =
                Finding::new(Rule::Unreadable, &ObjectId::new("", name), "", unreadable.message.as_str());
            let place = Place { source: unreadable.source, span: unreadable.span.clone() };
            diagnostics.found.push(Diagnostic { finding, places: vec![Some(place)], nodes: BTreeSet::new() });
        }
        let findings = inventory.findings.iter().filter(|(entry, _)| !left_out.contains(entry));
        for (entry, finding) in findings {
            let place = diagnostics.place_in(*entry, &finding.at.path);
            let finding = finding.clone();
            diagnostics.found.push(Diagnostic { finding, places: vec![Some(place)], nodes: BTreeSet::new() });
        }
        diagnostics
    }

    /// Adds a finding about a node. The same finding about several nodes is one.
    pub fn add(&mut self, finding: Finding, node: Option<&str>) {
        if let Some(&known) = self.known.get(&finding) {
            self.found[known].nodes.extend(node.map(str::to_owned));
            return;
        }
        self.known.insert(finding.clone(), self.found.len());
        let places = finding.parties().map(|party| self.place(party)).collect();
        let nodes = node.map(str::to_owned).into_iter().collect();
        self.found.push(Diagnostic { finding, places, nodes });
    }

    /// Where a field of a configuration stands.
    pub fn place(&self, party: &Party) -> Option<Place> {
        let entry = *self.entries.get(&party.object)?;
        Some(self.place_in(entry, &party.path))
    }

    fn place_in(&self, entry: usize, path: &str) -> Place {
        let entry = &self.input.entries[entry];
        let text = &self.input.sources[entry.source].text;
        Place { source: entry.source, span: one_line(text, entry.manifest.locate(path)) }
    }

    /// All of them: by severity, source and position.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        let key = |diagnostic: &Diagnostic| {
            let place = diagnostic.places.first().cloned().flatten();
            let place = place.map(|place| (place.source, place.span.start));
            (diagnostic.finding.severity, place.unwrap_or((usize::MAX, 0)))
        };
        self.found.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.finding.cmp(&b.finding)));
        self.found
    }
}

/// Whether there is an error among diagnostics.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.finding.severity == Severity::Error)
}

/// The part of a span on its first line.
fn one_line(text: &str, span: Range<usize>) -> Range<usize> {
    let start = floor(text, span.start);
    let end = floor(text, span.end).max(start);
    let line = text[start..end].find('\n').map_or(end, |at| start + at);
    start..line
}

/// The sources as findings may show them: with `*` for every character of a password or a Secret.
pub fn masked_sources(input: &Input) -> Vec<String> {
    let mut texts: Vec<Vec<u8>> =
        input.sources.iter().map(|source| source.text.clone().into_bytes()).collect();
    for entry in &input.entries {
        let text = &mut texts[entry.source];
        match &entry.manifest.object {
            Object::Secret(_) => mask_secret(&entry.manifest.tree, text),
            Object::Undecodable { kind, .. } | Object::Other { kind } if kind == "Secret" => {
                mask_secret(&entry.manifest.tree, text);
            }
            _ => mask(&entry.manifest.tree, text),
        }
    }
    // A text that is no YAML cannot be told apart: nothing of it is shown.
    for unreadable in &input.unreadable {
        texts[unreadable.source].clear();
    }
    texts.into_iter().map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

/// All of a Secret but what it is called.
fn mask_secret(tree: &Tree, text: &mut [u8]) {
    let Value::Map(fields) = &tree.value else {
        return hide(tree.span.start, tree, text);
    };
    for (at, key, value) in fields {
        match key.as_str() {
            "apiVersion" | "kind" | "type" | "name" | "namespace" => {}
            "metadata" => mask_secret(value, text),
            _ => hide(at.end, value, text),
        }
    }
}

fn mask(tree: &Tree, text: &mut [u8]) {
    match &tree.value {
        Value::Map(fields) => {
            for (at, key, value) in fields {
                let reference = key == "passwordSecret" && matches!(value.value, Value::Map(_));
                let password = key.to_ascii_lowercase().contains("passw") && !reference;
                if password || key == "kubectl.kubernetes.io/last-applied-configuration" {
                    hide(at.end, value, text);
                } else if key == "rawConfig" {
                    mask_raw(value, text);
                } else {
                    mask(value, text);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| mask(item, text)),
        Value::Scalar(_) => {}
    }
}

/// A value with all that is before it from `from` on, tags and anchors; and where it is written, if it is an alias.
fn hide(from: usize, tree: &Tree, text: &mut [u8]) {
    let mut to = tree.span.end;
    let mut parts = vec![tree];
    while let Some(part) = parts.pop() {
        to = to.max(part.span.end);
        match &part.value {
            Value::Map(fields) => parts.extend(fields.iter().map(|(_, _, value)| value)),
            Value::List(items) => parts.extend(items),
            Value::Scalar(_) => spans(part).for_each(|span| blank(span, text)),
        }
    }
    blank(from..to, text);
}

fn spans(tree: &Tree) -> impl Iterator<Item = Range<usize>> {
    std::iter::once(tree.span.clone()).chain(tree.aliased.as_deref().cloned())
}

/// Covers what is not white space.
fn blank(span: Range<usize>, text: &mut [u8]) {
    let end = span.end.min(text.len());
    for byte in &mut text[span.start.min(end)..end] {
        if !byte.is_ascii_whitespace() {
            *byte = b'*';
        }
    }
}

/// What is secret in a raw snippet. Where it is not written as it is read, or no text, all of the snippet.
fn mask_raw(tree: &Tree, text: &mut [u8]) {
    const SECRETS_MAX: usize = 100;
    let Value::Scalar(Json::String(raw)) = &tree.value else {
        return hide(tree.span.start, tree, text);
    };
    let secrets: BTreeSet<&str> =
        raw.lines().filter_map(|line| secret_in(line).map(|secret| &line[secret])).collect();
    for span in spans(tree) {
        let written = text.get(span.clone()).map(<[u8]>::to_vec).unwrap_or_default();
        let written = String::from_utf8_lossy(&written);
        let found = |secret: &&str| written.contains(*secret);
        if secrets.len() > SECRETS_MAX || !secrets.iter().all(found) {
            blank(span, text);
            continue;
        }
        for secret in &secrets {
            for (at, _) in written.match_indices(*secret) {
                let from = span.start + at;
                blank(from..from + secret.len(), text);
            }
        }
    }
}
