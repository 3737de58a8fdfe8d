//! Programs that are stopped when they take too long.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use frrk8s_testkit::lab::LabError;

const LOOK: Duration = Duration::from_millis(1);

/// How long something took, or when it was stopped.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    pub time: Duration,
    /// `false`: the time is a lower bound.
    pub ended: bool,
}

/// Times something that says whether it came to its end.
pub fn bounded(act: impl FnOnce() -> Result<bool, LabError>) -> Result<Took, LabError> {
    let started = Instant::now();
    let ended = act()?;
    Ok(Took { time: started.elapsed(), ended })
}

/// The shortest of those that ended, else the bound.
pub fn best(all: &[Took]) -> Took {
    let order = |took: &&Took| (!took.ended, took.time);
    all.iter().min_by_key(order).copied().unwrap_or(Took { time: Duration::ZERO, ended: false })
}

/// Runs a program to its end, or to the deadline. Whether it ended. Those that it started are stopped with it: an orphaned
/// vtysh would go on telling.
pub fn run(mut command: Command, deadline: Instant) -> Result<bool, LabError> {
    let shown = command.get_program().display().to_string();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn().map_err(LabError::io(format!("cannot run {shown}")))?;
    loop {
        let status = child.try_wait().map_err(LabError::io(format!("cannot wait for {shown}")))?;
        if let Some(status) = status {
            let failed = || LabError::Command { command: shown, output: status.to_string() };
            return if status.success() { Ok(true) } else { Err(failed()) };
        }
        if Instant::now() > deadline {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = child.wait();
            return Ok(false);
        }
        sleep(LOOK);
    }
}
