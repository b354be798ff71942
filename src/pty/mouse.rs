//! Mouse events as bytes for a program.

use crossterm::event::MouseEvent;

use super::modes::Modes;

/// The bytes of a mouse event whose position is relative to the pane, zero-based. Empty when the program did not ask for
/// such an event: then it belongs to the UI.
pub fn encode_mouse(_event: MouseEvent, _modes: &Modes) -> Vec<u8> {
    Vec::new()
}
