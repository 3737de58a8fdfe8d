//! What a hostile or careless hand may write into an object: texts, numbers, types and lists, for every field of the
//! schema.
#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "an object that misses a field of the schema fails its test"
)]

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value as Json, json};

/// The password that stands in [`object`]: to be found nowhere but in what is rendered.
pub const PASSWORD: &str = "Pa55-r3cogn1zable";
/// The password that stands in [`secret`].
pub const SECRET: &str = "5ecret-r3cogn1zable";

/// An object with every field of the schema, in order by itself.
pub fn object() -> Json {
    match frrk8s_manifest::parse(include_str!("object.yaml")).as_deref() {
        Ok([object]) => object.json(),
        other => panic!("{other:?}"),
    }
}

/// A value as JSON in ASCII, so that every character reaches the reader: YAML refuses some that JSON allows.
pub fn ascii(value: &Json) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii_graphic() || c == ' ' {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// The Secret that the object refers to.
pub fn secret() -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "bgp", "namespace": "ns" },
        "type": "kubernetes.io/basic-auth",
        "stringData": { "password": SECRET },
    })
}

/// A part of [`object`].
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it stands (RFC 6901).
    pub pointer: String,
    /// Its type in the schema.
    pub kind: String,
}

impl Part {
    /// Whether it is a field that holds a password.
    pub fn is_password(&self) -> bool {
        self.pointer.ends_with("/password")
    }

    /// The object with another value there.
    pub fn replaced(&self, value: Json) -> Json {
        let mut object = object();
        match object.pointer_mut(&self.pointer) {
            Some(part) => *part = value,
            None => panic!("nothing at {}", self.pointer),
        }
        object
    }

    /// The path that findings have for it: `spec.bgp.routers[0].asn`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.pointer.split('/').skip(1) {
            match step.parse::<usize>() {
                Ok(at) => drop(write!(path, "[{at}]")),
                Err(_) if path.is_empty() => path.push_str(step),
                Err(_) => drop(write!(path, ".{step}")),
            }
        }
        path
    }
}

/// Every part of the object but its metadata. Panics when the schema has a field that the object lacks.
pub fn parts() -> Vec<Part> {
    let Some(schema) = frrk8s_api::schema_of("FRRConfiguration") else { panic!("no schema") };
    let (mut parts, mut covered) = (Vec::new(), BTreeSet::new());
    collect(schema, &object(), "", "", &mut parts, &mut covered);
    let mut all = BTreeSet::new();
    fields(schema, "", &mut all);
    let missing: Vec<_> = all.difference(&covered).collect();
    assert!(missing.is_empty(), "add these to the object: {missing:?}");
    parts.retain(|part| !part.pointer.is_empty() && !part.pointer.starts_with("/metadata"));
    parts
}

fn collect(
    schema: &Json,
    value: &Json,
    pointer: &str,
    field: &str,
    parts: &mut Vec<Part>,
    covered: &mut BTreeSet<String>,
) {
    let kind = schema["type"].as_str().unwrap_or_default().to_owned();
    parts.push(Part { pointer: pointer.to_owned(), kind });
    covered.insert(field.to_owned());
    match value {
        Json::Object(values) => {
            for (name, value) in values {
                let (known, name_of) = match schema["properties"].get(name) {
                    Some(known) => (known, name.as_str()),
                    None => (&schema["additionalProperties"], "{}"),
                };
                let (pointer, field) = (format!("{pointer}/{name}"), format!("{field}.{name_of}"));
                collect(known, value, &pointer, &field, parts, covered);
            }
        }
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let (pointer, field) = (format!("{pointer}/{at}"), format!("{field}[]"));
                collect(&schema["items"], item, &pointer, &field, parts, covered);
            }
        }
        _ => {}
    }
}

/// Every field of a schema.
fn fields(schema: &Json, field: &str, all: &mut BTreeSet<String>) {
    all.insert(field.to_owned());
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        fields(inner, &format!("{field}.{name}"), all);
    }
    if schema.get("items").is_some() {
        fields(&schema["items"], &format!("{field}[]"), all);
    }
    if schema["additionalProperties"].is_object() {
        fields(&schema["additionalProperties"], &format!("{field}.{{}}"), all);
    }
}

/// Texts that nobody should write into a field.
#[allow(clippy::too_many_lines)] // a table
pub fn texts() -> Vec<String> {
    const WORDS: &[&str] = &[
        // What might stand for nothing, or for everything.
        "",
        " ",
        "-",
        "--",
        ".",
        "..",
        "/",
        "*",
        "~",
        "null",
        "default",
        "all",
        "any",
        "none",
        "auto",
        "0.0.0.0",
        "::",
        "0.0.0.0/0",
        "::/0",
        "255.255.255.255",
        "fe80::1%eth0",
        // FRR's own words.
        "exit",
        "end",
        "quit",
        "no",
        "no router bgp 64512",
        "router bgp 1",
        "vrf",
        "vrf red",
        "bgp",
        "neighbor",
        "permit",
        "deny",
        "route-map",
        "ip prefix-list x seq 1 permit any",
        "configure terminal",
        "write memory",
        "do clear bgp *",
        "log file /tmp/x",
        "!",
        "!x",
        "#",
        "# x",
        "x !",
        "|",
        "x | include y",
        "?",
        "x?",
        "\t?",
        // More than one word, or line.
        " x",
        "x ",
        "x y",
        "x  y",
        "x\ty",
        "x router bgp 1",
        "x\nrouter bgp 1",
        "x\r\nrouter bgp 1",
        "x\rrouter bgp 1",
        "\nrouter bgp 1\n",
        "router bgp 64512\n no neighbor 192.0.2.2\n",
        "x\n",
        "\n",
        "\r",
        "\r\n",
        // Characters that end, hide or turn a line.
        "\0",
        "x\0y",
        "\u{1}",
        "\u{7}",
        "\u{8}",
        "\u{b}",
        "\u{c}",
        "\u{1b}[31mx\u{1b}[0m",
        "\u{7f}",
        "\u{80}",
        "\u{85}",
        "x\u{85}router bgp 1",
        "\u{a0}",
        "x\u{a0}y",
        "\u{ad}",
        "\u{200b}",
        "\u{200d}",
        "\u{2028}",
        "x\u{2028}router bgp 1",
        "\u{2029}",
        "\u{202e}x",
        "\u{2066}x",
        "\u{feff}x",
        "e\u{301}",
        "é",
        "ﬁ",
        "\u{fffd}",
        "\u{ffff}",
        "😀",
        "\u{10ffff}",
        // Other people's syntax.
        "'",
        "\"",
        "'x'",
        "\"x\"",
        "\\",
        "\\n",
        "\\x0a",
        "`id`",
        "$(id)",
        "${HOME}",
        "%n",
        "%s%s%s",
        "{{.}}",
        "<script>",
        "'; drop table",
        "../../../etc/passwd",
        "/dev/zero",
        "file:///etc/passwd",
        "&x",
        "*x",
        "!!str x",
        "a: b",
        "- a",
        // Numbers and what looks like them.
        "0",
        "-1",
        "+1",
        "1e9",
        "0x10",
        "0b1",
        "010",
        "1_000",
        "NaN",
        "inf",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "-9223372036854775809",
        "1.5",
        "1:2:3",
        "65536:1",
        "1:4294967296",
        "large:1:2:4294967296",
        "*:1",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "2001:db8::/129",
        "10.0.0.1/8",
        "010.0.0.1",
        "1.2.3",
        "::ffff:192.0.2.2",
        "1s",
        "1h1h",
        "-1s",
        "9999999h",
        "1ns",
        "true",
        "false",
        "yes",
        "internal",
        "Exists",
        "DoesNotExist",
    ];
    let mut texts: Vec<String> = WORDS.iter().map(|&word| word.to_owned()).collect();
    for length in [16, 22, 64, 81, 254, 4001, 64 * 1024, 1024 * 1024] {
        texts.push("x".repeat(length));
    }
    texts.push("é".repeat(81));
    texts.push(format!("{}\nrouter bgp 1", "x".repeat(4001)));
    texts.push("1".repeat(64 * 1024));
    texts.push("x\nrouter bgp 1\n".repeat(1000));
    texts
}

/// Numbers outside of every range, and what is none.
pub fn numbers() -> Vec<Json> {
    let mut numbers: Vec<Json> =
        [i64::MIN, -2_147_483_649, -1, 0, 1, 2, 255, 256, 65_535, 65_536, 16_777_216]
            .into_iter()
            .chain([2_147_483_648, 4_294_967_295, 4_294_967_296, i64::MAX])
            .map(Json::from)
            .collect();
    numbers.extend([json!(u64::MAX), json!(1e9), json!(1.5), json!(-0.0), json!(1e308)]);
    numbers
}

/// A value of every type.
pub fn types() -> Vec<Json> {
    vec![
        json!(null),
        json!(true),
        json!(5),
        json!(5.5),
        json!("text"),
        json!([]),
        json!([5]),
        json!(["text"]),
        json!([[]]),
        json!([{}]),
        json!([null]),
        json!({}),
        json!({ "a": "b" }),
        json!({ "0": [] }),
    ]
}
