//! What only the database knows, for those who ask for it.

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::id::SessionId;
use super::usage::Usage;

/// What belongs to a task beside its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct TaskRecords {
    /// In the order in which they were produced.
    pub artifacts: Vec<ArtifactRecord>,
    /// The file that tells of each attempt; none: no attempt has ended.
    pub activity_log: Option<PathBuf>,
    /// What its agents took, as far as they tell.
    pub usage: Usage,
    /// To and from its session, oldest first, the last thousand.
    pub messages: Vec<MessageRecord>,
}

/// The text that a stage produced in one iteration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ArtifactRecord {
    pub name: String,
    pub stage: String,
    /// From 1, per stage.
    pub iteration: u32,
    /// The file that has it.
    pub path: PathBuf,
}

/// A message to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MessageRecord {
    pub id: i64,
    pub session: SessionId,
    /// None: from a person.
    pub sender: Option<SessionId>,
    pub text: String,
    /// `queued`, `delivered`, or `unknown`: it was being typed when its terminal was lost.
    pub delivery: String,
    pub at: Timestamp,
}
