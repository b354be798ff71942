//! The diff pane: the place in it, folded files, search.
//!
//! Invariant: the marked line survives a refresh by its file, hunk and line, not by its number on the screen.

use std::sync::Arc;

use crate::model::{Diff, Hunk, LineKind, ProjectId, SessionId};
use crate::ui::model::{DiffState, Effect, Model, RowKey};

use super::list::{Direction, End};
use super::message;
use crate::ui::row::Subject;

/// Columns that a diff scrolls sideways at most.
pub const WIDEST: usize = 4000;

/// What a line of the flattened diff is, by index: of the file, its hunk, the hunk's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    File(usize),
    Hunk(usize, usize),
    Line(usize, usize, usize),
}

impl Place {
    pub const fn file(self) -> usize {
        match self {
            Self::File(file) | Self::Hunk(file, _) | Self::Line(file, ..) => file,
        }
    }
}

/// The diff as lines on the screen: a title for each file, and unless it is folded, its hunks with their lines.
pub fn places(state: &DiffState) -> Vec<Place> {
    let mut places = Vec::new();
    for (f, file) in state.diff.iter().flat_map(|diff| &diff.files).enumerate() {
        places.push(Place::File(f));
        if state.folded.contains(&file.path) {
            continue;
        }
        for (h, hunk) in file.hunks.iter().enumerate() {
            places.push(Place::Hunk(f, h));
            places.extend((0..hunk.lines.len()).map(|line| Place::Line(f, h, line)));
        }
    }
    places
}

/// A diff arrived: taken when it is of the row that is selected.
pub fn take(model: &mut Model, project: ProjectId, session: SessionId, diff: Arc<Diff>) {
    let of = RowKey::Session(project, session);
    if model.list.selected.as_ref() != Some(&of) {
        return;
    }
    let same = model.diff.of.as_ref() == Some(&of);
    let marked = same.then(|| path_at_cursor(&model.diff)).flatten();
    let within = same.then(|| places(&model.diff).get(model.diff.cursor).copied()).flatten();
    model.diff.diff = Some(diff);
    if !same {
        model.diff = DiffState { diff: model.diff.diff.take(), of: Some(of), ..DiffState::default() };
        return;
    }
    let places = places(&model.diff);
    let file = marked.and_then(|path| model.diff.diff.as_ref()?.files.iter().position(|file| file.path == path));
    let cursor = file.zip(within).and_then(|(file, within)| {
        let moved = match within {
            Place::File(_) => Place::File(file),
            Place::Hunk(_, hunk) => Place::Hunk(file, hunk),
            Place::Line(_, hunk, line) => Place::Line(file, hunk, line),
        };
        let exact = places.iter().position(|place| *place == moved);
        exact.or_else(|| places.iter().position(|place| *place == Place::File(file)))
    });
    model.diff.cursor = cursor.unwrap_or(model.diff.cursor).min(places.len().saturating_sub(1));
    follow(model, 0);
}

/// Moves the marked line by `by` lines, stopping at the ends.
pub fn step(model: &mut Model, by: isize) {
    let last = places(&model.diff).len().saturating_sub(1);
    mark(model, model.diff.cursor.saturating_add_signed(by).min(last));
}

pub fn end(model: &mut Model, end: End) {
    let last = places(&model.diff).len().saturating_sub(1);
    mark(model, if end == End::First { 0 } else { last });
}

pub fn to_hunk(model: &mut Model, direction: Direction) {
    jump(model, direction, "hunk", |place| matches!(place, Place::Hunk(..)));
}

pub fn to_file(model: &mut Model, direction: Direction) {
    jump(model, direction, "file", |place| matches!(place, Place::File(_)));
}

/// Folds the file of the marked line to its title, or unfolds it.
pub fn fold(model: &mut Model) {
    let Some(path) = path_at_cursor(&model.diff) else { return };
    if model.diff.folded.remove(&path) {
        return;
    }
    let file = places(&model.diff).get(model.diff.cursor).map_or(0, |place| place.file());
    model.diff.folded.insert(path);
    let title = places(&model.diff).iter().position(|place| *place == Place::File(file));
    mark(model, title.unwrap_or(0));
}

/// The next or previous line that has the searched text; letter case counts only when the search has upper case.
pub fn find(model: &mut Model, direction: Direction) {
    let search = model.diff.search.clone();
    if search.is_empty() {
        return;
    }
    let places = places(&model.diff);
    let cursor = model.diff.cursor;
    let hit = |index: &usize| line_text(&model.diff, places[*index]).is_some_and(|text| matches(&text, &search));
    let found = match direction {
        Direction::Forward => {
            (cursor + 1..places.len()).chain(0..=cursor.min(places.len().saturating_sub(1))).find(hit)
        }
        Direction::Back => (0..cursor).rev().chain((cursor..places.len()).rev()).find(hit),
    };
    match found {
        Some(index) => mark(model, index),
        None => message::news(model, format!("\"{search}\" is not in the diff")),
    }
}

/// `e`: the file at its line while the diff has the focus, else the worktree.
pub fn open_editor(model: &mut Model) -> Vec<Effect> {
    let Some(folder) = Subject::of(model).and_then(|subject| subject.folder()) else { return Vec::new() };
    let in_diff = super::context(model) == crate::ui::keymap::Context::Diff;
    let marked = in_diff.then(|| path_at_cursor(&model.diff)).flatten();
    let path = marked.as_ref().map_or_else(|| folder.to_owned(), |path| folder.join(path));
    let line = marked.and_then(|_| line_at_cursor(&model.diff));
    vec![Effect::OpenEditor { path, line }]
}

/// The diff as a patch. Files without text (binary, huge) have their header only.
pub fn patch(diff: &Diff) -> String {
    let mut patch = String::new();
    for file in &diff.files {
        let new = file.path.display();
        let old = file.old_path.as_ref().unwrap_or(&file.path).display();
        patch.extend([format!("diff --git a/{old} b/{new}\n--- a/{old}\n+++ b/{new}\n")]);
        for hunk in &file.hunks {
            let count = |skip| hunk.lines.iter().filter(|line| line.kind != skip).count();
            let (old, new) = (count(LineKind::Added), count(LineKind::Removed));
            let Hunk { old_start, new_start, heading, .. } = hunk;
            patch.extend([format!("@@ -{old_start},{old} +{new_start},{new} @@ {heading}\n")]);
            for line in &hunk.lines {
                patch.push(match line.kind {
                    LineKind::Context => ' ',
                    LineKind::Added => '+',
                    LineKind::Removed => '-',
                });
                patch.extend(line.spans.iter().map(|span| span.text.as_str()));
                patch.push('\n');
            }
        }
    }
    patch
}

fn jump(model: &mut Model, direction: Direction, what: &str, wanted: impl Fn(&Place) -> bool) {
    let places = places(&model.diff);
    let cursor = model.diff.cursor;
    let mut indices = (0..places.len()).filter(|index| wanted(&places[*index]));
    let found = match direction {
        Direction::Forward => indices.find(|index| *index > cursor),
        Direction::Back => indices.take_while(|index| *index < cursor).last(),
    };
    match found {
        Some(index) => mark(model, index),
        None => message::news(
            model,
            format!("this is the {} {what}", if direction == Direction::Forward { "last" } else { "first" }),
        ),
    }
}

fn mark(model: &mut Model, cursor: usize) {
    let before = model.diff.cursor;
    model.diff.cursor = cursor;
    follow(model, cursor.abs_diff(before));
}

/// Keeps the marked line on the screen; a far jump brings it to the top third.
fn follow(model: &mut Model, jumped: usize) {
    let rows = super::act::page(model).unsigned_abs().max(1);
    let state = &mut model.diff;
    if state.cursor < state.offset || state.cursor >= state.offset + rows {
        let lead = if jumped > rows {
            rows / 3
        } else if state.cursor < state.offset {
            0
        } else {
            rows - 1
        };
        state.offset = state.cursor.saturating_sub(lead);
    }
}

fn path_at_cursor(state: &DiffState) -> Option<std::path::PathBuf> {
    let place = places(state).get(state.cursor).copied()?;
    Some(state.diff.as_ref()?.files.get(place.file())?.path.clone())
}

/// The line in the new file at the mark; for a removed line the one that follows it.
fn line_at_cursor(state: &DiffState) -> Option<u32> {
    let diff = state.diff.as_ref()?;
    match places(state).get(state.cursor).copied()? {
        Place::File(file) => Some(diff.files.get(file)?.hunks.first()?.new_start.max(1)),
        Place::Hunk(file, hunk) => Some(diff.files.get(file)?.hunks.get(hunk)?.new_start.max(1)),
        Place::Line(file, hunk, line) => {
            let hunk = diff.files.get(file)?.hunks.get(hunk)?;
            let kept = hunk.lines[..line].iter().filter(|it| it.kind != LineKind::Removed).count();
            Some((hunk.new_start + u32::try_from(kept).unwrap_or(0)).max(1))
        }
    }
}

fn line_text(state: &DiffState, place: Place) -> Option<String> {
    let file = state.diff.as_ref()?.files.get(place.file())?;
    Some(match place {
        Place::File(_) => file.path.to_string_lossy().into_owned(),
        Place::Hunk(_, hunk) => file.hunks.get(hunk)?.heading.clone(),
        Place::Line(_, hunk, line) => {
            file.hunks.get(hunk)?.lines.get(line)?.spans.iter().map(|it| it.text.as_str()).collect()
        }
    })
}

fn matches(text: &str, search: &str) -> bool {
    if search.chars().any(char::is_uppercase) { text.contains(search) } else { text.to_lowercase().contains(search) }
}
