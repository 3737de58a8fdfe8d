//! An apply on a real FRR: what the machine asks for is done, and it is told what came of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use frrk8s_delta::{Command, Delta, Documents, SessionDelta, SessionId};
use frrk8s_document::{Daemon, Dialect, Document};
use tokio::time::sleep;

use super::{Cause, Event, Left, Machine, Phase, Refused, Step, Unanswered, Verdict};
use crate::reading::Reader;
use crate::transport::{Change, FrrError, Refusal, Transport};

/// How long a daemon that was lost may take to be there again, before the way back is given up for now: watchfrr starts
/// one again within seconds.
const RETURN_LIMIT: Duration = Duration::from_secs(30);
const RETURN_PAUSE: Duration = Duration::from_millis(100);

/// What came of an apply.
#[derive(Clone, Debug)]
pub struct Driven {
    /// How it ended.
    pub verdict: Verdict,
    /// What the first delta was to do to each session; empty when nothing was told.
    pub sessions: BTreeMap<SessionId, SessionDelta>,
    /// Lines that nobody wants any more, and that FRR did not let go of.
    pub left: Vec<Left>,
    /// How many lines were told in all, the way back included.
    pub lines: usize,
    /// How long FRR was read, all times together.
    pub reading: Duration,
    /// How long it was told.
    pub sending: Duration,
    /// When it ended.
    pub ended: SystemTime,
}

impl Driven {
    /// What ended before FRR was told anything.
    pub fn not_told(verdict: Verdict) -> Self {
        Self {
            verdict,
            sessions: BTreeMap::new(),
            left: Vec::new(),
            lines: 0,
            reading: Duration::ZERO,
            sending: Duration::ZERO,
            ended: SystemTime::now(),
        }
    }
}

/// What of a running configuration is ours.
pub trait Ours {
    /// Of what one daemon runs.
    fn ours(&self, running: Document) -> Document;
}

impl<F: Fn(Document) -> Document> Ours for F {
    fn ours(&self, running: Document) -> Document {
        self(running)
    }
}

/// What every daemon of FRR runs, as far as it is ours.
pub async fn read_running<T: Transport>(
    (transport, reader): (&mut T, &mut Reader),
    (dialect, daemons): (Dialect, &[Daemon]),
    ours: &impl Ours,
) -> Result<Documents, FrrError> {
    let texts = transport.running_of(daemons).await?;
    let read = |(daemon, text): (&Daemon, String)| (*daemon, ours.ours(reader.read(dialect, *daemon, text)));
    Ok(daemons.iter().zip(texts).map(read).collect())
}

/// Drives a machine to its end. `desired` is the whole text that is to run, for transports that want it.
pub async fn drive<T: Transport>(
    (transport, reader): (&mut T, &mut Reader),
    mut machine: Machine,
    ours: &impl Ours,
    desired: &str,
) -> Driven {
    let (dialect, daemons) = (machine.dialect(), machine.daemons());
    let daemons = (dialect, &daemons[..]);
    let mut driven = Driven::not_told(Verdict::Unchanged);
    let mut step = machine.start();
    loop {
        let started = Instant::now();
        let event = match step {
            Step::Done(verdict) => {
                return Driven { verdict, left: machine.into_left(), ended: SystemTime::now(), ..driven };
            }
            Step::Read => {
                let returns = matches!(machine.phase(), Phase::Returning | Phase::VerifyingReturn);
                let limit = if returns { RETURN_LIMIT } else { Duration::ZERO };
                let read = read_patiently((transport, reader), daemons, ours, limit).await;
                driven.reading += started.elapsed();
                read.map_or_else(|error| Event::Lost(lost(&error, None)), Event::Running)
            }
            Step::Send(delta) => {
                if driven.sessions.is_empty() && machine.phase() == Phase::Applying {
                    driven.sessions.clone_from(&delta.sessions);
                }
                driven.lines += delta.count();
                let sent = transport.send(&Change { delta: &delta, desired }).await;
                driven.sending += started.elapsed();
                match sent {
                    Ok(refusals) => {
                        Event::Sent(refusals.into_iter().map(|refusal| refused(refusal, &delta)).collect())
                    }
                    Err(error) => Event::Lost(lost(&error, Some(&delta))),
                }
            }
        };
        step = machine.after(event);
    }
}

async fn read_patiently<T: Transport>(
    (transport, reader): (&mut T, &mut Reader),
    daemons: (Dialect, &[Daemon]),
    ours: &impl Ours,
    limit: Duration,
) -> Result<Documents, FrrError> {
    let started = Instant::now();
    loop {
        match read_running((transport, reader), daemons, ours).await {
            Err(_) if started.elapsed() < limit => sleep(RETURN_PAUSE).await,
            read => return read,
        }
    }
}

fn refused(refusal: Refusal, delta: &Delta) -> Refused {
    let command_at = |at| command(delta, Some(refusal.batch), Some(at)).cloned();
    let commands: Vec<Command> = match refusal.command {
        Some(at) => command_at(at).into_iter().collect(),
        None => refusal.among.iter().filter_map(|at| command_at(*at)).collect(),
    };
    let line = match &commands[..] {
        [command] => command.line.clone(),
        _ => refusal.line,
    };
    Refused { daemon: refusal.daemon, line, commands, text: refusal.text }
}

fn command(delta: &Delta, batch: Option<usize>, command: Option<usize>) -> Option<&Command> {
    delta.batches.get(batch?)?.commands.get(command?)
}

/// What became of a conversation, and of which line of a delta, where that was being told.
pub(super) fn lost(error: &FrrError, delta: Option<&Delta>) -> Cause {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    let line = delta.and_then(|delta| unanswered(error, delta));
    Cause::Lost { daemon: error.daemon(), line, reason: error.reason(), message }
}

/// The line without an answer, where there is one that may be behind it.
fn unanswered(error: &FrrError, delta: &Delta) -> Option<Unanswered> {
    let (daemon, at, has_gone) = match error {
        FrrError::Closed { daemon, at } => (*daemon, at, true),
        FrrError::TimedOut { daemon, at, .. } => (*daemon, at, false),
        _ => return None,
    };
    let command = command(delta, at.batch, at.command).filter(|_| !at.commits)?;
    Some(Unanswered { daemon, command: command.clone(), has_gone })
}
