use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::LabError;

/// FRR 8.4 needs half a minute for the worst commit that a test should cause.
const REPLY_LIMIT: Duration = Duration::from_mins(1);

/// Texts by which a daemon says no although the line begins with something else than `%`.
const FAILURES: [&str; 3] = ["Configuration failed", "Error type:", "ERROR:"];

/// What a daemon answers to one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What it says; often nothing.
    pub text: String,
    /// 0 done, 1 warning, 2 unknown, 3 ambiguous, 4 incomplete, 13 refused.
    pub status: u8,
}

impl Reply {
    /// Whether the line, or the batch before it, was refused. The status alone does not tell: bgpd refuses a whole
    /// batch with status 0 and a text.
    pub fn is_refusal(&self) -> bool {
        self.status != 0 || is_refusal(&self.text)
    }
}

/// Whether a text is one with which FRR refuses configuration.
pub(super) fn is_refusal(text: &str) -> bool {
    text.lines().any(|line| line.starts_with('%')) || FAILURES.iter().any(|failure| text.contains(failure))
}

/// A line that FRR did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The line whose reply said so. A batch of lists and maps is refused in the reply of the next line of another
    /// kind, or of the batch's end: then the text names the guilty lines.
    pub line: String,
    /// What FRR said.
    pub text: String,
}

/// A connection to the vty socket of one daemon, in enable mode.
#[derive(Debug)]
pub struct VtySocket {
    stream: UnixStream,
    reply_limit: Duration,
    has_lock: bool,
}

impl VtySocket {
    /// Connects to `<run directory>/<daemon>.vty`.
    pub fn connect(path: &Path) -> Result<Self, LabError> {
        let stream = UnixStream::connect(path)
            .map_err(LabError::io(format!("cannot connect to {}", path.display())))?;
        // Only mgmtd has a candidate to lock, and it commits nothing from a session that does not hold it.
        let has_lock = path.file_stem().is_some_and(|daemon| daemon == "mgmtd");
        let mut socket = Self { stream, reply_limit: REPLY_LIMIT, has_lock };
        socket.command("enable")?;
        Ok(socket)
    }

    /// Sets how long a reply may take; 60 s unless told.
    pub fn set_reply_limit(&mut self, limit: Duration) {
        self.reply_limit = limit;
    }

    /// Sends one line and waits for its reply.
    pub fn command(&mut self, line: &str) -> Result<Reply, LabError> {
        if line.contains(['\0', '\n', '\r']) {
            return Err(LabError::NotOneLine { line: line.to_owned() });
        }
        let mut message = Vec::with_capacity(line.len() + 1);
        message.extend_from_slice(line.as_bytes());
        message.push(0);
        self.stream
            .set_write_timeout(Some(self.reply_limit))
            .map_err(LabError::io("cannot set a timeout"))?;
        self.stream.write_all(&message).map_err(|source| match source.kind() {
            io::ErrorKind::BrokenPipe => LabError::Closed { command: line.to_owned() },
            _ => LabError::Io { act: format!("cannot send `{line}`"), source },
        })?;
        self.reply_to(line)
    }

    /// A reply is text, three NULs, and the status in one byte.
    fn reply_to(&mut self, line: &str) -> Result<Reply, LabError> {
        let deadline = Instant::now() + self.reply_limit;
        let mut received = Vec::new();
        let mut chunk = [0; 16 * 1024];
        loop {
            if let [text @ .., 0, 0, 0, status] = received.as_slice() {
                return Ok(Reply { text: String::from_utf8_lossy(text).into_owned(), status: *status });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.late(line));
            }
            self.stream.set_read_timeout(Some(left)).map_err(LabError::io("cannot set a timeout"))?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(LabError::Closed { command: line.to_owned() }),
                Ok(count) => received.extend_from_slice(&chunk[..count]),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Err(self.late(line)),
                    io::ErrorKind::ConnectionReset => {
                        return Err(LabError::Closed { command: line.to_owned() });
                    }
                    _ => {
                        return Err(LabError::Io {
                            act: format!("cannot read the reply to `{line}`"),
                            source: error,
                        });
                    }
                },
            }
        }
    }

    fn late(&self, line: &str) -> LabError {
        LabError::TimedOut { what: format!("the reply to `{line}`"), limit: self.reply_limit, last: None }
    }

    /// Sends configuration lines as one batch, as `vtysh -f` does, and returns what was refused, in order.
    ///
    /// Lines are sent one after the other, each when the one before it is answered, from the top of the
    /// configuration; contexts are entered and left by lines of their own. An `exit` at the top makes the daemon
    /// leave configuration, and a second one close the socket.
    pub fn configure<S: AsRef<str>>(&mut self, lines: &[S]) -> Result<Vec<Refused>, LabError> {
        let open = if self.has_lock { "configure terminal file-lock" } else { "configure terminal" };
        let opened = self.command(open)?;
        if opened.is_refusal() {
            return Err(LabError::ConfigureRefused { command: open.to_owned(), text: opened.text });
        }
        let refused = self.batch(lines);
        // Also after a failure: a session that stays open keeps mgmtd's lock.
        let ended = self.command("end");
        let refused = refused?;
        ended?;
        Ok(refused)
    }

    fn batch<S: AsRef<str>>(&mut self, lines: &[S]) -> Result<Vec<Refused>, LabError> {
        const START: &str = "XFRR_start_configuration";
        const END: &str = "XFRR_end_configuration";
        let mut refused = Vec::new();
        for line in [START].into_iter().chain(lines.iter().map(AsRef::as_ref)).chain([END]) {
            let reply = self.command(line)?;
            if reply.is_refusal() {
                refused.push(Refused { line: line.to_owned(), text: reply.text });
            }
        }
        Ok(refused)
    }

    /// What the daemon runs, with passwords in clear.
    pub fn running_config(&mut self) -> Result<String, LabError> {
        Ok(self.command("show running-config")?.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str, status: u8) -> Reply {
        Reply { text: text.to_owned(), status }
    }

    #[test]
    fn a_refused_batch_is_known_by_its_text() {
        assert!(reply("% Configuration failed.\n\nError type: validation\n", 0).is_refusal());
        assert!(reply("BGP is already running; AS is 64512\n", 13).is_refusal());
        assert!(!reply("", 0).is_refusal());
        assert!(!reply("Graceful restart needs a reset of the session\n", 0).is_refusal());
    }
}
