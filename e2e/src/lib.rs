//! What the tests against real FRR have in common: objects to a plan, a plan to a router, and back.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]

pub mod agent;
pub mod arrival;
pub mod audit;
pub mod bfd;
pub mod chain;
mod check;
pub mod cluster_lab;
pub mod cluster_peer;
pub mod cut;
pub mod deployed;
pub mod fake_frr;
pub mod fleet;
pub mod generated;
pub mod https;
pub mod impact;
pub mod intercepted;
mod load;
pub mod oracle;
pub mod other;
pub mod permitted;
mod planned;
pub mod pod;
pub mod proxy;
pub mod rendered;
pub mod scenario;
pub mod speaker;
pub mod standing;

pub use check::{check, check_as_file, compare};
pub use frrk8s_testkit::case::Planned;
pub use load::{Difference, Loaded, dialect, difference, load, read_back, read_divided, send, wait_for_plan};
pub use planned::PlannedInput;
