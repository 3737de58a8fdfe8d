//! YAML and JSON documents into objects of the API, with the position of every field.
//!
//! ```text
//! text ─► Tree (positions) ─► Manifest: FRRConfiguration, Node, Secret, … or what does not decode
//! ```
//!
//! Pure: who reads files, directories or standard input hands the text over. Invariants:
//! * A text of any content gives objects or one error, in time and memory in proportion to its length.
//! * An object that does not decode stays visible, with the field and what is wrong; secrets never show.

mod fields;
mod object;
mod shape;
mod tree;
mod yaml;

pub use object::{Manifest, Object, read};
pub use shape::Mistake;
pub use tree::{Tree, Value};
pub use yaml::{SyntaxError, TEXT_BYTES_MAX, parse};
