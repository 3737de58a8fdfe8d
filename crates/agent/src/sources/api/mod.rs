//! The Kubernetes API as a source: what it has is watched, and what it takes away is not always believed.
//!
//! ```text
//! watches ─► one task: Store (pure), doubts about what vanished ─► texts, when a pass asks for them
//! ```
//!
//! Invariants:
//! * Until everything was listed once, and while something that counts is still to be fetched, nothing is said.
//! * What is gone is believed when somebody deleted it, in a namespace and under a CRD that are to stay.
//! * What is older than it was is not believed, unless somebody writes it.
//! * An API that cannot be reached takes nothing away.

mod access;
mod confirm;
mod doubt;
mod memory;
mod pauses;
mod proof;
mod store;
mod version;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use frrk8s_intake::Input;
use jiff::Timestamp;
use kube::Client;
use serde::Serialize;
use tokio::sync::Notify;

pub use access::{AccessError, ApiAccess};
use store::{Kind, Store};
pub use watch::PAUSE_ANNOTATION;
use watch::Watcher;

use crate::pause::NodePause;

/// Which API, and what of it.
#[derive(Clone)]
pub struct ApiOptions {
    /// The way to it.
    pub client: Client,
    /// The namespace of the daemon.
    pub namespace: String,
    /// The name of the node.
    pub node: String,
    /// Labels of the node beside those of its object.
    pub labels: Vec<(String, String)>,
    /// The names of the objects of the API that were in force when the agent ended.
    pub known: BTreeSet<String>,
    /// The directory for what is kept.
    pub state: PathBuf,
}

impl fmt::Debug for ApiOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiOptions")
            .field("namespace", &self.namespace)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// Why the API says nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiError {
    /// It was not listed yet.
    #[error("the {kind} objects of the API are not known yet{}", .trouble.as_deref().map(|trouble| format!(": {trouble}")).unwrap_or_default())]
    Unlisted {
        /// What is missing.
        kind: &'static str,
        /// What is in the way.
        trouble: Option<String>,
    },
    /// An object that counts is still to be fetched.
    #[error("the {kind} {name} is not fetched yet")]
    Unfetched {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

impl ApiError {
    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unlisted { .. } | Self::Unfetched { .. } => "ApiUnlisted",
        }
    }
}

/// Since when the API cannot be watched, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub message: String,
}

/// What the task and the passes share.
#[derive(Debug, Default)]
struct State {
    store: Store,
    listed: BTreeSet<Kind>,
    trouble: BTreeMap<Kind, Trouble>,
    /// What the Node says of a pause.
    pause: Option<NodePause>,
}

impl State {
    /// Whether everything was listed once.
    fn has_all(&self) -> bool {
        Kind::ALL.iter().all(|kind| self.listed.contains(kind))
    }
}

/// The API as a source.
#[derive(Debug)]
pub struct Api {
    state: Arc<Mutex<State>>,
    namespace: String,
}

impl Api {
    /// Begins to watch.
    pub fn watch(options: ApiOptions, wake: Arc<Notify>) -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let namespace = options.namespace.clone();
        // What is remembered is taken over at once.
        tokio::spawn(Watcher::new(options, Arc::clone(&state), wake).run());
        Self { state, namespace }
    }

    /// What it has.
    pub fn read(&self) -> Result<Input, ApiError> {
        let state = lock(&self.state);
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| !state.listed.contains(kind)) {
            let trouble = state.trouble.values().next().map(|trouble| trouble.message.clone());
            return Err(ApiError::Unlisted { kind: kind.as_str(), trouble });
        }
        if let Some((kind, name)) = state.store.incomplete().into_iter().next() {
            return Err(ApiError::Unfetched { kind: kind.as_str(), name });
        }
        Ok(state.store.input(&self.namespace))
    }

    /// How many configurations there are for other nodes.
    pub fn left_out(&self) -> usize {
        lock(&self.state).store.left_out()
    }

    /// What the Node says of a pause.
    pub fn pause(&self) -> Option<NodePause> {
        lock(&self.state).pause.clone()
    }

    /// Why it cannot be watched just now.
    pub fn trouble(&self) -> Option<Trouble> {
        lock(&self.state).trouble.values().min_by_key(|trouble| trouble.since).cloned()
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
