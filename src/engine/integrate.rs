//! The end of a task: into its base branch, and out of the way.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use super::core::{Core, now};
use super::create::git_failure;
use super::message::{Answerer, Message, TaskPlace};
use super::pipeline::Event;
use super::project::Project;
use crate::git::integrate::{self, GateVerdict, IntegrateError, IntegratePlan};
use crate::git::{Repo, trash, worktree};
use crate::model::{DeleteScope, Failure, MergeCleanup, Reply, RunId, Task};
use crate::store::EffectId;

impl Core {
    /// Brings a task's work into its base, in a job: it waits its turn, one at a time for each project.
    pub(super) fn integrate(&mut self, at: &TaskPlace, run: RunId, key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| project.plan_integration(at, self));
        let (plan, gate) = match planned {
            Ok(planned) => planned,
            Err(failure) => {
                let event = Event::IntegrationRefused { run, text: failure.to_string() };
                return self.happened(at, event, Some(key));
            }
        };
        let (at, integrations) = (at.clone(), Arc::clone(&self.integrations));
        self.blocking(move || {
            let turn = integrations.lock();
            let result = integrate::run(&plan, |result| gate.as_ref().map_or(GateVerdict::Passed, |gate| gate.check(result)));
            drop(turn);
            let event = match result {
                Ok(done) => Event::Integrated { run, commit: done.commit },
                Err(error) => integration_event(run, error),
            };
            Message::Happened { at, event, finishes: Some(key) }
        });
    }

    /// After a merge: what the worktree still holds goes to the trash, then it goes itself.
    pub(super) fn clean_up(&mut self, at: &TaskPlace, key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| {
            let task = project.task(at.task)?;
            Ok((project.config.merge.cleanup, project.removal(task)))
        });
        let Ok((cleanup, removal)) = planned else { return };
        let at = at.clone();
        self.blocking(move || {
            let result = match cleanup {
                MergeCleanup::None => Ok(None),
                MergeCleanup::Worktree => removal.run(DeleteScope::WorktreeOnly).map(|_| None),
                MergeCleanup::All => removal.run(DeleteScope::All).map(|_| None),
            };
            Message::JobDone { at, finishes: Some(key), result }
        });
    }

    /// Deletes a task: its processes end first, then all of it goes to the trash.
    pub(super) fn delete(&mut self, at: &TaskPlace, scope: DeleteScope, answerer: Answerer) {
        let found = self.project(&at.project).and_then(|project| {
            let task = Arc::clone(project.task(at.task)?);
            let removal = project.removal(&task);
            Ok((task, removal))
        });
        let (task, removal) = match found {
            Ok(found) => found,
            Err(failure) => return answerer.answer(Err(failure)),
        };
        self.stop_shells(at);
        let ends = self.ends_of(at);
        let (at, inbox) = (at.clone(), self.inbox.clone());
        tokio::spawn(async move {
            ends.await;
            let job = tokio::task::spawn_blocking(move || removal.run(scope));
            let result = job.await.unwrap_or_else(|error| Err(Failure::internal(error)));
            let _ = inbox.send(Message::Deleted { at, task, scope, result, answerer }).await;
        });
    }

    pub(super) fn deleted(&mut self, at: &TaskPlace, task: &Task, scope: DeleteScope, result: Result<String, Failure>, answerer: Answerer) {
        let answer = result.and_then(|reference| {
            let project = self.project_mut(&at.project)?;
            project.forget(task, scope, &reference)?;
            let what = match scope {
                DeleteScope::All => format!("deleted {}", task.slug),
                DeleteScope::WorktreeOnly => format!("removed the worktree of {}; {} stays", task.slug, task.branch),
            };
            Ok(Reply::Done { message: Some(format!("{what}; {reference} keeps it all for 30 days")) })
        });
        answerer.answer(answer);
    }
}

impl Project {
    fn plan_integration(&self, at: &TaskPlace, core: &Core) -> Result<(IntegratePlan, Option<IntegrationGate>), Failure> {
        let task = self.task(at.task)?;
        let integration = &task.flow.integration;
        let gate = match &integration.gate {
            Some(gate) => {
                self.check_trust()?;
                Some(IntegrationGate { launch: core.command_launch(at, &gate.command, &[])?, seconds: gate.timeout_seconds })
            }
            None => None,
        };
        let plan = IntegratePlan {
            repo: self.repo.clone(),
            worktree: self.worktree(task)?,
            branch: task.branch.clone(),
            base_branch: task.base_branch.clone(),
            strategy: integration.strategy,
            integration_dir: self.worktrees.join(".integrate"),
            message: task.title.clone(),
        };
        Ok((plan, gate))
    }

    pub(super) fn removal(&self, task: &Task) -> Removal {
        Removal {
            repo: self.repo.clone(),
            worktree: self.worktree_path(task),
            made: task.base_commit.is_some(),
            branch: task.branch.clone(),
            slug: task.slug.to_string(),
            link: self.folder.worktree(&task.slug),
        }
    }
}

/// What goes when a task goes.
pub(super) struct Removal {
    repo: Repo,
    worktree: PathBuf,
    /// False: there never was a worktree.
    made: bool,
    branch: String,
    slug: String,
    link: PathBuf,
}

impl Removal {
    /// Saves all of it, then removes it; the reference that keeps it, empty when there was nothing to keep.
    fn run(&self, scope: DeleteScope) -> Result<String, Failure> {
        if !self.made {
            return Ok(String::new());
        }
        let entry = trash::save(&self.repo, &self.worktree, &self.branch, &self.slug, now()).map_err(git_failure)?;
        worktree::remove(&self.repo, &self.worktree, &self.branch).map_err(git_failure)?;
        if scope == DeleteScope::All {
            worktree::delete_branch(&self.repo, &self.branch, &entry.commit).map_err(git_failure)?;
        }
        // A link to a folder that is gone; where it is no link it is not ours.
        if self.link.is_symlink() {
            let _ = std::fs::remove_file(&self.link);
        }
        Ok(entry.reference)
    }
}

/// The gate on the result of an integration: it runs in the detached worktree, before the base moves.
struct IntegrationGate {
    launch: crate::model::Launch,
    seconds: u32,
}

impl IntegrationGate {
    fn check(&self, result: &Path) -> GateVerdict {
        let mut command = std::process::Command::new(&self.launch.argv[0]);
        command.args(&self.launch.argv[1..]).env_clear().envs(self.launch.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(result).stdin(Stdio::null());
        match crate::git::run_limited(command, std::time::Duration::from_secs(self.seconds.into())) {
            Ok(output) if output.status.success() => GateVerdict::Passed,
            Ok(output) => GateVerdict::Failed(output.text()),
            Err(error) => GateVerdict::Failed(error.to_string()),
        }
    }
}

/// What the agent can mend goes to the agent; the rest is told to the person, and nothing has changed.
fn integration_event(run: RunId, error: IntegrateError) -> Event {
    match error {
        IntegrateError::Conflict { .. } | IntegrateError::GateRed { .. } | IntegrateError::HookFailed { .. } => {
            Event::IntegrationFailed { run, text: error.to_string() }
        }
        error => Event::IntegrationRefused { run, text: error.to_string() },
    }
}
