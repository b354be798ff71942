//! The processes that the engine knows: agents, shells and jobs, each with what is known of it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::AbortHandle;

use super::Place;
use super::monitor::Facts;
use crate::agent::{Authority, Manifest};
use crate::model::{Activity, ExitStatus, RunId, SessionKind, SessionView, TaskId};
use crate::pty::Terminal;
use crate::store::EffectId;

/// A process in a PTY.
pub(super) struct Live {
    pub run: RunId,
    pub place: Place,
    pub kind: SessionKind,
    /// Agent or program.
    pub name: String,
    pub task: Option<TaskId>,
    pub terminal: Terminal,
    pub exit: Option<ExitStatus>,
    pub job: Option<Job>,
    pub agent: Option<AgentSide>,
    /// The effect that its end finishes.
    pub ends: Option<EffectId>,
    /// When it last changed what it does.
    pub since: Timestamp,
}

/// A gate or a setup script at work.
pub(super) struct Job {
    pub work: Work,
    pub started: Instant,
    pub limit: Duration,
    pub timed_out: bool,
    /// The effect that the job answers.
    pub finishes: EffectId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    Setup { base_commit: String },
    Gate { attempt: u32 },
}

/// What is known of an agent.
pub(super) struct AgentSide {
    pub manifest: Manifest,
    pub status: Authority,
    pub facts: Facts,
    /// A person typed to it, or told it something, since it last rested.
    pub attended: bool,
    /// Reads the agent's event stream; none for agents without one.
    pub events: Option<AbortHandle>,
}

/// A process that is being started: what becomes a `Live`.
pub(super) struct Started {
    pub run: RunId,
    pub place: Place,
    pub kind: SessionKind,
    pub name: String,
    pub task: Option<TaskId>,
    pub job: Option<Job>,
    pub agent: Option<(Manifest, Option<crate::agent::EventSource>)>,
    /// The effect that the start itself finishes.
    pub finishes: Option<EffectId>,
    /// The request that waits for it.
    pub answerer: Option<super::message::Answerer>,
}

impl Live {
    pub fn alive(&self) -> bool {
        self.exit.is_none()
    }

    pub fn activity(&self) -> Activity {
        self.agent.as_ref().map_or(Activity::Working, |agent| agent.status.verdict().activity.clone())
    }

    /// When the engine has to look at it again, if ever.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.alive() {
            return None;
        }
        let job = self.job.as_ref().filter(|job| !job.timed_out).map(|job| job.started + job.limit);
        let rest = self.agent.as_ref().and_then(|agent| agent.status.deadline());
        job.into_iter().chain(rest).min()
    }

    pub fn view(&self, waiting: u32) -> SessionView {
        let activity = self.activity();
        SessionView {
            id: self.place.1.clone(),
            kind: self.kind,
            name: self.name.clone(),
            alive: self.alive(),
            exit: self.exit,
            source: self.agent.as_ref().map_or_else(String::new, |agent| agent.status.verdict().source.word().to_owned()),
            since: self.since,
            waiting,
            monitor: self.agent.as_ref().map(|agent| agent.facts.of_session(&activity)),
            activity,
        }
    }
}

impl Drop for AgentSide {
    fn drop(&mut self) {
        if let Some(events) = &self.events {
            events.abort();
        }
    }
}
