//! What tests stand on. A dev-dependency only: nothing that is shipped may use it.

mod fragment;
pub mod lab;
pub mod strategy;

pub use fragment::fragment;
