//! The server: one thread with a runtime of its own, which takes connections until it is dropped.
//!
//! Invariants: every connection is a task of this thread, ended with it; the socket is gone before the last answers are
//! written; a connection of another user, or one too many, is closed at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::address::Address;
use super::connection;
use super::journal::Journal;
use super::keys::Keys;
use super::runs::Followed;
use super::wire::{Face, Fault};
use crate::engine::{Change, Handle, Listening};
use crate::model::{Failure, FailureKind};
use crate::store::Home;

/// Connections at once.
const CONNECTIONS: usize = 256;
/// How long answers that are under way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Between two looks at a state that changes all the time.
const PACE: Duration = Duration::from_millis(10);
/// After a connection could not be taken (no descriptor is free): before the next one.
const BREATH: Duration = Duration::from_millis(100);

/// A socket that is served until this is dropped.
pub struct Server {
    service: Arc<Service>,
    _listening: Listening,
    thread: Option<JoinHandle<()>>,
}

/// What all connections share.
pub struct Service {
    pub handle: Handle,
    pub home: Home,
    pub face: Face,
    pub journal: Journal,
    pub keys: Keys,
    /// Connections that have said hello.
    pub clients: AtomicUsize,
    pub followed: Followed,
    /// Number of the last change of each kind.
    screens: watch::Sender<u64>,
    snapshots: watch::Sender<u64>,
    /// True once the server is to end.
    end: watch::Sender<bool>,
}

/// The clock of the socket.
#[expect(clippy::disallowed_methods, reason = "the socket's one home of the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

impl Server {
    /// Serves the engine at the socket of its home; `face` tells clients where it runs.
    ///
    /// The engine must hold the home's lock: whatever lies at the socket's place is replaced.
    pub fn start(handle: Handle, home: &Home, face: Face) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| Failure::internal(format!("cannot serve the engine's socket: {error}"));
        let service = Arc::new(Service {
            home: home.clone(),
            face,
            journal: Journal::new(now()),
            keys: Keys::default(),
            clients: AtomicUsize::new(0),
            followed: Followed::default(),
            screens: watch::Sender::new(0),
            snapshots: watch::Sender::new(0),
            end: watch::Sender::new(false),
            handle,
        });
        let (address, listener) = Address::bind(home).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let told = Arc::downgrade(&service);
        let listening = service.handle.listen(Arc::new(move |change| {
            if let Some(service) = told.upgrade() {
                service.heard(change);
            }
        }));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let serving = Arc::clone(&service);
        let serve = move || {
            runtime.block_on(async {
                match UnixListener::from_std(listener) {
                    Ok(listener) => serving.serve(listener, address).await,
                    // A client that finds nobody starts an engine of its own, and is told who holds the lock.
                    Err(_) => drop(address),
                }
            });
            // Readers of history and diffs are not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("rpc".to_owned()).spawn(serve).map_err(cannot)?;
        Ok(Self { service, _listening: listening, thread: Some(thread) })
    }

    /// Clients that are connected; an engine without a face stays while there is one.
    pub fn clients(&self) -> usize {
        self.service.clients.load(Ordering::Acquire)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.service.end.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been told by its hook.
            let _ = thread.join();
        }
    }
}

impl Service {
    /// Tells of changes of screens that somebody shows.
    pub fn screens(&self) -> watch::Receiver<u64> {
        self.screens.subscribe()
    }

    /// Tells of new snapshots.
    pub fn snapshots(&self) -> watch::Receiver<u64> {
        self.snapshots.subscribe()
    }

    /// Who leads at a session may be another one now.
    pub fn screens_changed(&self) {
        self.screens.send_modify(|number| *number += 1);
    }

    /// Tells of the server's end.
    pub fn end(&self) -> watch::Receiver<bool> {
        self.end.subscribe()
    }

    fn heard(&self, change: Change) {
        match change {
            Change::Snapshot => {
                self.followed.look(&self.handle);
                self.snapshots.send_modify(|number| *number += 1);
            }
            Change::Screens => self.screens_changed(),
            Change::Ended => drop(self.end.send_replace(true)),
            Change::Diff => {}
        }
    }

    async fn serve(self: &Arc<Self>, listener: UnixListener, address: Address) {
        let mut clients = JoinSet::new();
        let journal = tokio::spawn(Arc::clone(self).keep_journal());
        let mut end = self.end();
        loop {
            tokio::select! {
                _ = end.wait_for(|end| *end) => break,
                Some(_) = clients.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if clients.len() >= CONNECTIONS => refuse(&stream),
                    Ok((stream, _)) => self.admit(stream, &mut clients),
                    Err(_) => sleep_until(Instant::now() + BREATH).await,
                },
            }
        }
        drop((listener, address));
        journal.abort();
        let answered = async { while clients.join_next().await.is_some() {} };
        // Who takes longer is cut off with the runtime.
        let _ = tokio::time::timeout(LAST_ANSWERS, answered).await;
    }

    fn admit(self: &Arc<Self>, stream: UnixStream, clients: &mut JoinSet<()>) {
        let Ok(peer) = stream.peer_cred() else { return };
        if peer.uid() == rustix::process::geteuid().as_raw() {
            let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
            clients.spawn(connection::serve(Arc::clone(self), stream, pid));
        }
    }

    /// Compares one snapshot with the next, as long as the server runs.
    async fn keep_journal(self: Arc<Self>) {
        let mut changes = self.snapshots();
        let mut seen = self.handle.snapshot();
        while changes.changed().await.is_ok() {
            let next = Instant::now() + PACE;
            let snapshot = self.handle.snapshot();
            self.journal.add(&seen, &snapshot, now());
            seen = snapshot;
            sleep_until(next).await;
        }
    }
}

/// One connection too many.
fn refuse(stream: &UnixStream) {
    let failure = Failure::new(FailureKind::BadState, format!("{CONNECTIONS} clients are connected already."));
    let message = serde_json::json!({"jsonrpc": "2.0", "id": null, "error": Fault::from(failure).json()});
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    // A client that does not take it sees the end of the connection.
    let _ = stream.try_write(&line);
}
