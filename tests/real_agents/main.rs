//! Agents whose programs are other people's, each through the same row of tests: it edits and asks, hands in by a tool, prints,
//! goes on after a stop, and is right about what it does. OpenCode has a suite of its own.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

#[path = "../support/agents.rs"]
mod agents;
mod claude;
mod codex;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;
mod row;
#[path = "../support/scene.rs"]
mod scene;
#[allow(dead_code, reason = "shared by test binaries that each use a part of it")]
#[path = "../support/tui.rs"]
mod tui;
