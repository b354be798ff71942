//! Keys, pastes and focus as bytes for a program.

use crossterm::event::KeyEvent;

use super::modes::Modes;

/// The bytes of a key event; empty when the event has no meaning in these modes (a release, a lone modifier).
pub fn encode_key(_event: KeyEvent, _modes: &Modes) -> Vec<u8> {
    Vec::new()
}

/// The bytes of a paste.
pub fn encode_paste(text: &str, _modes: &Modes) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// The bytes of focus gained or lost; empty unless the program asked (1004).
pub fn encode_focus(_gained: bool, _modes: &Modes) -> Vec<u8> {
    Vec::new()
}
