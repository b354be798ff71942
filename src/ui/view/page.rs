//! Pages of text: the spec and the log.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::NoticeKind;
use crate::ui::glyph::Mark;
use crate::ui::row::Subject;
use crate::ui::text;
use crate::ui::theme::Role;

use super::canvas::Canvas;
use super::{Scene, empty};

/// The selected task's description, from the model's first line on.
pub fn draw_spec(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let model = scene.model;
    let subject = model.list.selected.as_ref().and_then(|key| Subject::find(&model.snapshot, key));
    let spec = subject.and_then(|subject| subject.task()).map(|task| task.task.description.as_str());
    let spec = spec.filter(|spec| !spec.trim().is_empty());
    let Some(spec) = spec else {
        return empty::draw(canvas, area, &(scene.spell)("No spec yet.\n$spec writes it in your editor."));
    };
    let style = canvas.style(Role::Foreground);
    let lines = spec.lines().flat_map(|line| text::wrap(line, area.width.into()));
    let rows = (area.y..area.bottom()).map(|y| Rect { y, height: 1, ..area });
    for (line, row) in lines.skip(model.main.offset).zip(rows) {
        canvas.pen(row).put_code(line, style);
    }
}

/// All messages, newest first.
pub fn draw_log(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let model = scene.model;
    if model.snapshot.notices.is_empty() {
        return empty::draw(canvas, area, "No messages yet.\nWhat happens is kept here.");
    }
    let notices = model.snapshot.notices.iter().rev().skip(model.main.offset);
    for (notice, y) in notices.zip(area.y..area.bottom()) {
        let row = Rect { y, height: 1, ..area };
        let (dim, plain) = (canvas.style(Role::Dim), canvas.style(Role::Foreground));
        let bad = canvas.theme.mark(Mark::Bad);
        let signs = canvas.signs();
        let mut pen = canvas.pen(row);
        pen.put(&text::moment(notice.at, model.now, scene.zone), dim).put("  ", plain);
        if notice.kind == NoticeKind::Error {
            pen.put(Mark::Bad.glyph(signs), bad).put(" ", plain);
        }
        let room = pen.room();
        pen.put(&text::cut(&notice.text, room, signs), plain);
    }
}

/// Writes a paragraph over as many rows as it needs, the area at most; the rows used.
pub fn draw_paragraph(canvas: &mut Canvas<'_>, area: Rect, paragraph: &str, style: Style) -> u16 {
    let rows = (area.y..area.bottom()).map(|y| Rect { y, height: 1, ..area });
    let lines = text::wrap(paragraph, area.width.into()).into_iter().zip(rows);
    lines.map(|(line, row)| canvas.put(row, line, style)).count() as u16
}
