//! A breakdown that waits for approval: its items, to be looked at, edited, dropped and put in another order.
//!
//! Invariants: dependencies follow the items they name; nothing changes in the engine before `a`, and what is approved has been
//! on the screen: a breakdown that the agent hands in meanwhile takes the place of the one that is looked at.

use crossterm::event::{KeyCode, KeyEvent};
use serde::{Deserialize, Serialize};

use crate::model::{Failure, ProjectId, Request, Snapshot, State, SubtaskDraft, SubtaskSheet, TaskId, TaskView};
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
    /// As the engine has them.
    proposed: Vec<SubtaskDraft>,
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
    /// The marked item as it came back from the editor, with something wrong in it.
    slip: Option<String>,
    sent: bool,
    error: Option<String>,
}

/// What survives Esc, for as long as the breakdown is the one that it was made of.
#[derive(Debug, Serialize, Deserialize)]
struct Draft {
    proposed: Vec<SubtaskDraft>,
    items: Vec<SubtaskDraft>,
    at: usize,
    slip: Option<String>,
}

impl Breakdown {
    /// None: no breakdown waits.
    pub fn open(model: &Model, project: &ProjectId, view: &TaskView) -> Option<Self> {
        let iteration = view.task.iteration()?;
        let proposed = iteration.subtasks.clone()?;
        let slug = view.task.slug.to_string();
        let key = format!("b:{project}/{slug}:{}-{}", iteration.stage, iteration.number);
        let kept: Option<Draft> = model.input.drafts.get(&key).and_then(|text| serde_json::from_str(text).ok());
        let kept = kept.filter(|kept| kept.proposed == proposed);
        let Draft { proposed, items, at, slip } =
            kept.unwrap_or_else(|| Draft { items: proposed.clone(), proposed, at: 0, slip: None });
        let former = if items == proposed { Vec::new() } else { vec![proposed.clone()] };
        let flow = view.task.current_stage().breakdown().map_or_else(String::new, |breakdown| breakdown.flow.clone());
        let (project, task, view) = (project.clone(), view.task.id, View { slip, ..View::default() });
        Some(Self { project, task, slug, key, flow, proposed, items, former, at, view })
    }

    /// Takes over what the agent handed in since; true: it is another breakdown now.
    pub fn reload(&mut self, snapshot: &Snapshot) -> bool {
        let project = snapshot.projects.iter().find(|view| view.id == self.project);
        let view = project.and_then(|view| view.tasks.iter().find(|view| view.task.id == self.task));
        let task = view.map(|view| &view.task).filter(|task| task.state == State::Approval);
        let Some(now) = task.and_then(|task| task.iteration()?.subtasks.as_ref()) else { return false };
        if *now == self.proposed {
            return false;
        }
        self.proposed.clone_from(now);
        if *now == self.items {
            return false;
        }
        self.items.clone_from(now);
        self.former.clear();
        self.at = 0;
        (self.view.open, self.view.slip, self.view.sent) = (false, None, false);
        self.view.error = Some("Meanwhile there is another breakdown: this is it.".to_owned());
        true
    }

    pub const fn takes_text(&self) -> bool {
        self.view.reject.is_some()
    }

    /// The engine has the changed items, and its answer leads on.
    pub const fn is_sent(&self) -> bool {
        self.view.sent
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
            KeyCode::Up | KeyCode::Char('k') => self.mark(self.at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.mark((self.at + 1).min(last)),
            KeyCode::Char('J') if self.at < last => self.exchange(self.at + 1),
            KeyCode::Char('K') if self.at > 0 => self.exchange(self.at - 1),
            KeyCode::Enter | KeyCode::Char(' ') => self.view.open = !self.view.open,
            KeyCode::Char('e') => {
                let sheet = self.view.slip.clone().or_else(|| self.items.get(self.at).map(sheet));
                return Step::Stay(sheet.map(Effect::EditYaml).into_iter().collect());
            }
            KeyCode::Char('x') => self.remove(),
            KeyCode::Char('u') => match self.former.pop() {
                Some(items) => {
                    self.mark(self.at.min(items.len().saturating_sub(1)));
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

    /// Another item is marked: the words for the one before are done with.
    fn mark(&mut self, at: usize) {
        if at != self.at {
            (self.at, self.view.slip) = (at, None);
        }
    }

    /// The marked item as it came back from the editor; what is wrong with it is said, and nothing changes before it is mended.
    pub fn edited(&mut self, text: &str) {
        self.view.slip = None;
        match self.read(text) {
            Ok(item) if self.items.get(self.at) == Some(&item) => {}
            Ok(item) => {
                self.former.push(self.items.clone());
                self.items[self.at] = item;
            }
            Err(why) => {
                self.view.slip = Some(text.to_owned());
                self.view.error = Some(format!("Not changed: {why}. e goes on with your text."));
            }
        }
    }

    fn read(&self, text: &str) -> Result<SubtaskDraft, String> {
        let sheet: SubtaskSheet = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        let mut sheets = SubtaskSheet::all(&self.items);
        let marked = sheets.get_mut(self.at).ok_or("it is gone")?;
        *marked = SubtaskSheet { id: marked.id, ..sheet };
        let mut items = SubtaskSheet::read(sheets, self.items.len()).map_err(|error| error.to_string())?;
        Ok(items.swap_remove(self.at))
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
        self.view.slip = None;
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
        Step::Stay(vec![Effect::Ask { request, then: Then::SettleModal(serial) }])
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
        if self.former.is_empty() && self.view.slip.is_none() {
            return;
        }
        let (proposed, items, slip) = (self.proposed.clone(), self.items.clone(), self.view.slip.clone());
        if let Ok(text) = serde_json::to_string(&Draft { proposed, items, at: self.at, slip }) {
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
    serde_yaml::to_string(&SubtaskSheet::new(None, item)).expect("invariant: texts and numbers are YAML")
}
