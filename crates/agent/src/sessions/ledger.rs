//! What is known of the sessions from one reading to the next. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::read::{ESTABLISHED, Neighbor};

/// How long a session that a new bgpd does not know is waited for: somebody is about to load its configuration.
const RELOAD_LIMIT: Duration = Duration::from_secs(10);
/// How far two readings of the same moment may be apart: FRR computes it from a duration in whole seconds.
const SAME_MOMENT: Duration = Duration::from_secs(5);
/// What a session is when nobody runs it.
const IDLE: &str = "Idle";
/// Why it went down then.
const GONE: &str = "bgpd does not run";

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionState {
    /// Its VRF.
    pub vrf: String,
    /// Its address or interface.
    pub peer: String,
    /// The other end's AS.
    pub asn: u64,
    /// BGP's word for its state.
    pub state: String,
    /// BFD's word for its state, where the session has BFD.
    pub bfd: Option<String>,
    /// Since when it has been up.
    pub established_since: Option<Timestamp>,
    /// How long it has been up, in seconds; filled in when somebody asks.
    pub up_seconds: Option<u64>,
    /// Prefixes taken, as last counted.
    pub prefixes_in: u64,
    /// Prefixes sent, as last counted.
    pub prefixes_out: u64,
    /// When prefixes were last counted; `None` where there are none to count.
    pub counted_at: Option<Timestamp>,
    /// How long ago that was, in seconds; filled in when somebody asks.
    pub counted_seconds: Option<u64>,
    /// Why it last went down.
    pub last_reset: Option<String>,
}

impl SessionState {
    /// Whether it is up.
    pub fn is_up(&self) -> bool {
        self.state == ESTABLISHED
    }

    /// The same with how long it has been up, and how long ago its prefixes were counted.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let seconds =
            |since: Timestamp| u64::try_from(now.duration_since(since).as_secs()).unwrap_or_default();
        let (up_seconds, counted_seconds) =
            (self.established_since.map(seconds), self.counted_at.map(seconds));
        Self { up_seconds, counted_seconds, ..self }
    }

    fn of(neighbor: &Neighbor, now: Timestamp) -> Self {
        let since = || {
            let seconds = i64::try_from(neighbor.up_seconds?).ok()?;
            Timestamp::from_second(now.as_second().checked_sub(seconds)?).ok()
        };
        Self {
            vrf: neighbor.vrf.clone(),
            peer: neighbor.peer.clone(),
            asn: neighbor.asn,
            state: neighbor.state.clone(),
            bfd: neighbor.bfd.clone(),
            established_since: neighbor.is_up().then(|| neighbor.since.or_else(since)).flatten(),
            up_seconds: None,
            prefixes_in: neighbor.prefixes_in,
            prefixes_out: neighbor.prefixes_out,
            counted_at: Some(now),
            counted_seconds: None,
            last_reset: neighbor.last_reset.clone(),
        }
    }

    /// The session of which nobody takes care.
    fn idle(mut self) -> Self {
        if self.is_up() {
            self.last_reset = Some(GONE.to_owned());
        }
        let bfd = self.bfd.map(|_| "Down".to_owned());
        let (state, established_since, counted_at) = (IDLE.to_owned(), None, None);
        Self { state, bfd, established_since, prefixes_in: 0, prefixes_out: 0, counted_at, ..self }
    }
}

/// All sessions of an FRR; `None` until they were read.
pub type Sessions = Option<Vec<SessionState>>;

/// What is known.
#[derive(Debug, Default)]
pub struct Ledger {
    known: Option<BTreeMap<(String, String), SessionState>>,
    /// Whether bgpd is gone, or runs no BGP at all.
    is_blank: bool,
    /// Until when what is missing is waited for, and whether something is.
    wait_until: Option<Instant>,
    is_waiting: bool,
}

impl Ledger {
    /// Takes in what bgpd says. `is_blank`: it runs no BGP at all.
    pub fn take(&mut self, neighbors: &[Neighbor], is_blank: bool, (now, clock): (Instant, Timestamp)) {
        if is_blank && !self.is_blank {
            self.wait_until = Some(now + RELOAD_LIMIT);
        }
        self.is_blank = is_blank;
        let before = self.known.take().unwrap_or_default();
        let mut known = BTreeMap::new();
        for neighbor in neighbors {
            let mut session = SessionState::of(neighbor, clock);
            let key = (session.vrf.clone(), session.peer.clone());
            let earlier = before.get(&key).and_then(|before| before.established_since);
            if let (Some(earlier), Some(since)) = (earlier, session.established_since)
                && since.duration_since(earlier).unsigned_abs() <= SAME_MOMENT
            {
                session.established_since = Some(earlier);
            }
            known.insert(key, session);
        }
        self.is_waiting = false;
        if self.wait_until.is_some_and(|until| now < until) {
            for (key, session) in before {
                known.entry(key).or_insert_with(|| {
                    self.is_waiting = true;
                    session.idle()
                });
            }
        }
        self.known = Some(known);
    }

    /// bgpd is gone: nothing is up, and what it had comes back with it.
    pub fn note_gone(&mut self, now: Instant) {
        self.is_blank = true;
        self.wait_until = Some(now + RELOAD_LIMIT);
        if let Some(known) = self.known.take() {
            self.known = Some(known.into_iter().map(|(key, session)| (key, session.idle())).collect());
        }
    }

    /// Whether a session is waited for, so that it must be looked again without any change.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// All of them.
    pub fn sessions(&self) -> Sessions {
        self.known.as_ref().map(|known| known.values().cloned().collect())
    }
}
