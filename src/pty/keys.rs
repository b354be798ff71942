//! Keys, pastes and focus as bytes for a program, as xterm writes them; `kitty` has the newer protocol.
//!
//! Invariant: what a program gets depends on the event and its own modes alone, never on what the outer terminal speaks.
//! Sources: xterm's ctlseqs (PC-style function keys, modifyOtherKeys), DEC STD 070.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers};

use super::kitty;
use super::modes::Modes;

/// How a key without text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `CSI A`, with modifiers `CSI 1 ; m A`.
    Letter(u8),
    /// `CSI n ~`, with modifiers `CSI n ; m ~`.
    Tilde(u16),
}

/// The bytes of a key event; empty when it has no meaning in these modes (a release, a lone modifier).
pub fn encode_key(event: KeyEvent, modes: &Modes) -> Vec<u8> {
    let event = normalized(event);
    if kitty::takes_over(modes.kitty) {
        return kitty::encode(event, modes.kitty);
    }
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let from_keypad = modes.keypad && event.state.contains(KeyEventState::KEYPAD) && event.modifiers.is_empty();
    if let Some(letter) = application_keypad(event.code).filter(|_| from_keypad) {
        return vec![0x1b, b'O', letter];
    }
    modified_other(event, modes.modify_other_keys).unwrap_or_else(|| legacy(event, modes))
}

/// The bytes of a paste. Bracketed where the program asked (2004), with its end mark and every other control sequence in
/// the text made harmless; else line ends become those of the return key.
pub fn encode_paste(text: &str, modes: &Modes) -> Vec<u8> {
    // ESC is the only byte that could end the bracket, or be taken for a key.
    let text = text.replace('\x1b', "");
    if modes.bracketed_paste {
        [b"\x1b[200~", text.as_bytes(), b"\x1b[201~"].concat()
    } else {
        text.replace("\r\n", "\r").replace('\n', "\r").into_bytes()
    }
}

/// The bytes of focus gained or lost; empty unless the program asked (1004).
pub fn encode_focus(gained: bool, modes: &Modes) -> Vec<u8> {
    match (modes.focus, gained) {
        (false, _) => Vec::new(),
        (true, true) => b"\x1b[I".to_vec(),
        (true, false) => b"\x1b[O".to_vec(),
    }
}

/// Modifiers as the parameter of a sequence: 1 and a bit for each.
pub(super) fn modifier_parameter(modifiers: KeyModifiers) -> u16 {
    let bits = [
        (KeyModifiers::SHIFT, 1),
        (KeyModifiers::ALT, 2),
        (KeyModifiers::CONTROL, 4),
        (KeyModifiers::SUPER, 8),
        (KeyModifiers::HYPER, 16),
        (KeyModifiers::META, 32),
    ];
    1 + bits.into_iter().filter(|(modifier, _)| modifiers.contains(*modifier)).map(|(_, bit)| bit).sum::<u16>()
}

/// The form of a key that has no text in any protocol.
pub(super) fn form(code: KeyCode) -> Option<Form> {
    Some(match code {
        KeyCode::Up => Form::Letter(b'A'),
        KeyCode::Down => Form::Letter(b'B'),
        KeyCode::Right => Form::Letter(b'C'),
        KeyCode::Left => Form::Letter(b'D'),
        KeyCode::KeypadBegin => Form::Letter(b'E'),
        KeyCode::End => Form::Letter(b'F'),
        KeyCode::Home => Form::Letter(b'H'),
        KeyCode::F(number @ 1..=4) => Form::Letter(b'O' + number),
        KeyCode::Insert => Form::Tilde(2),
        KeyCode::Delete => Form::Tilde(3),
        KeyCode::PageUp => Form::Tilde(5),
        KeyCode::PageDown => Form::Tilde(6),
        KeyCode::F(number @ 5..=20) => {
            const NUMBERS: [u16; 16] = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
            Form::Tilde(NUMBERS[usize::from(number) - 5])
        }
        KeyCode::Menu => Form::Tilde(29),
        _ => return None,
    })
}

/// One name for each key: back-tab is tab with shift, NUL is space with control, a letter with shift is upper case.
fn normalized(mut event: KeyEvent) -> KeyEvent {
    match event.code {
        KeyCode::BackTab => {
            event.code = KeyCode::Tab;
            event.modifiers |= KeyModifiers::SHIFT;
        }
        KeyCode::Null => {
            event.code = KeyCode::Char(' ');
            event.modifiers |= KeyModifiers::CONTROL;
        }
        KeyCode::Char(c) if c.is_ascii_uppercase() && !event.state.contains(KeyEventState::CAPS_LOCK) => {
            event.modifiers |= KeyModifiers::SHIFT;
        }
        KeyCode::Char(c) if c.is_ascii_lowercase() && event.modifiers.contains(KeyModifiers::SHIFT) => {
            event.code = KeyCode::Char(c.to_ascii_uppercase());
        }
        _ => {}
    }
    event
}

/// modifyOtherKeys: `CSI 27 ; m ; code ~`, at level 1 for what has no bytes of its own, at level 2 for every key with
/// modifiers other than a letter with shift.
fn modified_other(event: KeyEvent, level: u8) -> Option<Vec<u8>> {
    let modifiers = event.modifiers;
    if level == 0 || modifiers.is_empty() {
        return None;
    }
    let (code, has_bytes) = match event.code {
        KeyCode::Char(_) if modifiers == KeyModifiers::SHIFT => return None,
        KeyCode::Char(c) => {
            let own = modifiers.contains(KeyModifiers::CONTROL) && control_byte(c).is_none();
            let shifted = modifiers.contains(KeyModifiers::CONTROL | KeyModifiers::SHIFT);
            (
                u32::from(if modifiers.contains(KeyModifiers::SHIFT) { c } else { c.to_ascii_lowercase() }),
                !own && !shifted,
            )
        }
        KeyCode::Enter => (13, modifiers == KeyModifiers::ALT),
        KeyCode::Tab => (9, modifiers == KeyModifiers::SHIFT || modifiers == KeyModifiers::ALT),
        KeyCode::Backspace => (127, true),
        KeyCode::Esc => (27, modifiers == KeyModifiers::ALT),
        _ => return None,
    };
    let told = level == 2 || !has_bytes;
    told.then(|| format!("\x1b[27;{};{code}~", modifier_parameter(modifiers)).into_bytes())
}

fn legacy(event: KeyEvent, modes: &Modes) -> Vec<u8> {
    let modifiers = event.modifiers;
    if let Some(form) = form(event.code) {
        return function_key(form, event, modes);
    }
    let control = modifiers.contains(KeyModifiers::CONTROL);
    let plain = match event.code {
        // With Cmd or Super a letter is a command to somebody else, and no text.
        KeyCode::Char(_) if modifiers.intersects(KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META) => {
            return Vec::new();
        }
        KeyCode::Char(c) => match control.then(|| control_byte(c)).flatten() {
            Some(byte) => vec![byte],
            None => c.to_string().into_bytes(),
        },
        KeyCode::Enter => vec![b'\r'],
        KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => b"\x1b[Z".to_vec(),
        KeyCode::Tab => vec![b'\t'],
        KeyCode::Backspace => vec![if control { 0x08 } else { 0x7f }],
        KeyCode::Esc => vec![0x1b],
        _ => return Vec::new(),
    };
    if modifiers.contains(KeyModifiers::ALT) { [b"\x1b", &plain[..]].concat() } else { plain }
}

fn function_key(form: Form, event: KeyEvent, modes: &Modes) -> Vec<u8> {
    let modifiers = modifier_parameter(event.modifiers);
    let single_shift = modes.cursor_keys || matches!(event.code, KeyCode::F(_));
    match form {
        Form::Letter(letter) if modifiers > 1 => format!("\x1b[1;{modifiers}{}", char::from(letter)).into_bytes(),
        Form::Letter(letter) => vec![0x1b, if single_shift { b'O' } else { b'[' }, letter],
        Form::Tilde(number) if modifiers > 1 => format!("\x1b[{number};{modifiers}~").into_bytes(),
        Form::Tilde(number) => format!("\x1b[{number}~").into_bytes(),
    }
}

/// The control character of a key with control, as on a VT220: digits stand for the characters without a key.
fn control_byte(c: char) -> Option<u8> {
    Some(match c.to_ascii_lowercase() {
        c @ 'a'..='z' => c as u8 - b'a' + 1,
        ' ' | '@' | '2' => 0x00,
        '[' | '3' => 0x1b,
        '\\' | '4' => 0x1c,
        ']' | '5' => 0x1d,
        '^' | '~' | '6' => 0x1e,
        '_' | '/' | '7' => 0x1f,
        '?' | '8' => 0x7f,
        _ => return None,
    })
}

/// The last byte of `ESC O x` of a key of the numeric keypad in application mode.
fn application_keypad(code: KeyCode) -> Option<u8> {
    Some(match code {
        KeyCode::Char(c @ '0'..='9') => c as u8 - b'0' + b'p',
        KeyCode::Char('*') => b'j',
        KeyCode::Char('+') => b'k',
        KeyCode::Char(',') => b'l',
        KeyCode::Char('-') => b'm',
        KeyCode::Char('.') => b'n',
        KeyCode::Char('/') => b'o',
        KeyCode::Char('=') => b'X',
        KeyCode::Enter => b'M',
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub const NONE: KeyModifiers = KeyModifiers::NONE;
    pub const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
    pub const ALT: KeyModifiers = KeyModifiers::ALT;
    pub const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

    pub fn sent(event: KeyEvent, modes: &Modes) -> String {
        String::from_utf8(encode_key(event, modes)).expect("keys are text")
    }

    fn key(code: KeyCode, modifiers: KeyModifiers, modes: &Modes) -> String {
        sent(KeyEvent::new(code, modifiers), modes)
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn fault_t9_legacy_keys_are_xterms() {
        use KeyCode::{
            BackTab, Backspace, Char, Delete, Down, End, Enter, Esc, F, Home, Insert, Left, Menu, Null, PageDown,
        };
        use KeyCode::{PageUp, Right, Tab, Up};
        let table: &[(KeyCode, KeyModifiers, &str)] = &[
            (Char('a'), NONE, "a"),
            (Char('a'), SHIFT, "A"),
            (Char('A'), NONE, "A"),
            (Char('ß'), NONE, "ß"),
            (Char('日'), NONE, "日"),
            (Char('a'), CONTROL, "\x01"),
            (Char('A'), CONTROL.union(SHIFT), "\x01"),
            (Char('j'), CONTROL, "\n"),
            (Char('z'), CONTROL, "\x1a"),
            (Char(' '), CONTROL, "\0"),
            (Char('@'), CONTROL, "\0"),
            (Char('2'), CONTROL, "\0"),
            (Char('['), CONTROL, "\x1b"),
            (Char('3'), CONTROL, "\x1b"),
            (Char('\\'), CONTROL, "\x1c"),
            (Char('4'), CONTROL, "\x1c"),
            (Char(']'), CONTROL, "\x1d"),
            (Char('5'), CONTROL, "\x1d"),
            (Char('^'), CONTROL, "\x1e"),
            (Char('6'), CONTROL, "\x1e"),
            (Char('_'), CONTROL, "\x1f"),
            (Char('/'), CONTROL, "\x1f"),
            (Char('7'), CONTROL, "\x1f"),
            (Char('?'), CONTROL, "\x7f"),
            (Char('8'), CONTROL, "\x7f"),
            (Char('1'), CONTROL, "1"),
            (Char('a'), ALT, "\x1ba"),
            (Char('a'), ALT.union(SHIFT), "\x1bA"),
            (Char('a'), ALT.union(CONTROL), "\x1b\x01"),
            (Char('c'), KeyModifiers::SUPER, ""),
            (Null, NONE, "\0"),
            (Enter, NONE, "\r"),
            (Enter, SHIFT, "\r"),
            (Enter, CONTROL, "\r"),
            (Enter, ALT, "\x1b\r"),
            (Tab, NONE, "\t"),
            (Tab, SHIFT, "\x1b[Z"),
            (BackTab, NONE, "\x1b[Z"),
            (BackTab, SHIFT, "\x1b[Z"),
            (Backspace, NONE, "\x7f"),
            (Backspace, CONTROL, "\x08"),
            (Backspace, ALT, "\x1b\x7f"),
            (Esc, NONE, "\x1b"),
            (Esc, ALT, "\x1b\x1b"),
            (Up, NONE, "\x1b[A"),
            (Down, NONE, "\x1b[B"),
            (Right, NONE, "\x1b[C"),
            (Left, NONE, "\x1b[D"),
            (Up, SHIFT, "\x1b[1;2A"),
            (Left, CONTROL, "\x1b[1;5D"),
            (Right, ALT.union(CONTROL).union(SHIFT), "\x1b[1;8C"),
            (Home, NONE, "\x1b[H"),
            (End, NONE, "\x1b[F"),
            (End, SHIFT, "\x1b[1;2F"),
            (Insert, NONE, "\x1b[2~"),
            (Delete, NONE, "\x1b[3~"),
            (Delete, CONTROL, "\x1b[3;5~"),
            (PageUp, NONE, "\x1b[5~"),
            (PageDown, ALT, "\x1b[6;3~"),
            (F(1), NONE, "\x1bOP"),
            (F(4), NONE, "\x1bOS"),
            (F(3), SHIFT, "\x1b[1;2R"),
            (F(5), NONE, "\x1b[15~"),
            (F(6), NONE, "\x1b[17~"),
            (F(12), CONTROL, "\x1b[24;5~"),
            (F(20), NONE, "\x1b[34~"),
            (Menu, NONE, "\x1b[29~"),
            (KeyCode::KeypadBegin, NONE, "\x1b[E"),
            (KeyCode::CapsLock, NONE, ""),
        ];
        for &(code, modifiers, bytes) in table {
            assert_eq!(key(code, modifiers, &Modes::default()), bytes, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn cursor_keys_and_keypad_follow_their_modes() {
        let modes = Modes { cursor_keys: true, keypad: true, ..Modes::default() };
        assert_eq!(key(KeyCode::Up, NONE, &modes), "\x1bOA");
        assert_eq!(key(KeyCode::Home, NONE, &modes), "\x1bOH");
        assert_eq!(key(KeyCode::Up, CONTROL, &modes), "\x1b[1;5A");
        assert_eq!(key(KeyCode::Delete, NONE, &modes), "\x1b[3~");
        let pad = |code| {
            let event = KeyEvent::new_with_kind_and_state(code, NONE, KeyEventKind::Press, KeyEventState::KEYPAD);
            String::from_utf8(encode_key(event, &modes)).expect("text")
        };
        let typed: Vec<String> = "0.5.9*+,-/=".chars().map(|c| pad(KeyCode::Char(c))).collect();
        assert_eq!(typed.concat(), "\x1bOp\x1bOn\x1bOu\x1bOn\x1bOy\x1bOj\x1bOk\x1bOl\x1bOm\x1bOo\x1bOX");
        assert_eq!(pad(KeyCode::Enter), "\x1bOM");
        assert_eq!(key(KeyCode::Char('5'), NONE, &modes), "5");
    }

    #[test]
    fn modify_other_keys_tells_what_has_no_bytes_and_at_level_two_everything() {
        let at = |level, code, modifiers| key(code, modifiers, &Modes { modify_other_keys: level, ..Modes::default() });
        assert_eq!(at(1, KeyCode::Enter, SHIFT), "\x1b[27;2;13~");
        assert_eq!(at(1, KeyCode::Char('a'), CONTROL), "\x01");
        assert_eq!(at(1, KeyCode::Char('1'), CONTROL), "\x1b[27;5;49~");
        assert_eq!(at(1, KeyCode::Char('a'), CONTROL | SHIFT), "\x1b[27;6;65~");
        assert_eq!(at(1, KeyCode::Tab, SHIFT), "\x1b[Z");
        assert_eq!(at(1, KeyCode::Tab, CONTROL), "\x1b[27;5;9~");
        assert_eq!(at(2, KeyCode::Char('a'), CONTROL), "\x1b[27;5;97~");
        assert_eq!(at(2, KeyCode::Char('a'), ALT), "\x1b[27;3;97~");
        assert_eq!(at(2, KeyCode::Char('a'), SHIFT), "A");
        assert_eq!(at(2, KeyCode::Backspace, CONTROL), "\x1b[27;5;127~");
        assert_eq!(at(2, KeyCode::Up, CONTROL), "\x1b[1;5A");
    }

    #[test]
    fn a_release_is_silent_and_a_repeat_is_a_press() {
        let event = |kind| KeyEvent::new_with_kind(KeyCode::Char('x'), NONE, kind);
        assert_eq!(encode_key(event(KeyEventKind::Release), &Modes::default()), b"");
        assert_eq!(encode_key(event(KeyEventKind::Repeat), &Modes::default()), b"x");
    }

    #[test]
    fn fault_t9_a_paste_cannot_end_its_bracket() {
        let bracketed = Modes { bracketed_paste: true, ..Modes::default() };
        let hostile = "a\x1b[201~\r\nrm -rf /\r\n\x1b[20\x1b[201~1~";
        assert_eq!(encode_paste(hostile, &bracketed), b"\x1b[200~a[201~\r\nrm -rf /\r\n[20[201~1~\x1b[201~");
        assert_eq!(encode_paste("a\r\nb\nc", &Modes::default()), b"a\rb\rc");
        let large = "x\n".repeat(1 << 19);
        assert_eq!(encode_paste(&large, &bracketed).len(), large.len() + 12);
    }

    #[test]
    fn focus_is_told_to_those_who_asked() {
        let modes = Modes { focus: true, ..Modes::default() };
        assert_eq!(encode_focus(true, &modes), b"\x1b[I");
        assert_eq!(encode_focus(false, &modes), b"\x1b[O");
        assert_eq!(encode_focus(true, &Modes::default()), b"");
    }
}
