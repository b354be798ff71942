//! Keys: how they are written, how an event becomes one, and which command each means in each place.
//!
//! Invariant: in one context a key has at most one meaning. A remap that would break it is left out, with an error.

use std::collections::HashMap;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::model::{KeysConfig, SessionKind, meant};

use super::command::{Command, Entry, TABLE};

/// Where a key is pressed, outside text and while not attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    List,
    Terminal,
    Diff,
    /// The spec and the log.
    Page,
    Pipeline,
    Monitor,
}

impl Context {
    pub const ALL: [Self; 6] = [Self::List, Self::Terminal, Self::Diff, Self::Page, Self::Pipeline, Self::Monitor];

    pub const fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Terminal => "terminal",
            Self::Diff => "diff",
            Self::Page => "spec and log",
            Self::Pipeline => "pipeline",
            Self::Monitor => "monitor",
        }
    }
}

/// A key with its modifiers, in one form whatever the terminal's encoding: Shift is part of a character, and the
/// control bytes 0x1C to 0x1F are `Ctrl-\ ] ^ _`, which older terminals report as `Ctrl-4` to `Ctrl-7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub mods: KeyModifiers,
}

/// Why a text is no key, or a remap cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("\"{0}\" is no key. Try: ctrl-t, alt-1, shift-tab, f12, space, D.")]
    NoKey(String),
    #[error("{0} is the same byte as {1} in most terminals")]
    Alias(String, &'static str),
    #[error("keys.bind: there is no command \"{name}\".{}", near(*.nearest))]
    NoCommand { name: String, nearest: Option<&'static str> },
    #[error("keys.bind.{name}: {error}")]
    BadKey { name: String, error: Box<Self> },
    #[error("keys.bind.{name}: it takes {wanted} keys in a row, not {given}")]
    Count { name: String, wanted: usize, given: usize },
    #[error("keys.bind.{name}: {key} is {other} in the {context} already; {name} keeps its own key")]
    Taken { name: String, key: String, other: &'static str, context: &'static str },
    #[error("keys.detach: {0}")]
    Detach(Box<Self>),
    #[error("keys.detach is empty; Ctrl-\\ and Ctrl-Q stay")]
    NoDetach,
}

fn near(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" Nearest: {name}."))
}

impl Key {
    pub const fn new(code: KeyCode, mods: KeyModifiers) -> Self {
        Self { code, mods }
    }

    /// Reads `ctrl-t`, `alt-1`, `shift-tab`, `pgup`, `D`, `-`.
    pub fn parse(text: &str) -> Result<Self, KeymapError> {
        let bad = || KeymapError::NoKey(text.to_owned());
        let mut mods = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((modifier, tail)) = split_modifier(rest) {
            mods |= modifier;
            rest = tail;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(char), None) => KeyCode::Char(char),
            _ => named(&rest.to_ascii_lowercase()).ok_or_else(bad)?,
        };
        if mods.contains(KeyModifiers::CONTROL) {
            let alias = match code {
                KeyCode::Char('m' | 'M') => Some("Enter"),
                KeyCode::Char('i' | 'I') => Some("Tab"),
                KeyCode::Char('[') => Some("Esc"),
                KeyCode::Char('h' | 'H') => Some("Backspace"),
                _ => None,
            };
            if let Some(alias) = alias {
                return Err(KeymapError::Alias(text.to_owned(), alias));
            }
        }
        Ok(Self::from(KeyEvent::new(code, mods)))
    }

    /// A character without Ctrl or Alt: what typing into a text field gives.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(char) if self.mods.is_empty() => Some(char),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let mut mods = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let ctrl = mods.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::BackTab => {
                mods |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Char(char) if ctrl => {
                mods -= KeyModifiers::SHIFT;
                KeyCode::Char(match char {
                    '4' => '\\',
                    '5' => ']',
                    '6' => '^',
                    '7' | '/' => '_',
                    other => other.to_ascii_lowercase(),
                })
            }
            KeyCode::Char(char) if mods.contains(KeyModifiers::SHIFT) => {
                mods -= KeyModifiers::SHIFT;
                let mut upper = char.to_uppercase();
                KeyCode::Char(upper.next().filter(|_| upper.next().is_none()).unwrap_or(char))
            }
            other => other,
        };
        Self { code, mods }
    }
}

/// As help and the footer write it: `Ctrl-T`, `Alt-1`, `↑`, `PgUp`, `D`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "Ctrl-"), (KeyModifiers::ALT, "Alt-"), (KeyModifiers::SHIFT, "Shift-")]
        {
            if self.mods.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(char) if self.mods.contains(KeyModifiers::CONTROL) => {
                fmt::Display::fmt(&char.to_ascii_uppercase(), f)
            }
            KeyCode::Char(char) => fmt::Display::fmt(&char, f),
            KeyCode::F(n) => write!(f, "F{n}"),
            code => f.write_str(NAMES.iter().find(|(_, _, it)| *it == code).map_or("?", |(_, shown, _)| shown)),
        }
    }
}

/// Written name, shown name, code.
const NAMES: &[(&str, &str, KeyCode)] = &[
    ("enter", "Enter", KeyCode::Enter),
    ("esc", "Esc", KeyCode::Esc),
    ("tab", "Tab", KeyCode::Tab),
    ("backspace", "Backspace", KeyCode::Backspace),
    ("delete", "Delete", KeyCode::Delete),
    ("insert", "Insert", KeyCode::Insert),
    ("up", "↑", KeyCode::Up),
    ("down", "↓", KeyCode::Down),
    ("left", "←", KeyCode::Left),
    ("right", "→", KeyCode::Right),
    ("home", "Home", KeyCode::Home),
    ("end", "End", KeyCode::End),
    ("pgup", "PgUp", KeyCode::PageUp),
    ("pgdn", "PgDn", KeyCode::PageDown),
    ("space", "Space", KeyCode::Char(' ')),
];

fn named(name: &str) -> Option<KeyCode> {
    let function = || name.strip_prefix('f')?.parse().ok().filter(|n| (1..=24).contains(n)).map(KeyCode::F);
    NAMES.iter().find(|(it, ..)| *it == name).map(|(.., code)| *code).or_else(function)
}

fn split_modifier(text: &str) -> Option<(KeyModifiers, &str)> {
    let (head, tail) = text.split_once('-').filter(|(_, tail)| !tail.is_empty())?;
    let modifier = match head.to_ascii_lowercase().as_str() {
        "ctrl" => KeyModifiers::CONTROL,
        "alt" => KeyModifiers::ALT,
        "shift" => KeyModifiers::SHIFT,
        _ => return None,
    };
    Some((modifier, tail))
}

/// The bindings in force: the table with the remaps of one configuration.
#[derive(Debug, Clone)]
pub struct Keymap {
    meaning: Meanings,
    keys: HashMap<Command, Vec<Key>>,
    detach: Vec<Detach>,
    detach_shell: Vec<Detach>,
    config: KeysConfig,
}

/// A key that leaves an attached session, as it is to be written: where `\` takes AltGr, `Ctrl-4` is the same byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detach {
    pub key: Key,
    pub word: String,
}

impl fmt::Display for Detach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

impl Detach {
    fn parse(text: &str) -> Result<Self, KeymapError> {
        let key = Key::parse(text)?;
        let digit = text.chars().last().filter(char::is_ascii_digit).filter(|_| key.mods == KeyModifiers::CONTROL);
        Ok(Self { key, word: digit.map_or_else(|| key.to_string(), |digit| format!("Ctrl-{digit}")) })
    }
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&KeysConfig::default()).0
    }
}

impl Keymap {
    /// The table with the remaps of `config`, and every reason why a part of it does not hold. Keys in one remap are
    /// separated by blanks; an empty text takes the command's keys away.
    pub fn new(config: &KeysConfig) -> (Self, Vec<KeymapError>) {
        let mut errors = Vec::new();
        let mut remaps = remaps(config, &mut errors);
        let (keys, meaning) = loop {
            let keys = TABLE.iter().map(|entry| (entry.command, keys_of(entry, &remaps))).collect();
            match meanings(&keys) {
                Ok(meaning) => break (keys, meaning),
                Err(clash) => {
                    let (loser, other) = if remaps.contains_key(&clash.late) {
                        (clash.late, clash.early)
                    } else {
                        (clash.early, clash.late)
                    };
                    remaps.remove(&loser).expect("invariant: the table alone has no clash");
                    errors.push(KeymapError::Taken {
                        name: loser.name().to_owned(),
                        key: clash.key.to_string(),
                        other: other.name(),
                        context: clash.context.word(),
                    });
                }
            }
        };
        let (detach, detach_shell) = detach(config, &mut errors);
        (Self { meaning, keys, detach, detach_shell, config: config.clone() }, errors)
    }

    /// The command of a key, and the key's place among the keys of that command.
    pub fn command(&self, context: Context, key: Key) -> Option<(Command, usize)> {
        self.meaning.get(&(context, key)).copied()
    }

    /// In the order of the table; empty for a command of the palette.
    pub fn keys(&self, command: Command) -> &[Key] {
        self.keys.get(&command).map_or(&[], Vec::as_slice)
    }

    /// True: `key` leaves an attached session of this kind.
    pub fn detaches(&self, kind: SessionKind, key: Key) -> bool {
        self.detach_keys(kind).iter().any(|detach| detach.key == key)
    }

    /// Never empty.
    pub fn detach_keys(&self, kind: SessionKind) -> &[Detach] {
        if kind == SessionKind::Shell { &self.detach_shell } else { &self.detach }
    }

    /// True: commands that change a task stand behind `.` only.
    pub const fn strict(&self) -> bool {
        self.config.strict
    }

    /// `text` with `$name` replaced by the first key of that command, or by its name when it has none.
    pub fn spell(&self, text: &str) -> String {
        let mut parts = text.split('$');
        let mut spelled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|char: char| !char.is_ascii_lowercase() && char != '-').unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            match TABLE.iter().find(|entry| entry.name == name) {
                Some(entry) => spelled += &self.keys(entry.command).first().map_or(name.to_owned(), Key::to_string),
                None => spelled.extend(["$", name]),
            }
            spelled += rest;
        }
        spelled
    }

    /// What this map was made of.
    pub const fn config(&self) -> &KeysConfig {
        &self.config
    }
}

type Keys = HashMap<Command, Vec<Key>>;
/// The command of a key, and the key's place among its keys.
type Meanings = HashMap<(Context, Key), (Command, usize)>;

struct Clash {
    context: Context,
    key: Key,
    early: Command,
    late: Command,
}

fn remaps(config: &KeysConfig, errors: &mut Vec<KeymapError>) -> Keys {
    let mut remaps = Keys::new();
    for (name, text) in &config.bind {
        let Some(entry) = TABLE.iter().find(|entry| entry.name == name) else {
            let nearest = meant(name, TABLE.iter().map(|entry| entry.name));
            errors.push(KeymapError::NoCommand { name: name.clone(), nearest });
            continue;
        };
        let keys: Result<Vec<Key>, _> = text.split_whitespace().map(Key::parse).collect();
        match keys {
            Err(error) => errors.push(KeymapError::BadKey { name: name.clone(), error: Box::new(error) }),
            Ok(keys) if entry.counts() && keys.len() != entry.keys().len() => {
                errors.push(KeymapError::Count { name: name.clone(), wanted: entry.keys().len(), given: keys.len() });
            }
            Ok(keys) => {
                remaps.insert(entry.command, keys);
            }
        }
    }
    remaps
}

fn keys_of(entry: &Entry, remaps: &Keys) -> Vec<Key> {
    remaps.get(&entry.command).cloned().unwrap_or_else(|| entry.keys())
}

fn meanings(keys: &Keys) -> Result<Meanings, Clash> {
    let mut meaning = HashMap::new();
    for entry in TABLE {
        for &context in entry.contexts {
            for (index, &key) in keys[&entry.command].iter().enumerate() {
                if let Some((early, _)) = meaning.insert((context, key), (entry.command, index))
                    && early != entry.command
                {
                    return Err(Clash { context, key, early, late: entry.command });
                }
            }
        }
    }
    Ok(meaning)
}

fn detach(config: &KeysConfig, errors: &mut Vec<KeymapError>) -> (Vec<Detach>, Vec<Detach>) {
    let mut default = detach_list(&config.detach.default, errors);
    let mut shell = detach_list(&config.detach.shell, errors);
    if default.is_empty() {
        errors.push(KeymapError::NoDetach);
        default = detach_list(&KeysConfig::default().detach.default, errors);
    }
    if shell.is_empty() {
        shell.clone_from(&default);
    }
    (default, shell)
}

fn detach_list(texts: &[String], errors: &mut Vec<KeymapError>) -> Vec<Detach> {
    let mut keys = Vec::new();
    for text in texts {
        match Detach::parse(text) {
            Ok(key) => keys.push(key),
            Err(error) => errors.push(KeymapError::Detach(Box::new(error))),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(bind: &[(&str, &str)]) -> KeysConfig {
        let bind = bind.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect();
        KeysConfig { bind, ..KeysConfig::default() }
    }

    fn key(text: &str) -> Key {
        Key::parse(text).expect(text)
    }

    #[test]
    fn written_and_shown() {
        for (written, shown) in [
            ("ctrl-t", "Ctrl-T"),
            ("Ctrl-\\", "Ctrl-\\"),
            ("ctrl-4", "Ctrl-\\"),
            ("alt-1", "Alt-1"),
            ("shift-tab", "Shift-Tab"),
            ("shift-d", "D"),
            ("f12", "F12"),
            ("-", "-"),
            ("ctrl--", "Ctrl--"),
            ("space", "Space"),
            ("PgUp", "PgUp"),
        ] {
            assert_eq!(key(written).to_string(), shown);
        }
        for bad in ["", "ctrl-", "hyper-x", "f99", "two keys", "ctrl-m", "ctrl-i"] {
            assert!(Key::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_key_whatever_the_encoding() {
        let event = |char, mods| Key::from(KeyEvent::new(KeyCode::Char(char), mods));
        assert_eq!(event('4', KeyModifiers::CONTROL), key("ctrl-\\"));
        assert_eq!(event('\\', KeyModifiers::CONTROL), key("ctrl-4"));
        assert_eq!(event('d', KeyModifiers::SHIFT), key("D"));
        assert_eq!(event('D', KeyModifiers::SHIFT), event('D', KeyModifiers::NONE));
        assert_eq!(Key::from(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)), key("shift-tab"));
    }

    #[test]
    fn the_table_has_one_meaning_for_a_key_in_a_context() {
        let (_, errors) = Keymap::new(&KeysConfig::default());
        assert_eq!(errors, []);
    }

    #[test]
    fn keys_of_one_pane_never_shadow_acting_keys() {
        let acting: Vec<Key> = TABLE.iter().filter(|entry| entry.acts()).flat_map(Entry::keys).collect();
        for entry in TABLE.iter().filter(|entry| !entry.acts() && entry.contexts.len() < Context::ALL.len()) {
            for key in entry.keys() {
                assert!(!acting.contains(&key), "{key} of {} shadows a key that acts", entry.name);
            }
        }
    }

    #[test]
    fn every_command_can_have_another_key() {
        for entry in TABLE.iter().filter(|entry| !entry.counts()) {
            let (map, errors) = Keymap::new(&config(&[(entry.name, "ctrl-t f7")]));
            assert_eq!(errors, [], "{}", entry.name);
            assert_eq!(map.keys(entry.command), [key("ctrl-t"), key("f7")]);
            for &context in entry.contexts {
                assert_eq!(map.command(context, key("f7")), Some((entry.command, 1)));
            }
        }
    }

    #[test]
    fn keys_change_places() {
        let (map, errors) = Keymap::new(&config(&[("delete", "d"), ("diff", "D")]));
        assert_eq!(errors, []);
        assert_eq!(map.command(Context::List, key("d")).map(|it| it.0), Some(Command::Delete));
        assert_eq!(map.command(Context::List, key("D")).map(|it| it.0), Some(Command::Diff));
    }

    #[test]
    fn a_remap_that_cannot_hold_says_why_and_the_rest_stands() {
        let (map, errors) = Keymap::new(&config(&[
            ("merge", "d"),
            ("merg", "f5"),
            ("stop", "ctrl-m"),
            ("nth", "1 2"),
            ("quit", "f10"),
        ]));
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        keys.bind: there is no command "merg". Nearest: merge.
        keys.bind.nth: it takes 9 keys in a row, not 2
        keys.bind.stop: ctrl-m is the same byte as Enter in most terminals
        keys.bind.merge: d is diff in the list already; merge keeps its own key
        "#);
        assert_eq!(map.keys(Command::Merge), [key("M")]);
        assert_eq!(map.keys(Command::Quit), [key("f10")]);
    }

    #[test]
    fn the_detach_list_has_a_part_for_shells() {
        let mut keys = KeysConfig::default();
        keys.detach.shell = vec!["f12".to_owned()];
        let (map, errors) = Keymap::new(&keys);
        assert_eq!(errors, []);
        assert!(map.detaches(SessionKind::Executor, key("ctrl-4")));
        assert!(map.detaches(SessionKind::Designer, key("ctrl-q")));
        assert!(!map.detaches(SessionKind::Shell, key("ctrl-q")));
        assert!(map.detaches(SessionKind::Shell, key("f12")));

        keys.detach.default = vec!["nonsense".to_owned()];
        let (map, errors) = Keymap::new(&keys);
        assert_eq!(errors.len(), 2);
        assert!(map.detaches(SessionKind::Executor, key("ctrl-\\")));
    }
}
