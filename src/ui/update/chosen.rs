//! What the selection stands for.

use std::path::Path;

use crate::model::{ProjectView, SessionId};
use crate::ui::model::Model;
use crate::ui::row::Subject;

impl<'a> Subject<'a> {
    /// The selected row. None: nothing is selected, or what was selected is gone.
    pub fn of(model: &'a Model) -> Option<Self> {
        Self::find(&model.snapshot, model.list.selected.as_ref()?)
    }

    /// `main`, or the slug; none for a project.
    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Project(_) => None,
            Self::Designer(..) | Self::Task(..) => Some(SessionId::from(self.name())),
        }
    }

    /// The agent's process runs.
    pub fn alive(&self) -> bool {
        self.session().is_some_and(|session| session.alive)
    }

    /// The folder that a shell or an editor opens.
    pub fn folder(&self) -> Option<&'a Path> {
        match self {
            Self::Project(project) | Self::Designer(project, _) => Some(&project.root),
            Self::Task(_, task) => task.worktree.as_deref(),
        }
    }
}

/// The project of the selection, else the first one.
pub fn project(model: &Model) -> Option<&ProjectView> {
    Subject::of(model).map(|subject| subject.project()).or_else(|| model.snapshot.projects.first().map(AsRef::as_ref))
}
