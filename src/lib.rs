//! Orchestra: many AI coding agents side by side, each in its own git worktree, from a description to merged code.
//!
//! Modules have ranks, and an import goes to a smaller rank only (`tests/architecture.rs`).

pub mod git;
pub mod model; // 0: the words of the product as data // 1: repository facts and moves: worktrees, diffs, integration, trash
