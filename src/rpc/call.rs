//! One call: its names are resolved, the right to it is checked, then it is answered.
//!
//! Invariant: nothing is looked up, opened or asked of the engine for a caller who has no right to it.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::attach::{self, Attachment};
use super::caller::Caller;
use super::connection::Connection;
use super::family::Family;
use super::follow::Following;
use super::keys;
use super::look;
use super::method::{Catalog, Kind, Look};
use super::refusal;
use super::resolve::{self, Project};
use super::rights::{self, Right};
use super::signature::Signature;
use super::subscription;
use super::usage::UsageView;
use super::verbs;
use super::view::TaskView;
use super::wire::Fault;
use crate::engine::Place;
use crate::model::{Answer, Failure, ProjectId, Reply, Request, Size, Snapshot, TaskId, meant};

/// The key under which a client may send a request twice.
pub const REQUEST_KEY: &str = "request_key";

impl Connection {
    pub async fn serve(&mut self, name: &str, mut params: Map<String, Value>) -> Result<Value, Fault> {
        let method = Catalog::get().methods.get(name).ok_or_else(|| unknown_method(name))?;
        let key = params.remove(REQUEST_KEY);
        method.signature.check_names(&params)?;
        self.resolve(name, &method.signature, &mut params).await?;
        let caller = self.caller.clone().unwrap_or(Caller::Stranger);
        match method.kind {
            Kind::Look => {
                let look: Look = method.signature.read(name, params)?;
                self.check(&caller, name, right_to_look(&look))?;
                self.look(&caller, look).await
            }
            Kind::Request => {
                let request: Request = method.signature.read(name, params)?;
                self.check(&caller, name, rights::of(&request))?;
                let answer = self.ask(&caller, key, sent_by(&caller, request)).await;
                if let (Err(Fault { failure, .. }), Some((_, session))) = (&answer, caller.place()) {
                    refusal::note(&self.service.home, session.as_str(), name, failure);
                }
                answer
            }
        }
    }

    /// Whether the caller may; what is refused to an agent is noted.
    fn check(&self, caller: &Caller, name: &str, right: Right<'_>) -> Result<(), Failure> {
        let family = Family::of(caller, &self.service.handle.snapshot());
        rights::check((caller, &family), name, right).inspect_err(|failure| {
            let who = caller.place().map_or("?", |(_, session)| session.as_str());
            refusal::note(&self.service.home, who, name, failure);
        })
    }

    /// Project, task and session as the engine names them; a repository that is not open is opened for a person.
    async fn resolve(&self, name: &str, method: &Signature, params: &mut Map<String, Value>) -> Result<(), Fault> {
        let caller = self.caller.as_ref().unwrap_or(&Caller::Stranger);
        let handle = &self.service.handle;
        if let Project::Open(path) = resolve::project(&handle.snapshot(), caller, method, params)? {
            self.check(caller, name, Right::Person)?;
            match keys::answer(keys::ask(handle, Request::OpenProject { path })).await? {
                Reply::Project { id } => drop(params.insert("project".to_owned(), json!(id))),
                _ => return Err(Failure::internal("the engine opened no project").into()),
            }
        }
        resolve::task(&handle.snapshot(), method, params)
    }

    async fn ask(&self, caller: &Caller, key: Option<Value>, request: Request) -> Result<Value, Fault> {
        let service = &self.service;
        let (project, task) = (request.project().cloned(), request.task());
        let shows = matches!(request, Request::ShowTask { .. });
        // A deleted task is answered as it last was.
        let before = service.handle.snapshot();
        let about = subject(&before, &request);
        let pending = match key {
            Some(Value::String(key)) => service.keys.ask(&service.handle, caller, key, request)?,
            None | Some(Value::Null) => keys::ask(&service.handle, request),
            Some(other) => {
                return Err(Fault::params(format!("{REQUEST_KEY}: a text, not {}.", resolve::kind_of(&other))));
            }
        };
        let answer: Answer = keys::answer(pending).await;
        let answer = answer.map_err(|failure| verbs::refused(failure, about.as_deref()))?;
        let after = service.handle.snapshot();
        match (answer, project, task) {
            (Reply::Records(records), Some(project), Some(task)) if shows => {
                value(&blocking(move || look::detail(&after, &project, task, *records)).await?)
            }
            (Reply::Messages(messages), ..) => {
                value(&look::MessagesView { messages: messages.into_iter().map(Into::into).collect() })
            }
            (Reply::Usage(records), Some(id), _) => {
                let project = after.projects.iter().find(|project| project.id == id);
                value(&UsageView::new(records, project.map(AsRef::as_ref)))
            }
            (Reply::Done { message }, Some(project), Some(task)) => {
                let task = task_view(&after, &project, task).or_else(|_| task_view(&before, &project, task))?;
                value(&TaskAnswer::new(task, message))
            }
            (Reply::Task { id, message }, Some(project), _) => {
                value(&TaskAnswer::new(task_view(&after, &project, id)?, message))
            }
            (Reply::Review(mut facts), ..) => {
                facts.next = verbs::told(&facts.next, about.as_deref());
                value(&Reply::Review(facts))
            }
            (reply, ..) => value(&reply),
        }
    }

    async fn look(&mut self, caller: &Caller, look: Look) -> Result<Value, Fault> {
        let handle = &self.service.handle;
        let only = caller.place().map(|(project, _)| project);
        match look {
            Look::EngineInfo {} => value(&look::engine(&self.service, only)),
            Look::Projects {} => value(&look::projects(&handle.snapshot(), only)),
            Look::Tasks { project: Some(project) } => value(&look::tasks(look::project(&handle.snapshot(), &project)?)),
            Look::Tasks { project: None } => value(&look::all_tasks(&handle.snapshot(), only)),
            Look::Explain { project, task } => value(&look::explain(&handle.snapshot(), &project, task)?),
            Look::Sessions { project } => value(&look::sessions(&handle.snapshot(), project.as_ref().or(only))),
            Look::ReadSession { project, session, lines } => {
                let output = look::output(&self.service, &(project, session), lines)?;
                value(&blocking(move || Ok(output.read())).await?)
            }
            Look::Diff { project, task } => {
                let worktree = look::worktree(&handle.snapshot(), &project, task)?;
                value(&blocking(move || worktree.diff()).await?)
            }
            Look::Subscribe { since } => value(&subscription::begin(self, since, only)),
            Look::Follow { project, session, after, lines } => {
                let place = (project, session);
                let former = self.following.take().filter(|it| it.is_of(&place));
                let following = former.unwrap_or_else(|| Following::new(&self.service, place));
                value(&self.following.insert(following).begin(&self.service, &self.outbox, (after, lines))?)
            }
            Look::Attach { project, session, rows, cols } => self.attach((project, session), Size::new(rows, cols)),
            Look::Input { project, session, bytes } => self.input(&(project, session), &bytes),
            Look::Resize { project, session, rows, cols } => {
                let attached = self.attached.get(&(project, session)).ok_or_else(not_attached)?;
                attached.resize(size(Size::new(rows, cols))?);
                Ok(json!({}))
            }
            Look::Detach { project, session } => {
                self.attached.remove(&(project, session)).ok_or_else(not_attached)?;
                Ok(json!({}))
            }
        }
    }

    fn attach(&mut self, place: Place, wanted: Size) -> Result<Value, Fault> {
        let size = size(wanted)?;
        // The one that is there leaves first: a viewer is at a session once.
        self.attached.remove(&place);
        let attached = Attachment::begin(&self.service, &self.outbox, place.clone(), size)?;
        let answer = json!({"project": place.0, "session": place.1});
        self.attached.insert(place, attached);
        Ok(answer)
    }

    fn input(&self, place: &Place, bytes: &str) -> Result<Value, Fault> {
        let bytes = attach::decode(bytes)?;
        if let Some(attached) = self.attached.get(place) {
            attached.input(&bytes)?;
        } else {
            attach::type_into(&self.service, place, &bytes)?;
            self.service.handle.typed(place);
        }
        Ok(json!({}))
    }
}

/// What a verb on one task answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TaskAnswer {
    task: TaskView,
    /// What to say about it in one line, if anything.
    message: Option<String>,
}

impl TaskAnswer {
    fn new(task: TaskView, message: Option<String>) -> Self {
        let message = message.map(|text| verbs::told(&text, Some(&task.slug)));
        Self { task, message }
    }
}

/// What it takes to look.
const fn right_to_look(look: &Look) -> Right<'_> {
    match look {
        Look::EngineInfo {}
        | Look::Projects {}
        | Look::Tasks { project: None }
        | Look::Sessions { project: None }
        | Look::Subscribe { .. } => Right::Own,
        Look::Tasks { project: Some(project) }
        | Look::Sessions { project: Some(project) }
        | Look::Explain { project, .. }
        | Look::Diff { project, task: None } => Right::Read(project),
        Look::ReadSession { project, session, .. } | Look::Follow { project, session, .. } => {
            Right::Session(project, session)
        }
        Look::Diff { project, task: Some(task) } => Right::Within(project, *task),
        Look::Attach { .. } | Look::Input { .. } | Look::Resize { .. } | Look::Detach { .. } => Right::Person,
    }
}

/// What an agent says, or asks a person for, names its session.
fn sent_by(caller: &Caller, request: Request) -> Request {
    let who = caller.place().map(|(_, session)| session.clone());
    match request {
        Request::Send { project, session, text, .. } => Request::Send { project, session, text, sender: who },
        Request::RequestMerge { project, task, .. } => Request::RequestMerge { project, task, asker: who },
        request => request,
    }
}

/// What a request is about, as a person calls it: the task, or `main`, to whose sessions the one belongs that it names.
fn subject(snapshot: &Snapshot, request: &Request) -> Option<String> {
    let task =
        request.project().zip(request.task()).and_then(|(project, task)| look::find(snapshot, project, task).ok());
    let session = || Some(request.session()?.as_str().split('.').next()?.to_owned());
    task.map(|(_, view)| view.task.slug.to_string()).or_else(session)
}

fn task_view(snapshot: &Snapshot, project: &ProjectId, task: TaskId) -> Result<TaskView, Failure> {
    let (project, view) = look::find(snapshot, project, task)?;
    Ok(TaskView::new(view, project))
}

fn value(result: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(result).map_err(|error| Failure::internal(error).into())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::internal(error).into()),
    }
}

/// A size that a screen can have.
fn size(size: Size) -> Result<Size, Fault> {
    let fits = |side: u16| (1..=1000).contains(&side);
    if fits(size.rows) && fits(size.cols) {
        return Ok(size.clamped());
    }
    Err(Fault::params(format!("rows, cols: 1 to 1000, not {} and {}.", size.rows, size.cols)))
}

fn unknown_method(name: &str) -> Fault {
    let fault = Fault::usage(Fault::METHOD, format!("there is no method \"{name}\"."));
    fault.nearest(meant(name, Catalog::get().methods.keys().map(String::as_str)))
}

fn not_attached() -> Fault {
    Failure::new(crate::model::FailureKind::BadState, "this client is not attached to that session.").into()
}
