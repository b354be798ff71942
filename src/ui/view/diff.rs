//! The diff: files, hunks and lines as one long list of which only the visible part is looked at.

use std::path::PathBuf;

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::model::{Comment, DiffLine, FileDiff, Folded, Hunk, LineKind, Side};
use crate::ui::glyph::Signs;
use crate::ui::model::{DiffState, Model, Pane, Tab};
use crate::ui::row::Subject;
use crate::ui::text;
use crate::ui::theme::Role;

use super::canvas::Canvas;
use super::layout::{Class, inset};
use super::{Scene, empty, page};

/// What a line of the diff is, by index: of the file, of its hunk, of the hunk's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    File(usize),
    Hunk(usize, usize),
    Line(usize, usize, usize),
    /// A comment below its line: as of that line, and of the comment.
    Comment(usize, usize, usize, usize),
    /// The last line: files over the cap.
    Omitted,
}

/// The lines of a diff without a list of them: each file knows its first one.
#[derive(Debug)]
pub struct Lines<'a> {
    files: &'a [std::sync::Arc<FileDiff>],
    /// First line of each file, and the end of the last.
    starts: Vec<usize>,
    /// File, hunk and line of each comment that has one, and the comment; in the order of the lines.
    marks: Vec<(usize, usize, usize, usize)>,
    omitted: bool,
}

impl<'a> Lines<'a> {
    /// A title for each file and, unless it is folded, its hunks with their lines.
    pub fn of(state: &'a DiffState) -> Self {
        let (files, omitted) = state.diff.as_ref().map_or((&[][..], false), |diff| (&diff.files, diff.omitted > 0));
        let mut starts = Vec::with_capacity(files.len() + 1);
        let mut marks: Vec<_> =
            (0..).zip(&state.comments).filter_map(|(index, it)| place_of(files, it, index)).collect();
        marks.sort_unstable();
        let mut next = 0;
        for (index, file) in files.iter().enumerate() {
            starts.push(next);
            next += 1;
            if !is_folded(state, &file.path) {
                next += file.hunks.iter().map(|hunk| 1 + hunk.lines.len()).sum::<usize>();
                next += marks.iter().filter(|mark| mark.0 == index).count();
            }
        }
        starts.push(next);
        Self { files, starts, marks, omitted }
    }

    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0) + usize::from(self.omitted)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// None: past the end.
    pub fn at(&self, index: usize) -> Option<Place> {
        let end = *self.starts.last()?;
        if index >= end {
            return (self.omitted && index == end).then_some(Place::Omitted);
        }
        let file = self.starts.partition_point(|start| *start <= index) - 1;
        let Some(mut rest) = (index - self.starts[file]).checked_sub(1) else { return Some(Place::File(file)) };
        for (at, hunk) in self.files[file].hunks.iter().enumerate() {
            let Some(line) = rest.checked_sub(1) else { return Some(Place::Hunk(file, at)) };
            let marks = || self.marks.iter().filter(move |mark| (mark.0, mark.1) == (file, at));
            let len = hunk.lines.len() + marks().count();
            if line >= len {
                rest = line - len;
                continue;
            }
            // Each comment above takes a row.
            let row = |(above, mark): (usize, &(usize, usize, usize, usize))| (mark.2 + 1 + above, mark.2, mark.3);
            let above = marks().enumerate().map(row).take_while(|(row, ..)| *row <= line);
            return Some(match above.enumerate().last() {
                None => Place::Line(file, at, line),
                Some((_, (row, of, comment))) if row == line => Place::Comment(file, at, of, comment),
                Some((count, _)) => Place::Line(file, at, line - count - 1),
            });
        }
        None
    }

    /// The line of a file's title.
    pub fn start_of(&self, file: usize) -> Option<usize> {
        self.starts[..self.files.len()].get(file).copied()
    }
}

/// Where a comment stands: at the line that reads as it did, the nearest to its number. None: there is no such line any more.
fn place_of(
    files: &[std::sync::Arc<FileDiff>],
    comment: &Comment,
    index: usize,
) -> Option<(usize, usize, usize, usize)> {
    let file = files.iter().position(|file| file.is_at(&comment.path))?;
    let lines = files[file].hunks.iter().enumerate();
    let lines = lines.flat_map(|(hunk, it)| it.lines.iter().enumerate().map(move |(line, it)| (hunk, line, it)));
    let same = lines.filter(|(.., it)| side_of(it) == comment.side && it.text() == comment.quote);
    let (hunk, line, _) = same.min_by_key(|(.., it)| it.number.abs_diff(comment.line))?;
    Some((file, hunk, line, index))
}

/// The file whose number a line has.
pub fn side_of(line: &DiffLine) -> Side {
    if line.kind == LineKind::Removed { Side::Old } else { Side::New }
}

/// How far apart things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// Columns between added and removed lines of a file.
    gap: usize,
}

impl Spacing {
    pub const fn of(class: Class) -> Self {
        Self { gap: if matches!(class, Class::Wide) { 4 } else { 2 } }
    }
}

/// Left and right part of the pane's title.
pub fn title(model: &Model, signs: &Signs) -> (String, String) {
    let Some(diff) = shown(model).and_then(|state| state.diff.as_ref()) else {
        return ("diff".to_owned(), String::new());
    };
    let stat = diff.stat();
    let right = match stat.files {
        0 => String::new(),
        files => format!(
            "{} {} {}",
            text::plural(files.into(), "file"),
            signs.dot,
            text::changed(stat.added, stat.removed, signs)
        ),
    };
    (format!("diff {} vs {}", signs.dot, diff.base), right)
}

/// Draws the lines that are on the screen.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, spacing: Spacing) {
    let model = scene.model;
    let lines = shown(model).map(Lines::of).filter(|lines| !lines.is_empty());
    let Some(lines) = lines else {
        let subject = model.list.selected.as_ref().and_then(|key| Subject::find(&model.snapshot, key));
        let text = empty::diff_text(subject.as_ref(), shown(model).is_some());
        page::draw_paragraph(canvas, inset(area), &(scene.spell)(text), canvas.style(Role::Dim));
        return;
    };
    let state = &model.diff;
    let columns = Columns::of(state, spacing, canvas.signs());
    let top = scrolled(state, lines.len(), area.height.into());
    let cursor = is_focused(model).then_some(state.cursor);
    for (index, y) in (top..lines.len()).zip(area.y..area.bottom()) {
        let Some(place) = lines.at(index) else { break };
        let row = Rect { y, height: 1, ..area };
        columns.draw(canvas, inset(row), state, place);
        if cursor == Some(index) {
            canvas.bold(row);
            let (bar, style) = (canvas.signs().bar, canvas.style(Role::Accent));
            canvas.put(row, bar, style);
        }
    }
}

/// Columns of a line before its text: the sign and the number.
pub fn margin(state: &DiffState) -> u16 {
    number_width(state) as u16 + 3
}

/// Columns of the largest line number.
fn number_width(state: &DiffState) -> usize {
    let files = state.diff.as_ref().map_or(&[][..], |diff| &diff.files);
    let last = |file: &FileDiff| file.hunks.last()?.lines.last().map(|line| line.number);
    let number = files.iter().filter_map(|file| last(file)).max().unwrap_or(0);
    (number.max(1).ilog10() as usize + 1).max(2)
}

/// The diff, if it is the one of the selection.
fn shown(model: &Model) -> Option<&DiffState> {
    (model.diff.of.is_some() && model.diff.of == model.list.selected && model.diff.diff.is_some())
        .then_some(&model.diff)
}

fn is_focused(model: &Model) -> bool {
    model.layout.focus == Pane::Diff || (model.layout.focus == Pane::Main && model.main.tab == Tab::Diff)
}

fn is_folded(state: &DiffState, path: &PathBuf) -> bool {
    !state.folded.is_empty() && state.folded.contains(path)
}

/// The first line on the screen: as the state says, but never past the end, and with the marked line in sight.
fn scrolled(state: &DiffState, len: usize, rows: usize) -> usize {
    let top = state.offset.min(len.saturating_sub(rows));
    let lowest = (state.cursor + 1).saturating_sub(rows);
    top.clamp(lowest.min(state.cursor), state.cursor.max(lowest))
}

/// The widths that all files share.
struct Columns {
    added: usize,
    removed: usize,
    number: usize,
}

impl Columns {
    fn of(state: &DiffState, spacing: Spacing, signs: &Signs) -> Self {
        let files = state.diff.as_ref().map_or(&[][..], |diff| &diff.files);
        let added = files.iter().map(|file| file.added).max().unwrap_or(0);
        let removed = files.iter().map(|file| file.removed).max().unwrap_or(0);
        Self {
            added: text::width(&text::added(added)),
            removed: text::width(&text::removed(removed, signs)) + spacing.gap,
            number: number_width(state),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, row: Rect, state: &DiffState, place: Place) {
        let Some(diff) = &state.diff else { return };
        match place {
            Place::File(file) => self.file(canvas, row, &diff.files[file]),
            Place::Hunk(file, hunk) => hunk_title(canvas, row, &diff.files[file].hunks[hunk]),
            Place::Line(file, hunk, line) => {
                self.line(canvas, row, &diff.files[file].hunks[hunk].lines[line], state);
            }
            Place::Comment(.., comment) => {
                let text = state.comments.get(comment).map_or("", |comment| comment.text.as_str());
                let style = canvas.style(Role::Attention);
                let margin = " ".repeat(self.number + 3);
                canvas.pen(row).put(&margin, style).put("> ", style).put_code(&text.replace('\n', " "), style);
            }
            Place::Omitted => {
                let text = format!("{} more, over the limit", text::plural(diff.omitted.into(), "file"));
                canvas.put(row, &text, canvas.style(Role::Dim));
            }
        }
    }

    /// `M src/export/csv.rs   +32   −5`
    fn file(&self, canvas: &mut Canvas<'_>, row: Rect, file: &FileDiff) {
        let signs = canvas.signs();
        let right = Rect { width: row.width.saturating_sub(1), ..row };
        let reason = file.folded.map(reason).unwrap_or_default();
        let aside = if reason.is_empty() { self.added + self.removed } else { text::width(&reason) };
        let path = title_of(file, usize::from(right.width).saturating_sub(2 + aside + 2), signs);
        let (plain, dim) = (canvas.style(Role::Foreground), canvas.style(Role::Dim));
        let mut letter = [0; 4];
        let letter = file.change.letter().encode_utf8(&mut letter);
        canvas.pen(right).put(letter, plain).put(" ", plain).put(&path, plain.add_modifier(Modifier::BOLD));
        if !reason.is_empty() {
            return canvas.put_right(right, &reason, dim);
        }
        let role = |count: u32, role| canvas.style(if count > 0 { role } else { Role::Dim });
        let (good, bad) = (role(file.added, Role::Good), role(file.removed, Role::Bad));
        canvas.put_right(right, &text::removed(file.removed, signs), bad);
        let left = Rect { width: right.width.saturating_sub(self.removed as u16), ..right };
        canvas.put_right(left, &text::added(file.added), good);
    }

    /// `+ 39       out.push_str(&quote(field));`: number and sign stay where they are when the text scrolls sideways.
    fn line(&self, canvas: &mut Canvas<'_>, row: Rect, line: &DiffLine, state: &DiffState) {
        let (sign, role) = match line.kind {
            LineKind::Context => (" ", Role::Foreground),
            LineKind::Added => ("+", Role::Good),
            LineKind::Removed => ("-", Role::Bad),
        };
        let (dim, style) = (canvas.style(Role::Dim), canvas.style(role));
        let changed = style.patch(canvas.style(Role::Selection)).add_modifier(Modifier::BOLD);
        let mut pen = canvas.pen(row);
        pen.put(sign, style).put(&format!(" {:>1$} ", line.number, self.number), dim);
        pen.skip(state.sideways);
        for span in &line.spans {
            if pen.is_full() {
                break;
            }
            pen.put_code(&span.text, if span.changed { changed } else { style });
        }
    }
}

/// `@@ fn write_row`; the line number where no heading was found.
fn hunk_title(canvas: &mut Canvas<'_>, row: Rect, hunk: &Hunk) {
    let style = canvas.style(Role::Accent);
    let mut pen = canvas.pen(row);
    pen.put("@@ ", style);
    if hunk.heading.is_empty() {
        pen.put(&format!("line {}", hunk.new_start), style);
    } else {
        pen.put_code(hunk.heading.trim_start(), style);
    }
}

/// The path, with the old one of a file that was renamed when both fit.
fn title_of(file: &FileDiff, room: usize, signs: &'static Signs) -> String {
    let both = file.old_path.as_ref().map(|old| format!("{} -> {}", old.display(), file.path.display()));
    both.filter(|both| text::width(both) <= room).unwrap_or_else(|| text::cut_path(&file.path, room, signs))
}

/// Why a file has no lines here.
fn reason(folded: Folded) -> String {
    match folded {
        Folded::Binary => "binary".to_owned(),
        Folded::Huge { bytes } => format!("too large: {}", text::bytes(bytes)),
        Folded::Special => "not a regular file".to_owned(),
        Folded::Submodule => "submodule".to_owned(),
    }
}
