//! The loop: it sleeps until something happened, takes a fresh look at everything, and works once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use frrk8s_frr::{AnyTransport, StartupFile, Store, StoreError, Transport};
use frrk8s_intake::Terms;
use frrk8s_render::LogLevel;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};

use crate::engine::Engine;
use crate::gate::Gate;
use crate::hold_down::HoldDown;
use crate::lock::Lock;
use crate::metrics::Metrics;
use crate::node::{Node, OnDrift, Pass};
use crate::pause::{NodePause, Pause, PauseFile};
use crate::publish::{Events, Publisher, SessionPublisher};
use crate::report::{Report, SCHEMA_VERSION, with_sources};
use crate::resets::Reset;
use crate::server::{Guard, ListenError, Part, Server, Shared, TlsError, TlsOptions};
use crate::sessions::Watcher;
use crate::sources::{AccessError, Api, ApiAccess, ApiOptions, PAUSE_ANNOTATION, Sources};
use crate::telling::Telling;
use crate::unkept::{OnDisk, Unkept};
use crate::watch::{Watch, WatchError};

/// How often FRR is looked at when nothing happens, at the least and at the most. Reading blocks bgpd: a reading that
/// takes long is done seldom.
const POLL_SHORTEST: Duration = Duration::from_secs(2);
const POLL_LONGEST: Duration = Duration::from_mins(2);
/// Which part of the time bgpd may be blocked by us: one in so many.
const POLL_SHARE: u32 = 100;
/// How long somebody may write a file before it is read as it is.
const WRITERS_LIMIT: Duration = Duration::from_secs(5);
/// How soon an address is tried again that somebody else has.
const BIND_PAUSE: Duration = Duration::from_secs(2);
/// How many lines of drift are logged.
const DRIFT_LOGGED_MAX: usize = 5;
/// How long what FRR is being told may go on when the agent is to end: less than the 30 s after which a kubelet kills it.
const END_LIMIT: Duration = Duration::from_secs(25);
/// How soon it is tried again when FRR cannot be read.
const LOST_PAUSE: Duration = Duration::from_millis(250);

/// How an agent is to run.
#[derive(Debug)]
pub struct Options {
    /// The directories of objects.
    pub directories: Vec<PathBuf>,
    /// The way to the Kubernetes API, where it is a source.
    pub api: Option<ApiAccess>,
    /// Which node, and on what terms.
    pub terms: Terms,
    /// The namespace that counts.
    pub namespace: Option<String>,
    /// The directory of FRR's sockets.
    pub sockets: PathBuf,
    /// The way to FRR.
    pub transport: AnyTransport,
    /// Another one, to look at sessions while FRR is told something.
    pub looking: AnyTransport,
    /// FRR's start-up file; `None` leaves it alone.
    pub frr_config: Option<PathBuf>,
    /// The directory for what is kept.
    pub state: PathBuf,
    /// What to do about drift.
    pub on_drift: OnDrift,
    /// How long an object that takes back everything is kept as it was.
    pub withdraw_hold_down: Duration,
    /// Whether the `FRRNodeState` has all that FRR runs.
    pub publish_running_config: bool,
    /// Where to answer; `None` answers nowhere.
    pub listen: Option<SocketAddr>,
    /// Where to serve figures over TLS.
    pub figures: FiguresOptions,
    /// Is told how much to log, where an object says so.
    pub log_level: watch::Sender<Option<LogLevel>>,
}

/// Where to serve figures over TLS, to those whom the API server lets read them.
#[derive(Debug, Default)]
pub struct FiguresOptions {
    /// Those of the objects and of the engine.
    pub objects: Option<SocketAddr>,
    /// Those of the sessions.
    pub sessions: Option<SocketAddr>,
    /// How.
    pub tls: TlsOptions,
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
    /// The API is a source of one node.
    #[error(
        "objects of the Kubernetes API are for a node: name it with --node, and its namespace with --namespace"
    )]
    WhichNode,
    /// There is no way to the API.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Nobody can say who may read figures.
    #[error(
        "the API server says who may read figures over TLS: --metrics-listen and --frr-metrics-listen need --source kube; \
         without it, --listen on loopback has them all"
    )]
    WhoMayRead,
    /// TLS.
    #[error("figures cannot be served over TLS")]
    Tls(#[from] TlsError),
    /// Signals.
    #[error("signals cannot be received")]
    Signal(#[source] std::io::Error),
}

impl Options {
    async fn api(&self) -> Result<Option<ApiOptions>, RunError> {
        let Some(access) = &self.api else {
            return Ok(None);
        };
        let client = access.client().await?;
        let (Some(node), Some(namespace)) = (self.terms.node.clone(), self.namespace.clone()) else {
            return Err(RunError::WhichNode);
        };
        let (labels, known, state) = (self.terms.labels.clone(), BTreeSet::new(), self.state.clone());
        Ok(Some(ApiOptions { client, namespace, node, labels, known, state }))
    }
}

/// Runs an agent until it is told to end. What FRR is being told just then goes to its end, unless it is told again. FRR is
/// left as it is.
pub async fn run(options: Options) -> Result<(), RunError> {
    let wake = Arc::new(Notify::new());
    let (pause, is_ending) = (watch::Sender::new(None), Arc::new(AtomicBool::new(false)));
    let report = Report {
        schema_version: SCHEMA_VERSION,
        node: options.terms.node.clone(),
        reason: "Starting".to_owned(),
        ..Report::default()
    };
    let shared = Arc::new(Shared {
        report: watch::Sender::new(report),
        pause: pause.clone(),
        log_level: options.log_level.clone(),
        metrics: Metrics::new(),
        seen: Arc::default(),
        wake: Arc::clone(&wake),
        telling: gate(pause, Arc::clone(&is_ending)),
    });
    let api = options.api().await?;
    listen(&options, api.as_ref(), &shared).await?;
    let mut end = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
    let mut ended = async || {
        tokio::select! {
            _ = end.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let telling = shared.telling.clone();
    let mut work = Box::pin(async { Worker::start(options, api, shared).await?.work().await });
    tokio::select! {
        ran = &mut work => return ran,
        () = ended() => {}
    }
    is_ending.store(true, Ordering::SeqCst);
    if telling.is_in_use() {
        info!("told to end: first FRR is told to its end what it is being told");
    }
    tokio::select! {
        ran = &mut work => return ran,
        () = telling.wait_until_left() => info!("told to end: FRR is left as it is"),
        () = ended() => warn!("told to end again: what FRR was being told is cut off"),
        () = sleep(END_LIMIT) => warn!("told to end: what FRR was being told takes too long, and is cut off"),
    }
    Ok(())
}

/// FRR is told nothing while somebody has paused the agent, nor when it is to end.
fn gate(pause: watch::Sender<Option<Pause>>, is_ending: Arc<AtomicBool>) -> Gate {
    Gate::new(move || {
        let is_paused = pause.borrow().as_ref().is_some_and(|pause| pause.until > Timestamp::now());
        !is_paused && !is_ending.load(Ordering::SeqCst)
    })
}

/// Answers wherever it is to.
async fn listen(options: &Options, api: Option<&ApiOptions>, shared: &Arc<Shared>) -> Result<(), RunError> {
    let figures = &options.figures;
    let guarded = [(figures.objects, Part::Objects), (figures.sessions, Part::Sessions)];
    if guarded.iter().any(|(address, _)| address.is_some()) {
        let client = api.ok_or(RunError::WhoMayRead)?.client.clone();
        let guard = Arc::new(Guard::new(client, figures.tls.clone())?);
        for (address, part) in guarded.into_iter().filter_map(|(address, part)| Some((address?, part))) {
            let (shared, guard) = (Arc::clone(shared), Arc::clone(&guard));
            tokio::spawn(serve_when_free(address, move || {
                let (shared, guard) = (Arc::clone(&shared), Arc::clone(&guard));
                async move { Server::bind_metrics(address, part, shared, &guard).await }
            }));
        }
    }
    if let Some(address) = options.listen {
        match Server::bind(address, Arc::clone(shared)).await {
            Ok(server) => {
                let address = server.address().unwrap_or(address);
                info!(%address, "listening");
                tokio::spawn(server.serve());
            }
            Err(error) if error.is_taken() => {
                let shared = Arc::clone(shared);
                tokio::spawn(serve_when_free(address, move || Server::bind(address, Arc::clone(&shared))));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Serves as soon as the address can be had. Until then the node is driven all the same, or stood by for: on the host's network
/// the agent of before may still have it.
async fn serve_when_free<F>(address: SocketAddr, bind: impl Fn() -> F)
where
    F: Future<Output = Result<Server, ListenError>>,
{
    let mut said = String::new();
    loop {
        match bind().await {
            Ok(server) => {
                info!(%address, "listening");
                return server.serve().await;
            }
            Err(error) => {
                let message = with_sources(&error);
                if message != said {
                    warn!("nobody is answered yet: {message}");
                    said = message;
                }
            }
        }
        sleep(BIND_PAUSE).await;
    }
}

/// What works on one FRR.
struct Worker {
    shared: Arc<Shared>,
    sockets: PathBuf,
    lock: Lock,
    sources: Sources,
    node: Node<Telling<AnyTransport>>,
    watch: Watch,
    pause_file: PauseFile,
}

impl Worker {
    /// Waits until nobody else drives this FRR, and takes over what was kept.
    async fn start(options: Options, api: Option<ApiOptions>, shared: Arc<Shared>) -> Result<Self, RunError> {
        tokio::spawn(Watcher::new(options.looking, Arc::clone(&shared.seen)).run());
        tokio::spawn(tell_sessions(Arc::clone(&shared)));
        let lock = stand_by(&options.sockets, &shared).await;
        let store = Store::open(&options.state)?;
        let pause_file = PauseFile::open(&options.state, Timestamp::now());
        if let Some(pause) = pause_file.pause() {
            let is_unset =
                |now: &mut Option<Pause>| now.is_none().then(|| *now = Some(pause.clone())).is_some();
            shared.pause.send_if_modified(is_unset);
        }
        let engine = Engine::new(options.terms, options.namespace)
            .with_hold_down(HoldDown::new(options.withdraw_hold_down));
        let startup = options.frr_config.map(StartupFile::new);
        let transport = Telling::new(options.transport, Arc::clone(&shared));
        let node = Node::new(transport, engine, store, (startup, options.on_drift));
        let mut node = node.through(shared.telling.clone());
        take_over(&mut node)?;
        let kept_at = node.kept_at().and_then(|at| Timestamp::try_from(at).ok());
        shared.report.send_modify(|report| report.last_good_at = kept_at);
        shared.metrics.look(&shared.report.borrow());
        let api = api.map(|mut api| {
            node.describe_all();
            api.known = node.names_of_the_api();
            let (client, name) = (api.client.clone(), api.node.clone());
            tokio::spawn(Events::new(client.clone(), name.clone(), Arc::clone(&shared)).run());
            let with_config = options.publish_running_config;
            let publisher = Publisher::new(client.clone(), name.clone(), Arc::clone(&shared), with_config);
            tokio::spawn(publisher.run());
            let publisher = SessionPublisher::new(client, &api.namespace, name, Arc::clone(&shared));
            tokio::spawn(publisher.run());
            Api::watch(api, Arc::clone(&shared.wake))
        });
        let sources = Sources::new(options.directories, api);
        let watch = Watch::new(sources.paths(), &options.sockets, Arc::clone(&shared.wake))?;
        Ok(Self { shared, sockets: options.sockets, lock, sources, node, watch, pause_file })
    }

    async fn work(mut self) -> Result<(), RunError> {
        loop {
            if !self.lock.is_in_place() {
                self.lock = stand_by(&self.sockets, &self.shared).await;
                // Another agent may have driven FRR meanwhile; what is kept on disk is the last word.
                take_over(&mut self.node)?;
            }
            if let Err(error) = self.watch.renew() {
                // It is looked at from time to time anyway.
                debug!("{}", with_sources(&error));
            }
            let pause = self.pause();
            let next = match pause {
                Some(pause) => {
                    let left = pause.until.duration_since(Timestamp::now());
                    publish_paused(&self.shared, pause);
                    let left = Duration::try_from(left).unwrap_or_default();
                    left.clamp(Duration::from_millis(10), POLL_SHORTEST)
                }
                None => self.pass().await,
            };
            let at = Instant::now() + next;
            tokio::select! {
                () = self.shared.wake.notified() => debug!("something happened"),
                () = self.shared.seen.lost.notified() => debug!("a daemon does not run any more"),
                () = sleep_until(at) => {}
            }
        }
    }

    /// One pass, and how long to wait for the next when nothing happens.
    async fn pass(&mut self) -> Duration {
        wait_for_writers(&self.watch, &self.shared).await;
        let is_blank = self.node.is_blank();
        let mut pass = self.node.pass_over(|| self.sources.read(is_blank)).await;
        self.shared.telling.leave();
        if pass.is_stopped {
            // Somebody has paused the agent meanwhile, or is about to end it.
            return Duration::ZERO;
        }
        pass.leave_out(self.sources.left_out());
        if let Some(decision) = &pass.decision {
            let is_other = |level: &mut Option<LogLevel>| {
                std::mem::replace(level, decision.log_level) != decision.log_level
            };
            self.shared.log_level.send_if_modified(is_other);
        }
        publish(&self.shared, &pass);
        let trouble = self.sources.trouble();
        self.shared.report.send_modify(|report| report.api_trouble = trouble);
        pause_after(&pass)
    }

    /// The pause: of that of an operator and that of the Node, the one that ends last.
    fn pause(&mut self) -> Option<Pause> {
        let of_node = self.sources.node_pause();
        let refused = of_node.as_ref().and_then(NodePause::refused).map(str::to_owned);
        let is_other =
            |report: &mut Report| std::mem::replace(&mut report.pause_refused, refused.clone()) != refused;
        if self.shared.report.send_if_modified(is_other)
            && let Some(refused) = &refused
        {
            warn!("the annotation {PAUSE_ANNOTATION} of the Node pauses nothing: {refused}");
        }
        let of_node = of_node.and_then(|pause| pause.pause(Timestamp::now()).cloned());
        self.operators_pause().into_iter().chain(of_node).max_by_key(|pause| pause.until)
    }

    /// The one of an operator, unless it is over; kept on disk, so that it outlives the agent.
    fn operators_pause(&mut self) -> Option<Pause> {
        let is_over = |pause: &mut Option<Pause>| {
            let is_over = pause.as_ref().is_some_and(|pause| pause.until <= Timestamp::now());
            if is_over {
                *pause = None;
                info!("the pause is over");
            }
            is_over
        };
        self.shared.pause.send_if_modified(is_over);
        let pause = self.shared.pause.borrow().clone();
        let kept = self.pause_file.keep(pause.as_ref());
        let mut before = Vec::new();
        let is_other = self.shared.report.send_if_modified(|report| {
            before.clone_from(&report.unkept);
            report.note_kept(OnDisk::Pause, &kept, Timestamp::now())
        });
        if is_other {
            say_unkept(&before, &self.shared.report.borrow().unkept);
        }
        pause
    }
}

/// Puts the sessions into the report as they change.
async fn tell_sessions(shared: Arc<Shared>) {
    let mut seen = shared.seen.sessions.subscribe();
    while seen.changed().await.is_ok() {
        let sessions = seen.borrow_and_update().clone().unwrap_or_default();
        shared.report.send_modify(|report| report.sessions = sessions);
    }
}

/// Takes over what was kept on disk, and says what of it cannot be.
fn take_over<T: Transport>(node: &mut Node<T>) -> Result<(), StoreError> {
    let (set_aside, findings) = node.restore()?;
    for generation in set_aside {
        let (reason, moved_to) = (generation.reason.reason(), generation.moved_to);
        warn!(
            reason,
            ?moved_to,
            "a last good configuration cannot be read: {}",
            with_sources(&generation.reason)
        );
    }
    for finding in findings {
        let (rule, object) = (finding.rule.id(), &finding.at.object);
        warn!(rule, %object, "not taken over from the last good configuration: {}", finding.message);
    }
    Ok(())
}

/// Waits until files that are being written are closed, but not for ever.
async fn wait_for_writers(watch: &Watch, shared: &Shared) {
    let deadline = Instant::now() + WRITERS_LIMIT;
    while watch.is_being_written(WRITERS_LIMIT) && Instant::now() < deadline {
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep_until(Instant::now() + LOST_PAUSE) => {}
        }
    }
}

/// Waits until no other agent drives the same FRR, and the lock can be had.
async fn stand_by(sockets: &Path, shared: &Shared) -> Lock {
    let mut said = String::new();
    loop {
        let error = match Lock::take(sockets) {
            Ok(lock) => {
                shared.report.send_modify(|report| report.is_active = true);
                return lock;
            }
            Err(error) => error,
        };
        let message = error.to_string();
        if message != said {
            info!(reason = error.reason(), "standing by: {message}");
            shared.report.send_modify(|report| {
                error.reason().clone_into(&mut report.reason);
                report.message.clone_from(&message);
                (report.is_active, report.is_applied) = (false, false);
            });
            said = message;
        }
        sleep(LOST_PAUSE).await;
    }
}

fn pause_after(pass: &Pass) -> Duration {
    if pass.error.is_some() && pass.version.is_none() {
        return LOST_PAUSE;
    }
    let usual = (pass.reading * POLL_SHARE).clamp(POLL_SHORTEST, POLL_LONGEST);
    let until = pass.decision.as_ref().and_then(|decision| decision.until);
    until.map_or(usual, |until| until.saturating_duration_since(std::time::Instant::now()).min(usual))
}

fn publish_paused(shared: &Shared, pause: Pause) {
    shared.report.send_modify(|report| {
        if report.paused.as_ref() != Some(&pause) {
            info!(until = %pause.until, "paused");
        }
        "Paused".clone_into(&mut report.reason);
        report.message.clone_from(&pause.reason);
        report.is_applied = false;
        report.paused = Some(pause);
    });
    shared.metrics.look(&shared.report.borrow());
}

fn publish(shared: &Shared, pass: &Pass) {
    let (before, unkept_before, drift_before) = {
        let report = shared.report.borrow();
        (report.reason.clone(), report.unkept.clone(), report.drift.clone())
    };
    shared.report.send_modify(|report| {
        report.take(pass, Timestamp::now());
        report.paused = None;
    });
    let report = shared.report.borrow();
    shared.metrics.take(&report, pass);
    // What is put right is new each time; what is left stays.
    if !pass.drift.is_empty() && (report.drift != drift_before || !pass.applies.is_empty()) {
        let first: Vec<&String> = report.drift.iter().take(DRIFT_LOGGED_MAX).collect();
        warn!(lines = pass.drift.len(), ?first, "somebody else changed what is ours");
        shared.metrics.note_drift();
    }
    let lines: usize = pass.applies.iter().map(|apply| apply.lines).sum();
    if lines > 0 || report.reason != before {
        let sending: Duration = pass.applies.iter().map(|apply| apply.sending).sum();
        info!(outcome = report.reason, lines, ?sending, "{}", report.message);
    }
    for reset in pass.resets.iter().filter(|reset| reset.is_of_others()) {
        let Reset { session, defined_by, changed, because } = reset;
        warn!(%session, ?defined_by, ?changed, ?because, "a session was reset by a change of another object than those that define it");
    }
    say_unkept(&unkept_before, &report.unkept);
}

/// Says what cannot be kept any more, and what can be kept again.
fn say_unkept(before: &[Unkept], now: &[Unkept]) {
    for Unkept { what, reason, message, .. } in now.iter().filter(|unkept| !before.contains(unkept)) {
        warn!(reason, what = what.as_str(), "cannot be kept: {message}");
    }
    let is_kept = |unkept: &&Unkept| now.iter().all(|now| now.what != unkept.what);
    for Unkept { what, since, .. } in before.iter().filter(is_kept) {
        info!(what = what.as_str(), %since, "can be kept again");
    }
}
