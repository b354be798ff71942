//! What the engine shows its readers: a picture of all state at one moment, made by the engine, never changed.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::comment::Comment;
use super::config::Config;
use super::diff::DiffStat;
use super::failure::Failure;
use super::id::{ProjectId, RunId, SessionId, Slug, TaskId};
use super::session::{Activity, ExitStatus, SessionKind};
use super::task::Task;

/// All state at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Counts up with every change.
    pub generation: u64,
    /// The one that was opened first, then the others in the order in which they became known. One that did not change is
    /// the same allocation as in the snapshot before.
    pub projects: Vec<Arc<ProjectView>>,
    /// Where the engine was started; none for one that was started for no project.
    pub opened: Option<Opened>,
    /// The agents that were looked for, in order of preference; empty until the search is over.
    pub agents: Vec<AgentFound>,
    /// News and errors, oldest first, the last thousand.
    pub notices: Vec<Arc<Notice>>,
}

impl Snapshot {
    /// Something goes on, or waits to: a process is alive, a task is under way or in the queue.
    pub fn has_work(&self) -> bool {
        self.projects.iter().any(|project| {
            project.sessions().any(|session| session.alive)
                || project.tasks.iter().any(|task| task.task.state.is_busy())
        })
    }
}

/// The project that an engine was started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub project: ProjectId,
    /// The task in whose worktree that was.
    pub session: Option<SessionId>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProjectView {
    pub id: ProjectId,
    /// The folder's name.
    pub name: String,
    pub root: PathBuf,
    /// Why its repository cannot be used, and what to do: it is gone, or git refuses it. Its live sessions go on; nothing
    /// new begins.
    pub trouble: Option<Failure>,
    /// What is wrong with its settings and flows, and what is in force instead.
    pub faults: Vec<String>,
    /// The branch that is checked out there; none when detached.
    pub branch: Option<String>,
    pub config: Arc<Config>,
    /// Names of the flows that a task may have, `solo` among them, with the names of their stages.
    pub flows: Vec<(String, Vec<String>)>,
    /// True once `.orchestra/` is set up.
    pub initialized: bool,
    pub designer: Option<SessionView>,
    /// By id.
    pub tasks: Vec<TaskView>,
    /// Shells and embedded editors, of tasks and of the designer.
    pub shells: Vec<SessionView>,
}

impl ProjectView {
    /// The tasks that have to be over before this one begins, those that still are not.
    pub fn awaited(&self, view: &TaskView) -> impl Iterator<Item = &Task> {
        let open = |id: &TaskId| {
            let other = &*self.tasks.iter().find(|other| other.task.id == *id)?.task;
            (!other.state.is_closed()).then_some(other)
        };
        view.task.after.iter().filter_map(open)
    }

    /// All of its sessions: the designer's, then those of tasks, then shells.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionView> {
        let of_tasks = self.tasks.iter().filter_map(|task| task.session.as_ref());
        self.designer.iter().chain(of_tasks).chain(&self.shells)
    }
}

/// A task with the facts around it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    pub task: Arc<Task>,
    pub worktree: Option<PathBuf>,
    /// Name of the agent that runs or would run.
    pub agent: String,
    pub session: Option<SessionView>,
    pub diff: DiffStat,
    /// Commits ahead of the base.
    pub ahead: u32,
    pub unread: bool,
    pub monitor: Option<MonitorLine>,
    /// When the state last changed.
    pub since: Timestamp,
    /// Place in the queue over all projects, from 1.
    pub queued: Option<u32>,
    /// What keeps a queued task waiting.
    pub hold: Option<Hold>,
    /// A gate at work: attempt, and when it began.
    pub gate: Option<(u32, Timestamp)>,
    /// How often in a row the gate failed with the same output; 0 when it did not.
    pub same_failures: u32,
    /// The open ones, oldest first.
    pub comments: Vec<Comment>,
    /// What its agent said to the designer while none ran, and no person has looked since: the first line of it.
    pub unheard: Option<String>,
    /// Of one that is to be integrated: the task that has to be over before.
    pub behind: Option<Slug>,
}

/// Why a queued task does not get a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// As many tasks of its project are at work as may be: `max_running`.
    Project { max: u32 },
    /// As many tasks of all projects are at work as may be: `max_running_total`.
    Total { max: u32 },
    /// The project's repository cannot be used: `ProjectView::trouble`.
    Trouble,
}

/// A process in a PTY.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionView {
    pub id: SessionId,
    /// Its newest run.
    pub run: RunId,
    pub kind: SessionKind,
    /// Agent or program name.
    pub name: String,
    pub alive: bool,
    pub exit: Option<ExitStatus>,
    pub activity: Activity,
    /// Where `activity` comes from (`agent events`, `screen`), for `E`.
    pub source: String,
    pub since: Timestamp,
    /// Messages that wait until it rests.
    pub waiting: u32,
    pub monitor: Option<MonitorLine>,
}

/// One line of the monitor: from facts only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorLine {
    pub text: String,
    /// When the fact was seen.
    pub at: Option<Timestamp>,
}

/// An agent on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFound {
    pub name: String,
    /// None: not on `PATH`.
    pub path: Option<PathBuf>,
    /// Fills in later.
    pub version: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    News,
    /// Stays until a person has read it.
    Error,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Counts up.
    pub seq: u64,
    pub kind: NoticeKind,
    /// What happened, then what did not happen, then the next key.
    pub text: String,
    /// The session it is about: `w goes there`.
    pub about: Option<(ProjectId, SessionId)>,
    pub at: Timestamp,
    /// True: ring the bell once.
    pub bell: bool,
}
