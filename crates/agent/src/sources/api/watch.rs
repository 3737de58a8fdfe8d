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
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::doubt::{Ground, ground};
use super::store::Kind;
use super::{ApiOptions, State, Trouble, lock};

/// The label by which objects for one node select it.
const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
/// On the Node: whenever its value changes, an operator accepts that what vanished is gone.
const ACCEPT_ANNOTATION: &str = "frrk8s.metallb.io/accept-withdrawals";
/// How soon what vanished is asked for again, and what could not be fetched.
const AGAIN: Duration = Duration::from_secs(2);
/// How often something that vanished must not be there before that is believed.
const CONFIRMATIONS: u8 = 2;

type Changes = Pin<Box<dyn Stream<Item = (Kind, watcher::Result<Event<DynamicObject>>)> + Send>>;

/// What watches.
pub struct Watcher {
    options: ApiOptions,
    state: Arc<Mutex<State>>,
    wake: Arc<Notify>,
    /// The names that a list that is under way had so far.
    listing: BTreeMap<Kind, BTreeSet<String>>,
    ground: Option<Ground>,
    /// How often each of what vanished was asked for in vain.
    missed: BTreeMap<(Kind, String), u8>,
    accepted: Option<String>,
    again: Option<Instant>,
}

impl Watcher {
    pub fn new(options: ApiOptions, state: Arc<Mutex<State>>, wake: Arc<Notify>) -> Self {
        let (listing, missed) = (BTreeMap::new(), BTreeMap::new());
        Self { options, state, wake, listing, ground: None, missed, accepted: None, again: None }
    }

    /// Watches for ever.
    pub async fn run(mut self) {
        // Configurations are chosen by the node's labels, which are listed first.
        let mut changes: SelectAll<Changes> = select_all([self.changes(Kind::Node)]);
        let mut has_all = false;
        loop {
            let again = self.again;
            let timer = async {
                match again {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((kind, change)) = changes.next() => match change {
                    Ok(event) => self.handle(kind, event).await,
                    Err(error) => self.note_trouble(kind, &error),
                },
                () = timer => {
                    self.again = None;
                    self.ask_again().await;
                }
            }
            if !has_all && lock(&self.state).listed.contains(&Kind::Node) {
                has_all = true;
                for kind in [Kind::Configuration, Kind::Daemon, Kind::Secret] {
                    changes.push(self.changes(kind));
                }
            }
            self.complete().await;
        }
    }

    fn api(&self, kind: Kind) -> Api<DynamicObject> {
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

    fn changes(&self, kind: Kind) -> Changes {
        let config = watcher::Config::default();
        let config = match kind {
            Kind::Node => config.fields(&format!("metadata.name={}", self.options.node)),
            Kind::Secret => config.fields("type=kubernetes.io/basic-auth"),
            Kind::Configuration | Kind::Daemon => config,
        };
        let changes = watcher::watcher(self.api(kind), config).default_backoff();
        Box::pin(changes.map(move |change| (kind, change)))
    }

    async fn handle(&mut self, kind: Kind, event: Event<DynamicObject>) {
        match event {
            Event::Init => {
                self.listing.insert(kind, BTreeSet::new());
            }
            Event::InitApply(object) => {
                self.listing.entry(kind).or_default().insert(name_of(&object));
                self.apply(kind, &object);
            }
            Event::InitDone => self.end_list(kind),
            Event::Apply(object) => {
                if self.apply(kind, &object) {
                    self.wake.notify_one();
                }
            }
            Event::Delete(object) => self.delete(kind, &name_of(&object)).await,
        }
        if lock(&self.state).trouble.remove(&kind).is_some() {
            info!(kind = kind.as_str(), "the API can be watched again");
            self.wake.notify_one();
        }
    }

    /// Takes in an object. Whether anything is different for the node.
    fn apply(&mut self, kind: Kind, object: &DynamicObject) -> bool {
        self.missed.remove(&(kind, name_of(object)));
        if kind == Kind::Node {
            self.note_node(object);
        }
        // What was decoded can be encoded.
        let value = serde_json::to_value(object).unwrap_or_default();
        lock(&self.state).store.apply(kind, &value)
    }

    fn note_node(&mut self, node: &DynamicObject) {
        self.choose_by(node.metadata.labels.clone().unwrap_or_default());
        let accepted = node.metadata.annotations.as_ref().and_then(|all| all.get(ACCEPT_ANNOTATION)).cloned();
        let is_first = !lock(&self.state).listed.contains(&Kind::Node);
        if std::mem::replace(&mut self.accepted, accepted.clone()) != accepted
            && !is_first
            && accepted.is_some()
        {
            self.accept_all();
        }
    }

    fn choose_by(&self, mut labels: BTreeMap<String, String>) {
        labels.extend(self.options.labels.iter().cloned());
        lock(&self.state).store.choose_by(labels);
    }

    /// An operator says that what vanished is gone.
    fn accept_all(&mut self) {
        let mut state = lock(&self.state);
        let doubted: Vec<(Kind, String)> =
            state.store.doubted().map(|(kind, name, _)| (kind, name.to_owned())).collect();
        for (kind, name) in doubted {
            info!(kind = kind.as_str(), name, "an operator accepts that it is gone");
            state.store.remove(kind, &name);
        }
        drop(state);
        self.missed.clear();
        self.ground = None;
        self.wake.notify_one();
    }

    fn end_list(&mut self, kind: Kind) {
        let listed = self.listing.remove(&kind).unwrap_or_default();
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
        if is_first && kind == Kind::Node && listed.is_empty() {
            drop(state);
            self.choose_by([(HOSTNAME_LABEL.to_owned(), self.options.node.clone())].into());
        } else {
            drop(state);
        }
        if !vanished.is_empty() {
            self.again.get_or_insert(Instant::now() + AGAIN);
        }
        self.wake.notify_one();
    }

    async fn delete(&mut self, kind: Kind, name: &str) {
        // The node's own object stands on no namespace.
        let why = if kind == Kind::Node { Ok(()) } else { self.stand().await };
        let mut state = lock(&self.state);
        match why {
            Ok(()) => state.store.remove(kind, name),
            Err(why) => {
                warn!(kind = kind.as_str(), name, why, "not believed to be gone");
                state.store.doubt(kind, name, &why);
                self.again.get_or_insert(Instant::now() + AGAIN);
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Whether objects stand on the same ground as ever.
    async fn stand(&mut self) -> Result<(), String> {
        let now = ground(&self.options.client, &self.options.namespace).await?;
        let before = self.ground.get_or_insert_with(|| now.clone());
        if *before == now {
            return Ok(());
        }
        Err(format!(
            "the namespace or the CRD was made again; the annotation {ACCEPT_ANNOTATION} on the Node accepts what is gone"
        ))
    }

    /// Asks for what vanished, and believes that it is gone when it is so twice.
    async fn ask_again(&mut self) {
        let doubted: Vec<(Kind, String)> = {
            let state = lock(&self.state);
            state.store.doubted().map(|(kind, name, _)| (kind, name.to_owned())).collect()
        };
        if doubted.is_empty() {
            return;
        }
        self.again = Some(Instant::now() + AGAIN);
        let stands = self.stand().await;
        for (kind, name) in doubted {
            let found = match &stands {
                Err(why) if kind != Kind::Node => Err(why.clone()),
                _ => self.api(kind).get_opt(&name).await.map_err(|error| error.to_string()),
            };
            match found {
                Ok(Some(object)) => drop(self.apply(kind, &object)),
                Ok(None) => {
                    let missed = self.missed.entry((kind, name.clone())).or_default();
                    *missed += 1;
                    if *missed >= CONFIRMATIONS {
                        self.missed.remove(&(kind, name.clone()));
                        lock(&self.state).store.remove(kind, &name);
                    }
                }
                Err(why) => lock(&self.state).store.doubt(kind, &name, &why),
            }
        }
        self.wake.notify_one();
    }

    /// Fetches what counts and is not kept: configurations that a new label selects, Secrets that a new object names.
    async fn complete(&mut self) {
        let incomplete = {
            let state = lock(&self.state);
            if Kind::ALL.iter().all(|kind| state.listed.contains(kind)) {
                state.store.incomplete()
            } else {
                Vec::new()
            }
        };
        for (kind, name) in incomplete {
            match self.api(kind).get_opt(&name).await {
                Ok(Some(object)) => drop(self.apply(kind, &object)),
                Ok(None) => {
                    lock(&self.state).store.doubt(kind, &name, "it is not there although it was listed");
                    self.again.get_or_insert(Instant::now() + AGAIN);
                }
                Err(error) => {
                    warn!(kind = kind.as_str(), name, "cannot be fetched: {error}");
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
        if is_new {
            self.wake.notify_one();
        }
    }
}

fn name_of(object: &DynamicObject) -> String {
    object.metadata.name.clone().unwrap_or_default()
}
