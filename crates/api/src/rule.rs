//! Rules in CEL that the API server checks.

use kube::core::Rule;
use schemars::{Schema, json_schema};

/// The schema of a text with rules, each with the message that tells the user of its breach.
///
/// Not by `#[x_kube(validation = …)]`: that wants kube's own derive of the schema, which knows neither rules for the
/// elements of a list nor `#[serde(default)]` on the struct.
pub(crate) fn text_schema(rules: &[(&str, &str)]) -> Schema {
    let rules: Vec<Rule> = rules.iter().map(|&(rule, message)| Rule::new(rule).message(message)).collect();
    json_schema!({ "type": "string", "x-kubernetes-validations": rules })
}
