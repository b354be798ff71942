//! The terminal pane: the session that is shown, live or scrolled back.

use std::sync::mpsc::SyncSender;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use tui_term::widget::{Cell as _, Cursor, PseudoTerminal};

use super::Wake;
use crate::engine::Place;
use crate::model::Size;
use crate::pty::{Cell, Grid, Scrollback, Terminal, Width};
use crate::ui::model::{Model, Selection, Tab};
use crate::ui::text;
use crate::ui::view::{self, TerminalView};

/// Lines of history that can be scrolled to.
const HISTORY_LINES: usize = 10_000;

/// What the terminal pane shows.
pub(super) struct TerminalPane {
    pub area: Rect,
    place: Option<Place>,
    /// Of a job: the end of its output is shown, and its size stays.
    pub of_job: bool,
    pub terminal: Option<Terminal>,
    pub grid: Grid,
    /// Generation of the grid that the outer terminal shows.
    pub painted: u64,
    scroll: Option<Scroll>,
    /// History is being read, and what is to be done with it.
    wanted: Option<Want>,
}

/// A view that stands still: rows of history, then the screen as it was.
struct Scroll {
    lines: Scrollback,
    below: Grid,
    /// Rows of history on the screen: at most all.
    back: usize,
    /// It stands still at its end too: something is selected or was found there.
    kept: bool,
    /// Row that a search found last.
    hit: Option<usize>,
    /// `Terminal::rows_left` when it was read: new lines are counted from there.
    left_at: u64,
}

/// What history is read for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Want {
    /// Scrolls by so many lines.
    Scroll(i64),
    Search {
        text: String,
        back: bool,
    },
}

/// History that was read off the screen's thread.
pub(super) struct Rebuilt {
    place: Place,
    lines: Scrollback,
    below: Grid,
    left_at: u64,
}

impl Default for TerminalPane {
    fn default() -> Self {
        Self {
            area: Rect::default(),
            place: None,
            of_job: false,
            terminal: None,
            grid: Grid::new(Size::default()),
            painted: 0,
            scroll: None,
            wanted: None,
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
        if area.width != self.area.width
            && area.width > 1
            && let Some(scroll) = &mut self.scroll
        {
            scroll.rewrap(area.width);
        }
        self.area = area;
        if let Some(terminal) = self.terminal.as_ref().filter(|_| !self.of_job && area.width > 1 && area.height > 1) {
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

    /// What there is to draw; none: no session has this place.
    pub fn view(&self) -> Option<&dyn TerminalView> {
        self.terminal.as_ref().map(|_| self as &dyn TerminalView)
    }

    /// Scrolls by lines (up is positive), or back to live. History is read on a thread of its own the first time.
    pub fn scroll(&mut self, by: i64, wakes: &SyncSender<Wake>) {
        if by == i64::MIN {
            (self.scroll, self.wanted) = (None, None);
            return;
        }
        match &mut self.scroll {
            Some(scroll) if by <= 0 || !scroll.lines.is_empty() => {
                scroll.to(scroll.back as i64 + by.min(HISTORY_LINES as i64));
                self.release_at_end();
            }
            _ if by > 0 => match &mut self.wanted {
                Some(Want::Scroll(all)) => *all = all.saturating_add(by),
                _ => self.read_history(Want::Scroll(by), wakes),
            },
            _ => {}
        }
    }

    /// Stands still from now on.
    pub fn hold(&mut self) {
        let left_at = self.terminal.as_ref().map_or(0, Terminal::rows_left);
        let below = &self.grid;
        let scroll = self.scroll.get_or_insert_with(|| Scroll {
            lines: Scrollback::default(),
            below: below.clone(),
            back: 0,
            kept: true,
            hit: None,
            left_at,
        });
        scroll.kept = true;
    }

    /// Goes on, unless it is scrolled back.
    pub fn release(&mut self) {
        if let Some(scroll) = &mut self.scroll {
            (scroll.kept, scroll.hit) = (false, None);
        }
        self.release_at_end();
    }

    fn release_at_end(&mut self) {
        self.scroll.take_if(|scroll| scroll.back == 0 && !scroll.kept);
    }

    /// Goes to a row that has the text; false: there is none. Unknown as long as history is being read.
    pub fn search(&mut self, text: String, back: bool, wakes: &SyncSender<Wake>) -> bool {
        let height = usize::from(self.area.height);
        match &mut self.scroll {
            Some(scroll) if !scroll.lines.is_empty() => {
                scroll.kept = true;
                scroll.search(&text, back, height)
            }
            _ => {
                self.read_history(Want::Search { text, back }, wakes);
                true
            }
        }
    }

    /// The text between two cells of the screen, rows that had wrapped joined again.
    pub fn text(&self, selection: &Selection) -> String {
        let (first, last) = selection.ends();
        let mut text = String::new();
        for row in first.row..=last.row {
            let columns = selection.columns(row, self.area.width);
            let (cells, wrapped) = self.row(row);
            let part: String = cells
                .iter()
                .enumerate()
                .filter(|(at, cell)| columns.contains(&(*at as u16)) && cell.width() != Width::Continuation)
                .map(|(_, cell)| if cell.text().is_empty() { " " } else { cell.text() })
                .collect();
            text.push_str(if wrapped { &part } else { part.trim_end() });
            if row < last.row && !wrapped {
                text.push('\n');
            }
        }
        text
    }

    /// A row by its place on the screen, and whether the next one goes on with the same line.
    fn row(&self, row: i64) -> (Vec<Cell>, bool) {
        let Some(scroll) = &self.scroll else {
            return (u16::try_from(row).map(|row| self.grid.row(row).to_vec()).unwrap_or_default(), false);
        };
        usize::try_from(scroll.first() as i64 + row).map(|at| scroll.row(at)).unwrap_or_default()
    }

    fn read_history(&mut self, want: Want, wakes: &SyncSender<Wake>) {
        let (Some(terminal), Some(place)) = (self.terminal.clone(), self.place.clone()) else { return };
        let reading = self.wanted.replace(want).is_some();
        if reading {
            return;
        }
        let (width, wakes) = (self.area.width, wakes.clone());
        let mut below = self.grid.clone();
        std::thread::spawn(move || {
            let left_at = terminal.rows_left();
            let lines = terminal.scrollback(width, HISTORY_LINES);
            terminal.copy_grid(&mut below);
            let _ = wakes.send(Wake::Scrollback(Rebuilt { place, lines, below, left_at }));
        });
    }

    /// Takes history that was read, unless another session is shown by now. False: what was searched for is not there.
    pub fn take(&mut self, rebuilt: Rebuilt) -> bool {
        let Rebuilt { place, lines, below, left_at } = rebuilt;
        let Some(want) = self.wanted.take().filter(|_| self.place.as_ref() == Some(&place)) else { return true };
        match &mut self.scroll {
            // The screen stands still already: only what is above it was missing.
            Some(scroll) => scroll.lines = lines,
            none => *none = Some(Scroll { lines, below, back: 0, kept: false, hit: None, left_at }),
        }
        let height = usize::from(self.area.height);
        let scroll = self.scroll.as_mut().expect("invariant: it was put there");
        let found = match want {
            Want::Scroll(by) => {
                scroll.to(by);
                true
            }
            Want::Search { text, back } => {
                scroll.kept = true;
                scroll.search(&text, back, height)
            }
        };
        self.release_at_end();
        found
    }

    /// Lines scrolled back, and lines that came since.
    pub fn scrolled(&self) -> (usize, u64) {
        self.scroll.as_ref().map_or((0, 0), |scroll| {
            let now = self.terminal.as_ref().map_or(scroll.left_at, Terminal::rows_left);
            (scroll.back, now.saturating_sub(scroll.left_at))
        })
    }
}

impl Scroll {
    /// The row at the top of the screen.
    fn first(&self) -> usize {
        self.lines.len() - self.back.min(self.lines.len())
    }

    fn to(&mut self, back: i64) {
        self.back = usize::try_from(back.clamp(0, self.lines.len() as i64)).unwrap_or(0);
    }

    /// A row of history or of the screen below it, and whether the next one goes on with the same line.
    fn row(&self, at: usize) -> (Vec<Cell>, bool) {
        match self.lines.row(at) {
            Some(line) => (line.cells, line.wrapped),
            None => (self.below.row((at - self.lines.len()) as u16).to_vec(), false),
        }
    }

    /// The lines at another width; the same part of them stays in sight.
    fn rewrap(&mut self, width: u16) {
        let before = self.lines.len().max(1);
        self.lines.set_width(width);
        self.hit = None;
        self.to((self.back * self.lines.len() / before) as i64);
    }

    /// Brings the next or the previous row with `text` into sight, around the ends. The first time: the newest one at the
    /// live end, else the first one in sight.
    fn search(&mut self, text: &str, back: bool, height: usize) -> bool {
        let above = self.lines.len();
        let mut hits = self.lines.find(text);
        let has = |row: &u16| text::contains(&self.below.row_text(*row), text);
        hits.extend((0..self.below.size().rows).filter(has).map(|row| above + usize::from(row)));
        let Some(last) = hits.last().copied() else { return false };
        let next = |from: usize| hits.iter().find(|hit| **hit >= from).copied();
        let hit = match self.hit {
            Some(hit) if back => hits.iter().rev().find(|it| **it < hit).copied().unwrap_or(last),
            Some(hit) => next(hit + 1).unwrap_or(hits[0]),
            None if self.back == 0 => last,
            None => next(self.first()).unwrap_or(hits[0]),
        };
        self.hit = Some(hit);
        let top = self.first();
        if hit < top || hit >= top + height {
            self.to(above as i64 - hit.saturating_sub(height / 3) as i64);
        }
        true
    }
}

impl TerminalView for TerminalPane {
    fn draw(&self, area: Rect, buf: &mut Buffer) {
        if self.terminal.is_none() {
            return;
        }
        match &self.scroll {
            _ if self.of_job => draw_end(&self.grid, area, buf),
            None => PseudoTerminal::new(&self.grid).cursor(Cursor::default().visibility(false)).render(area, buf),
            Some(scroll) => draw_scrolled(scroll, area, buf),
        }
    }

    fn cursor(&self) -> Option<(u16, u16)> {
        let cursor = self.grid.cursor();
        (cursor.visible && self.scroll.is_none()).then_some((cursor.col, cursor.row))
    }
}

/// The last rows with text, as many as there is room for.
fn draw_end(grid: &Grid, area: Rect, buf: &mut Buffer) {
    let rows = grid.size().rows;
    let end = (0..rows).rev().find(|row| !grid.row_text(*row).trim().is_empty()).map_or(0, |row| row + 1);
    for (row, y) in (end.saturating_sub(area.height)..end).zip(area.y..) {
        for (cell, x) in grid.row(row).iter().zip(area.x..area.right()) {
            if let Some(target) = buf.cell_mut((x, y)) {
                cell.apply(target);
            }
        }
    }
}

fn draw_scrolled(scroll: &Scroll, area: Rect, buf: &mut Buffer) {
    for row in 0..area.height {
        let (cells, _) = scroll.row(scroll.first() + usize::from(row));
        for (col, cell) in cells.iter().take(area.width.into()).enumerate() {
            if let Some(target) = buf.cell_mut((area.x + col as u16, area.y + row)) {
                cell.apply(target);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pty::{Frame, Screen};
    use crate::ui::model::{Pane, Spot};

    const SIZE: Size = Size::new(4, 10);

    /// A pane over a program that wrote a line that wraps, and 20 with numbers.
    fn pane() -> TerminalPane {
        let lines = (0..20).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\r\n");
        let output = format!("0123456789abc\r\n{lines}\r\n\x1b[31mend");
        let mut screen = Screen::new(SIZE);
        screen.feed(output.as_bytes());
        let mut pane = TerminalPane { area: Rect::new(0, 0, 10, 4), ..TerminalPane::default() };
        screen.copy_into(&mut pane.grid);
        pane.hold();
        let frames = [Frame::Resize { offset: 0, size: SIZE }, Frame::Bytes { offset: 0, bytes: output.into() }];
        let scroll = pane.scroll.as_mut().expect("it is held");
        scroll.lines = Scrollback::build(frames, 10, 100);
        pane
    }

    fn selection(from: (i64, u16), to: (i64, u16)) -> Selection {
        let spot = |(row, column)| Spot { row, column };
        Selection { pane: Pane::Main, from: spot(from), to: spot(to), left: 0, drags: true }
    }

    #[test]
    fn a_search_goes_through_history_and_screen() {
        let mut pane = pane();
        let scroll = pane.scroll.as_mut().expect("it is held");
        let mut at = |text: &str, back| {
            let found = scroll.search(text, back, 4);
            (found, scroll.row(scroll.hit.unwrap_or(0)).0.iter().map(Cell::text).collect::<String>())
        };
        assert_eq!(at("line 1", false).1, "line 19", "the newest one first");
        assert_eq!(at("line 1", true).1, "line 18");
        assert_eq!(at("LINE", true), (false, "line 18".to_owned()), "upper case is meant");
        assert_eq!(at("line 1", false).1, "line 19");
        assert_eq!(at("line 1", false).1, "line 1", "around the end");
        assert!(scroll.back > 0 && scroll.first() <= scroll.hit.expect("a hit"));
    }

    #[test]
    fn selected_text_joins_what_had_wrapped() {
        let pane = pane();
        assert_eq!(pane.text(&selection((1, 5), (3, 1))), "18\nline 19\nen");
        assert_eq!(pane.text(&selection((-1, 0), (-1, 9))), "line 16");
        assert_eq!(pane.text(&selection((-19, 5), (-18, 1))), "56789ab");
        assert_eq!(pane.text(&selection((3, 9), (3, 2))), "d");
    }

    #[test]
    fn it_goes_on_once_nothing_holds_it() {
        let mut pane = pane();
        let (wakes, _end) = std::sync::mpsc::sync_channel(1);
        pane.scroll(3, &wakes);
        pane.release();
        assert_eq!((pane.live(), pane.scrolled().0), (false, 3));
        pane.scroll(-9, &wakes);
        assert!(pane.live());
    }
}
