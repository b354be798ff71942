//! What an agent hands in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that an agent hands in. The text of a stage ends it; a question, a block and a failure do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Submission {
    /// The stage's text.
    Artifact {
        text: String,
    },
    Verdict(Verdict),
    Questions {
        questions: Vec<Question>,
    },
    /// The task taken apart; `summary` is the stage's text.
    Subtasks {
        summary: String,
        subtasks: Vec<SubtaskDraft>,
    },
    /// It cannot go on before something is done that is not its part.
    Blocked {
        reason: String,
    },
    /// It cannot be done.
    Failed {
        reason: String,
    },
}

/// What a stage that judges came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub decision: Decision,
    /// What speaks for it: the stage's text.
    pub reason: String,
    /// The earlier stage that a rejection goes back to; none: the one that the flow names.
    #[serde(default)]
    pub route_to: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approve,
    Reject,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub question: String,
    #[serde(default)]
    pub context: Option<String>,
    /// Answers to choose from; a person may always write another one.
    #[serde(default)]
    pub options: Vec<Choice>,
}

/// An answer to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub label: String,
    #[serde(default)]
    pub description: Option<String>,
}

/// Questions that were asked together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    pub questions: Vec<Question>,
    /// One for each question, once a person has answered.
    pub answers: Option<Vec<String>>,
}

/// A subtask as an agent proposes it, and as a person may change it before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubtaskDraft {
    pub title: String,
    /// What should be different afterwards.
    pub description: String,
    /// How to go about it.
    pub instructions: String,
    /// Indices of the subtasks that have to be merged before it starts, from 0.
    #[serde(default)]
    pub depends_on: Vec<usize>,
    /// None: the flow that the stage names for its subtasks.
    #[serde(default)]
    pub flow: Option<String>,
}
