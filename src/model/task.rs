//! A task: what a person wants done, and how far it is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::{Flow, Mode, Stage};
use super::hand_in::Resource;
use super::id::{RunId, SessionId, Slug, TaskId};
use super::session::ExitStatus;
use super::submission::{Decision, Round, SubtaskDraft, Verdict};

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
    /// A stage's script runs.
    Scripting,
    Integrating,
    /// Another task has to be merged first.
    Waiting,
    /// Its subtasks are under way.
    Children,
    /// The agent is alive and rests without having submitted.
    Quiet,
    /// The agent shows a dialog or asks a question.
    Asking,
    /// An artifact or a breakdown waits for a person.
    Approval,
    /// A rejection waits for a person to confirm or to override it.
    Verdict,
    Paused,
    /// The agent says that it cannot go on before something is done.
    Blocked,
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
    pub const ALL: [Self; 19] = [
        Self::Draft,
        Self::Setup,
        Self::Queued,
        Self::Working,
        Self::Gating,
        Self::Scripting,
        Self::Integrating,
        Self::Waiting,
        Self::Children,
        Self::Quiet,
        Self::Asking,
        Self::Approval,
        Self::Verdict,
        Self::Paused,
        Self::Blocked,
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
            Self::Scripting => "scripting",
            Self::Integrating => "integrating",
            Self::Waiting => "waiting",
            Self::Children => "children",
            Self::Quiet => "quiet",
            Self::Asking => "asking",
            Self::Approval => "approval",
            Self::Verdict => "verdict",
            Self::Paused => "paused",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Merged => "merged",
            Self::Archived => "archived",
        }
    }

    /// A job of the engine or a turn of the agent is under way, or about to be.
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Setup | Self::Queued | Self::Working | Self::Gating | Self::Scripting | Self::Integrating)
    }

    /// Nothing goes on before a person does something.
    pub const fn needs_person(self) -> bool {
        matches!(
            self,
            Self::Quiet | Self::Asking | Self::Approval | Self::Verdict | Self::Paused | Self::Blocked | Self::Failed
        )
    }

    /// The flow goes on by itself: without a person another agent of the task may come.
    pub const fn goes_on(self) -> bool {
        self.is_busy() || matches!(self, Self::Waiting | Self::Children)
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
    /// The branch that a person merges it into instead of its base.
    #[serde(default)]
    pub into: Option<String>,
    pub branch: String,
    /// Snapshot: fixed once the task has started.
    pub flow: Flow,
    /// As asked for by the person; the stage's and the config's come after it.
    pub agent: Option<String>,
    pub model: Option<String>,
    /// How its agents run, as asked for: its flow's stages have it where the agent can.
    pub mode: Option<Mode>,
    pub auto: bool,
    /// The task that it is a part of: its base is that one's branch.
    pub parent: Option<TaskId>,
    /// Where a subtask that its parent's agent proposed comes from; none: a person made it.
    pub item: Option<Item>,
    /// Tasks that have to be merged before it starts.
    pub after: Vec<TaskId>,
    pub state: State,
    pub reason: Option<Reason>,
    /// Index of the stage at work or last worked on.
    pub stage: usize,
    /// True once a person has accepted the task.
    pub reviewed: bool,
    /// The job under way (setup, gate, script, integration): none in every other state.
    pub job: Option<Run>,
    /// The agent's process, alive or to be resumed; none before the first launch.
    pub session: Option<AgentRun>,
    /// The agent's own conversation ids, by stage name; kept for ever.
    pub conversations: Vec<(String, String)>,
    /// What its agents said that those who come after them should read, by name.
    #[serde(default)]
    pub resources: Vec<Resource>,
    pub iterations: Vec<Iteration>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An item of a breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Item {
    /// Index of the parent's iteration that proposed it.
    pub iteration: usize,
    /// Index in that breakdown.
    pub index: usize,
}

impl Task {
    /// The branch that its work goes into.
    pub fn target(&self) -> &str {
        self.into.as_deref().unwrap_or(&self.base_branch)
    }

    /// A draft without a number, a title, a description, a base and a branch.
    pub fn draft(slug: Slug, flow: Flow, now: Timestamp) -> Self {
        Self {
            id: TaskId(0),
            slug,
            title: String::new(),
            description: String::new(),
            base_branch: String::new(),
            base_commit: None,
            into: None,
            branch: String::new(),
            flow,
            agent: None,
            model: None,
            mode: None,
            auto: false,
            parent: None,
            item: None,
            after: Vec::new(),
            state: State::Draft,
            reason: None,
            stage: 0,
            reviewed: false,
            job: None,
            session: None,
            conversations: Vec::new(),
            resources: Vec::new(),
            iterations: Vec::new(),
            created_at: now,
            updated_at: now,
        }
    }

    pub const fn status(&self) -> Status {
        match self.state {
            State::Draft => Status::Draft,
            State::Setup
            | State::Queued
            | State::Working
            | State::Gating
            | State::Scripting
            | State::Integrating
            | State::Waiting
            | State::Children => Status::Running,
            State::Quiet
            | State::Asking
            | State::Approval
            | State::Verdict
            | State::Paused
            | State::Blocked
            | State::Failed => Status::Idle,
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

    /// The index of the stage that comes after the current one; the number of stages after the last.
    pub fn next_index(&self) -> usize {
        let named = self.current_stage().next.as_deref().and_then(|name| self.flow.stage_index(name));
        named.unwrap_or(self.stage + 1)
    }

    /// The stage that comes after the current one.
    pub fn next_stage(&self) -> Option<&Stage> {
        self.flow.stages.get(self.next_index())
    }

    /// The iteration at work or last worked on, of any stage.
    pub fn iteration(&self) -> Option<&Iteration> {
        self.iterations.last()
    }

    pub fn conversation(&self, stage: &str) -> Option<&str> {
        self.conversations.iter().rev().find(|(name, _)| name == stage).map(|(_, id)| id.as_str())
    }

    /// The stage that the rejection of its last iteration goes back to; none: that rejects nothing.
    pub fn rejected_stage(&self) -> Option<&str> {
        self.route(self.iteration()?)
    }

    /// The stage that the rejection of an iteration goes back to, be it named or not; none: that rejects nothing.
    pub fn route<'a>(&'a self, iteration: &'a Iteration) -> Option<&'a str> {
        let verdict = iteration.verdict.as_ref()?;
        let stage = self.flow.stages.iter().find(|stage| stage.name == iteration.stage);
        let named = verdict.route_to.as_deref().or(stage.and_then(Stage::rejection_stage));
        (verdict.decision == Decision::Reject).then(|| named.unwrap_or(&self.flow.stages[0].name))
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
    /// What its agent decided, for a stage that judges.
    pub verdict: Option<Verdict>,
    /// What its agent proposed, for a stage that takes the task apart.
    pub subtasks: Option<Vec<SubtaskDraft>>,
    /// What it says of the whole of them.
    #[serde(default)]
    pub summary: Option<String>,
    /// What its agent asked, round by round.
    pub questions: Vec<Round>,
    /// What the stage's script said.
    pub script: Option<CommandResult>,
    /// What the gate said of this iteration.
    pub gate: Option<CommandResult>,
    /// Reminders to submit that were typed in this iteration, at most three.
    pub reminders: u8,
    /// None: it began with an engine that did not note that.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// What its agent says that it did.
    #[serde(default)]
    pub log: Option<String>,
    /// Name of the agent that was at it, once it has ended; none: a script, or nobody.
    #[serde(default)]
    pub agent: Option<String>,
    /// What it left on the branch, once it has ended; none: that could not be read.
    #[serde(default)]
    pub commits: Option<Commits>,
}

/// What an iteration left on its task's branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// Commit of the branch when it ended, hex.
    pub head: String,
    /// Newest first: `abc1234 the subject`.
    pub lines: Vec<String>,
    /// There are earlier ones than these.
    pub more: bool,
}

impl Iteration {
    /// One that begins: the `number`th at its stage, from 1.
    pub const fn begin(stage: String, number: u32, trigger: Trigger, now: Timestamp) -> Self {
        Self {
            stage,
            number,
            trigger,
            outcome: None,
            submitted: false,
            verdict: None,
            subtasks: None,
            summary: None,
            questions: Vec::new(),
            script: None,
            gate: None,
            reminders: 0,
            started_at: Some(now),
            ended_at: None,
            log: None,
            agent: None,
            commits: None,
        }
    }

    /// The questions that wait for an answer.
    pub fn open_questions(&self) -> Option<&Round> {
        self.questions.last().filter(|round| round.answers.is_none())
    }
}

/// Why an iteration began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Trigger {
    /// The stage before it passed, or the task started.
    Flow,
    /// The gate failed; `text` is what the agent is told.
    Gate { text: String },
    /// A person answered its questions; `text` has both.
    Answered { text: String },
    /// The script of a later stage failed.
    Script { stage: String, text: String },
    /// A later stage's agent rejected it.
    Verdict { stage: String, text: String },
    /// A person typed into the agent's session after it had submitted.
    Talk,
    /// A person sent it back.
    Rejected { text: String },
    /// A person asked for a fresh conversation.
    Restarted,
    /// A person sent the task to this stage.
    Sent { text: String },
    /// The subtasks are merged.
    Children,
    /// The result could not be integrated.
    Integration { text: String },
}

impl Trigger {
    /// A word for it, and what the agent was told by it, if anything.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Flow => ("flow", None),
            Self::Gate { text } => ("gate", Some(text)),
            Self::Answered { text } => ("answered", Some(text)),
            Self::Script { text, .. } => ("script", Some(text)),
            Self::Verdict { text, .. } => ("verdict", Some(text)),
            Self::Children => ("children", None),
            Self::Talk => ("talk", None),
            Self::Rejected { text } => ("rejected", Some(text)),
            Self::Restarted => ("restarted", None),
            Self::Sent { text } => ("sent", Some(text)),
            Self::Integration { text } => ("integration", Some(text)),
        }
    }
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    /// It asked, and went on with the answers in the next iteration.
    Asked,
    GateFailed,
    /// Its script failed.
    ScriptFailed,
    /// A person, or a later stage's agent, sent it back.
    Rejected,
    /// It rejected an earlier stage's work, and that stage began again.
    SentBack,
    /// It rejected an earlier stage's work, and a person went on all the same.
    Overridden,
    Skipped,
    Stopped,
    /// Its agent said that it cannot be done.
    Failed,
}

impl Outcome {
    /// In the words of the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Asked => "asked",
            Self::GateFailed => "gate failed",
            Self::ScriptFailed => "script failed",
            Self::Rejected => "rejected",
            Self::SentBack => "sent back",
            Self::Overridden => "overridden",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// What a gate or a script said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
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

impl CommandResult {
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
    /// A dialog of the agent stands open.
    Asks,
    /// Questions that the agent handed in wait for an answer.
    Questions,
    /// It asked by a message, or said by one what went wrong, and waits for what is said to it.
    Message,
    /// An agent asks a person to merge it.
    MergeAsked,
    Rests,
    Gate,
    Script,
    /// A rejection waits for a person.
    Verdict,
    Integration,
    Agent,
    /// The agent says what keeps it from going on.
    Blocked,
    /// Other tasks come first.
    Dependencies,
    /// A subtask has failed.
    Children,
    Trust,
}

impl ReasonKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paused(_) => "paused",
            Self::Setup => "setup",
            Self::Asks => "asks",
            Self::Questions => "questions",
            Self::Message => "message",
            Self::MergeAsked => "merge_asked",
            Self::Rests => "rests",
            Self::Gate => "gate",
            Self::Script => "script",
            Self::Verdict => "verdict",
            Self::Integration => "integration",
            Self::Agent => "agent",
            Self::Blocked => "blocked",
            Self::Dependencies => "dependencies",
            Self::Children => "children",
            Self::Trust => "trust",
        }
    }
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
    /// The attempts or the time that it was given are used up.
    Budget,
}
