//! The one way that the model changes: a message in, effects out. No clock, no input, no output.
//!
//! Invariants: a key of a person is answered at once, by a change or by a reason; a request that destroys comes out of
//! a confirmation only, by the letter that its frame shows.

mod act;
mod answer;
pub mod chosen;
pub mod condition;
pub mod diff;
pub mod list;
mod message;
mod mouse;
mod pane;
pub mod pipeline;
pub mod search;
pub mod selection;
mod snapshot;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers};
use jiff::{SignedDuration, Timestamp};

use crate::model::{ProjectId, SessionId, SessionKind};

use super::command::Command;
use super::keymap::{Context, Key};
use super::modal;
use super::model::{Effect, Model, Pane, Tab};
use super::msg::Msg;
use super::row::{self, Subject};

pub use act::{ask, run};
pub use message::{fail, news as say};

/// A terminal or a diff that was on the screen this long has been read.
const READ_AFTER: SignedDuration = SignedDuration::from_secs(1);
/// A second Ctrl-C leaves within this time.
const INTERRUPT_TWICE: SignedDuration = SignedDuration::from_secs(2);

/// Changes the model by one message. `Model::now` is the time of the message.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    // What a person types into a session moves no row, and must not wait for one.
    let typed = model.main.attached && matches!(msg, Msg::Key(_) | Msg::Paste(_));
    let place = (!typed).then(|| list::place_of(model));
    let effects = match msg {
        Msg::Key(event) => key(model, event),
        Msg::Paste(text) => paste(model, text),
        Msg::Mouse { event, hit } => mouse::take(model, event, hit),
        Msg::MouseUnused(event) => mouse::unused(model, event),
        Msg::Resized(size) => {
            model.size = size;
            Vec::new()
        }
        Msg::Focused(focused) => {
            snapshot::focused(model, focused);
            Vec::new()
        }
        Msg::Snapshot(snapshot) => snapshot::take(model, snapshot),
        Msg::Diff { project, session, diff } => {
            diff::take(model, project, session, diff);
            Vec::new()
        }
        Msg::Answer { then, result } => answer::take(model, then, result),
        Msg::Screen { project, session, lines } => {
            modal::screen(model, &project, &session, lines);
            Vec::new()
        }
        Msg::Page { serial, file, text } => {
            modal::read(model, serial, file, text);
            Vec::new()
        }
        Msg::Scrolled { back, new_lines } => {
            selection::scrolled(model, back as i64 - model.main.scrolled as i64);
            model.main.scrolled = back;
            model.main.new_lines = new_lines;
            Vec::new()
        }
        Msg::Edited(text) => {
            modal::edited(model, text);
            Vec::new()
        }
        Msg::Tick => tick(model),
    };
    if let Some(place) = place {
        list::stay(model, &place);
    }
    watch_reading(model);
    effects
}

/// When the next `Msg::Tick` is due; none: nothing waits for time to pass.
pub fn next_tick(model: &Model) -> Option<Timestamp> {
    let read = model.input.seen.as_ref().map(|(_, since)| *since + READ_AFTER);
    let still = model.list.last_key_at.map(|at| at + row::HOLD);
    read.into_iter().chain(still).min()
}

/// The session whose screen the main pane shows, while it shows one; of the pipeline: the job at work.
pub fn shown(model: &Model) -> Option<(ProjectId, SessionId)> {
    let subject = Subject::of(model)?;
    let session = match model.main.tab {
        Tab::Terminal => subject.session_id()?,
        Tab::Shell => model.main.shell.clone()?,
        Tab::Pipeline => return pipeline::job(model),
        Tab::Diff | Tab::Spec | Tab::Log => return None,
    };
    Some((subject.project().id.clone(), session))
}

/// Where a key is pressed.
pub fn context(model: &Model) -> Context {
    match (model.layout.focus, model.main.tab) {
        (Pane::List, _) => Context::List,
        (Pane::Monitor, _) => Context::Monitor,
        (Pane::Diff, _) | (Pane::Main, Tab::Diff) => Context::Diff,
        (Pane::Main, Tab::Terminal | Tab::Shell) => Context::Terminal,
        (Pane::Main, Tab::Spec | Tab::Log) => Context::Page,
        (Pane::Main, Tab::Pipeline) => Context::Pipeline,
    }
}

/// Whose detach list is in force.
pub fn shown_kind(model: &Model) -> SessionKind {
    match (model.main.tab, Subject::of(model)) {
        (Tab::Shell, _) => SessionKind::Shell,
        (_, Some(Subject::Designer(..))) => SessionKind::Designer,
        _ => SessionKind::Executor,
    }
}

fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release || matches!(event.code, KeyCode::Modifier(_) | KeyCode::CapsLock) {
        return Vec::new();
    }
    model.input.caps_lock = event.state.contains(KeyEventState::CAPS_LOCK);
    let key = Key::from(event);
    if model.main.attached {
        return attached_key(model, event, key);
    }
    if key == Key::new(KeyCode::Char('c'), KeyModifiers::CONTROL) && model.modal.is_some() {
        return act::interrupt(model);
    }
    list::hold_still(model);
    if model.modal.is_some() {
        return modal::key(model, event);
    }
    let Some((command, index)) = model.input.keys.command(context(model), key) else {
        message::news(model, format!("{key} has no meaning here; {} lists the keys", model.input.keys.spell("$help")));
        return Vec::new();
    };
    if model.input.keys.strict() && command.entry().acts() {
        let text = format!("{key}: keys.strict is on; $actions has {}", command.entry().label);
        message::news(model, model.input.keys.spell(&text));
        return Vec::new();
    }
    match command.applies(model) {
        Ok(()) => run(model, command, index),
        Err(reason) => {
            message::news(model, format!("{key}: {reason}"));
            Vec::new()
        }
    }
}

fn attached_key(model: &mut Model, event: KeyEvent, key: Key) -> Vec<Effect> {
    model.main.selection = None;
    if model.input.keys.detaches(shown_kind(model), key) {
        if event.kind == KeyEventKind::Press {
            pane::detach(model);
            message::tip(model, "detach", "the agent works on. $diff shows its diff, $peek answers from here");
        }
        return Vec::new();
    }
    let mut effects = vec![Effect::Key(event)];
    if model.main.scrolled > 0 {
        effects.insert(0, Effect::ScrollTerminal(i64::MIN));
    }
    effects
}

/// A paste outside text is never keys: it becomes a message to the session.
fn paste(model: &mut Model, text: String) -> Vec<Effect> {
    if model.main.attached {
        return vec![Effect::Paste(text)];
    }
    if model.modal.is_some() {
        modal::paste(model, &text);
        return Vec::new();
    }
    match Command::Message.applies(model) {
        Ok(()) => modal::open_message(model, &text),
        Err(reason) => {
            message::news(model, format!("pasted text has no place: {reason}"));
            Vec::new()
        }
    }
}

fn tick(model: &mut Model) -> Vec<Effect> {
    if model.list.last_key_at.is_some_and(|at| model.now >= at + row::HOLD) {
        list::settle(model);
    }
    snapshot::read(model)
}

/// Starts and stops the clock of rule "read after 1 s": the row that is seen, with the outer terminal in focus.
fn watch_reading(model: &mut Model) {
    let seen = snapshot::in_sight(model);
    if model.input.seen.as_ref().map(|(key, _)| key) != seen.as_ref() {
        model.input.seen = seen.map(|key| (key, model.now));
    }
}
