//! What is to be said, without floods: of each thing the last word, now and then, and of everything together not too much. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Of one thing there is a word at most once in so long.
const APART: Duration = Duration::from_secs(30);
/// How much may be said at once, and how long it takes until one more may be.
const BURST: u32 = 25;
const REFILL: Duration = Duration::from_secs(10);
/// How many things may wait to be said; of more of them nothing is said.
const WAITING_MAX: usize = 100;
/// How much is remembered of what was said.
const REMEMBERED_MAX: usize = 1000;

/// What a word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Objects that disagree.
    Conflict,
    /// An object that is wrong by itself.
    Object,
    /// An object that takes everything back.
    HoldDown,
    /// What the agent as a whole comes to.
    State,
    /// A pause.
    Pause,
    /// One that is none.
    PauseRefused,
    /// Daemons that lost everything.
    Restored,
    /// Somebody else's changes.
    Drift,
    /// Sessions of others.
    Reset,
    /// Many objects at once.
    Sum(&'static str),
}

impl Topic {
    /// Whether it is a state, and not something that happens.
    fn lasts(self) -> bool {
        !matches!(self, Self::Restored | Self::Drift | Self::Reset)
    }
}

/// Something to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it is about.
    pub topic: Topic,
    /// The object that it is about, as `namespace/name`, where it is one of the API.
    pub object: Option<String>,
    /// The word for it.
    pub reason: &'static str,
    /// Whether somebody should do something.
    pub is_warning: bool,
    /// Whether it is the end of something, of which nothing is to be said when nothing was said of the beginning.
    pub ends: bool,
    /// What the agent was doing.
    pub action: &'static str,
    /// The sentence.
    pub note: String,
}

type Key = (Topic, Option<String>);

/// What waits to be said, and what was.
#[derive(Debug)]
pub struct Outbox {
    waiting: BTreeMap<Key, Said>,
    said: BTreeMap<Key, (Instant, Said)>,
    room: u32,
    refilled: Instant,
}

impl Outbox {
    /// Nothing waits.
    pub fn new(now: Instant) -> Self {
        Self { waiting: BTreeMap::new(), said: BTreeMap::new(), room: BURST, refilled: now }
    }

    /// Takes in what is to be said. Of one thing only the last word counts.
    pub fn put(&mut self, said: Said) {
        let key = (said.topic, said.object.clone());
        let last = self.said.get(&key).map(|(_, last)| last);
        let is_nothing = match last {
            Some(last) if said.ends => last.ends,
            Some(last) => said.topic.lasts() && (last.reason, &last.note) == (said.reason, &said.note),
            None => said.ends,
        };
        if is_nothing {
            self.waiting.remove(&key);
        } else if self.waiting.len() < WAITING_MAX || self.waiting.contains_key(&key) {
            self.waiting.insert(key, said);
        }
    }

    /// Puts back what could not be said, unless there is a newer word.
    pub fn put_back(&mut self, said: Said) {
        let key = (said.topic, said.object.clone());
        self.said.remove(&key);
        self.waiting.entry(key).or_insert(said);
    }

    /// The next thing to say now, warnings first. It counts as said.
    pub fn take(&mut self, now: Instant) -> Option<Said> {
        let refills = now.duration_since(self.refilled).as_secs() / REFILL.as_secs();
        let refills = u32::try_from(refills).unwrap_or(BURST).min(BURST);
        self.room = (self.room + refills).min(BURST);
        self.refilled += REFILL * refills;
        if self.room == BURST {
            self.refilled = now;
        }
        let due = self.waiting.iter().filter(|(key, _)| self.room > 0 && self.due(key) <= Some(now));
        let key = due.min_by_key(|(_, said)| !said.is_warning).map(|(key, _)| key.clone())?;
        let said = self.waiting.remove(&key)?;
        self.room -= 1;
        if self.said.len() >= REMEMBERED_MAX {
            self.said.clear();
        }
        self.said.insert(key, (now, said.clone()));
        Some(said)
    }

    /// When there may be something to say, though nothing new comes.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        let first = self.waiting.keys().map(|key| self.due(key).unwrap_or(now)).min()?;
        let has_room = if self.room > 0 { now } else { self.refilled + REFILL };
        Some(first.max(has_room))
    }

    fn due(&self, key: &Key) -> Option<Instant> {
        self.said.get(key).map(|(at, _)| *at + APART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(object: &str, reason: &'static str, ends: bool) -> Said {
        let (topic, object) = (Topic::Conflict, Some(object.to_owned()));
        let (is_warning, action, note) = (!ends, "Merge", String::new());
        Said { topic, object, reason, is_warning, ends, action, note }
    }

    #[test]
    fn of_one_thing_only_the_last_word_is_said_and_not_too_often() {
        let start = Instant::now();
        let mut outbox = Outbox::new(start);
        outbox.put(said("a", "Conflict", false));
        assert_eq!(outbox.take(start).map(|said| said.reason), Some("Conflict"));
        outbox.put(said("a", "ConflictResolved", true));
        assert_eq!((outbox.take(start), outbox.next(start)), (None, Some(start + APART)));
        outbox.put(said("a", "Conflict", false));
        assert_eq!(outbox.next(start), None, "it is as it was said");
        outbox.put(said("a", "ConflictResolved", true));
        assert_eq!(outbox.take(start + APART).map(|said| said.reason), Some("ConflictResolved"));
        outbox.put(said("b", "ConflictResolved", true));
        assert_eq!(outbox.next(start), None, "nobody heard of the beginning");
    }

    #[test]
    fn everything_together_is_bounded() {
        let start = Instant::now();
        let mut outbox = Outbox::new(start);
        (0..1000).for_each(|number| outbox.put(said(&number.to_string(), "Conflict", false)));
        let burst = std::iter::from_fn(|| outbox.take(start)).count();
        assert_eq!(burst, usize::try_from(BURST).unwrap_or_default());
        assert_eq!(outbox.next(start), Some(start + REFILL));
        assert!(outbox.take(start + REFILL).is_some() && outbox.take(start + REFILL).is_none());
        let late = start + REFILL * 1000;
        assert_eq!(std::iter::from_fn(|| outbox.take(late)).count(), 25);
        assert!(outbox.waiting.len() < WAITING_MAX);
    }

    #[test]
    fn what_could_not_be_said_is_said_later() {
        let start = Instant::now();
        let mut outbox = Outbox::new(start);
        outbox.put(said("a", "Conflict", false));
        let first = outbox.take(start);
        outbox.put_back(said("a", "Conflict", false));
        assert_eq!(outbox.take(start), first);
    }
}
