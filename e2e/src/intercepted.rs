//! The sockets of a router, with somebody between an agent and what it tells.

use frrk8s_document::{Daemon, Version};
use frrk8s_frr::{Change, FrrError, Refusal, Sockets, Transport};

/// What becomes of a delta that is told.
pub trait OnSend: Send {
    /// Tells it, or does not.
    fn on_send(
        &mut self,
        sockets: &mut Sockets,
        change: &Change<'_>,
    ) -> impl Future<Output = Result<Vec<Refusal>, FrrError>> + Send;
}

/// Sockets, and who is between.
#[derive(Debug)]
pub struct Intercepted<S> {
    /// The sockets.
    pub sockets: Sockets,
    /// Who is between.
    pub by: S,
}

impl<S: OnSend> Transport for Intercepted<S> {
    async fn version(&mut self) -> Result<Version, FrrError> {
        self.sockets.version().await
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        self.sockets.running(daemon).await
    }

    async fn running_of(&mut self, daemons: &[Daemon]) -> Result<Vec<String>, FrrError> {
        self.sockets.running_of(daemons).await
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        self.sockets.ask(daemon, command).await
    }

    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        self.by.on_send(&mut self.sockets, change).await
    }
}
