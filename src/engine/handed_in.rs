//! What agents hand in: checked against the stage before it counts, with words that the agent can act on.
//!
//! Invariant: what was accepted lies in the agent's folder until its transition is in the database.

use super::Place;
use super::breakdown;
use super::core::Core;
use super::message::TaskPlace;
use super::pipeline::{Event, hears};
use super::project::Project;
use super::request::done;
use crate::model::{
    Answer, Assignment, Decision, Failure, FailureKind, HandIn, Output, Question, Resource, RunId, Submission, Task,
    Verdict,
};
use crate::store::dropbox;

/// Questions in one round.
const MAX_QUESTIONS: usize = 20;

impl Core {
    /// Takes what an agent hands in, or says what is wrong with it. `run`: whose it is; none: the live agent's.
    pub(super) fn submit(&mut self, place: &Place, run: Option<&RunId>, hand_in: &HandIn) -> Answer {
        let project = self.project(&place.0)?;
        let task = project
            .task_by_session(&place.1)
            .ok_or_else(|| Failure::new(FailureKind::NotFound, format!("{} is no session of a task.", place.1)))?;
        check(project, task, hand_in)?;
        if !hears(task) {
            let text = format!("{} is {}: nothing more can be handed in for now.", task.slug, task.state.word());
            return Err(
                Failure::new(FailureKind::BadState, text).hint("End your turn; what comes of it is told to you")
            );
        }
        project.check_paths(task, &hand_in.resources)?;
        let slug = task.slug.clone();
        let live = self.live_at(place).filter(|live| live.agent.is_some());
        let live = live.filter(|live| run.is_none_or(|run| live.run == *run)).ok_or_else(|| {
            Failure::new(FailureKind::BadState, format!("this session of {slug} is over: nothing was handed in."))
        })?;
        let (folder, run) = (self.box_of(&live.run), live.run.clone());
        dropbox::put(&folder, hand_in).map_err(Failure::internal)?;
        self.dropped(&run);
        Ok(done(Some(accepted(&hand_in.submission))))
    }

    /// Something that lay in an agent's folder. An error: it could not be kept, and stays there.
    pub(super) fn hand_in(&mut self, at: &TaskPlace, run: &RunId, hand_in: HandIn) -> Result<(), Failure> {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        // One that an engine took, and had no time to remove.
        if !hears(task) || task.session.as_ref().is_none_or(|session| session.id != *run) {
            return Ok(());
        }
        match check(project, task, &hand_in) {
            Ok(()) => self.apply(at, Event::Submitted { run: run.clone(), hand_in }, None),
            Err(failure) => {
                self.hand_back(at, &failure.to_string());
                Ok(())
            }
        }
    }

    /// What lay there does not count: the person hears of it, and so does the agent, which alone can mend it.
    pub(super) fn hand_back(&mut self, at: &TaskPlace, why: &str) {
        self.notices.error(why.to_owned(), self.about(at));
        let Some(place) = self.about(at) else { return };
        let text =
            format!("What you handed in does not count: {why}\n\nHand in again: orchestra submit --help says how.");
        // One that has ended hears nothing any more.
        let _ = self.say(&place, &text);
    }
}

impl Project {
    /// Whether the files that resources name are there; looked at only while the agent can still act on it.
    fn check_paths(&self, task: &Task, resources: &[Resource]) -> Result<(), Failure> {
        let worktree = self.worktree_path(task);
        let missing = |resource: &&Resource| resource.path().is_some_and(|path| !worktree.join(path).exists());
        resources.iter().find(missing).map_or(Ok(()), |Resource { name, url, .. }| {
            Err(wrong(format!("resource {name}: there is no {url} in the worktree."))
                .hint("Make the file first, give its path from the worktree's root, or give a URL (https://..)"))
        })
    }
}

/// What the agent is told of what it handed in.
const fn accepted(submission: &Submission) -> &'static str {
    match submission {
        Submission::Artifact { .. } | Submission::Verdict(_) | Submission::Subtasks { .. } => {
            "submitted. End your turn now; the gate and the review come next."
        }
        Submission::Questions { .. } => "asked. End your turn now; the answers come as a message.",
        Submission::Blocked { .. } => "noted. End your turn now; a person looks at it.",
        Submission::Failed { .. } => "noted: the task has failed. End your turn now.",
    }
}

/// Whether the stage at work takes it.
pub(super) fn check(project: &Project, task: &Task, hand_in: &HandIn) -> Result<(), Failure> {
    hand_in.check(&task.resources)?;
    let stage = task.current_stage();
    let Some(assignment) = stage.assignment() else {
        return Err(wrong(format!("stage {} is a script: nobody hands in for it.", stage.name)));
    };
    let wanted = || match &assignment.output {
        Output::Artifact => format!("Stage {} ends with a text: orchestra submit", stage.name),
        Output::Verdict { .. } => {
            format!("Stage {} ends with a verdict: orchestra submit --verdict approve|reject", stage.name)
        }
        Output::Subtasks(_) => format!("Stage {} ends with subtasks: orchestra submit --subtasks FILE", stage.name),
    };
    match (&hand_in.submission, &assignment.output) {
        (Submission::Artifact { text }, Output::Artifact) => check_text(assignment, text),
        (Submission::Verdict(verdict), Output::Verdict { .. }) => check_verdict(task, verdict),
        (Submission::Subtasks { summary, subtasks }, Output::Subtasks(_)) => {
            filled("the summary", summary)?;
            breakdown::check(subtasks)?;
            project.check_flows(subtasks)
        }
        (Submission::Questions { .. }, _) if !assignment.asks => {
            Err(wrong(format!("stage {} asks no questions.", stage.name))
                .hint("Decide yourself, and say so in the result"))
        }
        (Submission::Questions { questions }, _) => check_questions(questions),
        (Submission::Blocked { reason } | Submission::Failed { reason }, _) => filled("the reason", reason),
        (Submission::Artifact { .. }, _) => Err(wrong("a text alone does not end this stage.").hint(wanted())),
        (Submission::Verdict(_), _) => Err(wrong("this stage gives no verdict.").hint(wanted())),
        (Submission::Subtasks { .. }, _) => Err(wrong("this stage proposes no subtasks.").hint(wanted())),
    }
}

fn check_text(assignment: &Assignment, text: &str) -> Result<(), Failure> {
    filled("the text", text)?;
    let Some(schema) = &assignment.schema else { return Ok(()) };
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| wrong(format!("the text must be JSON by the schema {}: {error}.", schema.file)))?;
    let schema_value = serde_json::from_str(&schema.text).map_err(Failure::internal)?;
    let validator = jsonschema::validator_for(&schema_value)
        .map_err(|error| Failure::new(FailureKind::Config, format!("{} is no JSON Schema: {error}.", schema.file)))?;
    let faults: Vec<_> = validator
        .iter_errors(&value)
        .take(10)
        .map(|error| {
            format!(
                "{}: {error}",
                Some(error.instance_path().to_string()).filter(|it| !it.is_empty()).unwrap_or_else(|| "/".to_owned())
            )
        })
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(wrong(format!("the text does not hold against {}:\n{}", schema.file, faults.join("\n"))))
}

fn check_verdict(task: &Task, verdict: &Verdict) -> Result<(), Failure> {
    filled("the reason", &verdict.reason)?;
    let (Decision::Reject, Some(route)) = (verdict.decision, &verdict.route_to) else { return Ok(()) };
    let earlier: Vec<_> = task.flow.stages[..task.stage].iter().map(|stage| stage.name.as_str()).collect();
    if earlier.contains(&route.as_str()) {
        return Ok(());
    }
    Err(wrong(format!("a rejection goes back to an earlier stage, not to \"{route}\"."))
        .hint(format!("One of: {}", earlier.join(", "))))
}

fn check_questions(questions: &[Question]) -> Result<(), Failure> {
    if questions.is_empty() || questions.len() > MAX_QUESTIONS {
        return Err(wrong(format!("1 to {MAX_QUESTIONS} questions at once, not {}.", questions.len())));
    }
    for (index, question) in questions.iter().enumerate() {
        filled(&format!("question {}", index + 1), &question.question)?;
        for option in &question.options {
            filled(&format!("an option of question {}", index + 1), &option.label)?;
        }
    }
    Ok(())
}

pub(super) fn filled(what: &str, text: &str) -> Result<(), Failure> {
    if text.trim().is_empty() { Err(wrong(format!("{what} is empty."))) } else { Ok(()) }
}

pub(super) fn wrong(text: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Usage, text.into())
}
