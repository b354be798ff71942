//! The questions that an agent handed in: options to choose from, and words of one's own for each.
//!
//! Invariant: nothing is sent before every question has an answer; what was chosen and typed survives Esc.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::model::{Failure, ProjectId, Question, Request, TaskId, TaskView};
use crate::ui::glyph::Signs;
use crate::ui::model::{Effect, Model, Then};
use crate::ui::text::{cut, width as columns};

use super::Step;
use super::field::Field;
use super::panel::{Panel, Row, Tone, lines, pad};

/// The form.
#[derive(Debug)]
pub struct Questions {
    project: ProjectId,
    task: TaskId,
    slug: String,
    /// Names the round in the drafts: another one starts empty.
    round: String,
    entries: Vec<Entry>,
    /// Index of the question that is shown.
    at: usize,
    sent: bool,
    error: Option<String>,
}

/// A question with what was answered so far; typed words come before the chosen option.
#[derive(Debug)]
struct Entry {
    question: Question,
    chosen: Option<usize>,
    field: Field,
}

impl Entry {
    fn answer(&self) -> Option<String> {
        let typed = self.field.text().trim().to_owned();
        let chosen = || self.chosen.and_then(|at| self.question.options.get(at)).map(|option| option.label.clone());
        Some(typed).filter(|text| !text.is_empty()).or_else(chosen)
    }
}

impl Questions {
    /// None: nothing is asked.
    pub fn open(model: &Model, project: &ProjectId, view: &TaskView) -> Option<Self> {
        let iteration = view.task.iteration()?;
        let questions = &iteration.open_questions()?.questions;
        let place = format!("q:{project}/{}", view.task.slug);
        let round = format!("{place}:{}-{}.{}", iteration.stage, iteration.number, iteration.questions.len());
        let kept = |at: usize| model.input.drafts.get(&format!("{round}.{at}")).map_or("", String::as_str);
        let entry = |(at, question): (usize, &Question)| {
            let kept = kept(at);
            let chosen = question.options.iter().position(|option| option.label == kept);
            let field = Field::new(if chosen.is_some() { "" } else { kept });
            Entry { question: question.clone(), chosen, field }
        };
        let entries: Vec<_> = questions.iter().enumerate().map(entry).collect();
        let at = entries.iter().position(|entry| entry.answer().is_none()).unwrap_or(0);
        let slug = view.task.slug.to_string();
        Some(Self { project: project.clone(), task: view.task.id, slug, round, entries, at, sent: false, error: None })
    }

    pub fn text(&mut self) -> Option<&mut Field> {
        self.entries.get_mut(self.at).map(|entry| &mut entry.field)
    }

    pub fn key(&mut self, event: KeyEvent, (fresh, serial): (bool, u64)) -> Step {
        let plain = event.modifiers.is_empty();
        let ctrl = event.modifiers == KeyModifiers::CONTROL;
        let last = self.entries.len() - 1;
        let entry = &mut self.entries[self.at];
        let (empty, options) = (entry.field.is_empty(), entry.question.options.len());
        self.error = None;
        match event.code {
            _ if fresh || self.sent => {}
            KeyCode::Char(' ') if plain && empty && event.kind == KeyEventKind::Press => return Step::close(),
            KeyCode::Char(digit @ '1'..='9') if plain && empty && digit as usize - '0' as usize <= options => {
                if event.kind == KeyEventKind::Press {
                    entry.chosen = Some(digit as usize - '1' as usize);
                    return self.go_on(serial);
                }
            }
            KeyCode::Up if empty && options > 0 => {
                entry.chosen = Some(entry.chosen.map_or(options - 1, |at| at.saturating_sub(1)));
            }
            KeyCode::Down if empty && options > 0 => {
                entry.chosen = Some(entry.chosen.map_or(0, |at| (at + 1).min(options - 1)));
            }
            KeyCode::Tab if plain => self.at = if self.at == last { 0 } else { self.at + 1 },
            KeyCode::Tab | KeyCode::BackTab => self.at = self.at.checked_sub(1).unwrap_or(last),
            KeyCode::Enter if plain => return self.enter(serial),
            KeyCode::Enter => entry.field.break_line(),
            KeyCode::Char('j') if ctrl => entry.field.break_line(),
            KeyCode::Char('g') if ctrl => return Step::Stay(vec![Effect::EditText(entry.field.text())]),
            _ => drop(entry.field.edit(event)),
        }
        Step::stay()
    }

    /// A digit answers: to the next question without an answer. The only question is sent at once, several wait for Enter.
    fn go_on(&mut self, serial: u64) -> Step {
        if self.entries.len() == 1 {
            return self.send(serial);
        }
        if let Some(next) = self.open_question() {
            self.at = next;
        }
        Step::stay()
    }

    /// Enter takes the answer that is shown; the last one sends them all.
    fn enter(&mut self, serial: u64) -> Step {
        if self.entries[self.at].answer().is_none() {
            self.error = Some("It has no answer yet.".to_owned());
            return Step::stay();
        }
        match self.open_question() {
            Some(next) => {
                self.at = next;
                Step::stay()
            }
            None => self.send(serial),
        }
    }

    /// The next question without an answer, around the end.
    fn open_question(&self) -> Option<usize> {
        let open = |at: &usize| self.entries[*at].answer().is_none();
        (self.at + 1..self.entries.len()).chain(0..=self.at).find(open)
    }

    fn send(&mut self, serial: u64) -> Step {
        self.sent = true;
        let answers = self.entries.iter().filter_map(Entry::answer).collect();
        let request = Request::AnswerQuestions { project: self.project.clone(), task: self.task, answers };
        Step::Stay(vec![Effect::Ask { request, then: Then::SettleModal(serial) }])
    }

    /// The engine has the answers.
    pub const fn is_sent(&self) -> bool {
        self.sent
    }

    /// It was refused: the form stays.
    pub fn refuse(&mut self, failure: &Failure) {
        self.sent = false;
        self.error = Some(failure.to_string());
    }

    /// What was chosen and typed survives Esc.
    pub fn keep(&self, model: &mut Model) {
        self.forget(model);
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(answer) = entry.answer() {
                model.input.drafts.insert(format!("{}.{at}", self.round), answer);
            }
        }
    }

    /// Drops the drafts of this round, and of earlier ones that were never sent.
    pub fn forget(&self, model: &mut Model) {
        let place = format!("q:{}/{}:", self.project, self.slug);
        model.input.drafts.retain(|key, _| !key.starts_with(&place));
    }

    pub fn panel(&self, width: u16) -> Panel {
        let entry = &self.entries[self.at];
        let several = self.entries.len() > 1;
        let of =
            if several { format!(" · question {} of {}", self.at + 1, self.entries.len()) } else { String::new() };
        let digits = match entry.question.options.len() {
            0 => String::new(),
            1 => "1 answers   ".to_owned(),
            n => format!("1-{} answer   ", n.min(9)),
        };
        let (enter, tab) = match (several, self.open_question()) {
            (true, Some(next)) if next != self.at => ("Enter next", "   Tab question"),
            (true, _) => ("Enter sends all", "   Tab question"),
            (false, _) => ("Enter sends", ""),
        };
        let mut panel =
            Panel::new(format!("{} · asks{of}", self.slug), format!("{digits}type, {enter}{tab}   Esc close"));
        panel.say(Tone::Bold, &entry.question.question, width);
        if let Some(context) = &entry.question.context {
            panel.say(Tone::Dim, context, width);
        }
        panel.blank();
        entry.options(&mut panel, width);
        let (lines, (column, row)) = entry.field.lines(width.saturating_sub(2).into());
        panel.cursor = Some((column as u16 + 2, (panel.rows.len() + row) as u16));
        for (index, line) in lines.into_iter().enumerate() {
            panel.push(Row::new(Tone::Dim, if index == 0 { "> " } else { "  " }).and(Tone::Plain, line));
        }
        if several {
            panel.blank();
            self.overview(&mut panel, width);
        }
        match &self.error {
            Some(error) => panel.push(Row::new(Tone::Bad, error.clone())),
            None if self.sent => panel.push(Row::new(Tone::Dim, "...")),
            None => {}
        }
        panel
    }

    /// One line for each question: its number, its answer or its words.
    fn overview(&self, panel: &mut Panel, width: u16) {
        for (at, entry) in self.entries.iter().enumerate() {
            let number = format!("{} {}  ", if at == self.at { "›" } else { " " }, at + 1);
            let room = usize::from(width).saturating_sub(columns(&number));
            let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
            let (tone, text) = match entry.answer() {
                Some(answer) => (Tone::Plain, first(&answer)),
                None => (Tone::Dim, first(&entry.question.question)),
            };
            panel.push(Row::new(Tone::Dim, number).and(tone, cut(&text, room, Signs::UNICODE).into_owned()));
        }
    }
}

impl Entry {
    /// Options with their numbers; the chosen one is marked unless words were typed.
    fn options(&self, panel: &mut Panel, width: u16) {
        let options = &self.question.options;
        if options.is_empty() {
            return;
        }
        let label = options.iter().map(|option| columns(&option.label)).max().unwrap_or(0).min(24);
        for (at, option) in options.iter().enumerate() {
            let is_chosen = self.chosen == Some(at) && self.field.is_empty();
            let tone = if is_chosen { Tone::Marked } else { Tone::Plain };
            let number = if at < 9 { format!("{:>3}  ", at + 1) } else { "     ".to_owned() };
            let head = Row::new(Tone::Dim, number).and(tone, pad(&option.label, label));
            let Some(description) = option.description.as_deref() else {
                panel.push(head);
                continue;
            };
            let taken = head.width() + 2;
            let room = (usize::from(width).saturating_sub(taken)).max(16) as u16;
            let mut rest = lines(description, room).into_iter();
            panel.push(head.and(Tone::Dim, format!("  {}", rest.next().unwrap_or_default())));
            panel.rows.extend(rest.map(|line| Row::new(Tone::Dim, format!("{}{line}", " ".repeat(taken)))));
        }
        panel.blank();
    }
}
