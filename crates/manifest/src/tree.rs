//! A YAML or JSON value with the position of every part.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};
use serde_saphyr::{Location, Spanned};

/// A value and where it stands.
#[derive(Clone)]
pub struct Tree {
    /// The bytes of the text that it came from.
    pub span: Range<usize>,
    /// Where it is written, when an alias or a merge key stands at `span`.
    pub aliased: Option<Box<Range<usize>>>,
    /// The value.
    pub value: Value,
}

/// A value whose parts know where they stand.
#[derive(Clone)]
pub enum Value {
    /// Null, a flag, a number or a text.
    Scalar(Json),
    /// A list.
    List(Vec<Tree>),
    /// A mapping, in the order of the text: where the key stands, the key, the value.
    Map(Vec<(Range<usize>, String, Tree)>),
}

/// The shape only: any text may be a secret.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Scalar(Json::String(_)) => f.write_str("\"…\""),
            Value::Scalar(scalar) => scalar.fmt(f),
            Value::List(items) => f.debug_list().entries(items).finish(),
            Value::Map(fields) => {
                f.debug_map().entries(fields.iter().map(|(_, key, value)| (key, value))).finish()
            }
        }
    }
}

impl Tree {
    /// The value without positions.
    pub fn json(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) => scalar.clone(),
            Value::List(items) => items.iter().map(Self::json).collect(),
            Value::Map(fields) => {
                let fields = fields.iter().map(|(_, key, value)| (key.clone(), value.json()));
                Json::Object(fields.collect::<Map<String, Json>>())
            }
        }
    }

    /// The value of a field of a mapping.
    pub fn get(&self, field: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(fields) => {
                let found = fields.iter().find(|(_, key, _)| key == field);
                found.map(|(_, _, value)| value)
            }
            _ => None,
        }
    }

    /// The items of a list; nothing for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar that is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Json::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Where the part at a path such as `spec.bgp.routers[0].asn` stands: the value, and the key for a part of
    /// a mapping, else the value for an item. Where the path leads to nothing, the last part that is there.
    pub fn locate(&self, path: &str) -> Range<usize> {
        let mut here = self;
        let mut span = self.span.clone();
        for step in steps(path) {
            let next = match (step, &here.value) {
                (Step::Item(at), Value::List(items)) => items.get(at).map(|item| (item.span.clone(), item)),
                (Step::Field(field), Value::Map(fields)) => {
                    let found = fields.iter().find(|(_, key, _)| key == field);
                    found.map(|(key_span, _, value)| (key_span.start..key_span.end, value))
                }
                _ => None,
            };
            let Some((next_span, next)) = next else {
                break;
            };
            // A scalar is short enough to underline as a whole, with its key.
            span = match next.value {
                Value::Scalar(_) => next_span.start.min(next.span.start)..next.span.end,
                _ => next_span,
            };
            here = next;
        }
        // An object in a list has no key of its own: its first field stands for it.
        match &here.value {
            Value::Map(fields) if span == here.span => fields.first().map_or(span, |(key, _, value)| {
                let end = if matches!(value.value, Value::Scalar(_)) { value.span.end } else { key.end };
                key.start..end.max(key.end)
            }),
            _ => span,
        }
    }
}

/// A step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

/// The steps of a path. A key with dots or brackets in it is written `["key"]`.
fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let end = quoted.find("\"]")?;
            rest = &quoted[end + 2..];
            return Some(Step::Field(&quoted[..end]));
        }
        if let Some(index) = rest.strip_prefix('[') {
            let end = index.find(']')?;
            rest = &index[end + 1..];
            return index[..end].parse().ok().map(Step::Item);
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (field, behind) = rest.split_at(end);
        rest = behind;
        (!field.is_empty()).then_some(Step::Field(field))
    })
}

/// The bytes of a location of a text.
fn bytes(location: Location) -> Range<usize> {
    let span = location.span();
    let number = |value: Option<u64>| usize::try_from(value.unwrap_or_default()).unwrap_or_default();
    let start = number(span.byte_offset());
    start..start + number(span.byte_len())
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let (span, written) = (bytes(spanned.referenced), bytes(spanned.defined));
        let aliased = (span != written).then(|| Box::new(written));
        Ok(Self { span, aliased, value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Scalar(Json::Null))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Scalar(Json::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Scalar(Json::Bool(flag)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Scalar(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Scalar(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number).map_or(Json::Null, Json::Number);
        Ok(Value::Scalar(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Scalar(Json::String(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Scalar(Json::String(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let span = bytes(key.referenced);
            fields.push((span, key.value, access.next_value()?));
        }
        Ok(Value::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_fields_items_and_quoted_keys() {
        let path = "spec.routers[2].labels[\"a.b/c\"].x";
        let read: Vec<_> = steps(path).collect();
        let expected = [
            Step::Field("spec"),
            Step::Field("routers"),
            Step::Item(2),
            Step::Field("labels"),
            Step::Field("a.b/c"),
            Step::Field("x"),
        ];
        assert_eq!(read, expected);
    }
}
