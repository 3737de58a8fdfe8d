//! Apply, verify, roll back.
//!
//! ```text
//! plan ─► apply ─► verify ─┬─► applied
//!   │       │        │     └─► once more, where somebody typed
//!   │       └─ refused, lost, or something else runs ─► read what runs ─► roll back ─► verify ─┬─► rolled back
//!   └─► unchanged                                                                             └─► stuck
//! ```
//!
//! Invariants:
//! * `applied` and `rolled back` are said only when FRR was seen to run it, line by line.
//! * A line that we do not render, and that FRR refuses to take back, stays and is said ([`Left`]); it fails nothing.
//! * After any doubt the next delta starts from what runs, never from memory.
//! * The machine ends after a bounded number of steps, whatever happens.

mod drive;
mod left;
mod machine;

use std::fmt;

use frrk8s_delta::{Command, Documents};
use frrk8s_document::{Daemon, Mark};
use frrk8s_model::masked;

pub use drive::{Driven, Ours, drive, read_running};
pub use left::Left;
pub use machine::{Event, Machine, Phase, Step, differences, same};

/// What FRR is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// By daemon, the whole of it.
    pub documents: Documents,
    /// The part of it that raw snippets say: FRR may print such a line in another way.
    pub raw: Documents,
}

/// What FRR made of raw lines: they are in force, but FRR prints something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Residue {
    /// What it does not print.
    pub missing: Documents,
    /// What it prints beside what it was told.
    pub more: Documents,
}

/// A line that FRR refused. `Debug` and `Display` leave out passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    /// By whom.
    pub daemon: Daemon,
    /// The line; of several that were refused together the first and the last.
    pub line: Box<str>,
    /// The command that it carries out; all that were refused together where FRR does not say which is meant; none where
    /// nobody knows.
    pub commands: Vec<Command>,
    /// What FRR said.
    pub text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused {:?}: {}", self.daemon.name(), masked(&self.line), masked(self.text.trim()))
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A line that a daemon was told and did not answer. `Debug` and `Display` leave out passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// By whom.
    pub daemon: Daemon,
    /// The command that the line carries out.
    pub command: Command,
    /// Whether the daemon has gone: it closed the connection. Else it fell silent.
    pub has_gone: bool,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let happened = if self.has_gone { "went away" } else { "fell silent" };
        write!(f, "{} {happened} at {:?}", self.daemon.name(), masked(&self.command.line))
    }
}

impl fmt::Debug for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why an apply failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// FRR refused lines.
    Refused(Vec<Refused>),
    /// FRR took every line, and runs something else: what is missing (`-`), and what should not be there (`+`).
    Differs(Vec<String>),
    /// A daemon could not be talked to.
    Lost {
        /// Which; `None` where it is a program on the way to it.
        daemon: Option<Daemon>,
        /// The line of the delta that it did not answer; `None` where it was lost at none, or where several may be
        /// behind it.
        line: Option<Unanswered>,
        /// The word for statuses, logs and metrics.
        reason: &'static str,
        /// What happened.
        message: String,
    },
    /// Steps came in an order in which they cannot come: a mistake of ours.
    Confused,
}

/// How an apply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// FRR ran it already: nothing was told.
    Unchanged,
    /// FRR runs it.
    Applied {
        /// What FRR made of raw lines, where it prints them in another way.
        residue: Option<Residue>,
    },
    /// FRR runs what it ran before, or what was last known to be good.
    RolledBack(Cause),
    /// FRR runs neither.
    Stuck {
        /// What went wrong first.
        cause: Cause,
        /// How what runs differs from what was to be returned to.
        differs: Vec<String>,
    },
    /// FRR could not be read to begin with; nothing was told.
    Unreachable(Cause),
}

impl Verdict {
    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unchanged => "Unchanged",
            Self::Applied { .. } => "Applied",
            Self::RolledBack(cause) if cause.is_locked() => "Locked",
            Self::RolledBack(_) => "RolledBack",
            Self::Stuck { .. } => "Stuck",
            Self::Unreachable(_) => "Unreachable",
        }
    }

    /// What went wrong; `None` where nothing did.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Unchanged | Self::Applied { .. } => None,
            Self::RolledBack(cause) | Self::Stuck { cause, .. } | Self::Unreachable(cause) => Some(cause),
        }
    }

    /// The same without the numbers of lines: for a goal whose document is not the one that somebody will look into.
    #[must_use]
    pub fn without_marks(mut self) -> Self {
        match &mut self {
            Self::RolledBack(cause) | Self::Stuck { cause, .. } | Self::Unreachable(cause) => match cause {
                Cause::Refused(refused) => {
                    let commands = refused.iter_mut().flat_map(|refused| &mut refused.commands);
                    commands.for_each(|command| command.mark = Mark::default());
                }
                Cause::Lost { line: Some(line), .. } => line.command.mark = Mark::default(),
                Cause::Lost { line: None, .. } | Cause::Differs(_) | Cause::Confused => {}
            },
            Self::Unchanged | Self::Applied { .. } => {}
        }
        self
    }
}

impl Cause {
    /// Whether somebody else holds FRR's configuration: what was to be told has nothing to do with it.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Lost { reason: "Locked", .. })
    }

    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(_) => "LineRefused",
            Self::Differs(_) => "RunsSomethingElse",
            Self::Lost { reason, .. } => reason,
            Self::Confused => "Internal",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => {
                let lines: Vec<String> = refused.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("; "))
            }
            Self::Differs(lines) => {
                write!(f, "FRR took every line and runs something else: {}", lines.join("; "))
            }
            Self::Lost { message, .. } => f.write_str(message),
            Self::Confused => f.write_str("steps in an order in which they cannot come"),
        }
    }
}

#[cfg(test)]
mod tests;
