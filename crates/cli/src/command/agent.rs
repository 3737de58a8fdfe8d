//! `frrk8s agent`

use std::io;

use frrk8s_agent::{OnDrift, Options};
use tracing::Level;

use super::CommandError;
use crate::args::{AgentArgs, AgentLogLevel, Drift, LogFormat};
use crate::output::Exit;

pub fn run(args: &AgentArgs) -> Result<Exit, CommandError> {
    let level = match args.log_level {
        AgentLogLevel::Error => Level::ERROR,
        AgentLogLevel::Warn => Level::WARN,
        AgentLogLevel::Info => Level::INFO,
        AgentLogLevel::Debug => Level::DEBUG,
    };
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_target(false);
    match args.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
    let options = Options {
        directory: args.source.clone(),
        terms: args.node.terms(),
        namespace: Some(args.namespace.clone()),
        sockets: args.frr_sockets.clone(),
        frr_config: args.frr_config.clone(),
        state: args.state_dir.clone(),
        on_drift: match args.on_drift {
            Drift::Undo => OnDrift::Undo,
            Drift::Report => OnDrift::Report,
        },
        listen: args.listen,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(frrk8s_agent::run(options))?;
    Ok(Exit::Fine)
}
