//! Scrollback: history replayed into styled lines of any width.

use super::cell::Cell;
use super::history::Frame;

/// One row of scrollback at the width it was built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub cells: Vec<Cell>,
    /// The text without trailing blanks.
    pub text: String,
    /// The next line goes on with the same text.
    pub wrapped: bool,
}

/// The lines that left a session's main screen, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Scrollback {
    lines: Vec<Line>,
}

impl Scrollback {
    /// Replays `frames` (oldest first) and keeps the last `last_n_lines` rows at `width` columns.
    pub fn build(_frames: impl IntoIterator<Item = Frame>, _width: u16, _last_n_lines: usize) -> Self {
        Self::default()
    }

    /// The rows, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}
