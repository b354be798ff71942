//! The engine's connection to all its sessions.
//!
//! Invariants: a run is launched once (its folder is made exclusively); dropping the hub or a terminal ends connections
//! and harms no program.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::error::PtyError;
use super::frame::{Attach, Down, HEAD, Hello, Up, VERSION, split};
use super::link::Link;
use super::place::Place;
use super::reactor::{Desk, Errand, Reactor};
use super::reply::Outer;
use super::shim::{Ack, Order, VERB};
use super::signal::Signal;
use super::terminal::Terminal;
use super::wire::Wire;
use crate::model::{ExitStatus, Launch, RunId, Size};

/// How long a shim may take to greet.
const GREETING: Duration = Duration::from_secs(5);
/// The longest greeting, in bytes.
const HELLO_MAX: usize = 64 << 10;
/// Events that may wait for the engine.
const EVENTS: usize = 1024;
/// How much history a session keeps on the disk, in bytes.
const HISTORY_CAP: u64 = 64 << 20;

/// What happened to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalEvent {
    pub run: RunId,
    pub event: Event,
}

/// The ways in which a session changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The program ended, and all its output is in the screen. Told once by a hub.
    Exited(ExitStatus),
    /// The program is stopped (Ctrl-Z).
    Stopped,
    Continued,
    /// The message with this id is typed.
    Submitted(String),
    /// The message with this id was not typed: the program has ended, or the id could not be recorded.
    Refused(String),
    /// A stop is over; these pids are left.
    StopDone {
        left: Vec<u32>,
    },
    /// What the program told beside its text.
    Signals(Vec<Signal>),
    /// What can be seen changed; at most five times a second.
    Changed,
    /// The session is out of reach, and why; nothing more will come.
    Lost(String),
}

/// What became of a run of a former engine.
pub enum Adopted {
    /// The shim lives. The program may have ended: then [`Event::Exited`] follows, and it waits to be collected.
    Alive(Terminal),
    /// The shim is gone; the program had ended so.
    Ended(ExitStatus),
    /// The shim is gone and left no exit status. Nothing was signalled.
    Lost,
}

/// The engine's side of all shims.
pub struct Hub {
    exe: PathBuf,
    history_cap: AtomicU64,
    tokens: AtomicUsize,
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    /// Starts the thread. `exe` is the binary that shims are made of; `wake` is called, from the thread, when something
    /// that is shown changed, once until the next copy of that session's screen.
    pub fn start(
        exe: PathBuf,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<(Self, mpsc::Receiver<TerminalEvent>), PtyError> {
        let (events, receiver) = mpsc::channel(EVENTS);
        let (reactor, desk) = Reactor::new(events, wake).map_err(PtyError::Hub)?;
        let thread = std::thread::Builder::new().name("terminals".into()).spawn(move || reactor.run());
        let (history_cap, tokens) = (AtomicU64::new(HISTORY_CAP), AtomicUsize::new(1));
        let thread = Some(thread.map_err(PtyError::Hub)?);
        Ok((Self { exe, history_cap, tokens, desk: Arc::new(desk), thread }, receiver))
    }

    /// How much history sessions that are launched from now on keep on the disk, in bytes; 64 MB if nothing is said.
    pub fn set_history_cap(&self, bytes: u64) {
        self.history_cap.store(bytes, Ordering::Relaxed);
    }

    /// Tells what the outer terminal is like, for the answers to queries.
    pub fn set_outer(&self, outer: Outer) {
        self.desk.post(Errand::Outer(outer));
    }

    /// Makes the folder `dir` and starts `launch` in it; blocks until the program runs.
    ///
    /// [`PtyError::Launched`] if the folder is there and an engine came so far as to launch the run in it: adopt it.
    /// After [`PtyError::Launch`] nothing runs and the folder is gone.
    pub fn spawn(
        &self,
        dir: impl Into<PathBuf>,
        run: RunId,
        launch: &Launch,
        size: Size,
    ) -> Result<Terminal, PtyError> {
        let place = absolute(dir.into())?;
        make(&place)?;
        let order = Order {
            launch: launch.clone(),
            size: size.clamped(),
            history_cap: self.history_cap.load(Ordering::Relaxed),
        };
        let (child, ack) = self.start_shim(&place, &order).map_err(|error| {
            drop(std::fs::remove_dir_all(place.dir()));
            PtyError::Launch(error.to_string())
        })?;
        self.desk.post(Errand::Reap(child));
        match ack {
            Some(Ack::Started(_)) => self.attach(place, run).map_err(Missed::told),
            Some(Ack::Error(told)) => {
                drop(std::fs::remove_dir_all(place.dir()));
                Err(PtyError::Launch(told))
            }
            None => Err(PtyError::NoShim { dir: place.dir().to_owned(), told: "it ended without a word".into() }),
        }
    }

    /// Takes over what a former engine left in `dir`. The screen is restored as the bytes come in; what was handled
    /// before causes no answers and no signals.
    pub fn adopt(&self, dir: impl Into<PathBuf>, run: RunId) -> Result<Adopted, PtyError> {
        let place = absolute(dir.into())?;
        // The engine before may have died while a shim of it was starting: that goes on, and is waited for.
        place.was_launched(GREETING).map_err(|source| PtyError::Io { dir: place.dir().to_owned(), source })?;
        match self.attach(place.clone(), run) {
            Ok(terminal) => Ok(Adopted::Alive(terminal)),
            Err(Missed::Gone(_)) => Ok(place.exit().map_or(Adopted::Lost, Adopted::Ended)),
            Err(Missed::Failed(error)) => Err(error),
        }
    }

    fn start_shim(&self, place: &Place, order: &Order) -> io::Result<(Child, Option<Ack>)> {
        let mut child = Command::new(&self.exe)
            .arg(VERB)
            .arg(place.dir())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(place.begin_launch()?)
            .spawn()?;
        // A shim that died leaves a broken pipe and no ack: the second tells it.
        let sent = child.stdin.take().map(|mut stdin| stdin.write_all(&serde_json::to_vec(order)?));
        drop(sent);
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        Ok((child, serde_json::from_str(&line).ok()))
    }

    fn attach(&self, place: Place, run: RunId) -> Result<Terminal, Missed> {
        let stream = place.connect().map_err(|source| Missed::gone(&place, source))?;
        let hello = greet(&stream).map_err(|source| {
            let told = source.to_string();
            match source.kind() {
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => Missed::gone(&place, source),
                _ => Missed::Failed(PtyError::NoShim { dir: place.dir().to_owned(), told }),
            }
        })?;
        if hello.version != VERSION {
            let (dir, theirs) = (place.dir().to_owned(), hello.version);
            return Err(Missed::Failed(PtyError::Version { dir, theirs, ours: VERSION }));
        }
        let link = Arc::new(Link::new(run, place, &hello));
        let token = self.tokens.fetch_add(1, Ordering::Relaxed);
        let wire = Wire::new(token, Arc::clone(&link), Arc::new(stream), &hello);
        let terminal = Terminal::new(link, Arc::clone(&self.desk), token);
        self.desk.post(Errand::Add(Box::new(wire)));
        Ok(terminal)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.desk.post(Errand::Quit);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Why a shim was not reached.
enum Missed {
    Gone(PtyError),
    Failed(PtyError),
}

impl Missed {
    fn gone(place: &Place, source: io::Error) -> Self {
        Self::Gone(PtyError::Io { dir: place.dir().to_owned(), source })
    }

    fn told(self) -> PtyError {
        match self {
            Self::Gone(error) | Self::Failed(error) => error,
        }
    }
}

/// Makes a run's folder anew. One in which an engine died before it launched anything is none.
fn make(place: &Place) -> Result<(), PtyError> {
    let failed = |source| PtyError::Io { dir: place.dir().to_owned(), source };
    match place.create() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if place.was_launched(GREETING).map_err(failed)? {
                return Err(PtyError::Launched(place.dir().to_owned()));
            }
            std::fs::remove_dir_all(place.dir()).and_then(|()| place.create()).map_err(failed)
        }
        made => made.map_err(failed),
    }
}

/// A shim has another current directory.
fn absolute(dir: PathBuf) -> Result<Place, PtyError> {
    std::path::absolute(&dir).map(Place::new).map_err(|source| PtyError::Io { dir, source })
}

/// Says `Attach` and reads `Hello`, and not a byte more; leaves the stream non-blocking.
fn greet(mut stream: &UnixStream) -> io::Result<Hello> {
    stream.set_read_timeout(Some(GREETING))?;
    let mut attach = Vec::new();
    Down::Attach(Attach { version: VERSION, have: None, no_checkpoint: false }).encode(&mut attach);
    stream.write_all(&attach)?;
    let mut frame = vec![0; HEAD];
    stream.read_exact(&mut frame)?;
    let len = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    if len > HELLO_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, "no greeting"));
    }
    frame.resize(HEAD + len, 0);
    stream.read_exact(&mut frame[HEAD..])?;
    stream.set_nonblocking(true)?;
    match split(&frame).map(|sealed| sealed.map(Up::decode)) {
        Ok(Some(Ok(Up::Hello(hello)))) => Ok(hello),
        _ => Err(io::Error::new(ErrorKind::InvalidData, "no greeting")),
    }
}
