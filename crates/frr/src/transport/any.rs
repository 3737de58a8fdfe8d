//! One of the ways, chosen while running.

use std::time::Duration;

use frrk8s_document::{Daemon, Version};

use super::{Change, FrrError, Limits, Refusal, Reload, Sockets, Transport, Vtysh};

/// Whichever way was chosen. (The trait has `async` functions, so there can be no `dyn` of it.)
#[derive(Debug)]
pub enum AnyTransport {
    /// Over the daemons' sockets.
    Sockets(Sockets),
    /// Through vtysh.
    Vtysh(Vtysh),
    /// Through frr-reload.py.
    Reload(Reload),
}

impl AnyTransport {
    /// The same over sockets with less patience for a reply. Programs have their own limits.
    #[must_use]
    pub fn with_reply_limit(self, reply: Duration) -> Self {
        match self {
            Self::Sockets(sockets) => {
                Self::Sockets(sockets.with_limits(Limits { reply, ..Limits::default() }))
            }
            other => other,
        }
    }
}

impl Transport for AnyTransport {
    async fn version(&mut self) -> Result<Version, FrrError> {
        match self {
            Self::Sockets(sockets) => sockets.version().await,
            Self::Vtysh(vtysh) => vtysh.version().await,
            Self::Reload(reload) => reload.version().await,
        }
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        match self {
            Self::Sockets(sockets) => sockets.running(daemon).await,
            Self::Vtysh(vtysh) => vtysh.running(daemon).await,
            Self::Reload(reload) => reload.running(daemon).await,
        }
    }

    async fn running_of(&mut self, daemons: &[Daemon]) -> Result<Vec<String>, FrrError> {
        match self {
            Self::Sockets(sockets) => sockets.running_of(daemons).await,
            Self::Vtysh(vtysh) => vtysh.running_of(daemons).await,
            Self::Reload(reload) => reload.running_of(daemons).await,
        }
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        match self {
            Self::Sockets(sockets) => sockets.ask(daemon, command).await,
            Self::Vtysh(vtysh) => vtysh.ask(daemon, command).await,
            Self::Reload(reload) => reload.ask(daemon, command).await,
        }
    }

    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        match self {
            Self::Sockets(sockets) => sockets.send(change).await,
            Self::Vtysh(vtysh) => vtysh.send(change).await,
            Self::Reload(reload) => reload.send(change).await,
        }
    }

    fn tells(&self, line: &str) -> bool {
        match self {
            Self::Sockets(sockets) => sockets.tells(line),
            Self::Vtysh(vtysh) => vtysh.tells(line),
            Self::Reload(reload) => reload.tells(line),
        }
    }
}
