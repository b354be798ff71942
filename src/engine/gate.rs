//! Commands of the project at work: the setup script, the gates and the stages that are scripts, each under a shim, with a time limit.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::core::Core;
use super::ground::now;
use super::live::{Job, Started, Work};
use super::message::{Message, TaskPlace};
use super::pipeline::Event;
use super::text::head_and_tail;
use crate::model::{
    self, CommandResult, ExitStatus, Failure, FailureKind, Launch, RunId, SessionId, SessionKind, Size, Stage, Task,
};
use crate::store::atomic;
use crate::store::database::EffectId;

/// Lines of a log that go to the agent from each end.
pub(super) const KEPT_LINES: usize = 120;
/// Lines of a log that are written out.
pub(super) const LOG_LINES: usize = 50_000;
/// Wide, so that the lines of a log are seldom wrapped.
pub(super) const JOB_SIZE: Size = Size::new(50, 200);

impl Core {
    pub(super) fn run_gate(&mut self, at: &TaskPlace, run: RunId, (stage, attempt): (usize, u32), key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| {
            project.check_trust()?;
            let task = project.task(at.task)?;
            let gate = task
                .flow
                .stages
                .get(stage)
                .and_then(|stage| stage.gate.clone())
                .ok_or_else(|| Failure::new(FailureKind::BadState, format!("stage {stage} has no gate")))?;
            Ok((self.command_launch(at, &gate.command, &[])?, gate.timeout_seconds))
        });
        match planned {
            Ok((launch, seconds)) => {
                let limit = Duration::from_secs(seconds.into());
                self.spawn_job(at, run, launch, Job::new(Work::Gate { attempt }, limit, key));
            }
            Err(failure) => {
                let event = Event::GateBroken { run, error: failure.to_string() };
                self.happened(at, event, Some(key));
            }
        }
    }

    /// A stage that is a script.
    pub(super) fn run_script(&mut self, at: &TaskPlace, run: RunId, stage: usize, key: EffectId) {
        let planned = self.project(&at.project).and_then(|project| {
            project.check_trust()?;
            let stage = project.task(at.task)?.flow.stages.get(stage);
            let Some(Stage { name, work: model::Work::Script(script), .. }) = stage else {
                return Err(Failure::new(FailureKind::BadState, "the stage is no script."));
            };
            Ok((name.clone(), self.command_launch(at, &script.command, &[])?, script.timeout_seconds))
        });
        match planned {
            Ok((stage, launch, seconds)) => {
                let limit = Duration::from_secs(seconds.into());
                self.spawn_job(at, run, launch, Job::new(Work::Script { stage }, limit, key));
            }
            Err(failure) => {
                let event = Event::ScriptBroken { run, error: failure.to_string() };
                self.happened(at, event, Some(key));
            }
        }
    }

    /// `sh -c command` in a task's worktree.
    pub(super) fn command_launch(&self, at: &TaskPlace, command: &str, extra: &[&str]) -> Result<Launch, Failure> {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        let worktree = project.worktree_path(task);
        let mut argv: Vec<std::ffi::OsString> =
            vec!["/bin/sh".into(), "-c".into(), project.command(command).into(), "sh".into()];
        argv.extend(extra.iter().map(std::ffi::OsString::from));
        let mut env: Vec<_> = std::env::vars_os().collect();
        env.retain(|(name, _)| !name.to_string_lossy().starts_with("GIT_"));
        env.extend(project.task_variables(task, &worktree));
        // It has a terminal, at which nobody sits: a pager or a question of git would wait there until the time is up.
        let alone =
            [("TERM", "dumb"), ("NO_COLOR", "1"), ("PAGER", "cat"), ("GIT_PAGER", "cat"), ("GIT_TERMINAL_PROMPT", "0")];
        env.extend(alone.map(|(name, value)| (name.into(), value.into())));
        Ok(Launch { argv, env, cwd: worktree })
    }

    pub(super) fn spawn_job(&mut self, at: &TaskPlace, run: RunId, launch: Launch, job: Job) {
        let name = match job.work {
            Work::Setup { .. } => "setup",
            Work::Gate { .. } => "gate",
            Work::Script { .. } => "script",
        };
        let place = (at.project.clone(), SessionId(run.to_string()));
        let mut started = Started::new(run, place, SessionKind::Job, (name.to_owned(), Some(at.task)), now());
        started.job = Some(job);
        self.spawn(started, launch, JOB_SIZE);
    }

    pub(super) fn job_broken(&mut self, at: &TaskPlace, run: &RunId, work: &Work, failure: &Failure, key: EffectId) {
        self.happened(at, broken(run.clone(), work, failure.to_string()), Some(key));
    }

    /// Jobs whose time is up: their whole process tree ends.
    pub(super) fn stop_overdue_jobs(&mut self) {
        let now = Instant::now();
        for live in self.live.values_mut().filter(|live| live.exit.is_none()) {
            let overdue = |job: &&mut Job| !job.timed_out && job.started + job.limit <= now;
            let Some(job) = live.job.as_mut().filter(overdue) else { continue };
            job.timed_out = true;
            live.stop();
        }
    }

    /// A job has ended: reads its output off the engine's thread; the result comes as an event.
    pub(super) fn job_exited(&mut self, run: &RunId, status: ExitStatus) {
        let Some(live) = self.live.remove(run) else { return };
        let (Some(job), Some(task_id)) = (live.job, live.task) else { return };
        let at = TaskPlace { project: live.place.0, task: task_id };
        let found = self.project(&at.project).and_then(|project| {
            let task = Arc::clone(project.task(task_id)?);
            let log = project.log_file(&task, &live.name)?;
            Ok((task, log))
        });
        let (task, log) = match found {
            Ok(found) => found,
            Err(failure) => return self.job_broken(&at, run, &job.work, &failure, job.finishes),
        };
        let ended = Ended {
            exit: (!job.timed_out).then_some(status),
            seconds: job.started.elapsed().as_secs() as u32,
            limit: job.limit,
            session: self.ground.home.session(run),
            log,
        };
        let run = run.clone();
        let place = at.clone();
        self.blocking_for(&place, move || {
            let event = ended.event(&task, run, &job.work);
            Message::JobOver { at, event, finishes: job.finishes, session: ended.session }
        });
    }

    /// A job's result. Its folder goes last: without it the job would run again, were the result lost on the way here.
    pub(super) fn job_over(&mut self, at: &TaskPlace, event: Event, key: EffectId, session: &Path) {
        match self.apply(at, event, Some(key)) {
            // Its output is in the log now; what is left of the folder costs disk only.
            Ok(()) => drop(std::fs::remove_dir_all(session)),
            Err(failure) => self.notices.error(failure.to_string(), self.about(at)),
        }
    }
}

/// How a job ended.
struct Ended {
    /// None: the time was up.
    exit: Option<ExitStatus>,
    seconds: u32,
    limit: Duration,
    /// Folder of its run.
    session: PathBuf,
    log: PathBuf,
}

impl Ended {
    fn event(&self, task: &Task, run: RunId, work: &Work) -> Event {
        let output = super::session::output(&self.session, LOG_LINES);
        let log = self.log.to_string_lossy().into_owned();
        if let Err(error) = atomic::write(&self.log, output.as_bytes()) {
            return broken(run, work, format!("cannot write {log}: {error}"));
        }
        let passed = self.exit.is_some_and(ExitStatus::success);
        match work {
            Work::Setup { base_commit } if passed => Event::WorktreeReady { run, base_commit: base_commit.clone() },
            Work::Setup { .. } => {
                let last = output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
                let how =
                    self.exit.map_or_else(|| format!("took over {} s", self.limit.as_secs()), |exit| exit.to_string());
                Event::SetupFailed { run, error: format!("the setup script {how}: {last}; log: {log}") }
            }
            Work::Gate { attempt } => {
                let former = super::monitor::last_gate(task);
                Event::GateDone { run, result: self.result("gate", (*attempt, former), &output, log) }
            }
            Work::Script { stage } => {
                let of_stage = || task.iterations.iter().rev().filter(|iteration| iteration.stage == *stage);
                let former = of_stage().find_map(|iteration| iteration.script.as_ref());
                let attempt = of_stage().next().map_or(1, |iteration| iteration.number);
                let result = self.result("script", (attempt, former), &output, log);
                Event::ScriptDone { run, result, text: output }
            }
        }
    }

    /// What the command said, beside what it said the time before.
    fn result(
        &self,
        what: &str,
        (attempt, former): (u32, Option<&CommandResult>),
        output: &str,
        log: String,
    ) -> CommandResult {
        let digest = Sha256::digest(output.as_bytes())
            .iter()
            .take(16)
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let former = former.filter(|former| !former.passed() && former.digest == digest);
        let same = former.map_or(1, |gate| gate.same + 1);
        let mut text = head_and_tail(output.trim_end(), KEPT_LINES, &log);
        if self.exit.is_none() {
            text = format!("{text}\nThe {what} was ended after {} seconds, its time limit.", self.limit.as_secs());
        }
        CommandResult { exit: self.exit, attempt, same, digest, text, log, seconds: self.seconds }
    }
}

fn broken(run: RunId, work: &Work, error: String) -> Event {
    match work {
        Work::Setup { .. } => Event::SetupFailed { run, error },
        Work::Gate { .. } => Event::GateBroken { run, error },
        Work::Script { .. } => Event::ScriptBroken { run, error },
    }
}
