//! `E`: why the state is what it is, who says so and since when; and all errors in full.

use crossterm::event::KeyEvent;

use crate::model::{Activity, TaskView};
use crate::ui::model::Model;
use crate::ui::update::chosen::Chosen;

use super::Step;
use super::panel::{Panel, Row, Tone, wrap};
use crate::ui::text;

/// Columns of the labels.
const LABEL: u16 = 14;

/// The overlay: shows the selection, as it changes.
#[derive(Debug, Default)]
pub struct Explain;

impl Explain {
    pub fn key(&mut self, event: KeyEvent) -> Step {
        use crossterm::event::KeyCode;
        match event.code {
            KeyCode::Enter | KeyCode::Char('E') => Step::close(),
            _ => Step::stay(),
        }
    }

    pub fn panel(&self, model: &Model, width: u16) -> Panel {
        let chosen = Chosen::of(model);
        let name = chosen.as_ref().map_or("messages", |chosen| chosen.name());
        let mut panel = Panel::new(format!("explain {name}"), "Enter / Esc close");
        for error in &model.messages.errors {
            wrap(&error.text, width.into()).into_iter().for_each(|line| panel.push(Row::new(Tone::Bad, line)));
        }
        if !model.messages.errors.is_empty() {
            panel.blank();
        }
        let Some(chosen) = chosen else { return panel };
        let columns = (LABEL, width);
        if let Some(task) = chosen.task() {
            state(&mut panel, model, task, columns);
        }
        if let Some(session) = chosen.session() {
            let activity = match &session.activity {
                Activity::Starting => "starts".to_owned(),
                Activity::Working => "works".to_owned(),
                Activity::Resting => "rests".to_owned(),
                Activity::Asking { text } => format!("asks: {text}"),
            };
            let alive = match (session.alive, session.exit) {
                (true, _) => String::new(),
                (false, Some(exit)) => format!("; the process {exit}"),
                (false, None) => "; the process is gone".to_owned(),
            };
            panel.fact("agent", &format!("{} {activity}{alive}", session.name), columns);
            let source = format!("{}, {} ago", session.source, text::age(session.since, model.now));
            panel.fact("source", &source, columns);
            if session.waiting > 0 {
                panel.fact("messages", &format!("{} wait until it rests", session.waiting), columns);
            }
        }
        if let Some(task) = chosen.task() {
            let task = &task.task;
            let conversation = task.conversation(&task.current_stage().name).unwrap_or("not known yet");
            panel.fact("conversation", conversation, columns);
            panel.fact("branch", &format!("{}, from {}", task.branch, task.base_branch), columns);
        }
        let folder = chosen.folder().map_or_else(|| "none".to_owned(), |folder| folder.display().to_string());
        panel.fact("worktree", &folder, columns);
        if let Some(news) = &model.messages.news {
            panel.blank();
            wrap(&news.text, width.into()).into_iter().for_each(|line| panel.push(Row::new(Tone::Dim, line)));
        }
        panel
    }
}

fn state(panel: &mut Panel, model: &Model, view: &TaskView, columns: (u16, u16)) {
    let task = &view.task;
    let stage = format!("{} {}/{}", task.current_stage().name, task.stage + 1, task.flow.stages.len());
    let age = text::age(view.since, model.now);
    panel.fact("state", &format!("{}, for {age}   {} {stage}", task.state.word(), task.flow.name), columns);
    if let Some(reason) = &task.reason {
        panel.fact("reason", &reason.text, columns);
        panel.fact("said by", &format!("{}, {} ago", reason.source, text::age(reason.since, model.now)), columns);
    }
    if let Some((attempt, since)) = view.gate {
        panel.fact("gate", &format!("attempt {attempt} runs, for {}", text::age(since, model.now)), columns);
    }
    if view.same_failures > 1 {
        panel.fact("gate", &format!("the same output {} times", view.same_failures), columns);
    }
    if let Some(place) = view.queued {
        panel.fact("queue", &format!("place {place}"), columns);
    }
}
