//! Events regarding the Node, with the object that they are about as the related one.
//!
//! Those of a Node, which is in no namespace, are in the namespace `default`.

use std::sync::Arc;

use frrk8s_api::k8s::{Node, ObjectReference};
use kube::Client;
use kube::api::Api;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tracing::{debug, warn};

use super::events::changes;
use super::outbox::{Outbox, Said};
use crate::report::with_sources;
use crate::server::Shared;

/// Who says it.
const CONTROLLER: &str = "frrk8s.metallb.io/agent";
/// The longest note that the API takes is 1 KiB.
const NOTE_BYTES_MAX: usize = 1000;
/// How long writing one may take.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// How long it is waited after an event that could not be written.
const FAILED_PAUSE: Duration = Duration::from_secs(10);

/// Writes events of what is new in the reports.
pub struct Events {
    recorder: Recorder,
    client: Client,
    node: String,
    shared: Arc<Shared>,
    /// The Node that they regard.
    regarding: Option<ObjectReference>,
    has_failed: bool,
}

impl Events {
    /// For a node, with what is shared with the loop.
    pub fn new(client: Client, node: String, shared: Arc<Shared>) -> Self {
        let reporter = Reporter { controller: CONTROLLER.to_owned(), instance: Some(node.clone()) };
        let recorder = Recorder::new(client.clone(), reporter);
        Self { recorder, client, node, shared, regarding: None, has_failed: false }
    }

    /// Writes for ever.
    pub async fn run(mut self) {
        let mut reports = self.shared.report.subscribe();
        let mut before = reports.borrow_and_update().clone();
        let mut outbox = Outbox::new(Instant::now());
        let mut earliest = Instant::now();
        loop {
            let next = outbox.next(Instant::now()).map(|next| next.max(earliest));
            let due = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = reports.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let report = reports.borrow_and_update().clone();
                    for said in changes(&before, &report) {
                        outbox.put(said);
                    }
                    before = report;
                }
                () = due => {
                    let Some(said) = outbox.take(Instant::now()) else { continue };
                    if !self.write(&said).await {
                        outbox.put_back(said);
                        earliest = Instant::now() + FAILED_PAUSE;
                    }
                }
            }
        }
    }

    /// Whether it is written.
    async fn write(&mut self, said: &Said) -> bool {
        let event = Event {
            type_: if said.is_warning { EventType::Warning } else { EventType::Normal },
            reason: said.reason.to_owned(),
            note: Some(cut(&said.note)),
            action: said.action.to_owned(),
            secondary: said.object.as_deref().map(related),
        };
        let published = timeout(WRITE_LIMIT, async {
            let regarding = self.regarding().await;
            self.recorder.publish(&event, &regarding).await
        });
        let published = match published.await {
            Ok(published) => published.map_err(|error| with_sources(&error)),
            Err(_) => Err("no answer in time".to_owned()),
        };
        match published {
            Ok(()) => {
                debug!(reason = said.reason, "event written");
                self.has_failed = false;
                true
            }
            Err(why) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    warn!(node = self.node, "an event cannot be written: {why}");
                }
                false
            }
        }
    }

    /// The Node. One that is not there has no UID, and is looked for again.
    async fn regarding(&mut self) -> ObjectReference {
        if let Some(regarding) = &self.regarding {
            return regarding.clone();
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        let found = nodes.get_metadata_opt(&self.node).await.ok().flatten();
        let regarding = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Node".to_owned()),
            name: Some(self.node.clone()),
            uid: found.and_then(|node| node.metadata.uid),
            ..ObjectReference::default()
        };
        self.regarding = Some(regarding.clone()).filter(|node| node.uid.is_some());
        regarding
    }
}

/// An object, as events refer to it.
fn related(object: &str) -> ObjectReference {
    let (namespace, name) = object.split_once('/').unwrap_or(("", object));
    ObjectReference {
        api_version: Some(format!("{}/{}", frrk8s_api::GROUP, frrk8s_api::VERSION)),
        kind: Some("FRRConfiguration".to_owned()),
        namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
        name: Some(name.to_owned()),
        ..ObjectReference::default()
    }
}

/// The beginning of a note, whole characters.
fn cut(note: &str) -> String {
    let mut end = NOTE_BYTES_MAX.min(note.len());
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note[..end].to_owned()
}
