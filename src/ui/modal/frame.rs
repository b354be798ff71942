//! Draws a panel over the main area: the rest of the screen stays as it was.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use crate::ui::model::Model;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};
use crate::ui::view::layout;

use super::panel::{MAX_WIDTH, Panel, Place, Row, Tone, foot_rows};

/// Draws the modal that is open over the panes; says where the cursor belongs, if it has one.
pub fn draw(model: &Model, theme: &Theme, buf: &mut Buffer) -> Option<Position> {
    draw_in(model, room(model)?.intersection(buf.area), theme, buf)
}

/// Goes through the rows of the modal that is open, by pages of what is on the screen.
pub fn scroll(model: &mut Model, pages: isize) {
    let Some((area, panel)) = room(model).and_then(|area| Some((area, super::panel(model, area.width, area.height)?)))
    else {
        return;
    };
    let rows = usize::from(place(&panel, area).height.saturating_sub(2));
    let page = isize::try_from(rows.saturating_sub(1)).unwrap_or(isize::MAX);
    if let Some(top) = &mut model.modal {
        let (own, now) = (first_row(&panel, rows, 0), first_row(&panel, rows, top.scrolled));
        let to = now.saturating_add_signed(pages * page).min(panel.rows.len().saturating_sub(rows));
        top.scrolled = to.cast_signed() - own.cast_signed();
    }
}

/// What a frame may cover.
fn room(model: &Model) -> Option<Rect> {
    let main = main_area(model, Extent::Main)?;
    let is_foot = super::panel(model, main.width, main.height)?.place == Place::Foot;
    let area = if is_foot { main } else { main_area(model, Extent::All)? };
    // Where the main area is too narrow for a whole frame, the frame covers the list too.
    let narrow = area.width < MAX_WIDTH;
    Some(if narrow { Rect { x: 0, width: model.size.cols, ..area } } else { area })
}

/// The main pane, or all beside the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Main,
    All,
}

fn main_area(model: &Model, extent: Extent) -> Option<Rect> {
    let areas = layout(model);
    let main = areas.main.or(areas.list)?;
    let main = main.title.union(main.inner);
    Some(areas.diff.filter(|_| extent == Extent::All).map_or(main, |diff| main.union(diff.inner)))
}

/// Columns and rows of text in a frame that covers the main area.
pub fn cover(model: &Model) -> (u16, u16) {
    let area = main_area(model, Extent::All).unwrap_or_default();
    let width = if area.width < MAX_WIDTH { model.size.cols } else { area.width };
    (width.saturating_sub(4), area.height.saturating_sub(2))
}

/// Draws the modal that is open into `main`.
pub fn draw_in(model: &Model, main: Rect, theme: &Theme, buf: &mut Buffer) -> Option<Position> {
    let mut panel = super::panel(model, main.width, main.height)?;
    let area = place(&panel, main);
    if area.width < 8 || area.height < 3 {
        return None;
    }
    let top = model.modal.as_ref()?;
    let rows = usize::from(area.height - 2);
    if top.body.scrolls() && panel.rows.len() > rows {
        "PgUp PgDn".clone_into(&mut panel.note);
    }
    let offset = first_row(&panel, rows, top.scrolled);
    let frame = Painter { theme, area };
    frame.border(&panel, buf);
    for at in 0..rows {
        frame.row(panel.rows.get(offset + at), at as u16, buf);
    }
    let (column, row) = panel.cursor?;
    let row = usize::from(row).checked_sub(offset).filter(|row| *row < rows)?;
    Some(Position { x: area.x + 2 + column.min(area.width - 4), y: area.y + 1 + row as u16 })
}

/// The middle of the main area, or its foot; never beyond it.
fn place(panel: &Panel, main: Rect) -> Rect {
    let width = if panel.place == Place::Cover { main.width } else { main.width.min(MAX_WIDTH) };
    let wanted = u16::try_from(panel.rows.len() + 2).unwrap_or(u16::MAX);
    let most = if panel.place == Place::Foot { foot_rows(main.height) } else { main.height };
    let height = wanted.min(most).min(main.height);
    let y = match panel.place {
        Place::Center | Place::Cover => (main.height - height) / 2,
        Place::Foot => main.height - height,
    };
    Rect { x: main.x + (main.width - width) / 2, y: main.y + y, width, height }
}

/// The first row on the screen: as the panel says, with the cursor in sight, until the person goes elsewhere.
fn first_row(panel: &Panel, rows: usize, scrolled: isize) -> usize {
    let last = panel.rows.len().saturating_sub(rows);
    let cursor = panel.cursor.map_or(0, |(_, row)| usize::from(row));
    panel.offset.max((cursor + 1).saturating_sub(rows)).min(last).saturating_add_signed(scrolled).min(last)
}

struct Painter<'a> {
    theme: &'a Theme,
    area: Rect,
}

impl Painter<'_> {
    fn border(&self, panel: &Panel, buf: &mut Buffer) {
        let signs = self.theme.signs;
        let ascii = signs.horizontal == "-";
        let [left_top, right_top, left_foot, right_foot] = if ascii { ["+"; 4] } else { ["┌", "┐", "└", "┘"] };
        let rule = self.theme.style(Role::Rule);
        let (left, right) = (self.area.x, self.area.right() - 1);
        for (y, corners) in [(self.area.y, (left_top, right_top)), (self.area.bottom() - 1, (left_foot, right_foot))] {
            for x in left + 1..right {
                buf[(x, y)].reset();
                buf[(x, y)].set_symbol(signs.horizontal).set_style(rule);
            }
            for (x, corner) in [(left, corners.0), (right, corners.1)] {
                buf[(x, y)].reset();
                buf[(x, y)].set_symbol(corner).set_style(rule);
            }
        }
        let room = usize::from(self.area.width).saturating_sub(6);
        let bold = self.theme.style(Role::Foreground).add_modifier(Modifier::BOLD);
        let title = text::cut(&panel.title, room, signs);
        self.text((left + 2, self.area.y), &format!(" {title} "), bold, buf);
        let note = text::width(&panel.note);
        if note > 0 && text::width(&title) + note + 6 <= room {
            let x = right - 6 - u16::try_from(note).unwrap_or(0);
            self.text((x, self.area.y), &format!(" {} ", panel.note), self.theme.style(Role::Dim), buf);
        }
        let hints = text::cut(&panel.hints, room, signs);
        if !hints.is_empty() {
            let foreground = self.theme.style(Role::Foreground);
            self.text((left + 2, self.area.bottom() - 1), &format!(" {hints} "), foreground, buf);
        }
    }

    fn row(&self, row: Option<&Row>, at: u16, buf: &mut Buffer) {
        let signs = self.theme.signs;
        let (y, left, right) = (self.area.y + 1 + at, self.area.x, self.area.right() - 1);
        for x in left..=right {
            buf[(x, y)].reset();
        }
        for x in [left, right] {
            buf[(x, y)].set_symbol(signs.vertical).set_style(self.theme.style(Role::Rule));
        }
        let mut x = left + 2;
        for (tone, piece) in row.iter().flat_map(|row| &row.0) {
            let room = usize::from(right - 1).saturating_sub(x.into());
            let shown = text::cut(piece, room, signs);
            self.text((x, y), &shown, self.style(*tone), buf);
            x += u16::try_from(text::width(&shown)).unwrap_or(0);
        }
    }

    /// Writes up to the right border; in the ASCII set the signs of titles and hints become their likes.
    fn text(&self, at: (u16, u16), text: &str, style: Style, buf: &mut Buffer) {
        let room = (self.area.right() - 1).saturating_sub(at.0);
        let ascii = self.theme.signs.horizontal == "-";
        let text = if ascii { Cow::Owned(text.chars().map(plain).collect()) } else { Cow::Borrowed(text) };
        buf.set_stringn(at.0, at.1, text, room.into(), style);
    }

    fn style(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => self.theme.style(Role::Foreground),
            Tone::Bold => self.theme.style(Role::Foreground).add_modifier(Modifier::BOLD),
            Tone::Dim => self.theme.style(Role::Dim),
            Tone::Attention => self.theme.style(Role::Attention),
            Tone::Bad => self.theme.style(Role::Bad),
            Tone::Marked => self.theme.style(Role::Selection),
        }
    }
}

/// A sign of the ASCII set that tells the same.
const fn plain(sign: char) -> char {
    match sign {
        '‹' | '←' => '<',
        '›' | '→' | '❯' => '>',
        '↑' => '^',
        '↓' => 'v',
        '−' | '·' => '-',
        other => other,
    }
}
