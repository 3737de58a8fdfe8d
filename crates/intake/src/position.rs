//! Lines and columns of a text, found at once however long its lines are.

/// How many bytes lie between two places whose number of characters is known.
const STRIDE: usize = 1024;

/// Where the lines of a text begin, and how many characters there are before every so many bytes.
#[derive(Debug)]
pub struct Positions {
    line_starts: Vec<usize>,
    chars_before: Vec<usize>,
}

impl Positions {
    /// The positions of a text.
    pub fn new(text: &str) -> Self {
        let line_starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let mut chars = 0;
        let chars_before = text.as_bytes().chunks(STRIDE).map(|part| {
            let before = chars;
            chars += count(part);
            before
        });
        Self {
            line_starts: std::iter::once(0).chain(line_starts).collect(),
            chars_before: chars_before.collect(),
        }
    }

    /// Line and column of a byte of the same text, both from 1; columns count characters.
    pub fn line_and_column(&self, text: &str, at: usize) -> (usize, usize) {
        let at = floor(text, at);
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts[line - 1];
        (line, self.chars_to(text, at) - self.chars_to(text, start) + 1)
    }

    fn chars_to(&self, text: &str, at: usize) -> usize {
        let part = at / STRIDE;
        self.chars_before.get(part).map_or_else(
            || text.chars().count(),
            |before| before + count(&text.as_bytes()[part * STRIDE..at]),
        )
    }
}

/// The characters that begin in these bytes.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The nearest boundary of characters at or before a byte.
pub fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_those_that_one_counts() {
        for text in ["", "\n", "a\nbé\n\nc", &"é".repeat(3000), &"xé\n".repeat(2000)] {
            let positions = Positions::new(text);
            for at in (0..=text.len() + 1).step_by(7).chain([text.len()]) {
                let before = &text[..floor(text, at)];
                let start = before.rfind('\n').map_or(0, |at| at + 1);
                let counted = (before.matches('\n').count() + 1, before[start..].chars().count() + 1);
                assert_eq!(positions.line_and_column(text, at), counted, "{at}");
            }
        }
    }
}
