//! `/` in the main pane: the text that is searched for, and the next place that has it.

use crate::ui::keymap::Context;
use crate::ui::model::{Effect, Model};
use crate::ui::text;
use crate::ui::view;

use super::list::Direction;
use super::{context, diff, message, pipeline};

/// What is searched for in the pane that has the focus.
pub fn set(model: &mut Model, search: String) {
    match context(model) {
        Context::Diff => model.diff.search = search,
        _ => model.main.search = search,
    }
}

/// Goes to the next or the previous place that has the text.
pub fn find(model: &mut Model, direction: Direction) -> Vec<Effect> {
    match context(model) {
        Context::Diff => diff::find(model, direction),
        Context::Page => find_on_page(model, direction),
        Context::Pipeline => pipeline::find(model, direction),
        _ if model.main.search.is_empty() => {}
        _ => {
            return vec![Effect::SearchTerminal {
                text: model.main.search.clone(),
                back: direction == Direction::Back,
            }];
        }
    }
    Vec::new()
}

/// Ends the search of the pane that has the focus; none: there was none.
pub fn end(model: &mut Model) -> Option<Vec<Effect>> {
    let at = context(model);
    let search = if at == Context::Diff { &mut model.diff.search } else { &mut model.main.search };
    if search.is_empty() || matches!(at, Context::List | Context::Monitor) {
        return None;
    }
    search.clear();
    Some(if at == Context::Terminal { vec![Effect::ReleaseTerminal] } else { Vec::new() })
}

/// Nearest line of the page from its first row on, around the end.
fn find_on_page(model: &mut Model, direction: Direction) {
    let search = &model.main.search;
    let lines = view::page_lines(model);
    if search.is_empty() || lines.is_empty() {
        return;
    }
    let at = model.main.offset.min(lines.len() - 1);
    let hit = |index: &usize| text::contains(&lines[*index].text, search);
    let found = match direction {
        Direction::Forward => (at + 1..lines.len()).chain(0..=at).find(hit),
        Direction::Back => (0..at).rev().chain((at..lines.len()).rev()).find(hit),
    };
    match found {
        Some(index) => model.main.offset = index,
        None => message::news(model, format!("\"{search}\" is not on this page")),
    }
}

/// The next or the previous error of the log.
pub fn to_error(model: &mut Model, direction: Direction) {
    let lines = view::page_lines(model);
    let at = model.main.offset;
    let bad = |index: &usize| lines[*index].begins_error;
    let found = match direction {
        Direction::Forward => (at + 1..lines.len()).find(bad),
        Direction::Back => (0..at.min(lines.len())).rev().find(bad),
    };
    match (found, direction) {
        (Some(index), _) => model.main.offset = index,
        (None, Direction::Forward) => message::news(model, "no older error"),
        (None, Direction::Back) => message::news(model, "no newer error"),
    }
}
