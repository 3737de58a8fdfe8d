//! Programs of FRR, run to their end.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, Command};
use tokio::time::timeout;

use super::error::FrrError;
use super::reply::masked_text;

/// The end of what a program said, as far as an error repeats it.
const SAID_BYTES_MAX: usize = 2048;

/// What came of a program. Not `Debug`: what it said may have passwords in it.
pub(super) struct Ran {
    pub(super) program: PathBuf,
    pub(super) succeeded: bool,
    pub(super) status: String,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    /// That it failed, with the end of what it said.
    pub(super) fn failed(self) -> FrrError {
        let said = masked_text(format!("{}\n{}", self.stderr.trim(), self.stdout.trim()).trim());
        let from = said.ceil_char_boundary(said.len().saturating_sub(SAID_BYTES_MAX));
        let output = said[from..].to_owned();
        FrrError::Failed { program: self.program, status: self.status, output }
    }
}

/// Runs a program to its end, with `input` as its standard input. One that takes or says too much is killed with all that
/// it started, and so is one whose future is dropped.
pub(super) async fn run(
    mut command: Command,
    input: &str,
    limit: Duration,
    bytes_max: usize,
) -> Result<Ran, FrrError> {
    let program = Path::new(command.as_std().get_program()).to_owned();
    let not_run = |source| FrrError::Start { program: program.clone(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(not_run)?;
    let mut group = Group(child.id());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let end = async {
        let ((), stdout, stderr) =
            tokio::try_join!(feed(stdin, input), text(stdout, bytes_max), text(stderr, bytes_max))?;
        Ok::<_, io::Error>((stdout, stderr, child.wait().await?))
    };
    let ended = timeout(limit, end).await;
    let ended = ended.map_err(|_| FrrError::Endless { program: program.clone(), limit })?;
    let (stdout, stderr, status) = match ended {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(FrrError::Failed { program, status: "killed".to_owned(), output: error.to_string() });
        }
        ended => ended.map_err(not_run)?,
    };
    group.0 = None;
    Ok(Ran { program, succeeded: status.success(), status: status.to_string(), stdout, stderr })
}

/// Writes the input and closes it. A program may end without reading it all.
async fn feed(stdin: Option<ChildStdin>, input: &str) -> io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    match stdin.write_all(input.as_bytes()).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

async fn text(stream: Option<impl AsyncRead + Unpin>, bytes_max: usize) -> io::Result<String> {
    let Some(stream) = stream else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    stream.take(limit.saturating_add(1)).read_to_end(&mut bytes).await?;
    if bytes.len() > bytes_max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {bytes_max} bytes")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The processes of a program that has not been waited for: killed when dropped. frr-reload.py has children, which would
/// go on to configure FRR without it.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It fails when all have ended.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_program_says_what_it_says() {
        let ran = run(shell("echo out; echo err >&2; exit 3"), "", LIMIT, 100).await.ok().unwrap();
        assert_eq!((&*ran.stdout, &*ran.stderr, ran.succeeded), ("out\n", "err\n", false));
        assert_eq!(ran.failed().to_string(), "sh failed (exit status: 3): err\nout");
    }

    #[tokio::test]
    async fn a_program_reads_what_it_is_given_or_not() {
        let input = "line\n".repeat(100_000);
        let ran = run(shell("wc -l"), &input, LIMIT, 100).await.ok().unwrap();
        assert_eq!(ran.stdout.trim(), "100000");
        assert!(run(shell("exit 0"), &input, LIMIT, 100).await.ok().unwrap().succeeded);
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_killed_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // The child holds the writing end open: the reader comes to the end when it is dead.
        let script = format!("sleep 600 >{} & wait", fifo.display());
        let (sender, read) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(std::fs::read(fifo)));
        let error = run(shell(&script), "", Duration::from_millis(500), 100).await.err().unwrap();
        assert_eq!(error.reason(), "ProgramTimedOut");
        assert_eq!(read.recv_timeout(LIMIT).unwrap().unwrap(), b"");
    }

    #[tokio::test]
    async fn a_program_that_says_too_much_is_killed() {
        let error = run(shell("yes"), "", LIMIT, 1000).await.err().unwrap();
        assert_eq!(error.to_string(), "sh failed (killed): more than 1000 bytes");
    }

    #[tokio::test]
    async fn what_a_failed_program_said_is_cut_and_has_no_password() {
        let script = "yes 'neighbor 192.0.2.1 password s3cret' | head -n 1000; exit 1";
        let text = run(shell(script), "", LIMIT, 1 << 20).await.ok().unwrap().failed().to_string();
        assert!(text.len() < 2 * SAID_BYTES_MAX && !text.contains("s3cret"), "{text}");
    }
}
