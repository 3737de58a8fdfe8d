//! The one task that watches the API, and keeps the store.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{SelectAll, Stream, StreamExt, select_all};
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::confirm::AGAIN;
use super::doubt::{Ground, Since};
use super::memory::{Memory, MemoryFile};
use super::pauses::Pauses;
use super::proof::Proofs;
use super::store::{Key, Kind, Taken};
use super::version::{Version, number};
use super::{ApiOptions, State, Trouble, lock};
use crate::pause::NodePause;

/// The label by which objects for one node select it.
const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
/// On the Node: whenever its value changes, an operator accepts what the API says.
pub const ACCEPT_ANNOTATION: &str = "frrk8s.metallb.io/accept-withdrawals";
/// On the Node: until when the agent tells FRR nothing, and why.
pub const PAUSE_ANNOTATION: &str = "frrk8s.metallb.io/pause";
/// How often what is remembered is written to disk, where only the numbers of versions for other nodes have moved.
const NUMBERS_APART: Duration = Duration::from_mins(1);
/// The same for everything else.
const WRITES_APART: Duration = Duration::from_secs(1);

type Changes = Pin<Box<dyn Stream<Item = (Kind, watcher::Result<Event<DynamicObject>>)> + Send>>;

/// A list that is under way.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The names that it had so far.
    names: BTreeSet<String>,
    /// Whether what was never seen and is no newer than this had gone before.
    known_up_to: Option<u64>,
    /// Where the API counted to.
    counted: u64,
    /// What its objects stand on, where that could be looked at.
    ground: Option<Ground>,
}

/// What watches.
pub struct Watcher {
    pub(super) options: ApiOptions,
    pub(super) state: Arc<Mutex<State>>,
    pub(super) wake: Arc<Notify>,
    /// The lists that are under way, or about to begin.
    pub(super) listing: BTreeMap<Kind, Listing>,
    /// What objects are believed under, and whether it may be another one by now.
    pub(super) ground: Option<Ground>,
    /// Since when that is there, where this agent looked.
    pub(super) since: Option<Since>,
    pub(super) is_other_ground: bool,
    /// What the objects of each kind stood on when the list of them began that ended last.
    pub(super) listed_on: BTreeMap<Kind, Ground>,
    /// The other ground because of which everything was listed anew last, and when.
    pub(super) listed_anew: Option<(Ground, Instant)>,
    /// The highest resource version of each kind that was seen.
    pub(super) highest: BTreeMap<Kind, u64>,
    /// The same since the last list.
    pub(super) since_list: BTreeMap<Kind, u64>,
    /// When it was seen last where the API counts to.
    counted: BTreeMap<Kind, Instant>,
    /// How often each of what vanished was asked for in vain.
    pub(super) missed: BTreeMap<Key, u8>,
    pub(super) accepted: Option<String>,
    /// The Node that said so.
    node: Option<Version>,
    /// The versions of what was fetched, of which the watch may still have older ones to tell.
    pub(super) fetched: BTreeMap<Key, u64>,
    /// Whether an operator accepted something while nobody watched.
    pub(super) accepts: bool,
    /// When what is not believed is asked for again.
    pub(super) again: Option<Instant>,
    /// When it is looked whether the API answers again; and how long after the look before.
    pub(super) probe: Option<(Instant, Duration)>,
    /// Whether it is the one that it was.
    pub(super) proofs: Proofs,
    /// When the watch of each kind failed last.
    pub(super) failed: BTreeMap<Kind, Instant>,
    /// Whether all watches are to begin anew.
    pub(super) is_to_list: bool,
    file: MemoryFile,
    written: (Memory, Instant),
    /// When what is remembered is to be written.
    pub(super) write: Option<Instant>,
}

impl Watcher {
    pub fn new(options: ApiOptions, state: Arc<Mutex<State>>, wake: Arc<Notify>) -> Self {
        let (file, memory) = MemoryFile::open(&options.state);
        {
            let mut state = lock(&state);
            state.store.remember(memory.versions());
            state.store.choose_by(memory.labels.clone());
            state.store.is_restored = memory.is_restored;
            state.pause.clone_from(&memory.pause);
        }
        if memory.is_blank() && !options.known.is_empty() {
            warn!("what was seen of the API before is not known: it is believed as if for the first time");
        }
        let of_node = (Kind::Node, options.node.clone());
        let proofs = Proofs::new(&options.node, Instant::now());
        let node = memory.node.clone().or_else(|| memory.versions().remove(&of_node));
        Self {
            options,
            state,
            wake,
            listing: BTreeMap::new(),
            ground: memory.ground.clone(),
            since: None,
            is_other_ground: memory.ground.is_some(),
            listed_on: BTreeMap::new(),
            listed_anew: None,
            highest: memory.highest.clone(),
            since_list: BTreeMap::new(),
            counted: BTreeMap::new(),
            missed: BTreeMap::new(),
            accepted: memory.accepted.clone(),
            node,
            fetched: BTreeMap::new(),
            accepts: false,
            again: None,
            probe: None,
            proofs,
            failed: BTreeMap::new(),
            is_to_list: false,
            file,
            written: (memory, Instant::now()),
            write: None,
        }
    }

    /// Watches for ever.
    pub async fn run(mut self) {
        // Configurations are chosen by the node's labels, which are listed first.
        let mut changes: SelectAll<Changes> = select_all([self.changes(Kind::Node)]);
        let mut has_all = false;
        loop {
            if std::mem::take(&mut self.is_to_list) {
                changes = select_all(Kind::ALL.map(|kind| self.changes(kind)));
                self.listing = Kind::ALL.map(|kind| (kind, Listing::default())).into();
                has_all = true;
            }
            tokio::select! {
                Some((kind, change)) = changes.next() => match change {
                    Ok(event) => self.handle(kind, event).await,
                    Err(error) => self.note_trouble(kind, &error),
                },
                () = at(self.again) => {
                    self.again = None;
                    self.ask_again().await;
                }
                () = at(self.probe.map(|(at, _)| at)) => self.look_whether_it_answers().await,
                () = sleep_until(self.proofs.next()) => self.prove().await,
                () = at(self.write) => self.remember(),
            }
            if !has_all && lock(&self.state).listed.contains(&Kind::Node) {
                has_all = true;
                for kind in [Kind::Configuration, Kind::Daemon, Kind::Secret] {
                    changes.push(self.changes(kind));
                }
            }
            self.complete().await;
            self.settle().await;
        }
    }

    pub(super) fn api(&self, kind: Kind) -> Api<DynamicObject> {
        let (group, version) = match kind {
            Kind::Configuration | Kind::Daemon => (frrk8s_api::GROUP, frrk8s_api::VERSION),
            Kind::Secret | Kind::Node => ("", "v1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind.as_str()));
        match kind {
            Kind::Node => Api::all_with(self.options.client.clone(), &resource),
            _ => Api::namespaced_with(self.options.client.clone(), &self.options.namespace, &resource),
        }
    }

    /// Which objects of a kind there are to see.
    pub(super) fn fields(&self, kind: Kind) -> Option<String> {
        match kind {
            Kind::Node => Some(format!("metadata.name={}", self.options.node)),
            Kind::Secret => Some("type=kubernetes.io/basic-auth".to_owned()),
            Kind::Configuration | Kind::Daemon => None,
        }
    }

    fn changes(&self, kind: Kind) -> Changes {
        let config = watcher::Config { field_selector: self.fields(kind), ..watcher::Config::default() };
        let changes = watcher::watcher(self.api(kind), config).backoff(Pauses::new(&self.options.node));
        Box::pin(changes.map(move |change| (kind, change)))
    }

    async fn handle(&mut self, kind: Kind, event: Event<DynamicObject>) {
        match event {
            Event::Init => {
                // It says so before it asks anybody.
                self.begin_list(kind).await;
                return;
            }
            Event::InitApply(object) => {
                let listing = self.listing.entry(kind).or_default();
                listing.names.insert(name_of(&object));
                let up_to = listing.known_up_to.filter(|_| kind == Kind::Configuration);
                let version = object.metadata.resource_version.as_deref().and_then(number);
                let came_back = up_to.zip(version).is_some_and(|(up_to, version)| version <= up_to);
                let listing = self.listing.entry(kind).or_default();
                listing.counted = listing.counted.max(version.unwrap_or_default());
                self.apply(kind, &object, came_back);
            }
            Event::InitDone => self.end_list(kind),
            Event::Apply(object) => {
                self.note_number(kind, &object);
                if self.is_past(kind, &object) {
                    return;
                }
                if self.apply(kind, &object, false) != Taken::Same {
                    self.wake.notify_one();
                }
            }
            Event::Delete(object) => {
                self.note_number(kind, &object);
                let version = object.metadata.resource_version.as_deref().and_then(number);
                self.proofs.note_deleted(kind, name_of(&object), version);
                self.delete(kind, &object).await;
            }
        }
        self.note_recovery(kind);
        let soon = Instant::now() + WRITES_APART;
        self.write = Some(self.write.map_or(soon, |at| at.min(soon)));
    }

    /// Whether it was fetched in a newer version since.
    fn is_past(&mut self, kind: Kind, object: &DynamicObject) -> bool {
        let key = (kind, name_of(object));
        let version = object.metadata.resource_version.as_deref().and_then(number);
        let is_past =
            self.fetched.get(&key).zip(version).is_some_and(|(fetched, version)| version < *fetched);
        if !is_past {
            self.fetched.remove(&key);
        }
        is_past
    }

    /// Takes in an object that was fetched.
    pub(super) fn apply_fetched(&mut self, kind: Kind, object: &DynamicObject) -> Taken {
        if let Some(version) = object.metadata.resource_version.as_deref().and_then(number) {
            self.fetched.insert((kind, name_of(object)), version);
        }
        self.apply(kind, object, false)
    }

    /// Takes in an object.
    pub(super) fn apply(&mut self, kind: Kind, object: &DynamicObject, came_back: bool) -> Taken {
        self.missed.remove(&(kind, name_of(object)));
        self.proofs.note_there(kind, &name_of(object));
        let value = value_of(object);
        let taken = lock(&self.state).store.apply(kind, &value, came_back);
        if taken == Taken::Doubted {
            let (kind, name) = (kind.as_str(), name_of(object));
            warn!(kind, name, "is not believed to be as the API has it: it seems to have been restored");
        }
        if kind == Kind::Node {
            if lock(&self.state).store.is_believed_of(kind) {
                self.choose_by(object.metadata.labels.clone().unwrap_or_default());
            }
            self.note_annotations(object, &value);
        }
        taken
    }

    fn note_number(&mut self, kind: Kind, object: &DynamicObject) {
        let version = object.metadata.resource_version.as_deref().and_then(number).unwrap_or_default();
        self.count_up(kind, version);
    }

    /// Only what the watch has come to: whatever there was up to it was seen.
    fn count_up(&mut self, kind: Kind, number: u64) {
        self.counted.insert(kind, Instant::now());
        for counts in [&mut self.highest, &mut self.since_list] {
            let count = counts.entry(kind).or_default();
            *count = number.max(*count);
        }
    }

    fn note_annotations(&mut self, node: &DynamicObject, value: &Value) {
        let annotation = |name| node.metadata.annotations.as_ref().and_then(|all| all.get(name)).cloned();
        self.note_pause(annotation(PAUSE_ANNOTATION));
        let accepted = annotation(ACCEPT_ANNOTATION);
        let is_first = !lock(&self.state).listed.contains(&Kind::Node) && self.written.0.is_blank();
        let now = Version::of(value, "");
        // A Node that was restored says what an operator meant long ago.
        let is_older = self.node.as_ref().is_some_and(|before| now.is_older_than(before));
        self.node = Some(now);
        if std::mem::replace(&mut self.accepted, accepted.clone()) != accepted {
            self.accepts = !is_first && !is_older && accepted.is_some();
            if is_older && accepted.is_some() {
                info!(
                    "{ACCEPT_ANNOTATION} has another value on a Node that is older than it was: it accepts nothing"
                );
            }
        }
    }

    fn note_pause(&self, text: Option<String>) {
        let mut state = lock(&self.state);
        let before = state.pause.take();
        let pause = text.map(|text| NodePause::judge(text, before.as_ref(), Timestamp::now()));
        let is_new = pause != before;
        state.pause = pause;
        drop(state);
        if is_new {
            self.wake.notify_one();
        }
    }

    pub(super) fn choose_by(&self, mut labels: BTreeMap<String, String>) {
        labels.extend(self.options.labels.iter().cloned());
        lock(&self.state).store.choose_by(labels);
    }

    /// A list begins. What it has and does not have is judged by whether the API counts back.
    async fn begin_list(&mut self, kind: Kind) {
        self.proofs.note_list(kind);
        let before = self.highest.get(&kind).copied().unwrap_or_default();
        let (now, ground) = tokio::join!(self.count(kind), self.ground_now());
        let now = now.ok().flatten();
        let counts_back = now.is_some_and(|now| now < before);
        let elapsed = self.counted.get(&kind).map(Instant::elapsed);
        let jumps = now.zip(elapsed).is_some_and(|(now, elapsed)| jumps(before, now, elapsed));
        // The node's own object stands on no namespace.
        let ground = ground.ok().map(|(ground, _)| ground).filter(|_| kind != Kind::Node);
        if kind != Kind::Node && ground != self.ground {
            self.is_other_ground = true;
        }
        // What is there in a cluster that was made anew did not come back.
        let is_made_anew = ground.is_some() && self.ground.is_some() && ground != self.ground;
        let mut state = lock(&self.state);
        if counts_back || jumps {
            let (kind, now) = (kind.as_str(), now.unwrap_or_default());
            warn!(
                kind,
                now,
                before,
                "the API counts back, or as far ahead as nobody writes: it seems to have been restored from an older copy"
            );
            state.store.is_restored = true;
        }
        let knows_all = state.listed.contains(&kind) || state.store.is_restored;
        drop(state);
        let can_be_back = knows_all && before > 0 && !is_made_anew;
        let known_up_to = can_be_back.then_some(before);
        let counted = now.unwrap_or_default();
        self.listing.insert(kind, Listing { names: BTreeSet::new(), known_up_to, counted, ground });
    }

    fn end_list(&mut self, kind: Kind) {
        let Listing { names: listed, counted, ground, .. } = self.listing.remove(&kind).unwrap_or_default();
        match ground {
            Some(ground) => drop(self.listed_on.insert(kind, ground)),
            None => drop(self.listed_on.remove(&kind)),
        }
        self.since_list.remove(&kind);
        self.fetched.retain(|(other, _), _| *other != kind);
        self.count_up(kind, counted);
        let mut state = lock(&self.state);
        let is_first = state.listed.insert(kind);
        let mut before = state.store.names(kind);
        if is_first && kind == Kind::Configuration {
            before.extend(self.options.known.iter().cloned());
        }
        let vanished: Vec<&String> = before.difference(&listed).collect();
        for name in &vanished {
            state.store.doubt(kind, name, "it vanished while nobody watched, and is asked for again");
        }
        let labels = state.store.labels().clone();
        drop(state);
        if is_first && kind == Kind::Node && listed.is_empty() && labels.is_empty() {
            self.choose_by([(HOSTNAME_LABEL.to_owned(), self.options.node.clone())].into());
        }
        if !vanished.is_empty() {
            self.again.get_or_insert(Instant::now() + AGAIN);
        }
        self.wake.notify_one();
    }

    /// Fetches what counts and is not kept: configurations that a new label selects, Secrets that a new object names.
    async fn complete(&mut self) {
        let incomplete = {
            let state = lock(&self.state);
            if state.has_all() { state.store.incomplete() } else { Vec::new() }
        };
        for (kind, name) in incomplete {
            match self.get(kind, &name).await {
                Ok(Some(object)) => drop(self.apply_fetched(kind, &object)),
                Ok(None) => {
                    lock(&self.state).store.doubt(kind, &name, "it is not there although it was listed");
                    self.again.get_or_insert(Instant::now() + AGAIN);
                }
                Err(why) => {
                    warn!(kind = kind.as_str(), name, "cannot be fetched: {why}");
                    self.again.get_or_insert(Instant::now() + AGAIN);
                }
            }
            self.wake.notify_one();
        }
    }

    fn note_trouble(&mut self, kind: Kind, error: &watcher::Error) {
        let message = crate::report::with_sources(error);
        let mut state = lock(&self.state);
        let is_new = state.trouble.get(&kind).is_none_or(|trouble| trouble.message != message);
        let since = state.trouble.get(&kind).map_or_else(Timestamp::now, |trouble| trouble.since);
        if is_new {
            warn!(kind = kind.as_str(), "cannot be watched: {message}");
        }
        state.trouble.insert(kind, Trouble { since, message });
        drop(state);
        self.note_failure(kind);
        if is_new {
            self.wake.notify_one();
        }
    }

    /// Its watch works.
    pub(super) fn note_recovery(&mut self, kind: Kind) {
        if lock(&self.state).trouble.remove(&kind).is_some() {
            info!(kind = kind.as_str(), "the API can be watched again");
            self.is_other_ground = true;
            self.wake.notify_one();
        }
    }

    /// What is to be remembered.
    fn memory(&self) -> Option<Memory> {
        let state = lock(&self.state);
        if !state.has_all() {
            // What was remembered before is not all taken in yet.
            return None;
        }
        let mut memory = Memory {
            ground: self.ground.clone(),
            highest: self.highest.clone(),
            labels: state.store.labels().clone(),
            is_restored: state.store.is_restored,
            // What is accepted is not done yet: another agent is to do it.
            accepted: if self.accepts { self.written.0.accepted.clone() } else { self.accepted.clone() },
            node: self.node.clone(),
            pause: state.pause.clone(),
            ..self.written.0.clone()
        };
        memory.set_versions(state.store.versions());
        Some(memory)
    }

    fn remember(&mut self) {
        self.write = None;
        let Some(memory) = self.memory() else { return };
        let (before, at) = &self.written;
        let numbers_apart = Memory { highest: before.highest.clone(), ..memory.clone() };
        if numbers_apart == *before && at.elapsed() < NUMBERS_APART {
            self.write = (memory != *before).then(|| *at + NUMBERS_APART);
            return;
        }
        if let Err(error) = self.file.keep(memory.clone()) {
            warn!("what was seen of the API cannot be kept on disk: {error}");
            self.write = Some(Instant::now() + NUMBERS_APART);
            return;
        }
        self.written = (memory, Instant::now());
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Whether the API counts farther ahead than anybody can have written since: whoever restores an etcd as its authors recommend
/// lets it count from far ahead.
fn jumps(before: u64, now: u64, elapsed: Duration) -> bool {
    const AT_ONCE: u64 = 100_000_000;
    const A_SECOND: u64 = 50_000;
    before > 0
        && now.saturating_sub(before) > AT_ONCE.saturating_add(elapsed.as_secs().saturating_mul(A_SECOND))
}

/// What was decoded can be encoded.
pub(super) fn value_of(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

pub(super) fn name_of(object: &DynamicObject) -> String {
    object.metadata.name.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etcd_that_was_restored_to_count_from_far_ahead_is_known_by_that() {
        let [minute, week] = [60, 7 * 24 * 3600].map(Duration::from_secs);
        assert!(jumps(500, 1_000_000_400, minute));
        assert!(!jumps(500, 3_000_000, minute), "busy");
        assert!(!jumps(500, 1_000_000_400, week), "not seen for long");
        assert!(
            !jumps(0, 1_000_000_400, minute) && !jumps(500, 400, minute),
            "nothing seen before, or counted back"
        );
    }
}
