//! FRR's configuration as a tree of contexts and lines. Knows FRR's language, nothing of our model.

mod context;
mod document;
mod order;
mod text;

pub use context::{closing, opens_context};
pub use document::{Document, Line, Mark};
pub use order::natural;
pub use text::{Node, Text};
