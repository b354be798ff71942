//! The keys that leave a session, as bytes, in every form that a terminal may send them in.

use std::collections::BTreeSet;

use crossterm::event::KeyEvent;

use crate::model::{Config, SessionKind};
use crate::pty::{Modes, encode_key};
use crate::ui::keymap::Keymap;

const PASTE: &[u8] = b"\x1b[200~";
const PASTED: &[u8] = b"\x1b[201~";

/// The detach keys.
#[derive(Debug)]
pub struct Detach {
    /// Longest first: a key may begin as another one does.
    sequences: Vec<Vec<u8>>,
}

impl Detach {
    pub fn new(config: &Config, kind: SessionKind) -> Self {
        let (keymap, _) = Keymap::new(&config.keys);
        let mut sequences = BTreeSet::new();
        for detach in keymap.detach_keys(kind) {
            let event = KeyEvent::new(detach.key.code, detach.key.mods);
            for kitty in 0..32 {
                for modify_other_keys in 0..3 {
                    let modes = Modes { kitty, modify_other_keys, ..Modes::default() };
                    sequences.insert(encode_key(event, &modes));
                }
            }
        }
        let mut sequences: Vec<_> = sequences.into_iter().filter(|sequence| !sequence.is_empty()).collect();
        sequences.sort_by_key(|sequence| std::cmp::Reverse(sequence.len()));
        Self { sequences }
    }

    /// Where in the input a detach key stands; in pasted text none does. `pasting` goes from one input to the next.
    pub fn find(&self, bytes: &[u8], pasting: &mut bool) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let mark = if *pasting { PASTED } else { PASTE };
            if rest.starts_with(mark) {
                *pasting = !*pasting;
                at += mark.len();
            } else if !*pasting && self.sequences.iter().any(|sequence| rest.starts_with(sequence)) {
                return Some(at);
            } else {
                at += 1;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_in_all_their_forms() {
        let detach = Detach::new(&Config::default(), SessionKind::Executor);
        for (bytes, wanted) in [
            (&b"\x1c"[..], Some(0)),
            (b"\x11", Some(0)),
            (b"ls\r\x1crest", Some(3)),
            (b"\x1b[113;5u", Some(0)),
            (b"\x1b[92;5u", Some(0)),
            (b"\x1b[27;5;113~", Some(0)),
            (b"q\\", None),
            (b"\x03\x1b[A", None),
            (b"\x1b[113u", None),
            (b"\x1b[200~a\x1cb\x1b[201~", None),
            (b"\x1b[200~a\x1b[201~\x1c", Some(13)),
        ] {
            assert_eq!(detach.find(bytes, &mut false), wanted, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_paste_may_come_in_parts() {
        let detach = Detach::new(&Config::default(), SessionKind::Executor);
        let mut pasting = false;
        assert_eq!(detach.find(b"\x1b[200~one", &mut pasting), None);
        assert_eq!(detach.find(b"\x1ctwo", &mut pasting), None);
        assert_eq!(detach.find(b"\x1b[201~\x1c", &mut pasting), Some(6));
    }

    #[test]
    fn shells_may_have_a_list_of_their_own() {
        let mut config = Config::default();
        config.keys.detach.shell = vec!["f12".to_owned()];
        let detach = Detach::new(&config, SessionKind::Shell);
        assert_eq!(detach.find(b"\x1c\x11", &mut false), None);
        assert_eq!(detach.find(b"x\x1b[24~", &mut false), Some(1));
    }
}
