//! The filter in front of the parser: it cuts output into text and whole sequences, adds what vt100 lacks by rewriting, and
//! keeps from it all that is unknown, endless or a trap.
//!
//! Invariants: the parser behind gets whole sequences and whole characters only, so it always stands in its ground state;
//! no more than `STRING_CAP` bytes are held; output that needs no help is passed as slices of the input, uncopied; the
//! result does not depend on how the output was cut into pieces.

use memchr::{memchr, memchr2, memchr3};
use serde::{Deserialize, Serialize};

use super::charset::{Charsets, line_drawing};
use super::csi::{self, Csi};
use super::modes::Tracked;
use super::reply::Query;
use super::signal::Signal;
use crate::model::Size;

/// Longest OSC that is kept, in bytes: enough for a clipboard of 96 KB.
const STRING_CAP: usize = 128 * 1024;
/// Longest control sequence that is kept.
pub(super) const SEQUENCE_CAP: usize = 256;

pub(super) const ESC: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const VARIATION_16: &[u8] = "\u{fe0f}".as_bytes();

/// What a piece of output can change, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// No cell.
    Nothing,
    /// Cells of the cursor's row.
    Row,
    /// Printable text: at most one column a byte, from the cursor on.
    Text,
    /// No cell but when the screen scrolls, which shows by the cursor's row staying where it was.
    Feed,
    Everything,
}

/// What stands behind the filter.
pub(super) trait Sink {
    /// Takes whole sequences or text.
    fn pass(&mut self, bytes: &[u8], effect: Effect);
    /// Whether pieces should come one by one with their effects; else they are joined.
    fn detailed(&self) -> bool;
    /// Row and column from zero; a cursor that waits to wrap is right of the last column.
    fn cursor(&self) -> (u16, u16);
    fn size(&self) -> Size;
    fn alternate(&self) -> bool;
    /// A query arrived; `tracked` are the modes at this point.
    fn query(&mut self, query: Query, tracked: &Tracked);
    fn signal(&mut self, signal: Signal);
}

/// The filter of one screen.
#[derive(Debug, Default)]
pub(super) struct Filter {
    stage: Stage,
    /// The unfinished sequence without its introducer, or the unfinished character.
    pending: Vec<u8>,
    pub(super) memory: Memory,
}

/// What the filter remembers between sequences: a part of every checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) tracked: Tracked,
    charsets: Charsets,
    saved_charsets: Charsets,
    pub(super) repeat: Repeat,
}

/// Which character `REP` repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) enum Repeat {
    /// The one that the parser printed last.
    #[default]
    Parsers,
    /// This one: the parser was restored, and what it printed last was a part of that.
    Restored(Option<char>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Ground,
    Character,
    Escape,
    Intermediate,
    Control,
    /// A control sequence beyond the cap: dropped up to its end.
    LongControl,
    Osc,
    OscEscape,
    /// An OSC beyond the cap.
    LongOsc,
    /// DCS, APC, PM, SOS: nothing in them is for us.
    Skipped,
}

impl Filter {
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory, ..Self::default() }
    }

    /// Whether no sequence and no character is unfinished.
    pub(super) fn is_ground(&self) -> bool {
        self.stage == Stage::Ground
    }

    /// Bytes held between pieces.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.pending.capacity()
    }

    /// Takes output of any cut.
    pub(super) fn advance(&mut self, mut bytes: &[u8], sink: &mut impl Sink) {
        while let Some(&byte) = bytes.first() {
            let used = match self.stage {
                Stage::Ground => self.ground(bytes, sink),
                Stage::Character => self.character(bytes, sink),
                Stage::Osc | Stage::LongOsc => self.osc(bytes, sink),
                Stage::Skipped => self.skipped(bytes),
                Stage::OscEscape => usize::from(self.osc_escape(byte, sink)),
                Stage::Escape | Stage::Intermediate | Stage::Control | Stage::LongControl => {
                    self.sequence_byte(byte, sink);
                    1
                }
            };
            bytes = &bytes[used..];
        }
    }

    /// Text and whole sequences; returns the bytes used.
    fn ground(&mut self, bytes: &[u8], sink: &mut impl Sink) -> usize {
        let mut window = Window { bytes, start: 0, end: 0, sink };
        while window.end < bytes.len() {
            let at = window.end;
            let stop = memchr3(ESC, SHIFT_OUT, SHIFT_IN, &bytes[at..]).map_or(bytes.len(), |length| at + length);
            if at < stop {
                self.text(&mut window, stop);
                continue;
            }
            if bytes[at] != ESC {
                window.skip(at + 1);
                self.memory.charsets.shift(bytes[at] == SHIFT_OUT);
            } else if let Some(csi) = Csi::at(bytes, at) {
                let end = at + csi.length();
                if csi.blanks(window.sink.size().rows) && bytes[..at].ends_with(&bytes[at..end]) {
                    // Ten bytes blank ten thousand cells; a program that repeats them means no more by it.
                    window.skip(end);
                } else if let Some(effect) = csi.passes() {
                    window.take(end, effect);
                } else {
                    window.flush();
                    csi::execute(&mut self.memory, &csi, window.sink);
                    window.skip(end);
                }
            } else {
                window.flush();
                self.enter(Stage::Escape);
                return at + 1;
            }
        }
        window.flush();
        bytes.len()
    }

    /// A run of text without ESC, SO and SI, up to `stop`.
    fn text<S: Sink>(&mut self, window: &mut Window<'_, S>, stop: usize) {
        let whole = stop - unfinished(&window.bytes[window.end..stop]);
        let run = &window.bytes[window.end..whole];
        if self.memory.repeat != Repeat::Parsers && run.iter().any(|&byte| byte >= b' ' && byte != 0x7f) {
            self.memory.repeat = Repeat::Parsers;
        }
        if self.memory.charsets.draws_lines() {
            let drawn = line_drawing(run);
            window.skip(whole);
            let mut translated = Window { bytes: &drawn, start: 0, end: 0, sink: &mut *window.sink };
            translated.take_text(drawn.len());
            translated.flush();
        } else {
            window.take_text(whole);
        }
        if whole < stop {
            // At the end of the piece the character goes on; before a control it never will, and is dropped.
            if stop == window.bytes.len() {
                self.pending.clear();
                self.pending.extend_from_slice(&window.bytes[whole..]);
                self.stage = Stage::Character;
            }
            window.skip(stop);
        }
    }

    /// The rest of a character that was cut.
    fn character(&mut self, bytes: &[u8], sink: &mut impl Sink) -> usize {
        let missing = character_length(self.pending[0]) - self.pending.len();
        let rest = bytes.iter().take(missing).take_while(|&&byte| (0x80..0xc0).contains(&byte)).count();
        self.pending.extend_from_slice(&bytes[..rest]);
        if rest == missing {
            self.stage = Stage::Ground;
            let character = std::mem::take(&mut self.pending);
            self.ground(&character, sink);
            self.pending = character;
        } else if rest < bytes.len() {
            self.stage = Stage::Ground;
        }
        rest
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.pending.clear();
    }

    /// One byte of a sequence that is rare, or was cut.
    fn sequence_byte(&mut self, byte: u8, sink: &mut impl Sink) {
        match (self.stage, byte) {
            (_, CANCEL | SUBSTITUTE) => self.enter(Stage::Ground),
            (_, ESC) => self.enter(Stage::Escape),
            (_, SHIFT_OUT | SHIFT_IN) => self.memory.charsets.shift(byte == SHIFT_OUT),
            // Control characters inside a sequence act at once.
            (_, 0..0x20) => sink.pass(&[byte], Effect::Everything),
            (_, 0x7f..) | (Stage::Intermediate | Stage::LongControl, 0x20..0x30) | (Stage::LongControl, 0x30..0x40) => {
            }
            (Stage::Escape, b'[') => self.enter(Stage::Control),
            (Stage::Escape, b']') => self.enter(Stage::Osc),
            (Stage::Escape, b'P' | b'X' | b'^' | b'_') => self.enter(Stage::Skipped),
            (Stage::Escape, 0x20..0x30) => {
                self.pending.push(byte);
                self.stage = Stage::Intermediate;
            }
            (Stage::Escape, _) => {
                self.enter(Stage::Ground);
                self.escape(byte, sink);
            }
            (Stage::Intermediate, _) => {
                self.memory.charsets.designate(self.pending[0], byte);
                self.enter(Stage::Ground);
            }
            (Stage::Control, 0x20..0x40) if self.pending.len() < SEQUENCE_CAP => self.pending.push(byte),
            (Stage::Control, 0x20..0x40) => self.stage = Stage::LongControl,
            (Stage::Control, _) => {
                let body = std::mem::take(&mut self.pending);
                self.stage = Stage::Ground;
                self.control(&Csi::new(&body, byte), sink);
                self.pending = body;
            }
            _ => self.enter(Stage::Ground),
        }
    }

    fn control(&mut self, csi: &Csi<'_>, sink: &mut impl Sink) {
        match csi.passes() {
            Some(effect) => sink.pass(&csi.to_bytes(), effect),
            None => csi::execute(&mut self.memory, csi, sink),
        }
    }

    /// A whole `ESC x`.
    fn escape(&mut self, byte: u8, sink: &mut impl Sink) {
        match byte {
            b'7' => self.memory.save_cursor(sink),
            b'8' => self.memory.restore_cursor(sink),
            b'=' | b'>' => sink.pass(&[ESC, byte], Effect::Nothing),
            b'M' => sink.pass(b"\x1bM", Effect::Feed),
            b'D' => sink.pass(b"\n", Effect::Feed),
            b'E' => sink.pass(b"\r\n", Effect::Feed),
            b'c' => {
                self.memory = Memory::default();
                sink.pass(b"\x1bc", Effect::Everything);
            }
            _ => {}
        }
    }

    /// The inside of an OSC, up to its terminator.
    fn osc(&mut self, bytes: &[u8], sink: &mut impl Sink) -> usize {
        let end = bytes.iter().position(|byte| matches!(*byte, 0x07 | ESC | CANCEL | SUBSTITUTE));
        let inside = &bytes[..end.unwrap_or(bytes.len())];
        if self.stage == Stage::Osc && self.pending.len() + inside.len() <= STRING_CAP {
            self.pending.extend_from_slice(inside);
        } else {
            self.stage = Stage::LongOsc;
            self.pending = Vec::new();
        }
        let Some(end) = end else { return bytes.len() };
        match bytes[end] {
            0x07 => self.osc_done(sink),
            ESC => self.stage = if self.stage == Stage::Osc { Stage::OscEscape } else { Stage::Escape },
            _ => self.enter(Stage::Ground),
        }
        end + 1
    }

    /// The byte after ESC inside an OSC: `\` ends it, any other begins a sequence and discards it. Tells whether the byte
    /// was used.
    fn osc_escape(&mut self, byte: u8, sink: &mut impl Sink) -> bool {
        let terminated = byte == b'\\';
        if terminated {
            self.osc_done(sink);
        } else {
            self.enter(Stage::Escape);
        }
        terminated
    }

    fn osc_done(&mut self, sink: &mut impl Sink) {
        let body = std::mem::take(&mut self.pending);
        if self.stage != Stage::LongOsc {
            for query in Query::from_osc(&body) {
                sink.query(query, &self.memory.tracked);
            }
            if let Some(signal) = Signal::from_osc(&body) {
                sink.signal(signal);
            }
        }
        self.stage = Stage::Ground;
        if body.capacity() <= SEQUENCE_CAP {
            self.pending = body;
        }
        self.pending.clear();
    }

    fn skipped(&mut self, bytes: &[u8]) -> usize {
        let Some(end) = memchr3(ESC, CANCEL, SUBSTITUTE, bytes) else { return bytes.len() };
        self.enter(if bytes[end] == ESC { Stage::Escape } else { Stage::Ground });
        end + 1
    }
}

impl Memory {
    /// DECSC, with the character sets that the parser does not know.
    pub(super) fn save_cursor(&mut self, sink: &mut impl Sink) {
        self.save_charsets();
        sink.pass(b"\x1b7", Effect::Nothing);
    }

    /// DECRC.
    pub(super) fn restore_cursor(&mut self, sink: &mut impl Sink) {
        self.restore_charsets();
        sink.pass(b"\x1b8", Effect::Nothing);
    }

    pub(super) fn save_charsets(&mut self) {
        self.saved_charsets = self.charsets;
    }

    pub(super) fn restore_charsets(&mut self) {
        self.charsets = self.saved_charsets;
    }

    pub(super) fn reset_charsets(&mut self) {
        self.charsets = Charsets::default();
        self.saved_charsets = Charsets::default();
    }
}

/// The part of the input that was looked at: `start..end` is not yet passed on.
struct Window<'a, S> {
    bytes: &'a [u8],
    start: usize,
    end: usize,
    sink: &'a mut S,
}

impl<S: Sink> Window<'_, S> {
    /// Extends the window; where detail is wanted, the piece goes out alone.
    fn take(&mut self, end: usize, effect: Effect) {
        if self.sink.detailed() {
            self.flush();
            self.end = end;
            self.pass(effect);
        } else {
            self.end = end;
        }
    }

    fn flush(&mut self) {
        self.pass(Effect::Everything);
    }

    /// Leaves out the bytes up to `to`, after everything before them has gone out.
    fn skip(&mut self, to: usize) {
        self.flush();
        self.start = to;
        self.end = to;
    }

    fn pass(&mut self, effect: Effect) {
        if self.start < self.end {
            self.sink.pass(&self.bytes[self.start..self.end], effect);
            self.start = self.end;
        }
    }

    /// Takes text, but not a variation selector 16 right of the last column: widening a cell that is already at the edge
    /// makes vt100 wrap while it holds a stale row index, and panic.
    fn take_text(&mut self, end: usize) {
        let mut from = self.end;
        while let Some(found) = memchr(VARIATION_16[0], &self.bytes[from..end]) {
            let at = from + found;
            from = at + 1;
            if self.bytes[at..end].starts_with(VARIATION_16) {
                self.take_lines(at);
                self.flush();
                from = at + VARIATION_16.len();
                if self.sink.cursor().1 >= self.sink.size().cols {
                    self.skip(from);
                }
            }
        }
        self.take_lines(end);
    }

    /// Takes text; where detail is wanted, line by line.
    fn take_lines(&mut self, end: usize) {
        while self.end < end && self.sink.detailed() {
            match memchr2(b'\n', b'\r', &self.bytes[self.end..end]) {
                Some(0) if self.bytes[self.end] == b'\n' => self.take(self.end + 1, Effect::Feed),
                Some(0) => self.take(self.end + 1, Effect::Nothing),
                Some(length) => self.take(self.end + length, Effect::Text),
                None => self.take(end, Effect::Text),
            }
        }
        self.end = end.max(self.end);
    }
}

/// How many bytes at the end begin a character and don't finish it.
fn unfinished(text: &[u8]) -> usize {
    let tail = text.iter().rev().take(3).take_while(|&&byte| (0x80..0xc0).contains(&byte)).count();
    match text.len().checked_sub(tail + 1).map(|at| character_length(text[at])) {
        Some(length) if length > tail + 1 => tail + 1,
        _ => 0,
    }
}

/// Bytes of a character by its first; 1 for what can't begin one.
const fn character_length(first: u8) -> usize {
    match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}
