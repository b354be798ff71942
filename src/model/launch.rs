//! What it takes to start a program in a terminal.

use std::ffi::OsString;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A program to run: made by `agent` or the engine, run by `pty`.
///
/// `env` is the whole environment of the child: nothing is inherited. Its values may be secrets, so a launch is
/// handed to the shim through a pipe and is never written to disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Program and arguments; never empty. A bare program name is looked up in the `PATH` of `env`, absolute entries only.
    pub argv: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
}

/// A terminal's size in character cells; at least 2 by 2 where a screen is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    pub rows: u16,
    pub cols: u16,
}

impl Size {
    pub const fn new(rows: u16, cols: u16) -> Self {
        Self { rows, cols }
    }

    /// The same size with both sides at least 2: below that the emulator is not safe.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self { rows: self.rows.max(2), cols: self.cols.max(2) }
    }
}

impl Default for Size {
    fn default() -> Self {
        Self::new(40, 120)
    }
}
