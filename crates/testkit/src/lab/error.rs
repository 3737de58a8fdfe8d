use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::install::{Daemon, FrrVersion};

/// What can go wrong in the lab itself, or in a cluster. A line that FRR refuses is not an error: it is a
/// [`Refused`](super::Refused).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The daemons of a version are not on this machine, or are of another version.
    #[error("FRR {version} not usable in {}: {why}; run hack/install-frr {version}", .directory.display())]
    NotInstalled {
        /// The version that was asked for.
        version: FrrVersion,
        /// Where it was looked for.
        directory: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// The operating system refused an act.
    #[error("{act}")]
    Io {
        /// The act and its object.
        act: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The program with its arguments.
        command: String,
        /// What it said.
        output: String,
    },
    /// A condition did not come true in time.
    #[error("waited {limit:?} for {what}{}", .last.as_ref().map(|e| format!(": {e}")).unwrap_or_default())]
    TimedOut {
        /// The condition, in words.
        what: String,
        /// How long it was waited for.
        limit: Duration,
        /// The last error that the condition itself met.
        last: Option<Box<LabError>>,
    },
    /// The programs of a cluster are not on this machine, or cannot run.
    #[error("no cluster: {why}")]
    NoCluster {
        /// What is in the way.
        why: String,
    },
    /// A program of a cluster ended by itself.
    #[error("{program} ended ({status}): {log}")]
    ProgramEnded {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// A daemon went away while it was needed.
    #[error("{daemon} ended ({status}): {log}")]
    DaemonEnded {
        /// The daemon.
        daemon: Daemon,
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// A router was asked for a daemon that it does not run.
    #[error("no {daemon} in this router")]
    NoSuchDaemon {
        /// The daemon.
        daemon: Daemon,
    },
    /// A daemon closed its socket without a reply; it has died, or `exit` was sent at the top.
    #[error("the daemon closed its socket at `{command}`")]
    Closed {
        /// The line that was not answered.
        command: String,
    },
    /// A text cannot be sent as one line: it holds a line break or a NUL.
    #[error("not one line: {line:?}")]
    NotOneLine {
        /// The text.
        line: String,
    },
    /// A daemon did not open a configuration session, for example because another client holds its lock.
    #[error("`{command}` was refused: {text}")]
    ConfigureRefused {
        /// The line that opens the session.
        command: String,
        /// What the daemon said.
        text: String,
    },
    /// A `show … json` answered something else.
    #[error("`{command}` did not answer JSON: {text}")]
    NotJson {
        /// The command.
        command: String,
        /// What came instead.
        text: String,
    },
    /// A LAN has no address left for one more host.
    #[error("the LAN is full")]
    LanFull,
}

impl LabError {
    /// For `map_err`: an I/O error with the act that met it.
    pub fn io(act: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let act = act.into();
        move |source| Self::Io { act, source }
    }
}
