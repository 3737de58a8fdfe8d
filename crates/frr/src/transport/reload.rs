//! FRR through its own frr-reload.py.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use frrk8s_document::{Daemon, Version};
use tempfile::TempDir;
use tokio::process::Command;

use super::error::FrrError;
use super::program::run;
use super::reply::Refusal;
use super::vtysh::Vtysh;
use super::{Change, Transport};

/// FRR through `frr-reload.py --reload`: the reference for end results.
///
/// It compares the desired text with what runs, and finds its own commands; of a delta only the clears are told. Sessions
/// may drop that a delta keeps. It takes away whatever the desired text does not have, and writes FRR's start-up file when
/// it is done. It names no refused line, and succeeds though FRR refused lists, or a daemon does not run: read back.
///
/// The script is part of Debian's frr-pythontools, runs with the host's python3, and goes with the vtysh of its version.
#[derive(Clone, Debug)]
pub struct Reload {
    script: PathBuf,
    vtysh: Vtysh,
}

impl Reload {
    /// The script `/usr/lib/frr/frr-reload.py`, and the vtysh that it is to use.
    pub fn new(script: impl Into<PathBuf>, vtysh: Vtysh) -> Self {
        Self { script: script.into(), vtysh }
    }

    async fn reload(&self, desired: &str) -> Result<(), FrrError> {
        let directory = private_directory(desired)?;
        let mut command = Command::new("python3");
        // Without --stdout it writes all lines, passwords included, into a log below /var/log/frr.
        command.arg(&self.script).args(["--reload", "--stdout", "--log-level", "error"]);
        command.arg("--bindir").arg(self.vtysh.bin_directory());
        // It writes what it is about to do into a file that everybody can read: into a directory where nobody can.
        command.arg("--rundir").arg(directory.path());
        self.vtysh.address(&mut command);
        command.arg(desired_file(directory.path()));
        let limits = self.vtysh.limits();
        // It reads the text, sends what is missing, and looks once more.
        let ran = run(command, "", limits.program(desired.lines().count()), limits.reply_bytes_max).await?;
        if ran.succeeded { Ok(()) } else { Err(ran.failed()) }
    }
}

fn desired_file(directory: &Path) -> PathBuf {
    directory.join("frr.conf")
}

/// A directory that only we can enter, with the desired text.
fn private_directory(desired: &str) -> Result<TempDir, FrrError> {
    let not_written = |source| FrrError::File { what: "the desired configuration", source };
    let directory = TempDir::with_prefix("frrk8s-").map_err(not_written)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(desired_file(directory.path())).map_err(not_written)?;
    file.write_all(desired.as_bytes()).map_err(not_written)?;
    Ok(directory)
}

impl Transport for Reload {
    async fn version(&mut self) -> Result<Version, FrrError> {
        self.vtysh.version().await
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        self.vtysh.running(daemon).await
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        self.vtysh.ask(daemon, command).await
    }

    /// Refuses nothing but clears: what keeps the script from its end is an error.
    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        self.reload(change.desired).await?;
        self.vtysh.clear(change.delta.batches.len(), &change.delta.clears).await
    }

    fn tells(&self, line: &str) -> bool {
        self.vtysh.tells(line)
    }
}
