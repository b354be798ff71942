//! Tasks that a task waits for: its subtasks, and those that come before it.
//!
//! Invariant: what the engine tells of them are facts about all of them at one moment, so an event that is told again, or
//! that a crash kept back, changes nothing.

use super::{Conversation, Effect, Step};
use crate::model::{Outcome, ReasonKind, Slug, Stage, State, Trigger};

impl Step<'_> {
    /// The tasks that come first are merged.
    pub(super) fn dependencies_met(&mut self) {
        if self.task.state == State::Waiting {
            self.enter(State::Queued, None);
        }
    }

    /// The breakdown of this iteration is accepted: its subtasks are made.
    pub(super) fn make_children(&mut self) {
        self.close_iteration(Outcome::Passed);
        self.end_session();
        let iteration = self.task.iterations.len() - 1;
        let run = self.start_job("subtasks");
        self.enter(State::Children, None);
        self.effects.push(Effect::MakeSubtasks { run, iteration });
    }

    /// One subtask is no reason for a second worktree: its stages come next in this one.
    pub(super) fn subtask_folded(&mut self, stages: Vec<Stage>) {
        self.task.job = None;
        let at = self.task.stage + 1;
        let next = self.task.current_stage().breakdown().and_then(|it| it.completion_stage.clone());
        self.task.flow.insert(at, stages, next);
        self.begin(at, Trigger::Flow, Conversation::Fresh);
    }

    pub(super) fn children_closed(&mut self) {
        if self.task.state != State::Children || self.task.job.is_some() {
            return;
        }
        let next = self.completion_stage().unwrap_or_else(|| self.task.next_index());
        self.continue_at(next, Trigger::Children);
    }

    pub(super) fn child_failed(&mut self, slug: &Slug, error: &str) {
        let fails = self.task.current_stage().breakdown().is_none_or(|it| it.on_child_failure.fails());
        if self.task.state == State::Children && self.task.job.is_none() && fails {
            self.fail(ReasonKind::Children, format!("subtask {slug} failed: {error}"), "engine");
        }
    }

    pub(super) fn children_mended(&mut self) {
        if self.waits_for_children() {
            self.enter(State::Children, None);
        }
    }

    /// It has failed because a subtask has.
    pub(super) fn waits_for_children(&self) -> bool {
        let reason = self.task.reason.as_ref().map(|reason| reason.kind);
        self.task.state == State::Failed && reason == Some(ReasonKind::Children) && !self.open_iteration()
    }

    fn completion_stage(&self) -> Option<usize> {
        self.stage_index(self.task.current_stage().breakdown()?.completion_stage.as_deref()?)
    }
}
