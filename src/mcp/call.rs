//! What a call of a tool does: one request of the socket, or what `orchestra submit` does.

use serde_json::{Map, Value, json};

use super::session::{Session, no_task};
use super::tool::{Call, Tool, all};
use crate::model::{Failure, FailureKind, HandIn, Submission, Verdict, meant};
use crate::store::dropbox::MAX_BYTES;

/// Lines of a session that are shown when none are asked for.
const LINES: usize = 100;

/// What a tool says: a line for the model, and the same as data.
#[derive(Debug)]
pub struct Said {
    pub text: String,
    pub data: Value,
}

/// Calls a tool. Blocks. Fails with what is wrong and the next step, in words for the agent.
pub fn call(session: &Session, name: &str, arguments: Map<String, Value>) -> Result<Said, Failure> {
    // What the engine refuses it notes itself.
    let call = check(session, name, arguments).inspect_err(|why| session.note(name, why))?;
    call.run(session)
}

/// The call, when it has its form and the session may be the one to make it.
fn check(session: &Session, name: &str, arguments: Map<String, Value>) -> Result<Call, Failure> {
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
    tool.signature.read(name, arguments).map_err(|fault| fault.failure)
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
            Self::SendMessageToSession { session_id, message } => {
                let answer = session.call("message.send", json!({"session": session_id, "text": message}))?;
                let told =
                    answer["done"]["message"].as_str().map_or_else(|| format!("sent to {session_id}."), str::to_owned);
                Ok(Said { text: told, data: answer })
            }
            Self::ReadMessages { since } => {
                Ok(data(session.call("message.list", json!({"session": session.id(), "since": since}))?))
            }
            Self::CreateTask(job) => create(session, json!(job)),
            Self::SpawnExecutor(job) => {
                let mut task = json!(job);
                task["start"] = json!(true);
                create(session, task)
            }
            Self::ReadSession { task, lines } => {
                let shown = session.call("task.show", json!({"task": task}))?;
                let params = json!({"session": shown["slug"], "lines": lines.unwrap_or(LINES)});
                Ok(whole(session.call("session.read", params)?, "it shows nothing"))
            }
            Self::RequestMerge { task } => of_task(session.call("task.request_merge", json!({"task": task}))?),
            Self::StartTask { task } => of_task(session.call("task.start", json!({"task": task}))?),
            Self::StopTask { task } => of_task(session.call("task.stop", json!({"task": task}))?),
            Self::GetDiff { task } => Ok(whole(session.call("diff.show", json!({"task": task}))?, "no changes")),
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

/// A new task; an executor's is a part of its own.
fn create(session: &Session, mut task: Value) -> Result<Said, Failure> {
    task["parent"] = json!(session.task());
    of_task(session.call("task.new", json!({"task": task}))?)
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

/// An answer that is a text above all; `none` is said when that is empty.
fn whole(answer: Value, none: &str) -> Said {
    let text = answer["text"].as_str().filter(|text| !text.trim().is_empty()).unwrap_or(none);
    Said { text: text.to_owned(), data: answer }
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
