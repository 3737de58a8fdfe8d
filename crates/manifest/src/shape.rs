//! Values of another type than the schema has for them. The decoder alone would take a list for an object, field by
//! field, and say nothing of what it passes over.

use frrk8s_model::shown;
use serde_json::Value as Json;

use crate::fields::join;
use crate::{Tree, Value};

/// The most mistakes of one object that are reported.
pub(crate) const MISTAKES_MAX: usize = 100;

/// A field that does not decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The path of the field.
    pub path: String,
    /// What is wrong with it. Never a secret.
    pub message: String,
    /// The value, where it is a short one and no secret.
    pub value: Option<String>,
}

/// The mistakes of an object of this schema; `text` is where it stands.
pub(crate) fn mistakes(schema: &Json, tree: &Tree, text: &str) -> Vec<Mistake> {
    let mut walk = Walk { text, mistakes: Vec::new() };
    walk.value(schema, "", tree);
    walk.mistakes
}

struct Walk<'a> {
    text: &'a str,
    mistakes: Vec<Mistake>,
}

impl Walk<'_> {
    fn value(&mut self, schema: &Json, path: &str, tree: &Tree) {
        let wanted = schema.get("type").and_then(Json::as_str).unwrap_or_default();
        match (&tree.value, wanted) {
            (Value::Map(fields), "object" | "") => {
                let open = schema.get("additionalProperties").unwrap_or(&Json::Null);
                for (key, name, value) in fields {
                    let known = schema.get("properties").and_then(|properties| properties.get(name));
                    let path = join(path, name);
                    if self.loses_text(key.end, value) {
                        let message = "YAML takes the beginning for a tag or an anchor: a text that begins with ! or & \
                                       needs quotes";
                        self.add(&path, message.to_owned(), None);
                    }
                    self.value(known.unwrap_or(open), &path, value);
                }
            }
            (Value::List(items), "array" | "") => {
                let schema = schema.get("items").unwrap_or(&Json::Null);
                for (at, item) in items.iter().enumerate() {
                    self.value(schema, &format!("{path}[{at}]"), item);
                }
            }
            // As good as absent.
            (Value::Scalar(Json::Null), _) | (_, "") => {}
            (Value::Scalar(scalar), wanted) => self.scalar(wanted, path, scalar),
            (Value::Map(_), wanted) => self.mismatch("an object", wanted, path, None),
            (Value::List(_), wanted) => self.mismatch("a list", wanted, path, None),
        }
    }

    fn scalar(&mut self, wanted: &str, path: &str, scalar: &Json) {
        let (is, fits) = match scalar {
            Json::Bool(_) => ("a flag", wanted == "boolean"),
            Json::String(_) => ("a text", wanted == "string"),
            Json::Number(number) if number.is_i64() => ("a number", wanted == "integer"),
            Json::Number(number) if number.is_u64() => ("a number of more than 63 bits", false),
            _ => ("a number with a fraction or exponent", false),
        };
        if !fits {
            self.mismatch(is, wanted, path, Some(scalar));
        }
    }

    fn mismatch(&mut self, is: &str, wanted: &str, path: &str, scalar: Option<&Json>) {
        let wanted = match wanted {
            "object" => "an object",
            "array" => "a list",
            "string" => "a text",
            "boolean" => "true or false",
            "integer" => "a whole number",
            other => other,
        };
        let value = scalar.map(|scalar| match scalar {
            Json::String(text) => shown(text),
            other => other.to_string(),
        });
        self.add(path, format!("it is {is}; it must be {wanted}"), value);
    }

    fn add(&mut self, path: &str, message: String, value: Option<String>) {
        if self.mistakes.len() < MISTAKES_MAX {
            let value = value.filter(|_| !is_secret(path));
            self.mistakes.push(Mistake { path: path.to_owned(), message, value });
        }
    }

    /// Whether a field has a tag that means nothing here, or nothing but an anchor, so that what somebody wrote is lost.
    fn loses_text(&self, key_end: usize, value: &Tree) -> bool {
        let between = self.text.get(key_end..value.span.start).unwrap_or_default();
        let written = between.trim_start().strip_prefix(':').unwrap_or_default().trim_start();
        let tag = written.split_whitespace().next().unwrap_or_default();
        let is_null = matches!(value.value, Value::Scalar(Json::Null));
        tag.starts_with('!') && !TAGS.contains(&tag) || is_null && tag.starts_with('&')
    }
}

/// The tags that say what a value is (YAML 1.2 §10, and `!!binary`).
const TAGS: &[&str] = &["!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!binary"];

/// Whether a field may hold a secret, or something that somebody took for one.
pub(crate) fn is_secret(path: &str) -> bool {
    path.to_ascii_lowercase().contains("passw")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path and message of each mistake of an `FRRConfiguration` with this spec.
    fn outline(spec: &str) -> String {
        let text = format!("kind: FRRConfiguration\nspec: {spec}\n");
        let trees = crate::parse(&text).unwrap();
        let schema = frrk8s_api::schema_of("FRRConfiguration").unwrap();
        let shown = mistakes(schema, &trees[0], &text).into_iter().map(|mistake| {
            format!("{}: {}: {}", mistake.path, mistake.message, mistake.value.unwrap_or_default())
        });
        shown.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_value_is_of_the_type_that_the_schema_has_for_it() {
        for (spec, expected) in [
            ("{bgp: null, nodeSelector: ~}", ""),
            ("[]", "spec: it is a list; it must be an object: "),
            ("{bgp: []}", "spec.bgp: it is a list; it must be an object: "),
            ("{bgp: {routers: [[64512]]}}", "spec.bgp.routers[0]: it is a list; it must be an object: "),
            ("{bgp: {routers: {asn: 1}}}", "spec.bgp.routers: it is an object; it must be a list: "),
            (
                "{bgp: {routers: [{asn: 1e9, vrf: 7, prefixes: [true]}]}}",
                "spec.bgp.routers[0].asn: it is a number with a fraction or exponent; it must be a whole number: \
                 1000000000.0; spec.bgp.routers[0].vrf: it is a number; it must be a text: 7; \
                 spec.bgp.routers[0].prefixes[0]: it is a flag; it must be a text: true",
            ),
            (
                "{raw: {priority: 9223372036854775808}}",
                "spec.raw.priority: it is a number of more than 63 bits; it must be a whole number: \
                 9223372036854775808",
            ),
            (
                "{nodeSelector: {matchLabels: {a/b: [x]}}}",
                "spec.nodeSelector.matchLabels[\"a/b\"]: it is a list; it must be a text: ",
            ),
        ] {
            assert_eq!(outline(spec), expected, "{spec}");
        }
    }

    #[test]
    fn no_password_is_repeated() {
        for field in
            ["password: 7654321", "passwordSecret: 7654321", "password: !7654321", "password: &a7654321"]
        {
            let found = outline(&format!("\n  bgp:\n    routers:\n    - neighbors:\n      - {field}"));
            assert!(found.contains(".password") && !found.contains("7654321"), "{found}");
        }
    }
}
