//! tmp
pub mod atomic;
