//! The sessions as FRR has them: read over connections of their own, told to whoever asks, kept from one reading to the
//! next.
//!
//! ```text
//! bgpd, bfdd ─► Watcher (one task) ─► Ledger ─► Sessions   report, BGPSessionState
//!                  ▲      │
//!        a scrape ─┘      └─► Scrape, Pulse                 metrics, /livez
//! ```
//!
//! Invariants:
//! * One question at a time is with FRR, however many people ask; what is younger than a second is shared.
//! * A bgpd that is slow changes nothing; one that is gone has no session that is up.
//! * What a new bgpd does not know yet is not gone.

mod bfd;
mod ledger;
mod pulse;
mod read;
mod watch;

pub use bfd::{BfdCounters, BfdKey};
pub use ledger::SessionState;
pub use pulse::Life;
pub use read::Neighbor;
pub use watch::{Seen, Watcher};

#[cfg(test)]
mod tests;
