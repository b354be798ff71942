//! Queries of programs, and the answers: agents stall or fall back without them.
//!
//! Invariant: an answer holds nothing that the program wrote (no titles, no cells, no clipboard), so none can be made to
//! type a command. Replies end with ST.

use std::fmt::Write as _;

use super::color::{Palette, Rgb};
use super::modes::Tracked;
use crate::model::Size;

/// What is known of the terminal that the person sits at; queries are answered from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outer {
    pub palette: Palette,
    /// Whether kitty keys are really sent to programs: only then is the protocol offered to them.
    pub kitty_keys: bool,
    /// Width and height of a cell in pixels.
    pub cell_pixels: (u16, u16),
}

/// A question to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Query {
    /// DA1. Agents use it as a fence: its answer comes after those to all earlier questions.
    PrimaryAttributes,
    /// DA2.
    SecondaryAttributes,
    /// DSR 5.
    Status,
    /// DSR 6, or DECXCPR.
    Cursor {
        private: bool,
    },
    /// XTVERSION.
    Version,
    /// DECRQM.
    Mode {
        private: bool,
        number: u16,
    },
    /// The flags of the kitty keyboard.
    Kitty,
    /// XTWINOPS 14, 16 and 18.
    ScreenPixels,
    CellPixels,
    ScreenCells,
    /// OSC 4.
    Indexed(u8),
    /// OSC 10, 11, 12.
    Foreground,
    Background,
    CursorColor,
    /// OSC 7501: is program status understood?
    ProgramStatus,
}

/// What answers are made from.
pub(super) struct Knowledge<'a> {
    pub(super) screen: &'a vt100::Screen,
    pub(super) tracked: &'a Tracked,
    pub(super) outer: &'a Outer,
    pub(super) size: Size,
}

impl Default for Outer {
    fn default() -> Self {
        Self { palette: Palette::default(), kitty_keys: false, cell_pixels: (8, 16) }
    }
}

impl Query {
    /// The questions in one OSC, whose `body` is what stands before its terminator.
    pub(super) fn from_osc(body: &[u8]) -> Vec<Self> {
        let mut fields = body.split(|&byte| byte == b';');
        match fields.next() {
            Some(b"7501") if body == b"7501;?" => vec![Self::ProgramStatus],
            Some(b"4") => {
                let mut asked = Vec::new();
                while let (Some(index), Some(value)) = (fields.next(), fields.next()) {
                    let index = std::str::from_utf8(index).ok().and_then(|index| index.parse().ok());
                    asked.extend(index.filter(|_| value == b"?").map(Self::Indexed));
                }
                asked
            }
            // Further values belong to the following numbers.
            Some(first @ (b"10" | b"11" | b"12")) => [Self::Foreground, Self::Background, Self::CursorColor]
                .into_iter()
                .skip(usize::from(first[1] - b'0'))
                .zip(fields)
                .filter_map(|(query, value)| (value == b"?").then_some(query))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The answer where it depends on nothing: a shim without a screen gives the same.
    pub(super) const fn fixed(self) -> Option<&'static str> {
        match self {
            Self::PrimaryAttributes => Some("\x1b[?62;22;52c"),
            Self::SecondaryAttributes => Some("\x1b[>1;10;0c"),
            Self::Status => Some("\x1b[0n"),
            Self::Version => Some(concat!("\x1bP>|orchestra ", env!("CARGO_PKG_VERSION"), "\x1b\\")),
            Self::ProgramStatus => Some("\x1b]7501;?\x1b\\"),
            _ => None,
        }
    }

    /// The answer; empty where silence is the answer.
    pub(super) fn answer(self, known: &Knowledge<'_>) -> String {
        let Size { rows, cols } = known.size;
        let (width, height) = known.outer.cell_pixels;
        let palette = &known.outer.palette;
        match self {
            Self::PrimaryAttributes
            | Self::SecondaryAttributes
            | Self::Status
            | Self::Version
            | Self::ProgramStatus => self.fixed().unwrap_or_default().into(),
            Self::Cursor { private } => {
                let (row, col) = known.screen.cursor_position();
                format!("\x1b[{}{};{}R", if private { "?" } else { "" }, row + 1, col.min(cols - 1) + 1)
            }
            Self::Mode { private: false, number } => format!("\x1b[{number};0$y"),
            Self::Mode { private: true, number } => format!("\x1b[?{number};{}$y", mode_report(number, known)),
            Self::Kitty if known.outer.kitty_keys => {
                format!("\x1b[?{}u", known.tracked.kitty(known.screen.alternate_screen()).flags())
            }
            Self::Kitty => String::new(),
            Self::ScreenPixels => {
                format!("\x1b[4;{};{}t", u32::from(rows) * u32::from(height), u32::from(cols) * u32::from(width))
            }
            Self::CellPixels => format!("\x1b[6;{height};{width}t"),
            Self::ScreenCells => format!("\x1b[8;{rows};{cols}t"),
            Self::Indexed(index) => color_report(&format!("4;{index}"), palette.indexed(index)),
            Self::Foreground => color_report("10", palette.foreground),
            Self::Background => color_report("11", palette.background),
            Self::CursorColor => color_report("12", palette.cursor),
        }
    }
}

/// The report of a color, as OSC `what` asks for it.
pub(super) fn color_report(what: &str, color: Rgb) -> String {
    let mut report = format!("\x1b]{what};{}", color.x11());
    write!(report, "\x1b\\").expect("invariant: a String takes every write");
    report
}

/// DECRPM: 1 set, 2 reset, 3 always set, 0 unknown.
fn mode_report(number: u16, known: &Knowledge<'_>) -> u8 {
    use vt100::{MouseProtocolEncoding as Encoding, MouseProtocolMode as Mouse};
    let screen = known.screen;
    let set = match number {
        1 => screen.application_cursor(),
        7 => return 3,
        9 => screen.mouse_protocol_mode() == Mouse::Press,
        25 => !screen.hide_cursor(),
        47 | 1047 | 1049 => screen.alternate_screen(),
        1000 => screen.mouse_protocol_mode() == Mouse::PressRelease,
        1002 => screen.mouse_protocol_mode() == Mouse::ButtonMotion,
        1003 => screen.mouse_protocol_mode() == Mouse::AnyMotion,
        1004 => known.tracked.focus,
        1005 => screen.mouse_protocol_encoding() == Encoding::Utf8,
        1006 => screen.mouse_protocol_encoding() == Encoding::Sgr,
        1007 => known.tracked.alternate_scroll,
        2004 => screen.bracketed_paste(),
        2026 => known.tracked.synchronized,
        _ => return 0,
    };
    if set { 1 } else { 2 }
}
