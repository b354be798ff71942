//! The engine's answers: said, put into the modal that waits for them, or followed by the next step.

use crate::model::{Answer, Failure, FailureKind, ProjectId, Reply, Request, SessionId};
use crate::ui::modal;
use crate::ui::model::{Awaited, Effect, Model, RowKey, Then};

use super::chosen;
use super::{list, message, pane};

pub fn take(model: &mut Model, then: Then, result: Answer) -> Vec<Effect> {
    match then {
        Then::Nothing => Vec::new(),
        Then::FillModal(serial) => modal::fill(model, serial, result),
        Then::SettleModal(serial) => modal::settle(model, serial, &result),
        Then::Forget(draft) => {
            if result.is_ok() {
                model.input.drafts.remove(&draft);
            }
            said(model, result)
        }
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
            Ok(Reply::Session { id }) => {
                model.input.awaited = model.list.selected.clone().map(|row| Awaited::Session(row, id));
                turn_to_awaited(model)
            }
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
    let Some(project) = request.project().cloned() else { return Vec::new() };
    modal::open_trust(model, project, request)
}

fn said(model: &mut Model, result: Answer) -> Vec<Effect> {
    match result {
        Ok(
            Reply::Done { message: Some(text) }
            | Reply::Task { message: Some(text), .. }
            | Reply::Sent { message: Some(text), .. },
        ) => {
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
            model.input.awaited = project.map(|project| Awaited::Task(project, id));
            turn_to_awaited(model)
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

/// Turns to a new task or a new session as soon as the snapshot has it; a person who went elsewhere is left there.
pub fn turn_to_awaited(model: &mut Model) -> Vec<Effect> {
    let Some(awaited) = model.input.awaited.take() else { return Vec::new() };
    match &awaited {
        Awaited::Task(project, id) => {
            let view = model.snapshot.projects.iter().find(|view| view.id == *project);
            let task = view.and_then(|view| view.tasks.iter().find(|task| task.task.id == *id));
            if let Some(task) = task {
                let row = RowKey::Session(project.clone(), task.task.session_id());
                return list::reveal(model, row);
            }
        }
        Awaited::Session(row, session) => {
            let elsewhere = model.list.selected.as_ref() != Some(row) || model.modal.is_some();
            let (RowKey::Project(project) | RowKey::Session(project, _)) = row;
            let view = model.snapshot.projects.iter().find(|view| view.id == *project);
            let designer = view.and_then(|view| view.designer.as_ref());
            let mut sessions = view.into_iter().flat_map(|view| &view.shells).chain(designer);
            if sessions.any(|it| it.alive && it.id == *session) {
                if elsewhere {
                    message::news(model, format!("{session} is open"));
                    return Vec::new();
                }
                let (project, session) = (project.clone(), session.clone());
                return show(model, project, session);
            }
        }
    }
    model.input.awaited = Some(awaited);
    Vec::new()
}

fn show(model: &mut Model, project: ProjectId, session: SessionId) -> Vec<Effect> {
    let mut effects = Vec::new();
    if session == SessionId::main() {
        effects = list::reveal(model, RowKey::Session(project, session.clone()));
    }
    effects.extend(pane::attach_to(model, session));
    effects
}
