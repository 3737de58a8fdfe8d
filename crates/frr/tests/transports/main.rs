//! All ways to FRR on every version of real FRR: what they have in common, and what may disturb them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod disturbed;
mod ground;
mod same;
