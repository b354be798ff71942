//! Character sets: G0 and G1 as ASCII or DEC special graphics (`ESC ( 0`), which the parser does not know.

use serde::{Deserialize, Serialize};

/// The designated sets, and which of them is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Charsets {
    /// Whether G0 and G1 are line drawing.
    graphics: [bool; 2],
    /// SO chose G1.
    shifted: bool,
}

impl Charsets {
    /// `ESC ( set` and `ESC ) set`.
    pub(super) fn designate(&mut self, intermediate: u8, set: u8) {
        match intermediate {
            b'(' => self.graphics[0] = set == b'0',
            b')' => self.graphics[1] = set == b'0',
            _ => {}
        }
    }

    /// SO (`true`) or SI.
    pub(super) fn shift(&mut self, out: bool) {
        self.shifted = out;
    }

    /// Whether text has to be translated.
    pub(super) const fn draws_lines(self) -> bool {
        self.graphics[self.shifted as usize]
    }
}

/// Text with its line drawing letters as the characters that they stand for.
pub(super) fn line_drawing(text: &[u8]) -> Vec<u8> {
    const GLYPHS: [char; 31] = [
        ' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼', '⎽', '├',
        '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£',
    ];
    let mut drawn = Vec::with_capacity(text.len() * 3);
    for &byte in text {
        match byte {
            0x5f..=0x7d => {
                let mut glyph = [0; 4];
                drawn.extend_from_slice(GLYPHS[usize::from(byte - 0x5f)].encode_utf8(&mut glyph).as_bytes());
            }
            0x7e => drawn.extend_from_slice("·".as_bytes()),
            _ => drawn.push(byte),
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_drawn() {
        assert_eq!(String::from_utf8(line_drawing(b"lqk x mqj tu vw n ~")).expect("utf-8"), "┌─┐ │ └─┘ ├┤ ┴┬ ┼ ·");
    }
}
