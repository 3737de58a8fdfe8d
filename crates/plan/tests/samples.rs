//! What the samples for users promise: they are in order, say why one wants them, are in the index, and use every field.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use frrk8s_api::schema_of;
use frrk8s_manifest::{Manifest, Object, Tree, Value, read};
use frrk8s_model::Severity;
use frrk8s_testkit::case::{Case, samples};
use serde_json::Value as Json;

/// The one sample whose objects do not go together, and the rule that says so.
const CONFLICTING: (&str, &str) = ("conflict", "conflict-neighbor");

/// Samples that show a warning.
const WARNING: &[(&str, &str)] = &[("password-secret-namespace", "secret-namespace")];

#[test]
fn samples_have_no_errors_and_no_warnings_but_those_that_they_are_about() {
    let mut found = BTreeSet::new();
    for case in samples() {
        let findings = case.judge().findings;
        let weighty = findings.iter().map(|reported| &reported.finding);
        let weighty = weighty.filter(|finding| finding.severity != Severity::Info);
        found.extend(weighty.map(|finding| (case.name.clone(), finding.rule.id())));
    }
    let expected = WARNING.iter().copied().chain([CONFLICTING]);
    let expected: BTreeSet<(String, &str)> = expected.map(|(name, rule)| (name.to_owned(), rule)).collect();
    assert_eq!(found, expected);
}

#[test]
fn only_the_conflicting_sample_holds_its_nodes() {
    for case in samples() {
        let holds = case.judge().nodes.iter().any(|node| node.accepted.is_none());
        assert_eq!(holds, case.name == CONFLICTING.0, "{}", case.name);
    }
}

#[test]
fn every_sample_begins_with_the_reason_why_one_wants_it() {
    for case in samples() {
        let first = case.sources.first().unwrap_or_else(|| panic!("{} has no objects", case.name));
        let comment: Vec<&str> = first.text.lines().take_while(|line| line.starts_with("# ")).collect();
        let reason = comment.iter().map(|line| line[2..].trim()).collect::<Vec<_>>().join(" ");
        let sentences = reason.matches(". ").count() + usize::from(reason.ends_with('.'));
        assert!((1..=2).contains(&sentences), "{}: {sentences} sentences: {reason}", case.name);
    }
}

#[test]
fn the_index_lists_exactly_the_samples() {
    let index = include_str!("../../../manifests/samples/README.md");
    let rows = index.lines().filter_map(|line| line.strip_prefix("| [")?.split_once("]("));
    let listed: Vec<String> = rows
        .map(|(name, rest)| {
            assert!(rest.starts_with(&format!("{name}) | ")), "{name} leads to {rest}");
            name.to_owned()
        })
        .collect();
    let directories: Vec<String> = samples().into_iter().map(|case| case.name).collect();
    assert_eq!(listed, directories);
}

#[test]
fn configurations_and_secrets_of_samples_are_in_the_namespace_of_the_daemon() {
    for (case, manifest) in manifests() {
        let expected = match manifest.object {
            Object::Configuration(_) | Object::Daemon(_) | Object::Secret(_) => Some("frr-k8s-system"),
            Object::Node(_) => None,
            other => panic!("{}: {other:?}", case.name),
        };
        assert_eq!(manifest.namespace.as_deref(), expected, "{}: {}", case.name, manifest.name);
    }
}

#[test]
fn every_field_and_every_word_of_the_api_is_used_by_a_sample() {
    for kind in ["FRRConfiguration", "FRRK8sConfiguration"] {
        let mut offered = BTreeSet::new();
        offered_by(&schema_of(kind).unwrap()["properties"]["spec"], "spec", &mut offered);
        let mut used = BTreeSet::new();
        for (_, manifest) in manifests()
            .iter()
            .filter(|(_, manifest)| manifest.tree.get("kind").and_then(Tree::text) == Some(kind))
        {
            let spec = manifest.tree.get("spec").unwrap();
            used_by(spec, "spec", &mut used);
        }
        let unused: Vec<&String> = offered.difference(&used).collect();
        // Its words are levels of one thing.
        let unused: Vec<_> =
            unused.into_iter().filter(|path| !path.starts_with("spec.logLevel = ")).collect();
        assert!(unused.is_empty(), "no sample of a {kind} has {unused:#?}");
    }
}

/// The objects of all samples.
fn manifests() -> Vec<(Case, Manifest)> {
    let objects = |case: Case| {
        let texts = case.sources.iter();
        let manifests: Vec<Manifest> = texts.flat_map(|source| read(&source.text).unwrap()).collect();
        manifests.into_iter().map(move |manifest| (case.clone(), manifest))
    };
    samples().into_iter().flat_map(objects).collect()
}

/// The fields of a schema, and the words of its enumerations.
fn offered_by(schema: &Json, path: &str, offered: &mut BTreeSet<String>) {
    if let Some(items) = schema.get("items") {
        offered_by(items, &format!("{path}[]"), offered);
    }
    for word in schema.get("enum").and_then(Json::as_array).into_iter().flatten() {
        offered.insert(format!("{path} = {}", word.as_str().unwrap()));
    }
    for (name, field) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        let path = format!("{path}.{name}");
        offered_by(field, &path, offered);
        offered.insert(path);
    }
}

/// The fields of an object, and its words.
fn used_by(tree: &Tree, path: &str, used: &mut BTreeSet<String>) {
    match &tree.value {
        Value::Map(fields) => {
            for (_, name, field) in fields {
                let path = format!("{path}.{name}");
                used_by(field, &path, used);
                used.insert(path);
            }
        }
        Value::List(items) => items.iter().for_each(|item| used_by(item, &format!("{path}[]"), used)),
        Value::Scalar(_) => {
            used.extend(tree.text().map(|word| format!("{path} = {word}")));
        }
    }
}
