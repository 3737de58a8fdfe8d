//! What the agent answers: whether it is well, what it did, its figures; and an operator's pause.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use frrk8s_render::LogLevel;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::metrics::Metrics;
use crate::pause::Pause;
use crate::report::Report;

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
    /// Wakes the loop.
    pub wake: Arc<Notify>,
}

/// Why nobody can be answered.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A server that is not answering yet.
pub struct Server {
    listener: TcpListener,
    router: Router,
}

impl Server {
    /// Takes an address.
    pub async fn bind(address: SocketAddr, shared: Arc<Shared>) -> Result<Self, ListenError> {
        let listener = TcpListener::bind(address).await.map_err(|source| ListenError { address, source })?;
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/status", get(status))
            .route("/metrics", get(metrics))
            .route("/pause", post(pause))
            .route("/resume", post(resume))
            .with_state(shared);
        Ok(Self { listener, router })
    }

    /// The address that it has.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for ever.
    pub async fn serve(self) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            // It is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await;
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    let router = self.router.clone().layer(Extension(ConnectInfo(from)));
                    tokio::spawn(async move {
                        answer(stream, router).await;
                        drop(slot);
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

/// Answers one connection. Whatever goes wrong on it is the other end's affair.
async fn answer(stream: TcpStream, router: Router) {
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

async fn status(State(shared): State<Arc<Shared>>) -> Json<Report> {
    Json(shared.report.borrow().clone())
}

async fn metrics(State(shared): State<Arc<Shared>>) -> String {
    shared.metrics.text()
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
            let is_applying = shared.report.borrow().reason == "Applying";
            let first = if is_applying { "; what is being told just now is told to its end" } else { "" };
            let text = format!("paused until {}: {}{first}\n", pause.until, pause.reason);
            shared.pause.send_replace(Some(pause));
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
