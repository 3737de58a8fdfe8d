//! What can be written on the command line.
#![allow(clippy::doc_markdown)] // these comments are the help that people read in a terminal

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use frrk8s_document::Version;
use frrk8s_intake::Terms;
use frrk8s_merge::ConflictPolicy;
use frrk8s_model::{IpNet, parse_prefix};
use frrk8s_render::Hostname;
use jiff::SignedDuration;

/// Merges the FRRConfiguration objects of a Kubernetes node into the configuration of its FRR.
#[derive(Debug, Parser)]
#[command(name = "frrk8s", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 fine, 1 the command failed, 2 wrong usage, 3 the input has invalid or \
                        conflicting objects."
)]
pub struct Arguments {
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the frr.conf of a node. Passwords are in it.
    Render(RenderArgs),
    /// Print the merged configuration of a node, with the origin of every value.
    Merge(MergeArgs),
    /// Print everything that is wrong, or worth knowing, for every node of the input.
    Check(CheckArgs),
    /// Print the lines that lead from one configuration of FRR to another, and what they do to each session.
    Diff(DiffArgs),
    /// Say which objects stand behind a neighbor, a prefix or a line, and why something is not there.
    Explain(ExplainArgs),
    /// Run as the node daemon: keep FRR at what the objects of a directory ask for.
    Agent(Box<AgentArgs>),
    /// Ask the agent of this machine what it does.
    Status(StatusArgs),
    /// Keep the agent of this machine from telling FRR anything, for a time.
    Pause(PauseArgs),
    /// End a pause.
    Resume(AskArgs),
    /// Print the custom resource definitions, for `kubectl apply -f -`.
    Crds,
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// The objects.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// Files or directories of YAML or JSON, or - for standard input: FRRConfiguration, Node and Secret objects, and
    /// lists of them.
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true, num_args = 1..)]
    pub paths: Vec<PathBuf>,
    /// The namespace whose objects count, as for the daemon [default: the one that all FRRConfigurations are in,
    /// else frr-k8s-system].
    #[arg(short = 'n', long, value_name = "NS", value_parser = namespace)]
    pub namespace: Option<String>,
}

/// The node.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// The name of the node. A Node object of this name in the input gives its labels and addresses; without one it
    /// has the label kubernetes.io/hostname.
    #[arg(long, value_name = "NAME", value_parser = node_name)]
    node: Option<String>,
    /// A label of the node, beside those of its object.
    #[arg(long = "node-label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Routes that are never taken from anybody, with everything inside them.
    #[arg(long, value_name = "CIDR,...", value_parser = prefixes)]
    always_block: Vec<Prefixes>,
    /// What to do when objects conflict or are invalid.
    #[arg(long, value_enum, default_value_t = Policy::Freeze)]
    conflict_policy: Policy,
}

impl NodeArgs {
    /// Which node is meant, and on what terms.
    pub fn terms(&self) -> Terms {
        Terms {
            node: self.node.clone(),
            labels: self.labels.clone(),
            always_block: self.always_block.iter().flat_map(|prefixes| prefixes.0.iter().copied()).collect(),
            conflict_policy: self.conflict_policy.into(),
        }
    }
}

/// A conflict policy, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// Nothing changes until all objects go together.
    Freeze,
    /// What does not fit is set aside, the rest is applied.
    Quarantine,
}

impl From<Policy> for ConflictPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Freeze => Self::Freeze,
            Policy::Quarantine => Self::Quarantine,
        }
    }
}

/// `frrk8s render`
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The objects.
    #[command(flatten)]
    pub input: InputArgs,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// A running configuration (`show running-config`), whose names and numbers are kept.
    #[arg(long, value_name = "RUNNING")]
    pub against: Option<PathBuf>,
    /// Print *** for passwords.
    #[arg(long)]
    pub mask_secrets: bool,
}

/// `frrk8s merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The objects.
    #[command(flatten)]
    pub input: InputArgs,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// The format.
    #[arg(short, long, value_enum, default_value_t = DataFormat::Yaml)]
    pub output: DataFormat,
}

/// Formats of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataFormat {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

/// `frrk8s check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The objects.
    #[command(flatten)]
    pub input: InputArgs,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// The format.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}

/// Formats of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people, with the source lines.
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code review tools.
    Sarif,
}

/// `frrk8s diff`
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// What runs: what `show running-config` prints, or - for standard input.
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// What is to run: another such text, or what `frrk8s render --against` prints.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// The version of FRR that is to be told [default: the one that the files name].
    #[arg(long, value_name = "VERSION")]
    pub frr_version: Option<Version>,
    /// The format.
    #[arg(short, long, value_enum, default_value_t = DiffFormat::Text)]
    pub output: DiffFormat,
}

/// Formats of a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `frrk8s agent`
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// Where objects come from: dir:PATH, a directory of YAML or JSON files; kube, the Kubernetes API; can be repeated.
    #[arg(long = "source", value_name = "SOURCE", required = true, value_parser = source)]
    pub sources: Vec<SourceArg>,
    /// How to reach the Kubernetes API [default: as a pod is told, or as kubectl finds it].
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The namespace whose objects count, beside those without one.
    #[arg(short = 'n', long, value_name = "NS", default_value = "frr-k8s-system", value_parser = namespace)]
    pub namespace: String,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// The directory of FRR's vty sockets.
    #[arg(long, value_name = "DIR", default_value = "/run/frr")]
    pub frr_sockets: PathBuf,
    /// The way to FRR: sockets (those of the daemons), or vtysh:PROGRAM (slower; the name of the node is not told).
    #[arg(long, value_name = "WAY", default_value = "sockets", value_parser = way)]
    pub transport: Way,
    /// FRR's start-up file, which is kept at what runs [default: it is left alone].
    #[arg(long, value_name = "FILE")]
    pub frr_config: Option<PathBuf>,
    /// The directory for the last good configuration. Passwords are in it; it is closed to others.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/frrk8s")]
    pub state_dir: PathBuf,
    /// What to do when somebody else changes what is ours.
    #[arg(long, value_enum, default_value_t = Drift::Undo)]
    pub on_drift: Drift,
    /// How long an object that takes back everything it advertised is kept as it was, such as 20s.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = hold_down)]
    pub withdraw_hold_down: Duration,
    /// Where to answer /healthz, /readyz, /livez, /metrics and /status, and `frrk8s status` [default: nowhere].
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where to serve the figures of objects and of the engine over TLS, to those whom the Kubernetes API lets get
    /// /metrics [default: nowhere].
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,
    /// Where to serve the figures of sessions the same way, and /livez to everybody [default: nowhere].
    #[arg(long, value_name = "ADDR")]
    pub frr_metrics_listen: Option<SocketAddr>,
    /// A directory with tls.crt and tls.key, taken anew when they change [default: a certificate is made].
    #[arg(long, value_name = "DIR")]
    pub metrics_cert_dir: Option<PathBuf>,
    /// The least version of TLS.
    #[arg(long, value_enum, value_name = "VERSION", default_value_t = LeastTls::V13)]
    pub tls_min_version: LeastTls,
    /// How much is logged, where no FRRK8sConfiguration says it.
    #[arg(long, value_enum, default_value_t = AgentLogLevel::Info)]
    pub log_level: AgentLogLevel,
    /// How it is logged.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// What to do about drift, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drift {
    /// Put it back.
    Undo,
    /// Say it, and leave it.
    Report,
}

/// The least version of TLS, as Kubernetes writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LeastTls {
    /// 1.2.
    #[value(name = "VersionTLS12")]
    V12,
    /// 1.3.
    #[value(name = "VersionTLS13")]
    V13,
}

/// Where objects come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceArg {
    /// A directory.
    Directory(PathBuf),
    /// The Kubernetes API.
    Kubernetes,
}

/// A way to FRR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The daemons' sockets.
    Sockets,
    /// This vtysh.
    Vtysh(PathBuf),
}

/// How much the agent logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AgentLogLevel {
    /// What went wrong.
    Error,
    /// And what may.
    Warn,
    /// And every outcome.
    Info,
    /// And the steps on the way.
    Debug,
}

/// How the agent logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Which agent is asked.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The address that the agent has with --listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7572")]
    pub address: SocketAddr,
}

/// `frrk8s status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Which agent.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The format.
    #[arg(short, long, value_enum, default_value_t = DiffFormat::Text)]
    pub output: DiffFormat,
}

/// `frrk8s pause`
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// How long, such as 30m; 24h at the most.
    #[arg(value_name = "DURATION")]
    pub duration: String,
    /// Why: everybody who looks sees it.
    #[arg(long)]
    pub reason: String,
    /// Which agent.
    #[command(flatten)]
    pub ask: AskArgs,
}

/// `frrk8s explain`
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true)]
pub struct ExplainArgs {
    /// The objects.
    #[command(flatten)]
    pub input: InputArgs,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// What to explain.
    #[command(subcommand)]
    pub what: Explain,
}

/// What can be explained.
#[derive(Debug, Subcommand)]
pub enum Explain {
    /// A neighbor: its address or interface.
    Neighbor {
        /// The address or interface, in any VRF.
        neighbor: String,
    },
    /// A prefix: who advertises it to whom, who takes it from whom, and who not.
    Prefix {
        /// The prefix.
        prefix: String,
    },
    /// A line of the rendered configuration, or a part of one.
    Line {
        /// The line.
        #[arg(num_args = 1.., required = true)]
        words: Vec<String>,
    },
}

fn source(text: &str) -> Result<SourceArg, String> {
    match text.strip_prefix("dir:") {
        Some(path) if !path.is_empty() => Ok(SourceArg::Directory(path.into())),
        None if text == "kube" => Ok(SourceArg::Kubernetes),
        _ => Err("a source is dir:PATH or kube".to_owned()),
    }
}

fn way(text: &str) -> Result<Way, String> {
    match text.split_once(':') {
        None if text == "sockets" => Ok(Way::Sockets),
        None if text == "vtysh" => Ok(Way::Vtysh("/usr/bin/vtysh".into())),
        Some(("vtysh", program)) if !program.is_empty() => Ok(Way::Vtysh(program.into())),
        _ => Err("a way to FRR is sockets, vtysh, or vtysh:PROGRAM".to_owned()),
    }
}

fn hold_down(text: &str) -> Result<Duration, String> {
    let refused = || "a hold-down is a duration from 0s to 1h, such as 20s".to_owned();
    let parsed: SignedDuration = text.parse().map_err(|_| refused())?;
    let duration = Duration::try_from(parsed).map_err(|_| refused())?;
    if duration > Duration::from_hours(1) { Err(refused()) } else { Ok(duration) }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is written KEY=VALUE".to_owned()),
    }
}

fn node_name(text: &str) -> Result<String, String> {
    match Hostname::new(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("a node's name has letters, digits, dots and dashes".to_owned()),
    }
}

fn namespace(text: &str) -> Result<String, String> {
    match Hostname::new(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("a namespace has lower-case letters, digits and dashes".to_owned()),
    }
}

/// Prefixes of one option.
#[derive(Clone, Debug)]
struct Prefixes(Vec<IpNet>);

/// Prefixes with commas between them; none at all is how the daemon's manifest may have it.
fn prefixes(text: &str) -> Result<Prefixes, String> {
    let prefix =
        |text: &str| parse_prefix(text.trim()).ok_or_else(|| "a prefix is written ADDRESS/LENGTH".to_owned());
    let written = text.split(',').filter(|_| !text.trim().is_empty());
    written.map(prefix).collect::<Result<_, _>>().map(Prefixes)
}
