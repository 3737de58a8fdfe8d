//! The commands between two configurations of FRR, and what they do to each session.
//!
//! ```text
//! running, desired (a document a daemon) ─► delta ─► batches of commands, in order
//!                                               ├──► each session: untouched, policy only, deferred, reset …
//!                                               └──► soft clears that make policy take effect at once
//! ```
//!
//! Invariants:
//! * Between equal documents there is nothing to do.
//! * Between two renderings of which the second keeps names and numbers of the first: whenever the commands are cut
//!   off, no neighbor is sent, and from none is taken, what is allowed neither before nor after; and what is allowed in
//!   both never stops.
//! * Only a session classed `reset` drops while it stays configured.

mod command;
mod effect;
mod kind;
mod other;
mod pairs;
mod policy;
mod ranges;
mod router;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::{Daemon, Dialect, Document, Line};

use effect::{PolicyEffect, policy_effect};
use other::Commands;
use pairs::Pairs;
use policy::{PolicyCommands, is_policy};
use router::AroundPolicy;
use session::{Effects, sessions};

pub use command::{Batch, Command, Sent};
pub use effect::{Clear, Way};
pub use kind::{Effect, Impact, KINDS, Kind, Undo, undo};
pub use session::{Cause, SessionChange, SessionDelta, SessionId};

/// What turns one configuration into another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The commands, a batch after the other. None is empty.
    pub batches: Vec<Batch>,
    /// Every session of either side.
    pub sessions: BTreeMap<SessionId, SessionDelta>,
    /// To be told when the batches are through.
    pub clears: BTreeSet<Clear>,
}

/// Configuration by the daemon that keeps it.
pub type Documents = BTreeMap<Daemon, Document>;

impl Delta {
    /// The delta between what runs and what is to run; of what runs only what is ours.
    pub fn new(dialect: Dialect, running: &Documents, desired: &Documents) -> Self {
        let empty = Document::default();
        let sides = |daemon| {
            let [before, after] = [running, desired].map(|side| side.get(&daemon).unwrap_or(&empty));
            (before, after)
        };
        let (mut batches, mut last) = (Vec::new(), Vec::new());
        let daemons = dialect.daemons_and(running.keys().chain(desired.keys()));
        for daemon in daemons.into_iter().filter(|daemon| *daemon != Daemon::Bgpd) {
            let (before, after) = sides(daemon);
            let mut commands = Commands::default();
            other::commands(&[], &Pairs::new(None, before.lines(), after.lines()), &mut commands);
            batches.push(Batch { daemon, commands: commands.told });
            last.push(Batch { daemon, commands: commands.taken_back });
        }
        let (before, after) = sides(Daemon::Bgpd);
        let mut effects = Effects::new(dialect.version());
        batches.extend(bgpd(before, after, &mut effects));
        // What bgpd may refer to goes when bgpd does not any more.
        batches.extend(last.into_iter().rev());
        batches.retain(|batch| !batch.commands.is_empty());
        let policy = policy_effect(before, after);
        let sessions = judge(before, after, &effects, &policy);
        let stays = |clear: &Clear| sessions.get(&clear.session).is_some_and(SessionDelta::keeps_connection);
        let clears = policy.clears.into_iter().filter(stays).collect();
        Self { batches, sessions, clears }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// How many commands there are in all.
    pub fn count(&self) -> usize {
        self.batches.iter().map(|batch| batch.commands.len()).sum()
    }
}

/// The batches to bgpd: all in one, and what had to wait for it in a second.
fn bgpd(before: &Document, after: &Document, effects: &mut Effects) -> [Batch; 2] {
    let pairs = Pairs::new(None, before.lines(), after.lines());
    let PolicyCommands { make, take, again } = policy::policy(&pairs);
    let is_router = |line: &&Line| line.text().starts_with("router ");
    let only =
        |document: &Document| -> Vec<Line> { document.lines().iter().filter(is_router).cloned().collect() };
    let routers = router::routers(&only(before), &only(after), effects).around_policy();
    let is_other = |line: &&Line| !is_policy(line.text()) && !is_router(line);
    let rest = Pairs {
        gone: pairs.gone.iter().copied().filter(is_other).collect(),
        come: pairs.come.iter().copied().filter(is_other).collect(),
        changed: pairs.changed.iter().copied().filter(|(line, _)| is_other(line)).collect(),
    };
    let mut others = Commands::default();
    other::commands(&[], &rest, &mut others);
    let AroundPolicy { before, between, after } = routers;
    let commands = [before, make, others.told, between, take, after, others.taken_back].concat();
    [commands, again].map(|commands| Batch { daemon: Daemon::Bgpd, commands })
}

fn judge(
    before: &Document,
    after: &Document,
    effects: &Effects,
    policy: &PolicyEffect,
) -> BTreeMap<SessionId, SessionDelta> {
    let (old, new) = (sessions(before), sessions(after));
    let change = |session: &SessionId| match (old.contains(session), new.contains(session)) {
        (true, true) => effects.of(session, policy.changed.contains(session)),
        (true, false) => SessionDelta::from(SessionChange::Removed),
        _ => SessionDelta::from(SessionChange::Added),
    };
    old.union(&new).map(|session| (session.clone(), change(session))).collect()
}
