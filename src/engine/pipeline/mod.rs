//! The life of a task as a pure function: `step(task, event, stamp) -> effects`.
//!
//! Invariants, checked by the property tests:
//! - No clock, no randomness, no input or output: the stamp brings the time and an id for whatever run begins.
//! - An answer to a run that is no longer under way changes nothing.
//! - At most one job (setup, gate, script, subtasks, integration) is under way, and only in its own state; leaving a
//!   busy state ends it.
//! - At most one agent of a task is alive: a launch is preceded by the end of the one before it.

mod children;
mod effect;
mod event;
mod handed_in;
mod move_on;
mod person;
#[cfg(test)]
pub(super) mod tests;

use jiff::Timestamp;

use crate::model::{
    Activity, CommandResult, Outcome, Pause, Reason, ReasonKind, Run, RunId, State, Task, Trigger, Work,
};

pub use effect::{Conversation, Effect, Text};
pub use event::{Event, Wish};
pub use handed_in::hears;

/// Reminders to submit in one iteration before the task needs a person: in quiet, or paused where its agent has ended.
pub const MAX_REMINDERS: u8 = 3;

/// What a step needs from outside.
#[derive(Debug, Clone)]
pub struct Stamp {
    pub now: Timestamp,
    /// Stem of the ids of runs that begin in this step; never used before.
    pub run: RunId,
}

/// Why a wish was refused: the sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// One step of a task's life.
pub fn step(task: &mut Task, event: Event, stamp: &Stamp) -> Result<Vec<Effect>, Refusal> {
    if !answers(task, &event) {
        return Ok(Vec::new());
    }
    let before = task.state;
    let mut step = Step { task, stamp, effects: Vec::new(), launched: false };
    match event {
        Event::Person(wish) => step.wish(wish)?,
        answer => step.answer(answer),
    }
    let Step { task, effects, .. } = step;
    if task.state != before || !effects.is_empty() {
        task.updated_at = stamp.now;
    }
    Ok(effects)
}

/// True when the event answers the job or the live agent that is under way.
fn answers(task: &Task, event: &Event) -> bool {
    let job = |state: State, run: &RunId| task.state == state && task.job.as_ref().is_some_and(|job| job.id == *run);
    match event {
        Event::Person(_)
        | Event::Granted
        | Event::DependenciesMet
        | Event::ChildrenClosed
        | Event::ChildFailed { .. }
        | Event::ChildrenMended
        | Event::MergeAsked { .. } => true,
        Event::ScriptDone { run, .. } | Event::ScriptBroken { run, .. } => job(State::Scripting, run),
        Event::SubtasksMade { run } | Event::SubtaskFolded { run, .. } | Event::SubtasksRefused { run, .. } => {
            job(State::Children, run)
        }
        Event::WorktreeReady { run, .. } | Event::SetupFailed { run, .. } => job(State::Setup, run),
        Event::GateDone { run, .. } | Event::GateBroken { run, .. } => job(State::Gating, run),
        Event::Integrated { run, .. }
        | Event::IntegrationFailed { run, .. }
        | Event::IntegrationRefused { run, .. } => job(State::Integrating, run),
        Event::LaunchFailed { run, .. }
        | Event::AgentChanged { run, .. }
        | Event::Asked { run, .. }
        | Event::AgentExited { run, .. }
        | Event::AgentLost { run, .. } => {
            task.session.as_ref().is_some_and(|session| session.alive && session.id == *run)
        }
        // One that was told to end may still have the last word, and be known only now.
        Event::Submitted { run, .. } | Event::ConversationKnown { run, .. } => {
            task.session.as_ref().is_some_and(|session| {
                let stopped = matches!(task.state, State::Paused | State::Queued) && session.stage == task.stage;
                session.id == *run && (session.alive || stopped)
            })
        }
    }
}

/// A step under way.
struct Step<'a> {
    task: &'a mut Task,
    stamp: &'a Stamp,
    effects: Vec<Effect>,
    launched: bool,
}

impl Step<'_> {
    fn answer(&mut self, event: Event) {
        match event {
            Event::Granted => self.granted(),
            Event::WorktreeReady { base_commit, .. } => {
                self.task.base_commit = Some(base_commit);
                self.task.job = None;
                self.begin(self.task.stage, Trigger::Flow, Conversation::Fresh);
            }
            Event::SetupFailed { error, .. } => self.fail(ReasonKind::Setup, error, "engine"),
            Event::LaunchFailed { error, .. } => {
                self.end_session_record();
                self.fail(ReasonKind::Agent, error, "engine");
            }
            Event::AgentChanged { activity, attended, .. } => self.agent_changed(activity, attended),
            Event::ConversationKnown { id, .. } => self.conversation_known(id),
            Event::Submitted { hand_in, .. } => self.submitted(hand_in),
            Event::Asked { text, heard, .. } => self.asked(text, heard),
            Event::AgentExited { status, .. } => self.agent_gone(Pause::Exited, format!("the agent {status}")),
            Event::AgentLost { why, .. } => self.agent_gone(why, lost_text(why).to_owned()),
            Event::GateDone { result, .. } => self.gate_done(result),
            Event::GateBroken { error, .. } => self.fail(ReasonKind::Gate, error, "gate"),
            Event::ScriptDone { result, text, .. } => self.script_done(result, text),
            Event::ScriptBroken { error, .. } => self.fail(ReasonKind::Script, error, "engine"),
            Event::DependenciesMet => self.dependencies_met(),
            Event::SubtasksMade { .. } => self.task.job = None,
            Event::SubtaskFolded { stages, .. } => self.subtask_folded(stages),
            // Of the breakdown, not of a subtask: there is none yet.
            Event::SubtasksRefused { error, .. } => self.fail(ReasonKind::Agent, error, "engine"),
            Event::ChildrenClosed => self.children_closed(),
            Event::ChildFailed { slug, error } => self.child_failed(&slug, &error),
            Event::ChildrenMended => self.children_mended(),
            Event::MergeAsked { by } if self.task.state == State::Done => {
                let text = format!("{by} asks for the merge; M merges it");
                self.enter(State::Done, Some((ReasonKind::MergeAsked, text, "agent")));
            }
            Event::Person(_) | Event::MergeAsked { .. } => {}
            Event::Integrated { .. } => self.integrated(),
            Event::IntegrationFailed { text, .. } => self.integration_failed(text),
            Event::IntegrationRefused { text, .. } => {
                self.task.job = None;
                self.enter(State::Done, Some((ReasonKind::Integration, text, "git")));
            }
        }
    }

    fn granted(&mut self) {
        if self.task.state != State::Queued {
            return;
        }
        if self.task.base_commit.is_none() {
            let run = self.start_job("setup");
            self.enter(State::Setup, None);
            self.effects.push(Effect::Prepare { run });
        } else if self.open_iteration() {
            self.resume();
        } else {
            self.begin(self.task.stage, Trigger::Flow, Conversation::Resume);
        }
    }

    /// Goes on in an iteration that was interrupted: what was handed in or asked in it counts.
    fn resume(&mut self) {
        let asked = self.task.iteration().is_some_and(|iteration| iteration.open_questions().is_some());
        if asked {
            self.ask();
        } else if self.is_submitted() {
            self.output_ready();
        } else {
            let trigger = self.task.iterations.last().map_or(Trigger::Flow, |iteration| iteration.trigger.clone());
            self.work(trigger, Conversation::Continue);
        }
    }

    fn agent_changed(&mut self, activity: Activity, attended: bool) {
        use State::{Approval, Asking, Blocked, Done, Failed, Quiet, Verdict, Working};
        let gave_up =
            self.task.state == Failed && self.task.reason.as_ref().is_some_and(|it| it.kind == ReasonKind::Agent);
        let live = gave_up || matches!(self.task.state, Working | Quiet | Asking | Approval | Verdict | Blocked | Done);
        // One that runs headless ends its turn by its exit.
        if !live || self.task.current_stage().is_headless() {
            return;
        }
        match activity {
            Activity::Working => self.agent_works(attended),
            Activity::Asking { text } if !matches!(self.task.state, Done | Verdict | Failed) => {
                self.enter(Asking, Some((ReasonKind::Asks, text, "agent events")));
            }
            Activity::Starting | Activity::Asking { .. } => {}
            Activity::Resting => self.agent_rests(attended),
        }
    }

    fn agent_works(&mut self, attended: bool) {
        match self.task.state {
            // It works on, and has not been answered.
            State::Asking if self.awaits_word() && !attended => {}
            State::Asking if attended => {
                self.answered_in_person();
                self.enter(State::Working, None);
            }
            State::Quiet | State::Asking => self.enter(State::Working, None),
            // It gave up, and a person talks to it.
            State::Failed if attended => {
                self.record_iteration(Trigger::Talk);
                self.enter(State::Working, None);
            }
            State::Blocked if attended => self.enter(State::Working, None),
            // A person talks to the agent again: what it submitted is no longer its last word.
            State::Approval | State::Verdict | State::Done if attended => {
                self.close_iteration(Outcome::Rejected);
                self.task.reviewed = false;
                self.record_iteration(Trigger::Talk);
                self.enter(State::Working, None);
            }
            _ => {}
        }
    }

    fn agent_rests(&mut self, attended: bool) {
        if !matches!(self.task.state, State::Working | State::Asking) {
            return;
        }
        if self.task.iteration().is_some_and(|iteration| iteration.open_questions().is_some()) {
            return self.ask();
        }
        if self.is_submitted() {
            return self.output_ready();
        }
        if self.awaits_word() {
            return;
        }
        let reminders = self.task.iteration().map_or(0, |iteration| iteration.reminders);
        if self.task.flow.is_solo() || attended || reminders >= MAX_REMINDERS {
            return self.rests("rests without a result");
        }
        if let Some(iteration) = self.task.iterations.last_mut() {
            iteration.reminders += 1;
        }
        self.enter(State::Working, None);
        self.tell(Text::Reminder { n: reminders + 1 });
    }

    fn conversation_known(&mut self, id: String) {
        let stage = self.task.current_stage().name.clone();
        if self.task.conversation(&stage) != Some(id.as_str()) {
            self.task.conversations.push((stage, id));
        }
    }

    fn agent_gone(&mut self, why: Pause, text: String) {
        self.end_session_record();
        if !matches!(self.task.state, State::Working | State::Asking | State::Quiet | State::Blocked) {
            return;
        }
        if self.task.iteration().is_some_and(|iteration| iteration.open_questions().is_some()) {
            return self.ask();
        }
        if self.is_submitted() {
            return self.output_ready();
        }
        if self.task.state == State::Blocked {
            return;
        }
        if self.task.current_stage().is_headless() && why == Pause::Exited {
            return self.ended_empty(&text);
        }
        self.enter(State::Paused, Some((ReasonKind::Paused(why), text, "exit status")));
    }

    /// A headless agent ended its turn without a result: it is reminded, in the same conversation where it can go on with it.
    fn ended_empty(&mut self, how: &str) {
        let artifact = self.task.current_stage().artifact.clone();
        let iteration = self.task.iterations.last_mut();
        let Some(iteration) = iteration.filter(|iteration| iteration.reminders < MAX_REMINDERS) else {
            let text = format!("{how} without having handed in `{artifact}`, after {MAX_REMINDERS} reminders");
            return self.enter(State::Paused, Some((ReasonKind::Paused(Pause::Exited), text, "exit status")));
        };
        iteration.reminders += 1;
        let trigger = iteration.trigger.clone();
        self.launch(trigger, Conversation::Remind);
    }

    fn gate_done(&mut self, result: CommandResult) {
        self.task.job = None;
        let stage = self.task.current_stage();
        let limit = stage.gate.as_ref().map_or(0, |gate| gate.max_attempts);
        let (passed, attempt, text) = (result.passed(), result.attempt, result.text.clone());
        if let Some(iteration) = self.task.iterations.last_mut() {
            iteration.gate = Some(result);
        }
        if passed {
            return self.gate_passed();
        }
        self.close_iteration(Outcome::GateFailed);
        if limit > 0 && attempt >= limit {
            let text = format!("the gate failed {attempt} of {limit} times");
            return self.fail(ReasonKind::Gate, text, "gate");
        }
        self.go_on(Trigger::Gate { text });
    }

    /// What was handed in counts; a gate that a person ran on less than that only tells.
    fn gate_passed(&mut self) {
        if self.is_submitted() {
            self.judged();
        } else {
            self.rests("the gate passed; nothing is handed in");
        }
    }

    fn integrated(&mut self) {
        self.task.job = None;
        self.end_session();
        let run = self.fresh_run("clean-up");
        self.enter(State::Merged, None);
        self.effects.push(Effect::CleanUp { run });
    }

    fn integration_failed(&mut self, text: String) {
        self.task.job = None;
        let flow = &self.task.flow;
        let wanted = flow.integration.on_failure.as_ref().and_then(|name| self.stage_index(name));
        let agents = || flow.stages.iter().rposition(|stage| stage.assignment().is_some());
        let Some(stage) = wanted.or_else(agents) else { return self.fail(ReasonKind::Integration, text, "git") };
        self.task.reviewed = false;
        self.begin_or_tell(stage, Trigger::Integration { text });
    }

    fn script_done(&mut self, result: CommandResult, text: String) {
        self.task.job = None;
        let stage = self.task.current_stage();
        let (name, artifact) = (stage.name.clone(), stage.artifact.clone());
        let on_failure = match &stage.work {
            Work::Script(script) => script.on_failure.as_ref().and_then(|name| self.stage_index(name)),
            Work::Agent(_) => None,
        };
        let (passed, said) = (result.passed(), result.text.clone());
        let Some(iteration) = self.task.iterations.last_mut() else { return };
        iteration.script = Some(result);
        iteration.submitted = passed;
        if passed {
            let iteration = iteration.number;
            self.effects.push(Effect::KeepArtifact { stage: name, iteration, name: artifact, text });
            return self.output_ready();
        }
        self.close_iteration(Outcome::ScriptFailed);
        match on_failure {
            Some(index) => self.begin_or_tell(index, Trigger::Script { stage: name, text: said }),
            None => self.fail(ReasonKind::Script, format!("the script of {name} failed: {said}"), "script"),
        }
    }

    fn rests(&mut self, text: &str) {
        let source = if self.session_alive() { "agent events" } else { "gate" };
        self.enter(State::Quiet, Some((ReasonKind::Rests, text.to_owned(), source)));
    }

    /// The stage's output of this iteration is there.
    fn is_submitted(&self) -> bool {
        self.task.iteration().is_some_and(|iteration| iteration.submitted)
    }

    fn enter(&mut self, state: State, reason: Option<(ReasonKind, String, &str)>) {
        self.task.state = state;
        self.task.reason =
            reason.map(|(kind, text, source)| Reason { kind, text, source: source.to_owned(), since: self.stamp.now });
    }

    fn fail(&mut self, kind: ReasonKind, text: String, source: &str) {
        self.task.job = None;
        self.enter(State::Failed, Some((kind, text, source)));
    }

    fn fresh_run(&self, what: &str) -> RunId {
        RunId(format!("{}-{what}", self.stamp.run))
    }

    fn start_job(&mut self, what: &str) -> RunId {
        let id = self.fresh_run(what);
        self.task.job = Some(Run { id: id.clone(), stage: self.task.stage });
        id
    }
}

fn lost_text(why: Pause) -> &'static str {
    match why {
        Pause::Reboot => "the machine was restarted",
        _ => "its process is gone",
    }
}
