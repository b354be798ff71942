//! What a call of a tool does: one request of the socket, or what `orchestra submit` does.

use serde_json::{Map, Value, json};

use super::session::{Session, no_task};
use super::tool::{Call, Tool, all};
use crate::model::{Failure, FailureKind, HandIn, Submission, Verdict, meant};
use crate::store::dropbox::MAX_BYTES;

/// What a tool says: a line for the model, and the same as data.
#[derive(Debug)]
pub struct Said {
    pub text: String,
    pub data: Value,
}

/// Calls a tool. Blocks. Fails with what is wrong and the next step, in words for the agent.
pub fn call(session: &Session, name: &str, arguments: Map<String, Value>) -> Result<Said, Failure> {
    let tool = Tool::of(name).ok_or_else(|| unknown(name))?;
    if !session.may(tool.audience) {
        let text = format!("{name} is not for {}.", if session.task().is_some() { "a task" } else { "this session" });
        return Err(Failure::new(FailureKind::BadState, text).hint("tools/list has what is"));
    }
    tool.signature.check_names(&arguments).map_err(|fault| fault.failure)?;
    let size: usize = arguments.values().map(|value| value.to_string().len()).sum();
    if size as u64 > MAX_BYTES {
        let text = format!("the arguments have {} MB, {} are the most.", size >> 20, MAX_BYTES >> 20);
        return Err(Failure::new(FailureKind::Usage, text).hint("Hand in a summary"));
    }
    let call: Call = tool.signature.read(name, arguments).map_err(|fault| fault.failure)?;
    call.run(session)
}

impl Call {
    fn run(self, session: &Session) -> Result<Said, Failure> {
        match self {
            Self::SubmitArtifact { content, summary } => {
                hand_in(session, &HandIn { log: summary, ..Submission::Artifact { text: content }.into() })
            }
            Self::SubmitVerdict { decision, reason, route_to } => {
                hand_in(session, &Submission::Verdict(Verdict { decision, reason, route_to }).into())
            }
            Self::ProposeSubtasks { summary, subtasks } => {
                hand_in(session, &Submission::Subtasks { summary, subtasks }.into())
            }
            Self::AskQuestions { questions } => hand_in(session, &Submission::Questions { questions }.into()),
            Self::ReportBlocked { reason } => hand_in(session, &Submission::Blocked { reason }.into()),
            Self::ReportFailed { reason } => hand_in(session, &Submission::Failed { reason }.into()),
            Self::CompleteTask { task, summary } => complete(session, task, summary),
            Self::CreateTask { title, description, slug, flow, agent, base } => {
                let task = json!({
                    "title": title, "description": description, "slug": slug, "flow": flow, "agent": agent, "base": base,
                });
                of_task(session.call("task.new", json!({"task": task}))?)
            }
            Self::StartTask { task } => of_task(session.call("task.start", json!({"task": task}))?),
            Self::StopTask { task } => of_task(session.call("task.stop", json!({"task": task}))?),
            Self::GetDiff { task } => {
                let diff = session.call("diff.show", json!({"task": task}))?;
                let text = diff["text"].as_str().filter(|text| !text.is_empty()).unwrap_or("no changes");
                Ok(Said { text: text.to_owned(), data: diff })
            }
            Self::GetTask { task } => Ok(data(session.call("task.show", json!({"task": own_or(session, task)?}))?)),
            Self::ListSessions {} => Ok(data(session.call("session.list", json!({}))?)),
        }
    }
}

fn hand_in(session: &Session, hand_in: &HandIn) -> Result<Said, Failure> {
    if let Submission::Artifact { text } = &hand_in.submission
        && text.trim().is_empty()
    {
        return Err(Failure::new(FailureKind::Usage, "the text is empty.").hint("Give all of it as content"));
    }
    let answer = session.hand_in(hand_in)?;
    let message = answer["done"]["message"].as_str().unwrap_or_default().to_owned();
    Ok(Said { data: json!({"accepted": true, "message": message}), text: message })
}

fn complete(session: &Session, task: Option<String>, summary: Option<String>) -> Result<Said, Failure> {
    if let Some(text) = summary {
        let own = session.task();
        if task.as_deref().is_some_and(|task| Some(task) != own) || own.is_none() {
            let failure = Failure::new(FailureKind::Usage, "summary: only a task's own agent hands in for it.");
            return Err(failure.hint("Leave it out"));
        }
        hand_in(session, &Submission::Artifact { text }.into())?;
    }
    let task = own_or(session, task)?;
    of_task(session.call("task.complete", json!({"task": task}))?)
}

/// The task that was named, else the session's own.
fn own_or(session: &Session, task: Option<String>) -> Result<String, Failure> {
    task.or_else(|| session.task().map(str::to_owned)).ok_or_else(no_task)
}

/// What a verb on one task answers.
fn of_task(answer: Value) -> Result<Said, Failure> {
    let (slug, state) = (&answer["task"]["slug"], &answer["task"]["state"]);
    let (Some(slug), Some(state)) = (slug.as_str(), state.as_str()) else {
        return Err(Failure::internal(format!("the engine's answer is not understood: {answer}")));
    };
    let more = answer["message"].as_str().map_or_else(String::new, |message| format!(" {message}"));
    Ok(Said { text: format!("{slug} is {state}.{more}"), data: answer })
}

fn data(answer: Value) -> Said {
    Said { text: answer.to_string(), data: answer }
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::new(FailureKind::NotFound, format!("there is no tool \"{name}\"."));
    match meant(name, all().iter().map(|tool| tool.name)) {
        Some(nearest) => failure.hint(format!("Nearest: {nearest}")),
        None => failure.hint("tools/list has all of them"),
    }
}
