//! The selection: which row, which comes next, and what a new selection asks for.
//!
//! Invariant: the selection is a task, not a row number; rows keep their order while keys are pressed.

use crate::model::Request;
use crate::ui::model::{Effect, Model, RowKey, Tab, Then};
use crate::ui::row::{self, Subject};
use crate::ui::view;

use super::message;

/// Selects a row: the diff of its session is watched, the main pane shows it live.
pub fn select(model: &mut Model, key: RowKey) -> Vec<Effect> {
    if model.list.selected.as_ref() == Some(&key) {
        return Vec::new();
    }
    model.list.roams = false;
    let previous = model.list.selected.replace(key.clone());
    if matches!(previous, Some(RowKey::Session(..))) {
        model.list.previous = previous;
    }
    model.main.attached = false;
    model.main.scrolled = 0;
    model.main.new_lines = 0;
    model.main.offset = 0;
    model.main.marked = None;
    model.main.search.clear();
    model.main.selection = None;
    model.main.shell = Subject::of(model).and_then(|subject| subject.shell()).map(|shell| shell.id.clone());
    if !view::tabs(model).contains(&model.main.tab) {
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
    row::keys(&model.snapshot, &model.list, model.now)
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
    let key = view::visible_rows(model).get(n).cloned();
    if let Some(key) = key {
        return select(model, key);
    }
    message::news(model, format!("there is no row {}", n + 1));
    Vec::new()
}

/// The next session that needs a person, or the one that the message line speaks of (`w goes there`).
pub fn next_needy(model: &mut Model, direction: Direction) -> Vec<Effect> {
    let needy = row::needing(&model.snapshot);
    let named = model.messages.news.as_ref().and_then(|news| news.about.clone());
    let at = model.list.selected.as_ref().and_then(|key| needy.iter().position(|it| it == key));
    let key = match (direction, at) {
        (Direction::Forward, _)
            if named.as_ref().is_some_and(|key| needy.contains(key) && Some(key) != model.list.selected.as_ref()) =>
        {
            named
        }
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

/// Selects a row wherever it is: unfolds its project, and takes away what hides it.
pub fn reveal(model: &mut Model, key: RowKey) -> Vec<Effect> {
    model.list.scope.take_if(|scope| scope != key.project());
    if let RowKey::Session(project, _) = &key {
        model.list.folded.remove(project);
    }
    unfold_above(model, &key);
    if !model.list.filter.is_empty() && !keys(model).contains(&key) {
        model.list.filter.clear();
    }
    select(model, key)
}

/// A row that was folded away comes into sight.
fn unfold_above(model: &mut Model, key: &RowKey) {
    let Some(mut subject) = Subject::find(&model.snapshot, key) else { return };
    // As deep as tasks can lie, and no circle.
    for _ in 0..subject.project().tasks.len() {
        let Some(parent) = row::parent(&subject) else { return };
        model.list.folded_tasks.remove(&parent.key());
        subject = parent;
    }
}

/// `←`: folds the subtasks of the selection, goes from a subtask to its parent, or folds the project.
pub fn leftward(model: &mut Model) -> Vec<Effect> {
    let Some(subject) = Subject::of(model) else { return Vec::new() };
    let key = subject.key();
    if row::has_children(&subject) && !model.list.folded_tasks.contains(&key) {
        model.list.folded_tasks.insert(key);
        return Vec::new();
    }
    match row::parent(&subject).map(|parent| parent.key()).filter(|key| keys(model).contains(key)) {
        Some(parent) => select(model, parent),
        None => fold(model, Fold::Close),
    }
}

/// `→`: unfolds the subtasks of the selection; false: they are not folded.
pub fn unfold(model: &mut Model) -> bool {
    model.list.selected.as_ref().is_some_and(|key| model.list.folded_tasks.remove(key))
}

/// Back to the session that was selected before.
pub fn last(model: &mut Model) -> Vec<Effect> {
    model.list.previous.clone().map_or_else(Vec::new, |key| reveal(model, key))
}

/// Folds or unfolds the project of the selection; folded, the selection is the project itself.
pub fn fold(model: &mut Model, fold: Fold) -> Vec<Effect> {
    let Some(id) = Subject::of(model).map(|subject| subject.project().id.clone()) else { return Vec::new() };
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

/// Narrows the list to the project of the selection, or shows all projects again.
pub fn scope(model: &mut Model) -> Vec<Effect> {
    if model.list.scope.take().is_some() {
        message::news(model, "all projects are shown");
        return Vec::new();
    }
    let Some((id, name)) = Subject::of(model).map(|it| (it.project().id.clone(), it.project().name.clone())) else {
        return Vec::new();
    };
    model.list.scope = Some(id);
    message::news(model, format!("only {name} is shown; scope shows all projects again"));
    Vec::new()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    Open,
    Close,
    Toggle,
}

/// A key was pressed: no row moves for a while.
pub fn hold_still(model: &mut Model) {
    if model.list.last_key_at.is_none_or(|at| model.now >= at + row::HOLD) {
        settle(model);
    }
    model.list.last_key_at = Some(model.now);
    model.list.roams = false;
}

/// Where the selection stands on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOnScreen {
    selected: Option<RowKey>,
    height: Option<u16>,
}

pub fn place_of(model: &Model) -> PlaceOnScreen {
    PlaceOnScreen { selected: model.list.selected.clone(), height: view::height_of_selected(model) }
}

/// Rows that moved take the list with them: the selection keeps its height on the screen. A new selection scrolls the
/// list just as far as it needs.
pub fn stay(model: &mut Model, before: &PlaceOnScreen) {
    let same = before.selected == model.list.selected && !model.list.roams;
    if let Some(offset) = view::list_offset(model, 0, before.height.filter(|_| same)) {
        model.list.offset = offset;
    }
}

/// Scrolls the list by lines; the selection stays where it is, in sight or not.
pub fn scroll(model: &mut Model, by: isize) {
    model.list.roams = true;
    if let Some(offset) = view::list_offset(model, by, None) {
        model.list.offset = offset;
    }
}

/// Rows take the order that the state asks for.
pub fn settle(model: &mut Model) {
    row::settle(&model.snapshot, &mut model.list);
}

/// Keeps the selection on something that exists: the row that took the place of one that is gone.
pub fn keep_selected(model: &mut Model, before: &[RowKey]) -> Vec<Effect> {
    if Subject::of(model).is_some() {
        return Vec::new();
    }
    if model.list.selected.is_some() {
        let effects = hand_over(model, before);
        if !effects.is_empty() || Subject::of(model).is_some() {
            return effects;
        }
    }
    first(model)
}

/// The first selection: the session that the program was started in, else the first one of that project, else of any.
fn first(model: &mut Model) -> Vec<Effect> {
    let opened = model.snapshot.opened.clone();
    if let Some(opened) = &opened {
        model.list.folded.remove(&opened.project);
        model.list.scope.take_if(|scope| *scope != opened.project);
    }
    let keys = keys(model);
    let is_session = |key: &&RowKey| matches!(key, RowKey::Session(..));
    let here = |key: &&RowKey| opened.as_ref().is_some_and(|opened| *key.project() == opened.project);
    let asked = opened.as_ref().and_then(|it| Some(RowKey::Session(it.project.clone(), it.session.clone()?)));
    let key = asked.as_ref().and_then(|asked| keys.iter().find(|key| *key == asked));
    let key = key.or_else(|| keys.iter().filter(here).find(is_session)).or_else(|| keys.iter().find(here));
    let Some(key) = key.or_else(|| keys.iter().find(is_session)).or(keys.first()).cloned() else {
        model.list.selected = None;
        return Vec::new();
    };
    select(model, key)
}

/// The selected row is gone or went to the closed ones: the nearest session is selected. Where there is none, a closed row
/// stays selected.
pub fn hand_over(model: &mut Model, before: &[RowKey]) -> Vec<Effect> {
    let heir = model.list.selected.as_ref().and_then(|key| row::heir(key, before, &keys(model)));
    heir.map_or_else(Vec::new, |key| select(model, key))
}

fn place(model: &Model, keys: &[RowKey]) -> Option<usize> {
    let selected = model.list.selected.as_ref()?;
    keys.iter().position(|key| key == selected)
}
