//! How the faces reach the engine: requests in, snapshots, terminals and diffs out.
//!
//! Invariants: nothing here waits for the engine but `call` and `ready`; a listener is told from any thread and holds up
//! nobody.

use std::collections::HashMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::attention::{Attention, Viewer};
use super::core::Core;
use super::ground::now;
use super::message::{Answerer, Message};
use crate::git::Repo;
use crate::model::{
    Answer, Diff, ExitStatus, Failure, ProjectId, Request, RunId, SessionId, SessionKind, Size, Snapshot, TaskId,
};
use crate::pty::{Process, Terminal};
use crate::store::Home;

/// Where a session is: its project and its id in it.
pub type Place = (ProjectId, SessionId);

/// Requests that may wait; a face that sends more is stopped until the engine has caught up.
const INBOX: usize = 1024;

/// Tells a face that something is new, from any thread; must return at once.
pub type Listener = Arc<dyn Fn(Change) + Send + Sync>;

/// What is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// There is a newer snapshot.
    Snapshot,
    /// A visible terminal has other content.
    Screens,
    /// The watched session's diff is another one.
    Diff,
    /// The engine has ended: stopped, or gone over to another one.
    Ended,
}

/// What an engine needs to begin.
#[derive(Debug, Clone)]
pub struct Setting {
    pub home: Home,
    /// This program, for the shims.
    pub program: PathBuf,
    /// The repository to open.
    ///
    /// None: no project is opened before the others that are known.
    pub project: Option<First>,
}

/// The repository that an engine opens first.
#[derive(Debug, Clone)]
pub enum First {
    /// The one around this path.
    Path(PathBuf),
    /// One with a commit: found while another engine was still there.
    Repo(Box<Repo>),
}

/// The state that readers take without a lock.
pub(super) struct Shared {
    started: Timestamp,
    listeners: ArcSwap<Vec<Listener>>,
    pub snapshot: ArcSwap<Snapshot>,
    pub terminals: ArcSwap<HashMap<Place, Terminal>>,
    pub diffs: ArcSwap<HashMap<Place, Arc<Diff>>>,
    /// The shims of all processes: what descends from one acts for its session.
    pub shims: ArcSwap<Vec<(Process, Actor)>>,
    attention: Mutex<Attention>,
    /// Size of the pane in which sessions are shown: new ones begin with it.
    size: Mutex<Size>,
    waiting: Mutex<HashMap<RunId, SyncSender<ExitStatus>>>,
}

/// A session whose processes ask for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub place: Place,
    pub kind: SessionKind,
    /// The task that it works for: of jobs too.
    pub task: Option<TaskId>,
}

impl Shared {
    pub fn new(listener: Listener) -> Self {
        Self {
            started: now(),
            listeners: ArcSwap::from_pointee(vec![listener]),
            snapshot: ArcSwap::default(),
            terminals: ArcSwap::default(),
            diffs: ArcSwap::default(),
            shims: ArcSwap::default(),
            attention: Mutex::default(),
            size: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// Tells the faces that something is new.
    pub fn tell(&self, change: Change) {
        for listener in self.listeners.load().iter() {
            listener(change);
        }
    }

    fn attention(&self) -> MutexGuard<'_, Attention> {
        self.attention.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A person is attached to the session, or typed into it a short while ago.
    pub fn attended(&self, place: &Place) -> bool {
        self.attention().is_at(place)
    }

    /// When the person who typed into the session lately no longer counts as typing.
    pub fn typed_until(&self, place: &Place) -> Option<Instant> {
        self.attention().typed_until(place)
    }

    /// Tells of the end of a process that a job has started and waits for.
    pub fn wait_for(&self, run: &RunId) -> Receiver<ExitStatus> {
        let (sender, receiver) = sync_channel(1);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone(), sender);
        receiver
    }

    /// Nobody waits for a process any more: jobs that did are to end.
    pub fn stop_waiting(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A process has ended: whether a job waited for that.
    pub fn ended(&self, run: &RunId, status: ExitStatus) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
        waiting.is_some_and(|sender| sender.send(status).is_ok())
    }

    /// The size that a new session gets.
    pub fn size(&self) -> Size {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A person typed into the session since it was asked last.
    pub fn take_typed(&self, place: &Place) -> bool {
        self.attention().take_typed(place)
    }
}

/// A running engine. Dropping it ends the engine; the sessions go on.
pub struct Engine {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// The way to a running engine; clones go to other threads and may outlive it.
#[derive(Clone)]
pub struct Handle {
    inbox: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

/// A person at one session, elsewhere than at the engine's own screen; it ends when this is dropped.
pub struct Presence {
    handle: Handle,
    viewer: Viewer,
    place: Place,
}

/// Hears of changes until this is dropped.
#[must_use = "a listener that is dropped hears nothing"]
pub struct Listening {
    shared: Arc<Shared>,
    listener: Listener,
}

impl Engine {
    /// Starts the engine on a thread of its own; projects and sessions load there.
    ///
    /// Fails when another engine holds the lock or the terminals' thread cannot start.
    pub fn start(setting: Setting, listener: Listener) -> Result<Self, Failure> {
        let (inbox, messages) = mpsc::channel(INBOX);
        let shared = Arc::new(Shared::new(listener));
        let (core, beginning) = Core::new(setting, (inbox.clone(), messages), Arc::clone(&shared))?;
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || core.run(beginning))
            .map_err(Failure::internal)?;
        Ok(Self { handle: Handle { inbox, shared }, thread: Some(thread) })
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Deref for Engine {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.handle.inbox.blocking_send(Message::Leave);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Handle {
    pub fn started(&self) -> Timestamp {
        self.shared.started
    }

    /// The engine has ended: shut down, or gone over to another one.
    pub fn is_over(&self) -> bool {
        self.inbox.is_closed()
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// The state once the project that was asked for is open, or could not be opened.
    pub fn ready(&self) -> Arc<Snapshot> {
        // Requests are served after the opening.
        let _ = self.call(Request::Hello);
        self.snapshot()
    }

    /// One more listener, until what is returned is dropped.
    pub fn listen(&self, listener: Listener) -> Listening {
        self.shared.listeners.rcu(|listeners| {
            let mut more = Vec::clone(listeners);
            more.push(Arc::clone(&listener));
            more
        });
        Listening { shared: Arc::clone(&self.shared), listener }
    }

    /// The terminal of a live session, or of one that has ended and whose screen is still there.
    pub fn terminal(&self, place: &Place) -> Option<Terminal> {
        self.shared.terminals.load().get(place).cloned()
    }

    pub fn diff(&self, place: &Place) -> Option<Arc<Diff>> {
        self.shared.diffs.load().get(place).cloned()
    }

    /// The session for which a process acts: the one whose shim is its nearest ancestor. `chain` has the process and its
    /// ancestors, the nearest first.
    pub fn session_of(&self, chain: &[Process]) -> Option<Actor> {
        let shims = self.shared.shims.load();
        chain.iter().find_map(|process| shims.iter().find(|(shim, _)| shim == process).map(|(_, actor)| actor.clone()))
    }

    /// A person is attached to this session now, or to none.
    pub fn attach(&self, place: Option<Place>) {
        if self.shared.attention().attach(Viewer::FACE, place) {
            self.go_on();
        }
    }

    /// One more person is attached to a session, until what is returned is dropped.
    pub fn enter(&self, place: Place) -> Presence {
        let mut attention = self.shared.attention();
        let viewer = attention.viewer();
        attention.attach(viewer, Some(place.clone()));
        drop(attention);
        Presence { handle: self.clone(), viewer, place }
    }

    /// Whether a session that is shown has the size of the engine's own screen: nobody else came or typed there later.
    pub fn leads(&self, place: &Place) -> bool {
        self.shared.attention().leads(Viewer::FACE, place)
    }

    /// Sessions are shown in a pane of this size: new ones begin with it.
    pub fn set_size(&self, size: Size) {
        *self.shared.size.lock().unwrap_or_else(PoisonError::into_inner) = size;
    }

    /// A person typed into a session.
    pub fn typed(&self, place: &Place) {
        self.shared.attention().typed(Viewer::FACE, place);
    }

    /// Sends a request; `then` gets the answer on the engine's thread and must return at once.
    pub fn ask(&self, request: Request, then: impl FnOnce(Answer) + Send + 'static) {
        let message = Message::Ask(Box::new(request), Answerer::new(then));
        if let Err(error) = self.inbox.try_send(message)
            && let Message::Ask(_, answerer) = error.into_inner()
        {
            let why = if self.inbox.is_closed() { "has ended" } else { "is not keeping up" };
            answerer.answer(Err(Failure::internal(format!("the engine {why}; nothing was changed"))));
        }
    }

    /// Sends a request and waits for the answer.
    pub fn call(&self, request: Request) -> Answer {
        let (sender, receiver) = sync_channel(1);
        self.ask(request, move |answer| {
            let _ = sender.send(answer);
        });
        receiver.recv().unwrap_or_else(|_| Err(Failure::internal("the engine has ended")))
    }

    /// What waited for a person to leave goes on.
    fn go_on(&self) {
        self.ask(Request::Hello, drop);
    }
}

impl Presence {
    /// The person typed.
    pub fn typed(&self) {
        self.handle.shared.attention().typed(self.viewer, &self.place);
    }

    /// Whether the session has this person's size, since nobody came or typed there later. What is returned differs from
    /// one such time to the next.
    pub fn leads(&self) -> Option<u64> {
        let attention = self.handle.shared.attention();
        attention.leads(self.viewer, &self.place).then(|| attention.turn())
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.handle.shared.attention().attach(self.viewer, None);
        self.handle.go_on();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shared.listeners.rcu(|listeners| {
            let mut rest = Vec::clone(listeners);
            rest.retain(|listener| !Arc::ptr_eq(listener, &self.listener));
            rest
        });
    }
}
