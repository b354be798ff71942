//! Colors of cells, and the palette that color queries are answered from.

use std::fmt::Write as _;

/// The color of a cell's text or ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Color {
    #[default]
    Default,
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The colors that the person really sees: agents ask for them to choose readable ones. The default is xterm's on black.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    pub foreground: Rgb,
    pub background: Rgb,
    pub cursor: Rgb,
    /// The 16 named colors; the other 240 are the same everywhere.
    pub named: [Rgb; 16],
}

impl Palette {
    /// The color of an index: a named one, one of the 6×6×6 cube, or a gray.
    pub fn indexed(&self, index: u8) -> Rgb {
        match index {
            0..=15 => self.named[usize::from(index)],
            16..=231 => {
                let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
                let cube = index - 16;
                Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
            }
            232..=255 => {
                let gray = 8 + 10 * (index - 232);
                Rgb(gray, gray, gray)
            }
        }
    }
}

impl Default for Palette {
    fn default() -> Self {
        Self {
            foreground: Rgb(0xe5, 0xe5, 0xe5),
            background: Rgb(0, 0, 0),
            cursor: Rgb(0xe5, 0xe5, 0xe5),
            named: [
                Rgb(0x00, 0x00, 0x00),
                Rgb(0xcd, 0x00, 0x00),
                Rgb(0x00, 0xcd, 0x00),
                Rgb(0xcd, 0xcd, 0x00),
                Rgb(0x00, 0x00, 0xee),
                Rgb(0xcd, 0x00, 0xcd),
                Rgb(0x00, 0xcd, 0xcd),
                Rgb(0xe5, 0xe5, 0xe5),
                Rgb(0x7f, 0x7f, 0x7f),
                Rgb(0xff, 0x00, 0x00),
                Rgb(0x00, 0xff, 0x00),
                Rgb(0xff, 0xff, 0x00),
                Rgb(0x5c, 0x5c, 0xff),
                Rgb(0xff, 0x00, 0xff),
                Rgb(0x00, 0xff, 0xff),
                Rgb(0xff, 0xff, 0xff),
            ],
        }
    }
}

impl Rgb {
    /// The X11 form that color queries are answered in: `rgb:hhhh/hhhh/hhhh`.
    pub(super) fn x11(self) -> String {
        let mut text = String::with_capacity(18);
        for (channel, mark) in [(self.0, ':'), (self.1, '/'), (self.2, '/')] {
            write!(text, "{mark}{channel:02x}{channel:02x}").expect("invariant: a String takes every write");
        }
        format!("rgb{text}")
    }
}

impl From<vt100::Color> for Color {
    fn from(color: vt100::Color) -> Self {
        match color {
            vt100::Color::Default => Self::Default,
            vt100::Color::Idx(index) => Self::Indexed(index),
            vt100::Color::Rgb(red, green, blue) => Self::Rgb(red, green, blue),
        }
    }
}

impl From<Color> for ratatui::style::Color {
    fn from(color: Color) -> Self {
        match color {
            Color::Default => Self::Reset,
            Color::Indexed(index) => Self::Indexed(index),
            Color::Rgb(red, green, blue) => Self::Rgb(red, green, blue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cube_and_the_grays_are_xterms() {
        let palette = Palette::default();
        assert_eq!(palette.indexed(16), Rgb(0, 0, 0));
        assert_eq!(palette.indexed(67), Rgb(95, 135, 175));
        assert_eq!(palette.indexed(231), Rgb(255, 255, 255));
        assert_eq!(palette.indexed(232), Rgb(8, 8, 8));
        assert_eq!(palette.indexed(255), Rgb(238, 238, 238));
    }

    #[test]
    fn a_color_is_told_with_four_digits_a_channel() {
        assert_eq!(Rgb(0x1a, 0, 0xff).x11(), "rgb:1a1a/0000/ffff");
    }
}
