//! What tests stand on. A dev-dependency only: nothing that is shipped may use it.

pub mod lab;
pub mod strategy;
