//! What a person notes on lines of a task's diff: the next rejection takes it along.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A comment on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comment {
    /// Unique in the project, never given twice.
    pub id: i64,
    /// Relative to the worktree.
    pub path: String,
    pub side: Side,
    /// From 1, in the file of that side.
    pub line: u32,
    /// The line's text when the comment was made.
    pub quote: String,
    pub text: String,
    pub at: Timestamp,
    /// When a rejection took it along; null: it is open.
    pub sent_at: Option<Timestamp>,
}

/// A comment that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// Relative to the worktree.
    pub path: String,
    #[serde(default)]
    pub side: Side,
    /// From 1, in the file of that side.
    pub line: u32,
    pub text: String,
    /// The line as its reader saw it; null: as it is now.
    #[serde(default)]
    pub quote: Option<String>,
}

/// Which of the two files of a diff a line stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// As the base has it: a removed line.
    Old,
    #[default]
    New,
}

impl Comment {
    pub const fn is_open(&self) -> bool {
        self.sent_at.is_none()
    }
}
