//! YAML and JSON documents into objects of the API, with the position of every field.

mod tree;
mod yaml;

pub use tree::{Tree, Value};
pub use yaml::{SyntaxError, TEXT_BYTES_MAX, parse};
