//! Orchestra: many AI coding agents side by side, each in its own git worktree, from a description to merged code.
//!
//! Modules have ranks, and an import goes to a smaller rank only (`tests/architecture.rs`).

pub mod agent;
pub mod model; // 0: the words of the product as data // 1: the agent CLIs behind one face
