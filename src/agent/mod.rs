//! The agent CLIs behind one face: what they are (`Manifest`), where they are (`find`), how one is started
//! (`launch`), what it does (`events`, `Authority`) and what it is told (`prompt`). The scripted one is in `demo`.
//!
//! Invariants: nothing here runs an agent, writes to a terminal or reads a clock; a `Launch` is the whole truth
//! about a start, so what runs it needs to know no agent.

mod activity;
mod catalog;
pub mod demo;
mod disallow;
pub mod due;
mod environment;
mod error;
pub mod events;
pub mod find;
mod interpreter;
mod launch;
mod manifest;
mod mcp;
pub mod prompt;
mod transcripts;
mod usage;

pub use activity::{Authority, Signal, Source, Verdict};
pub use catalog::Catalog;
pub use error::AgentError;
pub use launch::{Conversation, EventSource, LaunchExtras, LaunchPlan, launch};
pub use manifest::{ArtifactBy, ConversationBy, Disallow, EventsBy, Grant, Grants, Manifest, Pattern, PromptBy, Rule};
pub use mcp::{Tools, Way};
pub use transcripts::Transcripts;
pub use usage::UsageBy;
