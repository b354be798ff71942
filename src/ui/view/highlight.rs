//! What lies over the text of a pane: hits of a search, and what is selected.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::ui::model::{Model, Pane, Selection, Tab};
use crate::ui::text;
use crate::ui::theme::Role;

use super::canvas::Canvas;
use super::{is_welcome, text_area};

pub fn draw(canvas: &mut Canvas<'_>, model: &Model) {
    if is_welcome(model) {
        return;
    }
    let main = if model.main.tab == Tab::Diff { &model.diff.search } else { &model.main.search };
    for (pane, search) in [(Pane::Main, main), (Pane::Diff, &model.diff.search)] {
        let both = pane == Pane::Diff && super::layout(model).diff.is_none();
        if let Some(area) = text_area(model, pane).filter(|_| !search.is_empty() && !both) {
            hits(canvas, area, search);
        }
    }
    if let Some(selection) = &model.main.selection {
        select(canvas, model, selection);
    }
}

/// Marks each occurrence of `search` in the rows of an area, as they are drawn.
fn hits(canvas: &mut Canvas<'_>, area: Rect, search: &str) {
    let area = area.intersection(canvas.area());
    let style = canvas.style(Role::Attention).add_modifier(Modifier::REVERSED);
    for y in area.y..area.bottom() {
        let (row, columns) = row_text(canvas.buf, Rect { y, height: 1, ..area });
        for range in text::occurrences(&row, search) {
            let last = columns[range.end.min(columns.len()) - 1];
            let x = columns[range.start];
            canvas.tint(Rect { x, y, width: last - x + 1, height: 1 }, style);
        }
    }
}

/// The text of a row, and the column of each of its bytes.
fn row_text(buf: &Buffer, row: Rect) -> (String, Vec<u16>) {
    let mut text = String::new();
    let mut columns = Vec::new();
    let mut x = row.x;
    while x < row.right() {
        let symbol = buf[(x, row.y)].symbol();
        text.push_str(symbol);
        columns.resize(text.len(), x);
        x += text::width(symbol).max(1) as u16;
    }
    (text, columns)
}

fn select(canvas: &mut Canvas<'_>, model: &Model, selection: &Selection) {
    let Some(area) = text_area(model, selection.pane) else { return };
    for row in 0..area.height {
        let columns = selection.columns(row.into(), area.width);
        let taken = Rect { x: area.x + columns.start, y: area.y + row, width: columns.len() as u16, height: 1 };
        canvas.tint(taken.intersection(area), Style::new().add_modifier(Modifier::REVERSED));
    }
}
