//! `E`: why the state is what it is, who says so and since when; and all errors in full.

use crossterm::event::{KeyCode, KeyEvent};

use crate::model::{Activity, TaskView};
use crate::ui::model::Model;
use crate::ui::row::Subject;

use super::Step;
use super::panel::{Panel, Tone};
use crate::ui::text;

/// Columns of the labels.
const LABEL: u16 = 14;

pub fn key(event: KeyEvent) -> Step {
    match event.code {
        KeyCode::Enter | KeyCode::Char('E') => Step::close(),
        _ => Step::stay(),
    }
}

/// Shows the selection, as it changes.
pub fn panel(model: &Model, width: u16) -> Panel {
    let subject = Subject::of(model);
    let name = subject.as_ref().map_or("messages", |subject| subject.name());
    let mut panel = Panel::new(format!("explain {name}"), "Enter / Esc close");
    for error in &model.messages.errors {
        panel.say(Tone::Bad, &error.text, width);
    }
    if !model.messages.errors.is_empty() {
        panel.blank();
    }
    let Some(subject) = subject else { return panel };
    let columns = (LABEL, width);
    if let Some(task) = subject.task() {
        state(&mut panel, model, task, columns);
    }
    if let Some(session) = subject.session() {
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
        let source = format!("{}, {}", session.source, text::ago(session.since, model.now));
        panel.fact("source", &source, columns);
        if session.waiting > 0 {
            panel.fact("messages", &format!("{} wait until it rests", session.waiting), columns);
        }
    }
    if let Some(task) = subject.task() {
        let task = &task.task;
        let conversation = task.conversation(&task.current_stage().name).unwrap_or("not known yet");
        panel.fact("conversation", conversation, columns);
        panel.fact("branch", &format!("{}, from {}", task.branch, task.base_branch), columns);
    }
    let folder = subject.folder().map_or_else(|| "none".to_owned(), |folder| folder.display().to_string());
    panel.fact("worktree", &folder, columns);
    if let Some(news) = &model.messages.news {
        panel.blank();
        panel.say(Tone::Dim, &news.text, width);
    }
    panel
}

fn state(panel: &mut Panel, model: &Model, view: &TaskView, columns: (u16, u16)) {
    let task = &view.task;
    let stage = format!("{} {}/{}", task.current_stage().name, task.stage + 1, task.flow.stages.len());
    let age = text::age(view.since, model.now);
    panel.fact("state", &format!("{}, for {age}   {} {stage}", task.state.word(), task.flow.name), columns);
    if let Some(reason) = &task.reason {
        panel.fact("reason", &reason.text, columns);
        panel.fact("said by", &format!("{}, {}", reason.source, text::ago(reason.since, model.now)), columns);
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
