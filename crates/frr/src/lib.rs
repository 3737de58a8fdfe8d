//! Talking to FRR, and what must outlive the one who does.
//!
//! ```text
//!                                ┌─ Sockets  the daemons' vty sockets, kept open (the default)
//! Goal ─► Machine ─► Transport ──┼─ Vtysh    the program vtysh, a process a batch
//!            │           │       └─ Reload   frr-reload.py, which finds its own way to the desired text
//!            ▼           ▼
//!         Verdict    what runs        Store, StartupFile: what is kept on disk
//! ```
//!
//! Invariants:
//! * What FRR does not take is a [`Refusal`] and names the command; what keeps us from talking to FRR is an
//!   [`FrrError`] and names how far it came.
//! * Nothing waits, and nothing read grows, without a limit.
//! * After an error no session of ours is left in configuration mode: what cannot be ended in order is closed.
//! * `applied` is said only when FRR was seen to run it.
//! * No `Debug`, `Display` or error text shows a password.

mod apply;
mod reading;
mod store;
mod transport;

pub use apply::{
    Cause, Driven, Event, Goal, Left, Machine, Ours, Phase, Refused, Residue, Step, Unanswered, Verdict,
    differences, drive, read_running, same,
};
pub use reading::Reader;
pub use store::{
    Accepted, LastGood, Loaded, NodeRecord, RawRecord, Record, SetAside, StartupFile, Store, StoreError,
    digest,
};
pub use transport::{
    AnyTransport, Change, FrrError, Limits, Place, Refusal, Reload, Reply, Sockets, Transport, Vtysh,
};
