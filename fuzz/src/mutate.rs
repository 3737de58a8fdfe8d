//! Other objects from objects: bytes that are changed at random rarely are YAML any more, and hardly ever a neighbor.

use frrk8s_manifest::parse;
use serde_json::Value as Json;

/// Values that mean something in one field or another.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "1",
    "64512",
    "65535",
    "4294967295",
    "16777215",
    "-1",
    "[]",
    "{}",
    "\"\"",
    "\"all\"",
    "\"default\"",
    "\"red\"",
    "\"eth0\"",
    "\"evpn\"",
    "\"external\"",
    "\"filtered\"",
    "\"internal\"",
    "\"10.0.0.0/8\"",
    "\"0.0.0.0/0\"",
    "\"::/0\"",
    "\"192.0.2.2\"",
    "\"2001:db8::2\"",
    "\"64512:1\"",
    "\"large:64512:1:2\"",
    "\"no-export\"",
    "\"0s\"",
    "\"90s\"",
    "\"router bgp 64512\\n neighbor 192.0.2.2 description x\\n\"",
    "\"x\\nrouter bgp 1\"",
];

/// A source of small numbers: the same seed, the same numbers.
struct Dice(u64);

impl Dice {
    /// One of `count` numbers from 0 on.
    fn roll(&mut self, count: usize) -> usize {
        // Xorshift (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % count.max(1)
    }
}

/// A part of the documents.
struct Part {
    document: usize,
    /// Where it stands (RFC 6901).
    pointer: String,
    /// The field that it is, or is an item of.
    field: String,
    is_map: bool,
}

/// The objects of a text with a few parts changed, as JSON. `None` where it has none. `change` is what the fuzzer itself
/// does to a text.
pub fn mutated(text: &str, seed: u32, mut change: impl FnMut(&str) -> String) -> Option<String> {
    let mut documents: Vec<Json> = parse(text).ok()?.iter().map(frrk8s_manifest::Tree::json).collect();
    let mut dice = Dice(u64::from(seed) << 32 | 0x9e37_79b9);
    for _ in 0..=dice.roll(4) {
        mutate(&mut documents, &mut dice, &mut change)?;
    }
    Some(documents.iter().map(|document| format!("---\n{document}\n")).collect())
}

fn mutate(documents: &mut Vec<Json>, dice: &mut Dice, change: &mut impl FnMut(&str) -> String) -> Option<()> {
    let parts = parts(documents);
    let part = parts.get(dice.roll(parts.len()))?;
    // Another part that is the same field, so that it probably fits there.
    let alike: Vec<&Part> = parts.iter().filter(|other| other.field == part.field).collect();
    let other = alike[dice.roll(alike.len())];
    let other_value = documents[other.document].pointer(&other.pointer)?.clone();
    match dice.roll(8) {
        0 => documents.push(documents[part.document].clone()),
        1 if documents.len() > 1 => drop(documents.swap_remove(part.document)),
        2 => remove(documents, part),
        3 if part.is_map => {
            let (name, value) = nth_field(&other_value, dice)?;
            let fields = documents[part.document].pointer_mut(&part.pointer)?.as_object_mut()?;
            fields.insert(name, value);
        }
        4 => {
            let around = part.pointer.rsplit_once('/').map_or("", |(around, _)| around);
            if let Some(Json::Array(items)) = documents[part.document].pointer_mut(around) {
                items.push(other_value);
            }
        }
        5 => *documents[part.document].pointer_mut(&part.pointer)? = other_value,
        6 => {
            let value = serde_json::from_str(VALUES[dice.roll(VALUES.len())]).ok()?;
            *documents[part.document].pointer_mut(&part.pointer)? = value;
        }
        _ => match documents[part.document].pointer_mut(&part.pointer)? {
            Json::String(text) => *text = change(text),
            Json::Bool(flag) => *flag = !*flag,
            value => {
                if let Some(number) = value.as_i64() {
                    *value = number.wrapping_add(i64::try_from(dice.roll(5)).unwrap_or_default() - 2).into();
                }
            }
        },
    }
    Some(())
}

fn nth_field(value: &Json, dice: &mut Dice) -> Option<(String, Json)> {
    let fields = value.as_object()?;
    let (name, value) = fields.iter().nth(dice.roll(fields.len()))?;
    Some((name.clone(), value.clone()))
}

fn remove(documents: &mut [Json], part: &Part) {
    let Some((around, name)) = part.pointer.rsplit_once('/') else {
        return;
    };
    match documents[part.document].pointer_mut(around) {
        Some(Json::Array(items)) => {
            if let Ok(at) = name.parse::<usize>() {
                items.remove(at);
            }
        }
        Some(Json::Object(fields)) => drop(fields.remove(&name.replace("~1", "/").replace("~0", "~"))),
        _ => {}
    }
}

fn parts(documents: &[Json]) -> Vec<Part> {
    let mut parts = Vec::new();
    for (document, value) in documents.iter().enumerate() {
        collect(value, document, String::new(), "", &mut parts);
    }
    parts
}

fn collect(value: &Json, document: usize, pointer: String, field: &str, parts: &mut Vec<Part>) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                let step = name.replace('~', "~0").replace('/', "~1");
                collect(value, document, format!("{pointer}/{step}"), name, parts);
            }
        }
        Json::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                collect(value, document, format!("{pointer}/{at}"), field, parts);
            }
        }
        _ => {}
    }
    parts.push(Part { document, pointer, field: field.to_owned(), is_map: value.is_object() });
}
