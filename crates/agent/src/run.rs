//! The loop: it sleeps until something happened, takes a fresh look at everything, and works once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use frrk8s_frr::{Sockets, StartupFile, Store, StoreError};
use frrk8s_intake::{Input, InputError, Terms};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::engine::Engine;
use crate::lock::{Lock, LockError};
use crate::metrics::Metrics;
use crate::node::{Node, OnDrift, Pass, PassError};
use crate::pause::Pause;
use crate::report::{Report, SCHEMA_VERSION, with_sources};
use crate::server::{ListenError, Server, Shared};
use crate::sessions;
use crate::watch::{Watch, WatchError};

/// How often FRR is looked at when nothing happens, at the least and at the most. Reading blocks bgpd: a reading that
/// takes long is done seldom.
const POLL_SHORTEST: Duration = Duration::from_secs(2);
const POLL_LONGEST: Duration = Duration::from_mins(2);
/// Which part of the time bgpd may be blocked by us: one in so many.
const POLL_SHARE: u32 = 100;
/// How long somebody may write a file before it is read as it is.
const WRITERS_LIMIT: Duration = Duration::from_secs(5);
/// How long the sessions are waited for. They are good to know, and nothing is said before they are there.
const SESSIONS_LIMIT: Duration = Duration::from_secs(5);
/// How soon it is tried again when FRR cannot be read.
const LOST_PAUSE: Duration = Duration::from_millis(250);

/// How an agent is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory of objects.
    pub directory: PathBuf,
    /// Which node, and on what terms.
    pub terms: Terms,
    /// The namespace that counts.
    pub namespace: Option<String>,
    /// The directory of FRR's sockets.
    pub sockets: PathBuf,
    /// FRR's start-up file; `None` leaves it alone.
    pub frr_config: Option<PathBuf>,
    /// The directory for what is kept.
    pub state: PathBuf,
    /// What to do about drift.
    pub on_drift: OnDrift,
    /// Where to answer; `None` answers nowhere.
    pub listen: Option<SocketAddr>,
}

/// Why an agent cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The state directory.
    #[error("the state directory cannot be used")]
    Store(#[from] StoreError),
    /// The address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The watch.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Signals.
    #[error("signals cannot be received")]
    Signal(#[source] std::io::Error),
}

/// Runs an agent until it is told to end. FRR is left as it is.
pub async fn run(options: Options) -> Result<(), RunError> {
    let wake = Arc::new(Notify::new());
    let report = Report {
        schema_version: SCHEMA_VERSION,
        node: options.terms.node.clone(),
        reason: "Starting".to_owned(),
        ..Report::default()
    };
    let shared = Arc::new(Shared {
        report: watch::Sender::new(report),
        pause: watch::Sender::new(None),
        metrics: Metrics::new(),
        wake: Arc::clone(&wake),
    });
    if let Some(address) = options.listen {
        let server = Server::bind(address, Arc::clone(&shared)).await?;
        info!(address = ?server.address().ok(), "listening");
        tokio::spawn(server.serve());
    }
    let mut end = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
    let ended = async {
        tokio::select! {
            _ = end.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::select! {
        ran = drive_for_ever(options, &shared) => ran,
        () = ended => {
            info!("told to end: FRR is left as it is");
            Ok(())
        }
    }
}

async fn drive_for_ever(options: Options, shared: &Shared) -> Result<(), RunError> {
    let _lock = stand_by(&options.sockets, shared).await?;
    let store = Store::open(&options.state)?;
    let engine = Engine::new(options.terms.clone(), options.namespace.clone());
    let startup = options.frr_config.clone().map(StartupFile::new);
    let transport = Sockets::new(&options.sockets);
    let mut node = Node::new(transport, engine, store, (startup, options.on_drift));
    let (set_aside, findings) = node.restore()?;
    for generation in set_aside {
        warn!(reason = generation.reason.reason(), moved_to = ?generation.moved_to, "a last good configuration cannot be read: {}", with_sources(&generation.reason));
    }
    for finding in findings {
        warn!(rule = finding.rule.id(), object = %finding.at.object, "not taken over from the last good configuration: {}", finding.message);
    }
    let mut has_read = false;
    let mut watch = Watch::new(&[&options.directory, &options.sockets], Arc::clone(&shared.wake))?;
    loop {
        if let Err(error) = watch.renew() {
            // It is looked at from time to time anyway.
            debug!("{}", with_sources(&error));
        }
        let pause = until_now(&shared.pause);
        let next = if pause.is_some() {
            publish_paused(shared, pause.clone());
            pause.map_or(POLL_SHORTEST, |pause| {
                let left = pause.until.duration_since(Timestamp::now());
                Duration::try_from(left).unwrap_or_default().clamp(Duration::from_millis(10), POLL_SHORTEST)
            })
        } else {
            wait_for_writers(&watch, shared).await;
            let source = read(&options.directory, has_read || node.is_blank());
            has_read |= source.as_ref().is_ok_and(|input| !input.sources.is_empty());
            let pass = node.pass(source).await;
            let sessions = if matches!(pass.error, Some(PassError::Frr(_))) {
                // Who does not answer would not answer this either, and people would wait for it twice as long.
                Vec::new()
            } else {
                let asked = timeout(SESSIONS_LIMIT, node.ask(sessions::COMMAND)).await;
                asked.ok().and_then(Result::ok).map(|json| sessions::read(&json)).unwrap_or_default()
            };
            publish(shared, &pass, sessions);
            pause_after(&pass)
        };
        let at = Instant::now() + next;
        tokio::select! {
            () = shared.wake.notified() => debug!("something happened"),
            () = sleep_until(at) => {}
        }
    }
}

/// The objects of a directory. One that is not there says nothing; one that became empty while it was looked at is
/// empty, but one that is found empty may be a mount that is missing.
fn read(directory: &Path, may_be_empty: bool) -> Result<Input, InputError> {
    let input = match Input::read(&[directory.to_owned()]) {
        Err(InputError::EmptyDirectory(_)) if may_be_empty => Input::default(),
        input => input?,
    };
    Ok(input.without_empty_texts())
}

/// Waits until files that are being written are closed, but not for ever.
async fn wait_for_writers(watch: &Watch, shared: &Shared) {
    let deadline = Instant::now() + WRITERS_LIMIT;
    while watch.is_being_written() && Instant::now() < deadline {
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep_until(Instant::now() + LOST_PAUSE) => {}
        }
    }
}

/// Waits until no other agent drives the same FRR.
async fn stand_by(sockets: &Path, shared: &Shared) -> Result<Lock, RunError> {
    let mut said = false;
    loop {
        match Lock::take(sockets) {
            Ok(lock) => {
                shared.report.send_modify(|report| report.is_active = true);
                return Ok(lock);
            }
            Err(LockError::Held { .. } | LockError::NoDirectory { .. }) if said => {}
            Err(error @ (LockError::Held { .. } | LockError::NoDirectory { .. })) => {
                said = true;
                info!("standing by: {error}");
                shared.report.send_modify(|report| {
                    "StandingBy".clone_into(&mut report.reason);
                    report.message = error.to_string();
                });
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(LOST_PAUSE).await;
    }
}

/// The pause, unless it is over.
fn until_now(pause: &watch::Sender<Option<Pause>>) -> Option<Pause> {
    let over = |pause: &mut Option<Pause>| {
        let is_over = pause.as_ref().is_some_and(|pause| pause.until <= Timestamp::now());
        if is_over {
            *pause = None;
            info!("the pause is over");
        }
        is_over
    };
    pause.send_if_modified(over);
    pause.borrow().clone()
}

fn pause_after(pass: &Pass) -> Duration {
    if pass.error.is_some() && pass.version.is_none() {
        return LOST_PAUSE;
    }
    (pass.reading * POLL_SHARE).clamp(POLL_SHORTEST, POLL_LONGEST)
}

fn publish_paused(shared: &Shared, pause: Option<Pause>) {
    shared.report.send_modify(|report| {
        if report.paused != pause {
            info!(until = ?pause.as_ref().map(|pause| pause.until), "paused");
        }
        "Paused".clone_into(&mut report.reason);
        report.message = pause.as_ref().map(|pause| pause.reason.clone()).unwrap_or_default();
        report.is_applied = false;
        report.paused = pause;
    });
}

fn publish(shared: &Shared, pass: &Pass, sessions: Vec<sessions::SessionState>) {
    let before = shared.report.borrow().reason.clone();
    shared.report.send_modify(|report| {
        report.take(pass, Timestamp::now());
        report.sessions = sessions;
        report.paused = None;
    });
    let report = shared.report.borrow();
    let driven = pass.driven.as_ref();
    let figures =
        (pass.reading, driven.map(|driven| driven.sending), driven.map_or(0, |driven| driven.lines));
    shared.metrics.take(&report, figures);
    let lines = figures.2;
    if lines > 0 || report.reason != before {
        let sending = figures.1.unwrap_or_default();
        info!(outcome = report.reason, lines, ?sending, "{}", report.message);
    }
    for error in &pass.unkept {
        warn!(reason = error.reason(), "cannot be kept: {}", with_sources(error));
    }
}
