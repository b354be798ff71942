//! A session's screen for a viewer at another terminal.
//!
//! Invariants: a slow viewer gets fewer frames, never a growing queue; the session has the size of the viewer who came or
//! typed last; agents are not interrupted while a viewer is attached.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::outbox::Outbox;
use super::server::Service;
use super::view::exit_code;
use super::wire::{self, Fault};
use crate::engine::{Place, Presence};
use crate::model::{Failure, FailureKind, SessionId, Size, Snapshot, State};
use crate::pty::{PAINTER_RESET, Painter, Terminal};

/// Between two frames of a session that writes all the time.
const FRAME: Duration = Duration::from_millis(16);

/// A viewer at a session; it leaves when this is dropped.
pub struct Attachment {
    service: Arc<Service>,
    place: Place,
    presence: Arc<Presence>,
    size: watch::Sender<Size>,
    stream: AbortHandle,
}

/// What the stream of frames works with.
struct Stream {
    service: Arc<Service>,
    place: Place,
    presence: Arc<Presence>,
    outbox: Outbox,
    terminal: Shown,
    painter: Painter,
    /// The size that the session was given last, and in which turn of this viewer.
    given: Option<(u64, Size)>,
}

/// A terminal whose changes are told as long as this lives.
pub struct Shown(pub Terminal);

impl Attachment {
    pub fn begin(service: &Arc<Service>, outbox: &Outbox, place: Place, size: Size) -> Result<Self, Fault> {
        let terminal = terminal(service, &place)?;
        let presence = Arc::new(service.handle.enter(place.clone()));
        let (sizes, changes) = watch::channel(size);
        let stream = Stream {
            service: Arc::clone(service),
            place: place.clone(),
            presence: Arc::clone(&presence),
            outbox: outbox.clone(),
            terminal: Shown::new(terminal),
            painter: Painter::new(size),
            given: None,
        };
        let stream = tokio::spawn(stream.run(changes)).abort_handle();
        Ok(Self { service: Arc::clone(service), place, presence, size: sizes, stream })
    }

    pub fn resize(&self, size: Size) {
        self.size.send_replace(size);
    }

    /// Types as this viewer, whose size counts from now on.
    pub fn input(&self, bytes: &[u8]) -> Result<(), Fault> {
        let terminal = writable(&self.service, &self.place)?;
        if self.presence.leads().is_none() {
            self.presence.typed();
            // What is typed is for a screen of this size.
            let _ = terminal.resize(*self.size.borrow());
            self.service.screens_changed();
        }
        send(&terminal, bytes)?;
        self.presence.typed();
        Ok(())
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.stream.abort();
        // Whoever leads now gives its size.
        self.service.screens_changed();
    }
}

impl Shown {
    pub fn new(terminal: Terminal) -> Self {
        terminal.show();
        Self(terminal)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.hide();
    }
}

/// Types bytes into a session, as somebody who is not attached.
pub fn type_into(service: &Service, place: &Place, bytes: &[u8]) -> Result<(), Fault> {
    send(&writable(service, place)?, bytes)
}

fn send(terminal: &Terminal, bytes: &[u8]) -> Result<(), Fault> {
    let sent = terminal.input(bytes);
    sent.map_err(|error| Failure::new(FailureKind::BadState, format!("{error}.")).into())
}

/// The terminal of a session that takes input now.
fn writable(service: &Service, place: &Place) -> Result<Terminal, Fault> {
    if is_held(&service.handle.snapshot(), place) {
        let text = "the session is held while its work is being merged; nothing was typed.";
        return Err(Failure::new(FailureKind::BadState, text).into());
    }
    terminal(service, place)
}

fn is_held(snapshot: &Snapshot, place: &Place) -> bool {
    let project = snapshot.projects.iter().find(|view| view.id == place.0);
    let task = project.and_then(|view| view.tasks.iter().find(|view| view.task.session_id() == place.1));
    task.is_some_and(|view| view.task.state == State::Integrating)
}

fn terminal(service: &Service, place: &Place) -> Result<Terminal, Fault> {
    let live = service.handle.terminal(place).filter(|terminal| terminal.exit().is_none());
    live.ok_or_else(|| no_session(place.1.as_str()).into())
}

/// What starts it again depends on what it is; a shell beside an agent opens in the screen only.
fn no_session(session: &str) -> Failure {
    let failure = Failure::new(FailureKind::BadState, format!("{session} has no live session."));
    match session.split_once('.') {
        None if session == SessionId::MAIN => failure.hint("orchestra attach main starts it"),
        None => failure.hint(format!("orchestra start {session} starts it")),
        Some((owner, "run")) => failure.hint(format!("orchestra run {owner} starts it")),
        Some(_) => failure,
    }
}

impl Stream {
    async fn run(mut self, mut sizes: watch::Receiver<Size>) {
        let (mut screens, mut states) = (self.service.screens(), self.service.snapshots());
        loop {
            self.outbox.calm().await;
            screens.mark_unchanged();
            states.mark_unchanged();
            let (size, ended) = (*sizes.borrow_and_update(), self.has_ended());
            if size != self.painter.size() {
                self.painter.resize(size);
            }
            self.lead();
            self.paint();
            if ended {
                return self.tell_end();
            }
            let next = Instant::now() + FRAME;
            // A sender that is gone: the server is at its end.
            let alive = tokio::select! {
                changed = sizes.changed() => changed.is_ok(),
                changed = screens.changed() => changed.is_ok(),
                changed = states.changed() => changed.is_ok(),
            };
            if !alive {
                return;
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// Gives the session this viewer's size, once in each of its turns.
    fn lead(&mut self) {
        let size = self.painter.size();
        let due = self.presence.leads().map(|turn| (turn, size)).filter(|due| self.given != Some(*due));
        if due.is_some() {
            self.given = due;
            // A session out of reach is told of by its own end.
            let _ = self.terminal.0.resize(size);
        }
    }

    fn paint(&mut self) {
        if let Some(bytes) = self.painter.frame(&self.terminal.0) {
            self.output(&bytes);
        }
    }

    fn output(&self, bytes: &[u8]) {
        let (project, session) = self.place.clone();
        let shown = wire::Shown { project, session, bytes: STANDARD.encode(bytes) };
        self.outbox.notify("session.output", &json!(shown));
    }

    fn has_ended(&self) -> bool {
        let now = self.service.handle.terminal(&self.place);
        self.terminal.0.exit().is_some() || now.is_none_or(|now| now.run() != self.terminal.0.run())
    }

    fn tell_end(self) {
        self.output(PAINTER_RESET);
        let exit = self.terminal.0.exit().map(exit_code);
        let (project, session) = self.place.clone();
        self.outbox.notify("session.exited", &json!(wire::Exited { project, session, exit }));
    }
}

/// The bytes of a text in base64.
pub fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    STANDARD.decode(text).map_err(|error| Fault::params(format!("bytes: no base64: {error}.")))
}
