//! Findings, for people and for programs.

mod json;
mod sarif;
mod text;

pub use json::{SCHEMA_VERSION, json};
pub use sarif::sarif;
pub use text::{Style, text};
