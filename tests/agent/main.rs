//! Agents in real terminals: the scripted one, and OpenCode with a scripted model.
#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]

#[path = "../support/agents.rs"]
mod agents;
mod demo;
mod opencode;
mod screens;
mod terminal;
