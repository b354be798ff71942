//! Names of things: each a type of its own, checked where it is made.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A task's number: per project, from 1 up, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TaskId(pub u32);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A task's permanent name: `[a-z0-9][a-z0-9-]{0,62}`, not all digits, not `main`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Why a text is no slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("a slug needs at least one letter")]
    Empty,
    #[error("slug \"{0}\" is longer than 63 characters")]
    TooLong(String),
    #[error("slug \"{0}\" may have only a-z, 0-9 and -, and starts with a letter or a digit")]
    BadCharacter(String),
    #[error("slug \"{0}\" is all digits, which would read as a task's number")]
    AllDigits(String),
    #[error("slug \"main\" is the designer's name")]
    Reserved,
}

impl Slug {
    /// The longest slug, in bytes.
    pub const MAX: usize = 63;

    /// Checks `text`; upper case is an error here, callers that are lenient lower it first.
    pub fn new(text: &str) -> Result<Self, IdError> {
        let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.len() > Self::MAX {
            return Err(IdError::TooLong(text.to_owned()));
        }
        if !text.bytes().all(ok) || text.starts_with('-') {
            return Err(IdError::BadCharacter(text.to_owned()));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(IdError::AllDigits(text.to_owned()));
        }
        if text == SessionId::MAIN {
            return Err(IdError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name! {
    /// A project: the name of its folder and six hex digits of its git common directory, `my-app-1f3a9c`.
    ProjectId
}
name! {
    /// A session in its project: `main`, a task's slug, or `<slug>.sh1` for a shell.
    SessionId
}
name! {
    /// One run of a job (setup, agent, gate, integration): an answer names the run it answers.
    RunId
}

impl SessionId {
    /// Name of the designer's session.
    pub const MAIN: &'static str = "main";

    /// Ends the name of a run script's session.
    const RUN_SCRIPT: &'static str = ".run";

    /// The designer's session.
    pub fn main() -> Self {
        Self::from(Self::MAIN)
    }

    /// The session of a task's agent.
    pub fn of_task(slug: &Slug) -> Self {
        Self::from(slug.as_str())
    }

    /// The project's run script beside a session.
    pub fn run_script(owner: &Self) -> Self {
        Self(format!("{owner}{}", Self::RUN_SCRIPT))
    }

    pub fn is_run_script(&self) -> bool {
        self.0.ends_with(Self::RUN_SCRIPT)
    }

    /// The `n`th shell beside a session.
    pub fn shell(owner: &str, n: u32) -> Self {
        Self(format!("{owner}.sh{n}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_that_hold() {
        for text in ["a", "fix-tests", "2-days", "x".repeat(63).as_str()] {
            assert_eq!(Slug::new(text).map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn fault_v1_names_that_are_refused() {
        let long = "x".repeat(300);
        for text in [
            "",
            "../x",
            "/abs",
            ".",
            "..",
            "-rf",
            "--help",
            "$(id)",
            "`id`",
            ";rm",
            "a\nb",
            "x.lock",
            "a..b",
            "@{",
            "HEAD",
            "~^:?*[\\",
            "é",
            "🙂",
            "a b",
            ".git",
            "main",
            "42",
            "Fix",
            long.as_str(),
        ] {
            assert!(Slug::new(text).is_err(), "{text:?}");
        }
    }
}
