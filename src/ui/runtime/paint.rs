//! One frame: the chrome by ratatui, the rows of the terminal pane that changed by our own writer.
//!
//! Invariant: what the pane's rows show on the outer terminal is what the grid held when the last frame was drawn,
//! whichever of the two ways drew them.

use std::io::{self, Write as _};

use crossterm::cursor::{Hide, MoveTo, SetCursorStyle, Show};
use crossterm::queue;
use ratatui::layout::{Position, Rect};

use super::Face;
use super::pane::TerminalPane;
use crate::model::Size;
use crate::pty::CursorShape;
use crate::ui::view::{self, TerminalView as _};

impl Face {
    /// Draws what has changed.
    pub(super) fn draw(&mut self) -> io::Result<()> {
        self.model.now = super::now();
        let areas = view::layout(&self.model);
        let pane = areas.terminal.unwrap_or_default();
        if pane != self.pane.area {
            self.pane.resize(pane);
            self.engine.set_size(Size::new(pane.height, pane.width));
            self.pace.stale = true;
        }
        let fresh = self.pace.screens && self.pane.refresh();
        let covered = self.model.modal.is_some() || self.pane.of_job;
        if self.pace.stale || (fresh && covered) {
            self.draw_all()?;
        } else if fresh && self.pane.live() && self.pane.is_drawn(&self.model) {
            self.draw_rows()?;
        }
        self.pace.stale = false;
        self.pace.screens = false;
        self.pace.drawn = std::time::Instant::now();
        Ok(())
    }

    /// All of the screen; ratatui sends what differs from its last frame.
    fn draw_all(&mut self) -> io::Result<()> {
        self.pane.refresh();
        let (model, pane, look) = (&self.model, &mut self.pane, &self.look);
        let covered = model.modal.is_some();
        let shown = !covered && pane.live() && pane.is_drawn(model);
        self.outer.frame(|terminal| {
            // Rows that went past ratatui are put into its last frame first, so that nothing of them stays behind
            // under what is drawn over them now.
            if covered && pane.painted != 0 && pane.is_drawn(model) {
                let mut rows = Vec::new();
                changed_rows(pane, &mut rows);
                terminal.backend_mut().write_all(&rows)?;
                terminal.draw(|frame| look.draw_panes(frame, model, pane.view()))?;
            }
            terminal.draw(|frame| look.draw(frame, model, pane.view()))?;
            let mut rows = Vec::new();
            if shown {
                changed_rows(pane, &mut rows);
                place_cursor(pane, model.main.attached, &mut rows)?;
            }
            pane.painted = pane.grid.generation();
            terminal.backend_mut().write_all(&rows)
        })
    }

    /// The rows of the terminal pane alone: what a key's echo costs.
    fn draw_rows(&mut self) -> io::Result<()> {
        let attached = self.model.main.attached;
        let pane = &mut self.pane;
        let mut rows = Vec::new();
        queue!(rows, Hide)?;
        changed_rows(pane, &mut rows);
        place_cursor(pane, attached, &mut rows)?;
        pane.painted = pane.grid.generation();
        self.outer.frame(|terminal| terminal.backend_mut().write_all(&rows))
    }
}

fn changed_rows(pane: &TerminalPane, out: &mut Vec<u8>) {
    let Rect { x, y, width, height } = pane.area;
    for row in pane.grid.dirty_rows(pane.painted).filter(|row| *row < height) {
        let _ = queue!(out, MoveTo(x, y + row));
        pane.grid.write_row(row, width, out);
    }
}

fn place_cursor(pane: &TerminalPane, attached: bool, out: &mut Vec<u8>) -> io::Result<()> {
    let Rect { x, y, width, height } = pane.area;
    let inside = |at: &Position| at.x < width && at.y < height;
    let at = pane.cursor().map(Position::from);
    let Some(at) = at.filter(|at| attached && inside(at)) else { return queue!(out, Hide) };
    let shape = match pane.grid.cursor().shape {
        CursorShape::Default => SetCursorStyle::DefaultUserShape,
        CursorShape::BlinkingBlock => SetCursorStyle::BlinkingBlock,
        CursorShape::SteadyBlock => SetCursorStyle::SteadyBlock,
        CursorShape::BlinkingUnderline => SetCursorStyle::BlinkingUnderScore,
        CursorShape::SteadyUnderline => SetCursorStyle::SteadyUnderScore,
        CursorShape::BlinkingBar => SetCursorStyle::BlinkingBar,
        CursorShape::SteadyBar => SetCursorStyle::SteadyBar,
    };
    queue!(out, shape, MoveTo(x + at.x, y + at.y), Show)
}
