//! The end of an engine that leaves nothing running.
//!
//! Invariant: once it has begun no process is started; the answer comes when every process has ended and every job has
//! told its result.

use super::core::Core;
use super::live::Live;
use super::message::{Answerer, TaskPlace};
use super::pipeline::{Event, Wish};
use crate::model::{Failure, FailureKind, Reply};

/// An end that has begun.
pub(super) struct Closing {
    /// Who waits for it; none once told.
    answerer: Option<Answerer>,
}

impl Core {
    /// Stops every task and every process.
    pub(super) fn stop_all(&mut self, answerer: Answerer) {
        self.closing = Some(Closing { answerer: Some(answerer) });
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

    /// Answers once nothing is at work any more.
    pub(super) fn close(&mut self) {
        if self.at_work > 0 || self.live.values().any(Live::alive) {
            return;
        }
        if let Some(answerer) = self.closing.as_mut().and_then(|closing| closing.answerer.take()) {
            answerer.answer(Ok(Reply::Done { message: None }));
        }
    }
}

/// What it says to whoever wants something from it.
pub(super) fn ending() -> Failure {
    Failure::new(FailureKind::BadState, "the engine is ending; nothing was changed.").hint("Start orchestra again")
}
