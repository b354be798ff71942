//! `.`: all actions of the selected row; in the pipeline those of the marked stage first. Refused ones stand dim, with
//! the reason.

use crossterm::event::KeyEvent;

use crate::model::{ProjectId, Task, TaskId};
use crate::ui::command::{Command, Entry, Group, TABLE};
use crate::ui::keymap::Key;
use crate::ui::model::Model;
use crate::ui::row::Subject;
use crate::ui::update;

use super::help::written;
use super::line::{Line, Purpose};
use super::panel::Panel;
use super::picker::{Item, Picked, Picker};
use super::{Body, Step};

/// What a stage of a task can be asked for, beside being sent to.
const OF_STAGE: [Command; 4] = [Command::RunGate, Command::Retry, Command::Skip, Command::Restart];

/// The overlay.
#[derive(Debug)]
pub struct Actions {
    /// Of the row.
    name: String,
    stage: Option<Stage>,
    picker: Picker,
}

/// The marked stage of a task.
#[derive(Debug, Clone)]
struct Stage {
    project: ProjectId,
    task: TaskId,
    slug: String,
    name: String,
    /// It is the one at work.
    is_current: bool,
}

/// What an item does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Run(Command),
    SendHere,
}

impl Actions {
    pub fn new(model: &Model, name: String) -> Self {
        let of = |(project, task): (&ProjectId, &Task)| {
            let name = update::pipeline::stage(model)?;
            let is_current = name == task.current_stage().name;
            Some(Stage { project: project.clone(), task: task.id, slug: task.slug.to_string(), name, is_current })
        };
        let subject = Subject::of(model);
        let task = subject.as_ref().and_then(|it| Some((&it.project().id, &*it.task()?.task)));
        Self { name, stage: task.and_then(of), picker: Picker::default() }
    }

    /// Enter takes the marked action; an action's own key takes that one.
    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        let items = self.items(model);
        let wanted = match self.picker.navigate(event, items.len()) {
            Picked::Taken => items.get(self.picker.mark),
            Picked::Moved => return Step::stay(),
            Picked::Unused => {
                let key = Key::from(event);
                let has = |action| matches!(action, Action::Run(it) if model.input.keys.keys(it).contains(&key));
                items.iter().find(|item| has(item.value))
            }
        };
        match (wanted, &self.stage) {
            (Some(Item { label, refused: Some(reason), .. }), _) => {
                update::say(model, format!("{label}: {reason}"));
                Step::stay()
            }
            (Some(Item { value: Action::Run(command), .. }), _) => Step::Run(*command),
            (Some(Item { value: Action::SendHere, .. }), Some(stage)) => {
                let Stage { project, task, slug, name, .. } = stage.clone();
                let line = Line::new(model, Purpose::Stage { task, slug, stage: name }, project, "");
                Step::Become(Body::Line(Box::new(line)), Vec::new())
            }
            (None, _) | (Some(_), None) => Step::stay(),
        }
    }

    pub fn panel(&self, model: &Model, width: u16, height: u16) -> Panel {
        let of = self.stage.as_ref().map_or_else(String::new, |stage| format!(" · {}", stage.name));
        let mut panel = Panel::new(format!("actions · {}{of}", self.name), "↑ ↓ or its key   Enter run   Esc close");
        self.picker.show(&mut panel, &self.items(model), (width, height.into()));
        panel
    }

    /// Those of the stage, then what acts on the row, what applies first.
    fn items(&self, model: &Model) -> Vec<Item<Action>> {
        let mut items = self.stage.as_ref().map_or_else(Vec::new, |stage| of_stage(model, stage));
        let entries = TABLE.iter().filter(|entry| {
            let of_row = matches!(entry.group, Group::Open | Group::Make | Group::Decide);
            let shown = self.stage.is_some() && OF_STAGE.contains(&entry.command);
            let other = matches!(entry.command, Command::New | Command::NewLine | Command::Actions);
            of_row && !other && !shown && !entry.label.is_empty()
        });
        let mut of_row: Vec<_> = entries.map(|entry| item(model, entry)).collect();
        of_row.sort_by_key(|item| item.refused.is_some());
        items.extend(of_row);
        items
    }
}

fn item(model: &Model, entry: &Entry) -> Item<Action> {
    Item {
        key: written(model.input.keys.keys(entry.command)),
        label: label(model, entry),
        text: entry.text.to_owned(),
        refused: entry.command.applies(model).err(),
        value: Action::Run(entry.command),
    }
}

fn of_stage(model: &Model, stage: &Stage) -> Vec<Item<Action>> {
    let here = Item {
        key: String::new(),
        label: "send here".to_owned(),
        text: format!("begins stage {} again, with your words", stage.name),
        refused: Command::SendTo.applies(model).err(),
        value: Action::SendHere,
    };
    let others = OF_STAGE.map(|command| {
        let item = item(model, command.entry());
        let elsewhere = (!stage.is_current).then(|| format!("{} is not at stage {} now", stage.slug, stage.name));
        Item { refused: elsewhere.or(item.refused), ..item }
    });
    [here].into_iter().chain(others).collect()
}

/// What `.` calls a command: the detach key by its name.
fn label(model: &Model, entry: &Entry) -> String {
    if entry.command == Command::SendDetach {
        return format!("send {}", model.input.keys.detach_keys(update::shown_kind(model))[0]);
    }
    entry.label.to_owned()
}
