//! The diff pane: the place in it, folded files, search.
//!
//! Invariant: the marked line survives a refresh by its file, hunk and line, not by its number on the screen.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::{Change, Diff, FileDiff, LineKind, NewComment, ProjectId, SessionId};
use crate::ui::model::{DiffState, Effect, Model, RowKey};
use crate::ui::view::{Lines, Place, side_of};

use super::list::{Direction, End};
use super::message;
use crate::ui::row::Subject;

/// Columns that a diff scrolls sideways at most.
pub const WIDEST: usize = 4000;

/// A diff arrived: taken when it is of the row that is selected.
pub fn take(model: &mut Model, project: ProjectId, session: SessionId, diff: Arc<Diff>) {
    let of = RowKey::Session(project, session);
    if model.list.selected.as_ref() != Some(&of) {
        return;
    }
    let state = &mut model.diff;
    if state.of.as_ref() != Some(&of) {
        *state = DiffState { diff: Some(diff), of: Some(of), ..DiffState::default() };
        return note(model);
    }
    stay(model, |state| state.diff = Some(diff));
}

/// Takes over what is noted on the diff.
pub fn note(model: &mut Model) {
    let of = model.diff.of.as_ref().and_then(|key| Subject::find(&model.snapshot, key));
    let comments = of.and_then(|subject| subject.task()).map_or(&[][..], |task| &task.comments);
    if model.diff.comments != comments {
        let comments = comments.to_vec();
        stay(model, |state| state.comments = comments);
    }
}

/// Changes what is shown; the mark stays at its place.
fn stay(model: &mut Model, change: impl FnOnce(&mut DiffState)) {
    let state = &mut model.diff;
    let marked = path_at_cursor(state).zip(place_at_cursor(state));
    change(state);
    let cursor = marked.and_then(|(path, within)| again(state, &path, within)).unwrap_or(state.cursor);
    state.cursor = cursor.min(Lines::of(state).len().saturating_sub(1));
    follow(model, 0);
}

/// The line that stands for the same place of the same file in the new diff, else the file's title.
fn again(state: &DiffState, path: &Path, within: Place) -> Option<usize> {
    let lines = Lines::of(state);
    let file = state.diff.as_ref()?.files.iter().position(|file| file.path == path)?;
    let wanted = match within {
        Place::File(_) | Place::Omitted => Place::File(file),
        Place::Hunk(_, hunk) => Place::Hunk(file, hunk),
        Place::Line(_, hunk, line) | Place::Comment(_, hunk, line, _) => Place::Line(file, hunk, line),
    };
    let start = lines.start_of(file)?;
    let end = lines.start_of(file + 1).unwrap_or(lines.len());
    (start..end).find(|index| lines.at(*index) == Some(wanted)).or(Some(start))
}

/// Moves the marked line by `by` lines, stopping at the ends.
pub fn step(model: &mut Model, by: isize) {
    let last = Lines::of(&model.diff).len().saturating_sub(1);
    mark(model, model.diff.cursor.saturating_add_signed(by).min(last));
}

pub fn end(model: &mut Model, end: End) {
    let last = Lines::of(&model.diff).len().saturating_sub(1);
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
    let title = place_at_cursor(&model.diff).and_then(file_of).and_then(|file| Lines::of(&model.diff).start_of(file));
    model.diff.folded.insert(path);
    mark(model, title.unwrap_or(0));
}

/// The next or previous line that has the searched text; letter case counts only when the search has upper case.
pub fn find(model: &mut Model, direction: Direction) {
    let (state, search) = (&model.diff, model.diff.search.as_str());
    let lines = Lines::of(state);
    let (cursor, len) = (state.cursor.min(lines.len()), lines.len());
    if search.is_empty() || len == 0 {
        return;
    }
    let hit = |index: &usize| {
        let text = lines.at(*index).and_then(|place| line_text(state, place));
        text.is_some_and(|text| crate::ui::text::contains(&text, search))
    };
    let found = match direction {
        Direction::Forward => (cursor + 1..len).chain(0..=cursor.min(len - 1)).find(hit),
        Direction::Back => (0..cursor).rev().chain((cursor..len).rev()).find(hit),
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

/// The line that a comment is noted on: the marked one, or the first change of a marked hunk. Its text is the quote; its own
/// text is still to be written.
pub fn commented(model: &Model) -> Option<NewComment> {
    let state = &model.diff;
    let place = place_at_cursor(state)?;
    let file = state.diff.as_ref()?.files.get(file_of(place)?)?;
    let line = match place {
        Place::File(_) | Place::Omitted => return None,
        Place::Hunk(_, hunk) => file.hunks.get(hunk)?.lines.iter().find(|line| line.kind != LineKind::Context)?,
        Place::Line(_, hunk, line) | Place::Comment(_, hunk, line, _) => file.hunks.get(hunk)?.lines.get(line)?,
    };
    Some(NewComment {
        path: file.path.to_string_lossy().into_owned(),
        side: side_of(line),
        line: line.number,
        text: String::new(),
        quote: Some(line.text()),
    })
}

/// The diff as a patch. Files without text (binary, huge) have their header only.
pub fn patch(diff: &Diff) -> String {
    let mut patch = String::new();
    for file in &diff.files {
        patch += &header(file);
        for hunk in &file.hunks {
            // Writing to a string does not fail.
            let _ = write!(patch, "{hunk}");
        }
    }
    patch
}

fn header(file: &FileDiff) -> String {
    let new = file.path.display();
    let old = file.old_path.as_ref().unwrap_or(&file.path).display();
    let title = format!("diff --git a/{old} b/{new}\n");
    match file.change {
        Change::Added | Change::Untracked => format!("{title}new file mode 100644\n--- /dev/null\n+++ b/{new}\n"),
        Change::Deleted => format!("{title}deleted file mode 100644\n--- a/{old}\n+++ /dev/null\n"),
        Change::Renamed if file.hunks.is_empty() => format!("{title}rename from {old}\nrename to {new}\n"),
        Change::Renamed => format!("{title}rename from {old}\nrename to {new}\n--- a/{old}\n+++ b/{new}\n"),
        Change::Modified | Change::TypeChanged => format!("{title}--- a/{old}\n+++ b/{new}\n"),
    }
}

fn jump(model: &mut Model, direction: Direction, what: &str, wanted: impl Fn(Place) -> bool) {
    let lines = Lines::of(&model.diff);
    let cursor = model.diff.cursor;
    let hit = |index: &usize| lines.at(*index).is_some_and(&wanted);
    let (found, end) = match direction {
        Direction::Forward => ((cursor + 1..lines.len()).find(hit), "last"),
        Direction::Back => ((0..cursor.min(lines.len())).rev().find(hit), "first"),
    };
    match found {
        Some(index) => mark(model, index),
        None => message::news(model, format!("this is the {end} {what}")),
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

const fn file_of(place: Place) -> Option<usize> {
    match place {
        Place::File(file) | Place::Hunk(file, _) | Place::Line(file, ..) | Place::Comment(file, ..) => Some(file),
        Place::Omitted => None,
    }
}

fn place_at_cursor(state: &DiffState) -> Option<Place> {
    Lines::of(state).at(state.cursor)
}

fn path_at_cursor(state: &DiffState) -> Option<PathBuf> {
    let file = file_of(place_at_cursor(state)?)?;
    Some(state.diff.as_ref()?.files.get(file)?.path.clone())
}

/// The line in the new file at the mark; for a removed line the one that follows it.
fn line_at_cursor(state: &DiffState) -> Option<u32> {
    let place = place_at_cursor(state)?;
    let file = state.diff.as_ref()?.files.get(file_of(place)?)?;
    let (hunk, kept) = match place {
        Place::File(_) | Place::Omitted => (file.hunks.first()?, 0),
        Place::Hunk(_, hunk) => (file.hunks.get(hunk)?, 0),
        Place::Line(_, hunk, line) | Place::Comment(_, hunk, line, _) => {
            let hunk = file.hunks.get(hunk)?;
            (hunk, hunk.lines[..line].iter().filter(|it| it.kind != LineKind::Removed).count())
        }
    };
    Some((hunk.new_start + u32::try_from(kept).unwrap_or(0)).max(1))
}

fn line_text(state: &DiffState, place: Place) -> Option<String> {
    let file = state.diff.as_ref()?.files.get(file_of(place)?)?;
    Some(match place {
        Place::File(_) | Place::Omitted => file.path.to_string_lossy().into_owned(),
        Place::Hunk(_, hunk) => file.hunks.get(hunk)?.heading.clone(),
        Place::Line(_, hunk, line) => file.hunks.get(hunk)?.lines.get(line)?.text(),
        Place::Comment(.., comment) => state.comments.get(comment)?.text.clone(),
    })
}
