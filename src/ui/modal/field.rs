//! A text field with the readline keys: one line, or several.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::{CursorMove, DataCursor, TextArea};
use unicode_width::UnicodeWidthStr;

/// Text under a cursor.
#[derive(Debug, Default)]
pub struct Field {
    area: TextArea<'static>,
}

impl Field {
    /// The cursor stands at the end.
    pub fn new(text: &str) -> Self {
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        area.set_hard_tab_indent(false);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self { area }
    }

    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        self.area.lines().iter().all(String::is_empty)
    }

    pub fn set(&mut self, text: &str) {
        *self = Self::new(text);
    }

    /// Pasted text: line breaks are kept, other control characters are not.
    pub fn insert(&mut self, text: &str) {
        let text: String = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
        self.area.insert_str(text.chars().filter(|char| *char == '\n' || !char.is_control()).collect::<String>());
    }

    pub fn break_line(&mut self) {
        self.area.insert_newline();
    }

    /// True: the cursor stands in the first line.
    pub fn at_first_line(&self) -> bool {
        self.area.cursor().0 == 0
    }

    pub fn at_last_line(&self) -> bool {
        self.area.cursor().0 + 1 == self.area.lines().len()
    }

    /// Types or edits; false: the key is none of a text field.
    pub fn edit(&mut self, event: KeyEvent) -> bool {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let area = &mut self.area;
        match (event.code, ctrl, alt) {
            (KeyCode::Char(char), false, false) => area.insert_char(char),
            (KeyCode::Char('a'), true, false) | (KeyCode::Home, ..) => area.move_cursor(CursorMove::Head),
            (KeyCode::Char('e'), true, false) | (KeyCode::End, ..) => area.move_cursor(CursorMove::End),
            (KeyCode::Char('b'), false, true) => area.move_cursor(CursorMove::WordBack),
            (KeyCode::Char('f'), false, true) => area.move_cursor(CursorMove::WordForward),
            (KeyCode::Left, ..) if ctrl || alt => area.move_cursor(CursorMove::WordBack),
            (KeyCode::Right, ..) if ctrl || alt => area.move_cursor(CursorMove::WordForward),
            (KeyCode::Left, ..) | (KeyCode::Char('b'), true, false) => area.move_cursor(CursorMove::Back),
            (KeyCode::Right, ..) | (KeyCode::Char('f'), true, false) => area.move_cursor(CursorMove::Forward),
            (KeyCode::Up, false, false) => area.move_cursor(CursorMove::Up),
            (KeyCode::Down, false, false) => area.move_cursor(CursorMove::Down),
            (KeyCode::Char('u'), true, false) => drop(area.delete_line_by_head()),
            (KeyCode::Char('k'), true, false) => drop(area.delete_line_by_end()),
            (KeyCode::Char('w'), true, false) | (KeyCode::Backspace, _, true) => drop(area.delete_word()),
            (KeyCode::Char('y'), true, false) => drop(area.paste()),
            (KeyCode::Char('d'), false, true) => drop(area.delete_next_word()),
            (KeyCode::Char('d'), true, false) | (KeyCode::Delete, ..) => drop(area.delete_next_char()),
            (KeyCode::Char('h'), true, false) | (KeyCode::Backspace, ..) => drop(area.delete_char()),
            _ => return false,
        }
        true
    }

    /// The text in lines of at most `width` columns, and the cursor's column and row in them.
    pub fn lines(&self, width: usize) -> (Vec<String>, (usize, usize)) {
        let width = width.max(2);
        let DataCursor(at_line, at_char) = self.area.cursor();
        let (mut lines, mut cursor) = (Vec::new(), (0, 0));
        for (index, text) in self.area.lines().iter().enumerate() {
            let mut line = String::new();
            for (n, char) in text.chars().enumerate() {
                let mut bytes = [0; 4];
                if line.width() + char.encode_utf8(&mut bytes).width() > width - 1 {
                    lines.push(std::mem::take(&mut line));
                }
                if (index, n) == (at_line, at_char) {
                    cursor = (line.width(), lines.len());
                }
                line.push(if char.is_control() { '·' } else { char });
            }
            if index == at_line && at_char >= text.chars().count() {
                cursor = (line.width(), lines.len());
            }
            lines.push(line);
        }
        (lines, cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(field: &mut Field, code: KeyCode, mods: KeyModifiers) -> bool {
        field.edit(KeyEvent::new(code, mods))
    }

    #[test]
    fn readline_keys() {
        let mut field = Field::new("one two three");
        let mut ctrl = |char| press(&mut field, KeyCode::Char(char), KeyModifiers::CONTROL);
        ctrl('w');
        ctrl('a');
        ctrl('f');
        ctrl('k');
        ctrl('y');
        assert!(!ctrl('z'));
        assert_eq!(field.text(), "one two ");
        press(&mut field, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "");
    }

    #[test]
    fn pasted_control_characters_are_left_out() {
        let mut field = Field::new("");
        field.insert("a\r\nb\x1b[31m\tc\x07");
        assert_eq!(field.text(), "a\nb[31m    c");
    }

    #[test]
    fn long_lines_wrap_with_the_cursor() {
        let field = Field::new("abcdefgh");
        assert_eq!(field.lines(5), (vec!["abcd".to_owned(), "efgh".to_owned()], (4, 1)));
        assert_eq!(Field::new("日本語").lines(5), (vec!["日本".to_owned(), "語".to_owned()], (2, 1)));
    }
}
