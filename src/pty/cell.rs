//! One cell of a mirrored screen: text, style, width.
//!
//! Invariant: the text holds no control and no bidirectional formatting character, so a cell can't move the cursor or
//! reorder its neighbors on whatever terminal it is painted.

use ratatui::style::{Modifier, Style as RatatuiStyle};

use super::color::Color;

/// The attributes of a cell, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attributes(u8);

/// How a cell is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Style {
    pub foreground: Color,
    pub background: Color,
    pub attributes: Attributes,
}

/// Columns that a cell takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Width {
    #[default]
    Narrow,
    Wide,
    /// The right half of the wide cell to its left; it has no text.
    Continuation,
}

/// One cell: 32 bytes, nothing on the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    text: [u8; Cell::CAPACITY],
    len: u8,
    width: Width,
    style: Style,
}

impl Attributes {
    pub const BOLD: Self = Self(1);
    pub const DIM: Self = Self(2);
    pub const ITALIC: Self = Self(4);
    pub const UNDERLINE: Self = Self(8);
    pub const INVERSE: Self = Self(16);

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn with_if(self, other: Self, on: bool) -> Self {
        if on { self.with(other) } else { self }
    }
}

impl Style {
    pub(super) fn of_cell(cell: &vt100::Cell) -> Self {
        Self {
            foreground: cell.fgcolor().into(),
            background: cell.bgcolor().into(),
            attributes: Attributes::default()
                .with_if(Attributes::BOLD, cell.bold())
                .with_if(Attributes::DIM, cell.dim())
                .with_if(Attributes::ITALIC, cell.italic())
                .with_if(Attributes::UNDERLINE, cell.underline())
                .with_if(Attributes::INVERSE, cell.inverse()),
        }
    }

    /// The style that new text gets.
    pub(super) fn of_pen(screen: &vt100::Screen) -> Self {
        Self {
            foreground: screen.fgcolor().into(),
            background: screen.bgcolor().into(),
            attributes: Attributes::default()
                .with_if(Attributes::BOLD, screen.bold())
                .with_if(Attributes::DIM, screen.dim())
                .with_if(Attributes::ITALIC, screen.italic())
                .with_if(Attributes::UNDERLINE, screen.underline())
                .with_if(Attributes::INVERSE, screen.inverse()),
        }
    }
}

impl Cell {
    /// Bytes of text that a cell holds.
    pub const CAPACITY: usize = 21;

    /// A cell of `text`; what doesn't fit is cut at a character, control and bidirectional characters are left out.
    pub fn new(text: &str, width: Width, style: Style) -> Self {
        let mut cell = Self { text: [0; Self::CAPACITY], len: 0, width, style };
        for c in text.chars().filter(|&c| is_printable(c)) {
            let end = usize::from(cell.len) + c.len_utf8();
            if end > Self::CAPACITY {
                break;
            }
            c.encode_utf8(&mut cell.text[usize::from(cell.len)..]);
            cell.len = end as u8;
        }
        cell
    }

    /// The text; empty in a blank cell and in a continuation.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.len)])
            .expect("invariant: a cell is filled with whole characters")
    }

    pub const fn width(&self) -> Width {
        self.width
    }

    pub const fn style(&self) -> Style {
        self.style
    }

    /// A copy of the cell of the parser. At the right edge (`last_column`) a wide character has no room and becomes blank.
    pub(super) fn mirror(cell: &vt100::Cell, last_column: bool) -> Self {
        let style = Style::of_cell(cell);
        let width = match (cell.is_wide(), cell.is_wide_continuation()) {
            (true, _) if last_column => return Self { style, ..Self::default() },
            (true, _) => Width::Wide,
            (false, true) => return Self { width: Width::Continuation, style, ..Self::default() },
            (false, false) => Width::Narrow,
        };
        match cell.contents().as_bytes() {
            &[byte] => {
                let mut text = [0; Self::CAPACITY];
                text[0] = byte;
                Self { text, len: 1, width, style }
            }
            [] => Self { style, ..Self::default() },
            _ => Self::new(cell.contents(), width, style),
        }
    }

    pub(super) fn push_mark(&mut self, mark: char) {
        let end = usize::from(self.len) + mark.len_utf8();
        if end <= Self::CAPACITY && is_printable(mark) {
            mark.encode_utf8(&mut self.text[usize::from(self.len)..]);
            self.len = end as u8;
        }
    }

    pub(super) fn set_width(&mut self, width: Width) {
        self.width = width;
    }
}

impl tui_term::widget::Cell for Cell {
    fn has_contents(&self) -> bool {
        self.len > 0
    }

    fn apply(&self, cell: &mut ratatui::buffer::Cell) {
        if self.len > 0 {
            cell.set_symbol(self.text());
        }
        cell.set_style(RatatuiStyle::from(self.style));
    }
}

impl From<Style> for RatatuiStyle {
    fn from(style: Style) -> Self {
        let modifiers = [
            (Attributes::BOLD, Modifier::BOLD),
            (Attributes::DIM, Modifier::DIM),
            (Attributes::ITALIC, Modifier::ITALIC),
            (Attributes::UNDERLINE, Modifier::UNDERLINED),
            (Attributes::INVERSE, Modifier::REVERSED),
        ];
        let modifier = modifiers
            .into_iter()
            .filter(|&(attribute, _)| style.attributes.contains(attribute))
            .fold(Modifier::empty(), |all, (_, modifier)| all | modifier);
        Self::reset().fg(style.foreground.into()).bg(style.background.into()).add_modifier(modifier)
    }
}

fn is_printable(c: char) -> bool {
    let bidirectional =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !bidirectional && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_small_and_holds_no_hostile_character() {
        assert_eq!(size_of::<Cell>(), 32);
        let cell = Cell::new("a\x1b\u{9b}\u{202e}\u{301}", Width::Narrow, Style::default());
        assert_eq!(cell.text(), "a\u{301}");
        let long = Cell::new(&"\u{301}".repeat(40), Width::Narrow, Style::default());
        assert_eq!(long.text().len(), 20);
    }
}
