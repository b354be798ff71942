//! What an agent hands in, and what follows from it once it rests: questions, verdicts, breakdowns.

use std::fmt::Write as _;

use super::{Effect, Step};
use crate::model::{
    Decision, HandIn, Outcome, ReasonKind, Round, State, Submission, SubtaskDraft, Task, Trigger, Verdict, gather,
};

/// What an agent is told that asks while no person is there.
const STANDING_REPLY: &str = "Use your judgement, and say in your result what you decided.";

/// Whether what an agent hands in now counts for something.
pub fn hears(task: &Task) -> bool {
    use State::{Approval, Asking, Blocked, Paused, Queued, Quiet, Working};
    match task.state {
        Working | Quiet | Asking | Approval | State::Verdict | Blocked => true,
        // The last words of one that was stopped are kept with its iteration, and the task goes on from them.
        Paused | Queued => task.iteration().is_some_and(|iteration| iteration.outcome.is_none()),
        _ => false,
    }
}

/// What stands for an answer that was typed to the agent itself.
const IN_PERSON: &str = "(answered in its session)";

impl Step<'_> {
    pub(super) fn submitted(&mut self, hand_in: HandIn) {
        use State::{Approval, Asking, Blocked, Quiet};
        if !hears(self.task) {
            return;
        }
        let HandIn { submission, resources, log } = hand_in;
        gather(&mut self.task.resources, resources);
        if let (Some(log), Some(iteration)) = (log, self.task.iterations.last_mut()) {
            iteration.log = Some(log);
        }
        match submission {
            Submission::Artifact { text } => self.output(text, None, None),
            Submission::Verdict(verdict) => self.output(verdict_text(&verdict), Some(verdict), None),
            Submission::Subtasks { summary, subtasks } => {
                self.output(breakdown_text(&summary, &subtasks), None, Some(subtasks));
                if let Some(iteration) = self.task.iterations.last_mut() {
                    iteration.summary = Some(summary);
                }
            }
            Submission::Questions { questions } => {
                let Some(iteration) = self.task.iterations.last_mut() else { return };
                match iteration.questions.last_mut().filter(|round| round.answers.is_none()) {
                    // An engine took them, and died before it could remove the file that has them.
                    Some(round) if round.questions.ends_with(&questions) => {}
                    Some(round) => round.questions.extend(questions),
                    None => iteration.questions.push(Round { questions, answers: None }),
                }
                // One at work asks once it rests.
                if matches!(self.task.state, Quiet | Blocked | Approval | State::Verdict | Asking) {
                    self.ask();
                }
            }
            Submission::Blocked { reason } => self.enter(Blocked, Some((ReasonKind::Blocked, reason, "agent"))),
            Submission::Failed { reason } => {
                self.close_iteration(Outcome::Failed);
                self.fail(ReasonKind::Agent, reason, "agent");
            }
        }
    }

    /// The stage's text, with what it decided or proposed.
    fn output(&mut self, text: String, verdict: Option<Verdict>, subtasks: Option<Vec<SubtaskDraft>>) {
        let stage = self.task.current_stage();
        let (stage, name) = (stage.name.clone(), stage.artifact.clone());
        let Some(iteration) = self.task.iterations.last_mut() else { return };
        iteration.submitted = true;
        (iteration.verdict, iteration.subtasks) = (verdict, subtasks);
        let number = iteration.number;
        self.effects.push(Effect::KeepArtifact { stage, iteration: number, name, text });
        // The gate never runs under an agent that is still at work: its rest (or its end) moves the task on.
        if matches!(self.task.state, State::Quiet | State::Approval | State::Verdict | State::Blocked) {
            self.output_ready();
        }
    }

    /// The breakdown as a person wants it is what later stages read, too.
    pub(super) fn edit_subtasks(&mut self, subtasks: Vec<SubtaskDraft>) {
        let (stage, name) = (self.task.current_stage().name.clone(), self.task.current_stage().artifact.clone());
        let Some(iteration) = self.task.iterations.last_mut() else { return };
        let text = breakdown_text(iteration.summary.as_deref().unwrap_or_default(), &subtasks);
        iteration.subtasks = Some(subtasks);
        self.effects.push(Effect::KeepArtifact { stage, iteration: iteration.number, name, text });
    }

    /// A person answered the open questions in the agent's own terminal.
    pub(super) fn answered_in_person(&mut self) {
        let round = self.task.iterations.last_mut().and_then(|iteration| iteration.questions.last_mut());
        if let Some(round) = round.filter(|round| round.answers.is_none()) {
            round.answers = Some(vec![IN_PERSON.to_owned(); round.questions.len()]);
        }
    }

    /// Open questions reach the person, or get the standing reply.
    pub(super) fn ask(&mut self) {
        let Some(round) = self.task.iteration().and_then(|iteration| iteration.open_questions()) else { return };
        let count = round.questions.len();
        if self.task.auto {
            return self.answer_questions(vec![STANDING_REPLY.to_owned(); count]);
        }
        let first = round.questions.first().map_or("", |question| question.question.as_str());
        let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
        self.enter(State::Asking, Some((ReasonKind::Questions, format!("{first}{more}"), "agent")));
    }

    /// It asks by a message: it waits until somebody says something to it. What it handed in, or asked in due form, goes before.
    pub(super) fn asked(&mut self, text: String, heard: bool) {
        use State::{Asking, Blocked, Quiet, Working};
        let questions = self.task.iteration().is_some_and(|iteration| iteration.open_questions().is_some());
        if questions || self.is_submitted() || !matches!(self.task.state, Working | Quiet | Asking | Blocked) {
            return;
        }
        if self.task.auto && !heard {
            return self.use_judgement();
        }
        self.enter(Asking, Some((ReasonKind::Message, text, "agent")));
    }

    /// It has asked by a message, and waits.
    pub(super) fn awaits_word(&self) -> bool {
        self.task.state == State::Asking
            && self.task.reason.as_ref().is_some_and(|reason| reason.kind == ReasonKind::Message)
    }

    /// Nobody is there who would answer a message.
    pub(super) fn use_judgement(&mut self) {
        self.close_iteration(Outcome::Asked);
        self.go_on(Trigger::Answered { text: STANDING_REPLY.to_owned() });
    }

    /// The answers begin a new iteration in the same conversation.
    pub(super) fn answer_questions(&mut self, answers: Vec<String>) {
        let round = self.task.iterations.last_mut().and_then(|iteration| iteration.questions.last_mut());
        let Some(round) = round else { return };
        let text = answers_text(&round.questions, &answers);
        round.answers = Some(answers);
        self.close_iteration(Outcome::Asked);
        self.go_on(Trigger::Answered { text });
    }

    /// The gate has nothing against the stage's output: its verdict counts.
    pub(super) fn judged(&mut self) {
        let Some(verdict) = self.rejection() else { return self.accepted() };
        if self.task.auto || self.task.current_stage().is_automated {
            return self.send_back();
        }
        let back_to = self.task.rejected_stage().unwrap_or_default();
        let text = format!("rejects, back to {back_to}: {}", verdict.reason);
        self.enter(State::Verdict, Some((ReasonKind::Verdict, text, "agent")));
    }

    /// A rejection takes effect.
    pub(super) fn send_back(&mut self) {
        let Some(verdict) = self.rejection() else { return };
        let stage = self.task.current_stage().name.clone();
        let index = self.task.rejected_stage().and_then(|name| self.stage_index(name)).unwrap_or(0);
        self.close_iteration(Outcome::SentBack);
        self.begin_or_tell(index, Trigger::Verdict { stage, text: verdict.reason });
    }

    fn rejection(&self) -> Option<Verdict> {
        let verdict = self.task.iteration()?.verdict.as_ref()?;
        (verdict.decision == Decision::Reject).then(|| verdict.clone())
    }
}

fn verdict_text(verdict: &Verdict) -> String {
    let (decision, to) = match (&verdict.decision, &verdict.route_to) {
        (Decision::Approve, _) => ("approve", String::new()),
        (Decision::Reject, None) => ("reject", String::new()),
        (Decision::Reject, Some(stage)) => ("reject", format!(", back to {stage}")),
    };
    format!("Verdict: {decision}{to}\n\n{}", verdict.reason)
}

/// A breakdown as its artifact has it.
pub fn breakdown_text(summary: &str, subtasks: &[SubtaskDraft]) -> String {
    let mut text = summary.trim().to_owned();
    for (index, item) in subtasks.iter().enumerate() {
        let SubtaskDraft { title, description, instructions, depends_on, flow } = item;
        let after: Vec<_> = depends_on.iter().map(|index| (index + 1).to_string()).collect();
        let after = if after.is_empty() { String::new() } else { format!("\n\nAfter: {}", after.join(", ")) };
        let flow = flow.as_ref().map_or_else(String::new, |flow| format!("\n\nFlow: {flow}"));
        write!(text, "\n\n## {}. {title}\n\n{description}\n\n{instructions}{after}{flow}", index + 1)
            .expect("invariant: a String takes all that is written");
    }
    text
}

fn answers_text(questions: &[crate::model::Question], answers: &[String]) -> String {
    let pairs = questions.iter().zip(answers);
    pairs.map(|(question, answer)| format!("> {}\n\n{answer}", question.question)).collect::<Vec<_>>().join("\n\n")
}
