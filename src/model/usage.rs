//! What turns of an agent took, as the agent itself tells it.

use std::iter::Sum;
use std::ops::Add;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SessionId, TaskId};

/// Tokens, and what they cost where the agent knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens that were read, but for those of a cache.
    pub input: u64,
    /// Tokens that came from a cache.
    pub cached: u64,
    /// Tokens that were written, thoughts among them.
    pub output: u64,
    /// Millionths of a US dollar; 0 where the agent tells none.
    pub cost: u64,
}

/// What an agent took for a task, or a session without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageRecord {
    /// Null: the designer's. The task may be deleted.
    pub task: Option<TaskId>,
    pub session: SessionId,
    pub agent: String,
    /// Stage of the task; empty for a session without one.
    pub stage: String,
    #[serde(flatten)]
    pub usage: Usage,
}

impl Usage {
    /// All tokens that were not a cache's.
    pub const fn tokens(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    pub const fn is_empty(&self) -> bool {
        self.tokens() == 0 && self.cached == 0 && self.cost == 0
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            output: self.output.saturating_add(other.output),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}
