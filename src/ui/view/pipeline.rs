//! The pipeline tab: stages with their iterations, and at the foot the output of what is at work.
//!
//! What does not fit into a row goes in this order: when it began, the end of its text, the text. Names and words stay.

use ratatui::layout::Rect;

use crate::ui::pipeline::{self, Line};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::update;

use super::Scene;
use super::canvas::Canvas;
use super::layout::inset;

/// Columns before an iteration's number, and before what it left.
const ITERATION: u16 = 4;
const TRACE: u16 = 9;
/// Columns of an iteration's number.
const NUMBER: usize = 3;
/// Columns of a word, at least: the words stand below one another.
const WORD: usize = 13;
/// Columns of a name, at most.
const NAME: usize = 16;
/// Columns that show when an iteration began.
const MOMENT: usize = 10;
/// Below so many columns nothing tells when it began.
const ROOMY: u16 = 64;
/// Rows of output that are shown.
const OUTPUT: u16 = 12;

/// Draws the lines around the marked one.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let Some((project, task, spots, marked)) = update::pipeline::spots(scene.model) else { return };
    let signs = canvas.signs();
    let job = pipeline::job(task, scene.model.now, signs);
    let foot = if job.is_some() { (area.height / 2).min(OUTPUT) } else { 0 };
    let (above, below) =
        (Rect { height: area.height - foot, ..area }, Rect { y: area.bottom() - foot, height: foot, ..area });
    let height = usize::from(above.height);
    let first = (marked + 1 + height / 3).min(spots.len()).saturating_sub(height).min(marked);
    let names = task.task.flow.stages.iter().map(|stage| text::width(&stage.name)).max().unwrap_or(0).min(NAME);
    for (index, spot) in spots.into_iter().enumerate().skip(first).take(height) {
        let row = Rect { y: above.y + (index - first) as u16, height: 1, ..above };
        let line = pipeline::line(project, task, spot, (scene.model.now, signs));
        draw_line(canvas, inset(row), &line, (names, scene));
        if index == marked {
            canvas.tint(row, canvas.style(Role::Selection));
            canvas.put(row, signs.bar, canvas.style(Role::Accent));
        }
    }
    if let Some(title) = job {
        draw_job(canvas, below, &title, scene);
    }
}

fn draw_line(canvas: &mut Canvas<'_>, row: Rect, line: &Line, (names, scene): (usize, &Scene<'_>)) {
    let signs = canvas.signs();
    let (plain, dim) = (canvas.style(Role::Foreground), canvas.style(Role::Dim));
    let (indent, head) = match (line.mark, line.spot.trace) {
        (Some(_), _) => (2, names + 2),
        (None, Some(_)) if line.spot.iteration.is_none() => (2, WORD),
        (None, None) => (ITERATION, NUMBER),
        (None, Some(_)) => (TRACE, WORD),
    };
    if let Some(mark) = line.mark {
        canvas.put(row, mark.glyph(signs), canvas.theme.mark(mark));
    }
    let moment = line.at.filter(|_| row.width >= ROOMY).map_or_else(String::new, |at| {
        let moment = text::moment(at, scene.model.now, scene.zone);
        let room = MOMENT.saturating_sub(text::width(&moment));
        moment + &" ".repeat(room)
    });
    let right = line.elapsed.as_ref().map_or_else(|| moment.clone(), |elapsed| format!("{moment}{elapsed:>7}"));
    let taken = if right.is_empty() { 0 } else { text::width(&right) as u16 + 1 };
    canvas.put_right(row, &right, dim);
    let left = Rect { x: row.x + indent.min(row.width), width: row.width.saturating_sub(indent + taken), ..row };
    let name = text::cut_middle(&line.head, head, signs);
    let word_style = line.mark.map_or(plain, |mark| canvas.theme.word(mark));
    let word = if line.word.is_empty() && line.spot.trace.is_some() {
        String::new()
    } else {
        format!("{:<WORD$}  ", line.word)
    };
    let text_room = usize::from(left.width).saturating_sub(head + text::width(&word));
    let text = text::cut(&line.text, text_room, signs);
    let head_style = if line.mark.is_some() { plain } else { dim };
    let mut pen = canvas.pen(left);
    pen.put(&name, head_style).advance(head - text::width(&name));
    pen.put(&word, word_style).put(&text, dim);
}

/// The end of the output of a gate or a script, below a rule with its name.
fn draw_job(canvas: &mut Canvas<'_>, area: Rect, title: &str, scene: &Scene<'_>) {
    if area.height < 2 {
        return;
    }
    let (signs, rule) = (canvas.signs(), canvas.style(Role::Rule));
    canvas.fill(Rect { height: 1, ..area }, signs.horizontal, rule);
    let room = usize::from(area.width.saturating_sub(4));
    let title = text::cut(title, room, signs);
    let plain = canvas.style(Role::Foreground);
    let at = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    canvas.pen(at).put(" ", plain).put(&title, plain).put(" ", plain);
    let body = inset(Rect { y: area.y + 1, height: area.height - 1, ..area });
    match scene.terminal {
        Some(terminal) => terminal.draw(body, canvas.buf),
        None => canvas.put(body, "...", canvas.style(Role::Dim)),
    }
}
