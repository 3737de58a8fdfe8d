//! What a daemon answers, and what it does not take.

use std::fmt;

use frrk8s_document::Daemon;
use frrk8s_model::masked;

use super::remark::is_remark;

/// What a daemon answers to one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// What it says; often nothing. A running configuration has passwords in clear.
    pub text: String,
    /// 0 done, 1 warning, 2 unknown, 3 ambiguous, 4 incomplete, 13 refused.
    pub status: u8,
}

/// Without passwords.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.status, masked_text(&self.text))
    }
}

impl Reply {
    /// Whether the line to which this is the reply was not taken.
    ///
    /// The status alone does not tell: FRR says some things with `%` about lines that it takes, and refuses others with
    /// status 0.
    pub fn refuses_line(&self) -> bool {
        let mut lines = self.text.lines().filter(|line| !line.trim().is_empty()).peekable();
        match self.status {
            0 => !self.refuses_commit() && lines.any(|line| complains(line) && !is_remark(line)),
            1 => lines.peek().is_none() || lines.any(|line| !is_remark(line)),
            _ => true,
        }
    }

    /// Whether lines before it, which FRR had gathered to commit them together, were refused all. The line itself may
    /// have been taken.
    pub fn refuses_commit(&self) -> bool {
        self.text.contains(COMMIT_FAILED) || self.text.contains("Error type: ")
    }

    /// Whether the line is none that the daemon knows.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self.status, 2..=4)
    }
}

/// How FRR begins when it refuses what it has gathered.
pub(super) const COMMIT_FAILED: &str = "% Configuration failed.";

/// Whether a line of a reply with status 0 is a complaint.
pub(super) fn complains(line: &str) -> bool {
    line.starts_with('%') || line.starts_with("ERROR:")
}

/// A line that FRR did not take.
///
/// `Debug` and `Display` show no password; `line` and `text` have it in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who refused it.
    pub daemon: Daemon,
    /// The number of the delta's command in its batch: the one that the line carries out, or the first of those that
    /// were not told because the line was to open their context. None where FRR refused lines of lists and maps
    /// together and does not say which, and for a clear.
    pub command: Option<usize>,
    /// Where FRR refused lines together and does not say which: all of them, by their numbers.
    pub among: Vec<usize>,
    /// The number of the batch in the delta; for a clear their count.
    pub batch: usize,
    /// The line; of several that were refused together the first and the last, with `…` between them.
    pub line: Box<str>,
    /// What FRR said; of a long text the beginning.
    pub text: String,
}

impl Refusal {
    /// That of a clear.
    pub(super) fn of_clear(batches: usize, line: String, text: &str) -> Self {
        let (daemon, text) = (Daemon::Bgpd, beginning(text));
        Self { daemon, command: None, among: Vec::new(), batch: batches, line: line.into(), text }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = masked_text(self.text.trim());
        write!(f, "{} refused `{}`: {text}", self.daemon.name(), shown(&self.line))
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} (command {:?} of batch {})", self.command, self.batch)
    }
}

/// `first … last`, each masked: what is secret in the first does not hide the last.
fn shown(line: &str) -> String {
    line.split(SPAN).map(masked).collect::<Vec<_>>().join(SPAN)
}

/// Between the first and the last of several lines.
pub(super) const SPAN: &str = " … ";

/// The beginning of what FRR said, as far as a refusal keeps it: FRR repeats every line that it has refused with others.
pub(super) fn beginning(text: &str) -> String {
    const BYTES_MAX: usize = 2048;
    text[..text.floor_char_boundary(BYTES_MAX)].to_owned()
}

/// A text with each of its lines masked.
pub(super) fn masked_text(text: &str) -> String {
    text.lines().map(masked).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u8, text: &str) -> Reply {
        Reply { text: text.to_owned(), status }
    }

    #[test]
    fn status_and_text_tell_together_what_was_refused() {
        const ECHO: &str = "% Echo mode works correctly for IPv4, but not for IPv6\n";
        const GRACEFUL: &str = "Graceful restart configuration changed, reset this peer to take effect\n";
        const FAILED: &str = "% Configuration failed.\n\nError type: validation\n";
        for (status, text, line, commit) in [
            (0, "", false, false),
            (0, ECHO, false, false),
            (1, ECHO, false, false),
            (0, GRACEFUL, false, false),
            (0, "% Invalid value\n", true, false),
            (0, "% Echo mode works correctly for IPv4, but not for IPv6\n% Invalid value\n", true, false),
            (1, "", true, false),
            (13, GRACEFUL, true, false),
            (1, "% BGP: Unknown neighbor - \"192.0.2.77\"\n", true, false),
            (2, "% [BGP] Unknown command: bogus\n", true, false),
            (13, "BGP is already running; AS is 64512\n", true, false),
            (0, FAILED, false, true),
            (13, "% Configuration failed.\n\nInvalid prefix range\n", true, true),
            (0, "ERROR: SET_CONFIG request failed\n", true, false),
        ] {
            let reply = reply(status, text);
            assert_eq!((reply.refuses_line(), reply.refuses_commit()), (line, commit), "{reply:?}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let refusal = Refusal {
            daemon: Daemon::Bgpd,
            command: Some(3),
            among: Vec::new(),
            batch: 0,
            line: "neighbor 192.0.2.1 password s3cret … exit".into(),
            text: "% Unknown command: neighbor 192.0.2.1 password s3cret x\nmore".to_owned(),
        };
        let expected = "bgpd refused `neighbor 192.0.2.1 password *** … exit`: \
                        % Unknown command: neighbor 192.0.2.1 password ***\nmore";
        assert_eq!(refusal.to_string(), expected);
        assert!(!format!("{refusal:?}").contains("s3cret"));
        assert!(!format!("{:?}", reply(0, "\n neighbor 192.0.2.1 password s3cret\n")).contains("s3cret"));
    }
}
