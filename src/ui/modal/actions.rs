//! `.`: all actions of the selected row. Refused ones stand dim, with the reason.

use crossterm::event::KeyEvent;

use crate::ui::command::{Command, Entry, Group, TABLE};
use crate::ui::keymap::Key;
use crate::ui::model::Model;
use crate::ui::update;

use super::Step;
use super::help::written;
use super::panel::Panel;
use super::picker::{Item, Picked, Picker};

/// The overlay.
#[derive(Debug)]
pub struct Actions {
    /// Of the row.
    pub name: String,
    picker: Picker,
}

impl Actions {
    pub fn new(name: String) -> Self {
        Self { name, picker: Picker::default() }
    }

    /// Enter takes the marked action; an action's own key takes that one.
    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        let items = items(model);
        let wanted = match self.picker.navigate(event, items.len()) {
            Picked::Taken => items.get(self.picker.mark),
            Picked::Moved => return Step::stay(),
            Picked::Unused => {
                let key = Key::from(event);
                items.iter().find(|item| model.input.keys.keys(item.value).contains(&key))
            }
        };
        let Some(Item { value, refused, .. }) = wanted else { return Step::stay() };
        match refused {
            None => Step::Run(*value),
            Some(reason) => {
                update::say(model, format!("{}: {reason}", value.name()));
                Step::stay()
            }
        }
    }

    pub fn panel(&self, model: &Model, width: u16, height: u16) -> Panel {
        let mut panel = Panel::new(format!("actions · {}", self.name), "↑ ↓ or its key   Enter run   Esc close");
        self.picker.show(&mut panel, &items(model), (width, height.into()));
        panel
    }
}

/// What acts on a row, what applies first.
fn items(model: &Model) -> Vec<Item<Command>> {
    let entries = TABLE.iter().filter(|entry| {
        let of_row = matches!(entry.group, Group::Open | Group::Make | Group::Decide);
        let other = matches!(entry.command, Command::New | Command::NewLine | Command::Actions);
        of_row && !other && !entry.label.is_empty()
    });
    let mut items: Vec<_> = entries
        .map(|entry| Item {
            key: written(model.input.keys.keys(entry.command)),
            label: label(model, entry),
            text: entry.text.to_owned(),
            refused: entry.command.applies(model).err(),
            value: entry.command,
        })
        .collect();
    items.sort_by_key(|item| item.refused.is_some());
    items
}

/// What `.` calls a command: the detach key by its name.
fn label(model: &Model, entry: &Entry) -> String {
    if entry.command == Command::SendDetach {
        return format!("send {}", model.input.keys.detach_keys(update::shown_kind(model))[0]);
    }
    entry.label.to_owned()
}
