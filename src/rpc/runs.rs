//! The runs of a session that begin while a client follows it.
//!
//! Invariant: each is kept until it was followed, so that an agent that has gone by the time that the client asks again is heard
//! too; what is kept is bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::engine::{Handle, Place};
use crate::model::RunId;
use crate::pty::Terminal;

/// More runs that nobody asks for are not kept, but for the newest one.
const KEPT: usize = 32;

/// The runs of one session.
pub struct Runs {
    place: Place,
    caught: Mutex<Caught>,
}

#[derive(Default)]
struct Caught {
    /// The newest one that was seen.
    newest: Option<RunId>,
    /// Those that were not followed yet, oldest first.
    waiting: VecDeque<Terminal>,
}

/// All sessions that are followed.
#[derive(Default)]
pub struct Followed(Mutex<Vec<Weak<Runs>>>);

impl Followed {
    /// The runs of a session from the one on that is there now.
    pub fn begin(&self, handle: &Handle, place: Place) -> Arc<Runs> {
        let runs = Arc::new(Runs { place, caught: Mutex::default() });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|runs| runs.strong_count() > 0);
        all.push(Arc::downgrade(&runs));
        drop(all);
        runs.look(handle);
        runs
    }

    /// Looks for new runs; on the engine's thread, so that none of them is over before.
    pub fn look(&self, handle: &Handle) {
        let all: Vec<_> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
        for runs in all {
            runs.look(handle);
        }
    }
}

impl Runs {
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The oldest run that was not followed yet.
    pub fn next(&self) -> Option<Terminal> {
        self.caught.lock().unwrap_or_else(PoisonError::into_inner).waiting.pop_front()
    }

    fn look(&self, handle: &Handle) {
        let mut caught = self.caught.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(terminal) = handle.terminal(&self.place) else { return };
        if caught.newest.as_ref() != Some(terminal.run()) && caught.waiting.len() < KEPT {
            caught.newest = Some(terminal.run().clone());
            caught.waiting.push_back(terminal);
        }
    }
}
