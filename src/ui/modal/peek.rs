//! Peek: the question or the last message of a session, and an answer without attaching.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::model::{Activity, ProjectId, Request, SessionId};
use crate::ui::model::{Effect, Model, RowKey, Then};
use crate::ui::row::{Subject, asks_questions};
use crate::ui::update::{self, list};

use super::field::Field;
use super::panel::{Panel, Place, Row, Tone, foot_rows, lines};
use super::questions::Questions;
use super::{Body, Step};

/// The overlay at the foot of the main pane.
#[derive(Debug)]
pub struct Peek {
    project: ProjectId,
    session: SessionId,
    pub field: Field,
    /// The session's screen, as far as it is known.
    screen: Vec<String>,
}

impl Peek {
    /// Asks for the session's screen.
    pub fn open(model: &Model, subject: &Subject<'_>) -> Option<(Self, Vec<Effect>)> {
        let (project, session) = (subject.project().id.clone(), subject.session_id()?);
        let mut peek = Self { project, session, field: Field::default(), screen: Vec::new() };
        peek.field = Field::new(model.input.drafts.get(&peek.draft_key()).map_or("", String::as_str));
        let effect = Effect::ReadScreen { project: peek.project.clone(), session: peek.session.clone() };
        Some((peek, vec![effect]))
    }

    pub fn screen(&mut self, project: &ProjectId, session: &SessionId, lines: Vec<String>) {
        if (&self.project, &self.session) == (project, session) {
            self.screen = lines;
        }
    }

    pub fn key(&mut self, model: &mut Model, event: KeyEvent, fresh: bool) -> Step {
        let empty = self.field.is_empty();
        let plain = event.modifiers.is_empty();
        match event.code {
            KeyCode::Char(' ') if plain && empty => match event.kind {
                KeyEventKind::Repeat => Step::stay(),
                _ => Step::close(),
            },
            KeyCode::Char(digit @ '1'..='9')
                if plain && empty && self.options(model) >= digit as usize - '0' as usize =>
            {
                if fresh || event.kind == KeyEventKind::Repeat {
                    return Step::stay();
                }
                let request = Request::Answer {
                    project: self.project.clone(),
                    session: self.session.clone(),
                    bytes: digit.to_string().into_bytes(),
                };
                Step::Close(update::ask(request))
            }
            KeyCode::Up if empty => self.next(model, -1),
            KeyCode::Down if empty => self.next(model, 1),
            KeyCode::Enter if plain && empty => Step::stay(),
            KeyCode::Enter if plain && fresh => Step::stay(),
            KeyCode::Enter if plain => {
                let text = self.field.text().trim().to_owned();
                model.input.drafts.remove(&self.draft_key());
                let (project, session) = (self.project.clone(), self.session.clone());
                Step::Close(vec![Effect::Ask {
                    request: Request::Send { project, session, text, sender: None },
                    then: Then::Say,
                }])
            }
            KeyCode::Enter => {
                self.field.break_line();
                Step::stay()
            }
            KeyCode::Char('j') if event.modifiers == KeyModifiers::CONTROL => {
                self.field.break_line();
                Step::stay()
            }
            _ => {
                self.field.edit(event);
                Step::stay()
            }
        }
    }

    /// The text survives Esc.
    pub fn keep(&self, model: &mut Model) {
        if self.field.is_empty() {
            model.input.drafts.remove(&self.draft_key());
        } else {
            model.input.drafts.insert(self.draft_key(), self.field.text());
        }
    }

    pub fn panel(&self, model: &Model, width: u16, height: u16) -> Panel {
        let options = self.options(model);
        let digits = if options > 1 { format!("1-{options} answer   ") } else { String::new() };
        let word = match self.asks(model) {
            Some(_) => "asks",
            None => "rests or works",
        };
        let word = if self.view(model).is_some_and(|it| it.activity == Activity::Resting) { "rests" } else { word };
        let mut panel = Panel::new(
            format!("{} · {word}", self.session),
            format!("{digits}type, Enter sends   ↑↓ next session   Esc close"),
        );
        panel.place = Place::Foot;
        let (lines, (column, row)) = self.field.lines(width.saturating_sub(2).into());
        let room = usize::from(foot_rows(height + 2) - 2).saturating_sub(lines.len() + 1).max(1);
        let text = self.message(model, width);
        for line in &text[text.len().saturating_sub(room)..] {
            panel.push(line.as_str());
        }
        panel.blank();
        panel.cursor = Some((column as u16 + 2, (panel.rows.len() + row) as u16));
        for (index, line) in lines.into_iter().enumerate() {
            panel.push(Row::new(Tone::Dim, if index == 0 { "> " } else { "  " }).and(Tone::Plain, line));
        }
        panel
    }

    /// The question with its options; without one the end of the screen.
    fn message(&self, model: &Model, width: u16) -> Vec<String> {
        let question = self.asks(model).unwrap_or_default();
        let mut text = Vec::new();
        if !question.is_empty() {
            text.extend(lines(question, width));
        }
        if options_in(question.lines()) == 0 {
            let screen: Vec<&String> = self.screen.iter().filter(|line| !line.trim().is_empty()).collect();
            text.extend(screen.into_iter().map(|line| line.trim_end().to_owned()));
        }
        if text.is_empty() {
            text.push("...".to_owned());
        }
        text
    }

    /// How many numbered options the open question has; 0: none, and digits are text.
    fn options(&self, model: &Model) -> usize {
        let Some(question) = self.asks(model) else { return 0 };
        match options_in(question.lines()) {
            0 => options_in(self.screen.iter().map(String::as_str)),
            n => n,
        }
    }

    fn asks<'a>(&self, model: &'a Model) -> Option<&'a str> {
        match &self.view(model)?.activity {
            Activity::Asking { text } => Some(text),
            Activity::Starting | Activity::Working | Activity::Resting => None,
        }
    }

    fn view<'a>(&self, model: &'a Model) -> Option<&'a crate::model::SessionView> {
        Subject::find(&model.snapshot, &RowKey::Session(self.project.clone(), self.session.clone()))?.session()
    }

    /// The next row with a live session: peek moves there with the selection.
    fn next(&self, model: &mut Model, by: isize) -> Step {
        let alive = |key: &RowKey| Subject::find(&model.snapshot, key).is_some_and(|subject| subject.alive());
        let rows: Vec<RowKey> = list::keys(model).into_iter().filter(alive).collect();
        let here = RowKey::Session(self.project.clone(), self.session.clone());
        let Some(at) = rows.iter().position(|key| *key == here) else { return Step::stay() };
        let to = at.saturating_add_signed(by).min(rows.len() - 1);
        if to == at {
            return Step::stay();
        }
        let mut effects = list::select(model, rows[to].clone());
        let asked = Subject::of(model).and_then(|subject| {
            let view = subject.task().filter(|view| asks_questions(view))?;
            Questions::open(model, &subject.project().id, view)
        });
        if let Some(form) = asked {
            return Step::Become(Body::Questions(Box::new(form)), effects);
        }
        let next = Subject::of(model).and_then(|subject| Self::open(model, &subject));
        match next {
            Some((peek, more)) => {
                effects.extend(more);
                Step::Become(Body::Peek(Box::new(peek)), effects)
            }
            None => Step::Close(effects),
        }
    }

    fn draft_key(&self) -> String {
        format!("p:{}/{}", self.project, self.session)
    }
}

/// Options that are numbered from 1 without a gap, as agents draw them: `1. Yes`, `❯ 1) Yes`, `│ 1  Yes`.
fn options_in<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    let numbers = lines.filter_map(|line| {
        let text = line.trim_start_matches(|char: char| !char.is_alphanumeric());
        let mut chars = text.chars();
        let digit = chars.next()?.to_digit(10)? as usize;
        let rest = chars.as_str();
        let marked = rest.starts_with([')', '.']) && rest[1..].starts_with(' ') || rest.starts_with("  ");
        marked.then_some(digit)
    });
    numbers.fold(0, |count, number| if number == count + 1 { number } else { count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_options() {
        let count = |text: &str| options_in(text.lines());
        assert_eq!(count("Do it?\n ❯ 1. Yes\n   2. Always\n   3. No"), 3);
        assert_eq!(count("│ 1  Short\n│ 2  Long"), 2);
        assert_eq!(count("2. odd\n12 passed\n3 files"), 0);
        assert_eq!(count(""), 0);
    }
}
