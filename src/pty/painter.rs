//! A session's screen for a terminal elsewhere: output that makes that terminal show what the session shows, and encode
//! keys as its program asked for.
//!
//! Invariants: nothing goes out but text, styles, cursor and modes; a frame is whole, so frames may be left out between
//! two; what is outside of the viewer's size is cut.

use super::grid::{Cursor, Grid};
use super::modes::{CursorShape, Modes, MouseEncoding, MouseMode};
use super::sgr::write_number;
use super::terminal::Terminal;
use crate::model::Size;

/// Output that takes back every mode that a [`Painter`] may have set, and the style.
pub const PAINTER_RESET: &[u8] =
    b"\x1b[?2026l\x1b[m\x1b[?7h\x1b[?1l\x1b>\x1b[?2004l\x1b[?1004l\x1b[?1003l\x1b[?1002l\x1b[?1000l\
\x1b[?9l\x1b[?1006l\x1b[?1005l\x1b[=0;1u\x1b[>4m\x1b[0 q\x1b[?25h";

/// What one viewer's terminal shows.
#[derive(Debug)]
pub struct Painter {
    /// Of the viewer's terminal.
    size: Size,
    grid: Grid,
    /// What was painted last; none: paint all of it.
    painted: Option<Painted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Painted {
    generation: u64,
    size: Size,
    cursor: Cursor,
    modes: Modes,
}

impl Painter {
    /// For a terminal of this size.
    pub fn new(size: Size) -> Self {
        Self { size: size.clamped(), grid: Grid::new(size), painted: None }
    }

    pub const fn size(&self) -> Size {
        self.size
    }

    /// The viewer's terminal has another size now: the next frame paints all of it.
    pub fn resize(&mut self, size: Size) {
        self.size = size.clamped();
        self.painted = None;
    }

    /// Output from what was painted last to what the session shows now. None: nothing changed, or its program is in the
    /// middle of a frame.
    pub fn frame(&mut self, terminal: &Terminal) -> Option<Vec<u8>> {
        let modes = terminal.modes();
        if !terminal.copy_grid(&mut self.grid) {
            return None;
        }
        self.paint(modes)
    }

    fn paint(&mut self, modes: Modes) -> Option<Vec<u8>> {
        let grid = &self.grid;
        let now = Painted { generation: grid.generation(), size: grid.size(), cursor: grid.cursor(), modes };
        let before = self.painted.replace(now);
        if before == Some(now) {
            return None;
        }
        let mut out = b"\x1b[?2026h\x1b[?25l\x1b[m".to_vec();
        // Another size leaves cells that belong to nothing.
        let kept = before.filter(|before| before.size == now.size);
        if kept.is_none() {
            out.extend_from_slice(b"\x1b[r\x1b[?6l\x1b[?7l\x1b[2J");
        }
        let cols = now.size.cols.min(self.size.cols);
        let rows = now.size.rows.min(self.size.rows);
        let changed = |row: &u16| kept.is_none_or(|kept| grid.row_generation(*row) > kept.generation);
        for row in (0..rows).filter(changed) {
            move_to(&mut out, row, 0);
            grid.write_row(row, cols, &mut out);
        }
        write_modes(before.map(|before| before.modes), modes, &mut out);
        let Cursor { row, col, visible, shape } = now.cursor;
        if kept.is_none_or(|kept| kept.cursor.shape != shape) {
            out.extend_from_slice(format!("\x1b[{} q", shape_number(shape)).as_bytes());
        }
        out.extend_from_slice(b"\x1b[?2026l");
        if visible && row < rows && col < cols {
            move_to(&mut out, row, col);
            out.extend_from_slice(b"\x1b[?25h");
        }
        Some(out)
    }
}

/// The modes that decide how keys, mouse and paste are encoded, where they differ.
fn write_modes(before: Option<Modes>, now: Modes, out: &mut Vec<u8>) {
    let mut switch = |number: &str, on: fn(&Modes) -> bool| {
        if before.is_none_or(|before| on(&before) != on(&now)) {
            let letter = if on(&now) { 'h' } else { 'l' };
            out.extend_from_slice(format!("\x1b[?{number}{letter}").as_bytes());
        }
    };
    switch("1", |modes| modes.cursor_keys);
    switch("2004", |modes| modes.bracketed_paste);
    switch("1004", |modes| modes.focus);
    // Off first, then on: the mouse modes exclude one another.
    switch("9", |modes| modes.mouse == MouseMode::Press);
    switch("1000", |modes| modes.mouse == MouseMode::PressRelease);
    switch("1002", |modes| modes.mouse == MouseMode::ButtonMotion);
    switch("1003", |modes| modes.mouse == MouseMode::AnyMotion);
    switch("1005", |modes| modes.mouse_encoding == MouseEncoding::Utf8);
    switch("1006", |modes| modes.mouse_encoding == MouseEncoding::Sgr);
    if before.is_none_or(|before| before.keypad != now.keypad) {
        out.extend_from_slice(if now.keypad { b"\x1b=" } else { b"\x1b>" });
    }
    if before.is_none_or(|before| before.kitty != now.kitty) {
        out.extend_from_slice(format!("\x1b[={};1u", now.kitty).as_bytes());
    }
    if before.is_none_or(|before| before.modify_other_keys != now.modify_other_keys) {
        out.extend_from_slice(format!("\x1b[>4;{}m", now.modify_other_keys).as_bytes());
    }
}

const fn shape_number(shape: CursorShape) -> u8 {
    match shape {
        CursorShape::Default => 0,
        CursorShape::BlinkingBlock => 1,
        CursorShape::SteadyBlock => 2,
        CursorShape::BlinkingUnderline => 3,
        CursorShape::SteadyUnderline => 4,
        CursorShape::BlinkingBar => 5,
        CursorShape::SteadyBar => 6,
    }
}

fn move_to(out: &mut Vec<u8>, row: u16, col: u16) {
    out.extend_from_slice(b"\x1b[");
    write_number(out, row + 1);
    out.push(b';');
    write_number(out, col + 1);
    out.push(b'H');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pty::Screen;

    /// A session's screen, a viewer's painter, and the viewer's terminal.
    struct Scene {
        session: Screen,
        painter: Painter,
        terminal: Screen,
    }

    impl Scene {
        fn new(session: Size, viewer: Size) -> Self {
            Self { session: Screen::new(session), painter: Painter::new(viewer), terminal: Screen::new(viewer) }
        }

        fn output(&mut self, bytes: &str) -> Option<usize> {
            self.session.feed(bytes.as_bytes());
            self.look()
        }

        fn look(&mut self) -> Option<usize> {
            self.session.copy_into(&mut self.painter.grid);
            let frame = self.painter.paint(self.session.modes())?;
            self.terminal.feed(&frame);
            Some(frame.len())
        }
    }

    #[test]
    fn frames_lead_to_the_session_s_screen_and_modes() {
        let size = Size::new(6, 20);
        let mut scene = Scene::new(size, size);
        let first = scene.output("one\r\n\x1b[31mtwo\x1b[?2004h\x1b[?1h").unwrap();
        assert_eq!(scene.terminal.lines(), scene.session.lines());
        assert!(scene.terminal.modes().bracketed_paste && scene.terminal.modes().cursor_keys);
        assert_eq!(scene.look(), None, "nothing changed");
        let next = scene.output("!").unwrap();
        assert!(next < first, "{next} of {first}");
        assert_eq!(scene.terminal.lines(), scene.session.lines());
        scene.output("\x1b[?1003h\x1b[?1006h\x1b[?25l\x1b[6 q").unwrap();
        let (is, wanted) = (scene.terminal.modes(), scene.session.modes());
        assert_eq!((is.mouse, is.mouse_encoding, is.cursor_visible), (wanted.mouse, wanted.mouse_encoding, false));
        scene.terminal.feed(PAINTER_RESET);
        assert_eq!(scene.terminal.modes(), Screen::new(size).modes());
    }

    #[test]
    fn a_smaller_viewer_sees_the_corner_and_a_bigger_one_all() {
        let mut scene = Scene::new(Size::new(4, 10), Size::new(2, 4));
        scene.output("abcdefghij\r\n2\r\n3\r\n4");
        assert_eq!(scene.terminal.lines(), ["abcd", "2"]);
        scene.painter.resize(Size::new(6, 12));
        scene.terminal.set_size(Size::new(6, 12));
        scene.look();
        assert_eq!(scene.terminal.lines()[..4], ["abcdefghij", "2", "3", "4"]);
        scene.session.set_size(Size::new(3, 10));
        scene.look();
        assert_eq!(scene.terminal.lines().concat(), scene.session.lines().concat(), "old rows are gone");
    }
}
