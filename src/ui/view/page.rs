//! Pages of text: the spec and the log.

use jiff::Timestamp;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::NoticeKind;
use crate::ui::glyph::Mark;
use crate::ui::model::{Model, Said, Tab};
use crate::ui::row::Subject;
use crate::ui::text;
use crate::ui::theme::Role;

use super::canvas::Canvas;
use super::{Scene, empty};

/// Columns of a line of the log that its text does not get: the time and the mark of an error.
const LOG_MARGIN: u16 = 16;

/// A row of the spec or the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLine {
    /// When it was said; none on the spec and on a line that goes on.
    at: Option<Timestamp>,
    /// The first row of an error.
    pub begins_error: bool,
    pub text: String,
}

/// All rows of the page that is open, at the width of the main pane; empty on the other tabs.
pub fn lines(model: &Model, width: u16) -> Vec<PageLine> {
    match model.main.tab {
        Tab::Spec => spec_lines(model, width),
        Tab::Log => log_lines(model, width),
        Tab::Terminal | Tab::Shell | Tab::Diff | Tab::Pipeline => Vec::new(),
    }
}

/// The selected task's description.
fn spec_lines(model: &Model, width: u16) -> Vec<PageLine> {
    let subject = model.list.selected.as_ref().and_then(|key| Subject::find(&model.snapshot, key));
    let spec = subject.and_then(|subject| subject.task()).map_or("", |task| task.task.description.trim_end());
    let rows = spec.lines().flat_map(|line| text::wrap(line, width.into()));
    rows.map(|row| PageLine { at: None, begins_error: false, text: row.to_owned() }).collect()
}

/// All that was said, newest first.
fn log_lines(model: &Model, width: u16) -> Vec<PageLine> {
    let room = usize::from(width.saturating_sub(LOG_MARGIN)).max(8);
    let rows = |said: &Said| {
        let rows = said.text.lines().flat_map(|line| text::wrap(line, room)).enumerate();
        let row = |(index, text): (usize, &str)| PageLine {
            at: (index == 0).then_some(said.at),
            begins_error: index == 0 && said.kind == NoticeKind::Error,
            text: text.to_owned(),
        };
        rows.map(row).collect::<Vec<_>>()
    };
    model.messages.log.iter().rev().flat_map(rows).collect()
}

/// Draws the spec, from the model's first line on.
pub fn draw_spec(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let lines = spec_lines(scene.model, area.width);
    if lines.is_empty() {
        return empty::draw(canvas, area, &(scene.spell)("No spec yet.\n$spec writes it in your editor."));
    }
    let style = canvas.style(Role::Foreground);
    for (line, row) in lines.iter().skip(scene.model.main.offset).zip(rows(area)) {
        canvas.pen(row).put_code(&line.text, style);
    }
}

/// Draws the log.
pub fn draw_log(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let model = scene.model;
    let lines = log_lines(model, area.width);
    if lines.is_empty() {
        return empty::draw(canvas, area, "No messages yet.\nWhat happens is kept here.");
    }
    let (dim, plain) = (canvas.style(Role::Dim), canvas.style(Role::Foreground));
    let (bad, signs) = (canvas.theme.mark(Mark::Bad), canvas.signs());
    for (line, row) in lines.iter().skip(model.main.offset).zip(rows(area)) {
        let mut pen = canvas.pen(row);
        match line.at {
            Some(at) => pen.put(&text::moment(at, model.now, scene.zone), dim).put("  ", plain),
            None => pen.advance(10),
        };
        if line.begins_error {
            pen.put(Mark::Bad.glyph(signs), bad).put(" ", plain);
        }
        pen.put(&line.text, plain);
    }
}

fn rows(area: Rect) -> impl Iterator<Item = Rect> {
    (area.y..area.bottom()).map(move |y| Rect { y, height: 1, ..area })
}

/// Writes a paragraph over as many rows as it needs, the area at most; the rows used.
pub fn draw_paragraph(canvas: &mut Canvas<'_>, area: Rect, paragraph: &str, style: Style) -> u16 {
    let lines = text::wrap(paragraph, area.width.into()).into_iter().zip(rows(area));
    lines.map(|(line, row)| canvas.put(row, line, style)).count() as u16
}
