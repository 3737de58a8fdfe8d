//! Talking to FRR, and what must outlive the one who does.

mod store;

pub use store::{Accepted, LastGood, Loaded, Record, SetAside, StartupFile, Store, StoreError};
