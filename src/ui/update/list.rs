//! The selection: which row, which comes next, and what a new selection asks for.
//!
//! Invariant: the selection is a task, not a row number; rows keep their order while keys are pressed.

use crate::model::{Activity, Request, SessionId, State, TaskView};
use crate::ui::model::{Effect, Model, RowKey, Tab, Then};

use super::chosen::Chosen;
use super::message;

/// Selects a row: the diff of its session is watched, the main pane shows it live.
pub fn select(model: &mut Model, key: RowKey) -> Vec<Effect> {
    if model.list.selected.as_ref() == Some(&key) {
        return Vec::new();
    }
    let previous = model.list.selected.replace(key.clone());
    if matches!(previous, Some(RowKey::Session(..))) {
        model.list.previous = previous;
    }
    model.main.attached = false;
    model.main.scrolled = 0;
    model.main.new_lines = 0;
    model.main.offset = 0;
    model.main.shell = Chosen::of(model).and_then(|chosen| chosen.shell()).map(|shell| shell.id.clone());
    if model.main.tab == Tab::Shell && model.main.shell.is_none() {
        model.main.tab = Tab::Terminal;
    }
    watch(key)
}

fn watch(key: RowKey) -> Vec<Effect> {
    let RowKey::Session(project, session) = key else { return Vec::new() };
    vec![Effect::Ask { request: Request::Watch { project, session }, then: Then::Nothing }]
}

/// The rows that can be selected, top to bottom, as the list shows them.
pub fn keys(model: &Model) -> Vec<RowKey> {
    rows(model)
}

/// Moves the selection by `by` rows, stopping at the ends.
pub fn step(model: &mut Model, by: isize) -> Vec<Effect> {
    let keys = keys(model);
    let Some(last) = keys.len().checked_sub(1) else { return Vec::new() };
    let to = place(model, &keys).map_or(0, |at| at.saturating_add_signed(by).min(last));
    select(model, keys[to].clone())
}

/// Selects the first or the last row that is a session.
pub fn end(model: &mut Model, end: End) -> Vec<Effect> {
    let keys = keys(model);
    let key = match end {
        End::First => keys.first(),
        End::Last => keys.last(),
    };
    key.cloned().map_or_else(Vec::new, |key| select(model, key))
}

/// An end of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    First,
    Last,
}

/// Selects the nth row on the screen, from 0.
pub fn nth(model: &mut Model, n: usize) -> Vec<Effect> {
    let key = keys(model).get(model.list.offset..).and_then(|keys| keys.get(n).cloned());
    key.map_or_else(
        || {
            message::news(model, format!("there is no row {}", n + 1));
            Vec::new()
        },
        |key| select(model, key),
    )
}

/// The next session that needs a person, or the one that the message line speaks of (`w goes there`).
pub fn next_needy(model: &mut Model, direction: Direction) -> Vec<Effect> {
    let needy: Vec<RowKey> = needy(model).collect();
    let named = model.messages.news.as_ref().and_then(|news| news.about.clone());
    let at = model.list.selected.as_ref().and_then(|key| needy.iter().position(|it| it == key));
    let key = match (direction, at) {
        (Direction::Forward, _) if named.as_ref().is_some_and(|key| needy.contains(key) && Some(key) != model.list.selected.as_ref()) => named,
        (Direction::Forward, None) => needy.first().cloned(),
        (Direction::Forward, Some(at)) => needy.get((at + 1) % needy.len()).cloned(),
        (Direction::Back, None) => needy.last().cloned(),
        (Direction::Back, Some(at)) => needy.get((at + needy.len() - 1) % needy.len()).cloned(),
    };
    if key.is_some() && key == model.list.selected {
        message::news(model, "no other session needs you");
    }
    key.map_or_else(Vec::new, |key| reveal(model, key))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Back,
}

/// Selects a row wherever it is: unfolds its project and clears a filter that hides it.
pub fn reveal(model: &mut Model, key: RowKey) -> Vec<Effect> {
    if let RowKey::Session(project, _) = &key {
        model.list.folded.remove(project);
    }
    if !model.list.filter.is_empty() && !keys(model).contains(&key) {
        model.list.filter.clear();
    }
    select(model, key)
}

/// Back to the session that was selected before.
pub fn last(model: &mut Model) -> Vec<Effect> {
    model.list.previous.clone().map_or_else(Vec::new, |key| reveal(model, key))
}

/// Folds or unfolds the project of the selection; folded, the selection is the project itself.
pub fn fold(model: &mut Model, fold: Fold) -> Vec<Effect> {
    let Some(id) = Chosen::of(model).map(|chosen| chosen.project().id.clone()) else { return Vec::new() };
    let folded = model.list.folded.contains(&id);
    match fold {
        Fold::Open | Fold::Toggle if folded => {
            model.list.folded.remove(&id);
            Vec::new()
        }
        Fold::Close | Fold::Toggle if !folded => {
            model.list.folded.insert(id.clone());
            select(model, RowKey::Project(id))
        }
        _ => Vec::new(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    Open,
    Close,
    Toggle,
}

/// A key was pressed: no row moves for a while.
pub fn hold_still(model: &mut Model) {
    if model.list.last_key_at.is_none() {
        settle(model);
    }
    model.list.last_key_at = Some(model.now);
}

/// Rows take the order that the state asks for.
pub fn settle(model: &mut Model) {
    model.list.order.clear();
    model.list.order = keys(model);
}

/// Keeps the selection on something that exists: the row that took the place of one that is gone or closed.
pub fn keep_selected(model: &mut Model, before: &[RowKey]) -> Vec<Effect> {
    if Chosen::of(model).is_some() {
        return Vec::new();
    }
    let keys = keys(model);
    let gone = model.list.selected.as_ref().and_then(|key| before.iter().position(|it| it == key));
    let first = keys.iter().position(|key| matches!(key, RowKey::Session(..))).unwrap_or(0);
    let at = gone.unwrap_or(first).min(keys.len().saturating_sub(1));
    match keys.get(at).cloned() {
        Some(key) => select(model, key),
        None => {
            model.list.selected = None;
            Vec::new()
        }
    }
}

/// The selected row went to the closed ones: the row that took its place is selected.
pub fn hand_over(model: &mut Model, before: &[RowKey]) -> Vec<Effect> {
    let selected = model.list.selected.clone();
    let at = before.iter().position(|key| Some(key) == selected.as_ref());
    let keys: Vec<RowKey> = keys(model).into_iter().filter(|key| Some(key) != selected.as_ref()).collect();
    let heir = at.and_then(|at| {
        let below = before[at + 1..].iter().chain(before[..at].iter().rev());
        below.filter(|key| matches!(key, RowKey::Session(..))).find(|key| keys.contains(key))
    });
    heir.cloned().map_or_else(Vec::new, |key| select(model, key))
}

/// The sessions that need a person, in the order in which `w` visits them: those that ask, then approvals, failed and
/// paused ones, those at rest, and unread ones.
pub fn needy(model: &Model) -> impl Iterator<Item = RowKey> + use<> {
    let mut needy: Vec<(u8, RowKey)> = Vec::new();
    for project in &model.snapshot.projects {
        let row = |id: SessionId| RowKey::Session(project.id.clone(), id);
        let designer = project.designer.as_ref().filter(|it| it.alive && matches!(it.activity, Activity::Asking { .. }));
        needy.extend(designer.map(|_| (0, row(SessionId::main()))));
        needy.extend(project.tasks.iter().filter_map(|task| Some((rank(task)?, row(task.task.session_id())))));
    }
    needy.sort_by_key(|(rank, _)| *rank);
    needy.into_iter().map(|(_, key)| key)
}

/// The place of a task among those that need a person; none: it does not.
fn rank(task: &TaskView) -> Option<u8> {
    match task.task.state {
        State::Asking => Some(0),
        State::Approval => Some(1),
        State::Failed => Some(2),
        State::Paused => Some(3),
        State::Quiet => Some(4),
        State::Gating | State::Working if task.same_failures >= 3 => Some(2),
        State::Done if task.unread => Some(5),
        _ => None,
    }
}

fn place(model: &Model, keys: &[RowKey]) -> Option<usize> {
    let selected = model.list.selected.as_ref()?;
    keys.iter().position(|key| key == selected)
}

fn rows(model: &Model) -> Vec<RowKey> {
    let mut keys = Vec::new();
    for project in &model.snapshot.projects {
        keys.push(RowKey::Project(project.id.clone()));
        if !model.list.folded.contains(&project.id) {
            keys.push(RowKey::Session(project.id.clone(), SessionId::main()));
            keys.extend(project.tasks.iter().map(|task| RowKey::Session(project.id.clone(), task.task.session_id())));
        }
    }
    keys
}
