//! How the screen looks on this terminal, and when its clocks move on.

use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::Frame;

use crate::model::{Glyphs, State};
use crate::ui::footer::footer;
use crate::ui::modal;
use crate::ui::model::Model;
use crate::ui::theme::{Depth, Ground, Theme};
use crate::ui::update;
use crate::ui::view::{self, Hit, Scene, TerminalView};

/// Colors, glyphs and the time zone.
pub(super) struct Look {
    pub theme: Theme,
    pub ground: Ground,
    zone: TimeZone,
}

impl Look {
    /// By the environment: `NO_COLOR`, `COLORTERM`, `TERM`, and the locale for the glyphs.
    pub fn of_terminal() -> Self {
        let var = |name| std::env::var(name).unwrap_or_default();
        let depth = if !var("NO_COLOR").is_empty() {
            Depth::None
        } else if matches!(var("COLORTERM").as_str(), "truecolor" | "24bit") {
            Depth::True
        } else if var("TERM").contains("256color") {
            Depth::Indexed256
        } else {
            Depth::Ansi16
        };
        let locale = [var("LC_ALL"), var("LC_CTYPE"), var("LANG")].into_iter().find(|text| !text.is_empty());
        let utf8 = locale.is_none_or(|text| {
            let text = text.to_ascii_uppercase();
            text.contains("UTF-8") || text.contains("UTF8")
        });
        let glyphs = if utf8 { Glyphs::Unicode } else { Glyphs::Ascii };
        let ground = Ground::Unknown;
        Self { theme: Theme::new(ground, depth, glyphs), ground, zone: TimeZone::system() }
    }

    /// Draws the panes, and what lies on top of them.
    pub fn draw(&self, frame: &mut Frame<'_>, model: &Model, terminal: Option<&dyn TerminalView>) {
        self.draw_panes(frame, model, terminal);
        if let Some(cursor) = modal::draw(model, &self.theme, frame.buffer_mut()) {
            frame.set_cursor_position(cursor);
        }
    }

    /// Draws the panes alone.
    pub fn draw_panes(&self, frame: &mut Frame<'_>, model: &Model, terminal: Option<&dyn TerminalView>) {
        self.with_scene(model, terminal, |scene| view::draw(frame, scene));
    }

    /// What lies under a cell of the screen.
    pub fn hit(&self, model: &Model, x: u16, y: u16) -> Option<Hit> {
        self.with_scene(model, None, |scene| view::hit(scene, x, y))
    }

    fn with_scene<T>(
        &self,
        model: &Model,
        terminal: Option<&dyn TerminalView>,
        use_it: impl FnOnce(&Scene<'_>) -> T,
    ) -> T {
        let keys = &model.input.keys;
        let detach = keys.detach_keys(update::shown_kind(model))[0].to_string();
        let scene = Scene {
            model,
            theme: &self.theme,
            footer: &footer(model),
            spell: &|text| keys.spell(text),
            detach: &detach,
            terminal,
            zone: &self.zone,
        };
        use_it(&scene)
    }
}

/// After which time something that is shown is out of date: an age, an elapsed time.
pub(super) fn next_change(model: &Model) -> Option<Duration> {
    if model.unfocused {
        return None;
    }
    let tasks = || model.snapshot.projects.iter().flat_map(|project| &project.tasks);
    let counting = |state| matches!(state, State::Setup | State::Gating | State::Scripting);
    if tasks().any(|task| counting(task.task.state)) {
        return Some(Duration::from_secs(1));
    }
    let young = |task: &crate::model::TaskView| model.now.duration_since(task.since).as_secs() < 60;
    let step = if tasks().any(young) { 10 } else { 60 };
    tasks().next().map(|_| Duration::from_secs(step))
}
