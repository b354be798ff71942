//! The scripted agent's terminal: raw mode, a line to type in, plain text that scrolls, program status by OSC 7501.
//!
//! Invariant: the terminal is as it was when the value is dropped, and the status is cleared.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read,
};
use crossterm::{execute, terminal};

/// What the program tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status<'a> {
    Idle,
    Working(&'a str),
    Asking(&'a str),
    Done,
}

/// What a person did at the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    Message(String),
    Leave,
}

/// The turn was ended by Esc or Ctrl-C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interrupted;

#[derive(Debug)]
pub(super) struct Terminal {
    out: io::Stdout,
    /// What was typed while the agent was at work: the next prompt reads it first.
    ahead: VecDeque<Event>,
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

impl Terminal {
    pub fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let mut out = io::stdout();
        execute!(out, EnableBracketedPaste)?;
        Ok(Self { out, ahead: VecDeque::new() })
    }

    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.lines("", text)
    }

    pub fn strong(&mut self, text: &str) -> io::Result<()> {
        self.lines(BOLD, text)
    }

    pub fn faint(&mut self, text: &str) -> io::Result<()> {
        self.lines(DIM, text)
    }

    /// Reports by OSC 7501, asked or not: a terminal that does not know it shows nothing.
    pub fn report(&mut self, status: Status<'_>) -> io::Result<()> {
        let (state, message) = match status {
            Status::Idle => ("idle", None),
            Status::Working(what) => ("working", Some(what)),
            Status::Asking(question) => ("blocked:kind=question", Some(question)),
            Status::Done => ("done", None),
        };
        let message = message.map(|text| format!(":msg={}", STANDARD.encode(text.lines().next().unwrap_or_default())));
        write!(self.out, "\x1b]7501;state={state}:app=orchestra-demo{}\x1b\\", message.unwrap_or_default())?;
        self.out.flush()
    }

    /// The next message. Ctrl-D at an empty line, Ctrl-C twice and `/exit` leave.
    pub fn prompt(&mut self) -> io::Result<Typed> {
        let mut line = String::new();
        let mut leaving = false;
        loop {
            self.draw(&line, leaving)?;
            let event = self.ahead.pop_front().map_or_else(read, Ok)?;
            let again = std::mem::take(&mut leaving);
            match event {
                Event::Paste(text) => line.push_str(&text.replace("\r\n", "\n").replace('\r', "\n")),
                Event::Key(key) if key.kind != KeyEventKind::Release => match (key.code, control(key)) {
                    (KeyCode::Char('c'), true) if again => return Ok(Typed::Leave),
                    (KeyCode::Char('c'), true) => {
                        line.clear();
                        leaving = true;
                    }
                    (KeyCode::Char('d'), true) if line.is_empty() => return Ok(Typed::Leave),
                    (KeyCode::Char('j'), true) => line.push('\n'),
                    (KeyCode::Char('u'), true) | (KeyCode::Esc, _) => line.clear(),
                    (KeyCode::Char(c), false) => line.push(c),
                    (KeyCode::Backspace, _) => _ = line.pop(),
                    (KeyCode::Enter, _) if line.trim() == "/exit" => return Ok(Typed::Leave),
                    (KeyCode::Enter, _) if !line.trim().is_empty() => {
                        write!(self.out, "\r\x1b[K")?;
                        return Ok(Typed::Message(line));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// The option, from 0, that a digit chooses of `count`; Enter is the first.
    pub fn choose(&mut self, count: usize) -> io::Result<Result<usize, Interrupted>> {
        loop {
            let key = match read()? {
                Event::Key(key) => key,
                event => {
                    self.ahead.push_back(event);
                    continue;
                }
            };
            match key.code {
                _ if ends_turn(key) => return Ok(Err(Interrupted)),
                KeyCode::Enter => return Ok(Ok(0)),
                KeyCode::Char(c) => {
                    let digit = c.to_digit(10).map_or(0, |digit| digit as usize);
                    if (1..=count).contains(&digit) {
                        return Ok(Ok(digit - 1));
                    }
                }
                _ => {}
            }
        }
    }

    /// Lets `time` pass, reading the keys meanwhile.
    pub fn pause(&mut self, time: Duration) -> io::Result<Result<(), Interrupted>> {
        let end = std::time::Instant::now() + time;
        // A poll of no time at all does not look at the terminal.
        while poll(end.saturating_duration_since(std::time::Instant::now()).max(Duration::from_micros(100)))? {
            match read()? {
                Event::Key(key) if ends_turn(key) => return Ok(Err(Interrupted)),
                event => self.ahead.push_back(event),
            }
        }
        Ok(Ok(()))
    }

    fn lines(&mut self, style: &str, text: &str) -> io::Result<()> {
        for line in text.lines() {
            write!(self.out, "{style}{line}{PLAIN}\r\n")?;
        }
        self.out.flush()
    }

    /// The line that is typed: its end, when it is longer than the terminal is wide, or its size when it has breaks.
    fn draw(&mut self, line: &str, leaving: bool) -> io::Result<()> {
        let width = usize::from(terminal::size().map_or(80, |(cols, _)| cols)).saturating_sub(4).max(8);
        let breaks = line.matches('\n').count();
        let shown = if breaks > 0 {
            format!("[{} lines]", breaks + 1)
        } else {
            let skipped = line.chars().count().saturating_sub(width);
            line.chars().skip(skipped).collect()
        };
        let note = if leaving { format!("{DIM}Ctrl-C again leaves{PLAIN}") } else { String::new() };
        write!(self.out, "\r\x1b[K{BOLD}>{PLAIN} {shown}{note}")?;
        self.out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The last act of the program: nobody is left to be told of an error.
        _ = write!(self.out, "\r\x1b[K\x1b]7501;state=clear\x1b\\");
        _ = execute!(self.out, DisableBracketedPaste);
        _ = terminal::disable_raw_mode();
    }
}

const fn control(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL)
}

fn ends_turn(key: KeyEvent) -> bool {
    key.code == KeyCode::Esc || (key.code == KeyCode::Char('c') && control(key))
}
