//! Tasks go: what is at work for one ends first, then all of it goes to the trash.
//!
//! Invariants: nobody starts anything for a task that is to go; its worktree is touched only once no process and no job
//! of the engine is at work for it; nothing is removed that was not saved before.

use std::path::PathBuf;
use std::sync::Arc;

use super::closing::ending;
use super::core::Core;
use super::create::git_failure;
use super::driver::of_task;
use super::ground::now;
use super::message::{Answerer, Message, TaskPlace};
use super::pipeline::{Event, Wish};
use super::project::Project;
use super::request::done;
use crate::git::{Cancel, Repo, trash, worktree};
use crate::model::{DeleteScope, Failure, FailureKind, State, Task, TaskId};

/// A task that is to go, or its worktree.
pub(super) struct Deletion {
    task: TaskId,
    scope: DeleteScope,
    answerer: Answerer,
    /// The worktree is going.
    begun: bool,
}

impl Core {
    /// Deletes a task once it is quiet.
    pub(super) fn delete(&mut self, at: &TaskPlace, scope: DeleteScope, answerer: Answerer) {
        if let Err(failure) = self.project(&at.project).and_then(|project| project.check_deletable(at.task)) {
            return self.reply(answerer, Err(failure));
        }
        // A refusal: nothing of it is at work.
        let _ = self.apply(at, Event::Person(Wish::Stop), None);
        self.stop_shells(at);
        if let Ok(project) = self.project_mut(&at.project) {
            project.waiting.deletions.push(Deletion { task: at.task, scope, answerer, begun: false });
        }
    }

    /// Begins the deletions whose time has come.
    pub(super) fn perform_deletions(&mut self) {
        let waiting = |project: &Project| {
            let tasks: Vec<_> = project.waiting.deletions.iter().filter(|it| !it.begun).map(|it| it.task).collect();
            let id = project.id.clone();
            tasks.into_iter().map(move |task| TaskPlace { project: id.clone(), task })
        };
        let waiting: Vec<TaskPlace> = self.projects.iter().flat_map(waiting).collect();
        for at in waiting {
            let lives = self.live.values().any(|live| live.alive() && of_task(live, &at));
            let Ok(project) = self.project_mut(&at.project) else { continue };
            if lives || project.waiting.jobs.contains(&at.task) {
                continue;
            }
            let removal = project.task(at.task).map(|task| project.removal(task));
            let Some(deletion) = project.waiting.deletions.iter_mut().find(|it| it.task == at.task) else { continue };
            deletion.begun = true;
            let (scope, place) = (deletion.scope, at.clone());
            self.blocking_for(&at, move || {
                let result = removal.and_then(|removal| removal.run(scope, Loss::Accepted));
                Message::Deleted { at: place, result }
            });
        }
    }

    /// The worktree of a task that is to go is gone; its content is kept under a reference.
    pub(super) fn deleted(&mut self, at: &TaskPlace, result: Result<String, Failure>) {
        let Ok(project) = self.project_mut(&at.project) else { return };
        let Some(index) = project.waiting.deletions.iter().position(|it| it.task == at.task) else { return };
        let Deletion { scope, answerer, .. } = project.waiting.deletions.swap_remove(index);
        let answer = result.and_then(|reference| {
            let task = Arc::clone(project.task(at.task)?);
            project.forget(at.task, scope, &reference)?;
            let what = match scope {
                DeleteScope::All => format!("deleted {}", task.slug),
                DeleteScope::WorktreeOnly => format!("removed the worktree of {}; {} stays", task.slug, task.branch),
            };
            let kept =
                if reference.is_empty() { String::new() } else { format!("; {reference} keeps it all for 30 days") };
            Ok(done(Some(&format!("{what}{kept}"))))
        });
        self.follow_worktree(at);
        self.reply(answerer, answer);
    }

    /// The engine ends: what has not begun does not happen.
    pub(super) fn cancel_deletions(&mut self) {
        for project in &mut self.projects {
            for deletion in project.waiting.deletions.extract_if(.., |it| !it.begun) {
                deletion.answerer.answer(Err(ending()));
            }
        }
    }
}

impl Project {
    /// Refuses what a person wants of a task that is to go.
    pub(super) fn check_stays(&self, id: TaskId) -> Result<(), Failure> {
        if self.waiting.deletions.iter().all(|it| it.task != id) {
            return Ok(());
        }
        let slug = &self.task(id)?.slug;
        Err(Failure::new(FailureKind::BadState, format!("{slug} is being deleted.")))
    }

    fn check_deletable(&self, id: TaskId) -> Result<(), Failure> {
        self.check_stays(id)?;
        let task = self.task(id)?;
        if task.state == State::Integrating {
            let text = format!("cannot delete {}: it is being merged", task.slug);
            return Err(Failure::new(FailureKind::BadState, text));
        }
        self.check_childless(id, "cannot delete")
    }

    /// Subtasks go into the worktree and the branch of their parent: both stay while one is open.
    pub(super) fn check_childless(&self, id: TaskId, cannot: &str) -> Result<(), Failure> {
        let open = |child: &&Arc<Task>| !child.state.is_closed();
        let slugs: Vec<_> = self.children(id).filter(open).map(|child| child.slug.as_str()).collect();
        if slugs.is_empty() {
            return Ok(());
        }
        let text = format!("{cannot} {}: its subtasks are open: {}", self.task(id)?.slug, slugs.join(", "));
        Err(Failure::new(FailureKind::BadState, text).hint("Merge, archive or delete them first"))
    }

    pub(super) fn removal(&self, task: &Task) -> Removal {
        Removal {
            repo: self.repo.clone(),
            worktree: self.worktree_path(task),
            begun: task.base_commit.is_some(),
            branch: task.branch.clone(),
            slug: task.slug.to_string(),
            link: self.files.folder.worktree(&task.slug),
        }
    }
}

/// What goes when a task goes.
pub(super) struct Removal {
    repo: Repo,
    worktree: PathBuf,
    /// The task has begun in it.
    begun: bool,
    branch: String,
    slug: String,
    link: PathBuf,
}

/// Whether a person has seen what cannot be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    Accepted,
    Refused,
}

impl Removal {
    /// Saves all of it, then removes it; the reference that keeps it, empty when there was nothing to keep.
    pub fn run(&self, scope: DeleteScope, loss: Loss) -> Result<String, Failure> {
        // Of a task that was stopped on the way there: it may be there all the same.
        let made = self.begun
            || worktree::is_ours(&self.repo, &self.worktree, &self.branch).map_err(|error| git_failure(&error))?;
        if !made || self.is_gone()? {
            return self.unlink().map(|()| String::new());
        }
        let time = now().as_second();
        let worktree = (self.worktree.as_path(), self.branch.as_str());
        let entry = trash::save(&self.repo, worktree, (&self.slug, time), &Cancel::default())
            .map_err(|error| git_failure(&error))?;
        if loss == Loss::Refused && !entry.record.unsaved.is_empty() {
            let what = entry.record.unsaved.join(", ");
            let text = format!("kept the worktree of {}: the trash cannot keep {what}.", self.slug);
            return Err(Failure::new(FailureKind::Dirty, text).hint("D shows it, and removes it"));
        }
        worktree::remove(&self.repo, &self.worktree, &self.branch).map_err(|error| git_failure(&error))?;
        if let (DeleteScope::All, Some(tip)) = (scope, &entry.record.tip) {
            worktree::delete_branch(&self.repo, &self.branch, tip).map_err(|error| git_failure(&error))?;
        }
        self.unlink().map(|()| entry.reference)
    }

    /// An engine that died over this has removed it all, and saved it before.
    fn is_gone(&self) -> Result<bool, Failure> {
        let folder = self.worktree.symlink_metadata().is_ok();
        Ok(!folder && self.repo.branch(&self.branch).map_err(|error| git_failure(&error))?.is_none())
    }

    fn unlink(&self) -> Result<(), Failure> {
        if self.link == self.worktree {
            Ok(())
        } else {
            worktree::unlink(&self.link).map_err(|error| git_failure(&error))
        }
    }
}
