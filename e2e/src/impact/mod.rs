//! For every kind of line an example, and live sessions to try it on.

mod examples;
mod lab;
mod place;

pub use examples::{Example, examples};
pub use lab::Lab;
pub use place::{Place, Placed, Scene};
