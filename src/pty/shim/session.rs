//! The program of a shim and the stream of its output.
//!
//! Invariants: a replay begins where its base ends, with nothing left out in between, or says that it can't; the child is
//! signalled only while it was not waited for.

use rustix::process::{Pid, Signal, kill_process_group};

use super::query::Queries;
use super::spawn::Pty;
use super::typing::Typing;
use crate::model::{ExitStatus, Size};
use crate::pty::frame::{Attach, Hello, Up, VERSION};
use crate::pty::history::{Frame, Reader, Writer};
use crate::pty::place::Pids;

/// The program and its stream.
pub struct Session {
    pub pty: Pty,
    pub pids: Pids,
    pub life: Life,
    first_size: Size,
    pub history: Writer,
    pub checkpoint: Option<(u64, Vec<u8>)>,
    pub typing: Typing,
    pub queries: Queries,
    pub answered: u64,
    pub handled: u64,
}

/// Where the program is between start and end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Running,
    Stopped,
    /// It has ended, and its last words are still in the terminal: at most so many bytes.
    Ending(ExitStatus, usize),
    Ended(ExitStatus),
}

impl Session {
    pub fn new(pty: Pty, pids: Pids, history: Writer) -> Self {
        let (checkpoint, first_size) = (None, history.size());
        let (typing, queries) = (Typing::default(), Queries::default());
        let life = Life::Running;
        Self { pty, pids, life, first_size, history, checkpoint, typing, queries, answered: 0, handled: 0 }
    }

    pub const fn ended(&self) -> bool {
        matches!(self.life, Life::Ending(..) | Life::Ended(_))
    }

    pub fn hello(&self) -> Hello {
        Hello {
            version: VERSION,
            shim: self.pids.shim,
            child: self.pids.child,
            size: self.history.size(),
            offset: self.history.end(),
            answered: self.answered,
            handled: self.handled,
            stopped: self.life == Life::Stopped,
        }
    }

    /// The history from exactly `from` on, if it is all there.
    pub fn exact(&self, from: u64) -> Option<Reader> {
        let reader = self.history.replay(from);
        (from == self.history.end() || reader.start() == Some(from)).then_some(reader)
    }

    /// Answers what nobody answered, now that nobody is there to do it.
    pub fn answer_alone(&mut self) {
        for frame in self.history.replay(self.answered) {
            if let Frame::Bytes { bytes, .. } = frame {
                self.typing.answer(&self.queries.answers(&bytes));
            }
        }
        self.answered = self.history.end();
    }

    pub fn resume(&self) {
        // Not reaped yet, so the pid is still the child's.
        if !self.ended() {
            let child = i32::try_from(self.pids.child.pid).ok().and_then(Pid::from_raw);
            let foreground = rustix::termios::tcgetpgrp(&self.pty).ok();
            for group in child.into_iter().chain(foreground) {
                // A group that is gone needs no resuming.
                kill_process_group(group, Signal::CONT).unwrap_or_default();
            }
        }
    }

    /// Where a peer's replay begins, and from what: its own screen, the checkpoint, or a blank one, which is given to
    /// `send` where the peer does not have it.
    pub fn base(&mut self, attach: &Attach, send: impl FnOnce(Up)) -> (u64, Reader) {
        drop(self.history.flush());
        let at = |from: u64| self.exact(from).map(|reader| (from, reader));
        if let Some(found) = attach.have.filter(|&have| have <= self.history.end()).and_then(at) {
            return found;
        }
        if let Some((offset, blob)) = self.checkpoint.as_ref().filter(|_| !attach.no_checkpoint)
            && let Some(found) = at(*offset)
        {
            send(Up::Checkpoint { offset: *offset, blob });
            return found;
        }
        let (offset, reader) = at(0).unwrap_or_else(|| {
            let late = self.history.late_start();
            let reader = self.history.replay(late);
            (reader.start().unwrap_or(late), reader)
        });
        send(Up::Blank { offset, size: reader.first_size().unwrap_or(self.first_size) });
        (offset, reader)
    }
}
