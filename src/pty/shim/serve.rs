//! The shim's loop: one thread that passes bytes between a program and the engine of the moment.
//!
//! Invariants: what the program wrote goes to the history before anybody else sees it; output is read only when the peer
//! has taken all that came before, so back-pressure reaches the program and memory stays bounded; with nothing to do the
//! loop sleeps without a time-out; the program's end is found by SIGCHLD, not by its terminal, which others may hold.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, WaitStatus, wait};

use super::Signals;
use super::ladder::Ladder;
use super::peer::{Peer, same_user};
use super::session::{Life, Session};
use crate::model::{ExitStatus, Size};
use crate::pty::frame::{Attach, DATA_HEAD, Down, FrameError, StopPlan, Submit, Up, VERSION, seal_data, split};
use crate::pty::place::Place;

/// How much output is read before it is passed on, in bytes.
const CHUNK: usize = 64 << 10;
/// A read shorter than this emptied the terminal, in bytes.
const SHORT: usize = 1 << 10;
/// All that an ended program can have left in its terminal, in bytes; what others go on writing is no reason to wait.
const DRAIN: usize = 128 << 10;
/// How long output may wait to be written to the history, and an exit status that the disk refused.
const LATER: Duration = Duration::from_secs(1);
/// How long a new connection may take to say what it is.
const GREETING: Duration = Duration::from_secs(1);
/// How long a program's first output waits for the engine that launched it.
const FIRST: Duration = Duration::from_secs(2);
/// The stop of what an ended program left behind.
const SWEEP: StopPlan = StopPlan { quit: None, quit_grace: Duration::ZERO, term_grace: Duration::from_secs(2) };

/// A shim at work.
pub struct Shim {
    place: Place,
    listener: UnixListener,
    signals: Signals,
    session: Session,
    peer: Option<Peer>,
    /// A connection that has not said `Attach` yet, and until when it may.
    visitor: Option<(Peer, Instant)>,
    /// Until when the program waits for its first engine, whose screen answers more than the shim can.
    awaited: Option<Instant>,
    /// Ids of the messages whose typing has begun.
    seen: Vec<String>,
    stopping: Stopping,
    /// When something refused or postponed is due on the disk.
    disk_due: Option<Instant>,
    buffer: Vec<u8>,
}

#[derive(Default)]
struct Stopping {
    ladder: Option<Ladder>,
    /// The exit is known to the engine: go once the ladder is over.
    collected: bool,
    unwritten: Option<ExitStatus>,
}

impl Shim {
    pub fn new(place: Place, listener: UnixListener, signals: Signals, session: Session) -> Self {
        let buffer = vec![0; DATA_HEAD + CHUNK];
        let (seen, stopping) = (Vec::new(), Stopping::default());
        let awaited = Some(Instant::now() + FIRST);
        let (peer, visitor, disk_due) = (None, None, None);
        Self { place, listener, signals, session, peer, visitor, awaited, seen, stopping, disk_due, buffer }
    }

    /// Serves until the program has ended and its exit was collected.
    pub fn run(mut self) {
        drop(self.listener.set_nonblocking(true));
        loop {
            self.settle(Instant::now());
            if self.over() {
                break;
            }
            let [signals, door, visitor, peer, pty] = self.wait(Instant::now());
            if !signals.is_empty() {
                self.hear_signals();
            }
            if !door.is_empty() {
                self.open_door();
            }
            if !visitor.is_empty() {
                self.hear_visitor();
            }
            if peer.intersects(PollFlags::OUT)
                && let Some(peer) = &mut self.peer
            {
                peer.flush();
            }
            if peer.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                self.hear_peer();
            }
            if pty.intersects(PollFlags::IN) && self.wants_output() {
                self.pass_output();
            }
        }
        drop(self.session.history.flush());
        self.place.remove_socket();
    }

    fn over(&self) -> bool {
        self.stopping.collected && self.stopping.ladder.is_none() && matches!(self.session.life, Life::Ended(_))
    }

    /// Does all that needs no descriptor to be ready.
    fn settle(&mut self, now: Instant) {
        if self.peer.as_ref().is_some_and(|peer| peer.broken(now)) {
            // What it said before it went is meant.
            while self.hear_peer() {}
            self.peer = None;
            self.session.answer_alone();
        }
        self.awaited.take_if(|until| now >= *until);
        self.visitor.take_if(|(visitor, until)| visitor.broken(now) || now >= *until);
        self.pump();
        self.end_of_program();
        self.advance_ladder(now);
        let pty = &self.session.pty;
        for id in self.session.typing.advance(now, |bytes| pty.write(bytes)) {
            self.tell(&Up::Submitted { id: &id });
        }
        if self.disk_due.is_some_and(|due| now >= due) {
            self.disk_due = None;
            drop(self.session.history.flush());
            self.stopping.unwritten.take_if(|status| self.place.write_exit(*status).is_ok());
            if self.session.ended() && !self.place.dir().exists() {
                // Nobody can come and collect.
                self.stopping.collected = true;
                self.stop(&SWEEP);
            }
        }
        if self.disk_due.is_none() && (self.session.history.pending() || self.stopping.unwritten.is_some()) {
            self.disk_due = Some(now + LATER);
        }
    }

    /// Sleeps until something is ready: signals, the listener, the visitor, the peer, the terminal.
    fn wait(&self, now: Instant) -> [PollFlags; 5] {
        let session = &self.session;
        let due = [
            self.disk_due,
            self.awaited,
            session.typing.due(),
            self.stopping.ladder.as_ref().map(Ladder::due),
            self.peer.as_ref().and_then(Peer::given_up),
            self.visitor.as_ref().map(|(_, until)| *until),
        ];
        let timeout = due.into_iter().flatten().min().map(|due| {
            // One more, since a wait that ends early would spin.
            let left = due.saturating_duration_since(now) + Duration::from_micros(1);
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() }
        });
        let when = |wanted: bool, flags: PollFlags| if wanted { flags } else { PollFlags::empty() };
        let bell = self.signals.bell.as_fd();
        let behind = self.peer.as_ref().is_some_and(|peer| peer.behind() || !peer.live());
        let asked = [
            (bell, PollFlags::IN),
            // One visitor at a time: the others wait before the door, where nobody can push them out.
            (self.listener.as_fd(), when(self.visitor.is_none(), PollFlags::IN)),
            self.visitor.as_ref().map_or((bell, PollFlags::empty()), |(it, _)| (it.as_fd(), PollFlags::IN)),
            self.peer.as_ref().map_or((bell, PollFlags::empty()), |peer| {
                (peer.as_fd(), PollFlags::IN | when(behind, PollFlags::OUT))
            }),
            (
                session.pty.as_fd(),
                when(self.wants_output(), PollFlags::IN) | when(session.typing.blocked(), PollFlags::OUT),
            ),
        ];
        let mut fds = asked.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => fds.map(|fd| fd.revents()),
            Err(_) => [PollFlags::empty(); 5],
        }
    }

    /// Whether output may be read: nobody is there, or the peer has all that came before.
    fn wants_output(&self) -> bool {
        self.peer.as_ref().map_or(self.awaited.is_none(), |peer| peer.live() && !peer.behind())
    }

    /// Passes on what the program wrote; how many bytes that was.
    fn pass_output(&mut self) -> usize {
        let mut end = DATA_HEAD;
        while end < self.buffer.len() {
            match self.session.pty.read(&mut self.buffer[end..]) {
                Ok(got) if got >= SHORT => end += got,
                Ok(got) => {
                    end += got;
                    break;
                }
                Err(_) => break,
            }
        }
        let (session, bytes) = (&mut self.session, &self.buffer[DATA_HEAD..end]);
        if bytes.is_empty() {
            return 0;
        }
        let offset = session.history.end();
        session.history.append(bytes);
        if let Some(peer) = &mut self.peer {
            seal_data(&mut self.buffer[..end], offset);
            peer.send_data(&self.buffer[..end], session.history.end());
        } else {
            session.typing.answer(&session.queries.answers(bytes));
            session.answered = session.history.end();
        }
        end - DATA_HEAD
    }

    /// Sends more of a replay; at its end the peer is told so, and what state it comes to.
    fn pump(&mut self) {
        let Some(peer) = &mut self.peer else { return };
        let Some(reached) = peer.pump() else { return };
        // A resize may have come meanwhile.
        let mut rest = self.session.history.replay(reached).without_size().peekable();
        if reached < self.session.history.end() && rest.peek().is_some() {
            return peer.begin_replay(rest, reached);
        }
        peer.end_replay();
        peer.send(&Up::Live);
        match self.session.life {
            Life::Ended(status) => peer.send(&Up::Exit(status)),
            Life::Stopped => peer.send(&Up::Stopped),
            Life::Running | Life::Ending(..) => {}
        }
    }

    fn hear_signals(&mut self) {
        let mut rings = [0; 64];
        while matches!((&self.signals.bell).read(&mut rings), Ok(got) if got > 0) {}
        if self.signals.term.swap(false, Ordering::Relaxed) {
            // The system goes down, or somebody means it: the exit status stays on the disk.
            self.stopping.collected = true;
            self.stop(&StopPlan::default());
        }
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED) {
            if pid.as_raw_pid() as u32 == self.session.pids.child.pid {
                self.child_changed(status);
            }
        }
    }

    fn child_changed(&mut self, status: WaitStatus) {
        if status.stopped() {
            self.session.life = Life::Stopped;
            self.tell(&Up::Stopped);
        } else if status.continued() {
            self.session.life = Life::Running;
            self.tell(&Up::Continued);
        } else if let Some(code) = status.exit_status() {
            self.session.life = Life::Ending(ExitStatus::Code(code), DRAIN);
        } else if let Some(signal) = status.terminating_signal() {
            self.session.life = Life::Ending(ExitStatus::Signal(signal), DRAIN);
        }
    }

    /// Passes on the last words of a program that has ended, then tells its end.
    fn end_of_program(&mut self) {
        while let Life::Ending(status, left) = self.session.life {
            if !self.wants_output() {
                return;
            }
            let got = self.pass_output();
            if got > 0 && got < left {
                self.session.life = Life::Ending(status, left - got);
                continue;
            }
            self.session.life = Life::Ended(status);
            self.session.typing.clear();
            drop(self.session.history.flush());
            if self.place.write_exit(status).is_err() {
                self.stopping.unwritten = Some(status);
            }
            self.tell(&Up::Exit(status));
        }
    }

    fn advance_ladder(&mut self, now: Instant) {
        let ended = self.session.ended();
        let Some(left) = self.stopping.ladder.as_mut().and_then(|ladder| ladder.advance(now, ended)) else { return };
        // The program itself may be gone and its end not yet read.
        self.hear_signals();
        self.end_of_program();
        self.stopping.ladder = None;
        self.tell(&Up::Ended { left });
    }

    fn stop(&mut self, plan: &StopPlan) {
        if self.stopping.ladder.is_none() {
            if let Some(quit) = plan.quit.as_ref().filter(|_| !self.session.ended()) {
                self.session.resume();
                self.session.typing.input(quit);
            }
            let run = self.place.dir().parent().unwrap_or(self.place.dir()).to_owned();
            self.stopping.ladder = Some(Ladder::new(plan, run, Instant::now()));
        }
    }

    fn open_door(&mut self) {
        if let Ok((stream, _)) = self.listener.accept()
            && same_user(&stream)
            && let Ok(visitor) = Peer::new(stream)
        {
            self.visitor = Some((visitor, Instant::now() + GREETING));
        }
    }

    /// A connection counts once it has said `Attach`; until then the former peer stays.
    fn hear_visitor(&mut self) {
        let Some((mut visitor, until)) = self.visitor.take() else { return };
        let (_, input) = visitor.read();
        match greeting(&input) {
            Ok(Some((attach, used))) => {
                visitor.keep(input, used);
                self.attach(visitor, &attach);
            }
            Ok(None) => {
                visitor.keep(input, 0);
                self.visitor = Some((visitor, until));
            }
            Err(_) => {}
        }
    }

    fn attach(&mut self, mut peer: Peer, attach: &Attach) {
        peer.send(&Up::Hello(self.session.hello()));
        if attach.version != VERSION {
            return;
        }
        if let Some(mut former) = self.peer.take() {
            former.send(&Up::Replaced);
        }
        let (from, reader) = self.session.base(attach, |base| peer.send(&base));
        peer.begin_replay(reader.without_size().peekable(), from);
        self.peer = Some(peer);
        self.awaited = None;
        self.hear_peer();
    }

    /// Does what the peer says; whether it said anything.
    fn hear_peer(&mut self) -> bool {
        let Some((got, input)) = self.peer.as_mut().map(Peer::read) else { return false };
        let mut used = 0;
        let heard = self.obey_all(&input, &mut used);
        if let Some(peer) = &mut self.peer {
            peer.keep(input, used);
            if heard.is_err() {
                peer.give_up();
            }
        }
        got > 0 && heard.is_ok()
    }

    /// Obeys the commands in `input` that are whole, and counts the bytes that they take.
    fn obey_all(&mut self, input: &[u8], used: &mut usize) -> Result<(), FrameError> {
        while let Some(sealed) = split(&input[*used..])? {
            self.obey(Down::decode(sealed)?);
            *used += sealed.len();
        }
        Ok(())
    }

    fn obey(&mut self, command: Down) {
        let session = &mut self.session;
        match command {
            Down::Attach(_) => {}
            Down::Input(_) if session.ended() => {}
            Down::Input(bytes) => session.typing.input(bytes),
            Down::Reply { offset, bytes } => {
                session.typing.answer(bytes);
                session.answered = session.answered.max(offset);
                session.handled = session.handled.max(offset);
            }
            Down::Resize(size) => self.resize(size),
            Down::Continue => session.resume(),
            Down::Stop(plan) => self.stop(&plan),
            Down::Submit(submit) => self.submit(&submit),
            Down::Checkpoint { offset, blob } => {
                session.checkpoint = Some((offset, blob.to_vec()));
                session.answered = session.answered.max(offset);
                session.handled = session.handled.max(offset);
            }
            Down::Flush => {
                let offset = session.history.end();
                drop(session.history.flush());
                self.tell(&Up::Flushed { offset });
            }
            Down::Collect => self.collect(),
        }
    }

    fn resize(&mut self, size: Size) {
        let session = &mut self.session;
        if size == session.history.size() || session.pty.resize(size).is_err() {
            return;
        }
        let offset = session.history.end();
        session.history.resize(size);
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.live()) {
            peer.send_resize(offset, size);
        }
    }

    fn submit(&mut self, submit: &Submit) {
        if self.seen.iter().any(|id| id == submit.id) {
            return self.tell(&Up::Submitted { id: submit.id });
        }
        if self.session.ended() || self.place.add_submitted(submit.id).is_err() {
            return self.tell(&Up::Refused { id: submit.id });
        }
        self.seen.push(submit.id.to_owned());
        self.session.typing.submit(submit);
    }

    fn collect(&mut self) {
        if matches!(self.session.life, Life::Ended(_)) {
            self.stopping.collected = true;
            self.stopping.unwritten = None;
            self.stop(&SWEEP);
        }
    }

    fn tell(&mut self, news: &Up) {
        // During a replay too: news carry no offset.
        if let Some(peer) = &mut self.peer {
            peer.send(news);
        }
    }
}

/// The `Attach` that `input` begins with, and the bytes that it takes.
fn greeting(input: &[u8]) -> Result<Option<(Attach, usize)>, FrameError> {
    let Some(sealed) = split(input)? else { return Ok(None) };
    match Down::decode(sealed)? {
        Down::Attach(attach) => Ok(Some((attach, sealed.len()))),
        _ => Err(FrameError::UnknownKind(sealed.kind)),
    }
}
