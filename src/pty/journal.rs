//! The last good state of a screen and the output since, to rebuild it after a panic of the parser.
//!
//! Invariant: what is kept stays below `CAP` bytes and the size of one checkpoint.

use crate::model::Size;

/// Output after which a new base is wanted, in bytes.
const FULL: usize = 512 * 1024;
/// Output that is kept when none can be had.
const CAP: usize = 1024 * 1024;
/// What an idle screen keeps allocated.
const IDLE: usize = 16 * 1024;

/// A state that can be made again.
pub(super) enum Base {
    Blank(Size),
    Checkpoint(Vec<u8>),
    /// There is none.
    Lost,
}

pub(super) struct Journal {
    base: Base,
    since: Vec<u8>,
}

impl Journal {
    pub(super) const fn new(base: Base) -> Self {
        Self { base, since: Vec::new() }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.since.len() + bytes.len() > CAP {
            self.lose();
        } else if !matches!(self.base, Base::Lost) {
            self.since.extend_from_slice(bytes);
        }
    }

    /// Whether it is time for a new base.
    pub(super) const fn is_full(&self) -> bool {
        self.since.len() >= FULL || matches!(self.base, Base::Lost)
    }

    pub(super) fn restart(&mut self, base: Base) {
        self.base = base;
        self.since.clear();
        self.since.shrink_to(IDLE);
    }

    pub(super) fn lose(&mut self) {
        self.base = Base::Lost;
        self.since = Vec::new();
    }

    pub(super) const fn base(&self) -> &Base {
        &self.base
    }

    pub(super) fn since(&self) -> &[u8] {
        &self.since
    }
}
