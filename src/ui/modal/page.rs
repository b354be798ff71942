//! A whole text over the panes: an artifact, a log, a prompt that was sent.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::ui::model::Effect;

use super::Step;
use super::panel::{Panel, Place, Row, Tone, lines};

/// Lines of half a page.
const HALF: isize = 10;
/// Stand for the height of the overlay.
const PAGE_UP: isize = isize::MIN + 1;
const PAGE_DOWN: isize = isize::MAX - 1;

/// The overlay.
#[derive(Debug)]
pub struct Page {
    title: String,
    /// None: it is being read.
    text: Option<Result<Vec<String>, String>>,
    /// Where it was read from; none: it is no file.
    file: Option<PathBuf>,
    /// First row on the screen; beyond the last page it stands for that.
    at: At,
    /// A log is read from its end.
    from_end: bool,
}

/// A row of the text as it is wrapped: a line, and which of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct At {
    line: usize,
    row: usize,
}

impl Page {
    /// A text that is known already.
    pub fn of_text(title: String, text: &str) -> Self {
        let text = Some(Ok(split(text)));
        Self { title, text, file: None, at: At::default(), from_end: false }
    }

    /// A file that is being read.
    pub fn of_file(title: String, from_end: bool) -> Self {
        Self { title, text: None, file: None, at: At::default(), from_end }
    }

    /// What was read of the file, or why nothing was.
    pub fn fill(&mut self, file: PathBuf, text: Result<String, String>) {
        let text = text.map(|text| split(&text));
        if self.from_end {
            self.at = At { line: text.as_ref().map_or(0, Vec::len), row: 0 };
        }
        (self.file, self.text) = (Some(file), Some(text));
    }

    /// Keys move it from where it is on the screen: `width` columns by `height` rows.
    pub fn key(&mut self, event: KeyEvent, (width, height): (u16, u16)) -> Step {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let by = match event.code {
            KeyCode::Enter => return Step::close(),
            KeyCode::Char('e') if !ctrl => {
                let open = |path| vec![Effect::OpenEditor { path, line: None }];
                return Step::Stay(self.file.clone().map_or_else(Vec::new, open));
            }
            KeyCode::Up | KeyCode::Char('k') => -1,
            KeyCode::Down | KeyCode::Char('j') => 1,
            KeyCode::PageUp => PAGE_UP,
            KeyCode::PageDown | KeyCode::Char(' ') => PAGE_DOWN,
            KeyCode::Char('u') if ctrl => -HALF,
            KeyCode::Char('d') if ctrl => HALF,
            KeyCode::Home | KeyCode::Char('g') => isize::MIN,
            KeyCode::End | KeyCode::Char('G') => isize::MAX,
            _ => 0,
        };
        let page = isize::from(height.cast_signed()) - 1;
        let Some(Ok(text)) = &self.text else { return Step::stay() };
        let at = self.first(text, (width, height));
        self.at = match by {
            isize::MIN => At::default(),
            isize::MAX => At { line: text.len(), row: 0 },
            PAGE_UP => moved(text, at, -page, width),
            PAGE_DOWN => moved(text, at, page, width),
            by => moved(text, at, by, width),
        };
        self.at = self.first(text, (width, height));
        Step::stay()
    }

    /// The first row on the screen: the last page is full.
    fn first(&self, text: &[String], (width, height): (u16, u16)) -> At {
        let mut left = usize::from(height);
        for (line, words) in text.iter().enumerate().rev() {
            let rows = lines(words, width).len();
            if rows >= left {
                return self.at.min(At { line, row: rows - left });
            }
            left -= rows;
        }
        At::default()
    }

    /// Only the lines that are on the screen are wrapped, however long the text is.
    pub fn panel(&self, width: u16, height: u16) -> Panel {
        let edit = if self.file.is_some() && matches!(self.text, Some(Ok(_))) { "   e editor" } else { "" };
        let mut panel = Panel::new(self.title.clone(), format!("↑ ↓   g G{edit}   Esc close"));
        panel.place = Place::Cover;
        match &self.text {
            None => panel.push(Row::new(Tone::Dim, "...")),
            Some(Err(why)) => panel.say(Tone::Dim, why, width),
            Some(Ok(text)) => {
                let At { line, row } = self.first(text, (width, height));
                let rows = text[line..].iter().flat_map(|line| lines(line, width)).skip(row).take(height.into());
                panel.rows.extend(rows.map(Row::from));
                panel.note = format!("line {} of {}", line + 1, text.len());
            }
        }
        panel.rows.resize(height.into(), Row::default());
        panel
    }
}

/// So many rows further down, or up. Only the lines in between are wrapped.
fn moved(text: &[String], mut at: At, by: isize, width: u16) -> At {
    let rows = |line: usize| text.get(line).map_or(1, |line| lines(line, width).len());
    let mut left = by.unsigned_abs();
    while left > 0 && (by > 0 && at.line < text.len() || by < 0 && at > At::default()) {
        if by > 0 {
            let here = (rows(at.line) - at.row.min(rows(at.line) - 1)).min(left);
            at.row += here;
            if at.row >= rows(at.line) {
                at = At { line: at.line + 1, row: 0 };
            }
            left -= here;
        } else if at.row > 0 {
            let here = at.row.min(left);
            at.row -= here;
            left -= here;
        } else {
            at = At { line: at.line - 1, row: rows(at.line - 1) - 1 };
            left -= 1;
        }
    }
    at
}

fn split(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return vec!["It is empty.".to_owned()];
    }
    text.trim_end().lines().map(|line| line.replace('\t', "    ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_line_that_is_longer_than_the_page_is_reached() {
        let words: Vec<String> = (1..=9).map(|number| format!("word-{number}")).collect();
        let mut page = Page::of_text("log".to_owned(), &format!("first\n{}", words.join(" ")));
        let mut shown = |key: KeyCode| {
            page.key(KeyEvent::new(key, KeyModifiers::NONE), (8, 3));
            let panel = page.panel(8, 3);
            let rows: Vec<_> = panel.rows.into_iter().filter_map(|row| Some(row.0.into_iter().next()?.1)).collect();
            (rows.join(" "), panel.note)
        };
        let at = |rows: &str, note: &str| (rows.to_owned(), note.to_owned());
        assert_eq!(shown(KeyCode::End), at("word-7 word-8 word-9", "line 2 of 2"));
        assert_eq!(shown(KeyCode::Down), at("word-7 word-8 word-9", "line 2 of 2"));
        assert_eq!(shown(KeyCode::Up), at("word-6 word-7 word-8", "line 2 of 2"));
        assert_eq!(shown(KeyCode::PageUp), at("word-4 word-5 word-6", "line 2 of 2"));
        assert_eq!(shown(KeyCode::Home), at("first word-1 word-2", "line 1 of 2"));
        assert_eq!(shown(KeyCode::PageDown), at("word-2 word-3 word-4", "line 2 of 2"));
    }
}
