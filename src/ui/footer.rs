//! The hints of the footer: what the keys do to the row that is selected, from the table.

use super::command::Command;
use super::keymap::Context;
use super::model::{Model, Pane, RowKey, Tab};
use super::update;
use super::view::{self, FooterItem};

/// In the order in which hints drop from the right.
const OF_ROW: &[Command] = &[
    Command::Attach,
    Command::Peek,
    Command::Approve,
    Command::Override,
    Command::Merge,
    Command::Start,
    Command::Diff,
    Command::Spec,
    Command::Shell,
    Command::Stop,
];
const OF_DIFF: &[Command] = &[
    Command::Fold,
    Command::PrevHunk,
    Command::PrevFile,
    Command::Comment,
    Command::Search,
    Command::Editor,
    Command::Rightward,
];
const OF_PIPELINE: &[Command] = &[
    Command::OpenStep,
    Command::GateLog,
    Command::Peek,
    Command::Approve,
    Command::Override,
    Command::Merge,
    Command::Diff,
    Command::Search,
];
const OF_PROJECT: &[Command] = &[Command::Attach, Command::New, Command::NewLine, Command::Start, Command::Init];
/// Where one pane fills the screen.
const NARROW: &[Command] = &[Command::Attach, Command::Peek, Command::New];

/// The hints for this moment, left to right; the two at the end never drop.
pub fn footer(model: &Model) -> Vec<FooterItem> {
    let mut items = Vec::new();
    if model.input.caps_lock {
        items.push(FooterItem { key: "Caps Lock".into(), label: "is on".into(), command: "escape", stays: true });
    }
    if model.main.attached {
        let key = &model.input.keys.detach_keys(update::shown_kind(model))[0];
        items.push(FooterItem { key: key.to_string(), label: "leaves".into(), command: "escape", stays: true });
        return items;
    }
    if model.input.parked.is_some() && model.modal.is_none() {
        items.push(FooterItem { key: "Esc".into(), label: "back".into(), command: "escape", stays: true });
    }
    let diff = model.layout.focus == Pane::Diff || model.layout.focus == Pane::Main && model.main.tab == Tab::Diff;
    let commands = match &model.list.selected {
        _ if diff => OF_DIFF,
        _ if update::context(model) == Context::Pipeline => OF_PIPELINE,
        _ if model.size.cols < 50 => NARROW,
        Some(RowKey::Session(..)) => OF_ROW,
        Some(RowKey::Project(_)) | None => OF_PROJECT,
    };
    let applying = commands.iter().filter(|command| command.applies(model).is_ok());
    items.extend(applying.filter_map(|command| item(model, *command)));
    items.extend(
        [Command::Actions, Command::Help]
            .into_iter()
            .filter_map(|command| Some(FooterItem { stays: true, ..item(model, command)? })),
    );
    items
}

/// None: the command has no key.
fn item(model: &Model, command: Command) -> Option<FooterItem> {
    let key = model.input.keys.keys(command).first()?.to_string();
    let key = if key == "Enter" { "↵".to_owned() } else { key };
    let entry = command.entry();
    let label = match (command, &model.list.selected) {
        (Command::Attach, _) if view::choice(model).is_some() => "choose",
        (Command::Attach, _) if view::is_welcome(model) => "designer",
        (Command::Attach, Some(RowKey::Project(_))) => "fold",
        (Command::Attach, _) if model.size.cols < 50 => "open",
        _ => entry.label,
    };
    Some(FooterItem { key, label: label.to_owned(), command: entry.name, stays: false })
}
