//! The session that this process belongs to, as its environment has it, and what its agent hands in.
//!
//! Invariants: the environment only says where to hand in and what to ask for: the engine tells by itself who calls; what
//! an engine cannot take is left in the session's folder, never lost.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::Client;
use super::start;
use crate::model::{Failure, FailureKind, HandIn, SessionId};
use crate::store::{Home, dropbox};

/// The session of an agent that runs this process.
#[derive(Debug, Clone)]
pub struct OwnSession {
    /// The folder for what it hands in: `<run>.box`.
    dir: PathBuf,
    /// Slug of its task; none: the designer's.
    task: Option<String>,
}

impl OwnSession {
    /// None: no agent runs this process.
    pub fn of_environment() -> Option<Self> {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let task = var("ORCHESTRA_TASK_SLUG").and_then(|slug| slug.into_string().ok());
        Some(Self { dir: var("ORCHESTRA_SESSION_DIR")?.into(), task })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.task().unwrap_or(SessionId::MAIN)
    }

    /// Slug of its task; none: it is the designer's.
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// Hands in, or leaves it for the engine where none can take it; `program` starts one. Fails with the words of an engine
    /// that looked at it and does not want it so.
    pub fn hand_in(&self, home: &Home, program: &Path, hand_in: &HandIn) -> Result<Value, Failure> {
        match self.submit(home, program, hand_in) {
            Err(failure) if !is_refusal(&failure) => self.leave(hand_in, failure),
            answer => answer,
        }
    }

    fn submit(&self, home: &Home, program: &Path, hand_in: &HandIn) -> Result<Value, Failure> {
        let Some(mut client) = Client::connect(home)? else {
            // The agent does not wait for it: whoever serves next finds what is left.
            start::start_headless(home, program)?;
            return Err(Failure::new(FailureKind::LockHeld, "no engine serves just now."));
        };
        // An agent may have left its worktree: the project is where it was started for. One that was moved since is known by
        // whose agent it is.
        let (root, run) = (project_root(), run_of(&self.dir));
        let HandIn { submission, resources, log } = hand_in;
        let params = json!({
            "project": root, "session": self.id(), "run": run, "submission": submission, "resources": resources, "log": log,
        });
        client.call("session.submit", params)
    }

    /// Leaves it for the engine, which failed to take it.
    fn leave(&self, hand_in: &HandIn, failure: Failure) -> Result<Value, Failure> {
        dropbox::put(&self.dir, hand_in).map_err(|_| failure)?;
        Ok(json!({"done": {"message": "left for the engine, which takes it as soon as it can. End your turn now."}}))
    }
}

/// The project that this process's session was started for; none: it is not there any more, or this is no session.
pub fn project_root() -> Option<String> {
    std::env::var("ORCHESTRA_PROJECT_ROOT").ok().filter(|root| Path::new(root).exists())
}

/// The run whose folder for what it hands in this is.
pub fn run_of(dir: &Path) -> Option<String> {
    dir.file_stem().map(|stem| stem.to_string_lossy().into_owned())
}

/// The engine has looked at it and does not want it so. Anything else (an engine that is on its way out, a repository that
/// was moved, a shut-off socket, an agent quicker than the news that it runs) is no fault of what is handed in.
fn is_refusal(failure: &Failure) -> bool {
    let is_early = Client::is_unknown(failure) || Client::is_without_right(failure);
    matches!(failure.kind, FailureKind::Usage | FailureKind::BadState) && !is_early
}
