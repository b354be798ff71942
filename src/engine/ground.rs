//! What the engine stands on: its home with the lock, and its clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::model::{Failure, FailureKind};
use crate::store::Home;
use crate::store::atomic;
use crate::store::lock::Lock;

/// The home folder of one engine, held by its lock.
pub(super) struct Ground {
    pub home: Home,
    /// Goes to the front of every agent's `PATH`: holds this program under its name.
    pub bin: PathBuf,
    pub clock: Clock,
    _lock: Lock,
}

/// Times and numbers that only go up.
pub(super) struct Clock {
    began: Instant,
    /// Last stem of a run's id, in microseconds since the epoch.
    last: i64,
    generation: u64,
}

/// The engine's clock.
#[expect(clippy::disallowed_methods, reason = "the engine's one home of the clock")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

impl Ground {
    /// Makes the home folder and takes its lock; `program` is this program.
    pub fn take(home: Home, program: &Path) -> Result<Self, Failure> {
        home.create().map_err(Failure::internal)?;
        let lock = Lock::acquire(&home.engine_lock(), now()).map_err(|error| {
            Failure::new(FailureKind::LockHeld, error.to_string()).hint("Leave it with q, then start again.")
        })?;
        home.sweep();
        Ok(Self { bin: link_program(&home, program)?, clock: Clock::start(), home, _lock: lock })
    }
}

/// Puts this program under its name where agents find it.
fn link_program(home: &Home, program: &Path) -> Result<PathBuf, Failure> {
    let bin = home.run().join("bin");
    atomic::create_private_dir(&bin).map_err(Failure::internal)?;
    let link = bin.join("orchestra");
    if std::fs::read_link(&link).ok().as_deref() != Some(program) {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(program, &link)
            .map_err(|error| Failure::internal(format!("cannot link {}: {error}", link.display())))?;
    }
    Ok(bin)
}

impl Clock {
    pub fn start() -> Self {
        Self { began: Instant::now(), last: 0, generation: 0 }
    }

    pub const fn began(&self) -> Instant {
        self.began
    }

    /// Time since the engine began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A number that no run has had yet, and the time now.
    pub fn stem(&mut self) -> (i64, Timestamp) {
        let now = now();
        self.last = now.as_microsecond().max(self.last + 1);
        (self.last, now)
    }

    /// The number of the next snapshot.
    pub const fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }
}
