//! The words of a rejection, and whether a fresh conversation gets them.
//!
//! Invariant: the words are kept until the engine has taken them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::model::{ProjectId, Request, TaskId};
use crate::ui::model::{Effect, Model, Then};
use crate::ui::text::plural;

use super::Step;
use super::field::Field;
use super::panel::{Panel, Row, Tone};

/// Keys of the prompt while it is open.
pub const HINTS: &str = "Enter rejects   Tab fresh   Alt-Enter line   Ctrl-G editor   Esc";

/// The text field below the facts.
#[derive(Debug)]
pub struct Rejection {
    project: ProjectId,
    task: TaskId,
    /// Of the draft.
    key: String,
    pub field: Field,
    /// How many comments on the diff go with the words.
    comments: usize,
    fresh: bool,
    error: Option<&'static str>,
}

impl Rejection {
    /// Starts with the words that were left here last.
    pub fn open(model: &Model, (project, task): (&ProjectId, TaskId), slug: &str) -> Self {
        let key = format!("r:{project}/{slug}");
        let view = model.snapshot.projects.iter().find(|view| view.id == *project);
        let view = view.and_then(|view| view.tasks.iter().find(|view| view.task.id == task));
        let comments = view.map_or(0, |view| view.comments.len());
        let field = Field::new(model.input.drafts.get(&key).map_or("", String::as_str));
        Self { project: project.clone(), task, key, field, comments, fresh: false, error: None }
    }

    /// None: Esc went back to the facts.
    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Option<Step> {
        self.error = None;
        match event.code {
            KeyCode::Esc => {
                self.keep(model);
                return None;
            }
            KeyCode::Enter if event.modifiers.is_empty() => {
                let feedback = self.field.text().trim().to_owned();
                if feedback.is_empty() && self.comments == 0 {
                    self.error = Some("Say what is to be changed. Esc goes back.");
                    return Some(Step::stay());
                }
                self.keep(model);
                let (project, task, fresh) = (self.project.clone(), self.task, self.fresh);
                let request = Request::Reject { project, task, feedback, fresh };
                return Some(Step::Close(vec![Effect::Ask { request, then: Then::Forget(self.key.clone()) }]));
            }
            KeyCode::Enter => self.field.break_line(),
            KeyCode::Tab | KeyCode::BackTab => self.fresh = !self.fresh,
            KeyCode::Char('j') if event.modifiers == KeyModifiers::CONTROL => self.field.break_line(),
            KeyCode::Char('g') if event.modifiers == KeyModifiers::CONTROL => {
                return Some(Step::Stay(vec![Effect::EditText(self.field.text())]));
            }
            _ => drop(self.field.edit(event)),
        }
        Some(Step::stay())
    }

    /// The words survive Esc.
    pub fn keep(&self, model: &mut Model) {
        if self.field.is_empty() {
            model.input.drafts.remove(&self.key);
        } else {
            model.input.drafts.insert(self.key.clone(), self.field.text());
        }
    }

    pub fn show(&self, panel: &mut Panel, width: u16) {
        panel.blank();
        let mark = if self.fresh { "[x]" } else { "[ ]" };
        panel.push(Row::new(Tone::Plain, format!("{mark} in a fresh conversation")).and(Tone::Dim, "   Tab"));
        if self.comments > 0 {
            panel.push(Row::new(Tone::Dim, format!("with {} on the diff", plural(self.comments as u64, "comment"))));
        }
        let (lines, (column, row)) = self.field.lines(width.saturating_sub(2).into());
        panel.cursor = Some((column as u16 + 2, (panel.rows.len() + row) as u16));
        for (index, line) in lines.into_iter().enumerate() {
            panel.push(Row::new(Tone::Dim, if index == 0 { "> " } else { "  " }).and(Tone::Plain, line));
        }
        if let Some(error) = self.error {
            panel.push(Row::new(Tone::Bad, error));
        }
    }
}
