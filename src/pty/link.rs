//! One session as the engine's threads share it: the way to its shim, its screen, and the facts that are known.
//!
//! Invariants: frames go out whole and in order, whoever sends; sending never blocks; the screen's lock is held for the
//! parsing of at most [`PIECE`] bytes or one copy.

use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::PtyError;
use super::frame::{Down, Hello, split};
use super::grid::Grid;
use super::place::{Pids, Place};
use super::screen::Screen;
use crate::model::{ExitStatus, RunId};

/// The most that is parsed under one hold of the lock, in bytes.
pub const PIECE: usize = 64 << 10;
/// How long an unfinished synchronized update hides what it has drawn.
pub const SYNC: Duration = Duration::from_millis(150);
/// More than this waits for no shim, in bytes.
const QUEUE_MAX: usize = 64 << 20;

/// What a [`Terminal`](super::Terminal) and the hub share.
pub struct Link {
    pub run: RunId,
    pub place: Place,
    outbox: Mutex<Outbox>,
    shown: Mutex<Shown>,
    facts: Mutex<Facts>,
    told: Condvar,
    generation: AtomicU64,
    /// Something changed since the last copy, and the UI knows.
    pub dirty: AtomicBool,
    /// How many faces show it.
    pub viewers: AtomicUsize,
}

/// The way to the shim.
#[derive(Default)]
struct Outbox {
    stream: Option<Arc<UnixStream>>,
    queue: Vec<u8>,
    written: usize,
}

/// The screen, and how much of the stream is in it.
pub struct Shown {
    pub screen: Screen,
    pub at: u64,
    /// Since when a synchronized update is under way.
    pub sync_since: Option<Instant>,
}

/// What the shim told.
#[derive(Debug, Clone)]
pub struct Facts {
    pub pids: Pids,
    pub exit: Option<ExitStatus>,
    pub stopped: bool,
    /// What the last stop could not end.
    pub left: Vec<u32>,
    /// How many flushes of the history were asked for, and how many of them are done.
    pub flushes_asked: u64,
    pub flushes_done: u64,
    /// The screen has all that was written before the engine came.
    pub live: bool,
}

impl Link {
    pub fn new(run: RunId, place: Place, hello: &Hello) -> Self {
        let shown = Shown { screen: Screen::new(hello.size), at: 0, sync_since: None };
        let pids = Pids { shim: hello.shim, child: hello.child };
        let facts = Facts {
            pids,
            exit: None,
            stopped: hello.stopped,
            left: Vec::new(),
            flushes_asked: 0,
            flushes_done: 0,
            live: false,
        };
        Self {
            run,
            place,
            outbox: Mutex::default(),
            shown: Mutex::new(shown),
            facts: Mutex::new(facts),
            told: Condvar::new(),
            generation: AtomicU64::new(0),
            dirty: AtomicBool::new(false),
            viewers: AtomicUsize::new(0),
        }
    }

    pub fn connect(&self, stream: Arc<UnixStream>) {
        *lock(&self.outbox) = Outbox { stream: Some(stream), ..Outbox::default() };
    }

    /// Uses `stream` from now on: first `attach`, then the frames that the former one did not take whole.
    pub fn reconnect(&self, stream: Arc<UnixStream>, attach: &Down) {
        let mut outbox = lock(&self.outbox);
        let mut queue = Vec::new();
        attach.encode(&mut queue);
        queue.extend_from_slice(outbox.untaken());
        *outbox = Outbox { stream: Some(stream), queue, written: 0 };
        outbox.flush();
    }

    pub fn disconnect(&self) {
        *lock(&self.outbox) = Outbox::default();
        self.told.notify_all();
    }

    /// Sends at once what the socket takes; the hub sends the rest, on a new connection if this one is broken.
    pub fn send(&self, frame: &Down) -> Result<(), PtyError> {
        let mut outbox = lock(&self.outbox);
        let queued = outbox.queue.len() - outbox.written;
        if outbox.stream.is_none() {
            return Err(PtyError::Disconnected(self.place.dir().to_owned()));
        }
        if queued > QUEUE_MAX {
            return Err(PtyError::Busy { dir: self.place.dir().to_owned(), queued });
        }
        frame.encode(&mut outbox.queue);
        outbox.flush();
        Ok(())
    }

    /// Sends what waits, as far as the socket takes it.
    pub fn flush(&self) {
        lock(&self.outbox).flush();
    }

    /// Something waits for the socket to take more.
    pub fn is_stuck(&self) -> bool {
        !lock(&self.outbox).queue.is_empty()
    }

    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        lock(&self.shown)
    }

    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        lock(&self.facts)
    }

    /// Changes the facts and wakes who waits for them.
    pub fn learn<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        let learned = change(&mut lock(&self.facts));
        self.told.notify_all();
        learned
    }

    /// Waits until the facts are so, for at most `patience`; whether they are.
    pub fn wait_for(&self, patience: Duration, mut so: impl FnMut(&Facts) -> bool) -> bool {
        let facts = lock(&self.facts);
        let waited = self.told.wait_timeout_while(facts, patience, |facts| !so(facts));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn advance_generation(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Brings `grid` up to date; not in the middle of a synchronized update, and then `false`.
    pub fn copy_grid(&self, grid: &mut Grid) -> bool {
        self.dirty.store(false, Ordering::Release);
        let shown = lock(&self.shown);
        if shown.sync_since.is_some_and(|since| since.elapsed() < SYNC) {
            return false;
        }
        shown.screen.copy_into(grid);
        true
    }
}

impl Outbox {
    /// A broken connection shows itself to who reads it; what it did not take stays.
    fn flush(&mut self) {
        let Some(stream) = &self.stream else { return };
        while self.written < self.queue.len() {
            match (&**stream).write(&self.queue[self.written..]) {
                Ok(taken) => self.written += taken,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
        self.written = 0;
        self.queue.clear();
        self.queue.shrink_to(PIECE);
    }

    /// The queue from the first frame on that was not written whole.
    fn untaken(&self) -> &[u8] {
        let mut from = 0;
        while let Ok(Some(sealed)) = split(&self.queue[from..])
            && from + sealed.len() <= self.written
        {
            from += sealed.len();
        }
        &self.queue[from..]
    }
}

/// A panic elsewhere leaves these values whole: each is changed in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
