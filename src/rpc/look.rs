//! What is answered without the engine's thread: from snapshots, worktrees and terminals.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::detail::TaskDetail;
use super::server::Service;
use super::view::{DiffStatView, MessageView, ProjectView, SessionView, TaskView};
use super::wire::{Face, PROTOCOL};
use super::{unified, verbs};
use crate::engine::{Place, explain};
use crate::git::diff::Differ;
use crate::git::{Cancel, Git, Repo};
use crate::model::{self, Failure, FailureKind, ProjectId, RunId, SessionId, Snapshot, TaskId, TaskRecords};
use crate::pty;

/// Lines that are read of a session if nothing is said, and at most.
const LINES: usize = 200;
pub const LINES_MAX: usize = 100_000;

/// `engine.info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineView {
    pub version: String,
    pub protocol: u32,
    pub pid: u32,
    pub face: Face,
    pub projects: Vec<ProjectView>,
    /// Tasks at work.
    pub running: usize,
    /// Live sessions.
    pub sessions: usize,
    pub uptime_seconds: u64,
    /// Number of the last event.
    pub seq: u64,
}

/// `project.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectsView {
    pub projects: Vec<ProjectView>,
}

/// The tasks of one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TasksView {
    pub project: ProjectView,
    pub tasks: Vec<TaskView>,
}

/// The tasks of all projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AllTasksView {
    pub projects: Vec<TasksView>,
}

/// `session.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionsView {
    pub sessions: Vec<SessionView>,
}

/// `session.read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputView {
    /// Without escape sequences.
    pub text: String,
    pub alive: bool,
}

/// `diff.show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffView {
    /// What it is compared with.
    pub base: String,
    /// Commits since then.
    pub ahead: u32,
    pub stat: DiffStatView,
    pub files: Vec<FileView>,
    /// All of it as a unified diff.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileView {
    pub path: String,
    pub old_path: Option<String>,
    /// `A`, `M`, `D`, `R`, `T`, or `?` for a file that git does not know yet.
    pub change: char,
    pub added: u32,
    pub removed: u32,
}

/// `task.explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainView {
    pub task: TaskView,
    pub facts: Vec<FactView>,
    /// The facts as lines.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FactView {
    pub label: String,
    pub text: String,
}

/// `message.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessagesView {
    pub messages: Vec<MessageView>,
}

/// What a session's output is read from, off the server's thread.
pub enum Output {
    Live(pty::Terminal, usize),
    Ended(PathBuf, usize),
}

/// What a diff is made of, off the server's thread.
pub struct Worktree {
    path: PathBuf,
    base: String,
    commit: String,
}

pub fn engine(service: &Service, only: Option<&ProjectId>) -> EngineView {
    let snapshot = service.handle.snapshot();
    let projects: Vec<_> = visible(&snapshot, only).map(ProjectView::new).collect();
    let sessions = visible(&snapshot, only).flat_map(SessionView::all).filter(|session| session.alive).count();
    EngineView {
        version: service.face.version.clone(),
        protocol: PROTOCOL,
        pid: service.face.pid,
        face: service.face.clone(),
        running: projects.iter().map(|project| project.running).sum(),
        projects,
        sessions,
        uptime_seconds: Duration::try_from(super::server::now().duration_since(service.face.started))
            .unwrap_or_default()
            .as_secs(),
        seq: service.journal.last(),
    }
}

pub fn projects(snapshot: &Snapshot, only: Option<&ProjectId>) -> ProjectsView {
    ProjectsView { projects: visible(snapshot, only).map(ProjectView::new).collect() }
}

pub fn tasks(project: &model::ProjectView) -> TasksView {
    TasksView { project: ProjectView::new(project), tasks: TaskView::all(project) }
}

pub fn all_tasks(snapshot: &Snapshot, only: Option<&ProjectId>) -> AllTasksView {
    AllTasksView { projects: visible(snapshot, only).map(tasks).collect() }
}

pub fn sessions(snapshot: &Snapshot, only: Option<&ProjectId>) -> SessionsView {
    SessionsView { sessions: visible(snapshot, only).flat_map(SessionView::all).collect() }
}

pub fn explain(snapshot: &Snapshot, project: &ProjectId, task: TaskId) -> Result<ExplainView, Failure> {
    let (project, view) = find(snapshot, project, task)?;
    let mut facts = explain::task(project, view, super::server::now());
    for fact in &mut facts {
        fact.text = verbs::told(&fact.text, Some(view.task.slug.as_str()));
    }
    let mut text = String::new();
    for fact in &facts {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<14}{}", fact.label, fact.text);
    }
    let facts = facts.into_iter().map(|fact| FactView { label: fact.label.to_owned(), text: fact.text });
    Ok(ExplainView { task: TaskView::new(view, project), facts: facts.collect(), text })
}

/// A task with what the database has of it. Blocks: it looks for the files of prompts.
pub fn detail(
    snapshot: &Snapshot,
    project: &ProjectId,
    task: TaskId,
    records: TaskRecords,
) -> Result<TaskDetail, Failure> {
    let (project, view) = find(snapshot, project, task)?;
    Ok(TaskDetail::new(view, project, records))
}

/// Where a session's output is.
pub fn output(service: &Service, place: &Place, lines: Option<usize>) -> Result<Output, Failure> {
    let lines = lines.unwrap_or(LINES).min(LINES_MAX);
    match service.handle.terminal(place) {
        Some(terminal) => Ok(Output::Live(terminal, lines)),
        None => ended(service, place).map(|(_, folder)| Output::Ended(folder, lines)),
    }
}

/// The last run of a session whose shim has gone, and its folder.
pub fn ended(service: &Service, place: &Place) -> Result<(RunId, PathBuf), Failure> {
    let snapshot = service.handle.snapshot();
    let project = project(&snapshot, &place.0)?;
    let task = project.tasks.iter().find(|view| view.task.session_id() == place.1);
    let of_task = task.and_then(|view| view.task.session.as_ref()).map(|session| &session.id);
    let run = of_task.or_else(|| project.sessions().find(|it| it.id == place.1).map(|session| &session.run));
    let found = run.map(|run| (run.clone(), service.home.session(run))).filter(|(_, folder)| folder.is_dir());
    found.ok_or_else(|| no_session(&place.1))
}

impl Output {
    /// Blocks while history is read.
    pub fn read(self) -> OutputView {
        let (mut text, lines, alive) = match self {
            Self::Ended(folder, lines) => (pty::transcript(&folder, lines), lines, false),
            Self::Live(terminal, lines) => {
                let above = terminal.scrollback(terminal.size().cols, lines);
                let rows = (0..above.len()).filter_map(|row| above.row(row)).map(|line| line.text);
                let all: Vec<_> = rows.chain(terminal.lines()).collect();
                (all.join("\n"), lines, terminal.exit().is_none())
            }
        };
        text.truncate(text.trim_end().len());
        let skipped = text.lines().count().saturating_sub(lines);
        let text = text.lines().skip(skipped).collect::<Vec<_>>().join("\n");
        OutputView { text, alive }
    }
}

/// The worktree of a task, or the project's own checkout.
pub fn worktree(snapshot: &Snapshot, project: &ProjectId, task: Option<TaskId>) -> Result<Worktree, Failure> {
    let Some(task) = task else {
        let path = self::project(snapshot, project)?.root.clone();
        return Ok(Worktree { path, base: "HEAD".to_owned(), commit: "HEAD".to_owned() });
    };
    let (_, view) = find(snapshot, project, task)?;
    let (path, commit) = view.worktree.clone().zip(view.task.base_commit.clone()).ok_or_else(|| {
        let failure = Failure::new(FailureKind::BadState, format!("{} has no worktree yet.", view.task.slug));
        failure.hint(format!("orchestra start {} makes it", view.task.slug))
    })?;
    Ok(Worktree { path, base: view.task.base_branch.clone(), commit })
}

impl Worktree {
    /// Looks at all of it, as it is now. Blocks.
    pub fn diff(&self) -> Result<DiffView, Failure> {
        let diff = Git::from_env()
            .and_then(|git| Repo::discover(&git, &self.path))
            .and_then(|repo| Differ::new(&repo, &self.base, &self.commit).scan(&Cancel::default()))
            .map_err(Failure::internal)?;
        let files = diff.files.iter().map(|file| FileView {
            path: file.path.to_string_lossy().into_owned(),
            old_path: file.old_path.as_ref().map(|path| path.to_string_lossy().into_owned()),
            change: file.change.letter(),
            added: file.added,
            removed: file.removed,
        });
        Ok(DiffView {
            base: diff.base.clone(),
            ahead: diff.ahead,
            stat: diff.stat().into(),
            files: files.collect(),
            text: unified::text(&diff),
        })
    }
}

/// A project of the snapshot.
pub fn project<'a>(snapshot: &'a Snapshot, id: &ProjectId) -> Result<&'a model::ProjectView, Failure> {
    let found = snapshot.projects.iter().find(|view| view.id == *id);
    found.map(|view| &**view).ok_or_else(|| Failure::new(FailureKind::NotFound, format!("there is no project {id}.")))
}

/// A task of the snapshot with its project.
pub fn find<'a>(
    snapshot: &'a Snapshot,
    id: &ProjectId,
    task: TaskId,
) -> Result<(&'a model::ProjectView, &'a model::TaskView), Failure> {
    let project = project(snapshot, id)?;
    let view = project.tasks.iter().find(|view| view.task.id == task);
    let missing = || Failure::new(FailureKind::NotFound, format!("there is no task {task} in {}.", project.name));
    view.map(|view| (project, view)).ok_or_else(missing)
}

/// The projects that may be seen: all, or one.
fn visible<'a>(snapshot: &'a Snapshot, only: Option<&'a ProjectId>) -> impl Iterator<Item = &'a model::ProjectView> {
    let seen = move |view: &&model::ProjectView| only.is_none_or(|only| view.id == *only);
    snapshot.projects.iter().map(|view| &**view).filter(seen)
}

fn no_session(session: &SessionId) -> Failure {
    let failure = Failure::new(FailureKind::NotFound, format!("there is no session {session}."));
    failure.hint("All of them: orchestra rpc session.list")
}
