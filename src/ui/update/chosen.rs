//! What the selection stands for in the snapshot.

use std::path::Path;

use crate::model::{ProjectId, ProjectView, Request, SessionId, SessionView, TaskId, TaskView};
use crate::ui::model::{Model, RowKey};

/// The selected row with the facts behind it.
#[derive(Debug, Clone, Copy)]
pub enum Chosen<'a> {
    Project(&'a ProjectView),
    Designer(&'a ProjectView),
    Task(&'a ProjectView, &'a TaskView),
}

impl<'a> Chosen<'a> {
    /// None: nothing is selected, or what was selected is gone.
    pub fn of(model: &'a Model) -> Option<Self> {
        Self::find(model, model.list.selected.as_ref()?)
    }

    pub fn find(model: &'a Model, key: &RowKey) -> Option<Self> {
        let id = match key {
            RowKey::Project(id) | RowKey::Session(id, _) => id,
        };
        let project = model.snapshot.projects.iter().find(|project| project.id == *id)?;
        match key {
            RowKey::Project(_) => Some(Self::Project(project)),
            RowKey::Session(_, session) if *session == SessionId::main() => Some(Self::Designer(project)),
            RowKey::Session(_, session) => project
                .tasks
                .iter()
                .find(|task| task.task.slug.as_str() == session.as_str())
                .map(|task| Self::Task(project, task)),
        }
    }

    pub const fn project(&self) -> &'a ProjectView {
        match self {
            Self::Project(project) | Self::Designer(project) | Self::Task(project, _) => project,
        }
    }

    pub fn key(&self) -> RowKey {
        let project = self.project().id.clone();
        self.session_id().map_or_else(|| RowKey::Project(project.clone()), |id| RowKey::Session(project.clone(), id))
    }

    pub const fn task(&self) -> Option<&'a TaskView> {
        match self {
            Self::Task(_, task) => Some(task),
            Self::Project(_) | Self::Designer(_) => None,
        }
    }

    /// `main`, or the slug; none for a project.
    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Project(_) => None,
            Self::Designer(_) => Some(SessionId::main()),
            Self::Task(_, task) => Some(task.task.session_id()),
        }
    }

    /// The agent's process.
    pub const fn session(&self) -> Option<&'a SessionView> {
        match self {
            Self::Project(_) => None,
            Self::Designer(project) => project.designer.as_ref(),
            Self::Task(_, task) => task.session.as_ref(),
        }
    }

    pub fn alive(&self) -> bool {
        self.session().is_some_and(|session| session.alive)
    }

    /// The live shell beside the session.
    pub fn shell(&self) -> Option<&'a SessionView> {
        let owner = format!("{}.sh", self.session_id()?);
        self.project().shells.iter().find(|shell| shell.alive && shell.id.as_str().starts_with(&owner))
    }

    /// As the list names it.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Project(project) => &project.name,
            Self::Designer(_) => "main",
            Self::Task(_, task) => task.task.slug.as_str(),
        }
    }

    /// The folder that a shell or an editor opens.
    pub fn folder(&self) -> Option<&'a Path> {
        match self {
            Self::Project(project) | Self::Designer(project) => Some(&project.root),
            Self::Task(_, task) => task.worktree.as_deref(),
        }
    }

    /// A request on the task that is selected.
    pub fn request(&self, make: impl FnOnce(ProjectId, TaskId) -> Request) -> Option<Request> {
        self.task().map(|task| make(self.project().id.clone(), task.task.id))
    }
}

/// The project of the selection, else the first one.
pub fn project(model: &Model) -> Option<&ProjectView> {
    Chosen::of(model).map(|chosen| chosen.project()).or_else(|| model.snapshot.projects.first().map(AsRef::as_ref))
}

/// `task-0 rests` and the like: the words of a refusal for a task in this state.
pub fn name_of(model: &Model) -> &str {
    Chosen::of(model).map_or("", |chosen| chosen.name())
}
