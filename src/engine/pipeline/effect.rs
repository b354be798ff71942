//! What a transition asks the driver to do, as data.

use serde::{Deserialize, Serialize};

use crate::model::{RunId, Trigger};

/// Something to do.
///
/// Invariant: each can be done again without harm. Launching and typing are keyed by ids that the run folder and the
/// shim remember; the others converge on the same end. An effect is written with its transition before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Effect {
    /// Make branch and worktree, run the setup script.
    Prepare {
        run: RunId,
    },
    /// Start the agent of a stage.
    Launch {
        run: RunId,
        stage: usize,
        trigger: Trigger,
        conversation: Conversation,
    },
    /// Type a text into the agent's live conversation once it rests. `id` makes it happen once.
    Tell {
        run: RunId,
        id: RunId,
        text: Text,
    },
    EndSession {
        run: RunId,
    },
    RunGate {
        run: RunId,
        stage: usize,
        attempt: u32,
    },
    /// Run the script of a stage.
    RunScript {
        run: RunId,
        stage: usize,
    },
    /// Make the subtasks that this iteration, an index, proposed.
    MakeSubtasks {
        run: RunId,
        iteration: usize,
    },
    EndJob {
        run: RunId,
    },
    KeepArtifact {
        stage: String,
        iteration: u32,
        name: String,
        text: String,
    },
    /// Note what the agent `run` left in an iteration that has ended, an index, and write the activity log.
    LogAttempt {
        iteration: usize,
        run: Option<RunId>,
    },
    Integrate {
        run: RunId,
    },
    /// After a merge: trash, then the worktree goes.
    CleanUp {
        run: RunId,
    },
}

/// Which conversation a launch goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversation {
    Fresh,
    /// The stage's own one where it is known, else a fresh one; the trigger is news to it.
    Resume,
    /// As `Resume`, in an iteration that was interrupted: the agent is told to go on.
    Continue,
    /// As `Resume`, after an agent that ended without handing anything in.
    Remind,
}

/// What is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "as")]
pub enum Text {
    /// Why a new iteration began.
    Feedback { trigger: Trigger },
    /// The `n`th reminder to submit, from 1.
    Reminder { n: u8 },
}

impl Effect {
    /// It sets something to work; the others end or keep what there is.
    pub const fn begins(&self) -> bool {
        !matches!(
            self,
            Self::EndSession { .. } | Self::EndJob { .. } | Self::KeepArtifact { .. } | Self::LogAttempt { .. }
        )
    }

    /// The key that tells an effect from every other one of its task.
    pub fn key(&self) -> String {
        match self {
            Self::Prepare { run } => format!("prepare {run}"),
            Self::Launch { run, .. } => format!("launch {run}"),
            Self::Tell { id, .. } => format!("tell {id}"),
            Self::EndSession { run } => format!("end session {run}"),
            Self::RunGate { run, .. } => format!("gate {run}"),
            Self::RunScript { run, .. } => format!("script {run}"),
            Self::MakeSubtasks { run, .. } => format!("subtasks {run}"),
            Self::EndJob { run } => format!("end job {run}"),
            Self::KeepArtifact { stage, iteration, .. } => format!("keep {stage} {iteration}"),
            Self::LogAttempt { iteration, .. } => format!("log {iteration}"),
            Self::Integrate { run } => format!("integrate {run}"),
            Self::CleanUp { run } => format!("clean up {run}"),
        }
    }
}
