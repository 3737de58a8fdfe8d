//! A program that runs as long as its value, and never longer than the test process.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;

use crate::lab::LabError;

const LOG_TAIL_BYTES: usize = 4096;

/// One of the cluster's programs with its command line; running or stopped.
#[derive(Debug)]
pub(super) struct Program {
    name: &'static str,
    path: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Program {
    /// A program that does not run yet; it will add to the file `log`.
    pub(super) fn new(name: &'static str, path: PathBuf, arguments: Vec<String>, log: PathBuf) -> Self {
        Self { name, path, arguments, log, child: None }
    }

    /// Starts it, if it does not run.
    pub(super) fn start(&mut self) -> Result<(), LabError> {
        if self.is_started() && !self.has_ended() {
            return Ok(());
        }
        let open = || File::options().create(true).append(true).open(&self.log);
        let log = open().map_err(LabError::io(format!("cannot open {}", self.log.display())))?;
        let error_log = log.try_clone().map_err(LabError::io("cannot share a log"))?;
        // It execs the program, so its pid is the program's.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.path).args(&self.arguments);
        command.stdin(Stdio::null()).stdout(log).stderr(error_log);
        self.child = Some(spawn_from_keeper(command, self.name)?);
        Ok(())
    }

    /// Kills it as a crash would, and waits until it is gone.
    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail for a child that has ended, and then there is nothing to do.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether it has been started and not stopped.
    pub(super) fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.as_mut().map(Child::try_wait), Some(Ok(Some(_))))
    }

    /// An error, with the end of its log, if it has ended by itself.
    pub(super) fn check_alive(&mut self) -> Result<(), LabError> {
        match self.child.as_mut().map(Child::try_wait) {
            Some(Ok(Some(status))) => Err(LabError::ProgramEnded {
                program: self.name,
                status: status.to_string(),
                log: self.log_tail(),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The pid while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The end of what it wrote.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a command from a thread that lives as long as the process.
///
/// The kernel sends the signal of `--pdeathsig` when the *thread* ends that started the child, and a test is a thread:
/// a cluster that tests share would go with the first of them.
fn spawn_from_keeper(command: Command, name: &'static str) -> Result<Child, LabError> {
    type Request = (Command, mpsc::Sender<std::io::Result<Child>>);
    static KEEPER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (requests, incoming) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for (mut command, answer) in incoming {
                // Who asked is waiting for it.
                let _ = answer.send(command.spawn());
            }
        });
        requests
    });
    let (answer, spawned) = mpsc::channel();
    let gone = |_| LabError::Io {
        act: format!("cannot start {name}"),
        source: std::io::Error::other("the thread that starts programs is gone"),
    };
    keeper.send((command, answer)).map_err(|error| gone(error.to_string()))?;
    let spawned = spawned.recv().map_err(|error| gone(error.to_string()))?;
    spawned.map_err(LabError::io(format!("cannot start {name} by setpriv")))
}
