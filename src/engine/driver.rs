//! From effects to jobs: what a transition asked for, done by the adapters.
//!
//! Invariant: every effect here can be begun again after a crash (see `pipeline::Effect`); it is struck off the
//! database only with its answer.

use super::core::Core;
use super::live::Live;
use super::mail::{Letter, Origin};
use super::message::{Message, TaskPlace};
use super::pipeline::{Effect, Text};
use super::project::Held;
use crate::agent;
use crate::model::{Failure, RunId, State, Task};
use crate::store::database::{Artifact, EffectId};

impl Core {
    /// Begins an effect.
    pub(super) fn perform(&mut self, at: &TaskPlace, effect: Effect, key: EffectId) {
        if self.life.closing.is_some() && effect.begins() {
            // It stays in the database: the next engine begins it.
            return;
        }
        if effect.begins()
            && let Ok(project) = self.project_mut(&at.project)
            && project.trouble.is_some()
        {
            return project.waiting.parked.push((at.clone(), effect, key));
        }
        match effect {
            Effect::Prepare { run } => self.prepare(at, run, key),
            // An agent that is still at its end has its conversation open, and its hands in the worktree.
            Effect::Launch { .. } if self.ends_still(at) => self.hold(at, effect, key),
            Effect::Launch { .. } => self.launch_stage(at, effect, key),
            Effect::Tell { run, id, text } => self.tell(at, &run, (id, key), &text),
            Effect::EndSession { run } | Effect::EndJob { run } => self.end(at, &run, key),
            Effect::RunGate { run, stage, attempt } => self.run_gate(at, run, (stage, attempt), key),
            Effect::RunScript { run, stage } => self.run_script(at, run, stage, key),
            Effect::MakeSubtasks { run, iteration } => self.make_subtasks(at, run, iteration, key),
            Effect::KeepArtifact { stage, iteration, name, text } => {
                let artifact = Artifact { stage, iteration, name, text };
                let kept = self.project_mut(&at.project).and_then(|project| {
                    project.keep_artifact(at.task, &artifact)?;
                    project.finish(key)
                });
                self.tell_failure(at, kept);
            }
            Effect::LogAttempt { iteration, run } => {
                let logged = self
                    .project_mut(&at.project)
                    .and_then(|project| project.log_attempt(at.task, iteration, run.as_ref(), key));
                self.tell_failure(at, logged);
            }
            // Both wait until the task's processes rest or are gone.
            Effect::Integrate { .. } | Effect::CleanUp { .. } => self.hold(at, effect, key),
        }
    }

    /// Effects that wait for quiet: begins those whose time has come.
    pub(super) fn perform_held(&mut self) {
        for index in 0..self.projects.len() {
            while let Some((at, effect, key)) = self.take_held(index) {
                match effect {
                    Effect::Integrate { run } => self.integrate(&at, run, key),
                    Effect::Launch { .. } => self.perform(&at, effect, key),
                    _ => self.clean_up(&at, key),
                }
            }
        }
    }

    /// The first one that nothing holds any more. When it begins it may hold the others.
    fn take_held(&mut self, index: usize) -> Option<Held> {
        let project = &self.projects[index];
        let is_ready = |(at, effect, _): &Held| match effect {
            Effect::Integrate { .. } => self.may_integrate(at),
            Effect::Launch { .. } => !self.ends_still(at),
            _ => !self.live.values().any(|live| live.alive() && of_task(live, at)),
        };
        let ready = project.waiting.held.iter().position(is_ready).filter(|_| project.trouble.is_none())?;
        Some(self.projects[index].waiting.held.remove(ready))
    }

    /// An agent of the task was told to end and has not ended yet.
    fn ends_still(&self, at: &TaskPlace) -> bool {
        let ends = |live: &Live| live.alive() && live.agent.is_some() && live.ends.is_some() && of_task(live, at);
        self.live.values().any(ends)
    }

    fn hold(&mut self, at: &TaskPlace, effect: Effect, key: EffectId) {
        if matches!(effect, Effect::CleanUp { .. }) {
            self.stop_shells(at);
        }
        if let Ok(project) = self.project_mut(&at.project) {
            project.waiting.held.push((at.clone(), effect, key));
        }
    }

    /// Ends a process by the ladder; the effect is over when it has exited.
    fn end(&mut self, at: &TaskPlace, run: &RunId, key: EffectId) {
        if let Some(live) = self.live.get_mut(run).filter(|live| live.alive()) {
            live.ends = Some(key);
            live.stop();
        } else {
            let finished = self.project_mut(&at.project).and_then(|project| project.finish(key));
            self.tell_failure(at, finished);
        }
    }

    /// Ends the shells in a task's worktree.
    pub(super) fn stop_shells(&mut self, at: &TaskPlace) {
        for live in self.live.values().filter(|live| live.alive() && of_task(live, at)) {
            live.stop();
        }
    }

    fn tell(&mut self, at: &TaskPlace, run: &RunId, (id, key): (RunId, EffectId), text: &Text) {
        let Ok(project) = self.project(&at.project) else { return };
        let Ok(task) = project.task(at.task) else { return };
        let words = match text {
            Text::Feedback { trigger } => agent::prompt::feedback(trigger, &task.current_stage().artifact),
            Text::Reminder { n } => self.reminder(project, task, *n),
        };
        if let Some(text) = words {
            let letter = Letter::new(run.clone(), id, text, Origin::Effect(key));
            self.post(&at.project, letter);
        } else {
            let finished = self.project_mut(&at.project).and_then(|project| project.finish(key));
            self.tell_failure(at, finished);
        }
    }

    /// Runs `work` in a blocking job; its answer goes to the pipeline.
    pub(super) fn blocking(&mut self, work: impl FnOnce() -> Message + Send + 'static) {
        self.begin_job(None, work);
    }

    /// The same for a task: it is not deleted while that lasts.
    pub(super) fn blocking_for(&mut self, at: &TaskPlace, work: impl FnOnce() -> Message + Send + 'static) {
        self.begin_job(Some(at.clone()), work);
    }

    pub(super) fn begin_job(&mut self, of: Option<TaskPlace>, work: impl FnOnce() -> Message + Send + 'static) {
        if let Some(TaskPlace { project, task }) = &of
            && let Ok(project) = self.project_mut(project)
        {
            project.waiting.jobs.push(*task);
        }
        let inbox = self.inbox.clone();
        self.life.at_work += 1;
        tokio::task::spawn_blocking(move || {
            let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            let _ = inbox.blocking_send(Message::Worked(of, answer.ok().map(Box::new)));
        });
    }

    pub(super) fn worked(&mut self, of: Option<TaskPlace>, answer: Option<Box<Message>>) {
        self.life.at_work -= 1;
        if let Some(TaskPlace { project, task }) = of
            && let Ok(project) = self.project_mut(&project)
        {
            if let Some(index) = project.waiting.jobs.iter().position(|job| *job == task) {
                project.waiting.jobs.swap_remove(index);
            }
            project.waiting.integration.take_if(|(_, turn)| turn.strong_count() == 0);
        }
        match answer {
            Some(message) => self.take(*message),
            None => self.notices.error("a job of the engine broke; the next start tries it again".to_owned(), None),
        }
    }

    pub(super) fn job_done(
        &mut self,
        at: &TaskPlace,
        finishes: Option<EffectId>,
        result: Result<Option<String>, Failure>,
    ) {
        if let Some(effect) = finishes {
            let struck = self.project_mut(&at.project).and_then(|project| project.finish(effect));
            self.tell_failure(at, struck);
        }
        match result {
            Ok(Some(text)) => self.notices.news(text, self.about(at)),
            Ok(None) => {}
            Err(failure) => self.notices.error(failure.to_string(), self.about(at)),
        }
    }

    pub(super) fn tell_failure(&mut self, at: &TaskPlace, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.notices.error(failure.to_string(), self.about(at));
        }
    }

    /// Says what a transition means for the person, where it means something. `before`: the state, and whether it was
    /// reviewed.
    pub(super) fn announce(&mut self, at: &TaskPlace, before: (State, bool)) {
        let Ok(task) = self.project(&at.project).and_then(|project| project.task(at.task)) else { return };
        let Some(text) = announcement(task, before) else { return };
        let refused = task.reason.as_ref().is_some_and(|reason| !reason.text.is_empty());
        let failed = task.state == State::Failed || (task.state == State::Done && refused);
        let about = self.about(at);
        if failed {
            self.notices.error(text, about);
        } else {
            self.notices.call(text, about);
        }
    }
}

/// What a transition means for the person; none: nothing.
fn announcement(task: &Task, before: (State, bool)) -> Option<String> {
    if (task.state, task.reviewed) == before {
        return None;
    }
    let (slug, reason) = (&task.slug, task.reason.as_ref().map_or("", |reason| reason.text.as_str()));
    let line = || super::text::one_line(reason);
    Some(match task.state {
        State::Asking => format!("{slug} asks: {}", line()),
        State::Approval if task.iteration().is_some_and(|it| it.subtasks.is_some()) => {
            format!("{slug} proposes subtasks. a reviews them")
        }
        State::Verdict => format!("{slug}: {} {}. a confirms, o overrides", task.current_stage().name, line()),
        State::Blocked => format!("{slug} is blocked: {}", line()),
        State::Approval => format!("{slug}: {} is ready. a reviews it", task.current_stage().name),
        State::Quiet if task.flow.is_solo() => format!("{slug} rests. a accepts what it did, Enter attaches"),
        State::Quiet => format!("{slug} rests without a result. Space answers it, . has skip and complete"),
        State::Done if !reason.is_empty() => format!("kept {}: {}", task.target(), line()),
        State::Done if task.reviewed => format!("reviewed {slug}; M merges it"),
        State::Done => format!("{slug} is done. a reviews it, M merges"),
        State::Merged => format!("merged {slug} into {}", task.target()),
        State::Failed => format!("{slug} failed: {}", line()),
        State::Paused if before.0.is_busy() => format!("{slug} is paused: {reason}. S goes on"),
        _ => return None,
    })
}

/// The process belongs to the task: its agent, a shell in its worktree, a job.
pub(super) fn of_task(live: &Live, at: &TaskPlace) -> bool {
    live.place.0 == at.project && live.task == Some(at.task)
}

pub(super) fn at_rest(live: &Live) -> bool {
    !live.alive() || live.activity() == crate::model::Activity::Resting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pipeline::tests::task;
    use crate::model::solo;

    #[test]
    fn what_is_done_and_what_is_reviewed_are_told_apart() {
        let mut task = task(solo());
        task.state = State::Done;
        let text = announcement(&task, (State::Working, false));
        assert_eq!(text.as_deref(), Some("fix-tests is done. a reviews it, M merges"));
        task.reviewed = true;
        for before in [(State::Quiet, false), (State::Done, false)] {
            assert_eq!(announcement(&task, before).as_deref(), Some("reviewed fix-tests; M merges it"));
        }
        assert_eq!(announcement(&task, (State::Done, true)), None);
    }
}
