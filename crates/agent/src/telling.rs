//! A transport that says so while FRR is being told something: a long commit is not silence.

use std::sync::Arc;

use frrk8s_document::{Daemon, Version};
use frrk8s_frr::{Change, FrrError, Refusal, Transport};

use crate::server::Shared;

/// A transport, and who is to know.
#[derive(Debug)]
pub struct Telling<T> {
    transport: T,
    shared: Arc<Shared>,
}

impl<T> Telling<T> {
    /// A transport that tells what these share.
    pub fn new(transport: T, shared: Arc<Shared>) -> Self {
        Self { transport, shared }
    }
}

impl<T: Transport> Transport for Telling<T> {
    async fn version(&mut self) -> Result<Version, FrrError> {
        self.transport.version().await
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        self.transport.running(daemon).await
    }

    async fn running_of(&mut self, daemons: &[Daemon]) -> Result<Vec<String>, FrrError> {
        self.transport.running_of(daemons).await
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        self.transport.ask(daemon, command).await
    }

    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        let lines = change.delta.count();
        self.shared.report.send_modify(|report| {
            "Applying".clone_into(&mut report.reason);
            report.message = format!("FRR is being told {lines} lines");
        });
        self.transport.send(change).await
    }

    fn tells(&self, line: &str) -> bool {
        self.transport.tells(line)
    }
}
