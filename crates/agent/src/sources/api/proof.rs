//! Whether the API is the one that it was, where no watch says so.
//!
//! A watch may be resumed without a word, on an API that was restored from an older copy and has counted past where the watch
//! goes on: it says nothing of what is missing. So what was seen last is asked for, after a watch failed and now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt as _, pin_mut};
use kube::api::{WatchEvent, WatchParams};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::confirm::{ANSWER_LIMIT, QUIET};
use super::lock;
use super::pauses::share;
use super::store::{Key, Kind};
use super::version::number;
use super::watch::Watcher;

/// How often everything is looked into where no watch failed.
const APART: Duration = Duration::from_mins(30);
/// Over how long the agents of a cluster spread that after a watch failed.
const SPREAD: Duration = Duration::from_secs(20);
/// How soon it is looked again where something is not there, and where the API does not answer.
const AGAIN: [Duration; 2] = [Duration::from_secs(10), Duration::from_mins(1)];
/// How long the watch has to tell that somebody deleted what is not there, before the API is asked whether somebody did; and
/// before that needs no answer: longer than a watch stays that nothing comes through.
const WATCH_LIMITS: [Duration; 2] = [Duration::from_secs(30), Duration::from_mins(5)];
/// How long the API has to tell what happened to an object, in seconds.
const HISTORY_LIMIT: u32 = 5;

/// What is to be looked into, and by what.
#[derive(Debug)]
pub struct Proofs {
    /// Which of the agents of a cluster it is, of a thousand.
    share: u32,
    /// When each kind is looked into, of which the watch may have been broken off.
    due: BTreeMap<Kind, Instant>,
    /// When all are.
    all: Instant,
    /// What was not there, and since when.
    suspected: BTreeMap<Key, Instant>,
    /// What was deleted last of each kind, and at which number.
    deleted: BTreeMap<Kind, (String, u64)>,
    /// What was said last of why nothing can be compared.
    said: String,
}

impl Proofs {
    /// Of the agent of a node.
    pub fn new(node: &str, now: Instant) -> Self {
        let (share, all) = (share(node), now);
        let (due, suspected, deleted, said) = Default::default();
        let mut proofs = Self { share, due, all, suspected, deleted, said };
        proofs.all += proofs.apart();
        proofs
    }

    /// Not all agents of a cluster at once, which may have been started together.
    fn apart(&self) -> Duration {
        APART + APART / 4 * self.share / 1000
    }

    /// When something is to be looked into.
    pub fn next(&self) -> Instant {
        self.due.values().fold(self.all, |next, due| next.min(*due))
    }

    /// A watch failed. What broke off the first may have ended the others too: they are resumed without a word.
    pub fn note_failure(&mut self, kind: Kind, is_first: bool, now: Instant) {
        let due = now + QUIET + SPREAD * self.share / 1000;
        if is_first {
            for other in Kind::ALL {
                self.due.entry(other).or_insert(due);
            }
        }
        self.due.insert(kind, due);
    }

    /// A list shows everything by itself.
    pub fn note_list(&mut self, kind: Kind) {
        self.due.remove(&kind);
        self.suspected.retain(|(other, _), _| *other != kind);
    }

    /// An object is there.
    pub fn note_there(&mut self, kind: Kind, name: &str) {
        self.deleted.retain(|other, (gone, _)| *other != kind || gone != name);
        self.suspected.retain(|(other, suspected), _| *other != kind || suspected != name);
    }

    /// An object is gone, as of a number.
    pub fn note_deleted(&mut self, kind: Kind, name: String, version: Option<u64>) {
        self.note_there(kind, &name);
        if let Some(version) = version {
            self.deleted.insert(kind, (name, version));
        }
    }

    /// The kinds of which it is time.
    fn take_due(&mut self, now: Instant) -> Vec<Kind> {
        if self.all <= now {
            self.all = now + self.apart();
            self.due = Kind::ALL.map(|kind| (kind, now)).into();
        }
        let due: Vec<Kind> = self.due.iter().filter(|(_, due)| **due <= now).map(|(kind, _)| *kind).collect();
        self.due.retain(|kind, _| !due.contains(kind));
        due
    }
}

/// What an object says that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It is as it was, or newer.
    Fits,
    /// It is older than it was, or there again.
    Contradicts,
    /// It is not there.
    Missing,
}

impl Watcher {
    /// Looks whether what was seen last is still so, or newer. Where it is not, the API was restored from an older copy and has
    /// counted on since: everything is listed anew.
    pub(super) async fn prove(&mut self) {
        let mut kinds = self.proofs.take_due(Instant::now());
        // A list shows it by itself.
        kinds.retain(|kind| !self.listing.contains_key(kind));
        let counts = join_all(kinds.iter().map(|kind| self.count(*kind)));
        let witnesses: Vec<Witness> = kinds.iter().flat_map(|kind| self.witnesses(*kind)).collect();
        let found = join_all(witnesses.iter().map(|witness| self.ask(witness)));
        let (counts, found) = tokio::join!(counts, found);
        for (kind, count) in kinds.into_iter().zip(counts) {
            let found = witnesses.iter().zip(&found).filter(|(witness, _)| witness.kind == kind);
            let (found, why): (Vec<_>, Vec<_>) = found.partition(|(_, found)| found.is_ok());
            let why = why.into_iter().find_map(|(_, found)| found.as_ref().err()).cloned();
            let why = why.or_else(|| count.as_ref().err().cloned());
            if count.is_ok_and(|now| now.is_some_and(|now| self.is_behind(kind, now))) {
                continue;
            }
            let found =
                found.into_iter().filter_map(|(witness, found)| Some((witness, *found.as_ref().ok()?)));
            self.judge_kind(kind, found.collect()).await;
            if let Some(why) = why {
                self.proofs.due.insert(kind, Instant::now() + AGAIN[1]);
                if self.proofs.said != why {
                    info!(kind = kind.as_str(), "cannot be compared with what was seen before: {why}");
                    self.proofs.said = why;
                }
            }
        }
    }

    async fn judge_kind(&mut self, kind: Kind, found: Vec<(&Witness, Found)>) {
        for (witness, found) in found {
            let key = (kind, witness.name.clone());
            let is_restored = match found {
                Found::Fits => {
                    self.proofs.suspected.remove(&key);
                    false
                }
                Found::Contradicts => true,
                Found::Missing => {
                    self.proofs.due.insert(kind, Instant::now() + AGAIN[0]);
                    let since = self.proofs.suspected.entry(key).or_insert_with(Instant::now).elapsed();
                    since >= WATCH_LIMITS[0] && self.is_missing(witness, since).await
                }
            };
            if is_restored {
                let (kind, name) = (kind.as_str(), &witness.name);
                warn!(
                    kind,
                    name,
                    "is older than it was, or not there: the API seems to have been restored from an older copy, and everything is listed anew"
                );
                lock(&self.state).store.is_restored = true;
                self.is_to_list = true;
                return;
            }
        }
    }

    /// Whether nobody deleted an object that is not there for a while. Where somebody did, the watch is one that nothing comes
    /// through.
    async fn is_missing(&mut self, witness: &Witness, since: Duration) -> bool {
        match self.was_deleted(witness).await {
            Ok(true) => {
                let (kind, name) = (witness.kind.as_str(), &witness.name);
                info!(kind, name, "was deleted, which no watch told: everything is listed anew");
                self.is_to_list = true;
                false
            }
            Ok(false) => true,
            Err(why) => {
                info!(
                    kind = witness.kind.as_str(),
                    name = witness.name,
                    "what became of it is not known: {why}"
                );
                since >= WATCH_LIMITS[1]
            }
        }
    }

    /// Whether the API knows that an object was deleted since it was seen.
    async fn was_deleted(&self, witness: &Witness) -> Result<bool, String> {
        let one =
            WatchParams::default().fields(&format!("metadata.name={}", witness.name)).timeout(HISTORY_LIMIT);
        let history = async {
            let api = self.api(witness.kind);
            let events = api.watch_metadata(&one, &witness.version.to_string()).await;
            let events = events.map_err(|error| error.to_string())?;
            pin_mut!(events);
            while let Some(event) = events.next().await {
                match event.map_err(|error| error.to_string())? {
                    WatchEvent::Deleted(_) => return Ok(true),
                    WatchEvent::Error(status) => return Err(status.message),
                    _ => {}
                }
            }
            Ok(false)
        };
        timeout(ANSWER_LIMIT, history).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    /// What was written and what was deleted last of a kind.
    fn witnesses(&self, kind: Kind) -> Vec<Witness> {
        let written = lock(&self.state).store.written_last(kind);
        let written =
            written.into_iter().map(|(name, version)| Witness { kind, name, version, is_gone: false });
        let gone = self.proofs.deleted.get(&kind).cloned();
        let gone = gone.map(|(name, version)| Witness { kind, name, version, is_gone: true });
        written.chain(gone).collect()
    }

    async fn ask(&self, witness: &Witness) -> Result<Found, String> {
        let found = match timeout(ANSWER_LIMIT, self.api(witness.kind).get_metadata_opt(&witness.name)).await
        {
            Ok(found) => found.map_err(|error| error.to_string())?,
            Err(_) => return Err("no answer in time".to_owned()),
        };
        let Some(found) = found else {
            return Ok(if witness.is_gone { Found::Fits } else { Found::Missing });
        };
        let version = found.metadata.resource_version.as_deref().and_then(number);
        let is_older = version.is_some_and(|version| version < witness.version);
        Ok(if is_older { Found::Contradicts } else { Found::Fits })
    }
}

/// An object by which it is known whether the API is the one that it was.
#[derive(Clone, Debug)]
struct Witness {
    kind: Kind,
    name: String,
    /// The resource version that it had, or that its deletion has.
    version: u64,
    /// Whether it was deleted.
    is_gone: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_all_kinds_are_looked_into_once_it_is_quiet_and_later_all_together() {
        let start = Instant::now();
        let mut proofs = Proofs::new("n1", start);
        assert!(proofs.take_due(start).is_empty() && proofs.next() >= start + APART);
        proofs.note_failure(Kind::Secret, true, start);
        assert!((start + QUIET..=start + QUIET + SPREAD).contains(&proofs.next()));
        let later = start + QUIET + SPREAD;
        proofs.note_failure(Kind::Secret, false, later);
        proofs.note_list(Kind::Node);
        // Not what failed again, nor what was listed.
        assert_eq!(proofs.take_due(later), [Kind::Configuration, Kind::Daemon]);
        let later = start + APART * 5 / 4;
        assert_eq!(proofs.take_due(later), Kind::ALL);
        assert!(proofs.take_due(later).is_empty());
    }

    #[test]
    fn what_is_there_again_is_no_witness_that_it_is_gone() {
        let mut proofs = Proofs::new("n1", Instant::now());
        proofs.note_deleted(Kind::Secret, "a".to_owned(), Some(7));
        proofs.note_there(Kind::Secret, "b");
        assert_eq!(proofs.deleted.len(), 1);
        proofs.note_there(Kind::Secret, "a");
        assert!(proofs.deleted.is_empty());
    }
}
