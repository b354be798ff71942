//! The engine's answers: said, put into the modal that waits for them, or followed by the next step.

use crate::model::{Answer, Failure, FailureKind, Reply, Request, SessionId};
use crate::ui::modal;
use crate::ui::model::{Effect, Model, RowKey, Then};

use super::chosen::{self, Chosen};
use super::{list, message, pane};

pub fn take(model: &mut Model, then: Then, result: Answer) -> Vec<Effect> {
    match then {
        Then::Nothing => Vec::new(),
        Then::FillModal(serial) => modal::fill(model, serial, result),
        Then::Say => said(model, result),
        Then::Trusting(request) => match result {
            Err(failure) if failure.kind == FailureKind::Untrusted => ask_trust(model, *request),
            other => said(model, other),
        },
        Then::Resume(request) => match result {
            Ok(_) => vec![Effect::Ask { then: natural(&request), request: *request }],
            Err(failure) => failed(model, &failure),
        },
        Then::SelectNew => created(model, result),
        Then::AttachTo => match result {
            Ok(Reply::Session { id }) => attach(model, id),
            Err(failure) if failure.kind == FailureKind::Untrusted => match chosen::project(model) {
                Some(project) => {
                    let request = Request::StartDesigner { project: project.id.clone() };
                    ask_trust(model, request)
                }
                None => failed(model, &failure),
            },
            other => said(model, other),
        },
    }
}

/// What the answer to a request is for when it is sent again after trust was given.
fn natural(request: &Request) -> Then {
    match request {
        Request::NewTask { .. } => Then::SelectNew,
        Request::StartDesigner { .. } => Then::AttachTo,
        _ => Then::Say,
    }
}

fn ask_trust(model: &mut Model, request: Request) -> Vec<Effect> {
    let Some(project) = chosen::project(model).map(|project| project.id.clone()) else { return Vec::new() };
    modal::open_trust(model, project, request)
}

fn said(model: &mut Model, result: Answer) -> Vec<Effect> {
    match result {
        Ok(Reply::Done { message: Some(text) } | Reply::Task { message: Some(text), .. }) => {
            message::news(model, text);
            Vec::new()
        }
        Ok(_) => Vec::new(),
        Err(failure) => failed(model, &failure),
    }
}

fn failed(model: &mut Model, failure: &Failure) -> Vec<Effect> {
    message::error(model, failure.to_string());
    Vec::new()
}

/// A task was created: the form is done with, the new row selected. Refused, the form stays and says why.
fn created(model: &mut Model, result: Answer) -> Vec<Effect> {
    match result {
        Ok(Reply::Task { id, message }) => {
            let project = modal::created(model).or_else(|| chosen::project(model).map(|project| project.id.clone()));
            if let Some(text) = message {
                message::news(model, text);
            }
            let key = project.and_then(|project| {
                let view = model.snapshot.projects.iter().find(|view| view.id == project)?;
                let task = view.tasks.iter().find(|view| view.task.id == id)?;
                Some(RowKey::Session(project, task.task.session_id()))
            });
            key.map_or_else(Vec::new, |key| list::reveal(model, key))
        }
        Ok(_) => Vec::new(),
        Err(failure) if failure.kind == FailureKind::Untrusted => match modal::new_task_request(model) {
            Some(request) => ask_trust(model, request),
            None => failed(model, &failure),
        },
        Err(failure) => {
            if !modal::refused(model, &failure) {
                message::error(model, failure.to_string());
            }
            Vec::new()
        }
    }
}

/// Attaches a session that was opened for the selection; one that was opened for another row waits there.
fn attach(model: &mut Model, id: SessionId) -> Vec<Effect> {
    let Some(owner) = Chosen::of(model).and_then(|chosen| chosen.session_id()) else { return Vec::new() };
    let ours = id == owner || id.as_str().strip_prefix(owner.as_str()).is_some_and(|rest| rest.starts_with('.'));
    if ours && model.modal.is_none() {
        return pane::attach_to(model, id);
    }
    message::news(model, format!("{id} is open"));
    Vec::new()
}
