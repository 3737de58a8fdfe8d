//! What people see of sessions in the cluster: a `BGPSessionState` each, by server-side apply.
//!
//! One watch on this node's objects tells what is there; without a change there is no other request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frrk8s_api::k8s::{Node, OwnerReference};
use frrk8s_api::{BGPSessionState, FRRNodeState};
use futures_util::StreamExt as _;
use kube::api::{Api, DeleteParams, Patch, Preconditions};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Error};
use serde_json::json;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::apply;
use super::desk::{Act, Desk, Next, There};
use super::session::{Wanted, label_value};
use crate::report::with_sources;
use crate::server::Shared;

/// How many writes there may be a second, and at once.
const WRITES_A_SECOND: f64 = 5.0;
const WRITES_AT_ONCE: f64 = 50.0;
/// How long it is waited after a write that failed, at first and at the most.
const FAILED_PAUSE: Duration = Duration::from_secs(1);
const FAILED_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long the `FRRNodeState` is waited for, which objects are to go with.
const OWNER_LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked for.
const OWNER_APART: Duration = Duration::from_millis(500);

/// Writes what sessions there are.
pub struct SessionPublisher {
    api: Api<BGPSessionState>,
    client: Client,
    node: String,
    shared: Arc<Shared>,
    desk: Desk,
    listing: BTreeMap<String, There>,
    started: Instant,
    owner: Option<OwnerReference>,
    bucket: Bucket,
    pause: Duration,
    said: String,
}

impl SessionPublisher {
    /// For a node, in the namespace of the daemon.
    pub fn new(client: Client, namespace: &str, node: String, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            api: Api::namespaced(client.clone(), namespace),
            client,
            node,
            shared,
            desk: Desk::new(now),
            listing: BTreeMap::new(),
            started: now,
            owner: None,
            bucket: Bucket { left: WRITES_AT_ONCE, at: now },
            pause: FAILED_PAUSE,
            said: String::new(),
        }
    }

    /// Writes for ever.
    pub async fn run(mut self) {
        let label = format!("{}={}", BGPSessionState::NODE_LABEL, label_value(&self.node));
        let config = watcher::Config::default().labels(&label);
        let mut changes = Box::pin(watcher(self.api.clone(), config).default_backoff());
        let mut sessions = self.shared.seen.sessions.subscribe();
        let mut reports = self.shared.report.subscribe();
        loop {
            self.want();
            let pause = self.work().await;
            let over = async {
                match pause {
                    Some(pause) => sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(change) = changes.next() => self.see(change),
                Ok(()) = sessions.changed() => {}
                // Whether it is ours to write.
                Ok(()) = reports.changed() => {}
                () = over => {}
            }
        }
    }

    fn want(&mut self) {
        let is_ours = self.shared.report.borrow().is_active;
        let sessions = self.shared.seen.sessions.borrow().clone().filter(|_| is_ours);
        let wanted = sessions.map(|all| all.iter().map(|session| Wanted::of(&self.node, session)).collect());
        self.desk.want(wanted);
    }

    fn see(&mut self, change: watcher::Result<Event<BGPSessionState>>) {
        match change {
            Ok(Event::Init) => self.listing = BTreeMap::new(),
            Ok(Event::InitApply(object)) => {
                let (name, there) = there(object);
                self.listing.insert(name, there);
            }
            Ok(Event::InitDone) => self.desk.list(std::mem::take(&mut self.listing)),
            Ok(Event::Apply(object)) => {
                let (name, there) = there(object);
                self.desk.see(name, there);
            }
            Ok(Event::Delete(object)) => {
                let (name, _) = there(object);
                self.desk.miss(&name);
                // Perhaps it went with its owner.
                self.owner = None;
            }
            Err(error) => self.complain("cannot be watched", &error),
        }
    }

    /// Does what is to be done now; how long until there is more, if nothing happens.
    async fn work(&mut self) -> Option<Duration> {
        let act = match self.desk.next(Instant::now()) {
            Next::Nothing => return None,
            Next::At(at) => return Some(at.saturating_duration_since(Instant::now())),
            Next::Do(act) => *act,
        };
        if let Some(pause) = self.bucket.take(Instant::now()) {
            return Some(pause);
        }
        let name = act.name().to_owned();
        match self.act(act).await.map_err(|error| (name, error)) {
            Ok(Some(pause)) => Some(pause),
            Ok(None) => {
                (self.pause, self.said) = (FAILED_PAUSE, String::new());
                Some(Duration::ZERO)
            }
            // One that is refused does not hold up the others.
            Err((name, error)) if is_refused(&error) => {
                self.complain("cannot be written", &error);
                self.owner = None;
                self.desk.put_off(&name, Instant::now());
                Some(Duration::ZERO)
            }
            Err((_, error)) => {
                self.complain("cannot be written", &error);
                self.owner = None;
                let pause = self.pause;
                self.pause = (pause * 2).min(FAILED_PAUSE_MAX);
                sleep(pause).await;
                Some(Duration::ZERO)
            }
        }
    }

    /// Does something. A pause where it must wait.
    async fn act(&mut self, act: Act) -> Result<Option<Duration>, Error> {
        match act {
            Act::Make(wanted) => {
                if self.owner.is_none() {
                    self.owner = self.find_owner().await?;
                }
                if self.owner.is_none() {
                    // Without an owner it would stay for ever.
                    let is_young = self.started.elapsed() < OWNER_LIMIT;
                    return Ok(Some(if is_young { OWNER_APART } else { OWNER_LIMIT }));
                }
                let metadata = json!({
                    "name": wanted.name, "labels": wanted.labels,
                    "ownerReferences": self.owner.iter().collect::<Vec<_>>(),
                });
                let patch = object(&metadata, None);
                let (name, there) =
                    there(self.api.patch(&wanted.name, &apply(), &Patch::Apply(patch)).await?);
                debug!(name, "BGPSessionState made");
                self.desk.see(name, there);
            }
            Act::Write(wanted) => {
                let status = serde_json::to_value(&wanted.status).map_err(Error::SerdeError)?;
                let patch = object(&json!({ "name": wanted.name }), Some(status));
                match self.api.patch_status(&wanted.name, &apply(), &Patch::Apply(patch)).await {
                    Ok(_) => self.desk.note_written(&wanted, Instant::now()),
                    // It is made anew.
                    Err(error) if is_missing(&error) => self.desk.miss(&wanted.name),
                    Err(error) => return Err(error),
                }
            }
            Act::Delete(name, uid) => {
                let preconditions = Some(Preconditions { uid, resource_version: None });
                let options = DeleteParams { preconditions, ..DeleteParams::default() };
                match self.api.delete(&name, &options).await {
                    Err(error) if !is_missing(&error) => return Err(error),
                    _ => self.desk.miss(&name),
                }
            }
        }
        Ok(None)
    }

    /// What objects go with: the `FRRNodeState`, or the Node where there is none.
    async fn find_owner(&self) -> Result<Option<OwnerReference>, Error> {
        let states: Api<FRRNodeState> = Api::all(self.client.clone());
        let state = states.get_metadata_opt(&self.node).await?.and_then(|it| it.metadata.uid);
        if let Some(uid) = state {
            return Ok(Some(owner("frrk8s.metallb.io/v1beta1", "FRRNodeState", (&self.node, uid))));
        }
        if self.started.elapsed() < OWNER_LIMIT {
            return Ok(None);
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = nodes.get_metadata_opt(&self.node).await?.and_then(|it| it.metadata.uid);
        Ok(node.map(|uid| owner("v1", "Node", (&self.node, uid))))
    }

    /// Says what goes wrong, once.
    fn complain(&mut self, what: &str, error: &(dyn std::error::Error + 'static)) {
        let said = format!("{what}: {}", with_sources(error));
        if said != self.said {
            warn!(node = self.node, "BGPSessionState objects {said}");
            self.said = said;
        }
    }
}

/// So many writes, then so many a second.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// Takes one; how long to wait where there is none.
    fn take(&mut self, now: Instant) -> Option<Duration> {
        let more = now.duration_since(self.at).as_secs_f64() * WRITES_A_SECOND;
        (self.left, self.at) = ((self.left + more).min(WRITES_AT_ONCE), now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return None;
        }
        Some(Duration::from_secs_f64((1.0 - self.left) / WRITES_A_SECOND))
    }
}

fn there(object: BGPSessionState) -> (String, There) {
    let metadata = object.metadata;
    let there = There {
        uid: metadata.uid,
        labels: metadata.labels.unwrap_or_default(),
        status: object.status.unwrap_or_default(),
        is_ending: metadata.deletion_timestamp.is_some(),
    };
    (metadata.name.unwrap_or_default(), there)
}

fn object(metadata: &serde_json::Value, status: Option<serde_json::Value>) -> serde_json::Value {
    let mut object = json!({
        "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "BGPSessionState", "metadata": metadata,
    });
    if let Some(status) = status {
        object["status"] = status;
    }
    object
}

fn owner(api_version: &str, kind: &str, (name, uid): (&str, String)) -> OwnerReference {
    let (api_version, kind, name) = (api_version.to_owned(), kind.to_owned(), name.to_owned());
    OwnerReference { api_version, kind, name, uid, ..OwnerReference::default() }
}

/// Whether the API has something against this one.
fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Api(status) if [400, 403, 422].contains(&status.code))
}

/// Whether it is not there any more, or another one of the name is.
fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404 || status.code == 409)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_limited_after_a_burst() {
        let start = Instant::now();
        let mut bucket = Bucket { left: WRITES_AT_ONCE, at: start };
        let mut taken = 0;
        for tenths in 0..100 {
            while bucket.take(start + Duration::from_millis(tenths * 100)).is_none() {
                taken += 1;
            }
        }
        assert!((98..=100).contains(&taken), "50 at once and 5 a second for ten seconds: {taken}");
    }
}
