//! One connection to the vty socket of a daemon: lines and replies.
//!
//! ```text
//! to the daemon    line NUL line NUL …
//! back             text NUL NUL NUL status, one for each line, in order
//! ```

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use frrk8s_document::Daemon;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::error::{FrrError, Place};
use super::limits::Limits;
use super::reply::{Reply, masked_text};

/// How soon it is tried again to connect to a daemon that takes no more connections just now.
const FULL_PAUSE: Duration = Duration::from_millis(100);

/// Why a reply did not come; where we were is known to the caller.
#[derive(Debug)]
pub(super) enum Lost {
    Closed,
    Late(Duration),
    Long,
    Garbled,
    Failed(io::Error),
}

/// A connection in enable mode, without an open question when it is not borrowed.
pub(super) struct Vty {
    stream: UnixStream,
    daemon: Daemon,
    limits: Limits,
    /// What came behind the last reply, when lines were sent ahead.
    received: Vec<u8>,
}

/// Without what was received.
impl fmt::Debug for Vty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vty").field("daemon", &self.daemon).finish_non_exhaustive()
    }
}

impl Vty {
    /// Connects to a socket.
    pub(super) async fn connect(daemon: Daemon, path: &Path, limits: Limits) -> Result<Self, FrrError> {
        let late = || FrrError::TimedOut { daemon, at: Place::at("enable"), limit: limits.connect };
        let connected = timeout(limits.connect, patiently(path)).await.map_err(|_| late())?;
        let stream = connected.map_err(|source| unconnected(daemon, path, source))?;
        let mut vty = Self { stream, daemon, limits, received: Vec::new() };
        vty.ask("enable").await?;
        Ok(vty)
    }

    /// Whether the daemon at the other end still holds the connection, and is silent as it should be. The kernel is asked:
    /// tokio knows only what it was told last.
    pub(super) fn is_usable(&self) -> bool {
        let peeked = recv(&self.stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        self.received.is_empty() && matches!(peeked, Err(Errno::AGAIN))
    }

    /// The reply to one line outside of a batch.
    pub(super) async fn ask(&mut self, line: &str) -> Result<Reply, FrrError> {
        self.put(line).await?;
        self.answer_to(line).await
    }

    /// The first half of [`Self::ask`].
    pub(super) async fn put(&mut self, line: &str) -> Result<(), FrrError> {
        let written = self.write(&message(self.daemon, line)?).await;
        written.map_err(|lost| self.lost(lost, Place::at(line)))
    }

    /// The second half.
    pub(super) async fn answer_to(&mut self, line: &str) -> Result<Reply, FrrError> {
        let answered = self.reply(self.limits.reply).await;
        answered.map_err(|lost| self.lost(lost, Place::at(line)))
    }

    /// The error of a loss.
    pub(super) fn lost(&self, lost: Lost, at: Place) -> FrrError {
        let daemon = self.daemon;
        match lost {
            Lost::Closed => FrrError::Closed { daemon, at },
            Lost::Late(limit) => FrrError::TimedOut { daemon, at, limit },
            Lost::Long => FrrError::TooLong { daemon, at, bytes_max: self.limits.reply_bytes_max },
            Lost::Garbled => FrrError::NotAReply { daemon, at },
            Lost::Failed(source) => FrrError::Talk { daemon, at, source },
        }
    }

    pub(super) async fn write(&mut self, messages: &[u8]) -> Result<(), Lost> {
        let limit = self.limits.reply;
        match timeout(limit, self.stream.write_all(messages)).await {
            Ok(written) => written.map_err(Lost::from),
            Err(_) => Err(Lost::Late(limit)),
        }
    }

    /// The next reply.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, Lost> {
        let deadline = Instant::now() + limit;
        // Bytes before it are known to be text.
        let mut searched = 0;
        loop {
            if let Some(end) = self.received[searched..].iter().position(|byte| *byte == 0) {
                searched += end;
                match self.received.get(searched..searched + 4) {
                    Some([0, 0, 0, status]) => return Ok(self.take_reply(searched, *status)),
                    Some(_) => return Err(Lost::Garbled),
                    None => {}
                }
            } else {
                searched = self.received.len();
            }
            if self.received.len() > self.limits.reply_bytes_max {
                return Err(Lost::Long);
            }
            self.received.reserve(16 * 1024);
            match timeout_at(deadline, self.stream.read_buf(&mut self.received)).await {
                Ok(Ok(0)) => return Err(Lost::Closed),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Err(Lost::Late(limit)),
            }
        }
    }

    fn take_reply(&mut self, text_bytes: usize, status: u8) -> Reply {
        let rest = self.received.split_off(text_bytes + 4);
        let mut text = std::mem::replace(&mut self.received, rest);
        text.truncate(text_bytes);
        let text = String::from_utf8(text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Reply { text, status }
    }
}

/// A line as it is sent.
pub(super) fn message(daemon: Daemon, line: &str) -> Result<Vec<u8>, FrrError> {
    if line.contains(['\0', '\n', '\r']) {
        return Err(FrrError::NotOneLine { daemon, line: masked_text(line).into() });
    }
    let mut message = line.as_bytes().to_vec();
    message.push(0);
    Ok(message)
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// Connects as soon as the daemon takes one connection more: one that does not answer leaves those of before waiting, and the
/// kernel has few places for them.
async fn patiently(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(FULL_PAUSE).await,
            connected => return connected,
        }
    }
}

fn unconnected(daemon: Daemon, path: &Path, source: io::Error) -> FrrError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => FrrError::NoSocket { daemon, path },
        io::ErrorKind::PermissionDenied => {
            let group = fs::metadata(&path).ok().map(|socket| socket.gid());
            FrrError::Denied { daemon, path, group }
        }
        io::ErrorKind::ConnectionRefused => FrrError::NotListening { daemon, path },
        _ => FrrError::Connect { daemon, path, source },
    }
}
