//! The stop ladder: ask the program to leave, TERM, KILL, for all that descends from the shim.
//!
//! Invariant: as a subreaper (Linux) the shim is the ancestor of everything that its program started, whatever group or
//! session it moved to; so a look at the process table finds all of it. Engines and shims of our own are spared. It ends at most `quit_grace + term_grace +`
//! [`KILL_GRACE`] after its begin. Elsewhere what cut all ties to the program is not found.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::pty::frame::StopPlan;
use crate::pty::kin::is_kin;
use crate::pty::process::{Process, descendants};

/// How long killed processes may take to go.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// The time between two looks: the end of a grandchild is not told to anybody but its parent.
const LOOK: Duration = Duration::from_millis(50);

/// A stop under way.
pub struct Ladder {
    rung: Rung,
    term_grace: Duration,
    /// The folder of all sessions.
    run: PathBuf,
    /// When the next rung is due.
    climb: Instant,
    /// When HUP goes out, half-way between TERM and KILL.
    hang_up: Option<Instant>,
    look: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rung {
    Quit,
    Term,
    Kill,
}

impl Ladder {
    /// Begins at the lowest rung; `plan.quit` must have been typed.
    ///
    /// `run` is the folder of all sessions.
    pub fn new(plan: &StopPlan, run: PathBuf, now: Instant) -> Self {
        let grace = if plan.quit.is_some() { plan.quit_grace } else { Duration::ZERO };
        Self { rung: Rung::Quit, term_grace: plan.term_grace, run, climb: now + grace, hang_up: None, look: now }
    }

    /// When to call [`Ladder::advance`] again.
    pub fn due(&self) -> Instant {
        self.look
    }

    /// Looks and climbs; once it is over, returns the pids that are left. `ended` tells whether the program itself has
    /// ended, so that there is nobody to ask.
    pub fn advance(&mut self, now: Instant, ended: bool) -> Option<Vec<u32>> {
        if now < self.look {
            return None;
        }
        self.look = now + LOOK;
        let left = descendants(std::process::id(), |pid| is_kin(&self.run, pid));
        if left.is_empty() {
            return Some(Vec::new());
        }
        if self.rung == Rung::Quit && (ended || now >= self.climb) {
            (self.rung, self.climb) = (Rung::Term, now + self.term_grace);
            self.hang_up = Some(now + self.term_grace / 2);
            // What is stopped can't go before CONT.
            send(&left, Signal::TERM);
            send(&left, Signal::CONT);
        } else if self.rung == Rung::Term && now >= self.climb {
            (self.rung, self.climb) = (Rung::Kill, now + KILL_GRACE);
        }
        // A shell ignores TERM and goes at HUP; what cleans up after TERM must not be hurried by it.
        if self.hang_up.take_if(|due| now >= *due).is_some() {
            send(&left, Signal::HUP);
        }
        if self.rung == Rung::Kill {
            if now >= self.climb {
                return Some(left.iter().map(|process| process.pid).collect());
            }
            send(&left, Signal::KILL);
        }
        None
    }
}

fn send(to: &[Process], signal: Signal) {
    for process in to {
        process.signal(signal);
    }
}
