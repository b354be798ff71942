//! The palette: every command and every task, by name.

use crossterm::event::KeyEvent;

use crate::model::SessionId;
use crate::ui::command::{Command, TABLE};
use crate::ui::model::{Model, RowKey};

use super::Step;
use super::help::written;
use super::panel::{Panel, Place, Row, Tone};
use super::picker::{Item, Picked, Picker};

/// The overlay.
#[derive(Debug, Default)]
pub struct Palette {
    pub picker: Picker,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Run(Command),
    Go(RowKey),
}

impl Palette {
    pub fn key(&mut self, model: &Model, event: KeyEvent) -> Step {
        let found = self.picker.matching(items(model));
        match self.picker.navigate(event, found.len()) {
            Picked::Taken => match found.get(self.picker.mark).map(|item| item.value.clone()) {
                Some(Target::Run(command)) => return Step::Run(command),
                Some(Target::Go(row)) => return Step::Go(row),
                None => {}
            },
            Picked::Moved => {}
            Picked::Unused => drop(self.picker.search(event)),
        }
        Step::stay()
    }

    pub fn panel(&self, model: &Model, width: u16, height: u16) -> Panel {
        let mut panel = Panel::new("commands and tasks", "type to search   ↑ ↓   Enter run   Esc close");
        panel.place = Place::Center;
        let (lines, (column, _)) = self.picker.query.lines(usize::from(u16::MAX));
        panel.cursor = Some((column as u16 + 2, 0));
        panel.push(Row::new(Tone::Dim, ": ").and(Tone::Plain, lines.concat()));
        let found = self.picker.matching(items(model));
        self.picker.show(&mut panel, &found, (width, usize::from(height.saturating_sub(1).min(14))));
        panel
    }
}

fn items(model: &Model) -> Vec<Item<Target>> {
    let commands = TABLE.iter().filter(|entry| !matches!(entry.command, Command::Nth | Command::Tab | Command::Escape));
    let commands = commands.map(|entry| Item {
        key: written(model.input.keys.keys(entry.command)),
        label: entry.name.to_owned(),
        text: entry.text.to_owned(),
        refused: entry.command.applies(model).err(),
        value: Target::Run(entry.command),
    });
    let go = |project: &crate::model::ProjectView, session: SessionId, text: String| Item {
        key: String::new(),
        label: session.to_string(),
        text,
        refused: None,
        value: Target::Go(RowKey::Session(project.id.clone(), session)),
    };
    let several = model.snapshot.projects.len() > 1;
    let tasks = model.snapshot.projects.iter().flat_map(|project| {
        let of = if several { format!(" in {}", project.name) } else { String::new() };
        let designer = go(project, SessionId::main(), format!("the designer of {}", project.name));
        let tasks = project.tasks.iter().map(move |task| {
            go(project, task.task.session_id(), format!("{}{of}: {}", task.task.state.word(), task.task.title))
        });
        std::iter::once(designer).chain(tasks)
    });
    commands.chain(tasks).collect()
}
