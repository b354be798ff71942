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
    /// First line on the screen.
    offset: usize,
    /// A log is read from its end.
    from_end: bool,
}

impl Page {
    /// A text that is known already.
    pub fn of_text(title: String, text: &str) -> Self {
        let text = Some(Ok(split(text)));
        Self { title, text, file: None, offset: 0, from_end: false }
    }

    /// A file that is being read.
    pub const fn of_file(title: String, from_end: bool) -> Self {
        Self { title, text: None, file: None, offset: 0, from_end }
    }

    /// What was read of the file, or why nothing was.
    pub fn fill(&mut self, file: PathBuf, text: Result<String, String>) {
        let text = text.map(|text| split(&text));
        if self.from_end {
            self.offset = text.as_ref().map_or(0, Vec::len);
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
        let by = match by {
            PAGE_UP => -page,
            PAGE_DOWN => page,
            by => by,
        };
        self.offset = self.first(width, height).saturating_add_signed(by);
        self.offset = self.first(width, height);
        Step::stay()
    }

    /// The first line on the screen: the last page is full.
    fn first(&self, width: u16, height: u16) -> usize {
        let Some(Ok(text)) = &self.text else { return 0 };
        let mut used = 0;
        let fits = |line: &&String| {
            used += lines(line, width).len();
            used <= height.into()
        };
        let last_page = text.iter().rev().take_while(fits).count();
        self.offset.min(text.len() - last_page)
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
                let first = self.first(width, height);
                let rows = text[first..].iter().flat_map(|line| lines(line, width)).take(height.into());
                panel.rows.extend(rows.map(Row::from));
                panel.note = format!("line {} of {}", first + 1, text.len());
            }
        }
        panel.rows.resize(height.into(), Row::default());
        panel
    }
}

fn split(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return vec!["It is empty.".to_owned()];
    }
    text.trim_end().lines().map(|line| line.replace('\t', "    ")).collect()
}
