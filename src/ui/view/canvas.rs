//! Writing on the cells of a buffer.
//!
//! Invariants: nothing is written outside the area that is given, whatever the text; a wide character is never halved.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::ui::glyph::Signs;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};

/// A buffer with the theme to draw in.
pub struct Canvas<'a> {
    pub buf: &'a mut Buffer,
    pub theme: &'a Theme,
}

/// A place in a row that moves on with what is written.
pub struct Pen<'c, 'a> {
    canvas: &'c mut Canvas<'a>,
    x: u16,
    y: u16,
    /// First column that it must not touch.
    end: u16,
    /// Columns of text still to pass over (sideways scrolling).
    skip: usize,
    /// Columns passed and written, for tab stops.
    column: usize,
}

impl<'a> Canvas<'a> {
    pub const fn new(buf: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buf, theme }
    }

    pub fn area(&self) -> Rect {
        self.buf.area
    }

    pub fn signs(&self) -> &'static Signs {
        self.theme.signs
    }

    pub const fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Starts at the left of the first row of `area`.
    pub fn pen(&mut self, area: Rect) -> Pen<'_, 'a> {
        let area = area.intersection(self.buf.area);
        // An area without rows gives a pen without room.
        let end = if area.height == 0 { area.x } else { area.right() };
        Pen { canvas: self, x: area.x, y: area.y, end, skip: 0, column: 0 }
    }

    /// Writes from the left of the first row of `area`.
    pub fn put(&mut self, area: Rect, text: &str, style: Style) {
        self.pen(area).put(text, style);
    }

    /// Writes so that the text ends at the right of the first row of `area`; its end is lost when it does not fit.
    pub fn put_right(&mut self, area: Rect, text: &str, style: Style) {
        let width = text::width(text).min(area.width.into()) as u16;
        self.put(Rect { x: area.right() - width, width, ..area }, text, style);
    }

    pub fn fill(&mut self, area: Rect, sign: &str, style: Style) {
        let area = area.intersection(self.buf.area);
        for position in area.positions() {
            self.buf[position].set_symbol(sign).set_style(style);
        }
    }

    /// Adds a style to what is there.
    pub fn tint(&mut self, area: Rect, style: Style) {
        self.buf.set_style(area, style);
    }

    pub fn bold(&mut self, area: Rect) {
        self.tint(area, Style::new().add_modifier(Modifier::BOLD));
    }
}

impl Pen<'_, '_> {
    /// Passes over the first `columns` of what is written from here on.
    pub fn skip(&mut self, columns: usize) {
        self.skip = columns;
        self.column = 0;
    }

    /// True: nothing more fits into the row.
    pub fn is_full(&self) -> bool {
        self.x >= self.end
    }

    pub fn put(&mut self, text: &str, style: Style) -> &mut Self {
        for (piece, width) in text::cells(text, self.canvas.theme.signs) {
            if !self.cell(piece, width, style) {
                break;
            }
        }
        self
    }

    /// Writes a line of code: tabs go to the next stop of four columns.
    pub fn put_code(&mut self, text: &str, style: Style) {
        for (at, part) in text.split('\t').enumerate() {
            if at > 0 {
                for _ in 0..4 - self.column % 4 {
                    self.cell(" ", 1, style);
                }
            }
            if self.is_full() {
                return;
            }
            self.put(part, style);
        }
    }

    /// Moves right by `columns`.
    pub fn advance(&mut self, columns: usize) -> &mut Self {
        self.x = self.x.saturating_add(columns.min(usize::from(u16::MAX)) as u16).min(self.end);
        self
    }

    fn cell(&mut self, piece: &str, width: usize, style: Style) -> bool {
        self.column += width;
        if self.skip > 0 {
            let passed = width.min(self.skip);
            self.skip -= passed;
            // Half of a wide character is left: a blank stands for it.
            return width == passed || self.cell_here(" ", 1, style);
        }
        self.cell_here(piece, width, style)
    }

    fn cell_here(&mut self, piece: &str, width: usize, style: Style) -> bool {
        if usize::from(self.x) + width > usize::from(self.end) {
            self.x = self.end;
            return false;
        }
        self.canvas.buf[(self.x, self.y)].set_symbol(piece).set_style(style);
        for x in self.x + 1..self.x + width as u16 {
            self.canvas.buf[(x, self.y)].reset();
        }
        self.x += width as u16;
        true
    }
}
