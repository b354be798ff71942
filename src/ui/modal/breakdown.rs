//! A breakdown that waits for approval: its items, to be looked at, edited, dropped and put in another order.
//!
//! Invariants: dependencies follow the items they name; nothing changes in the engine before `a`.

use crossterm::event::{KeyCode, KeyEvent};
use serde::{Deserialize, Serialize};

use crate::model::{Failure, ProjectId, Request, SubtaskDraft, TaskId, TaskView};
use crate::ui::model::{Effect, Model, Then};
use crate::ui::text::plural;
use crate::ui::update;

use super::Step;
use super::field::Field;
use super::panel::{Panel, Row, Tone, lines, pad};
use super::rejection::{self, Rejection};

/// The prompt.
#[derive(Debug)]
pub struct Breakdown {
    project: ProjectId,
    task: TaskId,
    slug: String,
    /// Of the draft: what was changed here survives Esc.
    key: String,
    /// The flow of an item that names none.
    flow: String,
    items: Vec<SubtaskDraft>,
    /// The items before each change, the agent's own first.
    former: Vec<Vec<SubtaskDraft>>,
    at: usize,
    view: View,
}

/// What is shown beside the items.
#[derive(Debug, Default)]
struct View {
    /// The marked item stands open.
    open: bool,
    /// The words of a rejection, once `r` was pressed.
    reject: Option<Rejection>,
    sent: bool,
    error: Option<String>,
}

/// An item as it is edited: numbers from 1, as the list shows them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    title: String,
    description: String,
    instructions: String,
    #[serde(default)]
    after: Vec<usize>,
    #[serde(default)]
    flow: Option<String>,
}

impl Breakdown {
    /// None: no breakdown waits.
    pub fn open(model: &Model, project: &ProjectId, view: &TaskView) -> Option<Self> {
        let iteration = view.task.iteration()?;
        let proposed = iteration.subtasks.clone()?;
        let slug = view.task.slug.to_string();
        let key = format!("b:{project}/{slug}:{}-{}", iteration.stage, iteration.number);
        let kept = model.input.drafts.get(&key).and_then(|text| serde_json::from_str(text).ok());
        let (items, former) =
            kept.map_or_else(|| (proposed.clone(), Vec::new()), |kept| (kept, vec![proposed.clone()]));
        let flow = view.task.current_stage().breakdown().map_or_else(String::new, |breakdown| breakdown.flow.clone());
        let project = project.clone();
        Some(Self { project, task: view.task.id, slug, key, flow, items, former, at: 0, view: View::default() })
    }

    pub const fn takes_text(&self) -> bool {
        self.view.reject.is_some()
    }

    pub fn text(&mut self) -> Option<&mut Field> {
        self.view.reject.as_mut().map(|reject| &mut reject.field)
    }

    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        if let Some(reject) = &mut self.view.reject {
            let step = reject.key(model, event);
            return step.unwrap_or_else(|| {
                self.view.reject = None;
                Step::stay()
            });
        }
        if !event.modifiers.difference(crossterm::event::KeyModifiers::SHIFT).is_empty() || self.view.sent {
            return Step::stay();
        }
        self.view.error = None;
        let last = self.items.len().saturating_sub(1);
        match event.code {
            KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.at = (self.at + 1).min(last),
            KeyCode::Char('J') if self.at < last => self.exchange(self.at + 1),
            KeyCode::Char('K') if self.at > 0 => self.exchange(self.at - 1),
            KeyCode::Enter | KeyCode::Char(' ') => self.view.open = !self.view.open,
            KeyCode::Char('e') => {
                let sheet = self.items.get(self.at).map(sheet);
                return Step::Stay(sheet.map(Effect::EditText).into_iter().collect());
            }
            KeyCode::Char('x') => self.remove(),
            KeyCode::Char('u') => match self.former.pop() {
                Some(items) => {
                    self.at = self.at.min(items.len().saturating_sub(1));
                    self.items = items;
                }
                None => self.view.error = Some("It is as the agent proposed it.".to_owned()),
            },
            KeyCode::Char('r') => {
                self.view.reject = Some(Rejection::open(model, (&self.project, self.task), &self.slug));
            }
            KeyCode::Char('a') => return self.approve(model.input.serial),
            KeyCode::Char('n') => return Step::close(),
            _ => {}
        }
        Step::stay()
    }

    /// The marked item as it came back from the editor; what is wrong with it is said, and nothing changes.
    pub fn edited(&mut self, text: &str) {
        match self.read(text) {
            Ok(item) if self.items.get(self.at) == Some(&item) => {}
            Ok(item) => {
                self.former.push(self.items.clone());
                self.items[self.at] = item;
            }
            Err(why) => self.view.error = Some(format!("Not changed: {why}.")),
        }
    }

    fn read(&self, text: &str) -> Result<SubtaskDraft, String> {
        let Sheet { title, description, instructions, after, flow } =
            serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        if title.trim().is_empty() {
            return Err("the title is empty".to_owned());
        }
        let index = |number: usize| match number {
            n if n == self.at + 1 => Err("it cannot come after itself".to_owned()),
            n if (1..=self.items.len()).contains(&n) => Ok(n - 1),
            n => Err(format!("there is no item {n} that it could come after")),
        };
        let depends_on = after.into_iter().map(index).collect::<Result<_, _>>()?;
        let flow = flow.filter(|flow| !flow.trim().is_empty());
        Ok(SubtaskDraft { title, description, instructions, depends_on, flow })
    }

    /// The marked item changes places with another; dependencies go with both.
    fn exchange(&mut self, with: usize) {
        let at = self.at;
        self.former.push(self.items.clone());
        self.items.swap(at, with);
        for index in self.items.iter_mut().flat_map(|item| &mut item.depends_on) {
            if *index == at {
                *index = with;
            } else if *index == with {
                *index = at;
            }
        }
        self.at = with;
    }

    /// The marked item goes; what came after it comes after nothing instead.
    fn remove(&mut self) {
        if self.at >= self.items.len() {
            return;
        }
        self.former.push(self.items.clone());
        let at = self.at;
        self.items.remove(at);
        for item in &mut self.items {
            item.depends_on.retain(|index| *index != at);
            item.depends_on.iter_mut().filter(|index| **index > at).for_each(|index| *index -= 1);
        }
        self.at = at.min(self.items.len().saturating_sub(1));
    }

    /// What was changed goes first; the approval follows once it was taken.
    fn approve(&mut self, serial: u64) -> Step {
        if self.items.is_empty() {
            self.view.error = Some("No item is left: r sends it back, u brings items back.".to_owned());
            return Step::stay();
        }
        if self.former.is_empty() {
            return Step::Close(self.approval());
        }
        self.view.sent = true;
        let (project, task, subtasks) = (self.project.clone(), self.task, self.items.clone());
        let request = Request::EditSubtasks { project, task, subtasks };
        Step::Stay(vec![Effect::Ask { request, then: Then::FillModal(serial) }])
    }

    pub fn approval(&self) -> Vec<Effect> {
        update::ask(Request::Approve { project: self.project.clone(), task: self.task })
    }

    /// The changed items were refused: they stay, to be mended.
    pub fn refuse(&mut self, failure: &Failure) {
        self.view.sent = false;
        self.view.error = Some(failure.to_string());
    }

    /// Changes and the words of a rejection survive Esc.
    pub fn keep(&self, model: &mut Model) {
        if let Some(reject) = &self.view.reject {
            reject.keep(model);
        }
        self.forget(model);
        if let (false, Ok(text)) = (self.former.is_empty(), serde_json::to_string(&self.items)) {
            model.input.drafts.insert(self.key.clone(), text);
        }
    }

    /// Drops what was kept of this breakdown, and of earlier ones.
    pub fn forget(&self, model: &mut Model) {
        let place = format!("b:{}/{}:", self.project, self.slug);
        model.input.drafts.retain(|key, _| !key.starts_with(&place));
    }

    pub fn panel(&self, width: u16) -> Panel {
        let count = plural(self.items.len() as u64, "subtask");
        let changed = if self.former.is_empty() { "" } else { " · changed" };
        let hints = match &self.view.reject {
            Some(_) => rejection::HINTS,
            None => "a approve  r reject  Enter look  e edit  x drop  J K move  u undo",
        };
        let mut panel = Panel::new(format!("review {} · {count}{changed}", self.slug), hints);
        let numbers = self.items.len().to_string().len();
        for (at, item) in self.items.iter().enumerate() {
            self.item(&mut panel, (at, item), (numbers, width));
        }
        if self.items.is_empty() {
            panel.push(Row::new(Tone::Dim, "No item is left."));
        }
        if let Some(reject) = &self.view.reject {
            reject.show(&mut panel, width);
        } else {
            panel.blank();
            panel.say(Tone::Dim, "Approved, they are made as tasks and start; the task waits for them.", width);
        }
        match &self.view.error {
            Some(error) => panel.say(Tone::Bad, error, width),
            None if self.view.sent => panel.push(Row::new(Tone::Dim, "...")),
            None => {}
        }
        panel
    }

    /// Title at the left, what it comes after and its flow at the right; open, all of its text below.
    fn item(&self, panel: &mut Panel, (at, item): (usize, &SubtaskDraft), (numbers, width): (usize, u16)) {
        let after: Vec<_> = item.depends_on.iter().map(|index| (index + 1).to_string()).collect();
        let after = if after.is_empty() { String::new() } else { format!("after {}   ", after.join(", ")) };
        let right = format!("{after}{}", item.flow.as_deref().unwrap_or(&self.flow));
        let head = format!("{:>numbers$}  ", at + 1);
        let room = usize::from(width).saturating_sub(head.len() + right.chars().count() + 2);
        let title = crate::ui::text::cut(&item.title, room, crate::ui::glyph::Signs::UNICODE);
        let tone = if at == self.at && self.view.reject.is_none() { Tone::Marked } else { Tone::Plain };
        if at == self.at && self.view.reject.is_none() {
            // Keeps the marked item in sight.
            panel.cursor = None;
            panel.offset = panel.rows.len().saturating_sub(4);
        }
        panel.push(Row::new(Tone::Dim, head.clone()).and(tone, pad(&title, room + 2)).and(Tone::Dim, right));
        if at == self.at && self.view.open {
            let indent = " ".repeat(head.len());
            let room = width.saturating_sub(head.len() as u16);
            let mut say = |tone, text: &str| {
                panel
                    .rows
                    .extend(lines(text.trim(), room).into_iter().map(|line| Row::new(tone, format!("{indent}{line}"))));
            };
            say(Tone::Plain, &item.description);
            say(Tone::Dim, &item.instructions);
        }
    }
}

/// An item as YAML, for the editor.
fn sheet(item: &SubtaskDraft) -> String {
    let sheet = Sheet {
        title: item.title.clone(),
        description: item.description.clone(),
        instructions: item.instructions.clone(),
        after: item.depends_on.iter().map(|index| index + 1).collect(),
        flow: item.flow.clone(),
    };
    serde_yaml::to_string(&sheet).expect("invariant: texts and numbers are YAML")
}
