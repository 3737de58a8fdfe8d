//! What the agent answers: whether it is well, what it did, its figures; and an operator's pause.
//!
//! ```text
//! --listen              plain, for loopback: everything
//! --metrics-listen      TLS; the figures of objects and of the engine, for those whom the API server lets read them
//! --frr-metrics-listen  TLS; the figures of sessions, the same way; and /livez, for everybody
//! ```

mod guests;
mod review;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use frrk8s_document::Daemon;
use frrk8s_render::LogLevel;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use kube::Client;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::gate::Gate;
use crate::metrics::{self, CONTENT_TYPE, Metrics};
use crate::pause::Pause;
use crate::report::Report;
use crate::sessions::{Life, Seen};
use guests::Guests;
use review::Reviewer;
use tls::Tls;
pub use tls::{TlsError, TlsOptions, TlsVersion};

/// How many connections there may be at one time; more of them wait.
const CONNECTIONS_MAX: usize = 64;
/// How long a request may take to come, and how long a connection may last that asks for nothing.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// How long a connection may last.
const CONNECTION_LIMIT: Duration = Duration::from_mins(2);
/// How soon it is tried again when no connection can be taken: descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the loop and the server share.
#[derive(Debug)]
pub struct Shared {
    /// What people are told.
    pub report: watch::Sender<Report>,
    /// A pause, while there is one.
    pub pause: watch::Sender<Option<Pause>>,
    /// How much the agent is to log, where an object says so.
    pub log_level: watch::Sender<Option<LogLevel>>,
    /// The figures.
    pub metrics: Metrics,
    /// What was seen of FRR.
    pub seen: Arc<Seen>,
    /// Wakes the loop.
    pub wake: Arc<Notify>,
    /// Whether FRR may be told something, and is.
    pub telling: Gate,
}

/// Why nobody can be answered.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

impl ListenError {
    /// Whether somebody else has the address.
    pub fn is_taken(&self) -> bool {
        self.source.kind() == std::io::ErrorKind::AddrInUse
    }
}

/// A server that is not answering yet.
pub struct Server {
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Takes an address, for everything without TLS.
    pub async fn bind(address: SocketAddr, shared: Arc<Shared>) -> Result<Self, ListenError> {
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/livez", get(live))
            .route("/status", get(status))
            .route("/metrics", get(all_metrics))
            .route("/pause", post(pause))
            .route("/resume", post(resume))
            .with_state(shared);
        Self::new(address, router, None).await
    }

    /// Takes an address, for figures over TLS.
    pub async fn bind_metrics(
        address: SocketAddr,
        part: Part,
        shared: Arc<Shared>,
        guard: &Guard,
    ) -> Result<Self, ListenError> {
        let reviewed = match part {
            Part::Objects => Router::new().route("/metrics", get(engine_metrics)),
            Part::Sessions => Router::new().route("/metrics", get(session_metrics)),
        };
        let reviewed = reviewed.layer(from_fn_with_state(Arc::clone(&guard.reviewer), review::review));
        let router = match part {
            Part::Objects => reviewed,
            Part::Sessions => reviewed.route("/livez", get(live)),
        };
        Self::new(address, router.with_state(shared), Some(Arc::clone(&guard.tls))).await
    }

    async fn new(address: SocketAddr, router: Router, tls: Option<Arc<Tls>>) -> Result<Self, ListenError> {
        let listener = TcpListener::bind(address).await.map_err(|source| ListenError { address, source })?;
        Ok(Self { listener, router, tls })
    }

    /// The address that it has.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for ever.
    pub async fn serve(self) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let guests = Guests::default();
        loop {
            // It is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await;
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    // Who has too many already is closed.
                    let Some(guest) = guests.admit(from.ip()) else { continue };
                    let router = self.router.clone().layer(Extension(ConnectInfo(from)));
                    let tls = self.tls.clone();
                    tokio::spawn(async move {
                        greet(stream, router, tls).await;
                        drop((slot, guest));
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

/// Which figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those of the objects and of the engine.
    Objects,
    /// Those of the sessions.
    Sessions,
}

/// What stands before figures.
pub struct Guard {
    reviewer: Arc<Reviewer>,
    tls: Arc<Tls>,
}

impl Guard {
    /// One that asks an API server who may read.
    pub fn new(client: Client, options: TlsOptions) -> Result<Self, TlsError> {
        Ok(Self { reviewer: Arc::new(Reviewer::new(client)), tls: Arc::new(Tls::new(options)?) })
    }
}

/// Answers one connection, after the handshake of TLS where there is one.
async fn greet(stream: TcpStream, router: Router, tls: Option<Arc<Tls>>) {
    let Some(tls) = tls else {
        return answer(stream, router).await;
    };
    if let Ok(Ok(stream)) = timeout(REQUEST_LIMIT, tls.acceptor().accept(stream)).await {
        answer(stream, router).await;
    }
}

/// Answers one connection. Whatever goes wrong on it is the other end's affair.
async fn answer(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, router: Router) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_LIMIT);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let _ = timeout(CONNECTION_LIMIT, connection).await;
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let report = shared.report.borrow();
    let code = if report.is_applied { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, format!("{}: {}\n", report.reason, report.message)).into_response()
}

/// Whether FRR lives, for who restarts it when it does not.
async fn live(State(shared): State<Arc<Shared>>) -> Response {
    let names =
        |daemons: &[Daemon]| daemons.iter().map(|daemon| daemon.name()).collect::<Vec<_>>().join(", ");
    match shared.seen.life() {
        Life::Lives => "ok\n".into_response(),
        Life::Missing(daemons) => {
            (StatusCode::NOT_FOUND, format!("not running: {}\n", names(&daemons))).into_response()
        }
        Life::Silent(daemons) => {
            let text = format!("silent for too long: {}\n", names(&daemons));
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

async fn status(State(shared): State<Arc<Shared>>) -> Json<Report> {
    let mut report = shared.report.borrow().clone();
    let now = Timestamp::now();
    report.sessions = report.sessions.into_iter().map(|session| session.at(now)).collect();
    Json(report)
}

async fn all_metrics(State(shared): State<Arc<Shared>>) -> Response {
    figures(shared.metrics.text() + &metrics::sessions(&shared.seen, &shared.metrics).await)
}

async fn engine_metrics(State(shared): State<Arc<Shared>>) -> Response {
    figures(shared.metrics.text())
}

async fn session_metrics(State(shared): State<Arc<Shared>>) -> Response {
    figures(metrics::sessions(&shared.seen, &shared.metrics).await)
}

fn figures(text: String) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

#[derive(Deserialize)]
struct Asked {
    duration: String,
    #[serde(default)]
    reason: String,
}

/// Everybody may look; only who is on the node may tell the agent anything.
fn refuse_others(from: SocketAddr) -> Option<Response> {
    let refused = || (StatusCode::FORBIDDEN, "only from the node itself, over loopback\n").into_response();
    (!from.ip().to_canonical().is_loopback()).then(refused)
}

async fn pause(
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<Asked>,
) -> Response {
    if let Some(refused) = refuse_others(from) {
        return refused;
    }
    match Pause::new(&asked.duration, &asked.reason, Timestamp::now()) {
        Ok(pause) => {
            let text = format!("paused until {}: {}", pause.until, pause.reason);
            shared.pause.send_replace(Some(pause));
            // Asked after the pause was set: whatever is not told yet is not told any more.
            let first = if shared.telling.is_in_use() {
                "; what is being told just now is told to its end"
            } else {
                ""
            };
            let text = text + first + "\n";
            shared.wake.notify_one();
            text.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

async fn resume(ConnectInfo(from): ConnectInfo<SocketAddr>, State(shared): State<Arc<Shared>>) -> Response {
    if let Some(refused) = refuse_others(from) {
        return refused;
    }
    shared.pause.send_replace(None);
    shared.wake.notify_one();
    "resumed\n".into_response()
}
