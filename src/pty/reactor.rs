//! The hub's thread: waits for all shims at once.
//!
//! Invariants: the thread never blocks on a shim or on the engine; a session that floods yields after each read, and what
//! just became readable goes first; with nothing to do there is no time-out; only `Changed` and, once thousands wait,
//! signals may be left out of the events.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::mpsc;

use super::hub::{Event, TerminalEvent};
use super::link::Link;
use super::reply::Outer;
use super::wire::{Broken, Wire};

const WAKER: Token = Token(0);
/// Errands that may wait for the thread.
const ERRANDS: usize = 256;
/// Events beyond the channel's room that are kept before signals are left out.
const BACKLOG: usize = 4096;
/// The time between two tries to get rid of waiting events, and between a shim's last word and its end.
const AGAIN: Duration = Duration::from_millis(20);

/// What the thread is asked to do.
pub enum Errand {
    Add(Box<Wire>),
    Forget(usize),
    /// The socket did not take all of a frame: the rest goes when it can.
    Drain(usize),
    /// A shim that this process started, to be waited for.
    Reap(Child),
    Outer(Outer),
    Quit,
}

/// Where errands are handed in.
pub struct Desk {
    errands: SyncSender<Errand>,
    waker: Waker,
}

impl Desk {
    /// Hands in an errand; after the thread's end it is dropped.
    pub fn post(&self, errand: Errand) {
        if self.errands.send(errand).is_ok() {
            drop(self.waker.wake());
        }
    }
}

/// Where events and wakes go out.
pub struct Outlet {
    events: mpsc::Sender<TerminalEvent>,
    backlog: VecDeque<TerminalEvent>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outlet {
    pub fn tell(&mut self, link: &Link, event: Event) {
        self.drain();
        let full = match event {
            Event::Changed => !self.backlog.is_empty(),
            Event::Signals(_) => self.backlog.len() >= BACKLOG,
            _ => false,
        };
        if !full {
            self.backlog.push_back(TerminalEvent { run: link.run.clone(), event });
            self.drain();
        }
    }

    pub fn wake(&self) {
        (self.wake)();
    }

    fn drain(&mut self) {
        while let Some(event) = self.backlog.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event) {
                self.backlog.push_front(event);
                break;
            }
        }
    }
}

/// The thread's state.
pub struct Reactor {
    poll: Poll,
    errands: Receiver<Errand>,
    wires: HashMap<usize, Wire>,
    /// Tokens of wires that may have more to read.
    ready: VecDeque<usize>,
    outlet: Outlet,
    outer: Arc<Outer>,
    shims: Vec<Child>,
    reap_due: Option<Instant>,
    scratch: Vec<u8>,
}

impl Reactor {
    pub fn new(events: mpsc::Sender<TerminalEvent>, wake: Arc<dyn Fn() + Send + Sync>) -> io::Result<(Self, Desk)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let (sender, errands) = sync_channel(ERRANDS);
        let outlet = Outlet { events, backlog: VecDeque::new(), wake };
        let reactor = Self {
            poll,
            errands,
            wires: HashMap::new(),
            ready: VecDeque::new(),
            outlet,
            outer: Arc::default(),
            shims: Vec::new(),
            reap_due: None,
            scratch: Vec::new(),
        };
        Ok((reactor, Desk { errands: sender, waker }))
    }

    /// Works until it is told to quit.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(256);
        loop {
            let polled = self.poll.poll(&mut events, self.timeout());
            if polled.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
                break;
            }
            for event in &events {
                let token = event.token().0;
                if event.is_writable()
                    && let Some(wire) = self.wires.get_mut(&token)
                {
                    wire.link.flush();
                    listen(&self.poll, wire);
                }
                if event.is_readable() && !self.ready.contains(&token) {
                    self.ready.push_front(token);
                }
            }
            if self.do_errands().is_break() {
                break;
            }
            if let Some(token) = self.ready.pop_front() {
                self.read(token);
            }
            self.act();
        }
        self.wires.values().for_each(|wire| wire.link.disconnect());
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let backlog = (!self.outlet.backlog.is_empty()).then(|| Instant::now() + AGAIN);
        let due = self.wires.values().filter_map(Wire::due).chain(backlog).chain(self.reap_due).min()?;
        // Rounded up: waking early would spin.
        Some(due.saturating_duration_since(Instant::now()) + Duration::from_micros(1))
    }

    fn do_errands(&mut self) -> std::ops::ControlFlow<()> {
        while let Ok(errand) = self.errands.try_recv() {
            match errand {
                Errand::Add(mut wire) => {
                    wire.set_outer(&self.outer);
                    self.add(*wire);
                }
                Errand::Forget(token) => {
                    if let Some(wire) = self.wires.remove(&token) {
                        self.leave(&wire);
                        wire.link.disconnect();
                    }
                }
                Errand::Drain(token) => {
                    if let Some(wire) = self.wires.get_mut(&token) {
                        listen(&self.poll, wire);
                    }
                }
                Errand::Reap(shim) => self.shims.push(shim),
                Errand::Outer(outer) => {
                    self.outer = Arc::new(outer);
                    self.wires.values_mut().for_each(|wire| wire.set_outer(&self.outer));
                }
                Errand::Quit => return std::ops::ControlFlow::Break(()),
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    fn add(&mut self, wire: Wire) {
        let (token, fd) = (wire.token, wire.fd());
        match self.poll.registry().register(&mut SourceFd(&fd), Token(token), Interest::READABLE) {
            Ok(()) => {
                let wire = self.wires.entry(token).insert_entry(wire).into_mut();
                wire.drains = false;
                listen(&self.poll, wire);
            }
            Err(error) => self.outlet.tell(&wire.link, Event::Lost(error.to_string())),
        }
    }

    fn leave(&mut self, wire: &Wire) {
        drop(self.poll.registry().deregister(&mut SourceFd(&wire.fd())));
        self.reap_due = (!self.shims.is_empty()).then(|| Instant::now() + AGAIN);
    }

    fn read(&mut self, token: usize) {
        let Some(wire) = self.wires.get_mut(&token) else { return };
        match wire.read(&mut self.scratch, &mut self.outlet) {
            Ok(more) => {
                listen(&self.poll, wire);
                if more {
                    self.ready.push_back(token);
                }
            }
            Err(broken) => self.broken(token, &broken),
        }
    }

    /// A shim drops an engine that slept too long; then it is reached again. One that is gone has left its exit, or not.
    fn broken(&mut self, token: usize, broken: &Broken) {
        let Some(mut wire) = self.wires.remove(&token) else { return };
        self.leave(&wire);
        if wire.reconnect(broken).is_ok() {
            return self.add(wire);
        }
        wire.link.disconnect();
        if wire.link.facts().exit.is_some() {
            return;
        }
        match wire.link.place.exit() {
            Some(status) => wire.exited(status, &mut self.outlet),
            None => self.outlet.tell(&wire.link, Event::Lost(broken.to_string())),
        }
    }

    fn act(&mut self) {
        let now = Instant::now();
        for wire in self.wires.values_mut().filter(|wire| wire.due().is_some_and(|due| due <= now)) {
            wire.act(now, &mut self.outlet);
            listen(&self.poll, wire);
        }
        self.outlet.drain();
        if self.reap_due.take_if(|due| *due <= now).is_some() {
            self.shims.retain_mut(|shim| matches!(shim.try_wait(), Ok(None)));
        }
    }
}

/// Waits for room in the socket only while something waits for it: else each frame that a shim takes would wake us.
fn listen(poll: &Poll, wire: &mut Wire) {
    let drains = wire.link.is_stuck();
    if drains == wire.drains {
        return;
    }
    let interest = if drains { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
    if poll.registry().reregister(&mut SourceFd(&wire.fd()), Token(wire.token), interest).is_ok() {
        wire.drains = drains;
    }
}
