//! What a program printed, as plain text: for logs, gates and plain agents.

use std::path::Path;

use super::history::{Frame, Reader};
use super::place::Place;
use super::screen::Screen;
use super::scrollback::Scrollback;
use crate::model::Size;

/// The last `lines` lines of a run's output, from its folder: those that left its screen, then its screen. Lines that
/// were wrapped are one again; escape sequences are gone.
pub fn transcript(dir: &Path, lines: usize) -> String {
    let history = Place::new(dir).history();
    let mut screen = Screen::new(Size::default());
    for frame in Reader::open(&history, 0) {
        match frame {
            Frame::Bytes { bytes, .. } => drop(screen.feed(&bytes)),
            Frame::Resize { size, .. } => screen.set_size(size),
        }
    }
    let above = Scrollback::build(Reader::open(&history, 0), screen.size().cols, lines);
    let mut text = String::new();
    for line in (0..above.len()).filter_map(|row| above.row(row)) {
        text.push_str(&line.text);
        if !line.wrapped {
            text.push('\n');
        }
    }
    text.push_str(&screen.lines().join("\n"));
    text.truncate(text.trim_end().len());
    text
}
