//! The foot of the screen: message line, strip of the demo, hints and counts.
//!
//! Hints drop from the right, but those that stay; counts get three tenths of the width and drop last-named first.

use ratatui::layout::Rect;

use crate::ui::glyph::{Mark, Signs};
use crate::ui::model::{Message, Model};
use crate::ui::row;
use crate::ui::text;
use crate::ui::theme::Role;

use super::canvas::Canvas;
use super::layout::{Areas, Class, inset};
use super::{FooterItem, Scene};

/// Columns that the keys beside an error take, whichever they are bound to.
const ERROR_KEYS: usize = 24;
/// Columns between two hints.
const BETWEEN: usize = 2;

pub fn draw(canvas: &mut Canvas<'_>, areas: &Areas, scene: &Scene<'_>) {
    match scene.model.messages.errors.as_slice() {
        [first, more @ ..] => draw_error(canvas, areas.message, scene, (first, more.len())),
        [] => draw_news(canvas, areas.message, scene),
    }
    if let (Some(area), Some(strip)) = (areas.strip, &scene.model.strip) {
        let signs = canvas.signs();
        let style = canvas.style(Role::Accent);
        canvas.put(inset(area), &text::cut(strip, inset(area).width.into(), signs), style);
    }
    draw_footer(canvas, areas, scene);
}

/// The command of the hint under column `x`.
pub fn command_at(scene: &Scene<'_>, areas: &Areas, x: u16) -> Option<&'static str> {
    let (shown, _) = fitting(scene, areas);
    let mut start = areas.footer.x + 1;
    for item in shown {
        let end = start + width(item) as u16;
        if (start..end).contains(&x) {
            return Some(item.command);
        }
        start = end + BETWEEN as u16;
    }
    None
}

/// Rows of the message line: two for an error that is too long for one.
pub fn error_rows(model: &Model, cols: u16) -> u16 {
    let first = model.messages.errors.first();
    let is_long = first.is_some_and(|error| text::width(&error.text) + 4 + ERROR_KEYS > cols.into());
    if is_long { 2 } else { 1 }
}

fn draw_news(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let Some(news) = &scene.model.messages.news else { return };
    let area = inset(area);
    let elsewhere = news.about.as_ref().filter(|about| scene.model.list.selected.as_ref() != Some(*about));
    let leads = elsewhere.is_some_and(|about| row::needing(&scene.model.snapshot).contains(about));
    let hint = if leads { (scene.spell)("   $needy goes there") } else { String::new() };
    let signs = canvas.signs();
    let width = usize::from(area.width);
    // The message comes first: on a narrow screen the key gives way.
    let hint = if width < 2 * text::width(&hint) { String::new() } else { hint };
    let room = width - text::width(&hint);
    let (plain, dim) = (canvas.style(Role::Foreground), canvas.style(Role::Dim));
    canvas.pen(area).put(&text::cut(&news.text, room, signs), plain).put(&hint, dim);
}

fn draw_error(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, (error, more): (&Message, usize)) {
    let area = inset(area);
    let keys = (scene.spell)("$explain details  $escape ok");
    let queue = if more > 0 { format!("({more} more)") } else { String::new() };
    let (bad, plain, dim) = (canvas.theme.mark(Mark::Bad), canvas.style(Role::Foreground), canvas.style(Role::Dim));
    let signs = canvas.signs();
    let body = Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area };
    let last = Rect { y: area.bottom().saturating_sub(1), height: 1, ..body };
    let room = usize::from(body.width);
    canvas.put(area, Mark::Bad.glyph(signs), bad);
    let aside = |text: &str| if text.is_empty() { 0 } else { text::width(text) + 2 };
    if area.height < 2 {
        let both =
            [queue.as_str(), keys.as_str()].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("  ");
        // The message comes first: on a narrow screen the keys give way.
        let both = if room < 2 * aside(&both) { queue } else { both };
        canvas.put(body, &text::cut(&error.text, room - aside(&both), signs), plain);
        return canvas.put_right(last, &both, dim);
    }
    let (first, second) = halves(&error.text, room.saturating_sub(aside(&queue)));
    canvas.put(body, first, plain);
    canvas.put_right(Rect { height: 1, ..body }, &queue, dim);
    canvas.put(last, &text::cut(second, room.saturating_sub(aside(&keys)), signs), plain);
    canvas.put_right(last, &keys, dim);
}

/// Breaks an error after its first sentence, or where the row ends.
fn halves(error: &str, room: usize) -> (&str, &str) {
    let sentence = error.find(". ").map(|at| at + 1).filter(|at| text::width(&error[..*at]) <= room);
    let at = sentence.unwrap_or_else(|| text::wrap(error, room)[0].len());
    (&error[..at], error[at..].trim_start())
}

fn draw_footer(canvas: &mut Canvas<'_>, areas: &Areas, scene: &Scene<'_>) {
    let (items, counts) = fitting(scene, areas);
    let (plain, dim) = (canvas.style(Role::Foreground), canvas.style(Role::Dim));
    let area = inset(areas.footer);
    let mut pen = canvas.pen(area);
    for item in items {
        pen.put(&item.key, plain).put(" ", plain).put(&item.label, dim).advance(BETWEEN);
    }
    canvas.put_right(area, &counts, plain);
}

/// The hints and the counts that fit.
fn fitting<'a>(scene: &Scene<'a>, areas: &Areas) -> (Vec<&'a FooterItem>, String) {
    let room = usize::from(inset(areas.footer).width);
    // Below 50 columns the title of the list has the count that matters.
    let counts = if areas.class == Class::Single { String::new() } else { counts(scene, room * 3 / 10) };
    let counts_room = if counts.is_empty() { 0 } else { text::width(&counts) + BETWEEN };
    let mut items: Vec<_> = scene.footer.iter().collect();
    let wide = |items: &[&FooterItem]| items.iter().map(|item| width(item) + BETWEEN).sum::<usize>();
    while wide(&items) > room + BETWEEN - counts_room {
        match items.iter().rposition(|item| !item.stays) {
            Some(at) => items.remove(at),
            None => break,
        };
    }
    if wide(&items) > room + BETWEEN - counts_room { (items, String::new()) } else { (items, counts) }
}

fn width(item: &FooterItem) -> usize {
    text::width(&item.key) + 1 + text::width(&item.label)
}

fn counts(scene: &Scene<'_>, room: usize) -> String {
    let counts = row::total(&scene.model.snapshot);
    let signs: &Signs = scene.theme.signs;
    let named = [
        (counts.need, if counts.need == 1 { "needs you" } else { "need you" }),
        (counts.ready, "ready"),
        (counts.running, "running"),
    ];
    let mut parts: Vec<String> =
        named.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    loop {
        let joined = parts.join(&format!(" {} ", signs.dot));
        if text::width(&joined) <= room || parts.pop().is_none() {
            return joined;
        }
    }
}
