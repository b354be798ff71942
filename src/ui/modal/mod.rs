//! Prompts, forms and overlays: one file each, with its state, its keys and its frame.
//!
//! Invariants: a prompt that decides ignores keys, Esc aside, for its first 200 ms; Enter never destroys; an answer that
//! was asked for an earlier modal never fills a later one; what was sent is answered before its prompt can be left.

mod actions;
mod base;
mod breakdown;
mod choice;
mod confirm;
mod copy;
mod explain;
mod field;
mod form;
mod frame;
mod help;
mod line;
mod open;
mod page;
mod palette;
mod panel;
mod peek;
mod picker;
mod questions;
mod rejection;
mod review;
mod stage;
mod suggest;
mod template;
mod trust;

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use jiff::{SignedDuration, Timestamp};

use crate::model::{Answer, Failure, ProjectId, Reply, Request, SessionId};

use super::command::Command;
use super::model::{Effect, Model, Pane, RowKey, Tab};
use super::update;
use super::update::list;

pub use frame::{draw, draw_in};
pub use open::{open_for, open_message, open_page, open_trust};
pub use panel::{MAX_WIDTH, Panel, Place, Row, Tone};

/// Stray typing cannot answer a prompt that has just opened.
const GUARD: SignedDuration = SignedDuration::from_millis(200);

/// What lies on top of the panes.
#[derive(Debug)]
pub struct Modal {
    /// An answer of the engine is for this modal while the numbers agree.
    pub serial: u64,
    pub opened_at: Timestamp,
    pub body: Body,
    /// Rows that the person went down from where it shows itself; negative: up.
    pub scrolled: isize,
}

/// The modals.
#[derive(Debug)]
pub enum Body {
    Form(Box<form::Form>),
    Line(Box<line::Line>),
    Confirm(confirm::Confirm),
    Review(Box<review::Review>),
    Breakdown(Box<breakdown::Breakdown>),
    Questions(Box<questions::Questions>),
    Peek(Box<peek::Peek>),
    Help(Box<help::Help>),
    Palette(Box<palette::Palette>),
    Actions(Box<actions::Actions>),
    Explain,
    Trust(trust::Trust),
    Stage(Box<stage::StageChoice>),
    Page(Box<page::Page>),
    Copy,
}

/// What a key led to.
#[derive(Debug)]
pub enum Step {
    Stay(Vec<Effect>),
    Close(Vec<Effect>),
    /// Another modal takes its place.
    Become(Body, Vec<Effect>),
    /// Look at the diff, then come back with Esc.
    Park,
    /// Close, then run a command.
    Run(Command),
    /// Close, then select a row.
    Go(RowKey),
}

impl Step {
    fn stay() -> Self {
        Self::Stay(Vec::new())
    }

    fn close() -> Self {
        Self::Close(Vec::new())
    }
}

impl Body {
    /// A prompt whose letters change something, as against text, search and choices.
    const fn decides(&self) -> bool {
        matches!(self, Self::Confirm(_) | Self::Review(_) | Self::Breakdown(_) | Self::Trust(_))
    }

    /// Letters are typed into a text, so that `q` is a letter.
    fn takes_text(&self) -> bool {
        match self {
            Self::Form(_)
            | Self::Line(_)
            | Self::Palette(_)
            | Self::Help(_)
            | Self::Peek(_)
            | Self::Questions(_)
            | Self::Stage(_) => true,
            Self::Review(review) => review.takes_text(),
            Self::Breakdown(breakdown) => breakdown.takes_text(),
            Self::Confirm(_) | Self::Actions(_) | Self::Explain | Self::Trust(_) | Self::Page(_) | Self::Copy => false,
        }
    }

    /// Esc closes it; false: it closes something within first.
    fn escapes(&self) -> bool {
        match self {
            Self::Review(review) => !review.takes_text(),
            // Its answer leads on, and a refusal has to be seen.
            Self::Breakdown(breakdown) => !breakdown.takes_text() && !breakdown.is_sent(),
            Self::Questions(questions) => !questions.is_sent(),
            _ => true,
        }
    }

    /// Page keys are for its text, which may be longer than the screen.
    const fn scrolls(&self) -> bool {
        matches!(self, Self::Review(_) | Self::Breakdown(_) | Self::Questions(_))
    }

    fn key(&mut self, model: &mut Model, event: KeyEvent, fresh: bool) -> Step {
        match self {
            Self::Form(it) => it.key(model, event),
            Self::Line(it) => it.key(model, event),
            Self::Confirm(it) => it.key(event),
            Self::Review(it) => it.key(model, event),
            Self::Breakdown(it) => it.key(model, event),
            Self::Questions(it) => it.key(event, (fresh, model.input.serial)),
            Self::Peek(it) => it.key(model, event, fresh),
            Self::Help(it) => it.key(model, event),
            Self::Palette(it) => it.key(model, event),
            Self::Actions(it) => it.key(model, event),
            Self::Explain => explain::key(event),
            Self::Trust(it) => it.key(event),
            Self::Stage(it) => it.key(model, event),
            Self::Page(it) => it.key(event, frame::cover(model)),
            Self::Copy => copy::key(model, event),
        }
    }

    /// Esc: what was typed is kept as a draft.
    fn leave(&self, model: &mut Model) {
        match self {
            Self::Form(it) => it.keep(model),
            Self::Line(it) => it.keep(model),
            Self::Review(it) => it.keep(model),
            Self::Breakdown(it) => it.keep(model),
            Self::Questions(it) => it.keep(model),
            Self::Peek(it) => it.keep(model),
            _ => {}
        }
    }

    fn text(&mut self) -> Option<&mut field::Field> {
        match self {
            Self::Form(it) => it.text(),
            Self::Line(it) => Some(&mut it.field),
            Self::Review(it) => it.text(),
            Self::Breakdown(it) => it.text(),
            Self::Questions(it) => it.text(),
            Self::Peek(it) => Some(&mut it.field),
            Self::Help(it) => Some(&mut it.picker.query),
            Self::Palette(it) => Some(&mut it.picker.query),
            Self::Stage(it) => Some(&mut it.picker.query),
            Self::Confirm(_) | Self::Actions(_) | Self::Explain | Self::Trust(_) | Self::Page(_) | Self::Copy => None,
        }
    }

    fn panel(&self, model: &Model, width: u16, height: u16) -> Panel {
        match self {
            Self::Form(it) => it.panel(model, width),
            Self::Line(it) => it.panel(model, width),
            Self::Confirm(it) => it.panel(width),
            Self::Review(it) => it.panel(model, width),
            Self::Breakdown(it) => it.panel(width),
            Self::Questions(it) => it.panel(width),
            Self::Peek(it) => it.panel(model, width, height),
            Self::Help(it) => it.panel(model, width, height),
            Self::Palette(it) => it.panel(model, width, height),
            Self::Actions(it) => it.panel(model, width, height),
            Self::Explain => explain::panel(model, width),
            Self::Trust(it) => it.panel(model),
            Self::Stage(it) => it.panel(model, width, height),
            Self::Page(it) => it.panel(width, height),
            Self::Copy => copy::panel(model),
        }
    }
}

/// A key while a modal is open.
pub fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    if let Some(by) = pages(event).filter(|_| model.modal.as_ref().is_some_and(|top| top.body.scrolls())) {
        frame::scroll(model, by);
        return Vec::new();
    }
    let Some(mut top) = model.modal.take() else { return Vec::new() };
    top.scrolled = 0;
    let fresh = model.now < top.opened_at + GUARD;
    let overlay_q = event.code == KeyCode::Char('q') && event.modifiers.is_empty() && !top.body.takes_text();
    let step = if event.code == KeyCode::Esc && top.body.escapes() || overlay_q && !top.body.decides() {
        top.body.leave(model);
        Step::close()
    } else if fresh && top.body.decides() || event.kind == KeyEventKind::Repeat && top.body.decides() {
        Step::stay()
    } else {
        top.body.key(model, event, fresh)
    };
    match step {
        Step::Stay(effects) => {
            model.modal = Some(top);
            effects
        }
        Step::Close(effects) => effects,
        Step::Become(body, mut effects) => {
            effects.extend(open::open(model, body, None));
            effects
        }
        Step::Park => {
            model.input.parked = Some(top);
            model.main.tab = Tab::Diff;
            model.layout.focus = Pane::Main;
            Vec::new()
        }
        Step::Run(command) => run(model, command),
        Step::Go(row) => list::reveal(model, row),
    }
}

/// How many pages down a key goes.
const fn pages(event: KeyEvent) -> Option<isize> {
    match event.code {
        KeyCode::PageDown => Some(1),
        KeyCode::PageUp => Some(-1),
        _ => None,
    }
}

/// Runs a command that was chosen by name; refused, it says why.
fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    match command.applies(model) {
        Ok(()) => update::run(model, command, 0),
        Err(reason) => {
            update::say(model, format!("{}: {reason}", command.name()));
            Vec::new()
        }
    }
}

/// Pasted text goes into the field, if there is one; it never answers.
pub fn paste(model: &mut Model, text: &str) {
    if let Some(field) = model.modal.as_mut().and_then(|modal| modal.body.text()) {
        field.insert(text);
    }
}

/// What came back from the editor.
pub fn edited(model: &mut Model, text: Option<String>) {
    if let (Some(Modal { body: Body::Breakdown(breakdown), .. }), Some(text)) = (&mut model.modal, &text)
        && !breakdown.takes_text()
    {
        return breakdown.edited(text);
    }
    let field = model.modal.as_mut().and_then(|modal| modal.body.text());
    if let (Some(field), Some(text)) = (field, text) {
        field.set(text.trim_end_matches('\n'));
    }
}

/// The lines of a session's screen, for the peek at it.
pub fn screen(model: &mut Model, project: &ProjectId, session: &SessionId, lines: Vec<String>) {
    if let Some(Modal { body: Body::Peek(peek), .. }) = &mut model.modal {
        peek.screen(project, session, lines);
    }
}

/// What was read of a file, for the page of this serial.
pub fn read(model: &mut Model, serial: u64, file: PathBuf, text: Result<String, String>) {
    if let Some(Modal { body: Body::Page(page), .. }) = model.modal.as_mut().filter(|top| top.serial == serial) {
        page.fill(file, text);
    }
}

/// An answer for the modal with this serial; another one ignores it.
pub fn fill(model: &mut Model, serial: u64, result: Answer) -> Vec<Effect> {
    let open = model.modal.as_mut().into_iter().chain(model.input.parked.as_mut());
    let Some(top) = open.into_iter().find(|top| top.serial == serial) else { return Vec::new() };
    let reply = match result {
        Ok(reply) => reply,
        Err(failure) if matches!(top.body, Body::Form(_)) => {
            // A base that does not exist is mended in the form.
            if let Body::Form(form) = &mut top.body {
                form.fill(Err(failure));
            }
            return Vec::new();
        }
        Err(failure) => {
            model.modal.take_if(|top| top.serial == serial);
            model.input.parked.take_if(|top| top.serial == serial);
            update::fail(model, &failure);
            return Vec::new();
        }
    };
    match (&mut top.body, reply) {
        (Body::Confirm(confirm), reply) => confirm.fill(reply),
        (Body::Review(review), Reply::Review(facts)) => review.facts = Some(facts),
        (Body::Form(form), Reply::Base(facts)) => form.fill(Ok(facts)),
        (Body::Form(form), Reply::Templates { found, broken }) => form.offer(found, broken),
        (Body::Trust(trust), Reply::Trust(facts)) => trust.facts = Some(facts),
        _ => {}
    }
    Vec::new()
}

/// What a prompt sent was taken: it is done with, drafts and all. Refused, it stays and says why.
pub fn settle(model: &mut Model, serial: u64, result: &Answer) -> Vec<Effect> {
    let Some(mut top) = model.modal.take_if(|top| top.serial == serial) else {
        if let Err(failure) = result {
            update::fail(model, failure);
        }
        return Vec::new();
    };
    match (&mut top.body, result) {
        (Body::Questions(questions), Ok(_)) => questions.forget(model),
        (Body::Breakdown(breakdown), Ok(_)) if breakdown.is_sent() => {
            breakdown.forget(model);
            return breakdown.approval();
        }
        (Body::Questions(questions), Err(failure)) => {
            questions.refuse(failure);
            model.modal = Some(top);
        }
        (Body::Breakdown(breakdown), Err(failure)) => {
            breakdown.refuse(failure);
            model.modal = Some(top);
        }
        _ => model.modal = Some(top),
    }
    Vec::new()
}

/// A new snapshot is there: what waits for approval may be another thing now, and keys for the old one do not count for it.
pub fn reload(model: &mut Model) {
    if let Some(Modal { opened_at, body: Body::Breakdown(breakdown), .. }) = &mut model.modal
        && breakdown.reload(&model.snapshot)
    {
        *opened_at = model.now;
    }
}

/// The task of the form or line was created: it is done with. The project it was for.
pub fn created(model: &mut Model) -> Option<ProjectId> {
    let project = match &model.modal.as_ref()?.body {
        Body::Form(form) if form.sent => form.project.clone(),
        Body::Line(line) if line.sent => line.project.clone(),
        _ => return None,
    };
    model.modal = None;
    form::forget(model, &project);
    Some(project)
}

/// The form or line that was sent shows why it was refused; false: it is closed by now.
pub fn refused(model: &mut Model, failure: &Failure) -> bool {
    match model.modal.as_mut().map(|top| &mut top.body) {
        Some(Body::Form(form)) => form.refuse(failure),
        Some(Body::Line(line)) => line.refuse(failure),
        _ => return false,
    }
    true
}

/// What the form or line on the screen was sent as.
pub fn new_task_request(model: &Model) -> Option<Request> {
    match &model.modal.as_ref()?.body {
        Body::Form(form) => Some(form.request(model)),
        Body::Line(line) => line.new_task(),
        _ => None,
    }
}

/// The frame to draw on a main area of this size.
pub fn panel(model: &Model, cols: u16, rows: u16) -> Option<Panel> {
    let top = model.modal.as_ref()?;
    let cols = if matches!(top.body, Body::Page(_)) { cols } else { cols.min(MAX_WIDTH) };
    Some(top.body.panel(model, cols.saturating_sub(4), rows.saturating_sub(2)))
}
