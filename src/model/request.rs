//! What every face (keys, later CLI, RPC and MCP) asks of the engine, and what it answers.

use std::path::PathBuf;

use super::diff::DiffStat;
use super::failure::Failure;
use super::flow::Strategy;
use super::id::{ProjectId, SessionId, TaskId};
use super::launch::Size;
use super::session::SessionKind;

/// A new task. Empty fields take their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewTask {
    /// As typed: lowered and checked by the engine; none: three random words, or made of the description.
    pub slug: Option<String>,
    pub description: String,
    pub base: Option<String>,
    pub flow: Option<String>,
    pub agent: Option<String>,
    pub auto: bool,
    /// True: start at once; false: keep as a draft.
    pub start: bool,
}

/// One request. Those on a task are refused with a reason where they make no sense in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Writes the files of a fresh `.orchestra/`, never over an existing one.
    InitProject {
        project: ProjectId,
    },
    NewTask {
        project: ProjectId,
        task: NewTask,
    },
    /// Starts a draft, or resumes a paused or failed task.
    Start {
        project: ProjectId,
        task: TaskId,
    },
    Stop {
        project: ProjectId,
        task: TaskId,
    },
    /// The stage again, with a fresh conversation.
    Restart {
        project: ProjectId,
        task: TaskId,
    },
    /// Accepts what waits; on a solo task at rest: done and reviewed.
    Approve {
        project: ProjectId,
        task: TaskId,
    },
    Reject {
        project: ProjectId,
        task: TaskId,
        feedback: String,
    },
    /// Marks the task as completed, whatever its stage says.
    Complete {
        project: ProjectId,
        task: TaskId,
    },
    Skip {
        project: ProjectId,
        task: TaskId,
    },
    SendToStage {
        project: ProjectId,
        task: TaskId,
        stage: String,
        text: String,
    },
    SetAuto {
        project: ProjectId,
        task: TaskId,
        auto: bool,
    },
    Merge {
        project: ProjectId,
        task: TaskId,
    },
    Archive {
        project: ProjectId,
        task: TaskId,
    },
    Delete {
        project: ProjectId,
        task: TaskId,
        scope: DeleteScope,
    },
    SetUnread {
        project: ProjectId,
        task: TaskId,
        unread: bool,
    },
    /// The session's screen was looked at for a second.
    MarkSeen {
        project: ProjectId,
        session: SessionId,
    },
    /// Text for an agent: typed once it rests.
    Send {
        project: ProjectId,
        session: SessionId,
        text: String,
    },
    /// A key sequence for the agent's dialog, typed at once (peek's digits).
    Answer {
        project: ProjectId,
        session: SessionId,
        bytes: Vec<u8>,
    },
    StartDesigner {
        project: ProjectId,
    },
    /// Ends a session that has no task: the designer or a shell.
    StopSession {
        project: ProjectId,
        session: SessionId,
    },
    /// The shell beside a session; the same one when it is alive already.
    OpenShell {
        project: ProjectId,
        session: SessionId,
        size: Size,
    },
    /// `$EDITOR` on the spec of a session, in a terminal of its own.
    EditSpec {
        project: ProjectId,
        session: SessionId,
        size: Size,
    },
    /// Lets the commands of a project's files run, as long as their hash stays `hash`.
    Trust {
        project: ProjectId,
        hash: String,
    },
    /// Which session's diff is on the screen; only that one is kept fresh at once.
    Watch {
        project: ProjectId,
        session: SessionId,
    },
    DeleteFacts {
        project: ProjectId,
        task: TaskId,
    },
    MergeFacts {
        project: ProjectId,
        task: TaskId,
    },
    ReviewFacts {
        project: ProjectId,
        task: TaskId,
    },
    TrustFacts {
        project: ProjectId,
    },
    /// Ends every process of every project; answered once they are gone.
    StopAll,
    /// Answered once the project is open: nothing else happens.
    Hello,
}

/// How much a delete removes; the trash keeps all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeleteScope {
    All,
    WorktreeOnly,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    Delete(Box<DeleteFacts>),
    Merge(Box<MergeFacts>),
    Review(Box<ReviewFacts>),
    Trust(Box<TrustFacts>),
}

pub type Answer = Result<Reply, Failure>;

/// What a delete would take away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What wants to run from a repository's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFacts {
    pub hash: String,
    /// Path and text of each file, those that changed first.
    pub files: Vec<(PathBuf, String)>,
}
