//! Orchestra: many AI coding agents side by side, each in its own git worktree, from a description to merged code.
//!
//! Modules have ranks, and an import goes to a smaller rank only (`tests/architecture.rs`).

#[cfg(test)]
mod docs; // pages that are printed from the code
pub mod engine; // 2: the one owner of shared state
pub mod model; // 0: the words of the product as data
pub mod ui; // 4: the full-screen face
