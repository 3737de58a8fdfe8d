//! Fields that the API does not know. An API server drops them without a word, and what remains may
//! mean something else.

use frrk8s_model::{Finding, ObjectId, Rule, shown};
use serde_json::Value as Json;

use crate::{Tree, Value};

/// The most fields of one object that are reported.
const FINDINGS_MAX: usize = 100;

/// A finding for each field of an `FRRConfiguration` that its schema does not have.
pub(crate) fn dropped_fields(tree: &Tree, id: &ObjectId) -> Vec<Finding> {
    let Some(schema) = frrk8s_api::schema_of("FRRConfiguration") else {
        return Vec::new();
    };
    let mut walk = Walk { root: schema, id, findings: Vec::new() };
    if let Value::Map(fields) = &tree.value {
        for (_, name, value) in fields {
            match name.as_str() {
                "apiVersion" | "kind" | "metadata" => {}
                _ => walk.field(schema, "", name, value),
            }
        }
    }
    walk.findings
}

struct Walk<'a> {
    root: &'a Json,
    id: &'a ObjectId,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    /// A field of something with this schema.
    fn field(&mut self, schema: &Json, above: &str, name: &str, value: &Tree) {
        let path = join(above, name);
        match schema.get("properties").and_then(|properties| properties.get(name)) {
            Some(inner) => self.value(inner, &path, value),
            None if is_open(schema) => {}
            None if self.findings.len() >= FINDINGS_MAX => {}
            None => {
                let finding = self.dropped(schema, above, name, &path);
                self.findings.push(finding);
            }
        }
    }

    fn value(&mut self, schema: &Json, path: &str, value: &Tree) {
        match &value.value {
            Value::Map(fields) => {
                for (_, name, value) in fields {
                    self.field(schema, path, name, value);
                }
                if path == "spec.nodeSelector" {
                    self.say_what_is_selected(schema, fields.iter().map(|(_, name, _)| name.as_str()));
                }
            }
            Value::List(items) => {
                if let Some(schema) = schema.get("items") {
                    for (at, item) in items.iter().enumerate() {
                        self.value(schema, &format!("{path}[{at}]"), item);
                    }
                }
            }
            Value::Scalar(_) => {}
        }
    }

    fn dropped(&self, schema: &Json, above: &str, name: &str, path: &str) -> Finding {
        let place = if above.is_empty() { "an FRRConfiguration" } else { above };
        let message = format!("{place} has no field {:?}; an API server drops it", shown(name));
        let finding = Finding::new(Rule::FieldDropped, self.id, path, message);
        match suggestion(self.root, schema, name) {
            Some(help) => finding.with_help(help),
            None => finding,
        }
    }

    /// A node selector of which nothing remains selects every node.
    fn say_what_is_selected<'b>(&mut self, schema: &Json, mut names: impl Iterator<Item = &'b str>) {
        let known = |name| schema.get("properties").and_then(|known| known.get(name)).is_some();
        if names.any(known) {
            return;
        }
        for finding in &mut self.findings {
            if finding.at.path.starts_with("spec.nodeSelector") {
                finding.message.push_str(", and the object then selects every node");
                finding.help = Some("write matchLabels or matchExpressions below nodeSelector".to_owned());
            }
        }
    }
}

/// A path with one more field; one that is no plain word is quoted.
pub(crate) fn join(above: &str, name: &str) -> String {
    const PLAIN_CHARS_MAX: usize = 63;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let plain = |name: &str| (1..=PLAIN_CHARS_MAX).contains(&name.len()) && name.chars().all(plain);
    match (above.is_empty(), plain(name)) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{above}.{name}"),
        _ => format!("{above}[\"{}\"]", shown(name)),
    }
}

/// Whether a schema allows fields that it does not name.
fn is_open(schema: &Json) -> bool {
    let says = |field| schema.get(field).is_some_and(|value| *value != Json::Bool(false));
    says("additionalProperties") || says("x-kubernetes-preserve-unknown-fields")
}

/// The field that may have been meant.
fn suggestion(root: &Json, schema: &Json, name: &str) -> Option<String> {
    let siblings = schema.get("properties").and_then(Json::as_object);
    let alike = siblings.and_then(|fields| fields.keys().find(|known| known.eq_ignore_ascii_case(name)));
    if let Some(alike) = alike {
        return Some(format!("write {alike}"));
    }
    let mut places = Vec::new();
    find_places(root, name, "", &mut places);
    match places.as_slice() {
        [] => None,
        [place] => Some(format!("{name} is a field of {place}")),
        [first, second, ..] => Some(format!("{name} is a field of {first} and of {second}")),
    }
}

/// Every place of a schema that has a field of this name.
fn find_places(schema: &Json, name: &str, path: &str, places: &mut Vec<String>) {
    if let Some(items) = schema.get("items") {
        find_places(items, name, &format!("{path}[]"), places);
    }
    let Some(fields) = schema.get("properties").and_then(Json::as_object) else {
        return;
    };
    if fields.contains_key(name) && !path.is_empty() {
        places.push(path.to_owned());
    }
    for (field, inner) in fields.iter().filter(|(field, _)| *field != "status") {
        find_places(inner, name, &join(path, field), places);
    }
}
