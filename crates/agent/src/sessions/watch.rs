//! The task that looks at FRR.
//!
//! A look costs bgpd 0.7 ms at 100 sessions: their states and numbers. Only where those differ, all of it is read (3 ms):
//! at once, a second later (bgpd hears of BFD after bfdd), ten seconds later (routes have come by then), and every five
//! minutes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use frrk8s_document::{Daemon, Dialect};
use frrk8s_frr::{FrrError, Transport};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::bfd::{self, BfdCounters, BfdKey, BfdStates};
use super::ledger::{Ledger, Sessions};
use super::pulse::{Life, Pulse, is_gone};
use super::read::{self, Neighbor, ReadError, States};
use crate::report::with_sources;

/// How often it is looked, at the most and at the least.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);
/// Which part of the time looking may take: one in so many.
const SHARE: u32 = 50;
/// How many looks are remembered: one that took long waited for somebody's commit.
const COSTS: usize = 8;
/// How often all of it is read when nothing changes.
const REFRESH: Duration = Duration::from_mins(5);
/// When it is read once more after a change: routes have come by then.
const SETTLED: Duration = Duration::from_secs(10);
/// How often the other daemons are asked whether they live.
const PULSE: Duration = Duration::from_secs(5);
/// What those who ask at about the same time share.
const SCRAPE_AGE_MAX: Duration = Duration::from_secs(1);
/// How long somebody who asks waits for FRR.
const SCRAPE_LIMIT: Duration = Duration::from_secs(5);

/// All that is counted of all sessions.
#[derive(Debug)]
pub struct Scrape {
    /// When it was begun to be read.
    at: Instant,
    /// What bgpd has; or in one word, why it cannot be read.
    pub bgp: Result<Vec<Neighbor>, &'static str>,
    /// What bfdd has: each session, whether it is up, what is counted.
    pub bfd: Result<BTreeMap<BfdKey, (bool, BfdCounters)>, &'static str>,
}

/// What was seen, for all who ask.
#[derive(Debug)]
pub struct Seen {
    /// The sessions.
    pub sessions: watch::Sender<Sessions>,
    /// A daemon that ran does not run any more.
    pub lost: Notify,
    scrape: watch::Sender<Option<Arc<Scrape>>>,
    wanted: Notify,
    pulse: Mutex<Pulse>,
}

impl Default for Seen {
    fn default() -> Self {
        let pulse = Mutex::new(Pulse::new(Instant::now()));
        Self {
            sessions: watch::Sender::new(None),
            lost: Notify::new(),
            scrape: watch::Sender::new(None),
            wanted: Notify::new(),
            pulse,
        }
    }
}

impl Seen {
    /// How it is with FRR.
    pub fn life(&self) -> Life {
        self.pulse().life(Instant::now())
    }

    /// What is counted just now. `None`: FRR does not answer in time.
    pub async fn scrape(&self) -> Option<Arc<Scrape>> {
        let oldest = Instant::now().checked_sub(SCRAPE_AGE_MAX);
        let mut scrapes = self.scrape.subscribe();
        let is_fresh = |scrape: &Option<Arc<Scrape>>| {
            scrape.as_ref().is_some_and(|scrape| oldest.is_none_or(|oldest| scrape.at >= oldest))
        };
        if !is_fresh(&scrapes.borrow()) {
            self.wanted.notify_one();
        }
        let waited = timeout(SCRAPE_LIMIT, scrapes.wait_for(is_fresh)).await;
        waited.ok()?.ok()?.clone()
    }

    fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What looks at FRR.
pub struct Watcher<T> {
    transport: T,
    seen: Arc<Seen>,
    ledger: Ledger,
    last: Option<Look>,
    /// When all of it is to be read without a change.
    due: VecDeque<Instant>,
    costs: VecDeque<Duration>,
    pulsed: Option<Instant>,
    complained: bool,
}

/// What tells whether something has changed.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    states: States,
    counts: BTreeSet<(String, u64)>,
    bfd: BfdStates,
}

/// Why FRR could not be read.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Frr(#[from] FrrError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl LookError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Frr(error) => error.reason(),
            Self::Read(_) => "AnswerUnreadable",
        }
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Frr(error) if is_gone(error))
    }
}

impl<T: Transport> Watcher<T> {
    /// One that tells what it sees. The transport is its own: a long apply on another one does not keep it.
    pub fn new(transport: T, seen: Arc<Seen>) -> Self {
        Self {
            transport,
            seen,
            ledger: Ledger::default(),
            last: None,
            due: VecDeque::new(),
            costs: VecDeque::new(),
            pulsed: None,
            complained: false,
        }
    }

    /// Looks for ever.
    pub async fn run(mut self) {
        loop {
            self.look().await;
            self.feel_pulse().await;
            let pause = sleep(self.pause());
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    () = self.seen.wanted.notified() => self.scrape().await,
                }
            }
        }
    }

    /// How long until the next look: a share of what one costs when nobody else keeps FRR busy.
    fn pause(&self) -> Duration {
        let cost = self.costs.iter().min().copied().unwrap_or_default();
        (cost * SHARE).clamp(SHORTEST, LONGEST)
    }

    /// One look, and all of it where something has changed.
    pub(super) async fn look(&mut self) {
        let begun = Instant::now();
        let looked = self.look_briefly().await;
        if looked.is_ok() {
            self.costs.push_back(begun.elapsed());
            if self.costs.len() > COSTS {
                self.costs.pop_front();
            }
        }
        let read = match looked {
            Ok(look) => self.read_changes(look).await,
            Err(error) => Err(error),
        };
        let now = Instant::now();
        match read {
            Ok(()) => self.complained = false,
            Err(error) => {
                // All is read again when it can be.
                self.last = None;
                if error.is_gone() {
                    self.ledger.note_gone(now);
                }
                if !std::mem::replace(&mut self.complained, true) {
                    complain(&error);
                }
            }
        }
        self.tell();
    }

    async fn look_briefly(&mut self) -> Result<Look, LookError> {
        let states = read::states(&self.ask(Daemon::Bgpd, read::SUMMARY).await?)?;
        let counts = read::counts(&self.ask(Daemon::Bgpd, read::VRFS).await?)?;
        // Without bfdd no session has BFD; bgpd says so itself.
        let bfd = match self.ask(Daemon::Bfdd, bfd::PEERS).await {
            Ok(json) => bfd::peers(&json)?,
            Err(_) => BfdStates::new(),
        };
        Ok(Look { states, counts, bfd })
    }

    async fn read_changes(&mut self, look: Look) -> Result<(), LookError> {
        let now = Instant::now();
        let has_changed = self.last.as_ref() != Some(&look);
        let is_due = self.due.front().is_some_and(|due| *due <= now);
        if !has_changed && !is_due && !self.ledger.is_waiting() {
            return Ok(());
        }
        let json = self.ask(Daemon::Bgpd, read::NEIGHBORS).await?;
        let neighbors = read::neighbors(&json)?;
        self.ledger.take(&neighbors, look.counts.is_empty(), (Instant::now(), Timestamp::now()));
        if has_changed {
            self.due = [SHORTEST / 2, SETTLED, REFRESH].map(|after| now + after).into();
        } else {
            self.due.retain(|due| *due > now);
            if self.due.is_empty() {
                self.due.push_back(now + REFRESH);
            }
        }
        self.last = Some(look);
        Ok(())
    }

    /// Tells the sessions where they differ.
    fn tell(&self) {
        let sessions = self.ledger.sessions();
        self.seen.sessions.send_if_modified(|told| {
            let differs = *told != sessions;
            if differs {
                *told = sessions;
            }
            differs
        });
    }

    async fn scrape(&mut self) {
        let at = Instant::now();
        let last = self.seen.scrape.borrow().as_ref().map(|scrape| scrape.at);
        if last.is_some_and(|last| at.duration_since(last) < SCRAPE_AGE_MAX) {
            // Whoever asked has it already.
            return;
        }
        let bgp = self.neighbors().await.map_err(|error| error.reason());
        let bfd = self.bfd().await.map_err(|error| error.reason());
        self.seen.scrape.send_replace(Some(Arc::new(Scrape { at, bgp, bfd })));
    }

    async fn neighbors(&mut self) -> Result<Vec<Neighbor>, LookError> {
        Ok(read::neighbors(&self.ask(Daemon::Bgpd, read::NEIGHBORS).await?)?)
    }

    async fn bfd(&mut self) -> Result<BTreeMap<BfdKey, (bool, BfdCounters)>, LookError> {
        let peers = bfd::peers(&self.ask(Daemon::Bfdd, bfd::PEERS).await?)?;
        let mut counters = bfd::counters(&self.ask(Daemon::Bfdd, bfd::COUNTERS).await?)?;
        let with_counters = |(key, status): (BfdKey, String)| {
            let counted = counters.remove(&key).unwrap_or_default();
            (key, (status == "up", counted))
        };
        Ok(peers.into_iter().map(with_counters).collect())
    }

    /// Asks the daemons that are not looked at whether they live.
    async fn feel_pulse(&mut self) {
        if self.pulsed.is_some_and(|at| at.elapsed() < PULSE) {
            return;
        }
        self.pulsed = Some(Instant::now());
        let dialect = self.transport.version().await.ok().map(Dialect::new);
        let daemons = dialect.map_or_else(|| vec![Daemon::Bgpd], Dialect::all_daemons);
        for daemon in daemons {
            // It goes into the pulse by itself.
            drop(self.ask(daemon, "show version").await);
        }
        // Not earlier: who was not asked yet is not missing.
        if let Some(dialect) = dialect {
            self.seen.pulse().want(dialect);
        }
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        let answer = self.transport.ask(daemon, command).await;
        let is_lost = self.seen.pulse().note(daemon, &answer, Instant::now());
        if is_lost {
            self.seen.lost.notify_one();
        }
        answer
    }
}

/// Says why FRR cannot be read. What FRR does is said by the loop, which needs it as well.
fn complain(error: &LookError) {
    match error {
        LookError::Frr(_) => debug!(reason = error.reason(), "no sessions: {}", with_sources(error)),
        LookError::Read(_) => warn!(reason = error.reason(), "no sessions: {}", with_sources(error)),
    }
}
