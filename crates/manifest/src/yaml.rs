//! Text into trees, within bounds.

use std::ops::Range;

use serde_saphyr::options::DuplicateKeyPolicy;

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
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let location = error.location();
        let byte = location.and_then(|location| location.span().byte_offset());
        let byte = usize::try_from(byte.unwrap_or_default()).unwrap_or_default();
        let message = error.to_string();
        SyntaxError { message: message.lines().next().unwrap_or_default().to_owned(), span: byte..byte }
    })
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
