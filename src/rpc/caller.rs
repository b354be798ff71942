//! Who asks: a person, or the agent of a session from which the calling process descends.
//!
//! Invariant: what a process says of itself never counts, only where it descends from; a process of a session that is not
//! known yet has no rights at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crate::engine::{Actor, Handle, Place};
use crate::model::{SessionKind, TaskId};
use crate::pty::{self, Process};
use crate::store::Home;

/// How long the engine may take to hear of a session of its own.
const START: Duration = Duration::from_secs(5);

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    Person,
    /// The project's designer.
    Designer(Place),
    /// The agent of a task, or a gate or setup script of it.
    Executor {
        place: Place,
        task: TaskId,
    },
    /// A process of ours that belongs to no known session.
    Stranger,
}

impl Caller {
    /// The process `pid`, as it descends now. Blocks: it reads the process table, and may ask the engine.
    pub fn of(pid: u32, handle: &Handle, home: &Home) -> Self {
        let chain = pty::ancestry(pid);
        let known = |shim: &PathBuf| shim.starts_with(home.run());
        let shim = chain.iter().position(|process| pty::shim_dir(process.pid).as_ref().is_some_and(known));
        let mut actor = handle.session_of(&chain);
        if actor.is_none() && shim.is_some() {
            actor = soon_known(handle, &chain);
        }
        match actor {
            Some(actor) => Self::acting(actor),
            None if shim.is_some() => Self::Stranger,
            None => Self::Person,
        }
    }

    fn acting(Actor { place, kind, task }: Actor) -> Self {
        match (kind, task) {
            (SessionKind::Shell, _) => Self::Person,
            (SessionKind::Designer, _) => Self::Designer(place),
            (SessionKind::Executor | SessionKind::Job, Some(task)) => Self::Executor { place, task },
            (SessionKind::Executor | SessionKind::Job, None) => Self::Stranger,
        }
    }

    /// The session whose rights it has; none for a person.
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::Designer(place) | Self::Executor { place, .. } => Some(place),
            Self::Person | Self::Stranger => None,
        }
    }
}

/// Waits until the engine knows the session: that it has started, or that a new engine goes on with it, may be on the way.
fn soon_known(handle: &Handle, chain: &[Process]) -> Option<Actor> {
    let (sender, changes) = sync_channel(1);
    let _listening = handle.listen(Arc::new(move |_| {
        // Full: there is news that has not been looked at yet.
        let _ = sender.try_send(());
    }));
    let deadline = Instant::now() + START;
    loop {
        if let Some(actor) = handle.session_of(chain) {
            return Some(actor);
        }
        changes.recv_timeout(deadline.checked_duration_since(Instant::now())?).ok()?;
    }
}
