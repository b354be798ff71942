//! Sessions: processes in a PTY, and the facts that are known of them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// Whose process a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// The project's agent in the source checkout, id `main`.
    Designer,
    /// A task's agent.
    Executor,
    /// A shell that a person opened with `t`.
    Shell,
    /// A gate or a setup script at work.
    Job,
}

/// What an agent does, as the best source that it has tells: working and asking are separate facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Activity {
    Starting,
    Working,
    Resting,
    /// A dialog or a question stands open; `text` is what it asks, as the agent words it.
    Asking {
        text: String,
    },
}

/// One thing that an agent was seen to do, for the monitor: facts only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum AgentFact {
    Activity {
        activity: Activity,
    },
    /// A tool call by name, with its main argument (`edit src/date.ts`, `bash cargo test`).
    Tool {
        name: String,
        detail: String,
        at: Timestamp,
    },
    /// What one call of the model took.
    Usage {
        /// Of that call, unique among all: what is told twice counts once.
        id: String,
        usage: Usage,
    },
    /// The agent's own conversation id became known.
    Conversation {
        id: String,
    },
    /// The agent's own title for what it does.
    Title {
        text: String,
    },
}

/// What an agent's own hook tells of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookReport {
    pub event: HookEvent,
    /// Of `asking`: what it asks.
    #[serde(default)]
    pub text: Option<String>,
    /// When the hook ran: it changes nothing once there is newer news. None: now.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// The events of hooks. An agent that is idle, done or has an error rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    Working,
    Idle,
    Asking,
    Done,
    Error,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    Code(i32),
    Signal(i32),
}

impl ExitStatus {
    pub const fn success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl std::fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
        }
    }
}
