//! Text into trees, within bounds.

use std::ops::Range;

use frrk8s_model::shown;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Error, Location};

use crate::Tree;

/// The longest text that is read, in bytes. A thousand large objects are a third of it.
pub const TEXT_BYTES_MAX: usize = 512 * 1024 * 1024;
/// The deepest nesting that is read. The API's own objects have twelve levels.
const DEPTH_MAX: usize = 64;
/// How many parts aliases may add to a text. Objects of the API have none.
const ALIASED_PARTS_MAX: usize = 100_000;

/// Why a text cannot be read as YAML or JSON at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong, in one line.
    pub message: String,
    /// Where, in bytes.
    pub span: Range<usize>,
}

/// The documents of a text.
pub fn parse(text: &str) -> Result<Vec<Tree>, SyntaxError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(SyntaxError {
            message: format!("{} bytes are more than the {TEXT_BYTES_MAX} that are read", text.len()),
            span: 0..0,
        });
    }
    // Every part of a document takes a byte at least, so only aliases can exceed this.
    let parts_max = text.len() + ALIASED_PARTS_MAX;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_events: 2 * parts_max,
            max_nodes: parts_max,
            max_documents: parts_max,
            max_total_scalar_bytes: text.len() + ALIASED_PARTS_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIASED_PARTS_MAX,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let byte = error.location().map_or(0, |location| byte_of(text, location));
        SyntaxError { message: message(&error), span: byte..byte }
    })
}

/// The byte of a text at a location. What the scanner refuses has a line and a column only.
fn byte_of(text: &str, location: Location) -> usize {
    let number = |value: u64| usize::try_from(value).unwrap_or_default();
    if let Some(byte) = location.span().byte_offset() {
        return number(byte).min(text.len());
    }
    let above = number(location.line()).saturating_sub(1);
    let start = match above {
        0 => 0,
        above => text.match_indices('\n').nth(above - 1).map_or(text.len(), |(at, _)| at + 1),
    };
    let before = number(location.column()).saturating_sub(1);
    text[start..].char_indices().nth(before).map_or(text.len(), |(at, _)| start + at)
}

/// What is wrong, without the place and without any value: it may be a password.
fn message(error: &Error) -> String {
    let text = match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => return message(error),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or_default();
            return format!("the key {:?} stands twice in one mapping", shown(key));
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            return format!("more than {DEPTH_MAX} levels of nesting");
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "aliases, anchors or tags make it far longer than it is written"
        }
        Error::UnknownAnchor { .. } => "an alias of nothing; a text that begins with * needs quotes",
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias inside of what it stands for",
        Error::NullIntoString { .. } | Error::Unexpected { .. } => "the key of a mapping is no text",
        Error::UnsupportedTag { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::BinaryNotUtf8 { .. }
        | Error::InvalidBinaryBase64 { .. }
        | Error::InvalidScalar { .. } => "a value that is not what its tag says",
        Error::NonFiniteFloat { .. } => "a number without end, or none: the API has no such value",
        other => return shown(without_place(&other.to_string())),
    };
    text.to_owned()
}

/// A message of the parser without ` at line 1, column 2` behind it.
fn without_place(message: &str) -> &str {
    let first = message.lines().next().unwrap_or_default();
    first.rsplit_once(" at line ").map_or(first, |(message, _)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text).map_or_else(|error| error.message, |trees| format!("{trees:?}"))
    }

    #[test]
    fn every_part_knows_where_it_stands() {
        let text = "kind: A\nspec:\n  list:\n  - x: 1\n  - x: é2\n---\nkind: B\n";
        let trees = parse(text).unwrap();
        let at = |path: &str| &text[trees[0].locate(path)];
        assert_eq!(trees.len(), 2);
        assert_eq!(at("kind"), "kind: A");
        assert_eq!(at("spec.list[1].x"), "x: é2");
        assert_eq!(at("spec.list"), "list");
        assert_eq!(at("spec.nowhere.at"), "spec");
        assert_eq!(trees[1].get("kind").and_then(Tree::text), Some("B"));
    }

    #[test]
    fn json_is_read_as_well() {
        let trees = parse(r#"{"kind": "A", "spec": {"n": [1, 2.5, true, null]}}"#).unwrap();
        assert_eq!(trees[0].json().to_string(), r#"{"kind":"A","spec":{"n":[1,2.5,true,null]}}"#);
    }

    #[test]
    fn what_is_wrong_has_a_place_and_no_value() {
        for (text, place, message) in [
            ("a: 1\nb: é\"\nc: \"s3cret", 15, "unclosed quote"),
            ("a: *s3cret", 3, "an alias of nothing; a text that begins with * needs quotes"),
            ("a: !!binary //79", 12, "a value that is not what its tag says"),
            ("a: .inf", 3, "a number without end, or none: the API has no such value"),
            ("a: 1\na: 2", 5, "the key \"a\" stands twice in one mapping"),
            ("? [a]\n: b", 2, "the key of a mapping is no text"),
            ("a: &a [*a]", 7, "an alias inside of what it stands for"),
        ] {
            let expected = SyntaxError { message: message.to_owned(), span: place..place };
            assert_eq!(parse(text).map(|_| ()), Err(expected), "{text}");
        }
    }

    #[test]
    fn bombs_are_refused_in_bounded_time() {
        let deep = "[".repeat(100_000);
        let mut aliases = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (to, from) in "bcdefghij".chars().zip("abcdefghi".chars()) {
            let list = vec![format!("*{from}"); 10].join(", ");
            aliases.push_str(&[&to.to_string(), ": &", &to.to_string(), " [", &list, "]\n"].concat());
        }
        for text in [deep.as_str(), aliases.as_str(), "a: 1\na: 2\n", "a: [", "\u{0}", "a: *b"] {
            assert!(parse(text).is_err(), "{}", &text[..text.len().min(40)]);
        }
        assert!(!error("a: [").is_empty());
    }
}
