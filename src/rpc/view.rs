//! Tasks, sessions and projects as JSON, for every program outside: made here and nowhere else.
//!
//! Invariant: fields are added later, never renamed; what is not known is null, not left out.

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::verbs;
use crate::model::{self, Activity, ExitStatus, ReasonKind, TaskId};

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskView {
    pub id: u32,
    pub slug: String,
    pub title: String,
    /// `draft`, `running`, `idle`, `completed` or `reviewed`.
    pub status: String,
    pub state: String,
    /// Why it has this state, where there is more to say than the state itself.
    pub reason: Option<ReasonView>,
    pub flow: String,
    pub stage: String,
    /// From 0.
    pub stage_index: usize,
    pub stage_count: usize,
    /// Number of the attempt at this stage, from 1; 0 before the first.
    pub iteration: u32,
    /// Number of the gate's run at this stage, from 1; 0 before the first.
    pub gate_attempt: u32,
    /// The agent that runs or would run.
    pub agent: String,
    pub model: Option<String>,
    /// `ask`, `edits` or `all`.
    pub permissions: String,
    pub auto: bool,
    pub isolation: String,
    pub base_branch: String,
    pub branch: String,
    pub worktree: Option<String>,
    /// Slug of the task that it is a part of.
    pub parent: Option<String>,
    /// Slugs of its parts.
    pub children: Vec<String>,
    /// Slugs of the tasks that it waits for.
    pub after: Vec<String>,
    /// Slugs of those among them that are not over yet.
    #[serde(default)]
    pub waits_for: Vec<String>,
    /// A finished turn that nobody has looked at.
    pub unread: bool,
    /// Commits ahead of the base.
    pub ahead: u32,
    pub diff: DiffStatView,
    /// Id of its agent's session while there is one.
    pub session: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonView {
    /// `person`, `budget`, `reboot`, `lost`, `exited` or `crash` of a paused task; else what it is about.
    pub kind: String,
    pub text: String,
    pub since: Timestamp,
    /// Who says so: `person`, `engine`, `agent events`, `screen`, `exit status`, `gate`, `git`.
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffStatView {
    pub files: u32,
    pub added: u32,
    pub removed: u32,
}

/// A message to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageView {
    pub id: i64,
    pub session: String,
    /// Session that sent it; null: a person.
    pub sender: Option<String>,
    pub text: String,
    /// `queued`, `delivered`, or `unknown` when nobody can tell.
    pub delivery: String,
    pub at: Timestamp,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    pub id: String,
    pub project: String,
    /// Number of its task.
    pub task: Option<u32>,
    /// `designer`, `executor` or `shell`.
    pub kind: String,
    /// Agent or program.
    pub name: String,
    pub alive: bool,
    /// Exit code, negative for a signal.
    pub exit: Option<i32>,
    /// `starting`, `working`, `resting` or `asking`.
    pub activity: String,
    /// What it asks.
    pub asks: Option<String>,
    /// Who says so.
    pub source: String,
    pub since: Timestamp,
    /// Messages that wait until it rests.
    pub waiting: u32,
    /// What it was last seen to do.
    pub monitor: Option<String>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectView {
    pub id: String,
    pub name: String,
    pub root: String,
    /// Why its repository cannot be used; null when it can.
    pub trouble: Option<String>,
    /// What is wrong with its settings and flows, and what is in force instead.
    #[serde(default)]
    pub faults: Vec<String>,
    /// What is checked out there; null when detached.
    pub branch: Option<String>,
    /// True once `.orchestra/` is set up.
    pub initialized: bool,
    pub max_running: u32,
    pub flows: Vec<FlowView>,
    /// Tasks in all, and those at work.
    pub tasks: usize,
    pub running: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowView {
    pub name: String,
    pub stages: Vec<String>,
}

impl TaskView {
    pub fn new(view: &model::TaskView, project: &model::ProjectView) -> Self {
        let parts = project.tasks.iter().map(|view| &view.task).filter(|task| task.parent == Some(view.task.id));
        Self::with(view, project, parts.map(|task| task.slug.to_string()).collect())
    }

    /// All tasks of a project.
    pub fn all(project: &model::ProjectView) -> Vec<Self> {
        let mut children: HashMap<TaskId, Vec<String>> = HashMap::new();
        for view in &project.tasks {
            if let Some(parent) = view.task.parent {
                children.entry(parent).or_default().push(view.task.slug.to_string());
            }
        }
        let mut parts = |view: &model::TaskView| children.remove(&view.task.id).unwrap_or_default();
        project.tasks.iter().map(|view| Self::with(view, project, parts(view))).collect()
    }

    fn with(view: &model::TaskView, project: &model::ProjectView, children: Vec<String>) -> Self {
        let task = &*view.task;
        let stage = task.current_stage();
        let of_stage = || task.iterations.iter().rev().filter(|iteration| iteration.stage == stage.name);
        let gate = of_stage().find_map(|iteration| iteration.gate.as_ref()).map_or(0, |gate| gate.attempt);
        Self {
            id: task.id.0,
            slug: task.slug.to_string(),
            title: task.title.clone(),
            status: task.status().word().to_owned(),
            state: task.state.word().to_owned(),
            reason: task.reason.as_ref().map(|reason| ReasonView::new(task, reason)),
            flow: task.flow.name.clone(),
            stage: stage.name.clone(),
            stage_index: task.stage,
            stage_count: task.flow.stages.len(),
            iteration: of_stage().next().map_or(0, |iteration| iteration.number),
            gate_attempt: view.gate.map_or(gate, |(attempt, _)| attempt),
            agent: view.agent.clone(),
            model: task.model.clone().or_else(|| stage.assignment()?.model.clone()),
            permissions: word(&stage.assignment().and_then(|it| it.permissions).unwrap_or(project.config.permissions)),
            auto: task.auto,
            isolation: "none".to_owned(),
            base_branch: task.base_branch.clone(),
            branch: task.branch.clone(),
            worktree: view.worktree.as_ref().map(|path| path.to_string_lossy().into_owned()),
            parent: task.parent.and_then(|id| slug(project, id)),
            children,
            after: task.after.iter().filter_map(|id| slug(project, *id)).collect(),
            waits_for: project.awaited(view).map(|task| task.slug.to_string()).collect(),
            unread: view.unread,
            ahead: view.ahead,
            diff: view.diff.into(),
            session: view.session.as_ref().map(|session| session.id.to_string()),
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

/// None: the task is deleted.
fn slug(project: &model::ProjectView, id: TaskId) -> Option<String> {
    let at = project.tasks.binary_search_by_key(&id, |view| view.task.id).ok()?;
    Some(project.tasks[at].task.slug.to_string())
}

impl ReasonView {
    fn new(task: &model::Task, reason: &model::Reason) -> Self {
        let kind = match reason.kind {
            ReasonKind::Paused(pause) => word(&pause),
            kind => kind.word().to_owned(),
        };
        // What an agent wrote is passed on as it is.
        let text = match reason.kind {
            ReasonKind::Asks
            | ReasonKind::Questions
            | ReasonKind::Message
            | ReasonKind::Verdict
            | ReasonKind::Blocked => reason.text.clone(),
            ReasonKind::Agent if reason.source == "agent" => reason.text.clone(),
            _ => verbs::told(&reason.text, Some(task.slug.as_str())),
        };
        Self { kind, text, since: reason.since, source: reason.source.clone() }
    }
}

impl SessionView {
    pub fn new(project: &model::ProjectView, task: Option<&model::Task>, session: &model::SessionView) -> Self {
        let (activity, asks) = match &session.activity {
            Activity::Starting => ("starting", None),
            Activity::Working => ("working", None),
            Activity::Resting => ("resting", None),
            Activity::Asking { text } => ("asking", Some(text.clone())),
        };
        Self {
            id: session.id.to_string(),
            project: project.id.to_string(),
            task: task.map(|task| task.id.0),
            kind: word(&session.kind),
            name: session.name.clone(),
            alive: session.alive,
            exit: session.exit.map(exit_code),
            activity: activity.to_owned(),
            asks,
            source: session.source.clone(),
            since: session.since,
            waiting: session.waiting,
            monitor: session.monitor.as_ref().map(|line| line.text.clone()),
        }
    }

    /// All sessions of a project: the designer, then those of tasks, then shells.
    pub fn all(project: &model::ProjectView) -> Vec<Self> {
        project.sessions().map(|session| Self::new(project, owner(project, session), session)).collect()
    }
}

impl ProjectView {
    pub fn new(project: &model::ProjectView) -> Self {
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            root: project.root.to_string_lossy().into_owned(),
            trouble: project.trouble.as_ref().map(ToString::to_string),
            faults: project.faults.clone(),
            branch: project.branch.clone(),
            initialized: project.initialized,
            max_running: project.config.max_running,
            flows: project
                .flows
                .iter()
                .map(|(name, stages)| FlowView { name: name.clone(), stages: stages.clone() })
                .collect(),
            tasks: project.tasks.len(),
            running: project.tasks.iter().filter(|view| view.task.state.is_busy()).count(),
        }
    }
}

impl From<model::MessageRecord> for MessageView {
    fn from(message: model::MessageRecord) -> Self {
        let model::MessageRecord { id, session, sender, text, delivery, at } = message;
        Self { id, session: session.0, sender: sender.map(|sender| sender.0), text, delivery, at }
    }
}

impl From<model::DiffStat> for DiffStatView {
    fn from(stat: model::DiffStat) -> Self {
        Self { files: stat.files, added: stat.added, removed: stat.removed }
    }
}

/// The task of a session, or the one beside whose session a shell was opened; none for those of the designer.
fn owner<'a>(project: &'a model::ProjectView, session: &model::SessionView) -> Option<&'a model::Task> {
    let slug = session.id.as_str().split('.').next()?;
    project.tasks.iter().map(|view| &*view.task).find(|task| task.slug.as_str() == slug)
}

/// A process's end as one number: negative for a signal.
pub fn exit_code(exit: ExitStatus) -> i32 {
    match exit {
        ExitStatus::Code(code) => code,
        ExitStatus::Signal(signal) => -signal,
    }
}

/// The word of a unit variant.
pub(super) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
