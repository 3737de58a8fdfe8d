//! Whether FRR's daemons live. Pure.
//!
//! A daemon that is slow lives: 8.4 commits a long list for 17 s, and says nothing meanwhile. One without a socket, or with
//! one on which nobody listens, does not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use frrk8s_document::{Daemon, Dialect};
use frrk8s_frr::FrrError;

/// How long a daemon may say nothing: longer than the longest commit that is waited for (20 minutes at the very most, a
/// minute in practice) would leave a hung one for too long, so this is what nobody has seen.
const SILENCE_MAX: Duration = Duration::from_mins(10);

/// How it is with FRR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// All daemons live.
    Lives,
    /// These do not run.
    Missing(Vec<Daemon>),
    /// These have said nothing for too long.
    Silent(Vec<Daemon>),
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    answered: Instant,
    is_gone: bool,
}

/// When the daemons last answered.
#[derive(Debug)]
pub struct Pulse {
    since: Instant,
    /// The daemons that must run.
    wanted: Vec<Daemon>,
    beats: BTreeMap<Daemon, Beat>,
}

impl Pulse {
    /// Nothing is known yet but that there must be a bgpd.
    pub fn new(now: Instant) -> Self {
        Self { since: now, wanted: vec![Daemon::Bgpd], beats: BTreeMap::new() }
    }

    /// The version is known: the daemons that the agent drives must run. (staticd only where it was seen.)
    pub fn want(&mut self, dialect: Dialect) {
        self.wanted = dialect.all_daemons();
    }

    /// A daemon answered, or did not. Whether that is news: it ran, and does not any more.
    pub fn note<T>(&mut self, daemon: Daemon, answer: &Result<T, FrrError>, now: Instant) -> bool {
        let beat = self.beats.entry(daemon).or_insert(Beat { answered: self.since, is_gone: false });
        let ran = !beat.is_gone;
        match answer {
            Ok(_) => *beat = Beat { answered: now, is_gone: false },
            Err(error) if is_gone(error) => beat.is_gone = true,
            // It answered, if not what was hoped for; or it is we who may not ask.
            Err(FrrError::Unknown { .. } | FrrError::Denied { .. }) => {
                *beat = Beat { answered: now, is_gone: false };
            }
            // Slow, or about to go: the next question tells.
            Err(_) => {}
        }
        ran && beat.is_gone
    }

    /// How it is.
    pub fn life(&self, now: Instant) -> Life {
        let beat = |daemon: &Daemon| self.beats.get(daemon);
        let seen = |daemon: &Daemon| beat(daemon).is_some_and(|beat| beat.answered > self.since);
        let must = |daemon: &&Daemon| **daemon != Daemon::Staticd || seen(daemon);
        let those = |is_it: &dyn Fn(&Daemon) -> bool| -> Vec<Daemon> {
            self.wanted.iter().filter(must).filter(|daemon| is_it(daemon)).copied().collect()
        };
        let missing = those(&|daemon| beat(daemon).is_none_or(|beat| beat.is_gone));
        if !missing.is_empty() {
            return Life::Missing(missing);
        }
        let silent =
            those(&|daemon| beat(daemon).is_some_and(|beat| now.duration_since(beat.answered) > SILENCE_MAX));
        if silent.is_empty() { Life::Lives } else { Life::Silent(silent) }
    }
}

/// Whether a daemon does not run. A program that is to ask it says so in its own words.
pub fn is_gone(error: &FrrError) -> bool {
    match error {
        FrrError::NoSocket { .. } | FrrError::NotListening { .. } => true,
        FrrError::Failed { output, .. } => output.contains("failed to connect to"),
        _ => false,
    }
}
