//! `E`: why the state is what it is, who says so and since when; and all errors in full.

use crossterm::event::{KeyCode, KeyEvent};

use crate::engine::explain::{self, Fact};
use crate::ui::model::Model;
use crate::ui::row::Subject;

use super::Step;
use super::panel::{Panel, Tone};

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
    let facts = match subject {
        Subject::Task(project, task) => explain::task(project, task, model.now),
        Subject::Designer(project, session) => {
            let mut facts = explain::session(session, model.now);
            facts.push(Fact { label: "folder", text: project.root.display().to_string() });
            facts
        }
        Subject::Project(project) => vec![Fact { label: "folder", text: project.root.display().to_string() }],
    };
    for Fact { label, text } in &facts {
        panel.fact(label, text, (LABEL, width));
    }
    if let Some(news) = &model.messages.news {
        panel.blank();
        panel.say(Tone::Dim, &news.text, width);
    }
    panel
}
