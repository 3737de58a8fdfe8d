//! What several speakers see, in order, and what it comes to.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use frrk8s_model::{Family, IpNet};

use super::{Seen, Witness};
use crate::oracle::Route;

/// The routes that a session has brought.
pub type Table = BTreeMap<IpNet, Route>;

/// The sessions of several speakers.
#[derive(Debug, Default)]
pub struct Wire {
    sessions: Mutex<Sessions>,
    happened: Condvar,
}

/// What was seen of them, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// Everything since it was last taken.
    pub log: Vec<(usize, Seen)>,
    /// What each has.
    pub tables: BTreeMap<usize, Table>,
    /// How often the sending of each family has begun again.
    pub refreshed: BTreeMap<(usize, Family), usize>,
    last: Option<Instant>,
}

impl Wire {
    /// The witness of a session.
    pub fn witness(self: &Arc<Self>, session: usize) -> Witness {
        let wire = Arc::clone(self);
        Arc::new(move |at, seen| {
            wire.sessions.lock().unwrap().take(session, at, seen);
            wire.happened.notify_all();
        })
    }

    /// Forgets what was logged.
    pub fn forget(&self) {
        self.sessions.lock().unwrap().log.clear();
    }

    /// What is known now.
    pub fn now(&self) -> Sessions {
        self.sessions.lock().unwrap().clone()
    }

    /// Waits for something; whether it came in time.
    pub fn wait(&self, limit: Duration, is_it: impl Fn(&Sessions) -> bool) -> bool {
        let sessions = self.sessions.lock().unwrap();
        let waited = self.happened.wait_timeout_while(sessions, limit, |sessions| !is_it(sessions));
        !waited.unwrap().1.timed_out()
    }

    /// Waits until nothing was seen for so long, from now on.
    pub fn wait_quiet(&self, quiet: Duration) {
        let mut since = Instant::now();
        loop {
            let last = self.sessions.lock().unwrap().last;
            since = last.map_or(since, |last| last.max(since));
            match quiet.checked_sub(since.elapsed()) {
                None | Some(Duration::ZERO) => return,
                Some(left) => std::thread::sleep(left),
            }
        }
    }
}

impl Sessions {
    fn take(&mut self, session: usize, at: Instant, seen: Seen) {
        let table = self.tables.entry(session).or_default();
        match &seen {
            Seen::Up | Seen::Down => table.clear(),
            Seen::Announced(prefix, route) => drop(table.insert(*prefix, route.clone())),
            Seen::Withdrawn(prefix) => drop(table.remove(prefix)),
            Seen::SendsAgain(family) => *self.refreshed.entry((session, *family)).or_default() += 1,
            Seen::Garbled(_) => {}
        }
        self.last = Some(at);
        self.log.push((session, seen));
    }
}
