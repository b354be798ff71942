//! Our mirror of a screen: what the widget shows and the fast painter paints, without touching the parser.
//!
//! Invariants: there are `rows * cols` cells; a row's generation grows whenever a cell of it changes; a wide cell is
//! followed by its continuation.

use super::cell::{Cell, Style, Width};
use super::modes::CursorShape;
use super::sgr;
use crate::model::Size;

/// A copy of what a screen shows.
#[derive(Debug, Clone)]
pub struct Grid {
    size: Size,
    cells: Vec<Cell>,
    row_generations: Vec<u64>,
    generation: u64,
    cursor: Cursor,
    title: String,
    /// Which state of which screen was copied last.
    pub(super) source: Option<Source>,
}

/// Where the cursor stands, zero-based, and how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    pub row: u16,
    /// Always a real column: a cursor that waits to wrap stands on the last one.
    pub col: u16,
    pub visible: bool,
    pub shape: CursorShape,
}

/// A state of a screen: which screen, and its generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) screen: u64,
    pub(super) generation: u64,
}

impl Grid {
    /// A blank grid; the size is clamped to 2×2.
    pub fn new(size: Size) -> Self {
        let size = size.clamped();
        Self {
            size,
            cells: vec![Cell::default(); usize::from(size.rows) * usize::from(size.cols)],
            row_generations: vec![0; usize::from(size.rows)],
            generation: 0,
            cursor: Cursor::default(),
            title: String::new(),
            source: None,
        }
    }

    pub const fn size(&self) -> Size {
        self.size
    }

    /// Grows with every copy that changed a cell, the cursor or the title.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The generation in which the row changed last; 0 for a row outside.
    pub fn row_generation(&self, row: u16) -> u64 {
        self.row_generations.get(usize::from(row)).copied().unwrap_or(0)
    }

    /// The rows that changed after `generation`, from the top.
    pub fn dirty_rows(&self, generation: u64) -> impl Iterator<Item = u16> + '_ {
        (0..self.size.rows).filter(move |&row| self.row_generation(row) > generation)
    }

    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    /// The cells of a row, from the left; empty for a row outside.
    pub fn row(&self, row: u16) -> &[Cell] {
        let cols = usize::from(self.size.cols);
        self.cells.chunks_exact(cols).nth(usize::from(row)).unwrap_or(&[])
    }

    /// The text of a row without its trailing blanks.
    pub fn row_text(&self, row: u16) -> String {
        text_of(self.row(row))
    }

    /// Appends the first `cols` columns of a row as text and SGR, nothing else; a wide character that the edge cuts is
    /// blank. The outer terminal's style must be the default before, and is so after.
    pub fn write_row(&self, row: u16, cols: u16, out: &mut Vec<u8>) {
        let cells = self.row(row);
        let shown = &cells[..cells.len().min(cols.into())];
        match shown.split_last() {
            Some((last, whole)) if last.width() == Width::Wide => {
                write_cells(whole, out);
                out.push(b' ');
            }
            _ => write_cells(shown, out),
        }
    }

    pub(super) fn resize(&mut self, size: Size) {
        if size != self.size {
            let generation = self.generation + 1;
            *self = Self { generation, title: std::mem::take(&mut self.title), ..Self::new(size) };
            self.row_generations.fill(generation);
        }
    }

    pub(super) fn set_cursor(&mut self, cursor: Cursor) {
        self.generation += u64::from(self.cursor != cursor);
        self.cursor = cursor;
    }

    pub(super) fn set_title(&mut self, title: &str) {
        if self.title != title {
            title.clone_into(&mut self.title);
            self.generation += 1;
        }
    }

    /// Replaces a row by `cells`, and marks it when one of them differs.
    pub(super) fn fill_row(&mut self, row: u16, cells: impl Iterator<Item = Cell>) {
        let cols = usize::from(self.size.cols);
        let start = usize::from(row) * cols;
        let mut changed = false;
        for (old, new) in self.cells[start..start + cols].iter_mut().zip(cells) {
            if *old != new {
                *old = new;
                changed = true;
            }
        }
        if changed {
            self.generation += 1;
            self.row_generations[usize::from(row)] = self.generation;
        }
    }
}

impl tui_term::widget::Screen for Grid {
    type C = Cell;

    fn cell(&self, row: u16, col: u16) -> Option<&Cell> {
        let inside = row < self.size.rows && col < self.size.cols;
        inside.then(|| &self.cells[usize::from(row) * usize::from(self.size.cols) + usize::from(col)])
    }

    fn hide_cursor(&self) -> bool {
        !self.cursor.visible
    }

    fn cursor_position(&self) -> (u16, u16) {
        (self.cursor.row, self.cursor.col)
    }

    fn cursor_shape(&self) -> tui_term::widget::CursorShape {
        self.cursor.shape.into()
    }
}

/// The text of cells without trailing blanks.
pub(super) fn text_of(cells: &[Cell]) -> String {
    let mut text = String::with_capacity(cells.len());
    for cell in cells.iter().filter(|cell| cell.width() != Width::Continuation) {
        text.push_str(if cell.text().is_empty() { " " } else { cell.text() });
    }
    text.truncate(text.trim_end_matches(' ').len());
    text
}

/// Appends cells as text and SGR, from the default style back to it.
pub(super) fn write_cells(cells: &[Cell], out: &mut Vec<u8>) {
    let mut style = Style::default();
    for cell in cells.iter().filter(|cell| cell.width() != Width::Continuation) {
        sgr::write_change(out, style, cell.style());
        style = cell.style();
        out.extend_from_slice(if cell.text().is_empty() { b" " } else { cell.text().as_bytes() });
    }
    sgr::write_change(out, style, Style::default());
}
