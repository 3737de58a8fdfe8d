//! FRR's configuration as a tree of contexts and lines. Knows FRR's language, nothing of our model.
//!
//! ```text
//! what a daemon prints ─► Text (lossless) ─► Document (normal form) ─► print
//!                                              ▲
//!                             what is rendered ┘
//! ```
//!
//! A [`Text`] is what was printed. A [`Document`] is what it means: one spelling, each line once, in an
//! order in which it can be loaded, without what is so anyway. A [`Dialect`] knows what one version of
//! FRR keeps where, and does not print.
//!
//! Invariants:
//! * `print(parse(t)) = t`, apart from comments, blank lines and trailing white space.
//! * Reading never fails and never drops a line that it does not know.
//! * Equal configurations are equal documents; reading what a document prints gives it again.

mod context;
mod dialect;
mod document;
mod normal;
mod order;
mod slot;
mod statement;
mod text;

pub use context::{closing, opens_context};
pub use dialect::{Daemon, Dialect, Version, VersionError};
pub use document::{Document, Line, Mark, sets_derived_target};
pub use normal::normal;
pub use order::{compare, natural};
pub use slot::slot;
pub use statement::{Statement, self_contained, statements};
pub use text::{Node, Text};
