//! What an agent's own hooks tell: native news of its session, like its events.

use std::time::Duration;

use super::Place;
use super::core::Core;
use super::ground::now;
use super::person::no_agent;
use super::request::done;
use crate::agent::Signal;
use crate::model::{Answer, Failure, FailureKind, HookReport, RunId};

/// Characters that are kept of what an agent asks.
const MAX_TEXT: usize = 500;

impl Core {
    /// Weighs it; what an earlier run of the session tells is refused.
    pub(super) fn hook(&mut self, place: &Place, run: Option<&RunId>, report: &HookReport) -> Answer {
        let live = self.live_at(place).filter(|live| live.agent.is_some()).ok_or_else(|| no_agent(place))?;
        if run.is_some_and(|run| live.run != *run) {
            let text = format!("this session of {} is over: its hook tells nothing.", place.1);
            return Err(Failure::new(FailureKind::BadState, text));
        }
        let run = live.run.clone();
        // Its time is of the wall's clock; one that is ahead of ours counts as now.
        let late = report.at.map_or(Duration::ZERO, |at| now().duration_since(at).try_into().unwrap_or_default());
        let text = report.text.as_ref().map(|text| text.chars().take(MAX_TEXT).collect::<String>());
        let at = self.ground.clock.elapsed().saturating_sub(late);
        self.signal(&run, Signal::Hook { event: report.event, text: text.as_deref(), at });
        Ok(done(None))
    }
}
