//! `a`, `r` and `o` open the same prompt: what waits, and what each answer leads to. Opening never answers.

use crossterm::event::{KeyCode, KeyEvent};

use crate::model::{ProjectId, Request, ReviewFacts, State, Task, TaskId, TaskView};
use crate::ui::glyph::Signs;
use crate::ui::model::{Effect, Model};
use crate::ui::text::{changed, plural};
use crate::ui::update::{self, condition};

use super::Step;
use super::field::Field;
use super::panel::{Panel, Row, Tone};
use super::rejection::{self, Rejection};

/// Columns of the labels.
const LABEL: u16 = 12;
/// Lines of the artifact that are shown.
const SUMMARY: usize = 6;

/// The prompt.
#[derive(Debug)]
pub struct Review {
    project: ProjectId,
    task: TaskId,
    /// `rate-limit · solo 1/1 · done 40m ago`.
    title: String,
    slug: String,
    pub facts: Option<Box<ReviewFacts>>,
    /// `a` makes sense.
    accepts: bool,
    /// How much is noted on the diff and still to be sent.
    comments: usize,
    /// A stage's rejection that waits for a person.
    verdict: Option<Rejected>,
    /// The words of a rejection, once `r` was pressed.
    reject: Option<Rejection>,
}

/// What a stage that judges came to, and where each answer leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rejected {
    by: String,
    reason: String,
    back_to: String,
    /// The stage after it; none: the task is done then.
    next: Option<String>,
}

impl Rejected {
    fn of(task: &Task) -> Option<Self> {
        let (verdict, back_to) = (task.iteration()?.verdict.as_ref()?, task.rejected_stage()?);
        Some(Self {
            by: task.current_stage().name.clone(),
            reason: verdict.reason.clone(),
            back_to: back_to.to_owned(),
            next: task.next_stage().map(|stage| stage.name.clone()),
        })
        .filter(|_| task.state == State::Verdict)
    }
}

impl Review {
    pub fn new(project: ProjectId, view: &TaskView, title: String) -> Self {
        let (task, comments) = (&view.task, view.comments.len());
        let (slug, verdict, accepts) = (task.slug.to_string(), Rejected::of(task), condition::accepts(task));
        Self { project, task: task.id, title, slug, facts: None, accepts, comments, verdict, reject: None }
    }

    pub const fn takes_text(&self) -> bool {
        self.reject.is_some()
    }

    pub fn text(&mut self) -> Option<&mut Field> {
        self.reject.as_mut().map(|reject| &mut reject.field)
    }

    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        if let Some(reject) = &mut self.reject {
            let step = reject.key(model, event);
            return step.unwrap_or_else(|| {
                self.reject = None;
                Step::stay()
            });
        }
        if !event.modifiers.is_empty() {
            return Step::stay();
        }
        let Some(facts) = &self.facts else {
            return if event.code == KeyCode::Enter { Step::close() } else { Step::stay() };
        };
        let (project, task) = (self.project.clone(), self.task);
        match event.code {
            KeyCode::Char('a') if self.accepts => Step::Close(update::ask(Request::Approve { project, task })),
            KeyCode::Char('o') if self.verdict.is_some() => {
                Step::Close(update::ask(Request::Override { project, task }))
            }
            KeyCode::Char('r') => {
                self.reject = Some(Rejection::open(model, (&self.project, self.task), &self.slug));
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

    /// The words of a rejection survive Esc.
    pub fn keep(&self, model: &mut Model) {
        if let Some(reject) = &self.reject {
            reject.keep(model);
        }
    }

    pub fn panel(&self, _: &Model, width: u16) -> Panel {
        let hints = match (&self.facts, &self.reject) {
            (_, Some(_)) => rejection::HINTS.to_owned(),
            (None, _) => "Esc back".to_owned(),
            (Some(facts), None) => self.hints(facts),
        };
        let mut panel = Panel::new(format!("review {}", self.title), hints);
        match (&self.facts, &self.verdict) {
            (Some(facts), Some(verdict)) => self.verdict_rows(&mut panel, facts, verdict, width),
            (Some(facts), None) => self.rows(&mut panel, facts, width),
            (None, _) => panel.push(Row::new(Tone::Dim, "...")),
        }
        if let Some(reject) = &self.reject {
            reject.show(&mut panel, width);
        }
        panel
    }

    fn hints(&self, facts: &ReviewFacts) -> String {
        let log = if facts.gate_log.is_some() { "   l gate log" } else { "" };
        let accept = match &self.verdict {
            Some(_) => "a confirm reject   o override   ".to_owned(),
            None if !self.accepts => String::new(),
            None if facts.next.starts_with("reviewed") => "a accept as reviewed   ".to_owned(),
            None => format!("a approve, next: {}   ", facts.next),
        };
        format!("{accept}r reject   d diff{log}   Esc back")
    }

    /// The reason first, then what each key leads to.
    fn verdict_rows(&self, panel: &mut Panel, facts: &ReviewFacts, verdict: &Rejected, width: u16) {
        let columns = (LABEL, width);
        let Rejected { by, reason, back_to, next } = verdict;
        panel.fact("verdict", &format!("{by} rejects"), columns);
        let lines: Vec<&str> = reason.lines().filter(|line| !line.trim().is_empty()).collect();
        panel.fact("reason", &lines.join("\n"), columns);
        self.work_rows(panel, facts, columns);
        panel.blank();
        panel.fact("a confirm", &format!("back to {back_to}, which is told the reason"), columns);
        let next = next.as_ref().map_or_else(|| "the task is done and reviewed".to_owned(), |it| format!("on to {it}"));
        panel.fact("o override", &format!("{next}; the reason stays in the history"), columns);
        panel.fact("r reject", &format!("{by} judges again, with your words"), columns);
    }

    fn rows(&self, panel: &mut Panel, facts: &ReviewFacts, width: u16) {
        let columns = (LABEL, width);
        if let Some((name, text)) = &facts.artifact {
            let first: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SUMMARY).collect();
            panel.fact(name, &first.join("\n"), columns);
        }
        self.work_rows(panel, facts, columns);
        let prediction = if facts.conflicts.is_empty() {
            "no conflict predicted".to_owned()
        } else {
            format!("conflicts in {}", facts.conflicts.join(", "))
        };
        panel.fact("base", &format!("{}, {prediction}", facts.base), columns);
        if self.accepts {
            panel.fact("next", &facts.next, columns);
        }
    }

    /// What changed, and what the gate said of it.
    fn work_rows(&self, panel: &mut Panel, facts: &ReviewFacts, columns: (u16, u16)) {
        let stat = facts.stat;
        let files = plural(stat.files.into(), "file");
        let comments = if self.comments > 0 { format!("     comments {} open", self.comments) } else { String::new() };
        let changed = changed(stat.added, stat.removed, Signs::UNICODE);
        panel.fact("diff", &format!("{files}  {changed}{comments}"), columns);
        if let Some(gate) = &facts.gate {
            panel.fact("gate", gate, columns);
        }
    }
}
