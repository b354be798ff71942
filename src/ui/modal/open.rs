//! Which modal a command opens, for what is selected.

use std::path::PathBuf;

use crate::model::{ProjectId, Request, Slug, State};
use crate::ui::command::Command;
use crate::ui::model::{Effect, Model, Then};
use crate::ui::pipeline;
use crate::ui::row::{Subject, asks_questions};
use crate::ui::text;
use crate::ui::update::{chosen, diff};

use super::actions::Actions;
use super::base::Base;
use super::breakdown::Breakdown;
use super::confirm::{Action, Confirm};
use super::form::Form;
use super::help::Help;
use super::line::{Line, Purpose};
use super::page::Page;
use super::peek::Peek;
use super::questions::Questions;
use super::review::Review;
use super::stage::StageChoice;
use super::trust::Trust;
use super::{Body, Modal};

/// Puts a modal on top; `request` asks for its facts.
pub fn open(model: &mut Model, body: Body, request: Option<Request>) -> Vec<Effect> {
    model.input.serial += 1;
    let serial = model.input.serial;
    model.modal = Some(Modal { serial, opened_at: model.now, body, scrolled: 0 });
    request.map(|request| Effect::Ask { request, then: Then::FillModal(serial) }).into_iter().collect()
}

/// Opens what `command` asks for.
pub fn open_for(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Help => open(model, Body::Help(Box::new(Help::new(crate::ui::update::context(model)))), None),
        Command::Palette => open(model, Body::Palette(Box::default()), None),
        Command::Explain => open(model, Body::Explain, None),
        Command::Copy => open(model, Body::Copy, None),
        Command::New | Command::NewLine | Command::Filter | Command::Search | Command::Init => {
            of_project(model, command)
        }
        _ => of_session(model, command),
    }
}

/// A message to the selected session, with `text` behind what was typed before.
pub fn open_message(model: &mut Model, text: &str) -> Vec<Effect> {
    let Some((project, session)) = Subject::of(model).and_then(|it| Some((it.project().id.clone(), it.session_id()?)))
    else {
        return Vec::new();
    };
    let line = Line::new(model, Purpose::Message { session }, project, text);
    open(model, Body::Line(Box::new(line)), None)
}

/// Opens what a step left behind; `of` is the project's root and the task.
pub fn open_page(model: &mut Model, title: String, of: (PathBuf, Slug), what: pipeline::Page) -> Vec<Effect> {
    if let pipeline::Page::Text(text) = &what {
        let page = Page::of_text(title, text);
        return open(model, Body::Page(Box::new(page)), None);
    }
    let page = Page::of_file(title, matches!(what, pipeline::Page::Log(_)));
    let mut effects = open(model, Body::Page(Box::new(page)), None);
    effects.push(Effect::ReadPage { serial: model.input.serial, root: of.0, slug: of.1, page: what });
    effects
}

/// Asks for trust; given, `request` is sent again.
pub fn open_trust(model: &mut Model, project: ProjectId, request: Request) -> Vec<Effect> {
    if let Some(top) = model.modal.take() {
        top.body.leave(model);
    }
    let facts = Request::TrustFacts { project: project.clone() };
    open(model, Body::Trust(Trust::new(project, request)), Some(facts))
}

fn of_project(model: &mut Model, command: Command) -> Vec<Effect> {
    let Some(project) = chosen::project(model) else { return Vec::new() };
    let id = project.id.clone();
    let body = match command {
        Command::New => {
            let form = Form::new(model, project);
            let mut effects = open(model, Body::Form(Box::new(form)), Some(Request::Templates { project: id.clone() }));
            let then = Then::FillModal(model.input.serial);
            effects.push(Effect::Ask { request: Base::first_request(id), then });
            return effects;
        }
        Command::NewLine => Body::Line(Box::new(Line::new(model, Purpose::NewTask, id, ""))),
        Command::Filter => Body::Line(Box::new(Line::new(model, Purpose::Filter, id, ""))),
        Command::Init => Body::Confirm(Confirm::new(Action::Init, id, None, project.name.clone())),
        _ => Body::Line(Box::new(Line::new(model, Purpose::Search, id, ""))),
    };
    open(model, body, None)
}

fn of_session(model: &mut Model, command: Command) -> Vec<Effect> {
    let Some(subject) = Subject::of(model) else { return Vec::new() };
    let name = subject.name().to_owned();
    match command {
        Command::Message => return open_message(model, ""),
        Command::Actions => {
            let actions = Actions::new(model, name);
            return open(model, Body::Actions(Box::new(actions)), None);
        }
        Command::Peek | Command::Answer => {
            if let Some(view) = subject.task().filter(|view| asks_questions(view)) {
                let form = Questions::open(model, &subject.project().id, view).map(Box::new).map(Body::Questions);
                return form.map_or_else(Vec::new, |form| open(model, form, None));
            }
            let Some((peek, mut effects)) = Peek::open(model, &subject) else { return Vec::new() };
            effects.extend(open(model, Body::Peek(Box::new(peek)), None));
            return effects;
        }
        _ => {}
    }
    let (project, Some(view)) = (subject.project().id.clone(), subject.task()) else { return Vec::new() };
    let task = view.task.id;
    if command == Command::Comment {
        let Some(on) = diff::commented(model) else { return Vec::new() };
        let line = Line::new(model, Purpose::Comment { task, slug: name, on }, project, "");
        return open(model, Body::Line(Box::new(line)), None);
    }
    let stage = view.task.current_stage().name.clone();
    let (action, request) = match command {
        Command::Approve | Command::Reject | Command::Override => {
            if let Some(breakdown) =
                Breakdown::open(model, &project, view).filter(|_| view.task.state == State::Approval)
            {
                return open(model, Body::Breakdown(Box::new(breakdown)), None);
            }
            let at = format!("{} {}/{}", view.task.flow.name, view.task.stage + 1, view.task.flow.stages.len());
            let word = format!("{} {}", view.task.state.word(), text::ago(view.since, model.now));
            let review = Review::new(project.clone(), view, format!("{name} · {at} · {word}"));
            let request = Request::ReviewFacts { project, task };
            return open(model, Body::Review(Box::new(review)), Some(request));
        }
        Command::SendTo => return open(model, Body::Stage(Box::new(StageChoice::new(project, task, name))), None),
        Command::Delete => (Action::Delete(None), Some(Request::DeleteFacts { project: project.clone(), task })),
        Command::Merge => {
            (Action::Merge(None), Some(Request::MergeFacts { project: project.clone(), task, into: None }))
        }
        Command::Restart => {
            let turns = view.task.iterations.iter().filter(|iteration| iteration.stage == stage).count();
            (Action::Restart { stage, turns }, None)
        }
        Command::Stop => (Action::Stop, None),
        Command::Auto => (Action::Auto, None),
        Command::Skip => {
            let next = view.task.next_stage().map(|stage| stage.name.clone());
            (Action::Skip { next }, None)
        }
        Command::Complete => (Action::Complete, None),
        Command::Archive => (Action::Archive, None),
        _ => return Vec::new(),
    };
    open(model, Body::Confirm(Confirm::new(action, project, Some(task), name)), request)
}
