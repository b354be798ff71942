//! The terminal pane: the session that is shown, live or scrolled back.

use std::sync::mpsc::SyncSender;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use tui_term::widget::{Cell as _, Cursor, PseudoTerminal};

use super::Wake;
use crate::engine::Place;
use crate::model::Size;
use crate::pty::{Grid, Scrollback, Terminal};
use crate::ui::model::{Model, Tab};
use crate::ui::view::{self, TerminalView};

/// Lines of history that can be scrolled to.
const HISTORY_LINES: usize = 10_000;

/// What the terminal pane shows.
pub(super) struct TerminalPane {
    pub area: Rect,
    place: Option<Place>,
    pub terminal: Option<Terminal>,
    pub grid: Grid,
    /// Generation of the grid that the outer terminal shows.
    pub painted: u64,
    scroll: Option<Scroll>,
}

/// A view into the past.
struct Scroll {
    lines: Scrollback,
    back: usize,
    /// Rows that the history had when it was read: new ones are counted from there.
    output_at: u64,
}

/// History that was read off the screen's thread.
pub(super) struct Rebuilt {
    place: Place,
    lines: Scrollback,
    back: usize,
    output_at: u64,
}

impl Default for TerminalPane {
    fn default() -> Self {
        Self {
            area: Rect::default(),
            place: None,
            terminal: None,
            grid: Grid::new(Size::default()),
            painted: 0,
            scroll: None,
        }
    }
}

impl TerminalPane {
    /// Shows another session, or none.
    pub fn show(&mut self, place: Option<Place>, terminal: Option<Terminal>) {
        let same = self.place == place && same_terminal(self.terminal.as_ref(), terminal.as_ref());
        if same {
            return;
        }
        if let Some(former) = &self.terminal {
            former.hide();
        }
        if let Some(terminal) = &terminal {
            terminal.show();
        }
        *self = Self { area: self.area, place, terminal, ..Self::default() };
    }

    /// The pane got another size; the program hears of it.
    pub fn resize(&mut self, area: Rect) {
        self.area = area;
        if let Some(terminal) = self.terminal.as_ref().filter(|_| area.width > 1 && area.height > 1) {
            let size = Size::new(area.height, area.width);
            if terminal.size() != size {
                // Out of reach: its own event tells of that.
                let _ = terminal.resize(size);
            }
        }
    }

    /// Takes over what the program drew; false while it is in the middle of a frame.
    pub fn refresh(&mut self) -> bool {
        let Some(terminal) = &self.terminal else { return false };
        terminal.copy_grid(&mut self.grid)
    }

    /// The open tab shows it.
    pub fn is_drawn(&self, model: &Model) -> bool {
        self.terminal.is_some() && matches!(model.main.tab, Tab::Terminal | Tab::Shell) && !view::is_welcome(model)
    }

    /// The pane shows what the program draws now.
    pub const fn live(&self) -> bool {
        self.scroll.is_none()
    }

    /// Scrolls by lines (up is positive), or back to live. History is read on a thread of its own the first time.
    pub fn scroll(&mut self, by: i64, wakes: &SyncSender<Wake>) {
        if by == i64::MIN {
            self.scroll = None;
            return;
        }
        let Some(scroll) = &mut self.scroll else {
            return self.read_history(usize::try_from(by).unwrap_or(0), wakes);
        };
        let most = scroll.lines.len();
        let back = (scroll.back as i64).saturating_add(by).clamp(0, most as i64);
        scroll.back = usize::try_from(back).unwrap_or(0);
        if scroll.back == 0 {
            self.scroll = None;
        }
    }

    fn read_history(&self, back: usize, wakes: &SyncSender<Wake>) {
        let (Some(terminal), Some(place)) = (self.terminal.clone(), self.place.clone()) else { return };
        if back == 0 {
            return;
        }
        let (width, wakes) = (self.area.width, wakes.clone());
        std::thread::spawn(move || {
            let output_at = terminal.offset();
            let lines = terminal.scrollback(width, HISTORY_LINES);
            let back = back.min(lines.len());
            let _ = wakes.send(Wake::Scrollback(Rebuilt { place, lines, back, output_at }));
        });
    }

    /// Takes history that was read, unless another session is shown by now.
    pub fn take(&mut self, rebuilt: Rebuilt) {
        let Rebuilt { place, lines, back, output_at } = rebuilt;
        if self.place.as_ref() == Some(&place) && back > 0 {
            self.scroll = Some(Scroll { lines, back, output_at });
        }
    }

    /// Lines scrolled back, and bytes that came since.
    pub fn scrolled(&self) -> (usize, u64) {
        self.scroll.as_ref().map_or((0, 0), |scroll| {
            let now = self.terminal.as_ref().map_or(scroll.output_at, Terminal::offset);
            (scroll.back, now.saturating_sub(scroll.output_at))
        })
    }
}

impl TerminalView for TerminalPane {
    fn draw(&self, area: Rect, buf: &mut Buffer) {
        if self.terminal.is_none() {
            return;
        }
        match &self.scroll {
            None => PseudoTerminal::new(&self.grid).cursor(Cursor::default().visibility(false)).render(area, buf),
            Some(scroll) => self.draw_scrolled(scroll, area, buf),
        }
    }

    fn cursor(&self) -> Option<(u16, u16)> {
        let cursor = self.grid.cursor();
        (cursor.visible && self.scroll.is_none()).then_some((cursor.col, cursor.row))
    }
}

impl TerminalPane {
    fn draw_scrolled(&self, scroll: &Scroll, area: Rect, buf: &mut Buffer) {
        let above = scroll.lines.len();
        let first = above - scroll.back.min(above);
        for row in 0..area.height {
            let at = first + usize::from(row);
            let line = scroll.lines.row(at);
            let cells = match &line {
                Some(line) => line.cells.as_slice(),
                None => self.grid.row((at - above) as u16),
            };
            for (col, cell) in cells.iter().take(area.width.into()).enumerate() {
                if let Some(target) = buf.cell_mut((area.x + col as u16, area.y + row)) {
                    cell.apply(target);
                }
            }
        }
    }
}

fn same_terminal(a: Option<&Terminal>, b: Option<&Terminal>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.run() == b.run(),
        (None, None) => true,
        _ => false,
    }
}
