//! The end of a task: into its base branch, and out of the way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::create::git_failure;
use super::deletion::Loss;
use super::driver::at_rest;
use super::gate::{JOB_SIZE, KEPT_LINES, LOG_LINES};
use super::handle::Shared;
use super::message::{Message, TaskPlace};
use super::pipeline::{self, Event, Wish};
use super::project::Project;
use super::sides::Sides;
use crate::git::integrate::{self, GateVerdict, IntegrateError, IntegratePlan, OwnHome};
use crate::git::{Cancel, Hooks, Repo};
use crate::model::{
    Answer, DeleteScope, ExitStatus, Failure, FailureKind, Launch, MergeCleanup, ProjectId, Reply, RunId, SessionId,
    State, Task, TaskId,
};
use crate::pty::{Adopted, Hub, StopPlan};
use crate::store::database::EffectId;

impl Core {
    /// Brings a task's work into its base, in a job: its turn has come, one at a time for each project.
    pub(super) fn integrate(&mut self, at: &TaskPlace, run: RunId, key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| project.plan_integration(at, &run, self));
        let (plan, gate) = match planned {
            Ok(planned) => planned,
            Err(failure) => {
                let event = Event::IntegrationRefused { run, text: failure.to_string() };
                return self.happened(at, event, Some(key));
            }
        };
        let (place, leaving, turn) = (at.clone(), self.life.leaving.clone(), Arc::new(()));
        if let Ok(project) = self.project_mut(&at.project) {
            project.waiting.integration = Some((at.task, Arc::downgrade(&turn)));
        }
        self.blocking_for(at, move || {
            let event = plan.run(run, gate.as_ref(), &leaving);
            drop(turn);
            event.map_or(Message::CutShort, |event| Message::Happened { at: place, event, finishes: Some(key) })
        });
    }

    /// A person wants a task merged, into its base or into another branch.
    pub(super) fn merge(&mut self, project: ProjectId, task: TaskId, into: Option<String>) -> Answer {
        let into = self.project(&project)?.checked_target(task, into)?;
        self.wish(project, task, Wish::Merge { into })
    }

    /// Asks a person for a merge that would be done now; the designer's is done where a person has agreed to that beforehand.
    pub(super) fn request_merge(&mut self, project: ProjectId, task: TaskId, asker: Option<SessionId>) -> Answer {
        let at = TaskPlace { project, task };
        let stamp = self.stamp(&at);
        let found = self.project(&at.project)?;
        let consents = found.settings.config.designer.may_merge && asker == Some(SessionId::main());
        let (slug, mut copy) = (found.task(task)?.slug.clone(), Task::clone(found.task(task)?));
        pipeline::step(&mut copy, Event::Person(Wish::Merge { into: None }), &stamp)
            .map_err(|refusal| Failure::new(FailureKind::BadState, refusal.to_string()))?;
        if consents {
            self.merge(at.project, task, None)?;
            return Ok(Reply::Done { message: Some(format!("merging {slug}")) });
        }
        let by = asker.map_or_else(|| "a person".to_owned(), |session| session.to_string());
        self.notices.call(format!("{by} asks to merge {slug}. M merges it"), self.about(&at));
        self.apply(&at, Event::MergeAsked { by }, None)?;
        Ok(Reply::Done { message: Some(format!("a person is asked to merge {slug}")) })
    }

    /// The task's agent rests, and so does all that works where its base is checked out.
    pub(super) fn may_integrate(&self, at: &TaskPlace) -> bool {
        let rests = |task: TaskId| self.agent_of(&at.project, task).is_none_or(at_rest);
        let Ok(project) = self.project(&at.project) else { return false };
        let Ok(task) = project.task(at.task) else { return false };
        let parent = task.parent.and_then(|id| project.task(id).ok());
        let free = parent.is_none_or(|parent| parent.job.is_none() && rests(parent.id));
        rests(at.task) && free && project.comes_first(task).is_none()
    }

    /// After a merge: what the worktree still holds goes to the trash, then it goes itself.
    pub(super) fn clean_up(&mut self, at: &TaskPlace, key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| {
            let task = project.task(at.task)?;
            Ok((project.settings.config.merge.cleanup, project.removal(task)))
        });
        let Ok((cleanup, removal)) = planned else { return };
        let place = at.clone();
        self.blocking_for(at, move || {
            let result = match cleanup {
                MergeCleanup::None => Ok(None),
                MergeCleanup::Worktree => removal.run(DeleteScope::WorktreeOnly, Loss::Refused).map(|_| None),
                MergeCleanup::All => removal.run(DeleteScope::All, Loss::Refused).map(|_| None),
            };
            Message::JobDone { at: place, finishes: Some(key), result }
        });
    }
}

impl Project {
    /// Of a task that is to be integrated: the one that has to be over before.
    pub fn comes_first(&self, task: &Task) -> Option<&Task> {
        if task.state != State::Integrating {
            return None;
        }
        let under_way = self.waiting.integration.as_ref().map(|(id, _)| *id).filter(|id| *id != task.id);
        let under_way = || self.task(under_way?).ok().map(Arc::as_ref);
        earlier(task, self.tasks().map(Arc::as_ref)).or_else(under_way)
    }

    /// The branch that was asked for, if a task may go there; none: it is the task's base anyway.
    pub(super) fn checked_target(&self, id: TaskId, into: Option<String>) -> Result<Option<String>, Failure> {
        let task = self.task(id)?;
        let Some(branch) = into.filter(|branch| *branch != task.base_branch) else { return Ok(None) };
        let refuse = |why: String| {
            Failure::new(FailureKind::BadState, format!("cannot merge {} into {branch}: {why}", task.slug))
        };
        if self.repo.branch(&branch).map_err(|error| git_failure(&error))?.is_none() {
            let text = format!("there is no branch \"{branch}\" in {}.", self.name);
            return Err(Failure::new(FailureKind::NotFound, text).hint("git branch lists them"));
        }
        if task.parent.is_some() {
            return Err(refuse(format!("a subtask goes into {}", task.base_branch)));
        }
        let holder = self.tasks().find(|other| other.branch == branch && !other.state.is_closed());
        match holder {
            Some(other) => Err(refuse(format!("it is the branch of {}, which is {}", other.slug, other.state.word()))),
            None => Ok(Some(branch)),
        }
    }

    fn plan_integration(
        &self,
        at: &TaskPlace,
        run: &RunId,
        core: &Core,
    ) -> Result<(Integration, Option<IntegrationGate>), Failure> {
        let task = self.task(at.task)?;
        self.check_childless(at.task, "cannot merge")?;
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
        let parent = task.parent.and_then(|id| self.task(id).ok()).filter(|parent| parent.branch == task.target());
        let plan = Integration {
            sides: Sides { own: self.summary(task), merged: self.merged_into(task.target()) },
            home: parent.map(|parent| (self.worktree_path(parent), parent.title.clone())),
            repo: self.repo.clone(),
            worktree: self.worktree(task)?,
            dir: self.files.worktrees.join(".integrate"),
            hooks: self.hooks()?,
            task: Arc::clone(task),
        };
        Ok((plan, gate))
    }
}

/// A subtask goes into its parent's branch after those that come before it in the breakdown: the order is the same
/// however long each of them takes.
pub(super) fn earlier<'a>(task: &Task, mut tasks: impl Iterator<Item = &'a Task>) -> Option<&'a Task> {
    let item = task.item?;
    tasks.find(|other| {
        let sibling = other.parent == task.parent && other.item.is_some_and(|it| it.iteration == item.iteration);
        sibling && other.id < task.id && !other.state.is_closed()
    })
}

/// An integration that is ready to run.
struct Integration {
    sides: Sides,
    /// The parent's worktree, where the base is checked out, and the parent's title.
    home: Option<(PathBuf, String)>,
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
            base_branch: self.task.target(),
            upstream: self.task.into.as_ref().map(|_| self.task.base_branch.as_str()),
            own_home: self.home.as_ref().map(|(worktree, leftovers)| OwnHome { worktree, leftovers }),
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
            IntegrateError::Conflict { files } => {
                format!("{}\n\n{}", files.join("\n"), self.sides.tell(&self.repo, &self.task, files))
            }
            IntegrateError::GateRed => said.to_owned(),
            IntegrateError::HookFailed { .. } => String::new(),
            _ => {
                let hint = error.hint().map_or_else(String::new, |hint| format!(" {hint}"));
                return Event::IntegrationRefused { run, text: format!("{error}.{hint}") };
            }
        };
        let base = self.task.target();
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
