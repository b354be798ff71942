//! A new picture of the engine's state: selection, messages, shells, what was read.

use std::sync::Arc;

use crate::model::{NoticeKind, Request, Snapshot, State};
use crate::ui::keymap::Keymap;
use crate::ui::modal;
use crate::ui::model::{Effect, Model, Pane, RowKey, Tab, Then};

use super::chosen;
use super::{READ_AFTER, answer, diff, list, message, pane};
use crate::ui::row::Subject;

/// Takes over a snapshot: keeps the selection on its task, and says what is new.
pub fn take(model: &mut Model, snapshot: Arc<Snapshot>) -> Vec<Effect> {
    let before = list::keys(model);
    let open_before = selected_is_open(model);
    model.snapshot = snapshot;
    rebind(model);
    if model.list.last_key_at.is_none() {
        list::settle(model);
    }
    let mut effects = Vec::new();
    if open_before && !selected_is_open(model) && !model.main.attached {
        effects = list::hand_over(model, &before);
    }
    effects.extend(list::keep_selected(model, &before));
    diff::note(model);
    keep_shell(model);
    modal::reload(model);
    if model.main.attached && !shown_alive(model) {
        pane::detach(model);
    }
    effects.extend(answer::turn_to_awaited(model));
    effects.extend(notices(model));
    effects
}

/// The outer terminal lost or got back the focus: on return one line names what changed.
pub fn focused(model: &mut Model, focused: bool) {
    model.unfocused = !focused;
    if !focused {
        model.input.away = Some(model.snapshot.clone());
        return;
    }
    let Some(then) = model.input.away.take() else { return };
    let was = |project: &crate::model::ProjectId, slug: &crate::model::Slug| {
        let project = then.projects.iter().find(|it| it.id == *project)?;
        Some(project.tasks.iter().find(|it| it.task.slug == *slug)?.task.state)
    };
    let counts: Vec<String> = [State::Asking, State::Approval, State::Failed, State::Done, State::Merged]
        .into_iter()
        .filter_map(|state| {
            let projects = model.snapshot.projects.iter();
            let tasks = projects.flat_map(|project| project.tasks.iter().map(move |task| (&project.id, &task.task)));
            let new = tasks.filter(|(id, task)| task.state == state && was(id, &task.slug) != Some(state)).count();
            (new > 0).then(|| format!("{new} {}", word(state)))
        })
        .collect();
    if !counts.is_empty() {
        message::news(model, format!("while you were away: {}", counts.join(", ")));
    }
}

const fn word(state: State) -> &'static str {
    match state {
        State::Asking => "asks",
        State::Approval => "review",
        other => other.word(),
    }
}

/// The row whose terminal or diff is on the screen of a terminal that has the focus.
pub fn in_sight(model: &Model) -> Option<RowKey> {
    let hidden = model.unfocused
        || model.modal.is_some()
        || (model.layout.zoomed || pane::is_narrow(model)) && matches!(model.layout.focus, Pane::List | Pane::Monitor)
        || matches!(model.main.tab, Tab::Shell | Tab::Spec | Tab::Pipeline | Tab::Log);
    let unread = Subject::of(model)?.task()?.unread;
    (!hidden && unread).then(|| model.list.selected.clone()).flatten()
}

/// Marks as read what was in sight long enough.
pub fn read(model: &mut Model) -> Vec<Effect> {
    let due = model.input.seen.take_if(|(_, since)| model.now >= *since + READ_AFTER);
    let Some((RowKey::Session(project, session), _)) = due else { return Vec::new() };
    vec![Effect::Ask { request: Request::MarkSeen { project, session }, then: Then::Nothing }]
}

fn selected_is_open(model: &Model) -> bool {
    Subject::of(model).is_some_and(|subject| subject.task().is_none_or(|task| !task.task.state.is_closed()))
}

/// Keys follow the configuration of the project that is selected; what does not hold in it is said once.
fn rebind(model: &mut Model) {
    let Some(config) = chosen::project(model).map(|project| project.config.clone()) else { return };
    if *model.input.keys.config() == config.keys {
        return;
    }
    let (keys, errors) = Keymap::new(&config.keys);
    model.input.keys = keys;
    for error in errors {
        message::error(model, error.to_string());
    }
}

/// A shell that is gone takes its tab with it.
fn keep_shell(model: &mut Model) {
    let live = |model: &Model| {
        let id = model.main.shell.as_ref()?;
        let project = Subject::of(model)?.project();
        project.shells.iter().any(|shell| shell.alive && shell.id == *id).then(|| id.clone())
    };
    let shell = live(model).or_else(|| Subject::of(model)?.shell().map(|shell| shell.id.clone()));
    let gone = model.main.shell.is_some() && live(model).is_none();
    model.main.shell = shell;
    if gone && model.main.tab == Tab::Shell {
        if model.main.attached {
            pane::detach(model);
        }
        pane::show(model, Tab::Terminal);
    }
}

fn shown_alive(model: &Model) -> bool {
    match model.main.tab {
        Tab::Shell => model.main.shell.is_some(),
        _ => Subject::of(model).is_some_and(|subject| subject.alive()),
    }
}

fn notices(model: &mut Model) -> Vec<Effect> {
    let seen = model.messages.seen;
    let fresh: Vec<_> = model.snapshot.notices.iter().filter(|notice| notice.seq > seen).cloned().collect();
    let mut bell = false;
    for notice in fresh {
        model.messages.seen = notice.seq;
        bell |= notice.bell;
        let about = notice.about.clone().map(|(project, session)| RowKey::Session(project, session));
        message::keep(model, notice.kind, &notice.text, notice.at);
        match notice.kind {
            NoticeKind::Error => message::queue(model, notice.text.clone()),
            NoticeKind::News => message::show(model, notice.text.clone(), about),
        }
    }
    if bell { vec![Effect::Bell] } else { Vec::new() }
}
