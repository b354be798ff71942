//! What waits to be typed into the program.
//!
//! Invariants: input keeps its order, also around the pause inside a submission; answers to queries go before input that
//! waits, but never into the middle of a piece whose writing has begun (an answer inside a bracketed paste is text).

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use crate::pty::frame::Submit;

/// More input than this waits for no program: what comes then is dropped, as a terminal does. In bytes.
const BACKLOG_MAX: usize = 32 << 20;
/// A program that asks and never reads gets no more answers beyond this, in bytes.
const ANSWERS_MAX: usize = 64 << 10;

/// The queue between a shim's peers and its program.
#[derive(Default)]
pub struct Typing {
    answers: Vec<u8>,
    steps: VecDeque<Step>,
    /// How much of the first step is written.
    begun: usize,
    backlog: usize,
}

enum Step {
    Type(Vec<u8>),
    Wait(Duration),
    Until(Instant),
    Submitted(String),
}

impl Typing {
    pub fn input(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || self.backlog + bytes.len() > BACKLOG_MAX {
            return;
        }
        self.backlog += bytes.len();
        match self.steps.back_mut() {
            Some(Step::Type(waiting)) => waiting.extend_from_slice(bytes),
            _ => self.steps.push_back(Step::Type(bytes.to_vec())),
        }
    }

    pub fn answer(&mut self, bytes: &[u8]) {
        if self.answers.len() <= ANSWERS_MAX {
            self.answers.extend_from_slice(bytes);
        }
    }

    pub fn submit(&mut self, submit: &Submit) {
        self.backlog += submit.paste.len() + submit.enter.len();
        self.steps.push_back(Step::Type(submit.paste.to_vec()));
        self.steps.push_back(Step::Wait(submit.delay));
        self.steps.push_back(Step::Type(submit.enter.to_vec()));
        self.steps.push_back(Step::Submitted(submit.id.to_owned()));
    }

    /// Forgets all: the program has ended.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether bytes wait for the program to read.
    pub fn blocked(&self) -> bool {
        !self.answers.is_empty() || matches!(self.steps.front(), Some(Step::Type(_)))
    }

    /// When the pause that is under way ends.
    pub fn due(&self) -> Option<Instant> {
        match self.steps.front() {
            Some(Step::Until(due)) => Some(*due),
            _ => None,
        }
    }

    /// Types what the program takes now; returns the ids of the messages that are typed now.
    pub fn advance(&mut self, now: Instant, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> Vec<String> {
        let mut submitted = Vec::new();
        loop {
            if self.begun == 0 && !self.answers.is_empty() {
                let Ok(taken) = write(&self.answers) else { break };
                self.answers.drain(..taken);
                continue;
            }
            match self.steps.front_mut() {
                Some(Step::Type(bytes)) => {
                    if self.begun < bytes.len() {
                        let Ok(taken) = write(&bytes[self.begun..]) else { break };
                        (self.begun, self.backlog) = (self.begun + taken, self.backlog - taken);
                    }
                    if self.begun < bytes.len() {
                        continue;
                    }
                    self.begun = 0;
                }
                Some(step @ Step::Wait(_)) => {
                    if let Step::Wait(delay) = *step {
                        *step = Step::Until(now + delay);
                    }
                    continue;
                }
                Some(Step::Until(due)) if *due > now => break,
                Some(Step::Until(_)) => {}
                Some(Step::Submitted(id)) => submitted.push(std::mem::take(id)),
                None => break,
            }
            self.steps.pop_front();
        }
        submitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(300);

    /// A terminal that takes `room` bytes at a time, and as often as `turns` says.
    fn advance(typing: &mut Typing, now: Instant, room: usize, turns: usize) -> (Vec<u8>, Vec<String>) {
        let (mut typed, mut turns) = (Vec::new(), turns);
        let done = typing.advance(now, |bytes| {
            turns = turns.checked_sub(1).ok_or(io::ErrorKind::WouldBlock)?;
            let taken = bytes.len().min(room);
            typed.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        });
        (typed, done)
    }

    #[test]
    fn a_submission_pauses_before_enter_and_holds_later_input() {
        let (mut typing, start) = (Typing::default(), Instant::now());
        typing.submit(&Submit { id: "m1", delay: DELAY, paste: b"text", enter: b"\r" });
        typing.input(b"later");
        assert_eq!(advance(&mut typing, start, 99, 99), (b"text".to_vec(), vec![]));
        assert_eq!(typing.due(), Some(start + DELAY));
        assert!(!typing.blocked());
        assert_eq!(advance(&mut typing, start + DELAY / 2, 99, 99), (vec![], vec![]));
        assert_eq!(advance(&mut typing, start + DELAY, 99, 99), (b"\rlater".to_vec(), vec!["m1".to_owned()]));
        assert_eq!((typing.due(), typing.backlog), (None, 0));
    }

    #[test]
    fn answers_pass_input_but_not_the_piece_under_way() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        typing.submit(&Submit { id: "m1", delay: DELAY, paste: b"paste", enter: b"\r" });
        assert_eq!(advance(&mut typing, now, 2, 1).0, b"pa");
        typing.answer(b"<a>");
        assert!(typing.blocked());
        assert_eq!(advance(&mut typing, now, 2, 99).0, b"ste<a>", "the pause holds Enter");
        typing.answer(b"<b>");
        assert_eq!(advance(&mut typing, now, 99, 99).0, b"<b>", "the pause holds no answer");
    }

    #[test]
    fn input_that_nobody_reads_is_bounded() {
        let mut typing = Typing::default();
        for _ in 0..100 {
            typing.input(&vec![b'x'; 1 << 20]);
        }
        assert_eq!(typing.backlog, BACKLOG_MAX);
    }
}
