//! `frrk8s agent`

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use frrk8s_agent::{ApiAccess, FiguresOptions, OnDrift, Options, TlsOptions, TlsVersion};
use frrk8s_frr::{AnyTransport, Sockets, Vtysh};
use frrk8s_render::LogLevel;
use tokio::sync::watch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use super::CommandError;
use crate::args::{AgentArgs, AgentLogLevel, Drift, LeastTls, LogFormat, SourceArg, Way};
use crate::output::Exit;

/// Where FRR has its sockets, and vtysh looks for them.
const SOCKETS_USUAL: &str = "/run/frr";

/// How long a daemon may take to answer who only looks: one that hangs must not keep the others from being looked at.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

pub fn run(args: &AgentArgs) -> Result<Exit, CommandError> {
    let usual = level_of(args.log_level);
    let handle = log(usual, args.log_format);
    let (log_level, mut asked) = watch::channel(None);
    let options = Options {
        directories: args.sources.iter().filter_map(directory).collect(),
        api: api(args),
        terms: args.node.terms(),
        namespace: Some(args.namespace.clone()),
        sockets: args.frr_sockets.clone(),
        transport: transport(&args.transport, &args.frr_sockets),
        looking: transport(&args.transport, &args.frr_sockets).with_reply_limit(LOOK_LIMIT),
        frr_config: args.frr_config.clone(),
        state: args.state_dir.clone(),
        on_drift: match args.on_drift {
            Drift::Undo => OnDrift::Undo,
            Drift::Report => OnDrift::Report,
        },
        withdraw_hold_down: args.withdraw_hold_down,
        publish_running_config: args.publish_running_config,
        listen: args.listen,
        figures: figures(args),
        log_level,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        tokio::spawn(async move {
            while asked.changed().await.is_ok() {
                let level = asked.borrow_and_update().map_or(usual, asked_level);
                // It is there as long as the process.
                let _ = handle.modify(|filter| *filter = level);
            }
        });
        frrk8s_agent::run(options).await
    })?;
    Ok(Exit::Fine)
}

/// Sets up the log, and gives what changes its level.
fn log(level: LevelFilter, format: LogFormat) -> Handle<LevelFilter, Registry> {
    let (filter, handle) = reload::Layer::new(level);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).init(),
        LogFormat::Json => registry.with(lines.json()).init(),
    }
    handle
}

fn level_of(level: AgentLogLevel) -> LevelFilter {
    match level {
        AgentLogLevel::Error => LevelFilter::ERROR,
        AgentLogLevel::Warn => LevelFilter::WARN,
        AgentLogLevel::Info => LevelFilter::INFO,
        AgentLogLevel::Debug => LevelFilter::DEBUG,
    }
}

/// What an `FRRK8sConfiguration` asks for counts for FRR and for the agent.
fn asked_level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::None => LevelFilter::OFF,
    }
}

fn directory(source: &SourceArg) -> Option<PathBuf> {
    match source {
        SourceArg::Directory(path) => Some(path.clone()),
        SourceArg::Kubernetes => None,
    }
}

fn api(args: &AgentArgs) -> Option<ApiAccess> {
    let access = || args.kubeconfig.clone().map_or(ApiAccess::Usual, ApiAccess::Kubeconfig);
    args.sources.contains(&SourceArg::Kubernetes).then(access)
}

fn figures(args: &AgentArgs) -> FiguresOptions {
    FiguresOptions {
        objects: args.metrics_listen,
        sessions: args.frr_metrics_listen,
        tls: TlsOptions {
            directory: args.metrics_cert_dir.clone(),
            least: match args.tls_min_version {
                LeastTls::V12 => TlsVersion::V12,
                LeastTls::V13 => TlsVersion::V13,
            },
            name: args.node.terms().node,
        },
    }
}

fn transport(way: &Way, sockets: &Path) -> AnyTransport {
    let Way::Vtysh(program) = way else {
        return AnyTransport::Sockets(Sockets::new(sockets));
    };
    let vtysh = Vtysh::new(program);
    let usual = Path::new(SOCKETS_USUAL);
    AnyTransport::Vtysh(match sockets.strip_prefix(usual).ok().and_then(Path::to_str) {
        Some("") => vtysh,
        Some(pathspace) if !pathspace.contains('/') => vtysh.with_pathspace(pathspace),
        _ => vtysh.with_sockets(sockets),
    })
}
