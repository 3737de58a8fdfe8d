//! The node daemon: what the objects of a source ask for is made to run in the FRR beside it.
//!
//! ```text
//! directories ─┐
//! Kubernetes  ─┤  wake   ┌──────────────────────── a pass ────────────────────────┐
//! sockets     ─┼───────► │ read FRR ─ decide ─ apply, verify, roll back ─ keep it │ ─► report, figures, log, FRRNodeState
//! time        ─┘         └────────────────────────────────────────────────────────┘
//! ```
//!
//! Invariants:
//! * Events carry nothing: each pass takes a fresh look at the source and at FRR.
//! * What cannot be read never takes anything away: the node is held at what was last good.
//! * Nothing is told to an FRR that runs what it should.
//! * Whatever is told goes through the gate: what is begun goes to its end, and nothing is begun in a pause or at the end.

mod circumstances;
mod engine;
mod foreign;
mod gate;
mod hold_down;
mod kept;
mod lock;
mod metrics;
mod node;
mod pause;
mod publish;
mod refusals;
mod report;
mod resets;
mod retry;
mod run;
mod server;
mod sessions;
mod sources;
mod telling;
mod unkept;
mod wanted;
mod watch;

pub use engine::{Decision, Engine};
pub use foreign::Foreign;
pub use node::{Node, OnDrift, Pass, PassError};
pub use pause::{Pause, PauseError};
pub use report::{FindingReport, LastApply, ObjectReport, Report};
pub use resets::Reset;
pub use run::{FiguresOptions, Options, RunError, run};
pub use server::{TlsError, TlsOptions, TlsVersion};
pub use sessions::SessionState;
pub use sources::{AccessError, ApiAccess, ApiError, SourceError};
pub use unkept::{OnDisk, Unkept};
