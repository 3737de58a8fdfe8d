//! What the fuzz targets have in common: a password that is easy to recognize, and what a finding has to look like.
//!
//! A target has no idea what a fuzzer makes of its input, so it puts the password in itself, wherever one can stand; where
//! the fuzzer has put the same text into a place that people may see, it is not looked for.

pub mod mutate;
pub mod objects;

use frrk8s_model::{Finding, secret_in};

/// What stands in place of passwords: to be found nowhere but in what is rendered.
pub const MARK: &str = "n3ver-shown";

/// The longest message and path of a finding, in characters: values in it are cut.
const MESSAGE_CHARS_MAX: usize = 1500;

/// A text of FRR's language with [`MARK`] in front of every password; `None` where the mark stands elsewhere as well.
pub fn planted(text: &str) -> Option<String> {
    let mut planted = String::with_capacity(text.len() + MARK.len());
    for line in text.split_inclusive('\n') {
        let (seen, hidden) = line.split_at(secret_in(line).map_or(line.len(), |secret| secret.start));
        if seen.contains(MARK) {
            return None;
        }
        planted.push_str(seen);
        if !hidden.is_empty() {
            planted.push_str(MARK);
        }
        planted.push_str(hidden);
    }
    Some(planted)
}

/// A finding is made of single lines of bounded length.
pub fn assert_readable(finding: &Finding) {
    assert!(!finding.message.is_empty(), "{finding:?}");
    let mut texts = vec![finding.message.as_str(), finding.advice()];
    for party in finding.parties() {
        texts.push(&party.path);
        texts.extend(party.value.as_deref());
    }
    texts.into_iter().for_each(assert_one_line);
}

/// A text that people see is one line, and all of it shows.
pub fn assert_one_line(text: &str) {
    let plain = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}' | '\u{200b}');
    assert!(text.chars().all(plain), "{text:?}");
    assert!(text.chars().count() <= MESSAGE_CHARS_MAX, "{text:.3000}");
}
