//! Text that is selected with the mouse or with `v`, to be copied.
//!
//! Invariant: while something of a session's screen is selected, that screen stands still.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use crate::ui::model::{Effect, Model, Pane, Selection, Spot, Tab};
use crate::ui::view::{self, layout};

use super::message;

/// Where a selection goes by keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Rows(isize),
    Columns(isize),
    FirstRow,
    LastRow,
}

/// A pane that holds a session's screen, which moves by itself.
const fn is_terminal(model: &Model, pane: Pane) -> bool {
    matches!((pane, model.main.tab), (Pane::Main, Tab::Terminal | Tab::Shell))
}

/// A button was pressed on text: something may be selected from here on.
pub fn begin(model: &mut Model, pane: Pane, (x, y): (u16, u16)) -> Vec<Effect> {
    let Some(area) = view::text_area(model, pane).filter(|area| area.contains((x, y).into())) else {
        return Vec::new();
    };
    let spot = spot(area, x, y);
    let margin = view::text_margin(model, pane);
    let left = if spot.column >= margin { margin } else { 0 };
    model.main.selection = Some(Selection { pane, from: spot, to: spot, left, drags: true });
    if is_terminal(model, pane) { vec![Effect::HoldTerminal] } else { Vec::new() }
}

/// The mouse moves or its button is let go; none: nothing is being selected.
pub fn drag(model: &mut Model, event: MouseEvent) -> Option<Vec<Effect>> {
    let mut selection = model.main.selection.filter(|selection| selection.drags)?;
    match event.kind {
        MouseEventKind::Drag(MouseButton::Left) => {
            let area = view::text_area(model, selection.pane)?;
            selection.to = spot(area, event.column, event.row);
            model.main.selection = Some(selection);
            Some(Vec::new())
        }
        MouseEventKind::Up(MouseButton::Left) if selection.from == selection.to => Some(clear(model)),
        MouseEventKind::Up(MouseButton::Left) => Some(copy(model)),
        _ => None,
    }
}

/// `v`: from the last row of the screen that is shown; moving makes it larger.
pub fn start(model: &mut Model) -> Vec<Effect> {
    let Some(area) = layout(model).terminal else { return Vec::new() };
    let spot = Spot { row: i64::from(area.height.saturating_sub(1)), column: 0 };
    let end = Spot { column: area.width.saturating_sub(1), ..spot };
    model.main.selection = Some(Selection { pane: Pane::Main, from: end, to: spot, left: 0, drags: false });
    message::news(model, model.input.keys.spell("↑ ↓ ← → select, $copy copies, $escape ends"));
    vec![Effect::HoldTerminal]
}

/// Moves the end of a selection that was made with `v`; beyond the edge the screen scrolls.
pub fn go(model: &mut Model, go: Move) -> Vec<Effect> {
    let (Some(mut selection), Some(area)) = (model.main.selection, layout(model).terminal) else { return Vec::new() };
    let last = i64::from(area.height.saturating_sub(1));
    let Spot { row, column } = selection.to;
    let row = match go {
        Move::Rows(by) => row + by as i64,
        Move::Columns(_) => row,
        Move::FirstRow => 0,
        Move::LastRow => last,
    };
    if let Move::Columns(by) = go {
        selection.to.column = column.saturating_add_signed(by as i16).min(area.width.saturating_sub(1));
    }
    // The screen moves by what goes over its edge, and `scrolled` takes the selection with it.
    selection.to.row = row;
    model.main.selection = Some(selection);
    match row {
        ..0 => vec![Effect::ScrollTerminal(-row)],
        row if row > last => vec![Effect::ScrollTerminal(last - row)],
        _ => Vec::new(),
    }
}

/// The terminal pane was scrolled by `by` lines (up is positive): what is selected moves with its text.
pub fn scrolled(model: &mut Model, by: i64) {
    let Some(area) = layout(model).terminal else { return };
    if let Some(selection) = model.main.selection.as_mut().filter(|it| it.pane == Pane::Main) {
        selection.from.row += by;
        selection.to.row = (selection.to.row + by).clamp(0, i64::from(area.height.saturating_sub(1)));
    }
}

/// Copies what is selected, and is done with it.
pub fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(selection) = model.main.selection else { return Vec::new() };
    let mut effects = vec![Effect::CopySelection(selection)];
    effects.extend(clear(model));
    effects
}

/// Nothing is selected any more.
pub fn clear(model: &mut Model) -> Vec<Effect> {
    let selection = model.main.selection.take();
    let held = selection.is_some_and(|selection| is_terminal(model, selection.pane));
    if held && model.main.search.is_empty() { vec![Effect::ReleaseTerminal] } else { Vec::new() }
}

/// The cell of an area under the pointer, or the one next to it.
fn spot(area: Rect, x: u16, y: u16) -> Spot {
    let within = |at: u16, start: u16, len: u16| at.clamp(start, start + len.saturating_sub(1)) - start;
    Spot { row: within(y, area.y, area.height).into(), column: within(x, area.x, area.width) }
}
