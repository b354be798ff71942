//! Draws a model and changes nothing.
//!
//! Invariants: what is drawn and what the mouse hits come from one layout; a frame costs what it shows, however many
//! tasks, files or lines there are.

mod canvas;
mod diff;
mod empty;
mod foot;
mod highlight;
mod layout;
mod list;
mod monitor;
mod page;
mod pane;
mod pipeline;
mod title;
mod welcome;

use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::model::{Model, Pane, RowKey, Tab};
use super::theme::{Role, Theme};

use canvas::Canvas;

pub use diff::{Lines, Place, side_of};
pub use layout::{Areas, Class, Framed, is_welcome, layout};
pub use page::PageLine;
pub use title::tabs;
pub use welcome::{Choice, choice};

/// The screen of a session, as the runtime has it.
pub trait TerminalView {
    /// Draws it into `area`, in the colors of its program.
    fn draw(&self, area: Rect, buf: &mut Buffer);

    /// Column and row of its cursor within the area; none when it is hidden or scrolled away.
    fn cursor(&self) -> Option<(u16, u16)>;
}

/// One hint of the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FooterItem {
    pub key: String,
    pub label: String,
    /// Name of the command that a click on it runs.
    pub command: &'static str,
    /// True: it never drops for want of space.
    pub stays: bool,
}

/// A model with what it takes to draw it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub model: &'a Model,
    pub theme: &'a Theme,
    pub footer: &'a [FooterItem],
    /// Puts keys in place of command names: `$start starts it` becomes `S starts it`.
    pub spell: &'a dyn Fn(&str) -> String,
    /// The key that leaves an attached session, as titles name it.
    pub detach: &'a str,
    /// The screen for the terminal or shell tab, or the end of a job's output for the pipeline; none when there is none.
    pub terminal: Option<&'a dyn TerminalView>,
    /// For the times of the log.
    pub zone: &'a TimeZone,
}

/// What lies under a cell of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hit {
    ListRow(RowKey),
    Tab(Tab),
    /// The rule between the list and the rest.
    Divider,
    /// Elsewhere in a pane.
    Pane(Pane),
    /// A hint of the footer: the name of its command.
    Footer(&'static str),
}

/// Draws everything but the modal, which lies over the result.
pub fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>) {
    let areas = layout(scene.model);
    let cursor = paint(frame.buffer_mut(), &areas, scene);
    if let Some(cursor) = cursor.filter(|_| scene.model.modal.is_none()) {
        frame.set_cursor_position(cursor);
    }
}

/// What lies at column `x` and row `y`.
pub fn hit(scene: &Scene<'_>, x: u16, y: u16) -> Option<Hit> {
    let areas = layout(scene.model);
    let at = Position { x, y };
    if areas.footer.contains(at) {
        return foot::command_at(scene, &areas, x).map(Hit::Footer);
    }
    if areas.divider.is_some_and(|divider| divider.x == x && divider.contains(at)) {
        return Some(Hit::Divider);
    }
    let (pane, framed) = areas.panes().find(|(_, framed)| framed.title.contains(at) || framed.inner.contains(at))?;
    let special = match pane {
        Pane::List => list::key_at(scene.model, &areas, y).map(Hit::ListRow),
        Pane::Main if framed.title.contains(at) => title::tab_at(scene, &areas, x).map(Hit::Tab),
        Pane::Main | Pane::Diff | Pane::Monitor => None,
    };
    Some(special.unwrap_or(Hit::Pane(pane)))
}

/// The rows of the list that are on the screen, top to bottom: what `1` to `9` count.
pub fn visible_rows(model: &Model) -> Vec<RowKey> {
    list::visible_keys(model, &layout(model))
}

/// Rows of the screen above the selected row of the list, while both are on the screen.
pub fn height_of_selected(model: &Model) -> Option<u16> {
    list::height_of_selected(model, &layout(model))
}

/// `ListState::offset` for a list that is scrolled by `by` lines, or whose selection is to stay at `height`.
pub fn list_offset(model: &Model, by: isize, height: Option<u16>) -> Option<usize> {
    list::offset(model, &layout(model), by, height)
}

/// All rows of the spec or the log, whichever is open.
pub fn page_lines(model: &Model) -> Vec<PageLine> {
    page::lines(model, text_area(model, Pane::Main).map_or(80, |area| area.width))
}

/// Where a pane has text that can be selected.
pub fn text_area(model: &Model, pane: Pane) -> Option<Rect> {
    let areas = layout(model);
    let framed = match pane {
        Pane::List => return None,
        Pane::Main => areas.main?,
        Pane::Diff => areas.diff.or(areas.main)?,
        Pane::Monitor => areas.monitor?,
    };
    Some(layout::inset(framed.inner))
}

/// Columns at the left of a pane's text that hold numbers and signs.
pub fn text_margin(model: &Model, pane: Pane) -> u16 {
    let is_diff = pane == Pane::Diff || (pane == Pane::Main && model.main.tab == Tab::Diff);
    if is_diff { diff::margin(&model.diff) } else { 0 }
}

/// Draws into a buffer; says where the cursor belongs, if anywhere.
fn paint(buf: &mut Buffer, areas: &Areas, scene: &Scene<'_>) -> Option<Position> {
    let mut canvas = Canvas::new(buf, scene.theme);
    if areas.class == Class::TooSmall {
        let style = scene.theme.style(Role::Foreground);
        canvas.put(Rect { height: 1, ..canvas.area() }, "too small: 20x6 needed", style);
        return None;
    }
    title::draw_rules(&mut canvas, areas, scene);
    if let Some(area) = &areas.list {
        list::draw(&mut canvas, area.inner, scene, areas.class);
    }
    if let Some(area) = &areas.diff {
        diff::draw(&mut canvas, area.inner, scene, diff::Spacing::of(areas.class));
    }
    if let Some(area) = &areas.monitor {
        monitor::draw(&mut canvas, area.inner, scene, areas.class);
    }
    foot::draw(&mut canvas, areas, scene);
    let cursor = areas.main.as_ref().and_then(|area| pane::draw(&mut canvas, area.inner, areas, scene));
    highlight::draw(&mut canvas, scene.model);
    cursor
}
