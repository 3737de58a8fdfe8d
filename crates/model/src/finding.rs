//! What is wrong, or worth knowing, about somebody's input.

use std::fmt;

use crate::{ObjectId, Rule};

/// How much a finding matters. Errors keep an object out; the rest does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The object cannot be taken.
    Error,
    /// The object is taken, but does not mean what it seems to say.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The object alone: schema, ranges, self-containedness.
    Object,
    /// The object against FRR's grammar: what FRR would refuse, or read differently.
    Grammar,
    /// The merged configuration of a node.
    Node,
}

impl Level {
    /// `object`, `grammar` or `node`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Grammar => "grammar",
            Self::Node => "node",
        }
    }
}

/// A value in an object, as a finding shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    /// The object.
    pub object: ObjectId,
    /// The path of the field, as `spec.bgp.routers[0].asn`.
    pub path: String,
    /// The value; `None` where it is unset, or none of anybody's business (secrets are `***`).
    pub value: Option<String>,
}

/// One thing that is wrong, or worth knowing, about one object, and the others concerned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where, and with which value.
    pub at: Party,
    /// Which rule.
    pub rule: Rule,
    /// How bad. Mostly the rule's own severity.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it, if more can be said than the rule says.
    pub help: Option<String>,
    /// The other parties of a conflict, each with its value.
    pub others: Vec<Party>,
}

/// The longest value that a finding repeats, in characters; what is longer is cut.
const VALUE_CHARS_MAX: usize = 120;

/// A value as a finding may show it: one line, of bounded length.
pub fn shown(value: &str) -> String {
    shown_up_to(value, VALUE_CHARS_MAX)
}

/// The same with a bound of its own, in characters.
pub fn shown_up_to(value: &str, chars_max: usize) -> String {
    let mut text = String::with_capacity(value.len().min(chars_max));
    for c in value.chars().take(chars_max) {
        if is_plain(c) {
            text.push(c);
        } else {
            text.extend(c.escape_default());
        }
    }
    if value.chars().nth(chars_max).is_some() {
        text.push('…');
    }
    text
}

/// Whether a character shows itself where it stands: it does not control a terminal, end a line, turn the direction of
/// reading or stay invisible.
fn is_plain(c: char) -> bool {
    let garbles = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !garbles
}

impl Finding {
    /// A finding about a field of an object, as severe as its rule.
    pub fn new(rule: Rule, object: &ObjectId, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: Party { object: object.clone(), path: path.into(), value: None },
            rule,
            severity: rule.severity(),
            message: message.into(),
            help: None,
            others: Vec::new(),
        }
    }

    /// The same with the value that is wrong.
    #[must_use]
    pub fn with_value(mut self, value: impl fmt::Display) -> Self {
        self.at.value = Some(shown(&value.to_string()));
        self
    }

    /// The same with better advice than the rule's.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it keeps the object out.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// What to do about it.
    pub fn advice(&self) -> &str {
        self.help.as_deref().unwrap_or(self.rule.advice())
    }

    /// Every object concerned, the first one first.
    pub fn parties(&self) -> impl Iterator<Item = &Party> {
        std::iter::once(&self.at).chain(&self.others)
    }
}

/// `error[rule-id] object path: message`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, rule, severity, message, .. } = self;
        write!(f, "{severity}[{}] {} {}: {message}", rule.id(), at.object, at.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_value_is_one_line_of_bounded_length() {
        assert_eq!(shown("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert_eq!(shown("a\u{202e}b\u{200b}c\u{2028}"), "a\\u{202e}b\\u{200b}c\\u{2028}");
        assert_eq!(shown(&"x".repeat(65536)).chars().count(), VALUE_CHARS_MAX + 1);
    }
}
