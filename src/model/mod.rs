//! The words of the product as data: no input, no output, no clock.
//!
//! Invariant: nothing here imports another module of this crate but its siblings.

mod comment;
mod config;
mod diff;
mod failure;
mod flow;
mod hand_in;
mod id;
mod launch;
mod nearest;
mod prefix;
mod record;
mod request;
mod session;
mod snapshot;
mod submission;
mod subtask_sheet;
mod task;
mod task_template;
mod template;
mod usage;

pub use comment::{Comment, NewComment, Side};
pub use config::{
    AgentEntry, BudgetConfig, Config, DesignerConfig, Detach, GitConfig, Glyphs, HooksPolicy, KeysConfig, MergeCleanup,
    MergeConfig, PermissionMode, UiConfig, WorktreeRoot, WorktreesConfig,
};
pub use diff::{Change, Diff, DiffLine, DiffStat, FileDiff, Folded, Hunk, LineKind, Span};
pub use failure::{Failure, FailureKind};
pub use flow::{
    Assignment, Breakdown, ChildFailure, DisallowedTool, Flow, Gate, Integration, Mode, Output, Schema, Script, Stage,
    Strategy, Work, solo,
};
pub use hand_in::{HandIn, MAX_LOG, MAX_RESOURCES, Resource, gather};
pub use id::{IdError, ProjectId, RunId, SessionId, Slug, TaskId};
pub use launch::{Launch, Size};
pub use nearest::{meant, nearest};
pub use prefix::Prefix;
pub use record::{ArtifactRecord, MessageRecord, TaskRecords};
pub use request::{
    Answer, BaseFacts, DeleteFacts, DeleteScope, FormerTrust, MergeFacts, NewTask, Reply, Request, ReviewFacts,
    TrustFacts,
};
pub use session::{Activity, AgentFact, ExitStatus, HookEvent, HookReport, SessionKind};
pub use snapshot::{
    AgentFound, Hold, MonitorLine, Notice, NoticeKind, Opened, ProjectView, SessionView, Snapshot, TaskView,
};
pub use submission::{Choice, Decision, Question, Round, Submission, SubtaskDraft, Verdict};
pub use subtask_sheet::{SheetError, SubtaskSheet};
pub use task::{
    AgentRun, CommandResult, Commits, Item, Iteration, Outcome, Pause, Reason, ReasonKind, Run, State, Status, Task,
    Trigger,
};
pub use task_template::{PLACEHOLDER, TaskTemplate};
pub use template::{UnknownVariable, VARIABLES, check_variables, expand};
pub use usage::{Usage, UsageRecord};
