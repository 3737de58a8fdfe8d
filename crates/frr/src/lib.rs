//! Talking to FRR: what it runs, and a delta into it.
//!
//! ```text
//!                       ┌─ Sockets  the daemons' vty sockets, kept open (the default)
//! Delta ──► Transport ──┼─ Vtysh    the program vtysh, a process a batch
//! text  ◄──             └─ Reload   frr-reload.py, which finds its own way to the desired text
//! ```
//!
//! Invariants:
//! * What FRR does not take is a [`Refusal`] and names the command; what keeps us from talking to FRR is an
//!   [`FrrError`] and names how far it came.
//! * Nothing waits, and nothing read grows, without a limit.
//! * After an error no session of ours is left in configuration mode: what cannot be ended in order is closed.
//! * No `Debug`, `Display` or error text shows a password.

mod transport;

pub use transport::{
    AnyTransport, Change, FrrError, Limits, Place, Refusal, Reload, Reply, Sockets, Transport, Vtysh,
};
