//! A task: what a person wants done, and how far it is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::{Flow, Stage};
use super::id::{RunId, SessionId, Slug, TaskId};
use super::session::ExitStatus;

/// Where a task stands: the one truth. The status of the task file is a projection of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Draft,
    /// The worktree is being made and the setup script runs.
    Setup,
    /// Ready to work, waiting for a free place under the cap.
    Queued,
    Working,
    Gating,
    Integrating,
    /// The agent is alive and rests without having submitted.
    Quiet,
    /// The agent shows a dialog or asks a question.
    Asking,
    /// An artifact waits for a person.
    Approval,
    Paused,
    Failed,
    /// The last stage passed.
    Done,
    Merged,
    Archived,
}

/// The `status:` of a task file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Draft,
    Running,
    Idle,
    Completed,
    Reviewed,
}

impl Status {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Idle => "idle",
            Self::Completed => "completed",
            Self::Reviewed => "reviewed",
        }
    }
}

impl State {
    pub const ALL: [Self; 14] = [
        Self::Draft,
        Self::Setup,
        Self::Queued,
        Self::Working,
        Self::Gating,
        Self::Integrating,
        Self::Quiet,
        Self::Asking,
        Self::Approval,
        Self::Paused,
        Self::Failed,
        Self::Done,
        Self::Merged,
        Self::Archived,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Setup => "setup",
            Self::Queued => "queued",
            Self::Working => "working",
            Self::Gating => "gating",
            Self::Integrating => "integrating",
            Self::Quiet => "quiet",
            Self::Asking => "asking",
            Self::Approval => "approval",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Merged => "merged",
            Self::Archived => "archived",
        }
    }

    /// A job of the engine or a turn of the agent is under way, or about to be.
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Setup | Self::Queued | Self::Working | Self::Gating | Self::Integrating)
    }

    /// Nothing goes on before a person does something.
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::Quiet | Self::Asking | Self::Approval | Self::Paused | Self::Failed)
    }

    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Merged | Self::Archived)
    }
}

/// One run of a job: an answer that names another run is stale and is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    /// Index of the stage in the flow.
    pub stage: usize,
}

/// The run of a stage's agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRun {
    pub id: RunId,
    /// Index of the stage in the flow.
    pub stage: usize,
    /// False once its process has ended or was told to.
    pub alive: bool,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub slug: Slug,
    pub title: String,
    /// The body of the task file.
    pub description: String,
    pub base_branch: String,
    /// Commit of the base when the worktree was made, hex; none before.
    pub base_commit: Option<String>,
    pub branch: String,
    /// Snapshot: fixed once the task has started.
    pub flow: Flow,
    /// As asked for by the person; the stage's and the config's come after it.
    pub agent: Option<String>,
    pub model: Option<String>,
    pub auto: bool,
    pub state: State,
    pub reason: Option<Reason>,
    /// Index of the stage at work or last worked on.
    pub stage: usize,
    /// True once a person has accepted the task.
    pub reviewed: bool,
    /// The job under way (setup, gate, integration): none in every other state.
    pub job: Option<Run>,
    /// The agent's process, alive or to be resumed; none before the first launch.
    pub session: Option<AgentRun>,
    /// The agent's own conversation ids, by stage name; kept for ever.
    pub conversations: Vec<(String, String)>,
    pub iterations: Vec<Iteration>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Task {
    pub const fn status(&self) -> Status {
        match self.state {
            State::Draft => Status::Draft,
            State::Setup | State::Queued | State::Working | State::Gating | State::Integrating => Status::Running,
            State::Quiet | State::Asking | State::Approval | State::Paused | State::Failed => Status::Idle,
            State::Done | State::Merged | State::Archived => {
                if self.reviewed {
                    Status::Reviewed
                } else {
                    Status::Completed
                }
            }
        }
    }

    pub fn current_stage(&self) -> &Stage {
        &self.flow.stages[self.stage.min(self.flow.stages.len() - 1)]
    }

    /// The iteration at work or last worked on, of any stage.
    pub fn iteration(&self) -> Option<&Iteration> {
        self.iterations.last()
    }

    pub fn conversation(&self, stage: &str) -> Option<&str> {
        self.conversations.iter().rev().find(|(name, _)| name == stage).map(|(_, id)| id.as_str())
    }

    pub fn session_id(&self) -> SessionId {
        SessionId::of_task(&self.slug)
    }
}

/// One numbered attempt at a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iteration {
    pub stage: String,
    /// From 1, per stage.
    pub number: u32,
    pub trigger: Trigger,
    pub outcome: Option<Outcome>,
    /// The stage's artifact has been submitted in this iteration.
    pub submitted: bool,
    /// What the gate said of this iteration.
    pub gate: Option<GateResult>,
    /// Reminders to submit that were typed in this iteration, at most three.
    pub reminders: u8,
    /// None: it began with an engine that did not note that.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// Why an iteration began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Trigger {
    /// The stage before it passed, or the task started.
    Flow,
    /// The gate failed; `text` is what the agent is told.
    Gate { text: String },
    /// A person typed into the agent's session after it had submitted.
    Talk,
    /// A person sent it back.
    Rejected { text: String },
    /// A person asked for a fresh conversation.
    Restarted,
    /// A person sent the task to this stage.
    Sent { text: String },
    /// The result could not be integrated.
    Integration { text: String },
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    GateFailed,
    Rejected,
    Skipped,
    Stopped,
}

/// What a gate said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    /// None: the time was up.
    pub exit: Option<ExitStatus>,
    /// Attempt at this stage, from 1.
    pub attempt: u32,
    /// How many times in a row the output was the same, this one included.
    pub same: u32,
    /// SHA-256 of the output, hex, to tell the same failure from another.
    pub digest: String,
    /// What the agent is told: head and tail when long.
    pub text: String,
    /// Path of the whole log.
    pub log: String,
    pub seconds: u32,
}

impl GateResult {
    pub fn passed(&self) -> bool {
        self.exit.is_some_and(ExitStatus::success)
    }
}

/// Why a task has the state that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub kind: ReasonKind,
    pub text: String,
    /// Who says so: `person`, `engine`, `agent events`, `screen`, `exit status`, `gate`, `git`.
    pub source: String,
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "pause")]
pub enum ReasonKind {
    Paused(Pause),
    Setup,
    Asks,
    Rests,
    Gate,
    Integration,
    Agent,
    Trust,
}

/// Why a task is paused; `start` resumes any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    Person,
    Reboot,
    Lost,
    Exited,
    Crash,
}
