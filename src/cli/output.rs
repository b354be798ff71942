//! What the command line prints: text for people, one JSON object for programs.
//!
//! Invariants: standard output carries the result and nothing else; colors only where a person looks, and never with
//! `NO_COLOR`; what comes from a repository cannot write escape sequences.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use crate::model::{Failure, Glyphs};
use crate::ui::glyph::{Mark, Signs};
use crate::ui::text;
use crate::ui::theme::Role;

/// Columns where nobody tells: every output fits them.
const COLUMNS: usize = 80;

/// Where and how a verb prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub json: bool,
    pub signs: &'static Signs,
    /// Columns of a line.
    pub width: usize,
    colors: bool,
}

impl Output {
    /// As this process's standard output and environment have it.
    pub fn of_process(json: bool) -> Self {
        let var = |name| std::env::var(name).unwrap_or_default();
        let terminal = io::stdout().is_terminal();
        let colors = terminal && var("NO_COLOR").is_empty() && var("TERM") != "dumb";
        let size = terminal.then(|| crossterm::terminal::size().ok()).flatten();
        let width = size.map_or(COLUMNS, |(cols, _)| usize::from(cols)).clamp(40, 120);
        Self { json, signs: Signs::of(glyphs()), width, colors }
    }

    /// The object with `--json`, else the text, which ends with no line break.
    pub fn result(&self, value: &Value, human: impl FnOnce() -> String) {
        if self.json {
            return object(value);
        }
        let text = human();
        if !text.is_empty() {
            say(text.trim_end_matches('\n'));
        }
    }

    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let Failure { kind, message, hint } = failure;
            return object(&json!({"error": {"code": kind, "message": message, "hint": hint}}));
        }
        note(&format!("{} {failure}", Mark::Bad.glyph(self.signs)));
    }

    /// The text in the color of a role.
    pub fn paint(&self, role: Role, text: &str) -> String {
        let code = match role {
            _ if !self.colors || text.is_empty() => return text.to_owned(),
            Role::Foreground | Role::Selection => return text.to_owned(),
            Role::Dim | Role::Rule => "2",
            Role::Accent => "36",
            Role::Attention => "33",
            Role::Good => "32",
            Role::Bad => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A line of a file: on a terminal it cannot write escape sequences, in a pipe it is left as it is.
    pub fn shown(&self, role: Role, line: &str) -> String {
        if !io::stdout().is_terminal() {
            return line.to_owned();
        }
        let line = line.replace('\t', "    ");
        self.paint(role, &self.clean(&line))
    }

    /// One line of somebody else's text: what does not print becomes visible.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        text::clean(text, self.signs)
    }

    /// A label and what it says, wrapped beside it.
    pub fn fact(&self, label: &str, fact: &str) -> String {
        const LABEL: usize = 14;
        let fact = self.clean(fact);
        // A path in two lines cannot be copied.
        let is_word = !fact.contains(' ');
        let lines = if is_word { vec![&*fact] } else { text::wrap(&fact, self.width.saturating_sub(LABEL)) };
        let mut shown = String::new();
        for (at, line) in lines.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            shown.push_str(format!("{}{line}", self.paint(Role::Dim, &pad(label, LABEL))).trim_end());
            shown.push('\n');
        }
        shown
    }
}

/// A line for the person; a reader that has gone away is no error.
pub(super) fn say(line: &str) {
    let _ = print(line);
}

/// The same for output that goes on: an error says that nobody reads it any more.
pub(super) fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

/// The one object of `--json`.
pub(super) fn object(value: &Value) {
    say(&value.to_string());
}

/// A line beside the result: for the person, whatever reads the result.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Fills up to a number of columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text::width(text))))
}

/// The same with the text at the right.
pub(super) fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(text::width(text))))
}

/// By the locale, as the screen has it.
fn glyphs() -> Glyphs {
    let var = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let locale = var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG"));
    if locale.is_none_or(|locale| is_utf8(&locale)) { Glyphs::Unicode } else { Glyphs::Ascii }
}

/// Whether a locale's name has the character set that all marks are in.
pub(super) fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_uppercase();
    locale.contains("UTF-8") || locale.contains("UTF8")
}
