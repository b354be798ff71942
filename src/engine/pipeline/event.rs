//! What can happen to a task.

use crate::model::{Activity, CommandResult, ExitStatus, HandIn, Pause, RunId, Slug, Stage, SubtaskDraft};

/// Something that happened: a person's wish, or the answer to an effect.
///
/// Every answer names the run that it answers; a stale one changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person decided; refused where it makes no sense.
    Person(Wish),
    /// The scheduler gave the task a place under the cap.
    Granted,
    WorktreeReady {
        run: RunId,
        base_commit: String,
    },
    SetupFailed {
        run: RunId,
        error: String,
    },
    LaunchFailed {
        run: RunId,
        error: String,
    },
    /// What the agent does changed. `attended`: a person looks into it or typed to it since it last rested.
    AgentChanged {
        run: RunId,
        activity: Activity,
        attended: bool,
    },
    ConversationKnown {
        run: RunId,
        id: String,
    },
    /// The agent handed something in that its stage takes.
    Submitted {
        run: RunId,
        hand_in: HandIn,
    },
    /// Its agent asks by a message, or says by one what went wrong. `heard`: somebody is there to answer.
    Asked {
        run: RunId,
        text: String,
        heard: bool,
    },
    AgentExited {
        run: RunId,
        status: ExitStatus,
    },
    /// The process is gone without an exit status (reboot, killed shim).
    AgentLost {
        run: RunId,
        why: Pause,
    },
    GateDone {
        run: RunId,
        result: CommandResult,
    },
    /// The gate could not be run at all.
    GateBroken {
        run: RunId,
        error: String,
    },
    /// `text` is what the script printed: the stage's artifact.
    ScriptDone {
        run: RunId,
        result: CommandResult,
        text: String,
    },
    /// The script could not be run at all.
    ScriptBroken {
        run: RunId,
        error: String,
    },
    /// The tasks that have to come first are merged.
    DependenciesMet,
    SubtasksMade {
        run: RunId,
    },
    /// There is one subtask only: its stages become the task's own.
    SubtaskFolded {
        run: RunId,
        stages: Vec<Stage>,
    },
    SubtasksRefused {
        run: RunId,
        error: String,
    },
    /// No subtask is open any more.
    ChildrenClosed,
    ChildFailed {
        slug: Slug,
        error: String,
    },
    /// No subtask has failed any more.
    ChildrenMended,
    /// An agent, by its session's name, asks a person to merge it.
    MergeAsked {
        by: String,
    },
    Integrated {
        run: RunId,
        commit: String,
    },
    /// The result could not be integrated, and the agent can mend that.
    IntegrationFailed {
        run: RunId,
        text: String,
    },
    /// It could not be integrated for a reason that only a person can mend; nothing was changed.
    IntegrationRefused {
        run: RunId,
        text: String,
    },
}

/// What a person can ask of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Start,
    /// Once more what failed, was blocked or is paused.
    Retry,
    Stop,
    /// What it was given of attempts or time is used up: it stops, and says so.
    Spent {
        what: String,
    },
    Restart,
    /// Accepts what waits; of a rejection: confirms it.
    Approve,
    /// `fresh`: a new conversation is told, not the one that made it.
    Reject {
        feedback: String,
        fresh: bool,
    },
    /// Goes on in spite of a rejection.
    Override,
    /// One answer for each open question.
    Answer {
        answers: Vec<String>,
    },
    /// The breakdown as a person wants it.
    EditSubtasks {
        subtasks: Vec<SubtaskDraft>,
    },
    RunGate,
    Complete,
    Skip,
    SendToStage {
        stage: String,
        text: String,
    },
    SetAuto(bool),
    /// Into its base, or into another branch.
    Merge {
        into: Option<String>,
    },
    Archive,
}

impl Wish {
    /// The verb, for messages.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Retry => "retry",
            Self::Stop | Self::Spent { .. } => "stop",
            Self::Restart => "restart",
            Self::Approve => "approve",
            Self::Reject { .. } => "reject",
            Self::Override => "override",
            Self::Answer { .. } => "answer",
            Self::EditSubtasks { .. } => "edit the subtasks of",
            Self::RunGate => "run the gate of",
            Self::Complete => "complete",
            Self::Skip => "skip",
            Self::SendToStage { .. } => "send",
            Self::SetAuto(_) => "switch auto mode of",
            Self::Merge { .. } => "merge",
            Self::Archive => "archive",
        }
    }
}
