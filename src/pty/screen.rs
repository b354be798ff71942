//! The screen of a session: the parser behind the filter, with replies, signals, damage and checkpoints.
//!
//! Invariants: a feed never panics; the same output gives the same screen, however it is cut; the generation grows with
//! every feed after which the screen may look different, and with no other.

use super::cell::{Cell, Width};
use super::checkpoint::{Header, Image};
use super::damage::Damage;
use super::emulator::Emulator;
use super::filter::{Effect, Filter, Repeat, Sink};
use super::grid::{Cursor, Grid, Source};
use super::journal::{Base, Journal};
use super::modes::{Modes, Tracked};
use super::reply::{Knowledge, Outer, Query};
use super::scrollback::Line;
use super::signal::Signal;
use crate::model::Size;

/// Answers given in one feed: an agent asks some fifty questions at its start, a binary file thousands.
const REPLIES_PER_FEED: usize = 128;

/// A terminal screen that a session's output is fed to.
pub struct Screen {
    filter: Filter,
    core: Core,
    journal: Journal,
    generation: u64,
    id: u64,
}

/// What one feed brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fed {
    /// Answers to the program's queries, in their order, to be written to its terminal before the next feed.
    pub replies: Vec<u8>,
    /// In the order of the output; a run of the same is told once.
    pub signals: Vec<Signal>,
}

/// Why a checkpoint could not be restored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScreenError {
    #[error("the screen checkpoint is damaged: {0}")]
    Damaged(String),
    #[error("the screen checkpoint has version {0}, which this program does not know")]
    Version(u32),
}

/// What stands behind the filter.
struct Core {
    emulator: Emulator<Ear>,
    title: String,
    outer: Outer,
    damage: Damage,
    fed: Fed,
    answered: usize,
    /// Rows that left the main screen at its top.
    left: u64,
}

/// Hears the bell, and counts the rows that leave the main screen.
#[derive(Default)]
struct Ear {
    rung: bool,
    left: u64,
}

impl Screen {
    /// A blank screen; the size is clamped to 2×2.
    pub fn new(size: Size) -> Self {
        let size = size.clamped();
        Self::with(Emulator::new(size, 0), Filter::default(), Base::Blank(size))
    }

    /// Parses output. Never panics, and takes time linear in the bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        if self.journal.is_full() {
            self.checkpoint();
        }
        self.journal.append(bytes);
        let before = self.look();
        self.core.answered = 0;
        self.core.damage.begin(self.generation + 1);
        self.filter.advance(bytes, &mut self.core);
        if self.core.emulator.take_panicked() {
            self.rebuild();
        }
        self.core.count_left();
        if self.core.damage.is_touched() || self.look() != before {
            self.generation += 1;
        }
        std::mem::take(&mut self.core.fed)
    }

    /// Tells what the outer terminal is like; until then it is taken for a plain xterm.
    pub fn set_outer(&mut self, outer: Outer) {
        self.core.outer = outer;
    }

    /// Resizes; the size is clamped to 2×2. Text is cut at the right. Where the screen becomes lower, rows leave at its top
    /// unless those below the cursor do; where it becomes higher, blank rows come at the bottom.
    pub fn set_size(&mut self, size: Size) {
        self.set_size_below(size, &[]);
    }

    /// Resizes as `set_size` does, but a screen that becomes higher gets back the last rows that had left it: `above` are
    /// the newest of them at its present width, oldest first.
    pub fn set_size_below(&mut self, size: Size, above: &[Line]) {
        let (old, size) = (self.size(), size.clamped());
        if size == old {
            return;
        }
        let wanted = usize::from(size.rows.saturating_sub(old.rows)).min(above.len());
        if wanted == 0 || self.pull_back(size, &above[above.len() - wanted..]).is_none() {
            self.core.emulator.set_size(size);
            self.core.emulator.take_panicked();
        }
        self.generation += 1;
        self.core.damage = Damage::everything(size, self.generation);
        if self.checkpoint().is_none() {
            self.journal.lose();
        }
    }

    pub fn size(&self) -> Size {
        self.core.emulator.size()
    }

    /// Changes only when the screen may look different.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// How many rows have left the main screen at its top; only differences tell, a restored screen begins anew.
    pub const fn rows_left(&self) -> u64 {
        self.core.left
    }

    /// Brings `grid` up to date; only rows that differ are refilled and marked.
    pub fn copy_into(&self, grid: &mut Grid) {
        let source = Source { screen: self.id, generation: self.generation };
        if grid.source == Some(source) {
            return;
        }
        let Size { rows, cols } = self.size();
        let since = grid.source.filter(|last| last.screen == self.id).map_or(0, |last| last.generation);
        grid.resize(self.size());
        for row in (0..rows).filter(|&row| self.core.damage.changed_after(since, row)) {
            grid.fill_row(row, mirrored_row(self.core.emulator.screen(), row, cols));
        }
        grid.set_cursor(self.cursor());
        grid.set_title(&self.core.title);
        grid.source = Some(source);
    }

    /// The whole state as bytes for `restore`. `None` in the middle of a sequence or character, and in rare states that
    /// no output leads to: feed on and ask again.
    pub fn checkpoint(&mut self) -> Option<Vec<u8>> {
        if !self.filter.is_ground() {
            return None;
        }
        let image = Image::of(self.core.emulator.screen())?;
        let mut memory = self.filter.memory.clone();
        if memory.repeat == Repeat::Parsers {
            memory.repeat = Repeat::Restored(image.last_printed);
        }
        let bytes = Header::new(self.size(), &self.core.title, memory).encode(&image.stream);
        self.journal.restart(Base::Checkpoint(bytes.clone()));
        Some(bytes)
    }

    /// A screen that goes on exactly where the checkpoint was taken.
    pub fn restore(checkpoint: &[u8]) -> Result<Self, ScreenError> {
        let (header, stream) = Header::decode(checkpoint)?;
        let emulator = Image::replay(header.size, stream)
            .ok_or_else(|| ScreenError::Damaged("the terminal parser panicked on it".into()))?;
        let mut screen = Self::with(emulator, Filter::new(header.memory), Base::Checkpoint(checkpoint.to_vec()));
        screen.core.title = header.title;
        Ok(screen)
    }

    pub fn modes(&self) -> Modes {
        let screen = self.core.emulator.screen();
        let tracked = &self.filter.memory.tracked;
        let kitty = tracked.kitty(screen.alternate_screen()).flags();
        Modes {
            cursor_keys: screen.application_cursor(),
            keypad: screen.application_keypad(),
            bracketed_paste: screen.bracketed_paste(),
            focus: tracked.focus,
            alternate_scroll: tracked.alternate_scroll,
            mouse: screen.mouse_protocol_mode().into(),
            mouse_encoding: screen.mouse_protocol_encoding().into(),
            kitty: if self.core.outer.kitty_keys { kitty } else { 0 },
            modify_other_keys: tracked.modify_other_keys,
            alternate_screen: screen.alternate_screen(),
            cursor_visible: !screen.hide_cursor(),
            cursor_shape: screen.cursor_style().into(),
            synchronized: tracked.synchronized,
        }
    }

    /// Whether a synchronized update (2026) is under way: show the last frame until it ends, or 150 ms have passed.
    pub const fn in_sync(&self) -> bool {
        self.filter.memory.tracked.synchronized
    }

    pub fn title(&self) -> &str {
        &self.core.title
    }

    /// The text of the visible rows, from the top, without trailing blanks.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.core.emulator.screen().rows(0, self.size().cols).collect();
        for line in &mut lines {
            line.truncate(line.trim_end_matches(' ').len());
        }
        lines
    }

    fn with(emulator: Emulator<Ear>, filter: Filter, base: Base) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let damage = Damage::everything(emulator.size(), 1);
        let core = Core {
            emulator,
            title: String::new(),
            outer: Outer::default(),
            damage,
            fed: Fed::default(),
            answered: 0,
            left: 0,
        };
        Self { filter, core, journal: Journal::new(base), generation: 1, id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    fn cursor(&self) -> Cursor {
        let screen = self.core.emulator.screen();
        let (row, col) = screen.cursor_position();
        let visible = !screen.hide_cursor();
        Cursor { row, col: col.min(self.size().cols - 1), visible, shape: screen.cursor_style().into() }
    }

    /// All that shows beside the cells, and whether this feed set a title.
    fn look(&self) -> (Cursor, bool, bool) {
        let retitled = self.core.fed.signals.iter().any(|signal| matches!(signal, Signal::Title(_)));
        (self.cursor(), self.in_sync(), retitled)
    }

    /// Replaces the parser by one that had `above` above its screen and grew.
    fn pull_back(&mut self, size: Size, above: &[Line]) -> Option<()> {
        let image = Image::of(self.core.emulator.screen())?.grown(self.size(), size, above)?;
        self.core.replace(Image::replay(size, &image.stream)?);
        if self.filter.memory.repeat == Repeat::Parsers {
            self.filter.memory.repeat = Repeat::Restored(image.last_printed);
        }
        Some(())
    }

    /// After a panic: from the last good state and the output since, byte by byte, so that only the offending byte is
    /// lost. Without these the cells stay as the panic left them.
    fn rebuild(&mut self) {
        let good = match self.journal.base() {
            Base::Blank(size) => Some(Self::new(*size)),
            Base::Checkpoint(bytes) => Self::restore(bytes).ok(),
            Base::Lost => None,
        };
        if let Some(mut good) = good {
            good.core.emulator.set_careful(true);
            good.filter.advance(self.journal.since(), &mut good.core);
            good.core.emulator.set_careful(false);
            good.core.emulator.take_panicked();
            self.core.replace(good.core.emulator);
            self.filter = good.filter;
        }
        self.core.damage.mark_everything();
    }
}

impl Core {
    /// Another parser in the same state: the rows that left it are counted from here on.
    fn replace(&mut self, emulator: Emulator<Ear>) {
        self.emulator = emulator;
        self.emulator.callbacks_mut().left = 0;
    }

    fn count_left(&mut self) {
        self.left += std::mem::take(&mut self.emulator.callbacks_mut().left);
    }
}

impl Sink for Core {
    fn pass(&mut self, bytes: &[u8], effect: Effect) {
        let before = self.cursor();
        self.emulator.process(bytes);
        let after = self.cursor();
        match effect {
            Effect::Nothing => {}
            Effect::Row => self.damage.mark(before.0),
            Effect::Text if self.stays_on_its_row(before.1, bytes) => self.damage.mark(before.0),
            Effect::Feed if before.0 != after.0 => {}
            Effect::Text | Effect::Feed | Effect::Everything => self.damage.mark_everything(),
        }
        if std::mem::take(&mut self.emulator.callbacks_mut().rung) {
            self.signal(Signal::Bell);
        }
    }

    fn detailed(&self) -> bool {
        !self.damage.is_everything()
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

    fn query(&mut self, query: Query, tracked: &Tracked) {
        if self.answered < REPLIES_PER_FEED {
            self.answered += 1;
            let screen = self.emulator.screen();
            let known = Knowledge { screen, tracked, outer: &self.outer, size: self.emulator.size() };
            self.fed.replies.extend_from_slice(query.answer(&known).as_bytes());
        }
    }

    fn signal(&mut self, signal: Signal) {
        if let Signal::Title(title) = &signal {
            title.clone_into(&mut self.title);
        }
        if self.fed.signals.last() != Some(&signal) {
            self.fed.signals.push(signal);
        }
    }
}

impl Core {
    /// Whether text that begins in a column can't have wrapped: no character is wider than its bytes are many, but a tab
    /// is, and vertical tab and form feed go down.
    fn stays_on_its_row(&self, col: u16, text: &[u8]) -> bool {
        usize::from(col) + text.len() <= usize::from(self.size().cols)
            && memchr::memchr3(b'\t', 0x0b, 0x0c, text).is_none()
    }
}

impl vt100::Callbacks for Ear {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.rung = true;
    }

    fn on_scroll(&mut self, _: vt100::capture::RowContents<'_>, alternate: bool) {
        self.left += u64::from(!alternate);
    }

    #[cfg(test)]
    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        assert!(byte != 1 || !tests::FUSE.get(), "the fuse blew (expected in this test)");
    }
}

/// The cells of a row, each wide one followed by its continuation and no continuation alone.
fn mirrored_row(screen: &vt100::Screen, row: u16, cols: u16) -> impl Iterator<Item = Cell> + '_ {
    let mut after_wide = false;
    (0..cols).map(move |col| {
        let mut cell = screen.cell(row, col).map_or_else(Cell::default, |cell| Cell::mirror(cell, col + 1 == cols));
        if after_wide {
            cell = Cell::new("", Width::Continuation, cell.style());
        } else if cell.width() == Width::Continuation {
            cell = Cell::new("", Width::Narrow, cell.style());
        }
        after_wide = cell.width() == Width::Wide;
        cell
    })
}

#[cfg(test)]
mod tests;
