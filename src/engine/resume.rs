//! What a session needs to go on after its process went down with the machine: who it was, and how it was launched.
//!
//! Invariants: a conversation goes on with the agent that has it, where it was, and with no more rights than it had or
//! than it would have now; its id is kept whatever comes of an attempt.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::core::Core;
use super::live::{AgentSide, Live};
use super::message::{Message, TaskPlace};
use super::pipeline::Conversation;
use super::project::Project;
use crate::model::{AgentFact, Failure, Launch, Pause, PermissionMode, ProjectId, RunId, SessionId, SessionKind, Task};
use crate::store::database::StoredSession;

/// How a launch goes on.
pub(super) struct Resumption<'a> {
    /// The conversation; none: a new one begins.
    pub known: Option<&'a str>,
    /// How it was launched; none: that was not kept.
    pub earlier: Option<StoredSession>,
}

/// When a conversation is looked for the next time: soon at first, seldom later.
pub(super) struct Search {
    pub due: Instant,
    pause: Duration,
}

impl Search {
    /// An agent begins its conversation with its first turn, a moment after its start.
    pub fn begin() -> Self {
        let pause = Duration::from_millis(500);
        Self { due: Instant::now() + pause, pause }
    }

    fn later(self, now: Instant) -> Self {
        let pause = (self.pause * 2).min(Duration::from_mins(1));
        Self { due: now + pause, pause }
    }
}

impl AgentSide {
    fn is_sought_at(&self, now: Instant) -> bool {
        self.search.as_ref().is_some_and(|search| search.due <= now)
    }
}

/// Names this start of the machine; none: the system does not tell.
pub(super) fn boot_id() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    BOOT.get_or_init(|| read_boot_id().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty())).as_deref()
}

#[cfg(target_os = "linux")]
fn read_boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

/// When the machine was started, which stays the same as long as nobody sets the clock.
#[cfg(not(target_os = "linux"))]
fn read_boot_id() -> Option<String> {
    let output = std::process::Command::new("/usr/sbin/sysctl").args(["-n", "kern.boottime"]).output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
}

/// Why a process is gone that ran under this start of the machine.
pub(super) fn gone_by(boot: Option<&str>) -> Pause {
    match (boot, boot_id()) {
        (Some(then), Some(now)) if then != now => Pause::Reboot,
        _ => Pause::Lost,
    }
}

/// Where it ran, as long as that is there.
pub(super) fn earlier_folder(earlier: Option<&StoredSession>) -> Option<PathBuf> {
    earlier.map(|earlier| earlier.cwd.clone()).filter(|cwd| cwd.is_dir())
}

/// A conversation goes on with no more rights than it had, and a person may take some away in between.
pub(super) const fn narrower(one: PermissionMode, other: PermissionMode) -> PermissionMode {
    use PermissionMode::{All, Ask, Edits};
    match (one, other) {
        (Ask, _) | (_, Ask) => Ask,
        (Edits, _) | (_, Edits) => Edits,
        (All, All) => All,
    }
}

/// The variables that it was launched with and that this launch has not.
pub(super) fn missing_names(earlier: &StoredSession, launch: &Launch) -> Vec<String> {
    let has = |name: &std::ffi::OsString| launch.env.iter().any(|(found, _)| found == name);
    let missing = earlier.env_names.iter().filter(|name| !has(name));
    missing.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// What is said of a launch that failed; `known` is the conversation that it was to go on with.
pub(super) fn not_resumed(failure: &Failure, known: Option<&str>) -> String {
    known.map_or_else(
        || failure.to_string(),
        |id| format!("{failure}; conversation {id} could not go on, and is kept. S tries again"),
    )
}

impl Project {
    /// What becomes of a conversation when its stage is launched again.
    pub(super) fn resumption<'a>(&self, task: &Task, known: Option<&'a str>) -> Result<Resumption<'a>, Failure> {
        let Some(id) = known else { return Ok(Resumption { known, earlier: None }) };
        let earlier = self.db.session_with(&task.session_id(), id).map_err(Failure::internal)?;
        let named = task.agent.as_deref().or(task.current_stage().agent());
        let other = earlier.as_ref().is_some_and(|earlier| named.is_some_and(|name| name != earlier.name));
        // A person chose another agent since: that one knows nothing of the conversation.
        Ok(if other { Resumption { known: None, earlier: None } } else { Resumption { known, earlier } })
    }

    /// Agent and conversation of a designer that did not end of its own.
    pub(super) fn interrupted_designer(&self) -> Result<Option<(String, String)>, Failure> {
        let last = self.db.last_session(&SessionId::main()).map_err(Failure::internal)?;
        let last = last.filter(|last| last.kind == SessionKind::Designer && last.was_interrupted());
        Ok(last.and_then(|last| Some((last.name, last.conversation?))))
    }
}

impl Core {
    /// The conversation that a launch of the current stage would go on with.
    pub(super) fn known_conversation(&self, at: &TaskPlace, conversation: Conversation) -> Option<String> {
        let task = self.project(&at.project).and_then(|project| project.task(at.task)).ok()?;
        let known = task.conversation(&task.current_stage().name).filter(|_| conversation != Conversation::Fresh);
        known.map(str::to_owned)
    }

    /// Looks for the conversations that agents do not tell of, each at its time.
    pub(super) fn seek_conversations(&mut self) {
        let now = Instant::now();
        let due = |live: &&Live| live.alive() && live.agent.as_ref().is_some_and(|agent| agent.is_sought_at(now));
        let runs: Vec<RunId> = self.live.values().filter(due).map(|live| live.run.clone()).collect();
        for run in runs {
            let look = self.look_for_conversation(&run);
            if let Some(agent) = self.live.get_mut(&run).and_then(|live| live.agent.as_mut()) {
                agent.search = agent.search.take().filter(|_| look.is_some()).map(|search| search.later(now));
            }
            let Some(look) = look else { continue };
            self.begin_job(None, move || {
                look().map_or(Message::Answered, |id| Message::Fact { run, fact: AgentFact::Conversation { id } })
            });
        }
    }

    /// How the conversation of a run is looked for; none: it is known, or its agent tells it.
    pub(super) fn look_for_conversation(
        &self,
        run: &RunId,
    ) -> Option<impl FnOnce() -> Option<String> + Send + 'static> {
        let live = self.live.get(run)?;
        let transcripts = live.agent.as_ref()?.manifest.transcripts.clone()?;
        let record = self.project(&live.place.0).ok()?.db.session(run).ok()??;
        record.conversation.is_none().then_some(move || {
            let env: Vec<_> = std::env::vars_os().collect();
            transcripts.find(&env, &record.cwd, record.created_at.into())
        })
    }

    /// Says of an agent that could not go on with its conversation that it is not lost.
    pub(super) fn tell_failed_resume(&mut self, project: &ProjectId, run: &RunId) {
        let found = self.project(project).and_then(|project| project.db.session(run).map_err(Failure::internal));
        let Ok(Some(record)) = found else { return };
        if let (true, Some(id), Some(exit)) = (record.failed_to_resume(), &record.conversation, record.exit) {
            let text = format!(
                "{}: {} {exit} at once when it was to go on with conversation {id}. The id is kept; S tries again",
                record.session, record.name
            );
            self.notices.error(text, Some((project.clone(), record.session.clone())));
        }
    }
}
