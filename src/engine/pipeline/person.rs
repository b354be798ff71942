//! What a person may ask of a task, state by state, and what it says when it makes no sense.

use super::{Conversation, Refusal, Step, Wish};
use crate::model::{Outcome, Pause, ReasonKind, State, Trigger};

impl Step<'_> {
    pub(super) fn wish(&mut self, wish: Wish) -> Result<(), Refusal> {
        self.check(&wish)?;
        match wish {
            Wish::Start | Wish::Retry => self.start(),
            // What it submitted stands; only its process ends.
            Wish::Stop | Wish::Spent { .. }
                if matches!(self.task.state, State::Approval | State::Verdict | State::Done | State::Failed) =>
            {
                self.end_session();
            }
            Wish::Stop => self.pause(Pause::Person, "stopped by a person".to_owned()),
            Wish::Spent { what } => self.pause(Pause::Budget, what),
            Wish::Restart => {
                self.end_job();
                self.close_iteration(Outcome::Stopped);
                self.task.reviewed = false;
                self.begin(self.task.stage, Trigger::Restarted, Conversation::Fresh);
            }
            Wish::Approve => self.approve(),
            Wish::Reject { feedback, fresh } => self.reject(feedback, fresh),
            Wish::Override => {
                self.task.reviewed = self.is_last();
                self.pass(Outcome::Overridden);
            }
            Wish::Answer { answers } => self.answer_questions(answers),
            Wish::EditSubtasks { subtasks } => self.edit_subtasks(subtasks),
            Wish::RunGate => {
                // What its failure had ended is looked at again; what the gate said before no longer counts.
                if let Some(iteration) = self.task.iterations.last_mut() {
                    (iteration.outcome, iteration.ended_at, iteration.commits, iteration.gate) =
                        (None, None, None, None);
                }
                self.run_gate();
            }
            Wish::Complete => {
                self.end_job();
                self.close_iteration(Outcome::Passed);
                self.enter(State::Done, None);
            }
            Wish::Skip => {
                self.end_job();
                self.pass(Outcome::Skipped);
            }
            Wish::SendToStage { stage, text } => {
                self.end_job();
                self.close_iteration(Outcome::Stopped);
                self.task.reviewed = false;
                let index = self.stage_index(&stage).unwrap_or(self.task.stage);
                self.begin(index, Trigger::Sent { text }, Conversation::Resume);
            }
            Wish::SetAuto(auto) => self.set_auto(auto),
            Wish::Merge { into } => {
                self.task.into = into;
                self.integrate();
            }
            Wish::Archive => {
                self.end_session();
                self.enter(State::Archived, None);
            }
        }
        Ok(())
    }

    fn pause(&mut self, why: Pause, text: String) {
        self.end_job();
        self.end_session();
        self.enter(State::Paused, Some((ReasonKind::Paused(why), text, "person")));
    }

    /// Into the queue, or behind the tasks that come first; a second start goes without them.
    fn start(&mut self) {
        let waits = !self.task.after.is_empty() && self.task.base_commit.is_none() && self.task.state != State::Waiting;
        if waits {
            let text = "other tasks have to be merged first".to_owned();
            self.enter(State::Waiting, Some((ReasonKind::Dependencies, text, "engine")));
        } else {
            self.enter(State::Queued, None);
        }
    }

    fn approve(&mut self) {
        match self.task.state {
            State::Verdict => self.send_back(),
            State::Approval => {
                self.pass(Outcome::Passed);
                // What its subtasks make of it nobody has seen yet.
                self.task.reviewed = matches!(self.task.state, State::Done | State::Integrating);
            }
            _ => {
                self.close_iteration(Outcome::Passed);
                self.task.reviewed = true;
                self.enter(State::Done, None);
            }
        }
    }

    fn reject(&mut self, feedback: String, fresh: bool) {
        self.close_iteration(Outcome::Rejected);
        self.task.reviewed = false;
        let trigger = Trigger::Rejected { text: feedback };
        if fresh {
            self.begin(self.task.stage, trigger, Conversation::Fresh);
        } else {
            self.go_on(trigger);
        }
    }

    /// What waited for a person goes on at once.
    fn set_auto(&mut self, auto: bool) {
        self.task.auto = auto;
        match self.task.state {
            State::Approval if auto => self.pass(Outcome::Passed),
            State::Verdict if auto => self.send_back(),
            State::Asking if auto && self.awaits_word() => self.use_judgement(),
            State::Asking if auto => self.ask(),
            _ => {}
        }
    }

    fn is_last(&self) -> bool {
        self.task.next_stage().is_none()
    }

    /// Refuses what makes no sense in this state, and says why.
    fn check(&self, wish: &Wish) -> Result<(), Refusal> {
        if !self.fits(wish) {
            return Err(self.refusal(wish));
        }
        let refuse = |text: String| Err(Refusal(text));
        match wish {
            Wish::Reject { feedback, .. } if feedback.trim().is_empty() => {
                refuse("a rejection needs a text that says what to change".to_owned())
            }
            Wish::SendToStage { stage, .. } if self.stage_index(stage).is_none() => {
                let names: Vec<_> = self.task.flow.stages.iter().map(|stage| stage.name.as_str()).collect();
                refuse(format!("there is no stage \"{stage}\"; the flow has {}", names.join(", ")))
            }
            Wish::Answer { answers } => {
                let asked = self.questions();
                if answers.len() != asked {
                    return refuse(format!("{} answers for {asked} questions", answers.len()));
                }
                match answers.iter().position(|answer| answer.trim().is_empty()) {
                    Some(index) => refuse(format!("question {} has no answer", index + 1)),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// The wish makes sense in this state.
    fn fits(&self, wish: &Wish) -> bool {
        use State::{
            Approval, Archived, Asking, Blocked, Children, Done, Draft, Failed, Gating, Integrating, Merged, Paused,
            Queued, Quiet, Scripting, Setup, Verdict, Waiting, Working,
        };
        let state = self.task.state;
        let (begun, fell_with_child) = (self.task.base_commit.is_some(), self.waits_for_children());
        match wish {
            Wish::Start => matches!(state, Draft | Waiting | Paused | Blocked | Failed) && !fell_with_child,
            Wish::Retry => matches!(state, Paused | Blocked | Failed) && !fell_with_child,
            Wish::Stop | Wish::Spent { .. } => match state {
                Setup | Queued | Waiting | Working | Gating | Scripting | Quiet | Asking | Blocked => true,
                Approval | Verdict | Done | Failed => self.session_alive(),
                Children | Integrating | Draft | Paused | Merged | Archived => false,
            },
            Wish::Restart | Wish::SendToStage { .. } => {
                begun && !matches!(state, Draft | Setup | Children | Integrating | Merged | Archived)
            }
            Wish::Approve => match state {
                Approval | Verdict => true,
                Done => !self.task.reviewed,
                Quiet => self.task.flow.is_solo(),
                _ => false,
            },
            Wish::Reject { .. } => matches!(state, Approval | Verdict | Done | Quiet | Blocked),
            Wish::Override => state == Verdict,
            Wish::Answer { .. } => state == Asking && self.questions() > 0,
            Wish::EditSubtasks { .. } => {
                state == Approval && self.task.iteration().is_some_and(|iteration| iteration.subtasks.is_some())
            }
            Wish::RunGate => begun && self.task.current_stage().gate.is_some() && self.is_at_gate(),
            Wish::Complete => {
                begun
                    && self.is_last()
                    && matches!(state, Working | Quiet | Asking | Paused | Blocked | Failed | Approval)
            }
            Wish::Skip => {
                begun
                    && matches!(
                        state,
                        Working
                            | Gating
                            | Scripting
                            | Children
                            | Quiet
                            | Asking
                            | Approval
                            | Verdict
                            | Paused
                            | Blocked
                            | Failed
                    )
            }
            Wish::SetAuto(_) => !matches!(state, Merged | Archived),
            Wish::Merge { .. } => matches!(state, Done),
            Wish::Archive => {
                matches!(state, Draft | Waiting | Paused | Blocked | Failed | Done | Quiet | Approval | Verdict)
            }
        }
    }

    /// Something is there that the gate can look at, and nobody works on it.
    fn is_at_gate(&self) -> bool {
        let gate_failed = self.task.reason.as_ref().is_some_and(|reason| reason.kind == ReasonKind::Gate);
        match self.task.state {
            State::Approval | State::Verdict | State::Quiet => true,
            State::Failed => gate_failed,
            _ => false,
        }
    }

    /// How many questions wait for an answer.
    fn questions(&self) -> usize {
        let round = self.task.iteration().and_then(|iteration| iteration.open_questions());
        round.map_or(0, |round| round.questions.len())
    }

    fn refusal(&self, wish: &Wish) -> Refusal {
        let slug = &self.task.slug;
        let why = match (wish, self.task.state) {
            (_, State::Merged) => "is merged already".to_owned(),
            (_, State::Archived) => "is archived".to_owned(),
            (_, State::Draft) => "is a draft; S starts it".to_owned(),
            (_, State::Integrating) => "is being merged".to_owned(),
            (Wish::Start | Wish::Retry, _) if self.waits_for_children() => "waits for a subtask that failed".to_owned(),
            (Wish::Approve, State::Done) => "is reviewed already; M merges it".to_owned(),
            (Wish::Merge { .. }, State::Approval) => "waits for your approval; a reviews it".to_owned(),
            (Wish::RunGate, _) if self.task.current_stage().gate.is_none() => {
                format!("has no gate at stage {}", self.task.current_stage().name)
            }
            (Wish::Answer { .. }, State::Asking) if self.awaits_word() => "asks by a message; Space answers".to_owned(),
            (Wish::Answer { .. }, State::Asking) => "shows a dialog of its own; Enter attaches".to_owned(),
            (Wish::Answer { .. }, _) => "asks nothing".to_owned(),
            (Wish::Override, _) => "has no rejection to override".to_owned(),
            (Wish::EditSubtasks { .. }, _) => "has no breakdown that waits for you".to_owned(),
            (_, State::Children) => "waits for its subtasks".to_owned(),
            (Wish::Merge { .. } | Wish::Approve | Wish::Archive, state) if state.is_busy() => {
                "is still at work; x stops it".to_owned()
            }
            (Wish::Start, state) if state.is_busy() => "is at work already".to_owned(),
            (_, State::Setup | State::Queued | State::Waiting) => "has not begun yet".to_owned(),
            (_, state) => format!("is {}", state.word()),
        };
        Refusal(format!("cannot {} {slug}: it {why}", wish.verb()))
    }
}
