//! Checkpoints: the whole state of a screen as bytes, and back.
//!
//! vt100 can be written to by output only, and shows no more than its visible grid. So a copy of it is asked by sequences
//! whose effect shows (where does the cursor go in origin mode? where after DECRC?), and the answer to "how did it get
//! here" is a stream of output that brings a blank parser into the same state: both grids with their wrapped lines, scroll
//! regions, origin modes, saved cursors, pen, modes, and a cursor that waits to wrap.
//!
//! Invariant: a parser that was fed the stream can't be told from the original by any further output.

use serde::{Deserialize, Serialize};

use super::cell::Style;
use super::emulator::Emulator;
use super::filter::Memory;
use super::grid::write_cells;
use super::screen::ScreenError;
use super::scrollback::Line;
use super::sgr;
use crate::model::Size;

const VERSION: u32 = 1;

/// What a checkpoint holds beside the stream; one line of JSON before it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    version: u32,
    pub(super) size: Size,
    pub(super) title: String,
    pub(super) memory: Memory,
}

/// The state of a parser.
pub(super) struct Image {
    /// Output that leads to it.
    pub(super) stream: Vec<u8>,
    /// The character that the original printed last, for `REP`.
    pub(super) last_printed: Option<char>,
}

impl Header {
    pub(super) fn new(size: Size, title: &str, memory: Memory) -> Self {
        Self { version: VERSION, size, title: title.to_owned(), memory }
    }

    /// The bytes of a checkpoint.
    pub(super) fn encode(&self, stream: &[u8]) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("invariant: a header has string keys only");
        bytes.push(b'\n');
        bytes.extend_from_slice(stream);
        bytes
    }

    /// The header and the stream of a checkpoint.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), ScreenError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let damaged = |error: &serde_json::Error| ScreenError::Damaged(error.to_string());
        let line = memchr::memchr(b'\n', bytes).ok_or_else(|| ScreenError::Damaged("it has no header".into()))?;
        let Versioned { version } = serde_json::from_slice(&bytes[..line]).map_err(|error| damaged(&error))?;
        if version != VERSION {
            return Err(ScreenError::Version(version));
        }
        let header = serde_json::from_slice(&bytes[..line]).map_err(|error| damaged(&error))?;
        Ok((header, &bytes[line + 1..]))
    }
}

impl Image {
    /// The state of a parser; `None` in the rare states that no output leads to (the cursor waits to wrap on a screen whose
    /// rows all hold text but none at the edge).
    pub(super) fn of(screen: &vt100::Screen) -> Option<Self> {
        let (mut probe, mut second) = (copy(screen), copy(screen));
        let mut stream = Vec::new();
        let alternate_shown = screen.alternate_screen();
        for alternate in [false, true] {
            let switch: &[u8] = if alternate { b"\x1b[?47h" } else { b"\x1b[?47l" };
            probe.process(switch);
            second.process(switch);
            let facts = Facts::read(&mut probe, &mut second)?;
            if !alternate {
                facts.write(&mut stream);
            } else if alternate_shown || !facts.is_blank() {
                stream.extend_from_slice(switch);
                facts.write(&mut stream);
                if !alternate_shown {
                    stream.extend_from_slice(b"\x1b[?47l");
                }
            }
        }
        sgr::write_change(&mut stream, Style::default(), Style::of_pen(screen));
        stream.extend_from_slice(screen.input_mode_formatted().as_bytes());
        stream.extend_from_slice(if screen.hide_cursor() { b"\x1b[?25l" } else { b"\x1b[?25h" });
        second.process(b"\x1b[?6l\x1b[r\x1b[m\x1b[2J\x1b[H\x1b[b");
        let last_printed = second.screen().cell(0, 0).and_then(|cell| cell.contents().chars().next());
        Some(Self { stream, last_printed })
    }

    /// A parser in the state that a stream leads to; `None` if the stream breaks it.
    pub(super) fn replay<C: vt100::Callbacks + Default>(size: Size, stream: &[u8]) -> Option<Emulator<C>> {
        let mut emulator = Emulator::new(size, 0);
        emulator.process(stream);
        (!emulator.take_panicked()).then_some(emulator)
    }

    /// The state after growing to `size` with `above` pulled back onto the top of the main screen.
    pub(super) fn grown(&self, from: Size, size: Size, above: &[Line]) -> Option<Self> {
        let mut emulator = Emulator::<()>::new(from, above.len());
        emulator.process(&rows_above_stream(above));
        emulator.process(&self.stream);
        emulator.set_size(size);
        let grown = (!emulator.take_panicked()).then(|| Self::of(emulator.screen()))??;
        Some(Self { last_printed: self.last_printed, ..grown })
    }
}

/// All there is to know of one grid. The pen is the default before and after each of its streams.
struct Facts {
    rows: Vec<u8>,
    /// The way to the cursor's place.
    cursor: Vec<u8>,
    home: bool,
    origin: bool,
    /// First and last row, and whether they are the whole screen.
    region: (u16, u16),
    full_region: bool,
    saved: Saved,
    cols: u16,
}

struct Saved {
    position: (u16, u16),
    origin: bool,
    pen: Style,
}

impl Facts {
    /// Reads the active grid. Both copies show the same; each question spoils the one that is asked.
    fn read(probe: &mut Emulator<()>, second: &mut Emulator<()>) -> Option<Self> {
        let Size { rows, cols } = probe.size();
        let position = probe.screen().cursor_position();
        let cursor = cursor_stream(probe.screen(), position)?;
        let drawn = rows_stream(probe.screen());
        let origin = is_origin(second);
        probe.process(b"\x1b[?6h");
        let top = probe.screen().cursor_position().0;
        probe.process(b"\x1b[65535;1H");
        let region = (top, probe.screen().cursor_position().0);
        probe.process(b"\x1b8");
        second.process(b"\x1b8");
        let saved = Saved {
            position: probe.screen().cursor_position(),
            origin: is_origin(second),
            pen: Style::of_pen(probe.screen()),
        };
        Some(Self {
            rows: drawn,
            cursor,
            home: position == (0, 0),
            origin,
            region,
            full_region: region == (0, rows - 1),
            saved,
            cols,
        })
    }

    fn is_blank(&self) -> bool {
        let untouched = self.home && self.full_region && !self.origin && self.rows.is_empty();
        untouched && self.saved.position == (0, 0) && !self.saved.origin
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.saved.write(out, self.cols);
        out.extend_from_slice(&self.rows);
        if !self.full_region {
            let (top, bottom) = self.region;
            out.extend_from_slice(format!("\x1b[{};{}r", top + 1, bottom + 1).as_bytes());
        }
        if self.origin {
            out.extend_from_slice(b"\x1b[?6h");
        }
        out.extend_from_slice(&self.cursor);
    }
}

impl Saved {
    /// Saves this cursor on a blank grid, and leaves the grid blank.
    fn write(&self, out: &mut Vec<u8>, cols: u16) {
        let (row, col) = self.position;
        if self.origin {
            out.extend_from_slice(b"\x1b[?6h");
        }
        if col >= cols {
            move_to(out, 0, cols - 1);
            out.push(b'x');
            out.extend_from_slice(format!("\x1b[{}d", row + 1).as_bytes());
        } else {
            move_to(out, row, col);
        }
        sgr::write_change(out, Style::default(), self.pen);
        out.extend_from_slice(b"\x1b7\x1b[?6l\x1b[m\x1b[2J");
    }
}

/// The visible rows from the top. Leaves the region full and the pen default.
fn rows_stream(screen: &vt100::Screen) -> Vec<u8> {
    let (rows, cols) = screen.size();
    let mut out = Vec::new();
    for row in 0..rows.get() {
        write_row(&mut out, row, cols.get(), |col| screen.cell(row, col));
        if screen.row_wrapped(row) && row + 1 < rows.get() {
            // Only text that goes on below marks a row as wrapped.
            out.extend_from_slice(b"x\x1b[1G\x1b[X");
        }
    }
    out
}

/// Output that puts rows above a blank screen, oldest first: each is drawn at the top and scrolled out.
fn rows_above_stream(above: &[Line]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in above {
        out.extend_from_slice(b"\x1b[H\x1b[2K");
        write_cells(&line.cells, &mut out);
        if line.wrapped {
            out.push(b'x');
        }
        out.extend_from_slice(b"\x1b[S");
    }
    out.extend_from_slice(b"\x1b[2J\x1b[H");
    out
}

/// Draws the cells of a row over blank ones, from the default pen back to it.
fn write_row<'a>(out: &mut Vec<u8>, row: u16, cols: u16, cell: impl Fn(u16) -> Option<&'a vt100::Cell>) {
    let mut pen = Style::default();
    let mut at = None;
    let mut col = 0;
    while let Some(here) = cell(col).filter(|_| col < cols) {
        let style = Style::of_cell(here);
        let blank = is_blank(here) || (here.is_wide() && col + 1 == cols);
        if here.is_wide_continuation() || (blank && style == Style::default()) {
            col += 1;
            continue;
        }
        if at != Some(col) {
            out.extend_from_slice(format!("\x1b[{};{}H", row + 1, col + 1).as_bytes());
        }
        sgr::write_change(out, pen, style);
        pen = style;
        if blank {
            at = Some(col);
            let same = |next: &u16| cell(*next).is_some_and(|next| is_blank(next) && Style::of_cell(next) == style);
            let run = 1 + (col + 1..cols).take_while(same).count() as u16;
            out.extend_from_slice(format!("\x1b[{run}X").as_bytes());
            col += run;
        } else {
            out.extend_from_slice(here.contents().as_bytes());
            col += if here.is_wide() { 2 } else { 1 };
            at = (col < cols).then_some(col);
        }
    }
    sgr::write_change(out, pen, Style::default());
}

/// The way to a position on a drawn grid, whatever its region and origin mode.
fn cursor_stream(screen: &vt100::Screen, (row, col): (u16, u16)) -> Option<Vec<u8>> {
    let (rows, cols) = (screen.size().0.get(), screen.size().1.get());
    let mut out = Vec::new();
    if col < cols {
        move_to(&mut out, row, col);
        return Some(out);
    }
    // The cursor waits to wrap: text at the edge of any row brings it there, and moving up and down keeps it.
    let by_row = || std::iter::once(row).chain((0..rows).filter(|&other| other != row));
    let (at, from, text) = by_row()
        .find_map(|at| edge_text(screen, at, cols))
        .or_else(|| by_row().find_map(|at| uniform(screen, at, cols)))?;
    move_to(&mut out, at, from);
    out.extend_from_slice(&text);
    if at != row {
        out.extend_from_slice(format!("\x1b[{}d", row + 1).as_bytes());
    }
    Some(out)
}

/// Row, column and text of what stands at the edge of a row, to be drawn once more.
fn edge_text(screen: &vt100::Screen, row: u16, cols: u16) -> Option<(u16, u16, Vec<u8>)> {
    let from = cols - 1 - u16::from(screen.cell(row, cols - 1)?.is_wide_continuation());
    let cell = screen.cell(row, from).filter(|cell| cell.has_contents())?;
    if from == cols - 1 && cell.is_wide() {
        return None;
    }
    let mut text = Vec::new();
    sgr::write_change(&mut text, Style::default(), Style::of_cell(cell));
    text.extend_from_slice(cell.contents().as_bytes());
    sgr::write_change(&mut text, Style::of_cell(cell), Style::default());
    Some((row, from, text))
}

/// The same for a row of blanks in one style: a letter at its edge, and then the row erased, which leaves the cursor.
fn uniform(screen: &vt100::Screen, row: u16, cols: u16) -> Option<(u16, u16, Vec<u8>)> {
    let style = Style::of_cell(screen.cell(row, 0)?);
    let same = |col| screen.cell(row, col).is_some_and(|cell| is_blank(cell) && Style::of_cell(cell) == style);
    if !(0..cols).all(same) {
        return None;
    }
    let mut text = b"x".to_vec();
    sgr::write_change(&mut text, Style::default(), style);
    text.extend_from_slice(b"\x1b[2K");
    sgr::write_change(&mut text, style, Style::default());
    Some((row, cols - 1, text))
}

/// Whether origin mode is on; spoils region, cursor and size.
fn is_origin(emulator: &mut Emulator<()>) -> bool {
    let Size { rows, cols } = emulator.size();
    // On two rows the only region is the whole screen, and the mode has no effect that shows.
    emulator.set_size(Size::new(rows.max(3), cols));
    emulator.process(b"\x1b[1;2r\x1b[65535;1H");
    emulator.screen().cursor_position().0 == 1
}

fn is_blank(cell: &vt100::Cell) -> bool {
    !cell.has_contents() && !cell.is_wide_continuation()
}

fn copy(screen: &vt100::Screen) -> Emulator<()> {
    let mut emulator = Emulator::new(Size::new(2, 2), 0);
    *emulator.screen_mut() = screen.clone();
    emulator
}

/// Moves by row and column, which origin mode leaves alone.
fn move_to(out: &mut Vec<u8>, row: u16, col: u16) {
    out.extend_from_slice(format!("\x1b[{}d\x1b[{}G", row + 1, col + 1).as_bytes());
}
