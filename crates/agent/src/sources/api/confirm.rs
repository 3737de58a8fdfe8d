//! What is not believed is looked into, until it is clear or somebody says how it is to be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{DynamicObject, ListParams};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::doubt::{Ground, Since, ground};
use super::lock;
use super::store::{Key, Kind, Taken};
use super::version::number;
use super::watch::{ACCEPT_ANNOTATION, Watcher, name_of, value_of};

/// How soon what vanished is asked for again, and what could not be fetched.
pub const AGAIN: Duration = Duration::from_secs(2);
/// The same where only somebody can say how it is to be.
const AGAIN_LATER: Duration = Duration::from_secs(30);
/// How often something that vanished must not be there before that is believed.
const CONFIRMATIONS: u8 = 2;
/// How soon it is looked whether an API that failed answers again, at the least and at the most.
const PROBES_APART: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(15)];
/// A watch that did not fail for so long, and of an API that answers, works: longer than it waits between two tries.
pub const QUIET: Duration = Duration::from_secs(12);
/// How long the API may take for an answer.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(10);

impl Watcher {
    /// Where the API counts to, by a list of one object. `None` where it does not count in numbers.
    pub(super) async fn count(&self, kind: Kind) -> Result<Option<u64>, String> {
        let mut one = ListParams::default().limit(1);
        one.field_selector = self.fields(kind);
        let api = self.api(kind);
        match timeout(ANSWER_LIMIT, api.list_metadata(&one)).await {
            Ok(Ok(list)) => Ok(list.metadata.resource_version.as_deref().and_then(number)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    pub(super) fn note_failure(&mut self, kind: Kind) {
        let now = Instant::now();
        self.proofs.note_failure(kind, self.is_quiet(kind), now);
        self.failed.insert(kind, now);
        self.probe.get_or_insert((Instant::now() + PROBES_APART[0], PROBES_APART[0]));
    }

    /// A watch that is resumed says nothing until something changes; and one that is resumed at a number that the API has yet to
    /// reach says nothing at all.
    pub(super) async fn look_whether_it_answers(&mut self) {
        let troubled: Vec<Kind> = lock(&self.state).trouble.keys().copied().collect();
        let apart = self.probe.take().map_or(PROBES_APART[0], |(_, apart)| apart);
        for kind in troubled {
            match self.count(kind).await {
                Ok(Some(now)) if self.is_behind(kind, now) => {}
                Ok(_) if self.is_quiet(kind) => self.note_recovery(kind),
                _ => {}
            }
        }
        if !lock(&self.state).trouble.is_empty() {
            let apart = (apart * 2).min(PROBES_APART[1]);
            self.probe = Some((Instant::now() + apart, apart));
        }
    }

    /// Whether the watch of a kind did not fail for a while.
    fn is_quiet(&self, kind: Kind) -> bool {
        self.failed.get(&kind).is_none_or(|at| at.elapsed() >= QUIET)
    }

    /// Whether the watch of a kind waits for a number that the API has yet to reach: then everything is listed anew.
    pub(super) fn is_behind(&mut self, kind: Kind, now: u64) -> bool {
        let of = |counts: &BTreeMap<Kind, u64>| counts.get(&kind).copied().unwrap_or_default();
        if now < of(&self.highest) {
            lock(&self.state).store.is_restored = true;
        }
        // A list that is under way begins where the API is.
        let is_behind = now < of(&self.since_list) && !self.listing.contains_key(&kind);
        if is_behind {
            info!(kind = kind.as_str(), now, "the API counts back: everything is listed anew");
            self.is_to_list = true;
        }
        is_behind
    }

    /// Somebody deleted an object, or something took it along.
    pub(super) async fn delete(&mut self, kind: Kind, object: &DynamicObject) {
        let name = name_of(object);
        if lock(&self.state).store.is_for_others(kind, &name) {
            lock(&self.state).store.remove(kind, &name);
            self.wake.notify_one();
            return;
        }
        let created = object.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let deleted = object.metadata.resource_version.as_deref().and_then(number);
        // The node's own object stands on no namespace.
        let stands = match kind {
            Kind::Node => Ok(()),
            _ => self.other_ground().await.and_then(|other| took_nothing_along(other, created, deleted)),
        };
        let mut state = lock(&self.state);
        match stands {
            Ok(()) => state.store.remove(kind, &name),
            Err(why) => {
                warn!(kind = kind.as_str(), name, why, "not believed to be gone");
                state.store.doubt(kind, &name, &why);
                self.again.get_or_insert(Instant::now() + AGAIN);
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Since when the ground is another one than that which objects were believed under; `None` where it is that one.
    async fn other_ground(&mut self) -> Result<Option<Since>, String> {
        // What cannot be looked at may be another one afterwards.
        self.is_other_ground = true;
        let (now, since) = self.ground_now().await?;
        let before = self.ground.get_or_insert_with(|| now.clone());
        self.is_other_ground = *before != now;
        if !self.is_other_ground {
            self.since = Some(since);
            return Ok(None);
        }
        match self.since {
            Some(before) if since.is_after(&before) => Ok(Some(since)),
            Some(_) => {
                warn!(
                    "the namespace or the CRD is an older one: the API seems to have been restored from an older copy"
                );
                lock(&self.state).store.is_restored = true;
                Ok(Some(Since::default()))
            }
            // Nothing is known to stand on it only.
            None => Ok(Some(Since::default())),
        }
    }

    pub(super) async fn ground_now(&self) -> Result<(Ground, Since), String> {
        let asked = timeout(ANSWER_LIMIT, ground(&self.options.client, &self.options.namespace));
        asked
            .await
            .unwrap_or_else(|_| Err("the namespace and the CRD cannot be looked at in time".to_owned()))
    }

    /// Asks for what is not believed. What is missing is gone when it is so twice, and nothing else explains it.
    pub(super) async fn ask_again(&mut self) {
        let doubted = lock(&self.state).store.doubted();
        if doubted.is_empty() {
            return;
        }
        let other = self.takes_away().await;
        let mut is_clear = true;
        for key in doubted {
            let (created, seen) = lock(&self.state).store.stood(&key);
            let stands = other.clone().and_then(|other| took_nothing_along(other, created, seen));
            is_clear &= stands.is_ok();
            self.look_into(key, &stands).await;
        }
        let apart = if is_clear { AGAIN } else { AGAIN_LATER };
        self.again = Some(Instant::now() + apart);
    }

    /// Whether what the API does not have is what somebody took away, or why that is not known; and since when the ground is
    /// another one, which may have taken it along.
    async fn takes_away(&mut self) -> Result<Option<Since>, String> {
        let other = self.other_ground().await?;
        let kinds: BTreeSet<Kind> =
            lock(&self.state).store.doubted().into_iter().map(|(kind, _)| kind).collect();
        for kind in kinds {
            let now = self.count(kind).await;
            let now = now.map_err(|why| format!("where the API counts to cannot be looked at: {why}"))?;
            if let Some(now) = now {
                self.is_behind(kind, now);
            }
        }
        if lock(&self.state).store.is_restored {
            return Err(format!(
                "the API seems to have been restored from an older copy, which does not have it; the annotation {ACCEPT_ANNOTATION} on the Node accepts what is gone"
            ));
        }
        Ok(other)
    }

    /// An object as it is now, if it is there.
    pub(super) async fn get(&self, kind: Kind, name: &str) -> Result<Option<DynamicObject>, String> {
        match timeout(ANSWER_LIMIT, self.api(kind).get_opt(name)).await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    async fn look_into(&mut self, (kind, name): Key, stands: &Result<(), String>) {
        match self.get(kind, &name).await {
            Ok(Some(object)) => {
                if self.apply_fetched(kind, &object) == Taken::Same {
                    return;
                }
            }
            Ok(None) => {
                let missed = self.missed.entry((kind, name.clone())).or_default();
                *missed = missed.saturating_add(1);
                let is_gone = *missed >= CONFIRMATIONS;
                match stands {
                    Err(why) if kind != Kind::Node => {
                        // It counts only where nothing else explains it.
                        self.missed.remove(&(kind, name.clone()));
                        lock(&self.state).store.doubt(kind, &name, why);
                    }
                    _ if is_gone => {
                        info!(kind = kind.as_str(), name, "is gone");
                        self.missed.remove(&(kind, name.clone()));
                        lock(&self.state).store.remove(kind, &name);
                    }
                    _ => return,
                }
            }
            Err(why) => {
                let why = format!("it is not there, or cannot be asked for: {why}");
                lock(&self.state).store.doubt(kind, &name, &why);
            }
        }
        self.wake.notify_one();
    }

    /// Where everything is clear, what is there is what things are judged by from now on.
    pub(super) async fn settle(&mut self) {
        if !self.is_at_rest() {
            return;
        }
        if std::mem::take(&mut self.accepts) {
            self.accept_all().await;
            // An agent that starts now does not accept it once more.
            self.write = Some(Instant::now());
        }
        if !lock(&self.state).store.is_believed() || !self.takes_ground().await {
            return;
        }
        if std::mem::take(&mut lock(&self.state).store.is_restored) {
            // From now on the API counts from where it is.
            self.highest.clone_from(&self.since_list);
        }
    }

    /// Whether all watches work and no list is under way, which may lack something, or have it in an older version.
    fn is_at_rest(&self) -> bool {
        let state = lock(&self.state);
        state.has_all() && state.trouble.is_empty() && self.listing.is_empty() && !self.is_to_list
    }

    /// Whether the ground is known to be the one that objects are judged by. Another one takes its place only after everything was
    /// listed on it, and so judged by the one before.
    async fn takes_ground(&mut self) -> bool {
        if self.ground.is_some() && !self.is_other_ground {
            return true;
        }
        let Ok((now, since)) = self.ground_now().await else { return false };
        let is_same = self.ground.as_ref().is_none_or(|before| *before == now);
        let on = [Kind::Configuration, Kind::Daemon, Kind::Secret].map(|kind| self.listed_on.get(&kind));
        if is_same || on.iter().all(|on| *on == Some(&now)) {
            (self.ground, self.since, self.is_other_ground) = (Some(now), Some(since), false);
            return true;
        }
        let is_new = self.listed_anew.as_ref().is_none_or(|(on, at)| *on != now || at.elapsed() >= AGAIN);
        if is_new {
            info!("the namespace or the CRD was made again: everything is listed anew");
            self.listed_anew = Some((now, Instant::now()));
            self.is_to_list = true;
        } else {
            self.again.get_or_insert(Instant::now() + AGAIN);
        }
        false
    }

    /// An operator says that everything is to be as the API has it.
    async fn accept_all(&mut self) {
        let doubted = lock(&self.state).store.doubted();
        for (kind, name) in doubted {
            let found = self.get(kind, &name).await;
            let mut state = lock(&self.state);
            match found {
                Ok(Some(object)) => {
                    info!(kind = kind.as_str(), name, "an operator accepts it as the API has it");
                    state.store.believe(kind, &value_of(&object));
                    drop(state);
                    if kind == Kind::Node {
                        self.choose_by(object.metadata.labels.clone().unwrap_or_default());
                    }
                }
                Ok(None) => {
                    info!(kind = kind.as_str(), name, "an operator accepts that it is gone");
                    state.store.remove(kind, &name);
                }
                Err(why) => {
                    warn!(kind = kind.as_str(), name, "cannot be asked for, and is accepted later: {why}");
                    self.accepts = true;
                }
            }
        }
        self.missed.clear();
        self.ground = None;
        self.wake.notify_one();
    }
}

/// Whether an object that stood on another ground since is not one that the ground before took along, by when it was created and
/// the resource version that it had, or that its deletion has.
fn took_nothing_along(
    other: Option<Since>,
    created: Option<Timestamp>,
    version: Option<u64>,
) -> Result<(), String> {
    if other.is_none_or(|since| since.is_before(created, version)) {
        return Ok(());
    }
    Err(format!(
        "the namespace or the CRD was made again; the annotation {ACCEPT_ANNOTATION} on the Node accepts what is gone"
    ))
}
