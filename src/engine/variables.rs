//! The environment that tells a program which task it works for: of gates, scripts, shells and `orchestra exec`.

use std::ffi::OsString;
use std::path::Path;

use crate::model::{Task, TaskId};

/// One variable of a launch.
pub type Variable = (OsString, OsString);

/// What a task is called, on all sides.
#[derive(Debug, Clone, Copy)]
pub struct TaskNames<'a> {
    pub id: TaskId,
    pub slug: &'a str,
    pub title: &'a str,
    pub base_branch: &'a str,
    pub branch: &'a str,
    /// Number and slug of the task that it is a part of.
    pub parent: Option<(TaskId, &'a str)>,
}

impl<'a> TaskNames<'a> {
    pub fn of(task: &'a Task, parent: Option<&'a Task>) -> Self {
        Self {
            id: task.id,
            slug: task.slug.as_str(),
            title: &task.title,
            base_branch: &task.base_branch,
            branch: &task.branch,
            parent: parent.map(|parent| (parent.id, parent.slug.as_str())),
        }
    }
}

/// The variables of a program that works for a task.
pub fn of_task(task: &TaskNames<'_>, root: &Path, worktree: &Path) -> Vec<Variable> {
    let shared: [(&str, OsString); 5] = [
        ("WORKTREE_PATH", worktree.into()),
        ("PROJECT_ROOT", root.into()),
        ("TASK_TITLE", task.title.into()),
        ("BASE_BRANCH", task.base_branch.into()),
        ("BRANCH", task.branch.into()),
    ];
    let mut variables: Vec<Variable> = Vec::new();
    for (name, value) in shared {
        variables.push((format!("ORCHESTRA_{name}").into(), value.clone()));
        variables.push((format!("ORKESTRA_{name}").into(), value));
    }
    variables.push(("ORCHESTRA_TASK_ID".into(), task.id.to_string().into()));
    variables.push(("ORCHESTRA_TASK_SLUG".into(), task.slug.into()));
    variables.push(("ORKESTRA_TASK_ID".into(), task.slug.into()));
    if let Some((id, slug)) = task.parent {
        variables.push(("ORCHESTRA_PARENT_ID".into(), id.to_string().into()));
        variables.push(("ORKESTRA_PARENT_ID".into(), slug.into()));
    }
    variables.push(("ORCHESTRA_PORT_BASE".into(), port_base(task.id).to_string().into()));
    variables
}

/// The first of ten ports that a task has for itself: 20000 to 49990, the same again after 3,000 tasks.
const fn port_base(id: TaskId) -> u32 {
    20_000 + id.0 % 3_000 * 10
}
