//! Answers to the terminal queries that a program would stall on while no engine is connected.
//!
//! There is no screen here, so only what needs none is answered: what kind of terminal this is, its colors, which modes
//! exist. Invariant: constant memory, whatever comes.

use memchr::memchr;

use crate::pty::color::Palette;
use crate::pty::reply::{Query, color_report};

/// The longest query that is looked at, in bytes.
const QUERY_MAX: usize = 24;
/// More answers than this to one piece of output are no honest questions (a binary file on the screen), in bytes.
const ANSWERS_MAX: usize = 4 << 10;
/// Modes that exist here, and are told as reset: a program sets what it needs after it asked.
const MODES: [&[u8]; 5] = [b"1004", b"1006", b"2004", b"2026", b"25"];

/// Finds queries in output, also where a read cuts them.
#[derive(Default)]
pub struct Queries {
    state: State,
    body: Vec<u8>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    Csi,
    Osc,
    /// An ESC inside an OSC: the first half of its end.
    OscEscape,
}

impl Queries {
    /// The answers to the queries in `bytes`, in their order.
    pub fn answers(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            if self.state == State::Ground {
                let Some(at) = memchr(0x1b, bytes) else { return out };
                bytes = &bytes[at + 1..];
                self.state = State::Escape;
            }
            let Some((&byte, rest)) = bytes.split_first() else { return out };
            bytes = rest;
            self.step(byte, &mut out);
            out.truncate(ANSWERS_MAX);
        }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = match (self.state, byte) {
            (State::Osc, 0x1b) => State::OscEscape,
            (_, 0x1b) => State::Escape,
            (State::Escape, b'[') => self.enter(State::Csi),
            (State::Escape, b']') => self.enter(State::Osc),
            (State::Csi, 0x20..=0x3f) | (State::Osc, 0x20..) => {
                self.keep(byte);
                self.state
            }
            (State::Csi, 0x40..=0x7e) => {
                csi(&self.body, byte, out);
                State::Ground
            }
            (State::Osc, 0x07) | (State::OscEscape, b'\\') => {
                osc(&self.body, out);
                State::Ground
            }
            _ => State::Ground,
        };
    }

    fn enter(&mut self, state: State) -> State {
        self.body.clear();
        state
    }

    fn keep(&mut self, byte: u8) {
        if self.body.len() <= QUERY_MAX {
            self.body.push(byte);
        }
    }
}

fn csi(body: &[u8], last: u8, out: &mut Vec<u8>) {
    let query = match (last, body) {
        (b'c', b"" | b"0") => Query::PrimaryAttributes,
        (b'c', b">" | b">0") => Query::SecondaryAttributes,
        (b'n', b"5") => Query::Status,
        (b'q', b">" | b">0") => Query::Version,
        (b'p', [b'?', mode @ .., b'$']) => {
            let known = if MODES.contains(&mode) { b"2" } else { b"0" };
            return out.extend([b"\x1b[?", mode, b";", known, b"$y"].concat());
        }
        _ => return,
    };
    out.extend_from_slice(query.fixed().unwrap_or_default().as_bytes());
}

fn osc(body: &[u8], out: &mut Vec<u8>) {
    let palette = Palette::default();
    for query in Query::from_osc(body) {
        let answer = match query {
            Query::Foreground => color_report("10", palette.foreground),
            Query::Background => color_report("11", palette.background),
            other => other.fixed().unwrap_or_default().to_owned(),
        };
        out.extend_from_slice(answer.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKED: &[u8] =
        b"text\x1b]7501;?\x07\x1b[c\x1b[>c\x1b[5n\x1b[>0q\x1b]11;?\x1b\\\x1b[?2026$p\x1b[?9999$p\x1b[6n\x1b[31m";
    const ANSWERED: &str = concat!(
        "\x1b]7501;?\x1b\\\x1b[?62;22;52c\x1b[>1;10;0c\x1b[0n\x1bP>|orchestra ",
        env!("CARGO_PKG_VERSION"),
        "\x1b\\\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?2026;2$y\x1b[?9999;0$y"
    );

    #[test]
    fn queries_are_answered_in_their_order_and_the_cursor_never() {
        assert_eq!(Queries::default().answers(ASKED), ANSWERED.as_bytes());
    }

    #[test]
    fn fault_t4_an_endless_sequence_takes_no_memory() {
        let mut queries = Queries::default();
        for _ in 0..100 {
            assert!(queries.answers(&[b"\x1b]11;?".to_vec(), vec![b'x'; 64 << 10]].concat()).is_empty());
            assert!(queries.body.len() <= QUERY_MAX + 1);
        }
        assert!(queries.answers(&b"\x1b[c".repeat(100_000)).len() <= ANSWERS_MAX);
    }

    proptest! {
        #[test]
        fn a_cut_anywhere_changes_nothing(cuts in prop::collection::vec(0..ASKED.len(), 0..6)) {
            let mut cuts = cuts;
            cuts.extend([0, ASKED.len()]);
            cuts.sort_unstable();
            let mut queries = Queries::default();
            let answers: Vec<u8> = cuts.windows(2).flat_map(|cut| queries.answers(&ASKED[cut[0]..cut[1]])).collect();
            prop_assert_eq!(answers, ANSWERED.as_bytes());
        }
    }
}
