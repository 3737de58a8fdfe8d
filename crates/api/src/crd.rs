//! The definitions of the four kinds, as an API server takes them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kube::CustomResourceExt;
use serde_json::{Map, Number, Value, json};

use crate::k8s::{CustomResourceDefinition, ResourceExt};
use crate::{BGPSessionState, FRRConfiguration, FRRK8sConfiguration, FRRNodeState};

/// The definitions of the four kinds, sorted by name.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds =
        [BGPSessionState::crd(), FRRConfiguration::crd(), FRRK8sConfiguration::crd(), FRRNodeState::crd()]
            .map(published);
    crds.sort_by_key(ResourceExt::name_any);
    crds.into()
}

/// The definition of one kind as YAML; `None` if the kind is not one of ours.
pub fn crd_yaml(kind: &str) -> Option<String> {
    crds().iter().find(|crd| crd.spec.names.kind == kind).map(yaml)
}

/// All definitions as one YAML stream, for `kubectl apply -f -`.
pub fn crds_yaml() -> String {
    let documents: Vec<String> = crds().iter().map(yaml).collect();
    documents.join("---\n")
}

/// The `openAPIV3Schema` of a kind, from the root of the object on; `None` if the kind is not one of ours.
///
/// Whoever walks it to find fields that the API server would drop should treat `metadata` as known: its schema is the
/// server's own, and only announced here. Everywhere else, an object without `properties` and `additionalProperties`
/// keeps nothing.
pub fn schema_of(kind: &str) -> Option<&'static Value> {
    static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
        crds()
            .into_iter()
            .map(|crd| {
                let schema = to_json(&crd).pointer("/spec/versions/0/schema/openAPIV3Schema").cloned();
                (crd.spec.names.kind, schema.unwrap_or_default())
            })
            .collect()
    });
    SCHEMAS.get(kind)
}

fn yaml(crd: &CustomResourceDefinition) -> String {
    // A tree of JSON values: every one of them has a form in YAML.
    serde_saphyr::to_string(&to_json(crd)).unwrap_or_default()
}

/// Makes of what kube's derive yields what upstream publishes; the rest of the schema is attributes of the fields.
fn published(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let names = &mut crd.spec.names;
    names.list_kind = Some(format!("{}List", names.kind));
    names.categories = None;
    names.short_names = names.short_names.take().filter(|names| !names.is_empty());
    for version in &mut crd.spec.versions {
        version.selectable_fields = None;
        let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut())
        else {
            continue;
        };
        let mut tree = to_json(schema);
        as_go_declares(&mut tree);
        add_object_fields(&mut tree);
        // It was one a moment ago, and only keywords of schemas have been touched.
        *schema = serde_json::from_value(tree).unwrap_or_default();
    }
    crd
}

/// What differs between a schema made of Rust types and one made of Go's, everywhere in the tree.
fn as_go_declares(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            // Go has no such optional values: the API server drops a `null`, and absence is left.
            if keywords.get("nullable").is_some_and(Value::is_boolean) {
                keywords.remove("nullable");
            }
            if let Some(Value::Array(words)) = keywords.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            // OpenAPI knows int32 and int64 only.
            if keywords.get("format").is_some_and(|format| format == "uint32") {
                keywords.insert("format".into(), "int64".into());
            }
            // Lines end where the source's do; kubectl breaks them to fit the terminal.
            if let Some(Value::String(description)) = keywords.get_mut("description") {
                let paragraphs = description.split("\n\n").map(|lines| lines.replace('\n', " "));
                *description = paragraphs.collect::<Vec<_>>().join("\n\n");
            }
            keywords.values_mut().for_each(as_go_declares);
        }
        Value::Array(values) => values.iter_mut().for_each(as_go_declares),
        _ => {}
    }
}

/// The fields of every object. None is required, `spec` as little as the others.
fn add_object_fields(root: &mut Value) {
    let Some(keywords) = root.as_object_mut() else {
        return;
    };
    keywords.remove("required");
    keywords.remove("title");
    let properties = keywords.entry("properties").or_insert_with(|| Map::new().into());
    properties["apiVersion"] = json!({
        "type": "string",
        "description": "The API group and version of this object: frrk8s.metallb.io/v1beta1.",
    });
    properties["kind"] = json!({ "type": "string", "description": "The kind of this object." });
    properties["metadata"] = json!({ "type": "object" });
}

/// The JSON of a definition or schema, with whole numbers as such: Kubernetes' type for bounds is a float.
fn to_json(value: &impl serde::Serialize) -> Value {
    let mut tree = serde_json::to_value(value).unwrap_or_default();
    whole_numbers(&mut tree);
    tree
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Array(values) => values.iter_mut().for_each(whole_numbers),
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0) {
                // A float without a fraction prints as an integer does.
                if let Ok(whole) = format!("{whole:.0}").parse::<Number>() {
                    *number = whole;
                }
            }
        }
        _ => {}
    }
}
