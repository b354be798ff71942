//! Scrollback: history replayed into styled lines, re-split at any width.
//!
//! Output is parsed at the sizes it was made for, so that what a program drew comes out as it looked; the rows that left
//! the main screen are joined where they had wrapped and split anew. Rows are made when they are asked for: what is
//! kept is the text and 20 bytes a row.
//!
//! Invariants: nothing of an alternate screen gets in; a line keeps at most `LINE_CAP` bytes; the last lines are the newest.

use std::collections::VecDeque;
use std::fmt;

use memchr::memmem;
use vt100::capture::{BasicFormattedCaptureState, RowContents};

use super::cell::Cell;
use super::emulator::Emulator;
use super::filter::{Effect, Filter, Sink};
use super::grid::text_of;
use super::history::Frame;
use super::modes::Tracked;
use super::reflow::Reflow;
use super::reply::Query;
use super::signal::Signal;
use crate::model::Size;

/// Where a joined line is broken after all, in bytes: a program may never send a line end.
pub(super) const LINE_CAP: usize = 64 * 1024;
/// Rows that a growing screen pulls back, as in the screen that was shown.
const ROWS_ABOVE: usize = 64;
/// `CSI 3 J`: the program wants what left its screen forgotten.
const ERASE_ABOVE: &[u8] = b"\x1b[3J";

/// One row of scrollback at the width it was laid out for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As many as the row has text for; the rest of the width is blank.
    pub cells: Vec<Cell>,
    /// The text without trailing blanks.
    pub text: String,
    /// The next row goes on with the same line.
    pub wrapped: bool,
}

/// The lines that left a session's main screen, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Scrollback {
    /// Text and SGR, each from the default style on.
    lines: Vec<String>,
    /// Where each row begins: its line, and the state of its layout.
    rows: Vec<(u32, Reflow)>,
    width: u16,
}

impl Scrollback {
    /// Replays `frames` (oldest first, from any offset) and keeps the last `lines` lines, laid out at `width` columns
    /// (at least 2). Takes about 30 ms a megabyte of plain log (measured, optimized): hand in the tail of a long history.
    pub fn build(frames: impl IntoIterator<Item = Frame>, width: u16, lines: usize) -> Self {
        let frames: Vec<Frame> = frames.into_iter().collect();
        let grows = frames.iter().filter(|frame| matches!(frame, Frame::Resize { .. })).count() > 1;
        let mut replay = Replay { emulator: Emulator::new(Size::default(), if grows { ROWS_ABOVE } else { 0 }) };
        replay.emulator.callbacks_mut().keep = lines;
        let mut filter = Filter::default();
        let mut late = frames.first().is_some_and(|frame| frame.offset() > 0);
        if late && begins_in_alternate(&frames) {
            replay.emulator.process(b"\x1b[?47h");
        }
        for frame in &frames {
            match frame {
                Frame::Resize { size, .. } => replay.emulator.set_size(*size),
                Frame::Bytes { bytes, .. } => {
                    let start = if late { sound_start(bytes) } else { Some(0) };
                    let Some(start) = start else { continue };
                    late = false;
                    filter.advance(&bytes[start..], &mut replay);
                }
            }
        }
        let mut scrollback = Self { lines: replay.finish(), ..Self::default() };
        scrollback.set_width(width);
        scrollback
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Columns of a row.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Lays all lines out anew at `width` columns, at least 2.
    pub fn set_width(&mut self, width: u16) {
        let width = width.max(2);
        if width == self.width {
            return;
        }
        self.width = width;
        self.rows.clear();
        for (index, line) in self.lines.iter().enumerate() {
            let mut next = Some(Reflow::default());
            while let Some(start) = next {
                self.rows.push((index as u32, start));
                let mut layout = start;
                next = layout.next_row(line, width, |_| {}).then_some(layout);
            }
        }
    }

    /// A row by its number, the oldest being 0.
    pub fn row(&self, row: usize) -> Option<Line> {
        let (line, mut layout) = *self.rows.get(row)?;
        let mut cells = Vec::with_capacity(usize::from(self.width));
        let wrapped = layout.next_row(&self.lines[line as usize], self.width, |cell| cells.push(cell));
        Some(Line { text: text_of(&cells), cells, wrapped })
    }

    /// All rows, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = Line> + '_ {
        (0..self.len()).filter_map(|row| self.row(row))
    }

    /// The rows in which an occurrence of `needle` begins, oldest first. Letters of ASCII match in either case unless the
    /// needle has an upper-case one; a match may go on in the next row.
    pub fn find(&self, needle: &str) -> Vec<usize> {
        if needle.is_empty() {
            return Vec::new();
        }
        let exact = needle.bytes().any(|byte| byte.is_ascii_uppercase());
        let finder = memmem::Finder::new(needle.as_bytes());
        let mut found = Vec::new();
        let mut first = 0;
        for rows in self.rows.chunk_by(|one, other| one.0 == other.0) {
            let mut plain = Plain::of(&self.lines[rows[0].0 as usize]);
            if !exact {
                plain.text.make_ascii_lowercase();
            }
            for at in finder.find_iter(plain.text.as_bytes()) {
                let at = plain.styled_offset(at);
                found.push(first + rows.partition_point(|(_, start)| start.offset() <= at) - 1);
            }
            first += rows.len();
        }
        found.dedup();
        found
    }
}

/// The text of a styled line, and where it was there.
struct Plain {
    text: String,
    /// Plain and styled offset of each piece.
    pieces: Vec<(usize, usize)>,
}

impl Plain {
    fn of(line: &str) -> Self {
        let mut plain = Self { text: String::with_capacity(line.len()), pieces: Vec::new() };
        for (styled, piece) in vt100::capture::basic_formatted_to_plain_indexed(line) {
            plain.pieces.push((plain.text.len(), styled));
            plain.text.push_str(piece);
        }
        plain
    }

    fn styled_offset(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|&(plain, _)| plain <= at).saturating_sub(1);
        self.pieces.get(piece).map_or(0, |&(plain, styled)| styled + at - plain)
    }
}

/// A parser that is fed history.
struct Replay {
    emulator: Emulator<Lines>,
}

/// Hears which rows leave the main screen.
#[derive(Default)]
struct Lines {
    joined: VecDeque<String>,
    /// The capture of the last row: it knows whether that row had wrapped.
    last: Option<BasicFormattedCaptureState>,
    keep: usize,
    /// The rows that leave now are erased by the program.
    erasing: bool,
}

impl Replay {
    /// The lines, with those that wait above the screen.
    fn finish(mut self) -> Vec<String> {
        self.emulator.process(b"\x1b[?47l");
        self.emulator.process(ERASE_ABOVE);
        std::mem::take(&mut self.emulator.callbacks_mut().joined).into()
    }
}

impl Sink for Replay {
    fn pass(&mut self, bytes: &[u8], _effect: Effect) {
        let erases = bytes == ERASE_ABOVE && !self.alternate();
        self.emulator.callbacks_mut().erasing = erases;
        self.emulator.process(bytes);
        if erases {
            let heard = self.emulator.callbacks_mut();
            *heard = Lines { keep: heard.keep, ..Lines::default() };
        }
    }

    fn detailed(&self) -> bool {
        false
    }

    fn cursor(&self) -> (u16, u16) {
        self.emulator.screen().cursor_position()
    }

    fn size(&self) -> Size {
        self.emulator.size()
    }

    fn alternate(&self) -> bool {
        self.emulator.screen().alternate_screen()
    }

    fn query(&mut self, _: Query, _: &Tracked) {}

    fn signal(&mut self, _: Signal) {}
}

impl vt100::Callbacks for Lines {
    fn on_scroll(&mut self, row: RowContents<'_>, alternate: bool) {
        if alternate || self.erasing {
            return;
        }
        let joins = self.last.take().is_some_and(|mut last| {
            // The capture begins with a line end unless the row before had wrapped; the rest of the row is not wanted,
            // and refused.
            let mut first = First(None);
            let _ = row.write_formatted_basic(&mut first, &mut last);
            first.0 != Some('\n')
        });
        match self.joined.back_mut().filter(|line| joins && line.len() < LINE_CAP) {
            Some(line) => line.push_str("\x1b[m"),
            None => self.joined.push_back(String::new()),
        }
        let mut state = BasicFormattedCaptureState::new();
        let line = self.joined.back_mut().expect("invariant: a line was pushed or found");
        row.write_formatted_basic(line, &mut state).expect("invariant: a String takes every write");
        self.last = Some(state);
        if self.joined.len() > self.keep {
            self.joined.pop_front();
        }
    }
}

/// Takes one character and refuses the rest.
struct First(Option<char>);

impl fmt::Write for First {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.or_else(|| text.chars().next());
        if self.0.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Whether history that was cut at its start begins on the alternate screen: then it is left before it is entered.
fn begins_in_alternate(frames: &[Frame]) -> bool {
    let switch = memmem::Finder::new(b"\x1b[?1049");
    let first = frames.iter().find_map(|frame| match frame {
        Frame::Bytes { bytes, .. } => bytes.get(switch.find(bytes)? + switch.needle().len()),
        Frame::Resize { .. } => None,
    });
    first == Some(&b'l')
}

/// Where output that was cut can be parsed from: a sequence, or the start of a line.
fn sound_start(bytes: &[u8]) -> Option<usize> {
    let at = memchr::memchr2(0x1b, b'\n', bytes)?;
    Some(at + usize::from(bytes[at] == b'\n'))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn bytes(offset: u64, text: &str) -> Frame {
        Frame::Bytes { offset, bytes: text.as_bytes().to_vec() }
    }

    fn resize(rows: u16, cols: u16) -> Frame {
        Frame::Resize { offset: 0, size: Size::new(rows, cols) }
    }

    fn lines(count: u32, line: impl Fn(u32) -> String) -> String {
        (0..count).flat_map(|number| [line(number), "\r\n".to_owned()]).collect()
    }

    fn texts(scrollback: &Scrollback) -> Vec<String> {
        scrollback.lines().map(|line| line.text).collect()
    }

    #[test]
    fn rows_that_left_are_joined_and_split_at_another_width() {
        let output = "abcdefghijklmno\r\nshort\r\n\r\n1\r\n2\r\n3\r\n4";
        let mut scrollback = Scrollback::build([resize(4, 10), bytes(1, output)], 10, 100);
        assert_eq!(texts(&scrollback), ["abcdefghij", "klmno", "short", ""]);
        assert!(scrollback.row(0).expect("a row").wrapped && !scrollback.row(1).expect("a row").wrapped);
        scrollback.set_width(40);
        assert_eq!(texts(&scrollback), ["abcdefghijklmno", "short", ""]);
        scrollback.set_width(4);
        assert_eq!(texts(&scrollback), ["abcd", "efgh", "ijkl", "mno", "shor", "t", ""]);
    }

    #[test]
    fn styles_and_wide_characters_survive_a_new_split() {
        let output = "\x1b[1;31mred日本\x1b[44mblue\x1b[m plain⚠️x\r\n\n\n\n";
        let mut scrollback = Scrollback::build([resize(2, 60), bytes(1, output)], 4, 100);
        assert_eq!(texts(&scrollback)[..5], ["red", "日本", "blue", " pla", "in⚠️"].map(str::to_owned));
        let blue = scrollback.row(2).expect("a row").cells[0].style();
        assert_eq!(blue.background, super::super::Color::Indexed(4));
        assert!(blue.attributes.contains(super::super::Attributes::BOLD));
        scrollback.set_width(80);
        let cells = scrollback.row(0).expect("a row").cells;
        assert_eq!(text_of(&cells), "red日本blue plain⚠️x");
        assert_eq!(cells.len(), 20);
    }

    #[test]
    fn the_alternate_screen_and_erased_rows_leave_nothing() {
        let alternate = "a\r\nb\r\nc\r\n\x1b[?1049h1\r\n2\r\n3\r\n4\r\n\x1b[?1049ld\r\n";
        let scrollback = Scrollback::build([resize(2, 10), bytes(1, alternate)], 10, 100);
        assert_eq!(texts(&scrollback), ["a", "b", "c"]);
        let erased = "a\r\nb\r\nc\r\n\x1b[2J\x1b[3J\x1b[Hd\r\ne\r\nf";
        let scrollback = Scrollback::build([resize(2, 10), bytes(1, erased)], 10, 100);
        assert_eq!(texts(&scrollback), ["d"]);
    }

    #[test]
    fn a_history_that_was_cut_starts_at_something_sound() {
        let late = |text: &str| {
            let frames = [Frame::Resize { offset: 900, size: Size::new(2, 20) }, bytes(901, text)];
            texts(&Scrollback::build(frames, 20, 100))
        };
        assert_eq!(late("5;7mhalf a line\r\nwhole\r\n2\r\n3"), ["whole"]);
        assert_eq!(late("x\x1b[Hdrawn\r\n\n\n\x1b[?1049lmain\r\n2\r\n3\r\n"), ["main", "2"]);
    }

    #[test]
    fn rows_that_were_pulled_back_are_told_once() {
        let frames = [resize(2, 10), bytes(1, "1\r\n2\r\n3\r\n4"), resize(4, 10), bytes(11, "\r\n5\r\n6")];
        assert_eq!(texts(&Scrollback::build(frames, 10, 100)), ["1", "2"]);
    }

    #[test]
    fn the_newest_lines_are_kept_and_found() {
        let output = lines(1000, |line| format!("line \x1b[31m{line}\x1b[m of Many"));
        let scrollback = Scrollback::build([resize(10, 40), bytes(1, &output)], 8, 100);
        assert_eq!(scrollback.find("of many").len(), 100);
        assert!(scrollback.find("of mANY").is_empty());
        let found = scrollback.find("line 950 of");
        assert_eq!(scrollback.row(found[0]).expect("a row").text, "line 950");
    }

    #[test]
    fn fault_t4_a_line_without_end_is_bounded() {
        let scrollback = Scrollback::build([resize(5, 80), bytes(1, &"x".repeat(1 << 20))], 80, 100);
        assert!(scrollback.lines.iter().all(|line| line.len() <= LINE_CAP + 200));
        assert!(scrollback.len() > 1000);
    }

    #[test]
    fn ten_thousand_lines_are_cheap() {
        let output = lines(20_000, |line| format!("{line}: some \x1b[32moutput\x1b[m of a build"));
        let start = Instant::now();
        let scrollback = Scrollback::build([resize(50, 200), bytes(1, &output)], 120, 10_000);
        // The limit only tells linear from quadratic.
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
        assert_eq!(scrollback.len(), 10_000);
    }
}
