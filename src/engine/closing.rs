//! The end of an engine, for good or for another one to come.
//!
//! Invariants: once it has begun nothing new is started; jobs that are under way tell their results first; the answer
//! comes when the lock is free, so whoever waits for it can start the next engine.

use super::core::Core;
use super::live::Live;
use super::message::{Answerer, TaskPlace};
use super::pipeline::{Event, Wish};
use crate::model::{Failure, FailureKind};

/// An end that has begun.
pub(super) struct Closing {
    end: End,
    /// Who waits for it.
    answerer: Answerer,
}

/// What becomes of the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// They have been stopped.
    Stopped,
    /// They go on, for the next engine.
    LeftRunning,
}

impl Closing {
    /// The engine is gone: tells whoever waits for that.
    pub fn over(self) {
        self.answerer.answer(Ok(super::request::done(None)));
    }
}

impl Core {
    /// Stops every task and every process, then ends.
    pub(super) fn shut_down(&mut self, answerer: Answerer) {
        self.begin_end(End::Stopped, answerer);
        let tasks: Vec<TaskPlace> = self
            .projects
            .iter()
            .flat_map(|project| project.tasks().map(|task| TaskPlace { project: project.id.clone(), task: task.id }))
            .collect();
        for at in tasks {
            // A refusal: there is nothing of it to stop.
            let _ = self.apply(&at, Event::Person(Wish::Stop), None);
        }
        for live in self.live.values().filter(|live| live.alive()) {
            live.stop();
        }
    }

    /// Ends, and leaves all that runs to the next engine.
    pub(super) fn hand_over(&mut self, answerer: Answerer) {
        self.begin_end(End::LeftRunning, answerer);
    }

    fn begin_end(&mut self, end: End, answerer: Answerer) {
        self.life.closing = Some(Closing { end, answerer });
        self.life.leaving.cancel();
        self.shared.stop_waiting();
        self.cancel_deletions();
    }

    /// The end has been reached: nothing is at work any more.
    pub(super) fn is_over(&self) -> bool {
        let Some(closing) = &self.life.closing else { return false };
        let quiet = closing.end == End::LeftRunning || !self.live.values().any(Live::alive);
        self.life.at_work == 0 && quiet
    }

    /// A process whose start was under way when the end began.
    pub(super) fn is_too_late(&self) -> bool {
        self.life.closing.as_ref().is_some_and(|closing| closing.end == End::Stopped)
    }
}

/// What it says to whoever wants something from it: the same words may be heard by the engine that comes next.
pub(super) fn ending() -> Failure {
    Failure::new(FailureKind::LockHeld, "the engine is ending; nothing was changed.").hint("Start orchestra again")
}
