//! What people see of a node in the cluster: its `FRRNodeState`, written by server-side apply when it changes.

mod desk;
mod node_state;
mod session;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use frrk8s_api::k8s::{OwnerReference, Timestamp};
use frrk8s_api::{FRRNodeState, FRRNodeStateStatus};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Error};
use serde_json::json;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::report::{Report, with_sources};
use crate::server::Shared;
pub use sessions::SessionPublisher;

/// Who writes.
const MANAGER: &str = "frrk8s-agent";
/// There is at most one write in so long.
const WRITES_APART: Duration = Duration::from_secs(1);
/// How long it is waited after a write that failed, at the most.
const FAILED_PAUSE_MAX: Duration = Duration::from_secs(30);

/// Writes what an agent reports.
#[derive(Clone)]
pub struct Publisher {
    client: Client,
    node: String,
    shared: Arc<Shared>,
}

impl Publisher {
    /// For a node, with what is shared with the loop.
    pub fn new(client: Client, node: String, shared: Arc<Shared>) -> Self {
        Self { client, node, shared }
    }

    /// Writes for ever.
    pub async fn run(self) {
        let api: Api<FRRNodeState> = Api::all(self.client.clone());
        let mut reports = self.shared.report.subscribe();
        let mut written: Option<FRRNodeStateStatus> = None;
        let mut pause = WRITES_APART;
        loop {
            let report = reports.borrow_and_update().clone();
            match self.write(&api, &report, &mut written).await {
                Ok(()) => pause = WRITES_APART,
                Err(error) => {
                    if pause == WRITES_APART {
                        warn!(
                            node = self.node,
                            "the FRRNodeState cannot be written: {}",
                            with_sources(&error)
                        );
                    }
                    // Somebody may have removed it: it is made anew.
                    written = None;
                    pause = (pause * 2).min(FAILED_PAUSE_MAX);
                    reports.mark_changed();
                }
            }
            sleep(pause).await;
            if reports.changed().await.is_err() {
                return;
            }
        }
    }

    async fn write(
        &self,
        api: &Api<FRRNodeState>,
        report: &Report,
        written: &mut Option<FRRNodeStateStatus>,
    ) -> Result<(), Error> {
        if report.passed_at.is_none() {
            return Ok(());
        }
        let before = match written.take() {
            Some(before) => before,
            None => self.make(api).await?,
        };
        let status = node_state::status(report, &before, Timestamp::now());
        if status == before {
            *written = Some(before);
            return Ok(());
        }
        let patch = json!({
            "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRNodeState",
            "metadata": { "name": self.node }, "status": status,
        });
        api.patch_status(&self.node, &apply(), &Patch::Apply(patch)).await?;
        debug!(node = self.node, "FRRNodeState written");
        *written = Some(status);
        Ok(())
    }

    /// Makes the object, to go with its Node; gives what it says now.
    async fn make(&self, api: &Api<FRRNodeState>) -> Result<FRRNodeStateStatus, Error> {
        let nodes: Api<frrk8s_api::k8s::Node> = Api::all(self.client.clone());
        let node = nodes.get_metadata_opt(&self.node).await?;
        let owner = node.and_then(|node| node.metadata.uid).map(|uid| OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: self.node.clone(),
            uid,
            ..OwnerReference::default()
        });
        let owners: Vec<OwnerReference> = owner.into_iter().collect();
        let patch = json!({
            "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRNodeState",
            "metadata": { "name": self.node, "ownerReferences": owners },
        });
        let made = api.patch(&self.node, &apply(), &Patch::Apply(patch)).await?;
        Ok(made.status.unwrap_or_default())
    }
}

fn apply() -> PatchParams {
    PatchParams::apply(MANAGER).force()
}
