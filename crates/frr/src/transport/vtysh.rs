//! FRR through the program vtysh.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use frrk8s_delta::{Batch, Clear};
use frrk8s_document::{Daemon, Version};
use tokio::process::Command;

use super::error::{FrrError, Place};
use super::limits::Limits;
use super::program::{Ran, run};
use super::remark::is_remark;
use super::reply::{Refusal, masked_text};
use super::said::{Said, refusals};
use super::script::{Step, steps};
use super::vty::message;
use super::{Change, Transport, version_of};

/// FRR through vtysh: a process a batch or a question. For machines on which the sockets are out of reach, and to compare
/// with.
///
/// It keeps `hostname` lines to itself and shows the name of the machine that it runs on instead (8.4 and 10.3). It waits for mgmtd's lock as long as it may run. When it is killed, FRR commits what it had sent. When a daemon dies, it
/// does not say at which line, and goes on with the rest of the batch should the daemon come back meanwhile.
#[derive(Clone, Debug)]
pub struct Vtysh {
    program: PathBuf,
    pathspace: Option<String>,
    sockets: Option<PathBuf>,
    limits: Limits,
}

impl Vtysh {
    /// The vtysh of the FRR that runs: `/usr/bin/vtysh`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), pathspace: None, sockets: None, limits: Limits::default() }
    }

    /// For daemons of a pathspace (`-N`).
    #[must_use]
    pub fn with_pathspace(self, name: impl Into<String>) -> Self {
        Self { pathspace: Some(name.into()), ..self }
    }

    /// For sockets in another directory than vtysh was built for. mgmtd has some that do not go along.
    #[must_use]
    pub fn with_sockets(self, directory: impl Into<PathBuf>) -> Self {
        Self { sockets: Some(directory.into()), ..self }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The directory of the program.
    pub(super) fn bin_directory(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("."))
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The options that say which FRR, with the long name of the pathspace as frr-reload.py has it.
    pub(super) fn address(&self, command: &mut Command) {
        if let Some(name) = &self.pathspace {
            command.arg("--pathspace").arg(name);
        }
        if let Some(directory) = &self.sockets {
            command.arg("--vty_socket").arg(directory);
        }
    }

    fn command(&self, daemon: Daemon) -> Command {
        let mut command = Command::new(&self.program);
        self.address(&mut command);
        command.args(["-d", daemon.name()]);
        command
    }

    async fn one(&self, daemon: Daemon, line: &str) -> Result<Ran, FrrError> {
        message(daemon, line)?;
        let mut command = self.command(daemon);
        command.args(["-c", line]);
        run(command, "", self.limits.program(0), self.limits.reply_bytes_max).await
    }

    async fn configure(&self, number: usize, batch: &Batch) -> Result<Vec<Refusal>, FrrError> {
        let daemon = batch.daemon;
        let steps = steps(batch);
        let text = text(daemon, &steps)?;
        let mut command = self.command(daemon);
        // From its standard input: a file would stay, with passwords, should we be killed.
        command.args(["-f", "/dev/stdin"]);
        let limit = self.limits.program(steps.len());
        let ran = run(command, &text, limit, self.limits.reply_bytes_max).await?;
        let said = Said::read(&ran.stdout, &ran.stderr);
        if said.lost {
            return Err(FrrError::Closed { daemon, at: Place { batch: Some(number), ..Place::default() } });
        }
        let refused = refusals((daemon, number), &steps, &said);
        if refused.is_empty() && !ran.succeeded { Err(ran.failed()) } else { Ok(refused) }
    }

    /// Tells the clears, by a process each.
    pub(super) async fn clear(
        &self,
        batches: usize,
        clears: &BTreeSet<Clear>,
    ) -> Result<Vec<Refusal>, FrrError> {
        let mut refused = Vec::new();
        for clear in clears {
            let line = clear.command();
            let ran = self.one(Daemon::Bgpd, &line).await?;
            if ran.stdout.lines().any(|line| !line.is_empty() && !is_remark(line)) {
                refused.push(Refusal::of_clear(batches, line, &ran.stdout));
            } else if !ran.succeeded {
                return Err(ran.failed());
            }
        }
        Ok(refused)
    }
}

/// The lines of a batch, below each other.
fn text(daemon: Daemon, steps: &[Step]) -> Result<String, FrrError> {
    let mut text = String::new();
    for step in steps {
        message(daemon, &step.sent.line)?;
        text.push_str(&step.sent.line);
        text.push('\n');
    }
    Ok(text)
}

impl Transport for Vtysh {
    /// That of vtysh, which knows no other.
    async fn version(&mut self) -> Result<Version, FrrError> {
        version_of(&self.ask(Daemon::Bgpd, "show version").await?)
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        self.ask(daemon, "show running-config").await
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        const UNKNOWN: [&str; 3] = ["% Unknown command", "% Ambiguous command", "% Command incomplete"];
        let ran = self.one(daemon, command).await?;
        if UNKNOWN.iter().any(|text| ran.stdout.starts_with(text)) {
            let text = masked_text(ran.stdout.trim());
            return Err(FrrError::Unknown { daemon, command: masked_text(command).into(), text });
        }
        // It fails also with an answer that says that there is no such thing.
        if !ran.succeeded && (!ran.stderr.is_empty() || ran.stdout.is_empty()) {
            return Err(ran.failed());
        }
        Ok(ran.stdout)
    }

    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        let mut refused = Vec::new();
        for (number, batch) in change.delta.batches.iter().enumerate() {
            refused.extend(self.configure(number, batch).await?);
        }
        if refused.is_empty() {
            refused = self.clear(change.delta.batches.len(), &change.delta.clears).await?;
        }
        Ok(refused)
    }

    /// vtysh takes the name of the machine for itself.
    fn tells(&self, line: &str) -> bool {
        !line.starts_with("hostname ")
    }
}
