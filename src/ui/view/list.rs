//! The list of sessions.
//!
//! What does not fit into a row goes in this order: the age, `auto`, the stage's name, the state, the middle of the slug.
//! The mark, the unread sign and six columns of the slug never go.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::ui::glyph::{Mark, Signs};
use crate::ui::model::{Model, RowKey};
use crate::ui::row::{self, Counts, Kin, Line, Subject};
use crate::ui::text;
use crate::ui::theme::Role;

use super::Scene;
use super::canvas::Canvas;
use super::layout::{Areas, Class};

/// Columns between a name and what stands right of it, at least.
const GAP: usize = 2;
/// Columns of an age.
const AGE: usize = 4;
/// Columns that a subtask stands to the right of its parent, as far as there is room for that.
const LEVEL: u16 = 2;
const DEEPEST: u16 = 3;
/// Columns of a slug that never go.
const SLUG: usize = 6;

/// Draws the rows that fit.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, class: Class) {
    let model = scene.model;
    let look = Look::of(model, class);
    let lines = lines(model);
    if lines.is_empty() && !model.list.filter.is_empty() {
        let text = (scene.spell)("No row matches. $escape clears the filter.");
        let signs = canvas.signs();
        let rect = indented(area, 1);
        return canvas.put(rect, &text::cut(&text, rect.width.into(), signs), canvas.style(Role::Dim));
    }
    for (index, y) in visible(model, &lines, &look, area) {
        let rect = Rect { y, height: 1, ..area };
        let line = &lines[index];
        let is_selected = model.list.selected.as_ref().is_some_and(|key| line.is(key));
        match line {
            Line::Project { .. } if look.own_height(line) == 0 => {}
            Line::Project { project, folded, counts } => {
                let trouble = project.trouble.is_some();
                let taken = if trouble { TROUBLE.len() as u16 + 2 } else { 0 };
                look.project(canvas, Rect { width: rect.width.saturating_sub(taken), ..rect }, &project.name, *folded);
                if trouble {
                    draw_trouble(canvas, rect);
                } else if *folded {
                    folded_counts(canvas, rect, *counts);
                }
                select(canvas, rect, is_selected.then_some(0));
            }
            Line::Empty { project } => {
                let text = if project.trouble.is_some() { "No sessions." } else { "No sessions yet." };
                canvas.put(indented(rect, 3), text, canvas.style(Role::Dim));
            }
            Line::Title { group, count } => {
                canvas.put(indented(rect, 1), group.word(), canvas.style(Role::Dim));
                let right = Rect { width: rect.width.saturating_sub(1), ..rect };
                canvas.put_right(right, &text::count(*count as u64), canvas.style(Role::Dim));
            }
            Line::Session { subject, kin, .. } => {
                look.session(canvas, rect, subject, *kin);
                select(canvas, rect, is_selected.then_some(1));
                if look.has_note(subject) {
                    note(canvas, Rect { y: y + 1, ..rect }.intersection(area), subject);
                }
            }
        }
    }
}

/// The row under line `y` of the screen.
pub fn key_at(model: &Model, areas: &Areas, y: u16) -> Option<RowKey> {
    let (lines, look) = (lines(model), Look::of(model, areas.class));
    let area = areas.list?.inner;
    let mut spots = visible(model, &lines, &look, area).filter(|(_, top)| *top <= y).collect::<Vec<_>>();
    let (index, top) = spots.pop()?;
    (y - top < look.own_height(&lines[index])).then(|| lines[index].key()).flatten()
}

/// The rows on the screen that can be selected; all of them while the list is hidden.
pub fn visible_keys(model: &Model, areas: &Areas) -> Vec<RowKey> {
    let (lines, look) = (lines(model), Look::of(model, areas.class));
    let Some(area) = areas.list else { return lines.iter().filter_map(Line::key).collect() };
    let shown = visible(model, &lines, &look, area.inner).map(|(index, _)| &lines[index]);
    shown.filter(|line| look.own_height(line) > 0).filter_map(Line::key).collect()
}

/// Rows of the screen between the top of the list and the selection; none: one of them is not there.
pub fn height_of_selected(model: &Model, areas: &Areas) -> Option<u16> {
    let (lines, look) = (lines(model), Look::of(model, areas.class));
    let (area, key) = (areas.list?.inner, model.list.selected.as_ref()?);
    let spot = visible(model, &lines, &look, area).find(|(index, _)| lines[*index].is(key))?;
    Some(spot.1 - area.y)
}

/// The first line on the screen, `by` lines further down; with a `height` the one that leaves the selection there.
pub fn offset(model: &Model, areas: &Areas, by: isize, height: Option<u16>) -> Option<usize> {
    let (lines, look) = (lines(model), Look::of(model, areas.class));
    let area = areas.list?.inner;
    let wanted = height.zip(model.list.selected.as_ref().and_then(|key| lines.iter().position(|line| line.is(key))));
    let start = wanted.map_or(model.list.offset, |(height, selected)| {
        let blank = |at: usize| look.blank_above(&lines, at);
        let above = |top: &usize| {
            let between = (*top..selected).map(|at| look.height(&lines, at)).sum::<u16>();
            between + (top + 1..=selected).map(blank).sum::<u16>()
        };
        (0..=selected).rev().take_while(|top| above(top) <= height).last().unwrap_or(selected)
    });
    let in_sight = model.list.selected.as_ref().filter(|_| !model.list.roams);
    Some(first(start.saturating_add_signed(by), &lines, &look, area.height, in_sight))
}

/// What decides how rows look, whichever they are.
struct Look {
    class: Class,
    /// More than one project: they can be folded.
    several: bool,
    now: jiff::Timestamp,
}

fn lines(model: &Model) -> Vec<Line<'_>> {
    row::lines(&model.snapshot, &model.list, model.now)
}

/// Index and first screen row of each line that is on the screen.
fn visible<'a>(
    model: &'a Model,
    lines: &'a [Line<'a>],
    look: &'a Look,
    area: Rect,
) -> impl Iterator<Item = (usize, u16)> + 'a {
    let in_sight = model.list.selected.as_ref().filter(|_| !model.list.roams);
    let top = first(model.list.offset, lines, look, area.height, in_sight);
    let mut y = area.y;
    let spots = (top..lines.len()).map(move |index| {
        let above = if y == area.y { 0 } else { look.blank_above(lines, index) };
        let at = y.saturating_add(above);
        y = at + look.height(lines, index);
        (index, at)
    });
    spots.take_while(move |(_, at)| *at < area.bottom())
}

/// The first line on the screen: `offset`, but never so far down that rows stay empty, and moved as far as the row that
/// has to be in sight asks for.
fn first(offset: usize, lines: &[Line<'_>], look: &Look, height: u16, in_sight: Option<&RowKey>) -> usize {
    // The first line of a page that ends with line `last`.
    let page_above = |last: usize| {
        let mut used = lines.get(last).map_or(0, |line| look.own_height(line));
        let fits = |at: &usize| {
            used = used.saturating_add(look.blank_above(lines, *at) + look.height(lines, *at));
            used <= height
        };
        (0..last).rev().take_while(fits).last().unwrap_or(last)
    };
    let top = offset.min(page_above(lines.len().saturating_sub(1)));
    let Some(row) = in_sight.and_then(|key| lines.iter().position(|line| line.is(key))) else { return top };
    // The titles above the row come into sight with it.
    let titles = (0..row).rev().take_while(|at| lines[*at].key().is_none()).count();
    let with_titles = row - titles;
    top.min(if with_titles == 1 { 0 } else { with_titles }).max(page_above(row))
}

impl Look {
    fn of(model: &Model, class: Class) -> Self {
        Self { class, several: row::shown_projects(&model.snapshot, &model.list).nth(1).is_some(), now: model.now }
    }

    /// A second project stands off from the first.
    fn blank_above(&self, lines: &[Line<'_>], index: usize) -> u16 {
        (index > 0 && matches!(lines[index], Line::Project { .. }) && self.class != Class::Single).into()
    }

    fn blank_below(&self, lines: &[Line<'_>], index: usize) -> u16 {
        let open = matches!(lines[index], Line::Project { folded: false, .. });
        (open && self.several && self.class == Class::Wide).into()
    }

    /// Rows of the line with the blank one below it, if any.
    fn height(&self, lines: &[Line<'_>], index: usize) -> u16 {
        self.own_height(&lines[index]) + self.blank_below(lines, index)
    }

    /// Rows of the line itself: the title of an only project is the title of the list below 50 columns.
    fn own_height(&self, line: &Line<'_>) -> u16 {
        match line {
            Line::Project { .. } if self.class == Class::Single && !self.several => 0,
            Line::Session { subject, .. } if self.has_note(subject) => 2,
            _ => 1,
        }
    }

    /// Where there is no monitor, those that need a person say why.
    fn has_note(&self, subject: &Subject<'_>) -> bool {
        self.class == Class::Single && note_of(subject).is_some()
    }

    fn project(&self, canvas: &mut Canvas<'_>, rect: Rect, name: &str, folded: bool) {
        let signs = canvas.signs();
        let style = canvas.style(Role::Foreground);
        let name = text::cut_middle(name, usize::from(rect.width.saturating_sub(4)), signs);
        let mut pen = canvas.pen(indented(rect, 1));
        if self.several {
            pen.put(if folded { signs.folded } else { signs.unfolded }, style).put(" ", style);
        }
        pen.put(&name, style);
    }

    fn session(&self, canvas: &mut Canvas<'_>, rect: Rect, subject: &Subject<'_>, kin: Kin) {
        let signs = canvas.signs();
        let mark = subject.mark();
        let indent = if self.class == Class::Wide { 3 } else { 2 };
        let name_at = indent + 2 + LEVEL * kin.depth.min(DEEPEST);
        let width = usize::from(rect.width);
        let folded = if kin.folded > 0 { format!(" {}{}", signs.folded, kin.folded) } else { String::new() };
        let unread = if subject.unread() { 2 } else { 0 } + text::width(&folded);
        let name_width = text::width(subject.name());
        let right =
            Right::fit(subject, self.now, signs, width.saturating_sub(name_at as usize + name_width + unread + 1));
        let room = width.saturating_sub(usize::from(name_at) + unread + 1 + right.width()).max(SLUG);
        let name = text::cut_middle(subject.name(), room, signs);

        let mut style = canvas.style(Role::Foreground);
        if subject.unread() {
            style = style.add_modifier(Modifier::BOLD);
        }
        canvas.put(indented(rect, indent), mark.glyph(signs), canvas.theme.mark(mark));
        let unread_style = canvas.style(Role::Accent).add_modifier(Modifier::BOLD);
        let folded_style = canvas.style(if kin.calls { Role::Attention } else { Role::Dim });
        let mut pen = canvas.pen(indented(rect, name_at));
        pen.put(&name, style);
        if subject.unread() {
            pen.put(" ", style).put(signs.unread, unread_style);
        }
        pen.put(&folded, folded_style);
        right.draw(canvas, rect, mark);
    }
}

/// What stands at the right of a row.
struct Right {
    word: String,
    age: Option<String>,
}

impl Right {
    /// As much as fits into `room` columns, with the gap.
    fn fit(subject: &Subject<'_>, now: jiff::Timestamp, signs: &Signs, room: usize) -> Self {
        let word = subject.word(now, signs);
        let full = word.to_string();
        let auto = |text: &str| if subject.auto() { format!("auto {text}") } else { text.to_owned() };
        let age = subject.since().map(|since| text::age(since, now)).filter(|_| !full.is_empty());
        let candidates = [(auto(&full), age), (auto(&full), None), (full, None), (word.core.into_owned(), None)];
        let all = candidates.into_iter().map(|(word, age)| Self { word, age });
        all.into_iter().find(|right| right.width() <= room).unwrap_or(Self { word: String::new(), age: None })
    }

    /// With the gap before it; 0 when there is nothing.
    fn width(&self) -> usize {
        match (text::width(&self.word), &self.age) {
            (0, _) => 0,
            (word, None) => GAP + word,
            (word, Some(_)) => GAP + word + 1 + AGE,
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, rect: Rect, mark: Mark) {
        let mut area = Rect { width: rect.width.saturating_sub(1), ..rect };
        if let Some(age) = &self.age {
            canvas.put_right(area, age, canvas.style(Role::Dim));
            area.width = area.width.saturating_sub(AGE as u16 + 1);
        }
        let style = canvas.theme.word(mark);
        canvas.put_right(area, &self.word, style);
    }
}

fn note(canvas: &mut Canvas<'_>, rect: Rect, subject: &Subject<'_>) {
    let room = usize::from(rect.width.saturating_sub(7));
    if let Some(text) = note_of(subject) {
        let text = text::cut(text, room, canvas.signs());
        canvas.put(indented(rect, 6), &text, canvas.style(Role::Dim));
    }
}

fn note_of<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    subject.need().filter(|need| *need < row::Need::Unread)?;
    let task = subject.task();
    let reason = task.and_then(|task| task.task.reason.as_ref()).map(|reason| reason.text.as_str());
    let said = task.and_then(|task| task.unheard.as_deref());
    subject.question().or(reason).or(said).filter(|text| !text.is_empty())
}

/// At the right of a project whose repository cannot be used.
const TROUBLE: &str = "not open";

fn draw_trouble(canvas: &mut Canvas<'_>, rect: Rect) {
    let text = format!("{} {TROUBLE}", Mark::Bad.glyph(canvas.signs()));
    let style = canvas.theme.mark(Mark::Bad);
    canvas.put_right(Rect { width: rect.width.saturating_sub(1), ..rect }, &text, style);
}

/// `◆ 1   ● 2` at the right of a folded project: what is not zero.
fn folded_counts(canvas: &mut Canvas<'_>, rect: Rect, counts: Counts) {
    const FIELD: u16 = 6;
    let all = [(Mark::Attention, counts.need), (Mark::Good, counts.ready), (Mark::Running, counts.running)];
    let shown: Vec<_> = all.into_iter().filter(|(_, count)| *count > 0).collect();
    let mut x = rect.right().saturating_sub(FIELD * shown.len() as u16);
    for (mark, count) in shown {
        let style = canvas.theme.mark(mark);
        let glyph = mark.glyph(canvas.signs());
        let plain = canvas.style(Role::Foreground);
        canvas
            .pen(Rect { x, width: FIELD, ..rect })
            .put(glyph, style)
            .put(" ", plain)
            .put(&text::count(count as u64), plain);
        x += FIELD;
    }
}

/// The mark of the selection at a column, and the row in bold; none: the row is not selected.
fn select(canvas: &mut Canvas<'_>, rect: Rect, column: Option<u16>) {
    let Some(column) = column else { return };
    canvas.tint(rect, canvas.style(Role::Selection).add_modifier(Modifier::BOLD));
    let bar = canvas.signs().bar;
    canvas.put(indented(rect, column), bar, Style::new());
}

/// Starts `by` columns further right.
const fn indented(rect: Rect, by: u16) -> Rect {
    let by = if by < rect.width { by } else { rect.width };
    Rect { x: rect.x + by, width: rect.width - by, ..rect }
}
