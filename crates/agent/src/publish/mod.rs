//! What people see of a node in the cluster: its `FRRNodeState`, written by server-side apply when it changes, and made anew
//! when somebody removes it; and events.

mod desk;
mod events;
mod node_state;
mod outbox;
mod pace;
mod recorder;
mod session;
mod sessions;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use frrk8s_api::k8s::{OwnerReference, Timestamp};
use frrk8s_api::{FRRNodeState, FRRNodeStateStatus};
use futures_util::stream::StreamExt;
use kube::api::{Api, Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Client, Error};
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::report::{Report, with_sources};
use crate::server::Shared;
use pace::{Pace, is_of_sessions_alone};

pub use recorder::Events;
pub use sessions::SessionPublisher;

/// Who writes.
const MANAGER: &str = "frrk8s-agent";
/// There is at most one write in so long.
const WRITES_APART: Duration = Duration::from_secs(1);
/// How long a write may take.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// How long it is waited after a write that failed, at the most.
const FAILED_PAUSE_MAX: Duration = Duration::from_secs(30);

/// How soon the Node is looked for again that an object would go with.
const NODELESS_PAUSE: Duration = Duration::from_secs(10);

/// What was written last, and which version of the object that is.
#[derive(Debug)]
struct Written {
    status: FRRNodeStateStatus,
    resource_version: Option<String>,
}

/// Writes what an agent reports.
#[derive(Clone)]
pub struct Publisher {
    client: Client,
    node: String,
    shared: Arc<Shared>,
    with_running_config: bool,
}

impl Publisher {
    /// For a node, with what is shared with the loop. `with_running_config`: whether all that FRR runs is to be seen.
    pub fn new(client: Client, node: String, shared: Arc<Shared>, with_running_config: bool) -> Self {
        Self { client, node, shared, with_running_config }
    }

    /// Writes for ever.
    pub async fn run(self) {
        let api: Api<FRRNodeState> = Api::all(self.client.clone());
        let mut reports = self.shared.report.subscribe();
        let only = watcher::Config::default().fields(&format!("metadata.name={}", self.node));
        let metadata: Api<PartialObjectMeta<FRRNodeState>> = Api::all(self.client.clone());
        let mut seen = pin!(watcher::watcher(metadata, only).default_backoff());
        let mut written: Option<Written> = None;
        let (mut pause, mut pace) = (WRITES_APART, Pace::default());
        loop {
            let report = reports.borrow_and_update().clone();
            let mut is_due = false;
            let wrote = timeout(WRITE_LIMIT, self.write(&api, &report, (&mut written, &mut pace))).await;
            let wrote = match wrote {
                Ok(wrote) => wrote.map_err(|error| with_sources(&error)),
                Err(_) => Err("no answer in time".to_owned()),
            };
            let later = match wrote {
                Ok(later) => {
                    pause = WRITES_APART;
                    self.note_trouble(None);
                    later
                }
                Err(trouble) => {
                    // Somebody may have removed it: it is made anew.
                    written = None;
                    pause = (pause * 2).min(FAILED_PAUSE_MAX);
                    self.note_trouble(Some(trouble));
                    is_due = true;
                    None
                }
            };
            let not_before = Instant::now() + pause;
            loop {
                tokio::select! {
                    () = sleep_until(not_before), if is_due => break,
                    () = sleep_until(later.unwrap_or(not_before)), if later.is_some() => break,
                    changed = reports.changed(), if !is_due => match changed {
                        Ok(()) => is_due = true,
                        Err(_) => return,
                    },
                    Some(event) = seen.next() => if self.is_of_others(event, written.as_ref()) {
                        written = None;
                        is_due = true;
                    },
                }
            }
        }
    }

    /// Whether somebody else removed or changed what we wrote.
    fn is_of_others(
        &self,
        event: watcher::Result<Event<PartialObjectMeta<FRRNodeState>>>,
        written: Option<&Written>,
    ) -> bool {
        let number = |version: &Option<String>| version.as_deref().and_then(|text| text.parse::<u64>().ok());
        let Some(written) = written else { return false };
        match event {
            Ok(Event::Delete(_)) => {
                info!(node = self.node, "somebody removed the FRRNodeState: it is made anew");
                true
            }
            // What is older is what we wrote before.
            Ok(Event::Apply(object)) => {
                number(&object.metadata.resource_version) > number(&written.resource_version)
            }
            Ok(Event::InitApply(object)) => object.metadata.resource_version != written.resource_version,
            Ok(Event::Init | Event::InitDone) => false,
            Err(error) => {
                debug!(node = self.node, "the FRRNodeState cannot be watched: {}", with_sources(&error));
                false
            }
        }
    }

    /// Says in the report why nothing can be written, or that it can.
    fn note_trouble(&self, trouble: Option<String>) {
        self.shared.report.send_if_modified(|report| {
            if report.publish_trouble == trouble {
                return false;
            }
            if let Some(trouble) = &trouble {
                warn!(node = self.node, "the FRRNodeState cannot be written: {trouble}");
            } else {
                info!(node = self.node, "the FRRNodeState can be written again");
            }
            report.publish_trouble = trouble;
            true
        });
    }

    /// Writes what is new, or says when, where that has time.
    async fn write(
        &self,
        api: &Api<FRRNodeState>,
        report: &Report,
        (written, pace): (&mut Option<Written>, &mut Pace),
    ) -> Result<Option<Instant>, Error> {
        if report.passed_at.is_none() && report.paused.is_none() {
            return Ok(None);
        }
        let before = match written.take() {
            Some(before) => Some(before),
            None => self.make(api).await?,
        };
        let Some(before) = before else {
            return Ok(Some(Instant::now() + NODELESS_PAUSE));
        };
        let mut status = node_state::status(report, &before.status, Timestamp::now());
        if !self.with_running_config {
            status.running_config = None;
        }
        if status == before.status {
            *written = Some(before);
            return Ok(None);
        }
        if !is_of_sessions_alone(&status, &before.status) {
            // What was told brings sessions up: that is worth a write.
            *pace = Pace::default();
        } else if let Some(later) = pace.later(Instant::now()) {
            *written = Some(before);
            return Ok(Some(later));
        }
        let patch = json!({
            "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRNodeState",
            "metadata": { "name": self.node }, "status": status,
        });
        let patched = api.patch_status(&self.node, &apply(), &Patch::Apply(patch)).await?;
        debug!(node = self.node, "FRRNodeState written");
        *written = Some(Written { status, resource_version: patched.metadata.resource_version });
        Ok(None)
    }

    /// Makes the object, to go with its Node; gives what it says now. Without a Node there is none: it would stay for ever.
    async fn make(&self, api: &Api<FRRNodeState>) -> Result<Option<Written>, Error> {
        let nodes: Api<frrk8s_api::k8s::Node> = Api::all(self.client.clone());
        let node = nodes.get_metadata_opt(&self.node).await?;
        let Some(uid) = node.and_then(|node| node.metadata.uid) else {
            return Ok(None);
        };
        let owner = OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: self.node.clone(),
            uid,
            ..OwnerReference::default()
        };
        let patch = json!({
            "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRNodeState",
            "metadata": { "name": self.node, "ownerReferences": [owner] },
        });
        let made = api.patch(&self.node, &apply(), &Patch::Apply(patch)).await?;
        let resource_version = made.metadata.resource_version;
        Ok(Some(Written { status: made.status.unwrap_or_default(), resource_version }))
    }
}

fn apply() -> PatchParams {
    PatchParams::apply(MANAGER).force()
}
