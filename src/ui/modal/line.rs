//! One line of text: a new task, a message, a filter, a search, the words for another stage.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::model::{Failure, NewComment, NewTask, ProjectId, Request, SessionId, TaskId};
use crate::ui::model::{Effect, Model, Then};
use crate::ui::update::{self, list::Direction, search};

use super::Step;
use super::field::Field;
use super::panel::{Panel, Place, Row, Tone};

/// What the text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    NewTask,
    Message {
        session: SessionId,
    },
    /// Its text is what is typed.
    Comment {
        task: TaskId,
        slug: String,
        on: NewComment,
    },
    Stage {
        task: TaskId,
        slug: String,
        stage: String,
    },
    Filter,
    Search,
}

/// The prompt of one line, which Alt-Enter makes longer.
#[derive(Debug)]
pub struct Line {
    pub purpose: Purpose,
    pub project: ProjectId,
    pub field: Field,
    /// Sent, and not answered yet.
    pub sent: bool,
    error: Option<String>,
    /// Place in the history, counted from its end.
    recall: usize,
}

impl Line {
    /// Starts with the text that was left here last, then `text`.
    pub fn new(model: &Model, purpose: Purpose, project: ProjectId, text: &str) -> Self {
        let mut line = Self { purpose, project, field: Field::default(), sent: false, error: None, recall: 0 };
        let kept = match line.purpose {
            Purpose::Filter => model.list.filter.clone(),
            Purpose::Search => String::new(),
            _ => model.input.drafts.get(&line.draft_key()).cloned().unwrap_or_default(),
        };
        line.field = Field::new(&kept);
        line.field.insert(text);
        line
    }

    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        let plain = event.modifiers.is_empty();
        match event.code {
            KeyCode::Enter if plain => return self.send(model),
            KeyCode::Enter => self.field.break_line(),
            KeyCode::Char('j') if event.modifiers == KeyModifiers::CONTROL => self.field.break_line(),
            KeyCode::Char('g') if event.modifiers == KeyModifiers::CONTROL => {
                return Step::Stay(vec![Effect::EditText(self.field.text())]);
            }
            KeyCode::Up if self.purpose == Purpose::Search => {
                return Step::Stay(search::find(model, Direction::Back));
            }
            KeyCode::Up if self.field.at_first_line() => self.recall(model, 1),
            KeyCode::Down if self.field.at_last_line() => self.recall(model, -1),
            _ => {
                if self.field.edit(event) {
                    self.error = None;
                    self.follow(model);
                }
            }
        }
        Step::stay()
    }

    /// Esc: the filter goes, the search stays at its match, other text is kept for the next time.
    pub fn keep(&self, model: &mut Model) {
        match self.purpose {
            Purpose::Filter => model.list.filter.clear(),
            Purpose::Search => {}
            _ => {
                let text = self.field.text();
                if text.trim().is_empty() {
                    model.input.drafts.remove(&self.draft_key());
                } else {
                    model.input.drafts.insert(self.draft_key(), text);
                }
            }
        }
    }

    pub fn refuse(&mut self, failure: &Failure) {
        self.sent = false;
        self.error = Some(failure.to_string());
    }

    pub fn new_task(&self) -> Option<Request> {
        let task = NewTask { description: self.field.text().trim().to_owned(), start: true, ..NewTask::default() };
        (self.purpose == Purpose::NewTask).then(|| Request::NewTask { project: self.project.clone(), task })
    }

    pub fn panel(&self, _: &Model, width: u16) -> Panel {
        let (title, keys) = match &self.purpose {
            Purpose::NewTask => ("new task".to_owned(), "Enter starts it"),
            Purpose::Message { session } => (format!("message to {session}"), "Enter sends"),
            Purpose::Comment { on, .. } => (format!("comment on {}:{}", on.path, on.line), "Enter notes it"),
            Purpose::Stage { slug, stage, .. } => (format!("send {slug} to {stage}: what for"), "Enter sends"),
            Purpose::Filter => ("filter".to_owned(), "Enter keeps it   Esc clears it"),
            Purpose::Search => ("search".to_owned(), "Enter next   ↑ previous   Esc stays here"),
        };
        let hints = match self.purpose {
            Purpose::Filter | Purpose::Search => keys.to_owned(),
            _ => format!("{keys}   Alt-Enter breaks the line   Ctrl-G editor   Esc"),
        };
        let mut panel = Panel::new(title, hints);
        panel.place = Place::Foot;
        let (lines, (column, row)) = self.field.lines(width.saturating_sub(2).into());
        for (index, line) in lines.into_iter().enumerate() {
            panel.push(Row::new(Tone::Dim, if index == 0 { "> " } else { "  " }).and(Tone::Plain, line));
        }
        panel.cursor = Some((column as u16 + 2, row as u16));
        if let Some(error) = &self.error {
            panel.push(Row::new(Tone::Bad, error.clone()));
        } else if self.sent {
            panel.push(Row::new(Tone::Dim, "..."));
        }
        panel
    }

    fn send(&mut self, model: &mut Model) -> Step {
        let text = self.field.text().trim().to_owned();
        match &self.purpose {
            Purpose::Filter => return Step::close(),
            Purpose::Search => {
                let text = self.field.text();
                self.remember(model, text.trim());
                return Step::Stay(search::find(model, Direction::Forward));
            }
            Purpose::Stage { .. } => {}
            _ if text.is_empty() => {
                self.error = Some("There is no text yet. Esc leaves.".to_owned());
                return Step::stay();
            }
            _ if self.sent => return Step::stay(),
            _ => {}
        }
        self.remember(model, &text);
        let project = self.project.clone();
        match self.purpose.clone() {
            Purpose::NewTask => {
                self.sent = true;
                let request = self.new_task().expect("invariant: the purpose is a new task");
                Step::Stay(vec![Effect::Ask { request, then: Then::SelectNew }])
            }
            Purpose::Message { session } => {
                model.input.drafts.remove(&self.draft_key());
                Step::Close(vec![Effect::Ask {
                    request: Request::Send { project, session, text, sender: None },
                    then: Then::Say,
                }])
            }
            Purpose::Comment { task, on, .. } => {
                model.input.drafts.remove(&self.draft_key());
                let comment = NewComment { text, ..on };
                Step::Close(update::ask(Request::AddComment { project, task, comment }))
            }
            Purpose::Stage { task, stage, .. } => {
                Step::Close(update::ask(Request::SendToStage { project, task, stage, text }))
            }
            Purpose::Filter | Purpose::Search => Step::close(),
        }
    }

    /// Filter and search work while they are typed.
    fn follow(&self, model: &mut Model) {
        match self.purpose {
            Purpose::Filter => {
                model.list.filter = self.field.text().trim().to_lowercase();
                update::list::settle(model);
            }
            Purpose::Search => {
                search::set(model, self.field.text());
            }
            _ => {}
        }
    }

    fn remember(&self, model: &mut Model, text: &str) {
        let lines = model.input.history.entry(self.kind().to_owned()).or_default();
        lines.retain(|line| line != text);
        lines.push(text.to_owned());
    }

    fn recall(&mut self, model: &Model, by: isize) {
        let lines = model.input.history.get(self.kind()).map_or(&[][..], Vec::as_slice);
        let recall = self.recall.saturating_add_signed(by).min(lines.len());
        if recall != self.recall {
            self.recall = recall;
            self.field.set(lines.len().checked_sub(recall).and_then(|at| lines.get(at)).map_or("", String::as_str));
        }
    }

    const fn kind(&self) -> &'static str {
        match self.purpose {
            Purpose::NewTask => "n",
            Purpose::Message { .. } => "m",
            Purpose::Comment { .. } => "c",
            Purpose::Stage { .. } => "r",
            Purpose::Filter => "/",
            Purpose::Search => "?",
        }
    }

    fn draft_key(&self) -> String {
        match &self.purpose {
            Purpose::Message { session } => format!("m:{}/{session}", self.project),
            Purpose::Comment { slug, on, .. } => {
                format!("c:{}/{slug}:{}:{}:{:?}", self.project, on.path, on.line, on.side)
            }
            Purpose::Stage { slug, stage, .. } => format!("stage:{}/{slug}:{stage}", self.project),
            _ => format!("{}:{}", self.kind(), self.project),
        }
    }
}
