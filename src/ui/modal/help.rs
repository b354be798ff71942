//! Help: what each key does in a place, from the table. Typing searches, Enter runs the marked line.

use crate::ui::text;
use crossterm::event::{KeyCode, KeyEvent};

use crate::model::SessionKind;
use crate::ui::command::{Command, Entry, Group, TABLE};
use crate::ui::keymap::{Context, Key, Keymap};
use crate::ui::model::Model;

use super::Step;
use super::panel::{Panel, Row, Tone, pad};
use super::picker::{Item, Picked, Picker};

/// Columns of the group names.
const LABEL: u16 = 16;

/// The overlay.
#[derive(Debug)]
pub struct Help {
    pub picker: Picker,
    context: Context,
    /// One line for each command, instead of the overview.
    lines: bool,
    offset: usize,
}

impl Help {
    pub fn new(context: Context) -> Self {
        Self { picker: Picker::default(), context, lines: false, offset: 0 }
    }

    pub fn key(&mut self, model: &Model, event: KeyEvent) -> Step {
        match event.code {
            KeyCode::Tab => {
                let at = Context::ALL.iter().position(|it| *it == self.context).unwrap_or(0);
                self.context = Context::ALL[(at + 1) % Context::ALL.len()];
                self.picker.mark = 0;
                self.offset = 0;
                return Step::stay();
            }
            KeyCode::PageDown if !self.lines => self.offset += 8,
            KeyCode::PageUp if !self.lines => self.offset = self.offset.saturating_sub(8),
            KeyCode::Down if !self.lines => self.lines = true,
            KeyCode::Enter if !self.lines => {}
            KeyCode::Char('?') if self.picker.query.is_empty() => return Step::close(),
            KeyCode::Char('/') if self.picker.query.is_empty() => self.lines = true,
            _ => return self.search(model, event),
        }
        Step::stay()
    }

    fn search(&mut self, model: &Model, event: KeyEvent) -> Step {
        let items = self.picker.matching(self.items(model));
        match self.picker.navigate(event, items.len()) {
            Picked::Taken => {
                return items.get(self.picker.mark).map_or_else(Step::stay, |item| Step::Run(item.value));
            }
            Picked::Moved => {}
            Picked::Unused => {
                self.picker.search(event);
                self.lines = self.lines || !self.picker.query.is_empty();
            }
        }
        Step::stay()
    }

    pub fn panel(&self, model: &Model, width: u16, height: u16) -> Panel {
        let run = if self.lines { "Enter run the marked line" } else { "↓ mark a line" };
        let hints = format!("Tab next mode   {run}   Esc close");
        let mut panel = Panel::new(format!("help · {}", self.context.word()), hints);
        if self.lines {
            let query = self.picker.query.text();
            panel.note = format!("/ {query}_");
            let items = self.picker.matching(self.items(model));
            self.picker.show(&mut panel, &items, (width, height.into()));
        } else {
            "/ type to search".clone_into(&mut panel.note);
            self.overview(model, &mut panel, width);
            panel.offset = self.offset.min(panel.rows.len().saturating_sub(height.into()));
        }
        panel
    }

    /// The commands of this place that have a key.
    fn entries<'a>(&self, keys: &'a Keymap) -> impl Iterator<Item = (&'static Entry, &'a [Key])> + use<'a> {
        let context = self.context;
        TABLE.iter().filter(move |entry| entry.contexts.contains(&context)).filter_map(|entry| {
            let keys = keys.keys(entry.command);
            (!keys.is_empty()).then_some((entry, keys))
        })
    }

    fn items(&self, model: &Model) -> Vec<Item<Command>> {
        let item = |(entry, keys): (&Entry, &[Key])| Item {
            key: written(keys),
            label: entry.name.to_owned(),
            text: entry.text.to_owned(),
            refused: entry.command.applies(model).err(),
            value: entry.command,
        };
        self.entries(&model.input.keys).map(item).collect()
    }

    fn overview(&self, model: &Model, panel: &mut Panel, width: u16) {
        let keys = &model.input.keys;
        for group in Group::ALL {
            let entries: Vec<_> = self.entries(keys).filter(|(entry, _)| entry.group == group).collect();
            if !entries.is_empty() {
                flow(panel, group.word(), &parts(&entries), width);
            }
        }
        let mut label = "Not now";
        for (entry, keys) in self.entries(keys).filter(|(entry, _)| entry.acts()) {
            if let Err(reason) = entry.command.applies(model) {
                panel.fact(label, &format!("{} {}: {reason}", keys[0], entry.label), (LABEL, width));
                label = "";
            }
        }
        let detach: Vec<String> = keys.detach_keys(SessionKind::Executor).iter().map(ToString::to_string).collect();
        let text = format!("{} comes back here; all else is the agent's, Esc and Ctrl-C too", detach.join(" or "));
        panel.fact("Attached", &text, (LABEL, width));
    }
}

/// `↑ ↓ j k` for pairs without a label, `w needs me` for the others.
fn parts(entries: &[(&Entry, &[Key])]) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = entries;
    while let Some(((entry, keys), tail)) = rest.split_first() {
        rest = tail;
        if !entry.label.is_empty() {
            parts.push(format!("{} {}", written(keys), entry.label));
        } else if let Some(((next, more), tail)) =
            tail.split_first().filter(|((next, more), _)| pairs(entry, next, keys, more))
        {
            rest = tail;
            let mut both: Vec<&Key> = keys.iter().zip(more.iter()).flat_map(|(a, b)| [a, b]).collect();
            both.sort_by_key(|key| key.typed().map(|char| char.to_ascii_lowercase()));
            let label = if next.label.is_empty() { String::new() } else { format!(" {}", next.label) };
            parts.push(format!("{}{label}", both.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")));
        } else {
            parts.push(written(keys));
        }
    }
    parts
}

/// Two commands that are one thing in two directions, which help shows together.
fn pairs(entry: &Entry, next: &Entry, keys: &[Key], more: &[Key]) -> bool {
    use Command as C;
    let pair = matches!(
        (entry.command, next.command),
        (C::Up, C::Down)
            | (C::Top, C::Bottom)
            | (C::PageUp, C::PageDown)
            | (C::HalfUp, C::HalfDown)
            | (C::Left, C::Right)
            | (C::NextPane, C::PrevPane)
            | (C::PrevTab, C::NextTab)
            | (C::Narrower, C::Wider)
            | (C::NextHunk, C::PrevHunk)
            | (C::NextFile, C::PrevFile)
            | (C::NextError, C::PrevError)
            | (C::Leftward, C::Rightward)
    );
    pair && keys.len() == more.len()
}

/// `D`, `: Ctrl-K`, `1-9`, `Alt-1..7`.
pub fn written(keys: &[Key]) -> String {
    if keys.len() > 3
        && let (Some(first), Some(last)) = (keys.first(), keys.last())
    {
        let last = last.to_string();
        let range = if first.mods.is_empty() { "-" } else { ".." };
        return format!("{first}{range}{}", last.rsplit('-').next().unwrap_or(&last));
    }
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Parts side by side, three blanks apart, on as many rows as they need.
fn flow(panel: &mut Panel, label: &str, parts: &[String], width: u16) {
    let room = usize::from(width.saturating_sub(LABEL));
    let mut label = label;
    let mut line = String::new();
    for part in parts {
        if !line.is_empty() && text::width(&line) + 3 + text::width(part) > room {
            row(panel, label, std::mem::take(&mut line));
            label = "";
        }
        if !line.is_empty() {
            line.push_str("   ");
        }
        line.push_str(part);
    }
    row(panel, label, line);
}

fn row(panel: &mut Panel, label: &str, line: String) {
    panel.push(Row::new(Tone::Dim, pad(label, LABEL.into())).and(Tone::Plain, line));
}
