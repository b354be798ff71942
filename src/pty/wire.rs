//! One connection to a shim, as the hub's thread sees it: frames become a screen, answers, checkpoints and events.
//!
//! Invariants: answers go out before the next piece is parsed; below `answered` no query is answered and below `handled`
//! no signal is told, so a replay is silent; checkpoints are sent only after output, and only then timers run.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::frame::{Attach, Down, FrameError, Hello, MAX_PAYLOAD, Up, VERSION, split};
use super::hub::Event;
use super::link::{Link, PIECE, SYNC};
use super::reactor::Outlet;
use super::reply::Outer;
use super::screen::Screen;
use super::signal::Signal;
use crate::model::{ExitStatus, Size};

/// How much is read at once, in bytes.
const READ: usize = 128 << 10;
/// Output between two checkpoints, in bytes.
const CHECKPOINT_BYTES: u64 = 512 << 10;
/// How long after the last output a checkpoint is taken.
const CHECKPOINT_REST: Duration = Duration::from_secs(2);
/// The time between two `Changed` events.
const CHANGED: Duration = Duration::from_millis(200);
/// A connection that lasted less is no reason for another one.
const STEADY: Duration = Duration::from_secs(1);

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the connection was closed")]
    Closed,
    #[error("another engine took over")]
    Replaced,
    #[error("the shim speaks version {0} of the protocol")]
    Version(u16),
    #[error("the saved screen cannot be read")]
    BadCheckpoint,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// The hub's end of a session.
pub struct Wire {
    pub token: usize,
    pub link: Arc<Link>,
    stream: Arc<UnixStream>,
    /// The hub waits for room in the socket.
    pub drains: bool,
    /// The begin of a frame whose rest has not come.
    partial: Vec<u8>,
    outer: Arc<Outer>,
    phase: Phase,
    answered: u64,
    handled: u64,
    /// Output since the last checkpoint, in bytes.
    unsaved: u64,
    /// The generation of the screen that was seen last.
    seen: u64,
    dues: Dues,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// What is behind is coming; `gap` tells that some of it is lost.
    Replay {
        gap: bool,
    },
    Live,
}

/// When something is to be done without any byte coming.
#[derive(Default)]
struct Dues {
    checkpoint: Option<Instant>,
    changed: Option<Instant>,
    sync: Option<Instant>,
}

impl Wire {
    /// A connection that has greeted.
    pub fn new(token: usize, link: Arc<Link>, stream: Arc<UnixStream>, hello: &Hello) -> Self {
        link.connect(Arc::clone(&stream));
        Self {
            token,
            link,
            stream,
            drains: false,
            partial: Vec::new(),
            outer: Arc::default(),
            phase: Phase::Replay { gap: false },
            answered: hello.answered,
            handled: hello.handled,
            unsaved: 0,
            seen: 0,
            dues: Dues::default(),
            since: Instant::now(),
        }
    }

    pub fn fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    pub fn set_outer(&mut self, outer: &Arc<Outer>) {
        self.outer = Arc::clone(outer);
        self.link.shown().screen.set_outer((**outer).clone());
    }

    /// Connects again to a shim that dropped us or was dropped for `broken`; fails where that has no hope.
    pub fn reconnect(&mut self, broken: &Broken) -> Result<(), ()> {
        let no_checkpoint = matches!(broken, Broken::BadCheckpoint);
        let steady = self.phase == Phase::Live || self.since.elapsed() >= STEADY;
        if matches!(broken, Broken::Replaced | Broken::Version(_)) || !(steady || no_checkpoint) {
            return Err(());
        }
        let have = (!no_checkpoint).then(|| self.link.shown().at);
        let stream = self.link.place.connect().map_err(drop)?;
        stream.set_nonblocking(true).map_err(drop)?;
        self.stream = Arc::new(stream);
        let attach = Down::Attach(Attach { version: VERSION, have, no_checkpoint });
        self.link.reconnect(Arc::clone(&self.stream), &attach);
        self.partial.clear();
        (self.phase, self.since) = (Phase::Replay { gap: false }, Instant::now());
        Ok(())
    }

    /// Reads once and handles the frames that are whole; whether there may be more to read.
    pub fn read(&mut self, scratch: &mut Vec<u8>, outlet: &mut Outlet) -> Result<bool, Broken> {
        let had = self.partial.len();
        if scratch.len() < had + READ {
            scratch.resize(had + READ, 0);
        }
        let got = match (&*self.stream).read(&mut scratch[had..had + READ]) {
            Ok(0) => return Err(Broken::Closed),
            Ok(got) => got,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        scratch[..had].copy_from_slice(&self.partial);
        let mut rest = &scratch[..had + got];
        while let Some(sealed) = split(rest)? {
            self.apply(Up::decode(sealed)?, outlet)?;
            rest = &rest[sealed.len()..];
        }
        self.partial.clear();
        self.partial.extend_from_slice(rest);
        self.partial.shrink_to(READ);
        scratch.truncate(2 * READ);
        Ok(true)
    }

    /// When [`Wire::act`] is due.
    pub fn due(&self) -> Option<Instant> {
        [self.dues.checkpoint, self.dues.changed, self.dues.sync].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn act(&mut self, now: Instant, outlet: &mut Outlet) {
        let due = |due: &mut Instant| *due <= now;
        if self.dues.checkpoint.take_if(due).is_some() {
            self.save();
        }
        if self.dues.changed.take_if(due).is_some() {
            outlet.tell(&self.link, Event::Changed);
        }
        if self.dues.sync.take_if(due).is_some() {
            self.wake(outlet);
        }
    }

    fn apply(&mut self, up: Up, outlet: &mut Outlet) -> Result<(), Broken> {
        match up {
            Up::Hello(hello) if hello.version != VERSION => return Err(Broken::Version(hello.version)),
            Up::Hello(hello) => {
                (self.answered, self.handled) = (hello.answered, hello.handled);
                // What a former connection was asked is answered by nobody.
                self.link.learn(|facts| facts.flushes_done = facts.flushes_asked);
            }
            Up::Checkpoint { offset, blob } => {
                let screen = Screen::restore(blob).map_err(|_| Broken::BadCheckpoint)?;
                self.replace(screen, offset);
            }
            Up::Blank { offset, size } => {
                self.replace(Screen::new(size), offset);
                self.phase = Phase::Replay { gap: offset > 0 };
            }
            Up::Data { offset, bytes } => self.parse(offset, bytes, outlet),
            Up::Resized { offset, size } => self.resized(offset, size, outlet),
            Up::Live => self.go_live(outlet),
            Up::Exit(status) => self.exited(status, outlet),
            Up::Stopped => {
                self.link.learn(|facts| facts.stopped = true);
                outlet.tell(&self.link, Event::Stopped);
            }
            Up::Continued => {
                self.link.learn(|facts| facts.stopped = false);
                outlet.tell(&self.link, Event::Continued);
            }
            Up::Submitted { id } => outlet.tell(&self.link, Event::Submitted(id.to_owned())),
            Up::Refused { id } => outlet.tell(&self.link, Event::Refused(id.to_owned())),
            Up::Flushed { .. } => self.link.learn(|facts| facts.flushes_done += 1),
            Up::Ended { left } => {
                self.link.learn(|facts| facts.left.clone_from(&left));
                outlet.tell(&self.link, Event::StopDone { left });
            }
            Up::Replaced => return Err(Broken::Replaced),
        }
        Ok(())
    }

    fn replace(&mut self, mut screen: Screen, at: u64) {
        screen.set_outer((*self.outer).clone());
        let mut shown = self.link.shown();
        (shown.screen, shown.at, shown.sync_since) = (screen, at, None);
        self.unsaved = 0;
    }

    fn parse(&mut self, offset: u64, mut bytes: &[u8], outlet: &mut Outlet) {
        let mut at = offset;
        let mut signals = Vec::new();
        while !bytes.is_empty() {
            let marks = [self.answered, self.handled].into_iter().filter(|&mark| mark > at);
            let len = marks.map(|mark| (mark - at) as usize).fold(PIECE.min(bytes.len()), usize::min);
            let (piece, rest) = bytes.split_at(len);
            let (asked_at, end) = (at, at + len as u64);
            let mut shown = self.link.shown();
            let fed = shown.screen.feed(piece);
            shown.at = end;
            drop(shown);
            if !fed.replies.is_empty() && asked_at >= self.answered {
                // A broken connection shows itself when it is read.
                drop(self.link.send(&Down::Reply { offset: end, bytes: &fed.replies }));
            }
            if asked_at >= self.handled {
                signals.extend(fed.signals.into_iter().filter(|signal| *signal != Signal::FrameDone));
            }
            (at, bytes) = (end, rest);
            self.unsaved += len as u64;
        }
        if !signals.is_empty() {
            outlet.tell(&self.link, Event::Signals(signals));
        }
        self.changed(outlet);
        self.plan_checkpoint();
    }

    fn resized(&mut self, offset: u64, size: Size, outlet: &mut Outlet) {
        let mut shown = self.link.shown();
        shown.screen.set_size(size);
        shown.at = offset + 1;
        drop(shown);
        self.unsaved += 1;
        self.changed(outlet);
        self.plan_checkpoint();
    }

    fn plan_checkpoint(&mut self) {
        if self.phase != Phase::Live {
            return;
        }
        self.dues.checkpoint = Some(Instant::now() + CHECKPOINT_REST);
        if self.unsaved >= CHECKPOINT_BYTES {
            self.save();
        }
    }

    /// Sends a checkpoint if the parser stands between two sequences; else the next output tries again.
    fn save(&mut self) {
        let mut shown = self.link.shown();
        let (offset, blob) = (shown.at, shown.screen.checkpoint());
        drop(shown);
        if let Some(blob) = blob.filter(|blob| blob.len() + 8 <= MAX_PAYLOAD)
            && self.link.send(&Down::Checkpoint { offset, blob: &blob }).is_ok()
        {
            self.unsaved = 0;
            self.dues.checkpoint = None;
        }
    }

    /// Tells who shows it, and who watches it, that the screen may have changed.
    fn changed(&mut self, outlet: &mut Outlet) {
        let mut shown = self.link.shown();
        let (generation, in_sync) = (shown.screen.generation(), shown.screen.in_sync());
        let now = Instant::now();
        shown.sync_since = in_sync.then(|| shown.sync_since.unwrap_or(now));
        let hidden_until = shown.sync_since.map(|since| since + SYNC).filter(|&until| now < until);
        drop(shown);
        if generation == self.seen || self.phase != Phase::Live {
            return;
        }
        self.dues.changed.get_or_insert(now + CHANGED);
        if let Some(until) = hidden_until {
            self.dues.sync = Some(until);
            return;
        }
        self.seen = generation;
        self.wake(outlet);
    }

    fn wake(&mut self, outlet: &Outlet) {
        self.dues.sync = None;
        self.link.advance_generation();
        if self.link.viewers.load(Ordering::Acquire) > 0 && !self.link.dirty.swap(true, Ordering::AcqRel) {
            outlet.wake();
        }
    }

    fn go_live(&mut self, outlet: &mut Outlet) {
        let gap = matches!(self.phase, Phase::Replay { gap: true });
        self.phase = Phase::Live;
        self.seen = 0;
        self.changed(outlet);
        if gap {
            // What was lost can only be drawn again by the program: it does when its size changes.
            let size = self.link.shown().screen.size();
            let nudged = Size { rows: size.rows.saturating_sub(1), ..size }.clamped();
            drop([nudged, size].map(|size| self.link.send(&Down::Resize(size))));
        }
        if self.unsaved > 0 {
            self.plan_checkpoint();
        }
        self.link.learn(|facts| facts.live = true);
    }

    /// The program ended; told once.
    pub fn exited(&mut self, status: ExitStatus, outlet: &mut Outlet) {
        if self.link.learn(|facts| facts.exit.replace(status)).is_none() {
            outlet.tell(&self.link, Event::Exited(status));
        }
    }
}
