//! The lines of a session as they come: each once, when its program has begun another line below it.
//!
//! Invariants: what is told, and at which offset, depends on the stream alone and not on how it was cut, so that a reader can go
//! on where another one ended; nothing of an alternate screen is told; what is drawn again in place is not told again, but a
//! screen that was cleared is begun anew.

use super::emulator::Emulator;
use super::filter::{Effect, Filter, Sink};
use super::history::{Frame, Reader};
use super::modes::Tracked;
use super::reply::Query;
use super::scrollback::LINE_CAP;
use super::signal::Signal;
use crate::model::Size;

/// A line that its program has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Without escape sequences; rows that had wrapped are one line.
    pub text: String,
    /// Where in the stream that became known.
    pub offset: u64,
}

/// Follows a session's history from its begin on.
#[derive(Default)]
pub struct Tail {
    filter: Filter,
    page: Page,
    /// How much of the stream was read.
    at: u64,
    /// The cursor's row after the last line end, counted from the begin of the session.
    row: u64,
    /// Rows of a line that goes on in the next one.
    line: String,
    told: Vec<Told>,
}

/// The screen that the stream makes.
struct Page(Emulator<Rows>);

/// Hears which rows leave the main screen. Rows are counted from the begin of the session.
#[derive(Default)]
struct Rows {
    /// How many have left.
    left: u64,
    /// How many were told.
    told: u64,
    /// Those that left before they were told.
    waiting: Vec<Row>,
}

/// The text of a row, and whether its line goes on in the next one.
type Row = (String, bool);

impl Tail {
    /// How much of the stream was read.
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// The program draws on a screen of its own, of which nothing is told.
    pub fn is_alternate(&self) -> bool {
        self.page.alternate()
    }

    /// Reads on from [`Tail::at`], and passes the lines that are complete after each piece of the stream on, oldest first;
    /// ends early when `pass` wants no more.
    pub fn read(&mut self, history: Reader, mut pass: impl FnMut(Vec<Told>) -> bool) {
        if let Some(size) = history.first_size() {
            self.resize(size);
        }
        for frame in history.without_size() {
            match frame {
                Frame::Bytes { offset, bytes } => {
                    self.at = offset;
                    self.feed(&bytes);
                }
                Frame::Resize { offset, size } => {
                    self.resize(size);
                    self.at = offset + 1;
                }
            }
            if !pass(std::mem::take(&mut self.told)) {
                return;
            }
        }
    }

    /// Nothing more comes: what stands on the screen and was not told.
    pub fn finish(mut self) -> Vec<Told> {
        self.page.0.process(b"\x1b[?47l");
        // Beyond all that was read: an earlier end of the same stream has not told it.
        self.at += 1;
        self.catch_up();
        let cursor = self.page.cursor().0;
        if self.page.count(cursor) < self.row && self.page.is_alone(cursor) {
            self.begin_anew();
        }
        let used = (0..self.page.size().rows).rev().find(|&row| !self.page.is_blank(row)).map_or(0, |row| row + 1);
        self.leave(used);
        if !self.line.is_empty() {
            self.add("", false);
        }
        self.told
    }

    fn resize(&mut self, size: Size) {
        if size.clamped() != self.page.size() {
            self.page.0.set_size(size);
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let end = memchr::memchr(b'\n', bytes);
            let (piece, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            self.filter.advance(piece, &mut self.page);
            self.at += piece.len() as u64;
            if end.is_some() && !self.page.alternate() {
                self.end_line();
            }
            bytes = rest;
        }
    }

    /// The cursor went to the next row of the main screen.
    fn end_line(&mut self) {
        self.catch_up();
        let row = self.page.cursor().0;
        if self.page.count(row) <= self.row && row > 0 && self.page.is_alone(row - 1) {
            self.begin_anew();
        }
        self.row = self.page.count(row);
        self.leave(row);
    }

    /// Tells what has left the screen.
    fn catch_up(&mut self) {
        for (text, wrapped) in std::mem::take(&mut self.page.rows_mut().waiting) {
            self.add(&text, wrapped);
        }
    }

    /// The screen was cleared: what stands on it now is new.
    fn begin_anew(&mut self) {
        let rows = self.page.rows_mut();
        rows.told = rows.left;
        self.line.clear();
    }

    /// Tells the rows of the screen above this one.
    fn leave(&mut self, row: u16) {
        let left = self.page.count(0);
        let (told, now) = (self.page.rows_mut().told, left + u64::from(row));
        for row in told..now {
            let (text, wrapped) = self.page.row((row - left) as u16);
            self.add(&text, wrapped);
        }
        self.page.rows_mut().told = told.max(now);
    }

    fn add(&mut self, text: &str, wrapped: bool) {
        self.line.push_str(text);
        if !wrapped || self.line.len() >= LINE_CAP {
            self.told.push(Told { text: std::mem::take(&mut self.line), offset: self.at });
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self(Emulator::new(Size::default(), 0))
    }
}

impl Page {
    fn rows_mut(&mut self) -> &mut Rows {
        self.0.callbacks_mut()
    }

    /// The number of a row of the screen, counted from the begin of the session.
    fn count(&mut self, row: u16) -> u64 {
        self.rows_mut().left + u64::from(row)
    }

    /// Nothing is on the screen but this row.
    fn is_alone(&self, row: u16) -> bool {
        (0..self.size().rows).all(|other| other == row || self.is_blank(other))
    }

    fn row(&self, row: u16) -> Row {
        let screen = self.0.screen();
        let mut text = String::new();
        for cell in (0..self.size().cols).filter_map(|col| screen.cell(row, col)) {
            match cell.contents() {
                _ if cell.is_wide_continuation() => {}
                "" => text.push(' '),
                contents => text.push_str(contents),
            }
        }
        let wrapped = screen.row_wrapped(row);
        if !wrapped {
            text.truncate(text.trim_end_matches(' ').len());
        }
        (text, wrapped)
    }

    fn is_blank(&self, row: u16) -> bool {
        (0..self.size().cols)
            .all(|col| self.0.screen().cell(row, col).is_none_or(|cell| matches!(cell.contents(), "" | " ")))
    }
}

impl Sink for Page {
    fn pass(&mut self, bytes: &[u8], _: Effect) {
        self.0.process(bytes);
    }

    fn detailed(&self) -> bool {
        false
    }

    fn cursor(&self) -> (u16, u16) {
        self.0.screen().cursor_position()
    }

    fn size(&self) -> Size {
        self.0.size()
    }

    fn alternate(&self) -> bool {
        self.0.screen().alternate_screen()
    }

    fn query(&mut self, _: Query, _: &Tracked) {}

    fn signal(&mut self, _: Signal) {}
}

impl vt100::Callbacks for Rows {
    fn on_scroll(&mut self, row: vt100::capture::RowContents<'_>, alternate: bool) {
        if alternate {
            return;
        }
        if self.left >= self.told {
            self.waiting.push(text_of(&row));
            self.told = self.left + 1;
        }
        self.left += 1;
    }
}

fn text_of(row: &vt100::capture::RowContents<'_>) -> Row {
    use vt100::capture::{BasicFormattedCaptureState, basic_formatted_to_plain};
    let (mut styled, mut state) = (String::new(), BasicFormattedCaptureState::new());
    row.write_formatted_basic(&mut styled, &mut state).expect("invariant: a String takes every write");
    // Whether the row had wrapped shows in the begin of what comes after it.
    let mut next = String::new();
    row.write_formatted_basic(&mut next, &mut state).expect("invariant: a String takes every write");
    let wrapped = !next.starts_with('\n');
    let mut text: String = basic_formatted_to_plain(&styled).collect();
    if !wrapped {
        text.truncate(text.trim_end_matches(' ').len());
    }
    (text, wrapped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tail(rows: u16, cols: u16) -> Tail {
        let mut tail = Tail::default();
        tail.resize(Size::new(rows, cols));
        tail
    }

    /// All that is told of a stream that comes in pieces of this many bytes.
    fn told(stream: &str, piece: usize) -> Vec<Told> {
        let mut tail = tail(4, 10);
        stream.as_bytes().chunks(piece).for_each(|bytes| tail.feed(bytes));
        let mut all = std::mem::take(&mut tail.told);
        all.extend(tail.finish());
        all
    }

    fn texts(stream: &str) -> Vec<String> {
        told(stream, usize::MAX).into_iter().map(|told| told.text).collect()
    }

    #[test]
    fn a_line_is_told_once_it_is_left() {
        let mut tail = tail(4, 10);
        tail.feed(b"one\r\ntw");
        assert_eq!(tail.told, [Told { text: "one".into(), offset: 5 }]);
        tail.feed(b"o\r\n\r\nfour");
        assert_eq!(tail.told[1..].iter().map(|told| &*told.text).collect::<Vec<_>>(), ["two", ""]);
        tail.told.clear();
        assert_eq!(tail.finish(), [Told { text: "four".into(), offset: 17 }]);
    }

    #[test]
    fn rows_that_wrapped_and_scrolled_away_are_one_line() {
        let long = "x".repeat(95);
        let stream = format!("a\r\n{long}\r\nb\r\n");
        assert_eq!(texts(&stream), ["a", &long, "b"]);
        assert_eq!(texts("日本日本日本日本\r\n"), ["日本日本日本日本"]);
    }

    #[test]
    fn what_is_drawn_in_place_is_told_as_it_was_left() {
        assert_eq!(texts("10%\r50%\r100%\r\ndone\r\n"), ["100%", "done"]);
        assert_eq!(texts("a\r\nb\r\nc\r\n\x1b[2Ax\r\n\r\nd\r\n"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_cleared_screen_is_begun_anew() {
        assert_eq!(texts("a\r\n\x1b[2J\x1b[Hb\r\nc\r\n\x1b[2J\x1b[Ha\r\n"), ["a", "b", "c", "a"]);
    }

    #[test]
    fn an_alternate_screen_is_left_out() {
        let stream = "a\r\n\x1b[?1049h1\r\n2\r\n3\r\n4\r\n5\r\n\x1b[?1049lb\r\n";
        assert_eq!(texts(stream), ["a", "b"]);
        let mut tail = tail(4, 10);
        tail.feed(&stream.as_bytes()[..20]);
        assert!(tail.is_alternate());
    }

    proptest! {
        #[test]
        fn cuts_of_the_stream_change_nothing(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "text", "\r\n", "long text that wraps", "\x1b[31m", "\x1b[2J\x1b[H", "\x1b[1A", "\r", "日本", "\x1b[?1049h",
                    "\x1b[?1049l", "\n",
                ]),
                0..40,
            ),
            piece in 1_usize..7,
        ) {
            let stream = parts.concat();
            prop_assert_eq!(told(&stream, piece), told(&stream, usize::MAX));
        }
    }
}
