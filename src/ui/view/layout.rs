//! Where the panes are.
//!
//! Invariants: areas never overlap and lie within the screen; the terminal pane has the same size whichever message,
//! tab or focus there is, so that sessions are resized only with the screen.

use ratatui::layout::Rect;

use crate::model::ProjectView;
use crate::ui::model::{Model, Pane, Tab};
use crate::ui::row;

use super::foot;

/// What fits on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// From 120 columns.
    Wide,
    /// From 80 columns.
    Compact,
    /// From 50 columns: the list above the main pane; monitor and diff are tabs of it.
    Stacked,
    /// Below 50 columns or 12 rows: one thing at a time.
    Single,
    /// Below 20 columns or 6 rows: nothing.
    TooSmall,
}

/// A pane with the rule above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framed {
    /// One row.
    pub title: Rect,
    pub inner: Rect,
}

/// The areas of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Areas {
    pub class: Class,
    pub list: Option<Framed>,
    pub main: Option<Framed>,
    pub diff: Option<Framed>,
    pub monitor: Option<Framed>,
    /// Where sessions are drawn, with a blank column at either side; none while the main pane is hidden. Sessions have this
    /// size, whichever tab is open.
    pub terminal: Option<Rect>,
    /// The vertical rule beside the list, one column wide.
    pub divider: Option<Rect>,
    /// The rule above the message line.
    pub rule: Rect,
    /// One row, two for an error that needs them.
    pub message: Rect,
    pub strip: Option<Rect>,
    pub footer: Rect,
}

impl Class {
    pub const fn of(cols: u16, rows: u16) -> Self {
        match (cols, rows) {
            (0..20, _) | (_, 0..6) => Self::TooSmall,
            (20..50, _) | (_, 6..12) => Self::Single,
            (50..80, _) => Self::Stacked,
            (80..120, _) => Self::Compact,
            _ => Self::Wide,
        }
    }
}

impl Areas {
    pub fn panes(&self) -> impl Iterator<Item = (Pane, Framed)> {
        let all =
            [(Pane::List, self.list), (Pane::Main, self.main), (Pane::Diff, self.diff), (Pane::Monitor, self.monitor)];
        all.into_iter().filter_map(|(pane, framed)| Some((pane, framed?)))
    }
}

/// Without a blank column at either side.
pub const fn inset(area: Rect) -> Rect {
    Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(2), ..area }
}

/// Divides the screen of a model.
pub fn layout(model: &Model) -> Areas {
    let screen = Rect::new(0, 0, model.size.cols, model.size.rows);
    let class = Class::of(screen.width, screen.height);
    let mut areas = Areas {
        class,
        list: None,
        main: None,
        diff: None,
        monitor: None,
        terminal: None,
        divider: None,
        rule: Rect::ZERO,
        message: Rect::ZERO,
        strip: None,
        footer: Rect::ZERO,
    };
    if class == Class::TooSmall {
        return areas;
    }
    let (mut body, monitor_rows) = foot_areas(&mut areas, model, screen);
    if monitor_rows > 0 {
        let (above, below) = split(body, body.height - monitor_rows - 1);
        // An error of two lines takes a row of the monitor, from no other pane.
        let below = Rect { height: below.height - (areas.message.height - 1), ..below };
        areas.monitor = Some(framed(below));
        body = above;
    }
    match class {
        _ if model.layout.zoomed || class == Class::Single => areas.alone(model.layout.focus, body),
        Class::Stacked => areas.stack(body),
        _ => areas.side_by_side(model, body),
    }
    areas
}

impl Areas {
    fn alone(&mut self, focus: Pane, body: Rect) {
        let body = framed(body);
        match focus {
            Pane::List => self.list = Some(body),
            Pane::Diff if self.class != Class::Single => self.diff = Some(body),
            Pane::Monitor if self.class != Class::Single => self.monitor = Some(body),
            Pane::Main | Pane::Diff | Pane::Monitor => self.show_main(body),
        }
    }

    fn stack(&mut self, body: Rect) {
        let (list, main) = split(body, (body.height / 3).max(6));
        self.list = Some(framed(list));
        self.show_main(framed(main));
    }

    fn side_by_side(&mut self, model: &Model, body: Rect) {
        let usual = if self.class == Class::Wide { 36 } else { 27 };
        let width = model.layout.list_width.unwrap_or(usual).clamp(16, body.width - 40);
        self.list = Some(framed(Rect { width, ..body }));
        self.divider = Some(Rect { x: body.x + width, width: 1, ..body });
        let right = Rect { x: body.x + width + 1, width: body.width - width - 1, ..body };
        let (upper, lower) = split(right, 1 + main_rows(right.height - 1));
        self.show_main(framed(upper));
        if matches!(model.main.tab, Tab::Diff | Tab::Pipeline) || is_welcome(model) {
            self.main = Some(framed(right));
        } else {
            self.diff = Some(framed(lower));
        }
    }

    fn show_main(&mut self, area: Framed) {
        self.main = Some(area);
        self.terminal = Some(inset(area.inner));
    }
}

/// True: nothing was made yet, the main pane says how to begin.
pub fn is_welcome(model: &Model) -> bool {
    let empty = |project: &ProjectView| project.trouble.is_none() && row::subjects(project).next().is_none();
    model.snapshot.projects.iter().all(|project| empty(project))
}

/// Rows of the main pane above the diff's title, of `rows` for all: a bit more than half, and enough for an agent. Below 12
/// rows nothing is left for the diff but its title.
fn main_rows(rows: u16) -> u16 {
    if rows < 12 { rows - 1 } else { (rows * 14 / 25).max(8 + rows / 4).min(rows - 4) }
}

/// Sets the areas below the panes; what is left, with how many rows of it the monitor gets.
fn foot_areas(areas: &mut Areas, model: &Model, screen: Rect) -> (Rect, u16) {
    let row = |y: u16| Rect { y, height: 1, ..screen };
    let mut y = screen.bottom() - 1;
    areas.footer = row(y);
    if model.strip.is_some() && screen.height >= 8 {
        y -= 1;
        areas.strip = Some(row(y));
    }
    let monitor = match screen.height {
        _ if model.layout.zoomed || !matches!(areas.class, Class::Compact | Class::Wide) || is_welcome(model) => 0,
        0..18 => 0,
        height @ 18..36 => ((height - 18) / 3).max(1),
        height => (height / 5 - 1).max(6),
    };
    let lines = if monitor > 0 { foot::error_rows(model, screen.width) } else { 1 };
    areas.message = Rect { height: lines, ..row(y - lines) };
    areas.rule = row(y - lines - 1);
    let body = Rect { height: y - 2, ..screen };
    (body, monitor)
}

const fn framed(area: Rect) -> Framed {
    Framed {
        title: Rect { height: 1, ..area },
        inner: Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area },
    }
}

/// The first `rows` rows, and the others.
const fn split(area: Rect, rows: u16) -> (Rect, Rect) {
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}
