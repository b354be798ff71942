//! Keys as the kitty keyboard protocol writes them.
//!
//! Source: the protocol's page, "Comprehensive keyboard handling in terminals". What crossterm's events don't tell (the
//! base layout, the unshifted key of a shifted sign) is left out.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers, MediaKeyCode, ModifierKeyCode};

use super::keys::{Form, form, modifier_parameter};

const DISAMBIGUATE: u8 = 1;
const EVENT_TYPES: u8 = 2;
const ALTERNATE_KEYS: u8 = 4;
const ALL_KEYS: u8 = 8;
const TEXT: u8 = 16;

/// How a key is named: by a form that older terminals knew, or by a number.
enum Name {
    Old(Form),
    Number(u32),
}

/// Whether these flags change any key; the other two only add to what these send.
pub(super) const fn takes_over(flags: u8) -> bool {
    flags & (DISAMBIGUATE | EVENT_TYPES | ALL_KEYS) != 0
}

/// The bytes of a normalized event under flags that take over.
pub(super) fn encode(event: KeyEvent, flags: u8) -> Vec<u8> {
    let wants = |flag| flags & flag != 0;
    if event.kind == KeyEventKind::Release && !wants(EVENT_TYPES) {
        return Vec::new();
    }
    let released = event.kind == KeyEventKind::Release;
    if let Some(text) = own_bytes(event, flags) {
        // These keys tell no release, so that one can still type `reset` after a crash.
        return match (released, event.code) {
            (false, _) => text,
            (true, KeyCode::Char(_)) => sequence(event, flags),
            (true, _) => Vec::new(),
        };
    }
    sequence(event, flags)
}

/// The bytes of a key that is written as ever: text, and Enter, Tab and Backspace alone.
fn own_bytes(event: KeyEvent, flags: u8) -> Option<Vec<u8>> {
    if flags & ALL_KEYS != 0 {
        return None;
    }
    let pad = event.state.contains(KeyEventState::KEYPAD);
    match event.code {
        KeyCode::Char(c) if event.modifiers.difference(KeyModifiers::SHIFT).is_empty() => Some(c.to_string().into()),
        KeyCode::Enter if event.modifiers.is_empty() && !pad => Some(vec![b'\r']),
        KeyCode::Tab if event.modifiers.is_empty() => Some(vec![b'\t']),
        KeyCode::Backspace if event.modifiers.is_empty() => Some(vec![0x7f]),
        KeyCode::Esc if event.modifiers.is_empty() && flags & DISAMBIGUATE == 0 => Some(vec![0x1b]),
        _ => None,
    }
}

/// `CSI number : shifted ; modifiers : event ; text u`, or an older form with the same second field.
fn sequence(event: KeyEvent, flags: u8) -> Vec<u8> {
    let Some(name) = name(event, flags) else { return Vec::new() };
    let modifiers = modifiers(event, flags);
    let kind = match event.kind {
        KeyEventKind::Repeat if flags & EVENT_TYPES != 0 => ":2",
        KeyEventKind::Release => ":3",
        _ => "",
    };
    let text = text(event, flags);
    let plain = modifiers == 1 && kind.is_empty();
    let second = match (plain, &text) {
        (true, None) => String::new(),
        (true, Some(_)) => ";".into(),
        (false, _) => format!(";{modifiers}{kind}"),
    };
    let third = text.map_or_else(String::new, |c| format!(";{}", u32::from(c)));
    match name {
        Name::Old(Form::Letter(letter)) if plain => format!("\x1b[{}", char::from(letter)),
        Name::Old(Form::Letter(letter)) => format!("\x1b[1{second}{}", char::from(letter)),
        Name::Old(Form::Tilde(number)) => format!("\x1b[{number}{second}~"),
        Name::Number(number) => {
            let shifted = shifted(event, flags).map_or_else(String::new, |c| format!(":{}", u32::from(c)));
            format!("\x1b[{number}{shifted}{second}{third}u")
        }
    }
    .into_bytes()
}

fn modifiers(event: KeyEvent, flags: u8) -> u16 {
    let lock = |state, bit| if event.state.contains(state) { bit } else { 0 };
    // Locks would turn plain text into sequences, so they are told only where everything is one.
    let locks =
        if flags & ALL_KEYS == 0 { 0 } else { lock(KeyEventState::CAPS_LOCK, 64) + lock(KeyEventState::NUM_LOCK, 128) };
    modifier_parameter(event.modifiers) + locks
}

/// The text of a press, where it is asked for beside the key.
fn text(event: KeyEvent, flags: u8) -> Option<char> {
    let asked = flags & TEXT != 0 && flags & ALL_KEYS != 0 && event.kind != KeyEventKind::Release;
    match event.code {
        KeyCode::Char(c) if asked && event.modifiers.difference(KeyModifiers::SHIFT).is_empty() => Some(c),
        _ => None,
    }
}

fn shifted(event: KeyEvent, flags: u8) -> Option<char> {
    match event.code {
        KeyCode::Char(c) if flags & ALTERNATE_KEYS != 0 && event.modifiers.contains(KeyModifiers::SHIFT) => {
            (c.to_lowercase().next() != Some(c)).then_some(c)
        }
        _ => None,
    }
}

fn name(event: KeyEvent, flags: u8) -> Option<Name> {
    let from_keypad = event.state.contains(KeyEventState::KEYPAD);
    if let Some(number) = keypad(event.code).filter(|_| from_keypad) {
        return Some(Name::Number(number));
    }
    let number = match event.code {
        // A key is named by what it types without shift.
        KeyCode::Char(c) => u32::from(c.to_lowercase().next().unwrap_or(c)),
        KeyCode::Esc => 27,
        KeyCode::Enter => 13,
        KeyCode::Tab => 9,
        KeyCode::Backspace => 127,
        KeyCode::CapsLock => 57358,
        KeyCode::ScrollLock => 57359,
        KeyCode::NumLock => 57360,
        KeyCode::PrintScreen => 57361,
        KeyCode::Pause => 57362,
        KeyCode::Menu => 57363,
        // `CSI R` would read as a report of the cursor.
        KeyCode::F(3) => return Some(Name::Old(Form::Tilde(13))),
        KeyCode::F(number @ 13..=35) => 57376 + u32::from(number) - 13,
        KeyCode::Media(media) => 57428 + media_index(media),
        KeyCode::Modifier(modifier) if flags & ALL_KEYS != 0 => 57441 + modifier_index(modifier),
        KeyCode::Modifier(_) => return None,
        code => return form(code).map(Name::Old),
    };
    Some(Name::Number(number))
}

/// The number of a key of the numeric keypad. Digits and signs are text unless every key is a sequence, and the caller
/// asks for a name only then.
fn keypad(code: KeyCode) -> Option<u32> {
    Some(match code {
        KeyCode::Char(c @ '0'..='9') => 57399 + u32::from(c) - u32::from('0'),
        KeyCode::Char('.') => 57409,
        KeyCode::Char('/') => 57410,
        KeyCode::Char('*') => 57411,
        KeyCode::Char('-') => 57412,
        KeyCode::Char('+') => 57413,
        KeyCode::Enter => 57414,
        KeyCode::Char('=') => 57415,
        KeyCode::Char(',') => 57416,
        KeyCode::Left => 57417,
        KeyCode::Right => 57418,
        KeyCode::Up => 57419,
        KeyCode::Down => 57420,
        KeyCode::PageUp => 57421,
        KeyCode::PageDown => 57422,
        KeyCode::Home => 57423,
        KeyCode::End => 57424,
        KeyCode::Insert => 57425,
        KeyCode::Delete => 57426,
        KeyCode::KeypadBegin => 57427,
        _ => return None,
    })
}

fn media_index(media: MediaKeyCode) -> u32 {
    match media {
        MediaKeyCode::Play => 0,
        MediaKeyCode::Pause => 1,
        MediaKeyCode::PlayPause => 2,
        MediaKeyCode::Reverse => 3,
        MediaKeyCode::Stop => 4,
        MediaKeyCode::FastForward => 5,
        MediaKeyCode::Rewind => 6,
        MediaKeyCode::TrackNext => 7,
        MediaKeyCode::TrackPrevious => 8,
        MediaKeyCode::Record => 9,
        MediaKeyCode::LowerVolume => 10,
        MediaKeyCode::RaiseVolume => 11,
        MediaKeyCode::MuteVolume => 12,
    }
}

fn modifier_index(modifier: ModifierKeyCode) -> u32 {
    match modifier {
        ModifierKeyCode::LeftShift => 0,
        ModifierKeyCode::LeftControl => 1,
        ModifierKeyCode::LeftAlt => 2,
        ModifierKeyCode::LeftSuper => 3,
        ModifierKeyCode::LeftHyper => 4,
        ModifierKeyCode::LeftMeta => 5,
        ModifierKeyCode::RightShift => 6,
        ModifierKeyCode::RightControl => 7,
        ModifierKeyCode::RightAlt => 8,
        ModifierKeyCode::RightSuper => 9,
        ModifierKeyCode::RightHyper => 10,
        ModifierKeyCode::RightMeta => 11,
        ModifierKeyCode::IsoLevel3Shift => 12,
        ModifierKeyCode::IsoLevel5Shift => 13,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Modes;
    use super::super::keys::tests::{ALT, CONTROL, NONE, SHIFT, sent};
    use super::*;

    fn bytes(event: KeyEvent, kitty: u8) -> String {
        sent(event, &Modes { kitty, cursor_keys: true, ..Modes::default() })
    }

    #[test]
    fn fault_t9_disambiguated_keys_follow_the_protocol() {
        use KeyCode::{BackTab, Backspace, Char, Enter, Esc, F, Home, PageUp, Tab, Up};
        let table: &[(KeyCode, KeyModifiers, &str)] = &[
            (Char('a'), NONE, "a"),
            (Char('a'), SHIFT, "A"),
            (Char('ä'), NONE, "ä"),
            (Char('a'), CONTROL, "\x1b[97;5u"),
            (Char('A'), CONTROL.union(SHIFT), "\x1b[97;6u"),
            (Char('a'), ALT, "\x1b[97;3u"),
            (Char(' '), CONTROL, "\x1b[32;5u"),
            (Char('/'), CONTROL, "\x1b[47;5u"),
            (Char('i'), CONTROL, "\x1b[105;5u"),
            (Char('c'), KeyModifiers::SUPER, "\x1b[99;9u"),
            (Esc, NONE, "\x1b[27u"),
            (Esc, ALT, "\x1b[27;3u"),
            (Enter, NONE, "\r"),
            (Enter, SHIFT, "\x1b[13;2u"),
            (Enter, ALT, "\x1b[13;3u"),
            (Tab, NONE, "\t"),
            (BackTab, NONE, "\x1b[9;2u"),
            (Tab, CONTROL, "\x1b[9;5u"),
            (Backspace, NONE, "\x7f"),
            (Backspace, CONTROL, "\x1b[127;5u"),
            (Up, NONE, "\x1b[A"),
            (Up, CONTROL, "\x1b[1;5A"),
            (Home, NONE, "\x1b[H"),
            (PageUp, NONE, "\x1b[5~"),
            (F(1), NONE, "\x1b[P"),
            (F(3), NONE, "\x1b[13~"),
            (F(5), SHIFT, "\x1b[15;2~"),
            (F(13), NONE, "\x1b[57376u"),
            (KeyCode::Menu, NONE, "\x1b[57363u"),
            (KeyCode::Modifier(ModifierKeyCode::LeftShift), SHIFT, ""),
            (KeyCode::Media(MediaKeyCode::MuteVolume), NONE, "\x1b[57440u"),
        ];
        for &(code, modifiers, expected) in table {
            assert_eq!(bytes(KeyEvent::new(code, modifiers), 1), expected, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn releases_and_repeats_are_told_where_asked() {
        let event = |code, kind| KeyEvent::new_with_kind(code, NONE, kind);
        assert_eq!(bytes(event(KeyCode::Up, KeyEventKind::Release), 1), "");
        assert_eq!(bytes(event(KeyCode::Up, KeyEventKind::Release), 3), "\x1b[1;1:3A");
        assert_eq!(bytes(event(KeyCode::PageUp, KeyEventKind::Repeat), 3), "\x1b[5;1:2~");
        assert_eq!(bytes(event(KeyCode::Char('a'), KeyEventKind::Press), 3), "a");
        assert_eq!(bytes(event(KeyCode::Char('a'), KeyEventKind::Release), 3), "\x1b[97;1:3u");
        assert_eq!(bytes(event(KeyCode::Enter, KeyEventKind::Release), 3), "");
        assert_eq!(bytes(event(KeyCode::Enter, KeyEventKind::Release), 11), "\x1b[13;1:3u");
        assert_eq!(bytes(event(KeyCode::Up, KeyEventKind::Press), 4), "\x1bOA");
    }

    #[test]
    fn all_keys_alternates_and_text_fill_the_other_fields() {
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        assert_eq!(bytes(key(KeyCode::Char('a'), NONE), 8), "\x1b[97u");
        assert_eq!(bytes(key(KeyCode::Enter, NONE), 8), "\x1b[13u");
        assert_eq!(bytes(key(KeyCode::Char('a'), SHIFT), 13), "\x1b[97:65;2u");
        assert_eq!(bytes(key(KeyCode::Char('a'), SHIFT), 31), "\x1b[97:65;2;65u");
        assert_eq!(bytes(key(KeyCode::Char('a'), NONE), 31), "\x1b[97;;97u");
        assert_eq!(bytes(key(KeyCode::Char('a'), CONTROL), 31), "\x1b[97;5u");
        assert_eq!(bytes(key(KeyCode::Modifier(ModifierKeyCode::RightAlt), ALT), 8), "\x1b[57449;3u");
        let locked =
            KeyEvent::new_with_kind_and_state(KeyCode::Char('a'), NONE, KeyEventKind::Press, KeyEventState::CAPS_LOCK);
        assert_eq!(bytes(locked, 8), "\x1b[97;65u");
    }

    #[test]
    fn the_keypad_has_its_own_numbers() {
        let pad = |code| KeyEvent::new_with_kind_and_state(code, NONE, KeyEventKind::Press, KeyEventState::KEYPAD);
        assert_eq!(bytes(pad(KeyCode::Char('5')), 1), "5");
        assert_eq!(bytes(pad(KeyCode::Char('5')), 8), "\x1b[57404u");
        assert_eq!(bytes(pad(KeyCode::Enter), 1), "\x1b[57414u");
        assert_eq!(bytes(pad(KeyCode::Left), 1), "\x1b[57417u");
    }
}
