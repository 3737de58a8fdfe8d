//! The daemons' vty sockets, kept open.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use frrk8s_delta::{Batch, Clear};
use frrk8s_document::{Daemon, Version};
use tokio::time::{Instant, sleep};

use super::blame::{END, of_step, refusals};
use super::error::{FrrError, Place};
use super::limits::Limits;
use super::reply::{Refusal, Reply, masked_text};
use super::script::{Step, steps};
use super::vty::{Lost, Vty, message};
use super::{Change, Transport, version_of};

const RUNNING: &str = "show running-config";
const START: &str = "XFRR_start_configuration";
/// Lines sent before the first of them is answered, where that is allowed. It saves a third of the time of plain lines
/// (20,000 in 0.47 s instead of 0.74 s on 10.3), and a sixth of that of lists, which the commit takes (8.4: nothing).
const AHEAD_MAX: usize = 64;
/// And their bytes: what the kernel keeps for a socket takes twice as much, so that no write waits for the daemon.
const AHEAD_BYTES_MAX: usize = 32 * 1024;
/// How often mgmtd is asked for its lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// FRR over the daemons' sockets below a directory: one connection a daemon, made when it is first used, made again at
/// the next use after it was lost.
#[derive(Debug)]
pub struct Sockets {
    directory: PathBuf,
    limits: Limits,
    /// Those that are in use are not in here: what is dropped half way is closed.
    idle: BTreeMap<Daemon, Vty>,
    /// The version that bgpd told on the connection that is open.
    version: Option<Version>,
}

impl Sockets {
    /// The sockets in a directory: `/run/frr`, or `/run/frr/NAME` of a pathspace.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), limits: Limits::default(), idle: BTreeMap::new(), version: None }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    async fn take(&mut self, daemon: Daemon) -> Result<Vty, FrrError> {
        match self.idle.remove(&daemon) {
            Some(vty) if vty.is_usable() => Ok(vty),
            _ => {
                self.version = self.version.filter(|_| daemon != Daemon::Bgpd);
                let path = self.directory.join(daemon.name()).with_extension("vty");
                Vty::connect(daemon, &path, self.limits).await
            }
        }
    }

    async fn reply(&mut self, daemon: Daemon, line: &str) -> Result<Reply, FrrError> {
        let mut vty = self.take(daemon).await?;
        let reply = vty.ask(line).await?;
        self.idle.insert(daemon, vty);
        Ok(reply)
    }

    /// Sends a batch. The connection is kept only when the daemon has left configuration.
    async fn configure(&mut self, number: usize, batch: &Batch) -> Result<Vec<Refusal>, FrrError> {
        let daemon = batch.daemon;
        let steps = steps(batch);
        let messages: Vec<Vec<u8>> =
            steps.iter().map(|step| message(daemon, &step.sent.line)).collect::<Result<_, _>>()?;
        let mut vty = self.take(daemon).await?;
        self.enter(&mut vty, daemon).await?;
        let answers =
            Talk { vty: &mut vty, limits: self.limits, batch: number, daemon }.all(&steps, &messages).await?;
        vty.ask("end").await?;
        self.idle.insert(daemon, vty);
        Ok(refusals((daemon, number), &steps, &answers))
    }

    /// Opens configuration; waits for mgmtd's lock.
    async fn enter(&self, vty: &mut Vty, daemon: Daemon) -> Result<(), FrrError> {
        // mgmtd commits nothing from a session without the lock. The others have none.
        let command =
            if daemon == Daemon::Mgmtd { "configure terminal file-lock" } else { "configure terminal" };
        let since = Instant::now();
        loop {
            let reply = vty.ask(command).await?;
            if !reply.refuses_line() {
                return Ok(());
            }
            let text = masked_text(reply.text.trim());
            if !text.contains("locked") {
                return Err(FrrError::NoConfiguration { daemon, command, text });
            }
            if since.elapsed() >= self.limits.lock {
                return Err(FrrError::Locked { daemon, waited: self.limits.lock, text });
            }
            sleep(LOCK_INTERVAL).await;
        }
    }

    async fn clear(&mut self, batches: usize, clear: &Clear) -> Result<Option<Refusal>, FrrError> {
        let line = clear.command();
        let reply = self.reply(Daemon::Bgpd, &line).await?;
        let refused = reply.refuses_line();
        Ok(refused.then(|| Refusal::of_clear(batches, line, &reply.text)))
    }
}

impl Transport for Sockets {
    async fn version(&mut self) -> Result<Version, FrrError> {
        // Another bgpd would be behind another connection.
        let is_open = self.idle.get(&Daemon::Bgpd).is_some_and(Vty::is_usable);
        if let Some(version) = self.version.filter(|_| is_open) {
            return Ok(version);
        }
        let version = version_of(&self.ask(Daemon::Bgpd, "show version").await?)?;
        self.version = Some(version);
        Ok(version)
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        self.ask(daemon, RUNNING).await
    }

    async fn running_of(&mut self, daemons: &[Daemon]) -> Result<Vec<String>, FrrError> {
        // They print at the same time.
        let mut asked = Vec::with_capacity(daemons.len());
        for &daemon in daemons {
            let mut vty = self.take(daemon).await?;
            vty.put(RUNNING).await?;
            asked.push((daemon, vty));
        }
        let mut texts = Vec::with_capacity(daemons.len());
        for (daemon, mut vty) in asked {
            let reply = vty.answer_to(RUNNING).await?;
            self.idle.insert(daemon, vty);
            texts.push(known((daemon, RUNNING), reply)?);
        }
        Ok(texts)
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        let reply = self.reply(daemon, command).await?;
        known((daemon, command), reply)
    }

    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        let mut refused = Vec::new();
        // Who would find mgmtd locked half way had to take back what others were told by then.
        if change.delta.batches.iter().skip(1).any(|batch| batch.daemon == Daemon::Mgmtd) {
            let mut vty = self.take(Daemon::Mgmtd).await?;
            self.enter(&mut vty, Daemon::Mgmtd).await?;
            vty.ask("end").await?;
            self.idle.insert(Daemon::Mgmtd, vty);
        }
        for (number, batch) in change.delta.batches.iter().enumerate() {
            refused.extend(self.configure(number, batch).await?);
        }
        if refused.is_empty() {
            for clear in &change.delta.clears {
                refused.extend(self.clear(change.delta.batches.len(), clear).await?);
            }
        }
        Ok(refused)
    }
}

/// The text of a reply, unless the daemon does not know the command.
fn known((daemon, command): (Daemon, &str), reply: Reply) -> Result<String, FrrError> {
    if reply.is_unknown() {
        let text = masked_text(reply.text.trim());
        return Err(FrrError::Unknown { daemon, command: masked_text(command).into(), text });
    }
    Ok(reply.text)
}

/// One batch on its way, between the line that opens configuration and the one that leaves it.
struct Talk<'a> {
    vty: &'a mut Vty,
    limits: Limits,
    batch: usize,
    daemon: Daemon,
}

impl Talk<'_> {
    /// The answers to the steps that were told and to the end of the batch, in order.
    async fn all(&mut self, steps: &[Step], messages: &[Vec<u8>]) -> Result<Vec<(usize, Reply)>, FrrError> {
        self.one(START, self.limits.reply).await?;
        let mut answers = Vec::with_capacity(steps.len() + 1);
        let mut ahead = VecDeque::new();
        // Lines that are not committed yet.
        let (mut next, mut pending) = (0, 0);
        loop {
            let bytes = send_ahead(self.ahead_max(), steps, (&mut next, &mut ahead), messages);
            let Some(&number) = ahead.front() else { break };
            let step = &steps[number];
            let limit = if step.is_gathered { self.limits.reply } else { self.commit_limit(pending) };
            let written = if bytes.is_empty() { Ok(()) } else { self.vty.write(&bytes).await };
            let answered = match written {
                // A daemon that has died may have answered more than we have read: only reading tells where it did.
                Ok(()) | Err(Lost::Closed) => self.vty.reply(limit).await,
                Err(lost) => Err(lost),
            };
            let place = || {
                let commits = pending > 0 && !step.is_gathered;
                Place { command: of_step(steps, number), commits, ..Place::at(&step.sent.line) }
            };
            let reply = answered.map_err(|lost| self.lost(lost, place()))?;
            ahead.pop_front();
            match step {
                Step { is_gathered: true, .. } => pending += 1,
                // Not every version commits at the end of a context.
                Step { closes: true, .. } => {}
                _ => pending = 0,
            }
            if let Some(behind) = step.behind.filter(|_| reply.refuses_line()) {
                next = behind;
            }
            answers.push((number, reply));
        }
        answers.push((steps.len(), self.one(END, self.commit_limit(pending)).await?));
        Ok(answers)
    }

    /// How long the reply to a line may take that commits so many before it.
    fn commit_limit(&self, pending: usize) -> Duration {
        if pending == 0 { self.limits.reply } else { self.limits.commit(pending) }
    }

    /// bgpd takes lines ahead of its answers. mgmtd of 10.3 loses them, and the others get few.
    fn ahead_max(&self) -> usize {
        if self.daemon == Daemon::Bgpd { AHEAD_MAX } else { 1 }
    }

    async fn one(&mut self, line: &str, limit: Duration) -> Result<Reply, FrrError> {
        let answered = match self.vty.write(&message(self.daemon, line)?).await {
            Ok(()) => self.vty.reply(limit).await,
            Err(lost) => Err(lost),
        };
        answered.map_err(|lost| self.lost(lost, Place::at(line)))
    }

    fn lost(&self, lost: Lost, at: Place) -> FrrError {
        self.vty.lost(lost, Place { batch: Some(self.batch), ..at })
    }
}

/// The bytes of the steps that may be sent now, in one piece. Not before half of those on their way are answered, so that
/// a write carries many; and not behind a line that opens a context: what comes next depends on its answer.
fn send_ahead(
    max: usize,
    steps: &[Step],
    (next, ahead): (&mut usize, &mut VecDeque<usize>),
    messages: &[Vec<u8>],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    if ahead.len() > max / 2 {
        return bytes;
    }
    while *next < steps.len()
        && ahead.len() < max
        && bytes.len() < AHEAD_BYTES_MAX
        && ahead.back().is_none_or(|last| steps[*last].behind.is_none())
    {
        bytes.extend_from_slice(&messages[*next]);
        ahead.push_back(*next);
        *next += 1;
    }
    bytes
}
