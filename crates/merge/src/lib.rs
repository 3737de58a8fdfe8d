//! Fragments of many objects into one [`NodeConfig`], or every conflict between them.
//!
//! ```text
//! Fragment ─┐             ┌─ disputed? ─► Conflict: place, and every party with its value
//! Fragment ─┼─► Joined ───┤
//! Fragment ─┘  (sets)     └─ settle ───► NodeConfig
//! ```
//!
//! Every field is one of a few lattices (`docs/merge-rules.md` has the table). Joining gathers the
//! distinct contributions in sets; what each of them *claims* about the fields that must be agreed is
//! said in one place, `claim`. A conflict is a place with more than one claimed value.
//!
//! Invariants:
//! * The join is commutative, associative and idempotent; the order of the fragments never shows.
//! * Two fragments conflict exactly when they claim different values at one place; so whether a set
//!   of objects goes together is a question about pairs, the EVPN rule about neighbors aside.
//! * All conflicts are reported at once, each with all its parties.

mod admit;
mod capacity;
mod claim;
mod conflict;
mod evpn;
mod facts;
mod imports;
mod join;
mod origins;
mod policy;
mod runs;

pub use admit::{Candidate, ConflictPolicy, Fate, Seniority, Verdict, admit};
pub use claim::{Claim, Value, claims};
pub use conflict::Conflict;
pub use facts::NodeFacts;
pub use imports::import_cycles;
pub use join::Joined;
pub use origins::{Origins, Source};

use frrk8s_model::{Fragment, NodeConfig};

/// The configuration that these fragments ask for together, or every conflict between them.
pub fn merge(fragments: &[&Fragment], node: &NodeFacts) -> Result<NodeConfig, Vec<Conflict>> {
    let joined = Joined::of(fragments.iter().copied(), node);
    let conflicts = conflict::Disputes::among(fragments, &joined, node).conflicts(|_| true);
    if conflicts.is_empty() { Ok(joined.settle()) } else { Err(conflicts) }
}
