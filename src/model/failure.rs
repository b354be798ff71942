//! One shape for what went wrong at the engine's border: what failed, why, and the next step.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The codes of the published error objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    Usage,
    NotFound,
    BadState,
    Untrusted,
    Conflict,
    Dirty,
    LockHeld,
    Timeout,
    NoRepository,
    Config,
    Internal,
}

impl FailureKind {
    /// The exit code of a command that ends with this failure.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::BadState | Self::Untrusted => 4,
            Self::LockHeld => 5,
            Self::Timeout => 6,
            Self::Conflict | Self::Dirty | Self::NoRepository | Self::Config | Self::Internal => 1,
        }
    }
}

/// What failed and why (`message`), and the next step (`hint`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// An error that no user caused: an adapter's message as it is.
    pub fn internal(error: impl fmt::Display) -> Self {
        Self::new(FailureKind::Internal, error.to_string())
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " {hint}"))
    }
}
