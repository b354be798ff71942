//! From one stage or iteration to the next.

use super::{Conversation, Effect, Step, Text};
use crate::model::{AgentRun, Iteration, Outcome, State, Trigger};

impl Step<'_> {
    /// The stage's output is there and its agent rests: the gate, or what comes after it.
    pub(super) fn output_ready(&mut self) {
        if self.task.current_stage().gate.is_none() {
            return self.judged();
        }
        self.run_gate();
    }

    pub(super) fn run_gate(&mut self) {
        let stage = self.task.stage;
        let attempt = 1 + self.failed_gates();
        let run = self.start_job("gate");
        self.enter(State::Gating, None);
        self.effects.push(Effect::RunGate { run, stage, attempt });
    }

    /// The stage's output holds: a person looks at it, or the flow goes on.
    pub(super) fn accepted(&mut self) {
        if self.task.flow.is_solo() || self.task.auto || self.task.current_stage().is_automated {
            self.pass(Outcome::Passed);
        } else {
            self.enter(State::Approval, None);
        }
    }

    /// The stage is over: its subtasks, the next stage, or the end.
    pub(super) fn pass(&mut self, outcome: Outcome) {
        let is_breakdown = self.task.iteration().is_some_and(|iteration| iteration.subtasks.is_some());
        if is_breakdown && outcome == Outcome::Passed && self.open_iteration() {
            return self.make_children();
        }
        self.close_iteration(outcome);
        self.continue_at(self.task.next_index(), Trigger::Flow);
    }

    /// The flow goes on at this stage, or comes to its end.
    pub(super) fn continue_at(&mut self, stage: usize, trigger: Trigger) {
        if stage < self.task.flow.stages.len() {
            return self.begin(stage, trigger, Conversation::Fresh);
        }
        // A subtask's place is its parent's branch: the parent waits for it there.
        if self.task.flow.integration.auto_merge || self.task.parent.is_some() {
            self.integrate();
        } else {
            self.enter(State::Done, None);
        }
    }

    pub(super) fn integrate(&mut self) {
        let run = self.start_job("integrate");
        self.enter(State::Integrating, None);
        self.effects.push(Effect::Integrate { run });
    }

    /// A new iteration of `stage`, with an agent of its own where an agent does it.
    pub(super) fn begin(&mut self, stage: usize, trigger: Trigger, conversation: Conversation) {
        self.end_session();
        self.task.stage = stage;
        self.record_iteration(trigger.clone());
        self.work(trigger, conversation);
    }

    /// Sets the current iteration to work.
    pub(super) fn work(&mut self, trigger: Trigger, conversation: Conversation) {
        if self.task.current_stage().assignment().is_some() {
            return self.launch(trigger, conversation);
        }
        let stage = self.task.stage;
        self.end_session();
        let run = self.start_job("script");
        self.enter(State::Scripting, None);
        self.effects.push(Effect::RunScript { run, stage });
    }

    /// A new iteration of the same stage: typed into the live conversation, or the agent is resumed with it.
    pub(super) fn go_on(&mut self, trigger: Trigger) {
        // Nothing can be typed to one that runs headless.
        if !self.session_alive() || self.task.current_stage().is_headless() {
            return self.begin(self.task.stage, trigger, Conversation::Resume);
        }
        self.record_iteration(trigger.clone());
        self.enter(State::Working, None);
        self.tell(Text::Feedback { trigger });
    }

    /// A new iteration of any stage, in its own conversation where it has one.
    pub(super) fn begin_or_tell(&mut self, stage: usize, trigger: Trigger) {
        let same = self.task.session.as_ref().is_some_and(|session| session.alive && session.stage == stage);
        if same {
            self.task.stage = stage;
            self.go_on(trigger);
        } else {
            self.begin(stage, trigger, Conversation::Resume);
        }
    }

    pub(super) fn launch(&mut self, trigger: Trigger, conversation: Conversation) {
        self.end_session();
        let (run, stage) = (self.fresh_run("agent"), self.task.stage);
        debug_assert!(!self.launched, "invariant: one launch in a step");
        self.launched = true;
        self.task.session = Some(AgentRun { id: run.clone(), stage, alive: true });
        self.enter(State::Working, None);
        self.effects.push(Effect::Launch { run, stage, trigger, conversation });
    }

    pub(super) fn tell(&mut self, text: Text) {
        let id = self.fresh_run("tell");
        if let Some(session) = self.task.session.as_ref().filter(|session| session.alive) {
            self.effects.push(Effect::Tell { run: session.id.clone(), id, text });
        }
    }

    pub(super) fn session_alive(&self) -> bool {
        self.task.session.as_ref().is_some_and(|session| session.alive)
    }

    /// Ends the live agent, if there is one.
    pub(super) fn end_session(&mut self) {
        if let Some(session) = self.task.session.as_mut().filter(|session| session.alive) {
            session.alive = false;
            self.effects.push(Effect::EndSession { run: session.id.clone() });
        }
    }

    /// Notes that the agent has ended by itself.
    pub(super) fn end_session_record(&mut self) {
        if let Some(session) = self.task.session.as_mut() {
            session.alive = false;
        }
    }

    pub(super) fn end_job(&mut self) {
        if let Some(job) = self.task.job.take() {
            self.effects.push(Effect::EndJob { run: job.id });
        }
    }

    pub(super) fn record_iteration(&mut self, trigger: Trigger) {
        let stage = self.task.current_stage().name.clone();
        let number = 1 + self.task.iterations.iter().filter(|iteration| iteration.stage == stage).count() as u32;
        self.task.iterations.push(Iteration::begin(stage, number, trigger, self.stamp.now));
    }

    pub(super) fn close_iteration(&mut self, outcome: Outcome) {
        let Some(index) = self.task.iterations.len().checked_sub(1) else { return };
        let iteration = &mut self.task.iterations[index];
        if iteration.outcome.is_some() {
            return;
        }
        (iteration.outcome, iteration.ended_at) = (Some(outcome), Some(self.stamp.now));
        let stages = &self.task.flow.stages;
        let own = |session: &&AgentRun| stages.get(session.stage).is_some_and(|stage| stage.name == iteration.stage);
        let run = self.task.session.as_ref().filter(own).map(|session| session.id.clone());
        self.effects.push(Effect::LogAttempt { iteration: index, run });
    }

    /// The last iteration belongs to the current stage and has not ended.
    pub(super) fn open_iteration(&self) -> bool {
        let stage = &self.task.current_stage().name;
        self.task.iteration().is_some_and(|iteration| iteration.outcome.is_none() && iteration.stage == *stage)
    }

    pub(super) fn stage_index(&self, name: &str) -> Option<usize> {
        self.task.flow.stage_index(name)
    }

    /// Failures of the current stage's gate since a person last had a say.
    fn failed_gates(&self) -> u32 {
        let stage = &self.task.current_stage().name;
        let of_stage = self.task.iterations.iter().rev().filter(|iteration| iteration.stage == *stage);
        let mut failed = 0;
        for iteration in of_stage {
            failed += u32::from(iteration.outcome == Some(Outcome::GateFailed));
            if !matches!(iteration.trigger, Trigger::Gate { .. }) {
                break;
            }
        }
        failed
    }
}
