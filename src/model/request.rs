//! What every face (keys, CLI, RPC, later MCP) asks of the engine, and what it answers.
//!
//! On the wire a request is `{"method": "task.start", "params": {..}}`; the names below are stable.

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comment::{Comment, NewComment};
use super::diff::DiffStat;
use super::failure::Failure;
use super::flow::{Mode, Strategy};
use super::hand_in::Resource;
use super::id::{ProjectId, RunId, SessionId, TaskId};
use super::launch::Size;
use super::record::{MessageRecord, TaskRecords};
use super::session::{HookReport, SessionKind};
use super::submission::{Submission, SubtaskDraft};
use super::task::Status;
use super::task_template::TaskTemplate;
use super::usage::UsageRecord;

/// A new task. Empty fields take their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewTask {
    /// As typed: lowered and checked by the engine; none: three random words, or made of the description.
    pub slug: Option<String>,
    /// None: the first heading of the description, else the slug.
    pub title: Option<String>,
    pub description: String,
    pub base: Option<String>,
    pub flow: Option<String>,
    pub agent: Option<String>,
    /// A model of the agent, over the one that the stage names.
    pub model: Option<String>,
    /// How the agents of its stages run, over what the stages say; one that cannot runs as its stage says.
    pub mode: Option<Mode>,
    pub auto: bool,
    /// The task that it is to be a part of: its base is that one's branch.
    pub parent: Option<TaskId>,
    /// Tasks that have to be merged before it starts.
    pub after: Vec<TaskId>,
    /// True: start at once; false: keep as a draft.
    pub start: bool,
}

/// One request. Those on a task are refused with a reason where they make no sense in its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "method", content = "params")]
pub enum Request {
    /// Opens the repository around `path`, an absolute path, and makes it a known project.
    #[serde(rename = "project.open")]
    OpenProject { path: PathBuf },
    /// Forgets a project in which nothing runs; its files and its state stay on disk.
    #[serde(rename = "project.forget")]
    ForgetProject { project: ProjectId },
    /// Writes the files of a fresh `.orchestra/`, never over an existing one.
    #[serde(rename = "project.init")]
    InitProject { project: ProjectId },
    #[serde(rename = "task.new")]
    NewTask { project: ProjectId, task: NewTask },
    /// Starts a draft, or resumes a paused or failed task.
    #[serde(rename = "task.start")]
    Start { project: ProjectId, task: TaskId },
    /// Once more what failed, was blocked or is paused.
    #[serde(rename = "task.retry")]
    Retry { project: ProjectId, task: TaskId },
    /// `spent`: the budget that is used up, as a sentence; none: a person wants it so.
    #[serde(rename = "task.stop")]
    Stop {
        project: ProjectId,
        task: TaskId,
        #[serde(default)]
        spent: Option<String>,
    },
    /// The stage again, with a fresh conversation.
    #[serde(rename = "task.restart")]
    Restart { project: ProjectId, task: TaskId },
    /// Accepts what waits; on a solo task at rest: done and reviewed.
    #[serde(rename = "task.approve")]
    Approve { project: ProjectId, task: TaskId },
    /// Sends back what waits, with the open comments; with those the feedback may be empty.
    #[serde(rename = "task.reject")]
    Reject {
        project: ProjectId,
        task: TaskId,
        feedback: String,
        /// True: a new conversation is told, not the one that made it.
        #[serde(default)]
        fresh: bool,
    },
    /// Notes something on a line of the task's diff, for the next rejection.
    #[serde(rename = "task.comment")]
    AddComment { project: ProjectId, task: TaskId, comment: NewComment },
    /// Takes an open comment back.
    #[serde(rename = "task.drop_comment")]
    DropComment { project: ProjectId, task: TaskId, id: i64 },
    /// All comments of a task, sent ones too, oldest first.
    #[serde(rename = "task.comments")]
    ListComments { project: ProjectId, task: TaskId },
    /// What agents took, by task, agent and stage.
    #[serde(rename = "project.usage")]
    Usage { project: ProjectId },
    /// Goes on in spite of a stage's rejection.
    #[serde(rename = "task.override")]
    Override { project: ProjectId, task: TaskId },
    /// One answer for each open question, in their order.
    #[serde(rename = "task.answer")]
    AnswerQuestions { project: ProjectId, task: TaskId, answers: Vec<String> },
    /// The breakdown that waits for approval, as a person wants it.
    #[serde(rename = "task.edit_subtasks")]
    EditSubtasks { project: ProjectId, task: TaskId, subtasks: Vec<SubtaskDraft> },
    /// Runs the stage's gate now, on what is there.
    #[serde(rename = "task.run_gate")]
    RunGate { project: ProjectId, task: TaskId },
    /// Marks the task as completed, whatever its stage says.
    #[serde(rename = "task.complete")]
    Complete { project: ProjectId, task: TaskId },
    #[serde(rename = "task.skip")]
    Skip { project: ProjectId, task: TaskId },
    #[serde(rename = "task.send_to_stage")]
    SendToStage { project: ProjectId, task: TaskId, stage: String, text: String },
    #[serde(rename = "task.set_auto")]
    SetAuto { project: ProjectId, task: TaskId, auto: bool },
    #[serde(rename = "task.merge")]
    Merge {
        project: ProjectId,
        task: TaskId,
        /// A branch that gets the task's own commits instead of its base.
        into: Option<String>,
    },
    /// Asks a person to merge it. With `designer.may_merge` it is merged when the designer asks.
    #[serde(rename = "task.request_merge")]
    RequestMerge {
        project: ProjectId,
        task: TaskId,
        /// The session of whoever asks, as the connection tells; none: a person. Never a parameter.
        #[serde(skip)]
        asker: Option<SessionId>,
    },
    #[serde(rename = "task.archive")]
    Archive { project: ProjectId, task: TaskId },
    #[serde(rename = "task.delete")]
    Delete { project: ProjectId, task: TaskId, scope: DeleteScope },
    /// As an edit of `status:` in the task file would, with the same checks.
    #[serde(rename = "task.set_status")]
    SetStatus { project: ProjectId, task: TaskId, status: Status },
    #[serde(rename = "task.set_unread")]
    SetUnread { project: ProjectId, task: TaskId, unread: bool },
    /// The session's screen was looked at for a second.
    #[serde(rename = "session.mark_seen")]
    MarkSeen { project: ProjectId, session: SessionId },
    /// Text for an agent, at most 64 KB: typed once it rests. What an agent sends to `main`, or to the session of its task's
    /// parent, may begin with `QUESTION:`, `ERROR:` or `BLOCKED:`, which move its task, or `COMPLETE:`, which hands the text in.
    #[serde(rename = "message.send")]
    Send {
        project: ProjectId,
        session: SessionId,
        text: String,
        /// The session of whoever sends it, as the connection tells; none: a person. Never a parameter.
        #[serde(skip)]
        sender: Option<SessionId>,
    },
    /// Hands in the result of a task's stage, its questions, or what keeps it from going on.
    #[serde(rename = "session.submit")]
    Submit {
        project: ProjectId,
        session: SessionId,
        /// The agent's run, from `ORCHESTRA_SESSION_DIR`: one that is over hands in nothing more. None: the live one.
        #[serde(default)]
        run: Option<RunId>,
        submission: Submission,
        /// What those who come after it should read; one with the name of another takes its place.
        #[serde(default)]
        resources: Vec<Resource>,
        /// What the agent did in this attempt, at most 2,000 characters.
        #[serde(default)]
        log: Option<String>,
    },
    /// What an agent does, as its own hook tells: it counts like the agent's events.
    #[serde(rename = "session.hook")]
    Hook {
        project: ProjectId,
        session: SessionId,
        /// The agent's run, from `ORCHESTRA_SESSION_DIR`: of one that is over nothing is told. None: the live one.
        #[serde(default)]
        run: Option<RunId>,
        report: HookReport,
    },
    /// A key sequence for the agent's dialog, typed at once (peek's digits).
    #[serde(rename = "session.answer")]
    Answer { project: ProjectId, session: SessionId, bytes: Vec<u8> },
    #[serde(rename = "session.start_designer")]
    StartDesigner { project: ProjectId },
    /// Ends a session that has no task: the designer or a shell.
    #[serde(rename = "session.stop")]
    StopSession { project: ProjectId, session: SessionId },
    /// The shell beside a session; the same one when it is alive already.
    #[serde(rename = "session.open_shell")]
    OpenShell { project: ProjectId, session: SessionId, size: Size },
    /// The project's run script in a session's worktree, in a terminal of its own; the same one while it runs.
    #[serde(rename = "session.run_script")]
    RunScript { project: ProjectId, session: SessionId, size: Size },
    /// `$EDITOR` on the spec of a session, in a terminal of its own.
    #[serde(rename = "session.edit_spec")]
    EditSpec { project: ProjectId, session: SessionId, size: Size },
    /// Lets the commands of a project's files run, as long as their hash stays `hash`.
    #[serde(rename = "project.trust")]
    Trust { project: ProjectId, hash: String },
    /// Takes that back: nothing of the project's files runs until a person trusts them again.
    #[serde(rename = "project.revoke_trust")]
    RevokeTrust { project: ProjectId },
    /// Which session's diff is on the screen; only that one is kept fresh at once.
    #[serde(rename = "diff.watch")]
    Watch { project: ProjectId, session: SessionId },
    #[serde(rename = "task.delete_facts")]
    DeleteFacts { project: ProjectId, task: TaskId },
    #[serde(rename = "task.merge_facts")]
    MergeFacts {
        project: ProjectId,
        task: TaskId,
        /// As in a merge.
        into: Option<String>,
    },
    #[serde(rename = "task.review_facts")]
    ReviewFacts { project: ProjectId, task: TaskId },
    /// The task with its attempts, artifacts, messages and conversation.
    #[serde(rename = "task.show")]
    ShowTask { project: ProjectId, task: TaskId },
    /// The text that an agent of this stage, or of the current one, would be started with.
    #[serde(rename = "task.prompt")]
    Prompt { project: ProjectId, task: TaskId, stage: Option<String> },
    /// What the designer is told of its place.
    #[serde(rename = "project.designer_prompt")]
    DesignerPrompt { project: ProjectId },
    /// Pushes the branch and opens a pull request with `gh`.
    #[serde(rename = "task.open_pull_request")]
    OpenPullRequest { project: ProjectId, task: TaskId },
    /// Messages to and from a session, or of the whole project; the last thousand.
    #[serde(rename = "message.list")]
    ListMessages {
        project: ProjectId,
        session: Option<SessionId>,
        /// Only those after the one with this number.
        #[serde(default)]
        since: Option<i64>,
    },
    #[serde(rename = "project.trust_facts")]
    TrustFacts { project: ProjectId },
    /// What a task would start from; none: from the branch that is checked out.
    #[serde(rename = "project.base_facts")]
    BaseFacts { project: ProjectId, base: Option<String> },
    /// What a new task can begin with.
    #[serde(rename = "project.templates")]
    Templates { project: ProjectId },
    /// Makes room for another engine: begins nothing more, waits for the jobs that must not be cut, and ends; sessions
    /// go on. Answered when the next engine can start.
    #[serde(rename = "engine.handover")]
    HandOver,
    /// Ends every process of every project, then the engine; answered once they are gone.
    #[serde(rename = "engine.shutdown")]
    ShutDown,
    /// Answered once the project is open: nothing else happens.
    #[serde(rename = "engine.ping")]
    Hello,
}

impl Request {
    /// The project that it is about; none: the engine itself, or a project that is found by a path.
    pub const fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::OpenProject { .. } | Self::HandOver | Self::ShutDown | Self::Hello => None,
            Self::ForgetProject { project }
            | Self::InitProject { project }
            | Self::NewTask { project, .. }
            | Self::Start { project, .. }
            | Self::Retry { project, .. }
            | Self::Stop { project, .. }
            | Self::Restart { project, .. }
            | Self::Approve { project, .. }
            | Self::Reject { project, .. }
            | Self::AddComment { project, .. }
            | Self::DropComment { project, .. }
            | Self::ListComments { project, .. }
            | Self::Usage { project }
            | Self::Override { project, .. }
            | Self::AnswerQuestions { project, .. }
            | Self::EditSubtasks { project, .. }
            | Self::RunGate { project, .. }
            | Self::Submit { project, .. }
            | Self::Hook { project, .. }
            | Self::RunScript { project, .. }
            | Self::Prompt { project, .. }
            | Self::OpenPullRequest { project, .. }
            | Self::Complete { project, .. }
            | Self::Skip { project, .. }
            | Self::SendToStage { project, .. }
            | Self::SetAuto { project, .. }
            | Self::Merge { project, .. }
            | Self::RequestMerge { project, .. }
            | Self::Archive { project, .. }
            | Self::Delete { project, .. }
            | Self::SetStatus { project, .. }
            | Self::SetUnread { project, .. }
            | Self::MarkSeen { project, .. }
            | Self::Send { project, .. }
            | Self::Answer { project, .. }
            | Self::StartDesigner { project }
            | Self::StopSession { project, .. }
            | Self::OpenShell { project, .. }
            | Self::EditSpec { project, .. }
            | Self::Trust { project, .. }
            | Self::Watch { project, .. }
            | Self::DeleteFacts { project, .. }
            | Self::MergeFacts { project, .. }
            | Self::ReviewFacts { project, .. }
            | Self::TrustFacts { project }
            | Self::RevokeTrust { project }
            | Self::ShowTask { project, .. }
            | Self::ListMessages { project, .. }
            | Self::Templates { project }
            | Self::DesignerPrompt { project }
            | Self::BaseFacts { project, .. } => Some(project),
        }
    }

    /// The task that it is about; none: it is about a session, a project or the engine, or makes a task.
    pub const fn task(&self) -> Option<TaskId> {
        match self {
            Self::Start { task, .. }
            | Self::Retry { task, .. }
            | Self::Stop { task, .. }
            | Self::Restart { task, .. }
            | Self::Approve { task, .. }
            | Self::Reject { task, .. }
            | Self::AddComment { task, .. }
            | Self::DropComment { task, .. }
            | Self::ListComments { task, .. }
            | Self::Override { task, .. }
            | Self::AnswerQuestions { task, .. }
            | Self::EditSubtasks { task, .. }
            | Self::RunGate { task, .. }
            | Self::Complete { task, .. }
            | Self::Skip { task, .. }
            | Self::SendToStage { task, .. }
            | Self::SetAuto { task, .. }
            | Self::Merge { task, .. }
            | Self::RequestMerge { task, .. }
            | Self::Archive { task, .. }
            | Self::Delete { task, .. }
            | Self::SetStatus { task, .. }
            | Self::SetUnread { task, .. }
            | Self::DeleteFacts { task, .. }
            | Self::MergeFacts { task, .. }
            | Self::ReviewFacts { task, .. }
            | Self::ShowTask { task, .. }
            | Self::Prompt { task, .. }
            | Self::OpenPullRequest { task, .. } => Some(*task),
            Self::OpenProject { .. }
            | Self::ForgetProject { .. }
            | Self::InitProject { .. }
            | Self::NewTask { .. }
            | Self::MarkSeen { .. }
            | Self::Send { .. }
            | Self::Submit { .. }
            | Self::Hook { .. }
            | Self::Answer { .. }
            | Self::StartDesigner { .. }
            | Self::StopSession { .. }
            | Self::OpenShell { .. }
            | Self::RunScript { .. }
            | Self::EditSpec { .. }
            | Self::Trust { .. }
            | Self::RevokeTrust { .. }
            | Self::Watch { .. }
            | Self::Usage { .. }
            | Self::ListMessages { .. }
            | Self::TrustFacts { .. }
            | Self::BaseFacts { .. }
            | Self::Templates { .. }
            | Self::DesignerPrompt { .. }
            | Self::HandOver
            | Self::ShutDown
            | Self::Hello => None,
        }
    }

    /// The session that it is about.
    pub const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::MarkSeen { session, .. }
            | Self::Send { session, .. }
            | Self::Submit { session, .. }
            | Self::Hook { session, .. }
            | Self::Answer { session, .. }
            | Self::StopSession { session, .. }
            | Self::OpenShell { session, .. }
            | Self::RunScript { session, .. }
            | Self::EditSpec { session, .. }
            | Self::Watch { session, .. } => Some(session),
            Self::ListMessages { session, .. } => session.as_ref(),
            _ => None,
        }
    }
}

/// How much a delete removes; the trash keeps all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeleteScope {
    All,
    WorktreeOnly,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Done; what to say about it in one line, if anything.
    Done {
        message: Option<String>,
    },
    Task {
        id: TaskId,
        message: Option<String>,
    },
    Session {
        id: SessionId,
    },
    /// Done, and a message is kept; `delivery` as `message.list` has it.
    #[serde(rename = "done")]
    Sent {
        id: i64,
        delivery: String,
        /// What to say about it in one line, if anything.
        message: Option<String>,
    },
    Project {
        id: ProjectId,
    },
    Delete(Box<DeleteFacts>),
    Merge(Box<MergeFacts>),
    Review(Box<ReviewFacts>),
    Trust(Box<TrustFacts>),
    Records(Box<TaskRecords>),
    Messages(Vec<MessageRecord>),
    Comments(Vec<Comment>),
    Usage(Vec<UsageRecord>),
    Base(Box<BaseFacts>),
    /// By name; `broken`: why others cannot be read.
    Templates {
        found: Vec<TaskTemplate>,
        broken: Vec<String>,
    },
    /// A text, whole.
    Text {
        text: String,
    },
}

pub type Answer = Result<Reply, Failure>;

/// What a delete would take away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DeleteFacts {
    pub branch: String,
    pub base: String,
    pub ahead: u32,
    pub merged: bool,
    /// Changed and untracked files, by name.
    pub changed: Vec<String>,
    pub untracked: Vec<String>,
    /// Bytes on disk of the worktree.
    pub bytes: u64,
    pub sessions: Vec<(SessionKind, String)>,
    /// What the trash cannot keep, by name.
    pub unsaved: Vec<String>,
}

/// What a merge would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MergeFacts {
    pub branch: String,
    pub base: String,
    pub strategy: Strategy,
    pub ahead: u32,
    /// Commits of the base that the branch does not have.
    pub behind: u32,
    pub dirty: u32,
    pub stat: DiffStat,
    /// Files that would conflict.
    pub conflicts: Vec<String>,
    pub gate: Option<String>,
    /// Why a merge would be refused now.
    pub refused: Option<Failure>,
}

/// What a person decides on with `a`, `r`, `o`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReviewFacts {
    /// Name and text of the artifact that waits, if there is one.
    pub artifact: Option<(String, String)>,
    pub stat: DiffStat,
    /// `checks.sh passed on attempt 2`, with seconds; none without a gate.
    pub gate: Option<String>,
    pub gate_log: Option<PathBuf>,
    pub base: String,
    pub conflicts: Vec<String>,
    /// What `a` leads to (`review`, `done`, `reviewed; then M merges`).
    pub next: String,
}

/// What a task would start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BaseFacts {
    /// Short name of a branch, or the name as it was given.
    pub name: String,
    /// Hex.
    pub commit: String,
    /// The branch that it follows and the commits of that one which it does not have; none: it follows none.
    pub upstream: Option<(String, u32)>,
}

/// What wants to run from a repository's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TrustFacts {
    pub hash: String,
    /// Path and text of each file, those that changed first.
    pub files: Vec<(PathBuf, String)>,
    /// What was trusted before; none: nothing was.
    pub former: Option<FormerTrust>,
}

/// Trust that a change of the files has taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FormerTrust {
    /// When it was given; none: by a version that did not note it.
    pub at: Option<Timestamp>,
    /// How many of the files, the first ones, changed since.
    pub changed: usize,
}
