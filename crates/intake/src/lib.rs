//! Files of objects into what a node may be made of: the same for the command line, the agent's directory source and
//! the directory cases of the tests.
//!
//! ```text
//! paths ─► Input: texts, objects with their places ─► Inventory: configurations, nodes, what is wrong by itself
//!                                                         └─ input_of(node) ─► plan::NodeInput
//! ```
//!
//! Invariants:
//! * What cannot be read is said, never passed over: an unreadable text or object may hold anything, so the inventory
//!   is incomplete.
//! * Of two different objects of one name none counts, whatever the order of the input.

mod input;
mod inventory;
mod node;
mod position;

pub use input::{
    Entry, Input, InputError, Missed, Source, SourceOrigin, Unreadable, is_object_file, read_file,
};
pub use inventory::{Configuration, Inventory, InventoryError, SecretsSeen};
pub use node::{NodeView, Terms};
pub use position::floor;
