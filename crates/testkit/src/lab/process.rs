//! Child processes: run one to its end, or keep one and stop it.

use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::error::LabError;
use super::wait::wait_until;

const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Runs a program to its end; its standard output, or the error with all that it said.
pub(crate) fn output_of(command: &mut Command) -> Result<String, LabError> {
    output_with(command, Stdio::null())
}

/// The same, with a text on its standard input.
pub(crate) fn output_of_fed(command: &mut Command, input: &str) -> Result<String, LabError> {
    // A file, because a pipe that is full would wait for a program that does not read.
    let file = || {
        let mut file = tempfile::tempfile()?;
        file.write_all(input.as_bytes())?;
        file.rewind()?;
        Ok(file)
    };
    let file = file().map_err(LabError::io("cannot write what a program reads"))?;
    output_with(command, file.into())
}

fn output_with(command: &mut Command, input: Stdio) -> Result<String, LabError> {
    let shown = shown(command);
    let output = command.stdin(input).output().map_err(LabError::io(format!("cannot run `{shown}`")))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(LabError::Command {
        command: shown,
        output: format!("{} {} ({})", stderr.trim(), stdout.trim(), output.status),
    })
}

fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Asks children to end, waits, and kills those that have not. All have ended and are reaped afterwards.
pub(super) fn stop<'a>(children: impl IntoIterator<Item = &'a mut Child>) {
    let mut running: Vec<&mut Child> = Vec::new();
    for child in children {
        if !has_ended(child) {
            running.push(child);
        }
    }
    if running.is_empty() {
        return;
    }
    let pids: Vec<u32> = running.iter().map(|child| child.id()).collect();
    // They are our unreaped children, so the pids are still theirs. What does not listen is killed below.
    let _ = signal("TERM", &pids);
    let _ = wait_until(STOP_LIMIT, "the processes to end", || {
        Ok(running.iter_mut().all(|child| has_ended(child)))
    });
    for child in running {
        // Both fail for a child that has ended, and then there is nothing to do.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn has_ended(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)))
}

/// Sends a signal to processes; std itself can only kill.
pub(super) fn signal(name: &str, pids: &[u32]) -> Result<(), LabError> {
    let pids = pids.iter().map(u32::to_string);
    // The shell's own: a slim image has no program `kill`.
    output_of(Command::new("sh").args(["-c", r#"kill -s "$0" "$@""#, name]).args(pids)).map(drop)
}

/// Makes directories that belong to the user of the FRR daemons.
pub(super) fn make_frr_directories(directories: &[&Path]) -> Result<(), LabError> {
    let owned_by_frr = ["-d", "-o", "frr", "-g", "frr", "-m", "0755"];
    output_of(Command::new("install").args(owned_by_frr).args(directories)).map(drop)
}
