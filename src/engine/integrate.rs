//! The end of a task: into its base branch, and out of the way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::create::git_failure;
use super::gate::{JOB_SIZE, KEPT_LINES, LOG_LINES};
use super::ground::now;
use super::handle::Shared;
use super::message::{Answerer, Message, TaskPlace};
use super::pipeline::Event;
use super::project::Project;
use crate::git::integrate::{self, GateVerdict, IntegrateError, IntegratePlan};
use crate::git::{Cancel, Hooks, Repo, trash, worktree};
use crate::model::{DeleteScope, ExitStatus, Failure, FailureKind, Launch, MergeCleanup, Reply, RunId, Task};
use crate::pty::{Adopted, Hub, StopPlan};
use crate::store::database::EffectId;

impl Core {
    /// Brings a task's work into its base, in a job: it waits its turn, one at a time for each project.
    pub(super) fn integrate(&mut self, at: &TaskPlace, run: RunId, key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| project.plan_integration(at, &run, self));
        let (plan, gate) = match planned {
            Ok(planned) => planned,
            Err(failure) => {
                let event = Event::IntegrationRefused { run, text: failure.to_string() };
                return self.happened(at, event, Some(key));
            }
        };
        let (at, shared, leaving) = (at.clone(), Arc::clone(&self.shared), self.life.leaving.clone());
        self.blocking(move || {
            let turn = shared.integrations.lock();
            let event = plan.run(run, gate.as_ref(), &leaving);
            drop(turn);
            event.map_or(Message::CutShort, |event| Message::Happened { at, event, finishes: Some(key) })
        });
    }

    /// After a merge: what the worktree still holds goes to the trash, then it goes itself.
    pub(super) fn clean_up(&mut self, at: &TaskPlace, key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| {
            let task = project.task(at.task)?;
            Ok((project.settings.config.merge.cleanup, project.removal(task)))
        });
        let Ok((cleanup, removal)) = planned else { return };
        let at = at.clone();
        self.blocking(move || {
            let result = match cleanup {
                MergeCleanup::None => Ok(None),
                MergeCleanup::Worktree => removal.run(DeleteScope::WorktreeOnly, Loss::Refused).map(|_| None),
                MergeCleanup::All => removal.run(DeleteScope::All, Loss::Refused).map(|_| None),
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
        self.life.at_work += 1;
        tokio::spawn(async move {
            ends.await;
            let job = tokio::task::spawn_blocking(move || removal.run(scope, Loss::Accepted));
            let result = job.await.unwrap_or_else(|error| Err(Failure::internal(error)));
            let deleted = Message::Deleted { at, task, scope, result, answerer };
            let _ = inbox.send(Message::Worked(Some(Box::new(deleted)))).await;
        });
    }

    pub(super) fn deleted(
        &mut self,
        at: &TaskPlace,
        task: &Arc<Task>,
        scope: DeleteScope,
        result: Result<String, Failure>,
        answerer: Answerer,
    ) {
        let answer = result.and_then(|reference| {
            let project = self.project_mut(&at.project)?;
            project.forget(task, scope, &reference)?;
            self.follow_worktree(at);
            let what = match scope {
                DeleteScope::All => format!("deleted {}", task.slug),
                DeleteScope::WorktreeOnly => format!("removed the worktree of {}; {} stays", task.slug, task.branch),
            };
            let kept =
                if reference.is_empty() { String::new() } else { format!("; {reference} keeps it all for 30 days") };
            Ok(Reply::Done { message: Some(format!("{what}{kept}")) })
        });
        self.reply(answerer, answer);
    }
}

impl Project {
    fn plan_integration(
        &self,
        at: &TaskPlace,
        run: &RunId,
        core: &Core,
    ) -> Result<(Integration, Option<IntegrationGate>), Failure> {
        let task = self.task(at.task)?;
        let integration = &task.flow.integration;
        let gate = match &integration.gate {
            Some(gate) => {
                self.check_trust()?;
                let run = RunId(format!("{run}-gate"));
                Some(IntegrationGate {
                    hub: Arc::clone(&core.hub),
                    shared: Arc::clone(&core.shared),
                    dir: core.ground.home.session(&run),
                    run,
                    launch: core.command_launch(at, &gate.command, &[])?,
                    limit: Duration::from_secs(gate.timeout_seconds.into()),
                })
            }
            None => None,
        };
        let plan = Integration {
            repo: self.repo.clone(),
            worktree: self.worktree(task)?,
            dir: self.files.worktrees.join(".integrate"),
            hooks: self.hooks()?,
            task: Arc::clone(task),
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
            link: self.files.folder.worktree(&task.slug),
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

/// Whether a person has seen what cannot be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Accepted,
    Refused,
}

impl Removal {
    /// Saves all of it, then removes it; the reference that keeps it, empty when there was nothing to keep.
    fn run(&self, scope: DeleteScope, loss: Loss) -> Result<String, Failure> {
        if !self.made {
            return Ok(String::new());
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
        if self.link != self.worktree {
            worktree::unlink(&self.link).map_err(|error| git_failure(&error))?;
        }
        Ok(entry.reference)
    }
}

/// An integration that is ready to run.
struct Integration {
    repo: Repo,
    worktree: PathBuf,
    dir: PathBuf,
    hooks: Hooks,
    task: Arc<Task>,
}

impl Integration {
    /// None: cut short by `leaving`, and to be done again.
    fn run(&self, run: RunId, gate: Option<&IntegrationGate>, leaving: &Cancel) -> Option<Event> {
        let plan = IntegratePlan {
            repo: &self.repo,
            worktree: &self.worktree,
            branch: &self.task.branch,
            base_branch: &self.task.base_branch,
            strategy: self.task.flow.integration.strategy,
            integration_dir: &self.dir,
            leftovers: &self.task.title,
            message: &self.task.title,
            hooks: self.hooks,
        };
        let mut said = String::new();
        let mut check = gate.map(|gate| {
            let said = &mut said;
            move |result: &Path| {
                *said = gate.check(result);
                if said.is_empty() { GateVerdict::Green } else { GateVerdict::Red }
            }
        });
        let check = check.as_mut().map(|check| check as &mut dyn FnMut(&Path) -> GateVerdict);
        match integrate::run(&plan, check, leaving) {
            Ok(done) => Some(Event::Integrated { run, commit: done.commit }),
            Err(IntegrateError::GateRed | IntegrateError::Git(_)) if leaving.is_canceled() => None,
            Err(error) => Some(self.failed(run, &error, &said)),
        }
    }

    /// What the agent can mend goes to the agent; the rest is told to the person, and nothing has changed.
    fn failed(&self, run: RunId, error: &IntegrateError, said: &str) -> Event {
        let detail = match error {
            IntegrateError::Conflict { files } => files.join("\n"),
            IntegrateError::GateRed => said.to_owned(),
            IntegrateError::HookFailed { .. } => String::new(),
            _ => {
                let hint = error.hint().map_or_else(String::new, |hint| format!(" {hint}"));
                return Event::IntegrationRefused { run, text: format!("{error}.{hint}") };
            }
        };
        let base = &self.task.base_branch;
        Event::IntegrationFailed { run, text: format!("{error} ({base})\n{detail}") }
    }
}

/// The gate on the result of an integration: it runs in the detached worktree, before the base moves.
struct IntegrationGate {
    hub: Arc<Hub>,
    shared: Arc<Shared>,
    run: RunId,
    /// The folder of its run.
    dir: PathBuf,
    launch: Launch,
    limit: Duration,
}

impl IntegrationGate {
    /// Ends what an engine that is gone left of this gate: it ran on a result that is made anew.
    fn clear(&self) {
        if !self.dir.exists() {
            return;
        }
        let ended = self.shared.wait_for(&self.run);
        if let Ok(Adopted::Alive(left)) = self.hub.adopt(self.dir.clone(), self.run.clone()) {
            // Out of reach: then there is nothing left to end.
            let _ = left.stop(StopPlan::default());
            let _ = ended.recv_timeout(self.limit);
            let _ = left.collect();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }

    /// Empty when it passed, else what it said.
    fn check(&self, result: &Path) -> String {
        self.clear();
        let launch = Launch { cwd: result.to_owned(), ..self.launch.clone() };
        let ended = self.shared.wait_for(&self.run);
        let terminal = match self.hub.spawn(&self.dir, self.run.clone(), &launch, JOB_SIZE) {
            Ok(terminal) => terminal,
            Err(error) => return error.to_string(),
        };
        let status = ended.recv_timeout(self.limit).ok();
        if status.is_none() {
            // Out of reach: then there is nothing left to end.
            let _ = terminal.stop(StopPlan::default());
        }
        let _ = terminal.collect();
        let passed = status.is_some_and(ExitStatus::success);
        let said = if passed { String::new() } else { super::session::output(&self.dir, LOG_LINES) };
        let _ = std::fs::remove_dir_all(&self.dir);
        match (passed, said.trim().is_empty()) {
            (true, _) => String::new(),
            (false, true) => "it said nothing".to_owned(),
            (false, false) => super::text::head_and_tail(&said, KEPT_LINES, "not kept"),
        }
    }
}
