//! A pull request for a task, when a person asks for one.

use super::core::Core;
use super::create::git_failure;
use super::message::{Answerer, Message, TaskPlace};
use super::project::Project;
use crate::git::Hooks;
use crate::git::forge::{self, ForgeError, Proposal};
use crate::model::{Failure, FailureKind, Reply, Task};

impl Core {
    /// Pushes the task's branch and opens the pull request, in a job that answers with its address.
    pub(super) fn open_pull_request(&mut self, at: &TaskPlace, answerer: Answerer) {
        let planned = self.project(&at.project).and_then(|project| {
            project.check_trust()?;
            let task = project.task(at.task)?;
            let worktree = project.worktree_path(task);
            Ok((project.repo.clone(), worktree, project.proposal(task), project.hooks()?))
        });
        let (repo, worktree, proposal, hooks): (_, _, Proposal, Hooks) = match planned {
            Ok(planned) => planned,
            Err(failure) => return answerer.answer(Err(failure)),
        };
        let leaving = self.life.leaving.clone();
        self.blocking_for(at, move || {
            let opened = forge::open(&repo, &proposal, hooks, &leaving).map_err(|error| forge_failure(&error));
            answerer.answer(opened.map(|request| {
                let found = if request.known { "is open already" } else { "is open" };
                let left = repo.at(&worktree).and_then(|worktree| worktree.dirty(&leaving)).map_or(0, |it| it.len());
                let left = if left > 0 { format!("; {left} uncommitted files are not in it") } else { String::new() };
                let text = format!("the pull request of {} {found}{left}: {}", proposal.branch, request.url);
                Reply::Done { message: Some(text) }
            }));
            Message::Answered
        });
    }
}

impl Project {
    fn proposal(&self, task: &Task) -> Proposal {
        let summary = self.summary(task).map_or_else(String::new, |text| format!("\n\n## Summary\n\n{text}"));
        Proposal {
            branch: task.branch.clone(),
            base: task.base_branch.clone(),
            title: task.title.clone(),
            body: format!("{}{summary}\n", task.description.trim()),
        }
    }
}

fn forge_failure(error: &ForgeError) -> Failure {
    let kind = match error {
        ForgeError::Git(error) => return git_failure(error),
        ForgeError::NoBranch { .. } | ForgeError::NoRemote { .. } | ForgeError::NoGh => FailureKind::NotFound,
        ForgeError::NothingNew { .. } => FailureKind::BadState,
        ForgeError::Refused { .. } | ForgeError::Gh { .. } => FailureKind::Internal,
    };
    let failure = Failure::new(kind, format!("{error}."));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
