//! The main pane: the tab that is open, or what takes its place.

use ratatui::layout::{Position, Rect};

use crate::ui::model::{Model, Pane, Tab};

use super::canvas::Canvas;
use super::layout::{Areas, inset, is_welcome};
use super::{Scene, diff, empty, monitor, page, pipeline, welcome};

/// What the main pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing was made yet.
    Welcome,
    /// The monitor, where it has no place of its own.
    Monitor,
    Tab(Tab),
}

impl Shown {
    pub fn of(model: &Model, areas: &Areas) -> Self {
        match (model.layout.focus, model.main.tab) {
            _ if is_welcome(model) => Self::Welcome,
            (Pane::Monitor, _) if areas.monitor.is_none() => Self::Monitor,
            (Pane::Diff, _) if areas.diff.is_none() => Self::Tab(Tab::Diff),
            (_, Tab::Shell) if !super::tabs(model).contains(&Tab::Shell) => Self::Tab(Tab::Terminal),
            (_, Tab::Pipeline) if !super::tabs(model).contains(&Tab::Pipeline) => Self::Tab(Tab::Terminal),
            (_, tab) => Self::Tab(tab),
        }
    }
}

/// Draws it; says where the cursor of an attached session is.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, areas: &Areas, scene: &Scene<'_>) -> Option<Position> {
    let inner = inset(area);
    match Shown::of(scene.model, areas) {
        Shown::Welcome => welcome::draw(canvas, inner, scene),
        Shown::Monitor => monitor::draw(canvas, area, scene, areas.class),
        Shown::Tab(Tab::Diff) => diff::draw(canvas, area, scene, diff::Spacing::of(areas.class)),
        Shown::Tab(Tab::Spec) => page::draw_spec(canvas, inner, scene),
        Shown::Tab(Tab::Pipeline) => pipeline::draw(canvas, area, scene),
        Shown::Tab(Tab::Log) => page::draw_log(canvas, inner, scene),
        Shown::Tab(Tab::Terminal | Tab::Shell) => return draw_terminal(canvas, inner, scene),
    }
    None
}

fn draw_terminal(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) -> Option<Position> {
    let Some(terminal) = scene.terminal else {
        empty::draw_terminal(canvas, area, scene);
        return None;
    };
    terminal.draw(area, canvas.buf);
    let (x, y) = terminal.cursor().filter(|_| scene.model.main.attached)?;
    (x < area.width && y < area.height).then(|| Position { x: area.x + x, y: area.y + y })
}
