//! What daemons print, read.

use std::collections::BTreeMap;
use std::fmt;

use frrk8s_document::{Daemon, Dialect, Document};

/// Reads what daemons print. The same text as the last time is the same document: most readings find what was there before.
#[derive(Default)]
pub struct Reader {
    last: BTreeMap<Daemon, (Dialect, String, Document)>,
}

/// Passwords are in it.
impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// What a daemon printed.
    pub fn read(&mut self, dialect: Dialect, daemon: Daemon, text: String) -> Document {
        if let Some((of, last, document)) = self.last.get(&daemon)
            && (*of, last) == (dialect, &text)
        {
            return document.clone();
        }
        let document = dialect.read_from(daemon, &text);
        self.last.insert(daemon, (dialect, text, document.clone()));
        document
    }
}

#[cfg(test)]
mod tests {
    use frrk8s_document::Version;

    use super::*;

    #[test]
    fn another_text_daemon_or_dialect_is_read_anew() {
        let dialects = [8, 10].map(|major| Dialect::new(Version { major, minor: 4 }));
        let texts = ["ip nht resolve-via-default\nhostname a\n", "ip nht resolve-via-default\nhostname b\n"];
        let mut reader = Reader::default();
        for _ in 0..2 {
            for dialect in dialects {
                for daemon in [Daemon::Zebra, Daemon::Bgpd] {
                    for text in texts {
                        let expected = dialect.read_from(daemon, text);
                        assert_eq!(reader.read(dialect, daemon, text.to_owned()), expected);
                        assert_eq!(reader.read(dialect, daemon, text.to_owned()), expected);
                    }
                }
            }
        }
    }
}
