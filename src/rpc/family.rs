//! Whom the agent of a task may reach beside itself: its subtasks and theirs, and the task that it is a part of.

use super::caller::Caller;
use crate::model::{Output, ProjectView, SessionId, Snapshot, TaskId, Work};

/// The relatives of an executor's task; empty for everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Family {
    /// Its subtasks, and theirs.
    pub below: Vec<(TaskId, SessionId)>,
    /// The session of the task that it is a part of.
    pub parent: Option<SessionId>,
    /// Its stage takes the task apart: it may make subtasks.
    pub splits: bool,
}

impl Family {
    pub fn of(caller: &Caller, snapshot: &Snapshot) -> Self {
        let Caller::Executor { place, task } = caller else { return Self::default() };
        let Some(project) = snapshot.projects.iter().find(|project| project.id == place.0) else {
            return Self::default();
        };
        let Some(own) = project.tasks.iter().find(|view| view.task.id == *task) else { return Self::default() };
        let parent = project.tasks.iter().find(|view| Some(view.task.id) == own.task.parent);
        let work = &own.task.current_stage().work;
        Self {
            below: below(project, *task),
            parent: parent.map(|view| view.task.session_id()),
            splits: matches!(work, Work::Agent(it) if matches!(it.output, Output::Subtasks(_))),
        }
    }

    /// The task is below its own.
    pub fn has(&self, task: TaskId) -> bool {
        self.below.iter().any(|(id, _)| *id == task)
    }

    /// The session is that of a task below its own.
    pub fn has_session(&self, session: &SessionId) -> bool {
        self.below.iter().any(|(_, id)| id == session)
    }
}

fn below(project: &ProjectView, task: TaskId) -> Vec<(TaskId, SessionId)> {
    let (mut found, mut next) = (Vec::new(), vec![task]);
    while let Some(parent) = next.pop() {
        let children = project.tasks.iter().filter(|view| view.task.parent == Some(parent));
        for child in children.map(|view| &view.task) {
            // A circle is refused where relatives are set; here it must only not be endless.
            if child.id != task && !found.iter().any(|(id, _)| *id == child.id) {
                next.push(child.id);
                found.push((child.id, child.session_id()));
            }
        }
    }
    found
}
