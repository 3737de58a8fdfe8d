//! The ways to FRR behind one trait.

mod any;
mod blame;
mod error;
mod limits;
mod program;
mod reload;
mod remark;
mod reply;
mod said;
mod script;
mod sockets;
mod vty;
mod vtysh;

use std::future::Future;

use frrk8s_delta::Delta;
use frrk8s_document::{Daemon, Version};

pub use any::AnyTransport;
pub use error::{FrrError, Place};
pub use limits::Limits;
pub use reload::Reload;
pub use reply::{Refusal, Reply};
pub use sockets::Sockets;
pub use vtysh::Vtysh;

/// What FRR is to become.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// The commands that lead there.
    pub delta: &'a Delta,
    /// The whole configuration that is then to run, what is not ours included; with passwords. Only [`Reload`] reads it,
    /// and takes away whatever it does not find in it.
    pub desired: &'a str,
}

/// A way to talk to one FRR. After an error, and when one of its futures was dropped, the next call works; lines that were
/// on their way may still arrive for a moment.
pub trait Transport: Send {
    /// The version of FRR that answers.
    fn version(&mut self) -> impl Future<Output = Result<Version, FrrError>> + Send;

    /// What a daemon runs, as `show running-config` prints it, with passwords in clear.
    fn running(&mut self, daemon: Daemon) -> impl Future<Output = Result<String, FrrError>> + Send;

    /// What several daemons run, each as [`Self::running`] gives it, in their order.
    fn running_of(
        &mut self,
        daemons: &[Daemon],
    ) -> impl Future<Output = Result<Vec<String>, FrrError>> + Send {
        async move {
            let mut texts = Vec::with_capacity(daemons.len());
            for daemon in daemons {
                texts.push(self.running(*daemon).await?);
            }
            Ok(texts)
        }
    }

    /// The answer to a command outside of configuration, such as `show bgp summary json`.
    fn ask(&mut self, daemon: Daemon, command: &str)
    -> impl Future<Output = Result<String, FrrError>> + Send;

    /// Sends the batches of a delta, and when nothing was refused its soft clears, which make policy take effect at
    /// once. (FRR does so by itself after 5 s; who takes a half refused delta back has that long before peers see it.)
    ///
    /// Refused lines do not stop a batch. An error does, and the batches behind it: FRR may run any part of the batch
    /// it fell into.
    fn send(&mut self, change: &Change<'_>) -> impl Future<Output = Result<Vec<Refusal>, FrrError>> + Send;

    /// Whether a line of the top level reaches a daemon this way.
    fn tells(&self, _line: &str) -> bool {
        true
    }
}

/// The version that `show version` tells: `FRRouting 8.4.4 (worker-1) on Linux…`.
fn version_of(shown: &str) -> Result<Version, FrrError> {
    let words = shown.split_ascii_whitespace();
    let version = words.skip_while(|word| *word != "FRRouting").nth(1).and_then(|word| word.parse().ok());
    version.ok_or_else(|| FrrError::NoVersion { text: shown.chars().take(100).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn show_version_names_the_version() {
        let shown = "FRRouting 10.3.1 (vm) on Linux(6.18).\nCopyright";
        assert_eq!(version_of(shown).unwrap(), Version { major: 10, minor: 3 });
        assert_eq!(version_of("no such thing").unwrap_err().reason(), "UnknownVersion");
    }
}
