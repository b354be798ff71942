//! Mouse events as bytes for a program.
//!
//! Source: xterm's ctlseqs, "Mouse Tracking".

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::modes::{Modes, MouseEncoding, MouseMode};

/// Lines that a step of the wheel scrolls a full-screen program without mouse support.
const WHEEL_LINES: usize = 3;
/// Columns and rows that one byte can tell.
const DEFAULT_LIMIT: u16 = 223;
/// Those that a character of two bytes can.
const UTF8_LIMIT: u16 = 2015;

/// The bytes of a mouse event whose position is relative to the pane, zero-based. Empty when the program did not ask for
/// such an event: then it belongs to the UI. A wheel over a full-screen program without mouse support becomes arrow keys.
pub fn encode_mouse(event: MouseEvent, modes: &Modes) -> Vec<u8> {
    if modes.mouse == MouseMode::Off {
        return wheel_as_arrows(event.kind, modes);
    }
    if !is_wanted(event.kind, modes.mouse) {
        return Vec::new();
    }
    let (button, released) = button(event.kind);
    let modifiers = match modes.mouse {
        // X10 knew no modifiers.
        MouseMode::Press => 0,
        _ => modifier_bits(event.modifiers),
    };
    let code = button + modifiers;
    let (col, row) = (event.column + 1, event.row + 1);
    match modes.mouse_encoding {
        MouseEncoding::Sgr => format!("\x1b[<{code};{col};{row}{}", if released { 'm' } else { 'M' }).into_bytes(),
        MouseEncoding::Default => {
            let byte = |value: u16| (value.min(DEFAULT_LIMIT) + 32) as u8;
            let code = if released { 3 + modifiers } else { code };
            vec![0x1b, b'[', b'M', byte(code), byte(col), byte(row)]
        }
        MouseEncoding::Utf8 => {
            let code = if released { 3 + modifiers } else { code };
            let characters = [code, col, row].map(|value| char::from_u32(u32::from(value.min(UTF8_LIMIT)) + 32));
            let mut bytes = b"\x1b[M".to_vec();
            bytes.extend(characters.into_iter().flatten().collect::<String>().into_bytes());
            bytes
        }
    }
}

fn is_wanted(kind: MouseEventKind, mode: MouseMode) -> bool {
    match kind {
        MouseEventKind::Up(_) => mode != MouseMode::Press,
        MouseEventKind::Drag(_) => matches!(mode, MouseMode::ButtonMotion | MouseMode::AnyMotion),
        MouseEventKind::Moved => mode == MouseMode::AnyMotion,
        _ => true,
    }
}

/// The code of the button, and whether this is a release.
fn button(kind: MouseEventKind) -> (u16, bool) {
    const MOTION: u16 = 32;
    let number = |button| match button {
        MouseButton::Left => 0,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    match kind {
        MouseEventKind::Down(button) => (number(button), false),
        MouseEventKind::Up(button) => (number(button), true),
        MouseEventKind::Drag(button) => (number(button) + MOTION, false),
        MouseEventKind::Moved => (3 + MOTION, false),
        MouseEventKind::ScrollUp => (64, false),
        MouseEventKind::ScrollDown => (65, false),
        MouseEventKind::ScrollLeft => (66, false),
        MouseEventKind::ScrollRight => (67, false),
    }
}

fn modifier_bits(modifiers: KeyModifiers) -> u16 {
    [(KeyModifiers::SHIFT, 4), (KeyModifiers::ALT, 8), (KeyModifiers::CONTROL, 16)]
        .into_iter()
        .filter(|(modifier, _)| modifiers.contains(*modifier))
        .map(|(_, bit)| bit)
        .sum()
}

fn wheel_as_arrows(kind: MouseEventKind, modes: &Modes) -> Vec<u8> {
    let letter = match kind {
        MouseEventKind::ScrollUp => b'A',
        MouseEventKind::ScrollDown => b'B',
        _ => return Vec::new(),
    };
    if !(modes.alternate_screen && modes.alternate_scroll) {
        return Vec::new();
    }
    [0x1b, if modes.cursor_keys { b'O' } else { b'[' }, letter].repeat(WHEEL_LINES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
        MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
    }

    fn modes(mouse: MouseMode, mouse_encoding: MouseEncoding) -> Modes {
        Modes { mouse, mouse_encoding, ..Modes::default() }
    }

    #[test]
    fn sgr_tells_button_place_and_release() {
        let modes = modes(MouseMode::AnyMotion, MouseEncoding::Sgr);
        let table = [
            (MouseEventKind::Down(MouseButton::Left), "\x1b[<0;1;1M"),
            (MouseEventKind::Up(MouseButton::Right), "\x1b[<2;1;1m"),
            (MouseEventKind::Drag(MouseButton::Middle), "\x1b[<33;1;1M"),
            (MouseEventKind::Moved, "\x1b[<35;1;1M"),
            (MouseEventKind::ScrollUp, "\x1b[<64;1;1M"),
            (MouseEventKind::ScrollRight, "\x1b[<67;1;1M"),
        ];
        for (kind, bytes) in table {
            assert_eq!(encode_mouse(at(kind, 0, 0), &modes), bytes.as_bytes(), "{kind:?}");
        }
        let shifted = MouseEvent {
            modifiers: KeyModifiers::SHIFT | KeyModifiers::CONTROL,
            ..at(MouseEventKind::Down(MouseButton::Left), 299, 99)
        };
        assert_eq!(encode_mouse(shifted, &modes), b"\x1b[<20;300;100M");
    }

    #[test]
    fn older_encodings_stop_at_their_limits() {
        let press = at(MouseEventKind::Down(MouseButton::Left), 4999, 4);
        assert_eq!(encode_mouse(press, &modes(MouseMode::PressRelease, MouseEncoding::Default)), b"\x1b[M \xff%");
        let utf8 = modes(MouseMode::PressRelease, MouseEncoding::Utf8);
        assert_eq!(encode_mouse(press, &utf8), "\x1b[M \u{7ff}%".as_bytes());
        let release = at(MouseEventKind::Up(MouseButton::Left), 299, 4);
        assert_eq!(encode_mouse(release, &utf8), "\x1b[M#\u{14c}%".as_bytes());
    }

    #[test]
    fn a_program_gets_what_it_asked_for() {
        let sgr = |mouse| modes(mouse, MouseEncoding::Sgr);
        let drag = at(MouseEventKind::Drag(MouseButton::Left), 1, 1);
        let release = at(MouseEventKind::Up(MouseButton::Left), 1, 1);
        assert!(encode_mouse(release, &sgr(MouseMode::Press)).is_empty());
        assert!(encode_mouse(drag, &sgr(MouseMode::PressRelease)).is_empty());
        assert!(!encode_mouse(drag, &sgr(MouseMode::ButtonMotion)).is_empty());
        assert!(encode_mouse(at(MouseEventKind::Moved, 1, 1), &sgr(MouseMode::ButtonMotion)).is_empty());
        assert!(encode_mouse(release, &sgr(MouseMode::Off)).is_empty());
    }

    #[test]
    fn the_wheel_is_arrows_on_an_alternate_screen_only() {
        let wheel = at(MouseEventKind::ScrollDown, 1, 1);
        let full = Modes { alternate_screen: true, alternate_scroll: true, cursor_keys: true, ..Modes::default() };
        assert_eq!(encode_mouse(wheel, &full), b"\x1bOB\x1bOB\x1bOB");
        assert!(encode_mouse(wheel, &Modes { alternate_scroll: false, ..full }).is_empty());
        assert!(encode_mouse(wheel, &Modes { alternate_screen: false, ..full }).is_empty());
    }
}
