//! Findings with the places in the sources that they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use frrk8s_manifest::{Object, Tree, Value};
use frrk8s_model::{Finding, ObjectId, Party, Rule, Severity};

use crate::input::Input;
use crate::inventory::Inventory;

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

/// Line and column of a byte of a text, both from 1; columns count characters.
pub fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..floor(text, at)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The findings of an input, gathered.
pub struct Diagnostics<'a> {
    input: &'a Input,
    entries: BTreeMap<ObjectId, usize>,
    known: BTreeMap<Finding, usize>,
    found: Vec<Diagnostic>,
}

impl<'a> Diagnostics<'a> {
    /// Starts with what is wrong with sources and objects by themselves.
    pub fn new(input: &'a Input, inventory: &Inventory) -> Self {
        let mut entries = BTreeMap::new();
        for (number, entry) in input.entries.iter().enumerate() {
            let namespace = match (&entry.manifest.namespace, &entry.manifest.object) {
                (Some(namespace), _) => namespace.as_str(),
                (None, Object::Node(_)) => "",
                (None, _) => &inventory.namespace,
            };
            entries.entry(ObjectId::new(namespace, &entry.manifest.name)).or_insert(number);
        }
        let mut diagnostics = Self { input, entries, known: BTreeMap::new(), found: Vec::new() };
        for unreadable in &input.unreadable {
            let name = &input.sources[unreadable.source].name;
            let finding =
                Finding::new(Rule::Unreadable, &ObjectId::new("", name), "", unreadable.message.as_str());
            let place = Place { source: unreadable.source, span: unreadable.span.clone() };
            diagnostics.found.push(Diagnostic { finding, places: vec![Some(place)], nodes: BTreeSet::new() });
        }
        for finding in &inventory.findings {
            diagnostics.add(finding.clone(), None);
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

    /// Where a field stands.
    pub fn place(&self, party: &Party) -> Option<Place> {
        let entry = &self.input.entries[*self.entries.get(&party.object)?];
        let text = &self.input.sources[entry.source].text;
        let span = one_line(text, entry.manifest.locate(&party.path));
        Some(Place { source: entry.source, span })
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
        let is_secret = entry.manifest.tree.get("kind").and_then(Tree::text) == Some("Secret");
        mask(&entry.manifest.tree, is_secret, text);
    }
    // A text that is no YAML cannot be told apart: nothing of it is shown.
    for unreadable in &input.unreadable {
        texts[unreadable.source].clear();
    }
    texts.into_iter().map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

fn mask(tree: &Tree, secret: bool, text: &mut [u8]) {
    match &tree.value {
        Value::Map(fields) => {
            for (_, key, value) in fields {
                let named = matches!(key.as_str(), "password" | "data" | "stringData");
                let quoted = matches!(key.as_str(), "kubectl.kubernetes.io/last-applied-configuration");
                let hide = key == "password" || secret && named || quoted;
                match (hide, key.as_str(), &value.value) {
                    (true, _, _) => blank(value.span.clone(), text),
                    (false, "rawConfig", Value::Scalar(_)) => mask_raw(value.span.clone(), text),
                    _ => mask(value, secret, text),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| mask(item, secret, text)),
        Value::Scalar(_) => {}
    }
}

fn blank(span: Range<usize>, text: &mut [u8]) {
    let end = span.end.min(text.len());
    for byte in &mut text[span.start.min(end)..end] {
        if *byte != b'\n' {
            *byte = b'*';
        }
    }
}

/// Everything behind the word `password` on a line of a raw snippet.
fn mask_raw(span: Range<usize>, text: &mut [u8]) {
    const WORD: &[u8] = b"password ";
    let end = span.end.min(text.len());
    let mut at = span.start.min(end);
    while at + WORD.len() <= end {
        if text[at..].starts_with(WORD) {
            let from = at + WORD.len();
            let line = text[from..end].iter().position(|&byte| byte == b'\n').map_or(end, |line| from + line);
            blank(from..line, text);
            at = line;
        } else {
            at += 1;
        }
    }
}
