//! The vt100 parser behind a guard.
//!
//! Invariants: sizes are at least 2×2; a panic inside the parser never leaves this module: the cells drawn so far are
//! kept, the rest of the slice is lost, and `take_panicked` tells.

use std::cell::Cell;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use vt100::{Callbacks, Parser};

use crate::model::Size;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a guarded parser, whose panics are survived: a panic hook should stay silent then.
pub fn panic_is_survived() -> bool {
    GUARDED.get()
}

/// A guarded parser. `C` hears what the parser tells while it works.
pub(super) struct Emulator<C: Callbacks + Default> {
    parser: Parser<C>,
    rows_above: usize,
    panicked: bool,
    /// Feed single bytes: after a panic, so that only the offending one is lost.
    careful: bool,
}

impl<C: Callbacks + Default> Emulator<C> {
    /// A blank main screen. `rows_above` rows that leave it can be pulled back when it grows; keeping any halves the speed
    /// of plain output.
    pub(super) fn new(size: Size, rows_above: usize) -> Self {
        Self { parser: parser(size, rows_above), rows_above, panicked: false, careful: false }
    }

    pub(super) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    pub(super) fn screen_mut(&mut self) -> &mut vt100::Screen {
        self.parser.screen_mut()
    }

    pub(super) fn callbacks_mut(&mut self) -> &mut C {
        self.parser.callbacks_mut()
    }

    pub(super) fn set_careful(&mut self, careful: bool) {
        self.careful = careful;
    }

    /// Whether a panic was survived since the last call.
    pub(super) fn take_panicked(&mut self) -> bool {
        std::mem::take(&mut self.panicked)
    }

    pub(super) fn size(&self) -> Size {
        let (rows, cols) = self.screen().size();
        Size::new(rows.get(), cols.get())
    }

    /// Parses whole sequences and characters.
    pub(super) fn process(&mut self, bytes: &[u8]) {
        if self.careful {
            for byte in bytes {
                self.guarded(|parser| parser.process(std::slice::from_ref(byte)));
            }
        } else {
            self.guarded(|parser| parser.process(bytes));
        }
    }

    /// Resizes to a clamped size. Growing pulls back the rows above; when there are too few of them, blank rows come at
    /// the bottom, where vt100 alone would put them on top.
    pub(super) fn set_size(&mut self, size: Size) {
        let size = size.clamped();
        let old = self.size();
        let alternate = self.screen().alternate_screen();
        if size.rows > old.rows {
            // The rows above belong to the main screen, which must be the active one to be asked.
            if alternate {
                self.process(b"\x1b[?47l");
            }
            let above = self.screen().scrollback_len() as u16;
            if above < size.rows - old.rows {
                self.resize(Size::new(old.rows + above, old.cols));
                self.guarded(|parser| parser.screen_mut().clear_scrollback());
            }
            if alternate {
                self.process(b"\x1b[?47h");
            }
        }
        self.resize(size);
    }

    fn resize(&mut self, size: Size) {
        let (rows, cols) = (side(size.rows), side(size.cols));
        self.guarded(|parser| parser.set_size(rows, cols));
        if self.size() != size {
            // A panic stopped it half way: a blank screen of the right size beats a screen of the wrong one.
            self.parser = parser(size, self.rows_above);
        }
    }

    fn guarded(&mut self, work: impl FnOnce(&mut Parser<C>)) {
        let outer = GUARDED.replace(true);
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut self.parser)));
        GUARDED.set(outer);
        if outcome.is_err() {
            self.panicked = true;
            // The cells are whole (each write is), but the state machine stopped in the middle of a byte.
            let mut fresh = parser(self.size(), self.rows_above);
            std::mem::swap(fresh.screen_mut(), self.parser.screen_mut());
            *fresh.callbacks_mut() = std::mem::take(self.parser.callbacks_mut());
            self.parser = fresh;
        }
    }
}

fn parser<C: Callbacks + Default>(size: Size, rows_above: usize) -> Parser<C> {
    let size = size.clamped();
    Parser::new_with_callbacks(side(size.rows), side(size.cols), rows_above, C::default())
}

fn side(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).expect("invariant: a clamped size has no zero side")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics on a bell, as the parser does on what it was not written for.
    #[derive(Default)]
    struct Fuse;

    impl Callbacks for Fuse {
        fn audible_bell(&mut self, _: &mut vt100::Screen) {
            panic!("the fuse blew (expected in this test)");
        }
    }

    #[test]
    fn a_panic_keeps_the_cells_and_the_parser_goes_on() {
        let mut emulator = Emulator::<Fuse>::new(Size::new(3, 10), 0);
        emulator.process(b"before\x07lost");
        assert!(emulator.take_panicked() && !emulator.take_panicked());
        emulator.process(b" after");
        assert_eq!(emulator.screen().contents(), "before after");
    }

    #[test]
    fn careful_feeding_loses_the_offending_byte_only() {
        let mut emulator = Emulator::<Fuse>::new(Size::new(3, 20), 0);
        emulator.set_careful(true);
        emulator.process("a\u{7}ä\x1b[31m\u{7}b".as_bytes());
        assert_eq!(emulator.screen().contents(), "aäb");
        assert!(!panic_is_survived());
    }

    #[test]
    fn growing_pulls_rows_back_and_then_adds_blank_ones_below() {
        let mut emulator = Emulator::<()>::new(Size::new(2, 10), 64);
        emulator.process(b"1\r\n2\r\n3\r\n4\x1b[?1049halt");
        emulator.set_size(Size::new(6, 10));
        emulator.process(b"\x1b[?1049l");
        assert_eq!(emulator.screen().contents(), "1\n2\n3\n4");
        assert_eq!(emulator.screen().cursor_position(), (3, 1));
    }
}
