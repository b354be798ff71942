//! `a` and `r` open the same prompt: what waits, and what each answer leads to. Opening never answers.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::model::{ProjectId, Request, ReviewFacts, TaskId};
use crate::ui::glyph::Signs;
use crate::ui::model::{Effect, Model};
use crate::ui::text::{changed, plural};
use crate::ui::update;

use super::Step;
use super::field::Field;
use super::panel::{Panel, Row, Tone};

/// Columns of the labels.
const LABEL: u16 = 12;
/// Lines of the artifact that are shown.
const SUMMARY: usize = 6;

/// The prompt.
#[derive(Debug)]
pub struct Review {
    pub project: ProjectId,
    pub task: TaskId,
    /// `rate-limit · solo 1/1 · done 40m ago`.
    pub title: String,
    slug: String,
    pub facts: Option<Box<ReviewFacts>>,
    /// The words of a rejection, once `r` was pressed.
    reject: Option<Field>,
    error: Option<&'static str>,
}

impl Review {
    pub const fn new(project: ProjectId, task: TaskId, slug: String, title: String) -> Self {
        Self { project, task, title, slug, facts: None, reject: None, error: None }
    }

    pub const fn takes_text(&self) -> bool {
        self.reject.is_some()
    }

    pub const fn text(&mut self) -> Option<&mut Field> {
        self.reject.as_mut()
    }

    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        if self.reject.is_some() {
            return self.reject_key(model, event);
        }
        if !event.modifiers.is_empty() {
            return Step::stay();
        }
        let Some(facts) = &self.facts else {
            return if event.code == KeyCode::Enter { Step::close() } else { Step::stay() };
        };
        match event.code {
            KeyCode::Char('a') => {
                Step::Close(update::ask(Request::Approve { project: self.project.clone(), task: self.task }))
            }
            KeyCode::Char('r') => {
                let kept = model.input.drafts.get(&self.draft_key()).map_or("", String::as_str);
                self.reject = Some(Field::new(kept));
                Step::stay()
            }
            KeyCode::Char('d') => Step::Park,
            KeyCode::Char('l') => match &facts.gate_log {
                Some(path) => Step::Stay(vec![Effect::OpenEditor { path: path.clone(), line: None }]),
                None => Step::stay(),
            },
            KeyCode::Char('n') | KeyCode::Enter => Step::close(),
            _ => Step::stay(),
        }
    }

    fn reject_key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        let Some(field) = &mut self.reject else { return Step::stay() };
        self.error = None;
        match event.code {
            KeyCode::Esc => {
                self.keep(model);
                self.reject = None;
            }
            KeyCode::Enter if event.modifiers.is_empty() => {
                let feedback = field.text().trim().to_owned();
                if feedback.is_empty() {
                    self.error = Some("Say what is to be changed. Esc goes back.");
                    return Step::stay();
                }
                model.input.drafts.remove(&self.draft_key());
                let request =
                    Request::Reject { project: self.project.clone(), task: self.task, feedback, fresh: false };
                return Step::Close(update::ask(request));
            }
            KeyCode::Enter => field.break_line(),
            KeyCode::Char('j') if event.modifiers == KeyModifiers::CONTROL => field.break_line(),
            KeyCode::Char('g') if event.modifiers == KeyModifiers::CONTROL => {
                return Step::Stay(vec![Effect::EditText(field.text())]);
            }
            _ => drop(field.edit(event)),
        }
        Step::stay()
    }

    /// The words of a rejection survive Esc.
    pub fn keep(&self, model: &mut Model) {
        let Some(field) = &self.reject else { return };
        if field.is_empty() {
            model.input.drafts.remove(&self.draft_key());
        } else {
            model.input.drafts.insert(self.draft_key(), field.text());
        }
    }

    pub fn panel(&self, _: &Model, width: u16) -> Panel {
        let hints = match (&self.facts, &self.reject) {
            (_, Some(_)) => "Enter rejects   Alt-Enter breaks the line   Ctrl-G editor   Esc back".to_owned(),
            (None, _) => "Esc back".to_owned(),
            (Some(facts), None) => {
                let accept = if facts.next.starts_with("reviewed") {
                    "a accept as reviewed".to_owned()
                } else {
                    format!("a approve, next: {}", facts.next)
                };
                let log = if facts.gate_log.is_some() { "   l gate log" } else { "" };
                format!("{accept}   r reject   d diff{log}   Esc back")
            }
        };
        let mut panel = Panel::new(format!("review {}", self.title), hints);
        match &self.facts {
            Some(facts) => Self::rows(&mut panel, facts, width),
            None => panel.push(Row::new(Tone::Dim, "...")),
        }
        if let Some(field) = &self.reject {
            panel.blank();
            let (lines, (column, row)) = field.lines(width.saturating_sub(2).into());
            panel.cursor = Some((column as u16 + 2, (panel.rows.len() + row) as u16));
            for (index, line) in lines.into_iter().enumerate() {
                panel.push(Row::new(Tone::Dim, if index == 0 { "> " } else { "  " }).and(Tone::Plain, line));
            }
            if let Some(error) = self.error {
                panel.push(Row::new(Tone::Bad, error));
            }
        }
        panel
    }

    fn rows(panel: &mut Panel, facts: &ReviewFacts, width: u16) {
        let columns = (LABEL, width);
        if let Some((name, text)) = &facts.artifact {
            let first: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SUMMARY).collect();
            panel.fact(name, &first.join("\n"), columns);
        }
        let stat = facts.stat;
        let files = plural(stat.files.into(), "file");
        panel.fact("diff", &format!("{files}  {}", changed(stat.added, stat.removed, Signs::UNICODE)), columns);
        if let Some(gate) = &facts.gate {
            panel.fact("gate", gate, columns);
        }
        let prediction = if facts.conflicts.is_empty() {
            "no conflict predicted".to_owned()
        } else {
            format!("conflicts in {}", facts.conflicts.join(", "))
        };
        panel.fact("base", &format!("{}, {prediction}", facts.base), columns);
        panel.fact("next", &facts.next, columns);
    }

    fn draft_key(&self) -> String {
        format!("r:{}/{}", self.project, self.slug)
    }
}
