//! The mouse: the wheel scrolls what is under it, a click selects, a double click attaches.
//!
//! A drag within a pane selects its text; letting go copies it.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::SignedDuration;

use crate::ui::command::{Command, TABLE};
use crate::ui::model::{Effect, Model, Pane, RowKey, Tab};
use crate::ui::view::{Hit, layout};

use super::{act, diff, list, message, pane, pipeline, selection};

/// Lines that one notch of the wheel moves.
const NOTCH: isize = 3;
/// Two clicks on one row within this time attach.
const DOUBLE: SignedDuration = SignedDuration::from_millis(400);

pub fn take(model: &mut Model, event: MouseEvent, hit: Option<Hit>) -> Vec<Effect> {
    if model.modal.is_some() || event.modifiers.contains(KeyModifiers::SHIFT) {
        return Vec::new();
    }
    if let Some(effects) = selection::drag(model, event) {
        return effects;
    }
    if let (true, Some(Hit::Pane(Pane::Main))) = (model.main.attached, &hit) {
        return forward(model, event);
    }
    match event.kind {
        MouseEventKind::ScrollUp => wheel(model, hit.as_ref(), -NOTCH),
        MouseEventKind::ScrollDown => wheel(model, hit.as_ref(), NOTCH),
        MouseEventKind::Down(MouseButton::Left) => click(model, hit, (event.column, event.row)),
        MouseEventKind::Drag(MouseButton::Left) if model.input.drags_divider => {
            pane::set_width(model, event.column);
            Vec::new()
        }
        MouseEventKind::Up(_) => {
            model.input.drags_divider = false;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// The session that is attached did not ask for the mouse: its text can be selected.
pub fn unused(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => selection::begin(model, Pane::Main, (event.column, event.row)),
        _ => Vec::new(),
    }
}

/// To the session, in cells of its own screen.
fn forward(model: &Model, event: MouseEvent) -> Vec<Effect> {
    let Some(area) = layout(model).terminal else { return Vec::new() };
    let inside = area.contains((event.column, event.row).into());
    let (column, row) = (event.column.saturating_sub(area.x), event.row.saturating_sub(area.y));
    if inside { vec![Effect::Mouse(MouseEvent { column, row, ..event })] } else { Vec::new() }
}

fn wheel(model: &mut Model, hit: Option<&Hit>, by: isize) -> Vec<Effect> {
    match hit {
        Some(Hit::Pane(Pane::Main)) if matches!(model.main.tab, Tab::Terminal | Tab::Shell) => {
            vec![Effect::ScrollTerminal(-(by as i64))]
        }
        Some(Hit::Pane(Pane::Main)) if model.main.tab == Tab::Pipeline => {
            pipeline::step(model, by);
            Vec::new()
        }
        Some(Hit::Pane(Pane::Main)) if model.main.tab != Tab::Diff => {
            act::scroll_page(model, by);
            Vec::new()
        }
        Some(Hit::Pane(Pane::Diff | Pane::Main)) => {
            diff::step(model, by);
            Vec::new()
        }
        Some(Hit::ListRow(_) | Hit::Pane(Pane::List)) => {
            list::scroll(model, by);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn click(model: &mut Model, hit: Option<Hit>, at: (u16, u16)) -> Vec<Effect> {
    model.main.selection = None;
    if model.main.attached {
        pane::detach(model);
    }
    match hit {
        Some(Hit::ListRow(row)) => select(model, row),
        Some(Hit::Tab(tab)) => {
            pane::show(model, tab);
            model.layout.focus = Pane::Main;
            Vec::new()
        }
        Some(Hit::Divider) => {
            model.input.drags_divider = true;
            Vec::new()
        }
        Some(Hit::Pane(pane)) => {
            model.layout.focus = pane;
            selection::begin(model, pane, at)
        }
        Some(Hit::Footer(name)) => {
            TABLE.iter().find(|entry| entry.name == name).map_or_else(Vec::new, |entry| run(model, entry.command))
        }
        None => Vec::new(),
    }
}

fn select(model: &mut Model, row: RowKey) -> Vec<Effect> {
    let now = model.now;
    let twice = model.input.clicked.take().is_some_and(|(at, last)| last == row && now <= at + DOUBLE);
    model.layout.focus = Pane::List;
    list::hold_still(model);
    let mut effects = list::select(model, row.clone());
    if twice {
        effects.extend(run(model, Command::Attach));
    } else {
        model.input.clicked = Some((now, row));
    }
    effects
}

fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    match command.applies(model) {
        Ok(()) => act::run(model, command, 0),
        Err(reason) => {
            message::news(model, reason);
            Vec::new()
        }
    }
}
