//! Talking to FRR, and what must outlive the one who does.

mod apply;
mod store;

pub use apply::{Cause, Event, Goal, Machine, Phase, Refused, Residue, Step, Verdict};
pub use store::{Accepted, LastGood, Loaded, Record, SetAside, StartupFile, Store, StoreError};
