//! The processes that the engine knows: agents, shells and jobs, each with what is known of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::AbortHandle;

use super::Place;
use super::message::Answerer;
use super::monitor::Facts;
use super::resume::{Search, boot_id};
use crate::agent::{Authority, EventSource, Manifest, Source};
use crate::model::{Activity, ExitStatus, Mode, RunId, SessionKind, SessionView, TaskId};
use crate::pty::{StopPlan, Terminal};
use crate::store::database::{EffectId, StoredSession};

/// How long the news of a turn may come after what the turn handed in.
const BESIDE_A_TURN: Duration = Duration::from_secs(1);

/// A process in a PTY.
pub(super) struct Live {
    pub run: RunId,
    pub place: Place,
    pub kind: SessionKind,
    /// Agent or program.
    pub name: String,
    pub task: Option<TaskId>,
    /// None once its shim is gone.
    pub terminal: Option<Terminal>,
    pub exit: Option<ExitStatus>,
    pub job: Option<Job>,
    pub agent: Option<AgentSide>,
    /// The effect that its end finishes.
    pub ends: Option<EffectId>,
    /// When it last changed what it does.
    pub since: Timestamp,
}

/// A gate, a stage's script or a setup script at work.
pub(super) struct Job {
    pub work: Work,
    pub started: Instant,
    pub limit: Duration,
    pub timed_out: bool,
    /// Of one that is over its time: the stop has reached all that it started.
    pub stop_done: bool,
    /// Of one that is over its time: how its command ended, until the stop is done too.
    pub status: Option<ExitStatus>,
    /// The effect that the job answers.
    pub finishes: EffectId,
}

impl Job {
    /// A job that begins now.
    pub fn new(work: Work, limit: Duration, finishes: EffectId) -> Self {
        Self { work, started: Instant::now(), limit, timed_out: false, stop_done: false, status: None, finishes }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    Setup { base_commit: String },
    Gate { attempt: u32 },
    Script { stage: String },
}

/// What is known of an agent.
pub(super) struct AgentSide {
    pub manifest: Manifest,
    pub mode: Mode,
    pub status: Authority,
    /// Why what it printed was no result.
    pub refused: Option<String>,
    pub facts: Facts,
    /// A person typed to it, or told it something, since it last rested.
    pub attended: bool,
    /// When its screen last changed, until it has been looked at as one that stands still.
    pub moved: Option<Instant>,
    /// When something was handed in while it was said to rest.
    pub dropped: Option<Instant>,
    /// Reads the agent's event stream; none for agents without one.
    pub events: Option<AbortHandle>,
    /// While its event stream has said nothing, its screen says that it rests from then on only.
    pub unheard_until: Instant,
    /// While its conversation is not known, and is to be found.
    pub search: Option<Search>,
}

/// A process that is being started: what becomes a `Live`.
pub(super) struct Started {
    pub run: RunId,
    pub place: Place,
    pub kind: SessionKind,
    pub task: Option<TaskId>,
    /// What the database keeps of it; name, times and launch are in it.
    pub record: StoredSession,
    pub job: Option<Job>,
    pub agent: Option<(Manifest, Option<EventSource>)>,
    /// The effect that the start itself finishes.
    pub finishes: Option<EffectId>,
    /// The request that waits for it.
    pub answerer: Option<Answerer>,
}

impl Started {
    /// A process of this name, of a task or of none.
    pub fn new(
        run: RunId,
        place: Place,
        kind: SessionKind,
        (name, task): (String, Option<TaskId>),
        at: Timestamp,
    ) -> Self {
        let record = StoredSession {
            run: run.clone(),
            session: place.1.clone(),
            kind,
            task,
            name,
            dir: PathBuf::new(),
            argv: Vec::new(),
            env_names: Vec::new(),
            cwd: PathBuf::new(),
            conversation: None,
            created_at: at,
            ended_at: None,
            exit: None,
            boot: boot_id().map(str::to_owned),
            resumed: false,
            permissions: None,
        };
        Self { run, place, kind, task, record, job: None, agent: None, finishes: None, answerer: None }
    }

    pub fn answering(self, answerer: Answerer) -> Self {
        Self { answerer: Some(answerer), ..self }
    }
}

impl Live {
    pub fn alive(&self) -> bool {
        self.exit.is_none()
    }

    /// Ends it by the ladder: as its manifest says, then TERM, then KILL.
    pub fn stop(&self) {
        let quit =
            self.agent.as_ref().map(|agent| agent.manifest.quit.concat().into_bytes()).filter(|keys| !keys.is_empty());
        let plan = StopPlan { quit, ..StopPlan::default() };
        if let Some(terminal) = &self.terminal {
            // A shim that is out of reach is told of by its own event.
            let _ = terminal.stop(plan);
        }
    }

    pub fn activity(&self) -> Activity {
        let told = self.agent.as_ref().filter(|agent| agent.mode == Mode::Interactive);
        told.map_or(Activity::Working, |agent| agent.status.verdict().activity.clone())
    }

    /// When the engine has to look at it again, if ever.
    ///
    /// `began` is the begin of the engine's monotonic time.
    pub fn deadline(&self, began: Instant) -> Option<Instant> {
        if !self.alive() {
            return None;
        }
        let job = self.job.as_ref().filter(|job| !job.timed_out).map(|job| job.started + job.limit);
        let rest = self.agent.as_ref().and_then(|agent| agent.status.deadline()).map(|due| began + due);
        let still = self.agent.as_ref().and_then(AgentSide::still_at);
        let dropped = self.agent.as_ref().and_then(AgentSide::dropped_due);
        let search = self.agent.as_ref().and_then(|agent| agent.search.as_ref()).map(|search| search.due);
        job.into_iter().chain(rest).chain(still).chain(dropped).chain(search).min()
    }

    pub fn view(&self, waiting: u32) -> SessionView {
        let activity = self.activity();
        SessionView {
            id: self.place.1.clone(),
            run: self.run.clone(),
            kind: self.kind,
            name: self.name.clone(),
            alive: self.alive(),
            exit: self.exit,
            source: self
                .agent
                .as_ref()
                .map_or_else(String::new, |agent| agent.status.verdict().source.word().to_owned()),
            since: self.since,
            waiting,
            monitor: self.agent.as_ref().map(|agent| agent.facts.of_session(&activity)),
            activity,
        }
    }
}

impl AgentSide {
    /// When what was handed in beside a turn is taken.
    pub fn dropped_due(&self) -> Option<Instant> {
        self.dropped.map(|at| at + BESIDE_A_TURN)
    }

    /// Its event stream has told something.
    pub fn is_heard(&self) -> bool {
        self.status.verdict().source != Source::Screen
    }

    /// When the screen counts as standing still, unless it changes before.
    pub fn still_at(&self) -> Option<Instant> {
        let still = self.moved? + Duration::from_millis(self.manifest.rest_after_ms);
        let unheard = self.events.is_some() && !self.is_heard();
        // One that is only just starting stands still as well: what is typed then is lost.
        Some(if unheard { still.max(self.unheard_until) } else { still })
    }
}

impl Drop for AgentSide {
    fn drop(&mut self) {
        if let Some(events) = &self.events {
            events.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::agent::{Catalog, Signal};

    #[tokio::test]
    async fn a_starting_agent_whose_stream_is_silent_does_not_rest_by_a_still_screen() {
        let manifest = Catalog::new(&BTreeMap::new()).unwrap().get("opencode").unwrap().clone();
        let moved = Instant::now();
        let (still, unheard_until) =
            (moved + Duration::from_millis(manifest.rest_after_ms), moved + Duration::from_mins(1));
        let mut agent = AgentSide {
            mode: Mode::Interactive,
            status: Authority::new(&manifest),
            manifest,
            refused: None,
            facts: Facts::default(),
            attended: false,
            moved: Some(moved),
            dropped: None,
            events: Some(tokio::spawn(std::future::pending::<()>()).abort_handle()),
            unheard_until,
            search: None,
        };
        assert_eq!(agent.still_at(), Some(unheard_until));
        agent.status.observe(Signal::Event(Activity::Working), Duration::ZERO);
        assert_eq!(agent.still_at(), Some(still), "it tells of itself");
        let handle = agent.events.take();
        agent.status = Authority::new(&agent.manifest);
        assert_eq!(agent.still_at(), Some(still), "one without a stream has nothing else");
        handle.unwrap().abort();
    }
}
