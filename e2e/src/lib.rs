//! What the tests against real FRR have in common: objects to a plan, a plan to a router, and back.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]

pub mod agent;
pub mod bfd;
pub mod chain;
mod check;
pub mod cut;
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
pub mod proxy;
pub mod speaker;
pub mod standing;

pub use check::{check, check_as_file, compare};
pub use frrk8s_testkit::case::Planned;
pub use load::{Loaded, dialect, load, read_back, send};
pub use planned::PlannedInput;
