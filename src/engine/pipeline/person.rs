//! What a person may ask of a task, state by state, and what it says when it makes no sense.

use super::{Conversation, Refusal, Step, Wish};
use crate::model::{Outcome, Pause, ReasonKind, State, Trigger};

impl Step<'_> {
    pub(super) fn wish(&mut self, wish: Wish) -> Result<(), Refusal> {
        self.check(&wish)?;
        match wish {
            Wish::Start => self.enter(State::Queued, None),
            // What it submitted stands; only its process ends.
            Wish::Stop if matches!(self.task.state, State::Approval | State::Done | State::Failed) => {
                self.end_session();
            }
            Wish::Stop => {
                self.end_job();
                self.end_session();
                let reason = (ReasonKind::Paused(Pause::Person), "stopped by a person".to_owned(), "person");
                self.enter(State::Paused, Some(reason));
            }
            Wish::Restart => {
                self.end_job();
                self.close_iteration(Outcome::Stopped);
                self.task.reviewed = false;
                self.begin(self.task.stage, Trigger::Restarted, Conversation::Fresh);
            }
            Wish::Approve => self.approve(),
            Wish::Reject { feedback } => {
                self.close_iteration(Outcome::Rejected);
                self.task.reviewed = false;
                self.go_on(Trigger::Rejected { text: feedback });
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
            Wish::SetAuto(auto) => {
                self.task.auto = auto;
                if auto && self.task.state == State::Approval {
                    self.pass(Outcome::Passed);
                }
            }
            Wish::Merge => self.integrate(),
            Wish::Archive => {
                self.end_session();
                self.enter(State::Archived, None);
            }
        }
        Ok(())
    }

    fn approve(&mut self) {
        let last = self.task.stage + 1 == self.task.flow.stages.len();
        if self.task.state == State::Approval {
            self.task.reviewed = last;
            self.pass(Outcome::Passed);
        } else {
            self.close_iteration(Outcome::Passed);
            self.task.reviewed = true;
            self.enter(State::Done, None);
        }
    }

    /// Refuses what makes no sense in this state, and says why.
    fn check(&self, wish: &Wish) -> Result<(), Refusal> {
        use State::{
            Approval, Archived, Asking, Blocked, Children, Done, Draft, Failed, Gating, Integrating, Merged, Paused,
            Queued, Quiet, Scripting, Setup, Verdict, Waiting, Working,
        };
        let state = self.task.state;
        let solo = self.task.flow.is_solo();
        let last = self.task.stage + 1 == self.task.flow.stages.len();
        let ok = match wish {
            Wish::Start => matches!(state, Draft | Paused | Failed),
            Wish::Stop => match state {
                Setup | Queued | Working | Gating | Scripting | Waiting | Quiet | Asking | Blocked => true,
                Approval | Verdict | Done | Failed => self.session_alive(),
                Children | Integrating | Draft | Paused | Merged | Archived => false,
            },
            Wish::Restart | Wish::SendToStage { .. } => {
                self.task.base_commit.is_some() && !matches!(state, Draft | Setup | Integrating | Merged | Archived)
            }
            Wish::Approve => match state {
                Approval => true,
                Done => !self.task.reviewed,
                Quiet => solo,
                _ => false,
            },
            Wish::Reject { .. } => matches!(state, Approval | Done | Quiet),
            Wish::Complete => last && matches!(state, Working | Quiet | Asking | Paused | Failed | Approval),
            Wish::Skip => matches!(state, Working | Gating | Quiet | Asking | Approval | Paused | Failed),
            Wish::SetAuto(_) => !matches!(state, Merged | Archived),
            Wish::Merge => matches!(state, Done),
            Wish::Archive => matches!(state, Draft | Paused | Failed | Done | Quiet | Approval),
        };
        let stage_known = match wish {
            Wish::SendToStage { stage, .. } => self.stage_index(stage).is_some(),
            _ => true,
        };
        match (ok, stage_known, wish) {
            (true, true, Wish::Reject { feedback }) if feedback.trim().is_empty() => {
                Err(Refusal("a rejection needs a text that says what to change".to_owned()))
            }
            (true, true, Wish::Skip) if self.task.base_commit.is_none() => Err(self.refusal(wish)),
            (true, true, _) => Ok(()),
            (true, false, Wish::SendToStage { stage, .. }) => {
                let names: Vec<_> = self.task.flow.stages.iter().map(|stage| stage.name.as_str()).collect();
                Err(Refusal(format!("there is no stage \"{stage}\"; the flow has {}", names.join(", "))))
            }
            _ => Err(self.refusal(wish)),
        }
    }

    fn refusal(&self, wish: &Wish) -> Refusal {
        let slug = &self.task.slug;
        let why = match (wish, self.task.state) {
            (_, State::Merged) => "is merged already".to_owned(),
            (_, State::Archived) => "is archived".to_owned(),
            (_, State::Draft) => "is a draft; S starts it".to_owned(),
            (_, State::Integrating) => "is being merged".to_owned(),
            (Wish::Approve, State::Done) => "is reviewed already; M merges it".to_owned(),
            (Wish::Merge, State::Approval) => "waits for your approval; a reviews it".to_owned(),
            (Wish::Merge | Wish::Approve | Wish::Archive, state) if state.is_busy() => {
                "is still at work; x stops it".to_owned()
            }
            (Wish::Start, state) if state.is_busy() => "is at work already".to_owned(),
            (_, State::Setup | State::Queued) => "has not begun yet".to_owned(),
            (_, state) => format!("is {}", state.word()),
        };
        Refusal(format!("cannot {} {slug}: it {why}", wish.verb()))
    }
}
