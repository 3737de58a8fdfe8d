//! What keeps us from talking to FRR.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use frrk8s_document::Daemon;
use frrk8s_model::masked;

/// How far a conversation with a daemon came. Without passwords.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The number of the batch in the delta, inside of one.
    pub batch: Option<usize>,
    /// The number of the command in its batch that the line carries out, or the first of those that it opens a context
    /// for.
    pub command: Option<usize>,
    /// Whether the line may have committed lists and maps that were told before it: then each of them may be behind what
    /// happened, as well as the line.
    pub commits: bool,
    /// The line that has no answer; empty where a program that sent it does not say.
    pub line: Box<str>,
}

impl Place {
    /// Outside of a batch.
    pub(super) fn at(line: &str) -> Self {
        Self { line: masked(line).into(), ..Self::default() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.line {
            "" => write!(f, "some line")?,
            line => write!(f, "`{line}`")?,
        }
        match (self.batch, self.command) {
            (Some(batch), Some(command)) => write!(f, " (command {command} of batch {batch})"),
            (Some(batch), None) => write!(f, " (batch {batch})"),
            _ => Ok(()),
        }
    }
}

/// What can go wrong on the way to FRR. A line that FRR does not take is not an error but a
/// [`Refusal`](super::Refusal). No variant holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrrError {
    /// The daemon does not run, or keeps its sockets elsewhere.
    #[error("no socket {} of {}: the daemon does not run, or with another pathspace", .path.display(), .daemon.name())]
    NoSocket {
        /// The daemon.
        daemon: Daemon,
        /// Where its socket was looked for.
        path: PathBuf,
    },
    /// The socket is there, but not for us. FRR makes it `0770 frr:frrvty`.
    #[error(
        "no permission to connect to {} of {}: run with the supplementary group frrvty{} (also as root without capabilities)",
        .path.display(), .daemon.name(), number_of(*.group)
    )]
    Denied {
        /// The daemon.
        daemon: Daemon,
        /// Its socket.
        path: PathBuf,
        /// The number of the group that the socket is for; `None` where that cannot be seen.
        group: Option<u32>,
    },
    /// The socket is what a dead daemon left behind.
    #[error("nobody listens on {}: {} has died, or is about to start", .path.display(), .daemon.name())]
    NotListening {
        /// The daemon.
        daemon: Daemon,
        /// Its socket.
        path: PathBuf,
    },
    /// The operating system had another reason.
    #[error("cannot connect to {} of {}", .path.display(), .daemon.name())]
    Connect {
        /// The daemon.
        daemon: Daemon,
        /// Its socket.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The daemon closed the connection instead of an answer: as a rule it has died, and this line, or the lists and
    /// maps before it that the line commits, killed it.
    #[error("{} closed the connection at {at}", .daemon.name())]
    Closed {
        /// The daemon.
        daemon: Daemon,
        /// The first line without an answer.
        at: Place,
    },
    /// No answer in time.
    #[error("{} did not answer {at} within {limit:?}", .daemon.name())]
    TimedOut {
        /// The daemon.
        daemon: Daemon,
        /// The first line without an answer.
        at: Place,
        /// How long it was waited for.
        limit: Duration,
    },
    /// An answer longer than [`Limits::reply_bytes_max`](super::Limits).
    #[error("{} answered {at} with more than {bytes_max} bytes", .daemon.name())]
    TooLong {
        /// The daemon.
        daemon: Daemon,
        /// The line.
        at: Place,
        /// The limit.
        bytes_max: usize,
    },
    /// What came is not the protocol of a vty socket.
    #[error("{} answered {at} with what is no reply", .daemon.name())]
    NotAReply {
        /// The daemon.
        daemon: Daemon,
        /// The line.
        at: Place,
    },
    /// Reading or writing failed.
    #[error("cannot talk to {} at {at}", .daemon.name())]
    Talk {
        /// The daemon.
        daemon: Daemon,
        /// The line.
        at: Place,
        /// The reason.
        source: io::Error,
    },
    /// Another session holds mgmtd's lock. Nothing was sent.
    #[error("{} is locked by another session, for more than {waited:?}: {text}", .daemon.name())]
    Locked {
        /// mgmtd, or whichever daemon has a lock.
        daemon: Daemon,
        /// How long it was asked for.
        waited: Duration,
        /// What it said.
        text: String,
    },
    /// The daemon lets us in, but not configure. Nothing was sent.
    #[error("{} refused `{command}`: {text}", .daemon.name())]
    NoConfiguration {
        /// The daemon.
        daemon: Daemon,
        /// The line that would have opened configuration.
        command: &'static str,
        /// What it said.
        text: String,
    },
    /// The daemon does not know what it was asked.
    #[error("{} does not know `{command}`: {text}", .daemon.name())]
    Unknown {
        /// The daemon.
        daemon: Daemon,
        /// The command.
        command: Box<str>,
        /// What it said.
        text: String,
    },
    /// A text would be more than one line to FRR. Nothing of its batch was sent.
    #[error("not one line for {}: {line:?}", .daemon.name())]
    NotOneLine {
        /// The daemon.
        daemon: Daemon,
        /// The text.
        line: Box<str>,
    },
    /// `show version` says no version that we can read.
    #[error("FRR names no version: {text:?}")]
    NoVersion {
        /// The beginning of what it says.
        text: String,
    },
    /// A temporary file could not be written.
    #[error("cannot write {what} into a temporary file")]
    File {
        /// What it was for.
        what: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot run {}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A program did not end in time, and was killed with all that it had started.
    #[error("{} did not end within {limit:?}", .program.display())]
    Endless {
        /// The program.
        program: PathBuf,
        /// The limit.
        limit: Duration,
    },
    /// A program failed.
    #[error("{} failed ({status}): {output}", .program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: String,
        /// The end of what it said.
        output: String,
    },
}

/// A container knows groups by their numbers, and FRR's images differ in them.
fn number_of(group: Option<u32>) -> String {
    group.map(|group| format!(", here number {group},")).unwrap_or_default()
}

impl FrrError {
    /// The daemon that could not be talked to; `None` where it is a program or a file.
    pub fn daemon(&self) -> Option<Daemon> {
        match self {
            Self::NoSocket { daemon, .. }
            | Self::Denied { daemon, .. }
            | Self::NotListening { daemon, .. }
            | Self::Connect { daemon, .. }
            | Self::Closed { daemon, .. }
            | Self::TimedOut { daemon, .. }
            | Self::TooLong { daemon, .. }
            | Self::NotAReply { daemon, .. }
            | Self::Talk { daemon, .. }
            | Self::Locked { daemon, .. }
            | Self::NoConfiguration { daemon, .. }
            | Self::Unknown { daemon, .. }
            | Self::NotOneLine { daemon, .. } => Some(*daemon),
            Self::NoVersion { .. }
            | Self::File { .. }
            | Self::Start { .. }
            | Self::Endless { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// One word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoSocket { .. } => "SocketMissing",
            Self::Denied { .. } => "SocketDenied",
            Self::NotListening { .. } => "NotListening",
            Self::Connect { .. } => "ConnectFailed",
            Self::Closed { .. } => "DaemonClosed",
            Self::TimedOut { .. } => "DaemonTimedOut",
            Self::TooLong { .. } => "ReplyTooLong",
            Self::NotAReply { .. } => "NotAReply",
            Self::Talk { .. } => "TalkFailed",
            Self::Locked { .. } => "Locked",
            Self::NoConfiguration { .. } => "ConfigurationDenied",
            Self::Unknown { .. } => "UnknownCommand",
            Self::NotOneLine { .. } => "NotOneLine",
            Self::NoVersion { .. } => "UnknownVersion",
            Self::File { .. } => "TemporaryFileFailed",
            Self::Start { .. } => "ProgramMissing",
            Self::Endless { .. } => "ProgramTimedOut",
            Self::Failed { .. } => "ProgramFailed",
        }
    }
}
