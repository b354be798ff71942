//! What goes over the socket: the greeting, events, and the error object.
//!
//! Source: the JSON-RPC 2.0 specification; the codes of failures are ours.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Failure, FailureKind, ProjectId, RunId, SessionId, TaskId};

/// The version of this protocol; a client of another one is told what to do.
pub const PROTOCOL: u32 = 1;

/// What a client says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    pub protocol: u32,
    /// Version of the client.
    pub version: String,
    /// Name of the client, for messages.
    pub client: String,
}

/// What a server answers to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Greeting {
    pub protocol: u32,
    /// Version of the engine's program.
    pub version: String,
    pub face: Face,
}

/// Where the engine runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Face {
    pub kind: FaceKind,
    /// The terminal of a screen.
    pub tty: Option<String>,
    pub pid: u32,
    pub version: String,
    pub started: Timestamp,
}

impl Face {
    /// Before anybody has greeted.
    pub(super) const fn unknown() -> Self {
        Self { kind: FaceKind::Headless, tty: None, pid: 0, version: String::new(), started: Timestamp::UNIX_EPOCH }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaceKind {
    Tui,
    Headless,
}

/// Something that changed: no state, a client asks for what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Counts up, also from one engine to the next.
    pub seq: u64,
    pub kind: EventKind,
    pub project: Option<ProjectId>,
    pub task: Option<TaskId>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum EventKind {
    /// Events were missed: look at everything again.
    #[serde(rename = "resync")]
    Resync,
    #[serde(rename = "project.opened")]
    ProjectOpened,
    /// Its branch, settings or flows.
    #[serde(rename = "project.changed")]
    ProjectChanged,
    #[serde(rename = "project.forgotten")]
    ProjectForgotten,
    #[serde(rename = "task.created")]
    TaskCreated,
    /// Its state or the reason for it.
    #[serde(rename = "task.state")]
    TaskState,
    /// Anything else of it.
    #[serde(rename = "task.changed")]
    TaskChanged,
    #[serde(rename = "task.deleted")]
    TaskDeleted,
    /// A session began, ended, or does something else now.
    #[serde(rename = "session.changed")]
    SessionChanged,
    /// Files or commits of a worktree.
    #[serde(rename = "diff.changed")]
    DiffChanged,
    /// News or an error for a person.
    #[serde(rename = "notice")]
    Notice,
}

/// `session.output`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    pub project: ProjectId,
    pub session: SessionId,
    /// Output for the viewer's terminal, base64.
    pub bytes: String,
}

/// `session.lines`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lines {
    pub project: ProjectId,
    pub session: SessionId,
    pub run: RunId,
    /// Where the last of the lines ends in the output of the run.
    pub offset: u64,
    pub lines: Vec<String>,
    /// The program draws on a screen of its own: of that nothing is told.
    pub alternate: bool,
    /// The program has ended, or another run took its place: the stream is over.
    pub ended: bool,
    /// Exit code, negative for a signal; null when nobody knows.
    pub exit: Option<i32>,
}

/// `session.exited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exited {
    pub project: ProjectId,
    pub session: SessionId,
    /// Exit code, negative for a signal; null when nobody knows.
    pub exit: Option<i32>,
}

/// An error object.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub number: i32,
    pub failure: Failure,
}

impl Fault {
    pub const PARSE: i32 = -32_700;
    pub const INVALID: i32 = -32_600;
    pub const METHOD: i32 = -32_601;
    pub const PARAMS: i32 = -32_602;

    /// A mistake of the client's program.
    pub fn usage(number: i32, message: impl Into<String>) -> Self {
        Self { number, failure: Failure::new(FailureKind::Usage, message) }
    }

    pub fn params(message: impl Into<String>) -> Self {
        Self::usage(Self::PARAMS, message)
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { failure: self.failure.hint(hint), ..self }
    }

    /// With the name that was probably meant.
    #[must_use]
    pub fn nearest(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.hint(format!("Nearest: {name}")),
            None => self,
        }
    }

    /// `{"code", "message", "data": {"code", "hint"}}`.
    pub fn json(&self) -> Value {
        let Failure { kind, message, hint } = &self.failure;
        json!({"code": self.number, "message": message, "data": {"code": kind, "hint": hint}})
    }

    /// The failure that an error object tells of.
    pub fn read(error: &Value) -> Failure {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let message = text(&error["message"]).unwrap_or_else(|| error.to_string());
        let kind = FailureKind::deserialize(&error["data"]["code"]).unwrap_or(FailureKind::Internal);
        Failure { kind, message, hint: text(&error["data"]["hint"]) }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self { number: number_of(failure.kind), failure }
    }
}

/// The code of a failure: -32000 and down.
pub const fn number_of(kind: FailureKind) -> i32 {
    match kind {
        FailureKind::Usage => -32_000,
        FailureKind::NotFound => -32_001,
        FailureKind::BadState => -32_002,
        FailureKind::Untrusted => -32_003,
        FailureKind::Conflict => -32_004,
        FailureKind::Dirty => -32_005,
        FailureKind::LockHeld => -32_006,
        FailureKind::Timeout => -32_007,
        FailureKind::NoRepository => -32_008,
        FailureKind::Config => -32_009,
        FailureKind::Internal => -32_010,
    }
}
