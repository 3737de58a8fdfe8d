//! What tests stand on. A dev-dependency only: nothing that is shipped may use it.

pub mod case;
pub mod cluster;
mod fragment;
pub mod hostile;
pub mod lab;
pub mod strategy;

pub use fragment::fragment;
