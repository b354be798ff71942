//! Laying a line of text and SGR out in rows of cells.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::cell::{Cell, Style, Width};
use super::sgr;

/// A place in a line, with the style in force there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reflow {
    offset: u32,
    style: Style,
}

impl Reflow {
    /// Bytes from the start of the line.
    pub(super) const fn offset(&self) -> usize {
        self.offset as usize
    }

    /// Lays out one row of at most `width` columns and moves behind it. Tells whether the line goes on.
    pub(super) fn next_row(&mut self, line: &str, width: u16, mut put: impl FnMut(Cell)) -> bool {
        let mut columns = 0;
        let mut last: Option<Cell> = None;
        let mut rest = &line[self.offset()..];
        while let Some(c) = rest.chars().next() {
            if c == '\x1b' {
                let end = rest.find('m').map_or(rest.len(), |end| end + 1);
                let params = rest[..end].trim_start_matches("\x1b[").trim_end_matches('m');
                self.style = sgr::applied(self.style, params.as_bytes());
                rest = &rest[end..];
                continue;
            }
            let cell_width = c.width().unwrap_or(1).min(2) as u16;
            if cell_width == 0 {
                if let Some(cell) = &mut last {
                    columns += widen(cell, c, width - columns);
                }
            } else {
                // A row takes one character at least, or a narrow width would never end.
                if columns > 0 && columns + cell_width > width {
                    self.offset = (line.len() - rest.len()) as u32;
                    flush(last, &mut put);
                    return true;
                }
                flush(last, &mut put);
                let mut text = [0; 4];
                let width = if cell_width == 2 { Width::Wide } else { Width::Narrow };
                last = Some(Cell::new(c.encode_utf8(&mut text), width, self.style));
                columns += cell_width;
            }
            rest = &rest[c.len_utf8()..];
        }
        flush(last, &mut put);
        self.offset = line.len() as u32;
        false
    }
}

/// Adds a mark to a cell; an emoji variation selector makes it wide where there is room. Returns the columns it grew by.
fn widen(cell: &mut Cell, mark: char, room: u16) -> u16 {
    cell.push_mark(mark);
    let grows = mark == '\u{fe0f}' && cell.width() == Width::Narrow && cell.text().width() > 1 && room > 0;
    if grows {
        cell.set_width(Width::Wide);
    }
    u16::from(grows)
}

fn flush(cell: Option<Cell>, put: &mut impl FnMut(Cell)) {
    if let Some(cell) = cell {
        put(cell);
        if cell.width() == Width::Wide {
            put(Cell::new("", Width::Continuation, cell.style()));
        }
    }
}
