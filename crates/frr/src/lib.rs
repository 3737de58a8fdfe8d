//! Talking to FRR, and what must outlive the one who does.

mod apply;
mod store;
mod transport;

pub use apply::{
    Cause, Driven, Event, Goal, Machine, Ours, Phase, Refused, Residue, Step, Verdict, differences, drive,
    read_running,
};
pub use store::{Accepted, LastGood, Loaded, RawRecord, Record, SetAside, StartupFile, Store, StoreError};
pub use transport::{
    AnyTransport, Change, FrrError, Limits, Place, Refusal, Reload, Reply, Sockets, Transport, Vtysh,
};
