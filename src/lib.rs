//! Orchestra: many AI coding agents side by side, each in its own git worktree, from a description to merged code.
//!
//! Modules have ranks, and an import goes to a smaller rank only (`tests/architecture.rs`).

pub mod agent; // 1: the agent CLIs behind one face
pub mod cli; // 4: the command line, one file per verb
#[cfg(test)]
mod docs; // pages that are printed from the code
pub mod engine; // 2: the one owner of shared state
pub mod git; // 1: repository facts and moves
pub mod model; // 0: the words of the product as data
pub mod pty; // 1: programs behind shims, their screens and their history
pub mod store; // 1: disk truth: database, task files, settings, flows
pub mod ui; // 4: the full-screen face
