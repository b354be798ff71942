//! How the faces reach the engine: requests in, snapshots, terminals and diffs out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::core::Core;
use super::message::{Answerer, Message};
use crate::model::{Answer, Diff, ExitStatus, Failure, ProjectId, Request, RunId, SessionId, Size, Snapshot};
use crate::pty::Terminal;
use crate::store::Home;

/// Where a session is: its project and its id in it.
pub type Place = (ProjectId, SessionId);

/// Requests that may wait; a face that sends more is stopped until the engine has caught up.
const INBOX: usize = 1024;

/// For how long after a key a person counts as typing.
const TYPED_LATELY: std::time::Duration = std::time::Duration::from_mins(2);

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
    /// A path in the repository to open.
    pub project: PathBuf,
}

/// The state that readers take without a lock.
pub(super) struct Shared {
    listener: Listener,
    pub snapshot: ArcSwap<Snapshot>,
    pub terminals: ArcSwap<HashMap<Place, Terminal>>,
    pub diffs: ArcSwap<HashMap<Place, Arc<Diff>>>,
    attention: Mutex<Attention>,
    /// Size of the pane in which sessions are shown: new ones begin with it.
    size: Mutex<Size>,
    waiting: Mutex<HashMap<RunId, SyncSender<ExitStatus>>>,
    /// Held by the one integration that is under way.
    pub integrations: Mutex<()>,
}

/// Where a person is at the moment: agents are not interrupted there.
#[derive(Debug, Default)]
struct Attention {
    attached: Option<Place>,
    typed: HashMap<Place, Instant>,
}

impl Shared {
    fn new(listener: Listener) -> Self {
        Self {
            listener,
            snapshot: ArcSwap::default(),
            terminals: ArcSwap::default(),
            diffs: ArcSwap::default(),
            attention: Mutex::default(),
            size: Mutex::default(),
            waiting: Mutex::default(),
            integrations: Mutex::default(),
        }
    }

    /// Tells the face that something is new.
    pub fn tell(&self, change: Change) {
        (self.listener)(change);
    }

    /// A person is attached to the session, or typed into it a short while ago.
    pub fn attended(&self, place: &Place) -> bool {
        let attention = self.attention.lock().unwrap_or_else(PoisonError::into_inner);
        attention.attached.as_ref() == Some(place)
            || attention.typed.get(place).is_some_and(|at| at.elapsed() < TYPED_LATELY)
    }

    /// When the person who typed into the session lately no longer counts as typing.
    pub fn typed_until(&self, place: &Place) -> Option<Instant> {
        let attention = self.attention.lock().unwrap_or_else(PoisonError::into_inner);
        attention.typed.get(place).map(|at| *at + TYPED_LATELY)
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
        self.attention.lock().unwrap_or_else(PoisonError::into_inner).typed.remove(place).is_some()
    }
}

/// A running engine. Dropping it ends the engine; the sessions go on.
pub struct Engine {
    inbox: mpsc::Sender<Message>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
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
        Ok(Self { inbox, shared, thread: Some(thread) })
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

    /// The terminal of a live session, or of one that has ended and whose screen is still there.
    pub fn terminal(&self, place: &Place) -> Option<Terminal> {
        self.shared.terminals.load().get(place).cloned()
    }

    pub fn diff(&self, place: &Place) -> Option<Arc<Diff>> {
        self.shared.diffs.load().get(place).cloned()
    }

    /// A person is attached to this session now, or to none.
    pub fn attach(&self, place: Option<Place>) {
        let mut attention = self.attention();
        let left = attention.attached.is_some() && attention.attached != place;
        attention.attached = place;
        drop(attention);
        if left {
            // What waited for the person to leave goes on.
            self.ask(Request::Hello, drop);
        }
    }

    /// Sessions are shown in a pane of this size: new ones begin with it.
    pub fn set_size(&self, size: Size) {
        *self.shared.size.lock().unwrap_or_else(PoisonError::into_inner) = size;
    }

    /// A person typed into a session.
    pub fn typed(&self, place: &Place) {
        self.attention().typed.insert(place.clone(), Instant::now());
    }

    fn attention(&self) -> std::sync::MutexGuard<'_, Attention> {
        self.shared.attention.lock().unwrap_or_else(PoisonError::into_inner)
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
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.inbox.blocking_send(Message::Leave);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
