//! Raw snippets.

use frrk8s_api::RawConfig;
use frrk8s_model::{ObjectId, RawSnippet, Rule, masked};

use crate::report::{Path, Report};

/// The longest line that a raw snippet may have, in bytes. FRR reads 4094; it takes the rest of a longer line for a line of
/// its own, and does not answer to one of 4095 (measured on 8.4.4 and 10.3).
pub(crate) const LINE_BYTES_MAX: usize = 4000;

/// The snippet of an object, when it has a text. Line breaks of any kind become line feeds.
pub(crate) fn snippet(
    raw: &RawConfig,
    object: &ObjectId,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Option<RawSnippet> {
    let text = raw.raw_config.as_deref()?;
    let mut lines = String::with_capacity(text.len() + 1);
    let path = path.field("rawConfig");
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if let Some(c) = line.chars().find(|&c| ends_line(c)) {
            let message = format!("line {} of the raw text has the character {c:?}", at + 1);
            report.value(Rule::RawInvalid, &path, masked(line), message);
        } else if line.len() > LINE_BYTES_MAX {
            let message = format!(
                "line {} of the raw text has {} bytes; FRR takes {LINE_BYTES_MAX} at most",
                at + 1,
                line.len()
            );
            report.value(Rule::RawInvalid, &path, masked(line), message);
        }
        lines.push_str(&line.replace('\t', " "));
        lines.push('\n');
    }
    (!lines.trim().is_empty()).then(|| RawSnippet {
        object: object.clone(),
        priority: raw.priority,
        text: lines.into(),
    })
}

/// Whether a character ends a line for somebody, or garbles it.
fn ends_line(c: char) -> bool {
    c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}')
}
