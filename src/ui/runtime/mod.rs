//! The screen at work: waits for something to happen, brings it to the model, does what the model asks, draws.
//!
//! Invariants: one thread owns the model and the outer terminal; nothing is drawn when nothing has changed, and no
//! timer runs but those that the model asked for.

mod effect;
mod input;
mod look;
mod memory;
mod outer;
mod paint;
mod pane;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use crossterm::event::Event;
use jiff::Timestamp;
use signal_hook::iterator::Signals;

use crate::engine::{Change, Engine, Listener};
use crate::model::{Failure, Request, Size};

use super::guide::Guide;
use super::model::{Effect, Model, Then};
use super::msg::Msg;
use super::update;
use input::Input;
use look::Look;
use memory::Memory;
use outer::Outer;
use pane::TerminalPane;

/// Wakes that may wait; only input can fill it, and then the reader stops reading.
const WAKES: usize = 4096;
/// After a quiet spell a frame is drawn at once; frames under a flood come this often.
const FRAME: Duration = Duration::from_millis(16);
/// A key's echo waits no longer than this for its frame.
const SOON: Duration = Duration::from_millis(4);
/// For how long after a key echoes are expected.
const TYPING: Duration = Duration::from_millis(50);
/// How long the first frame waits for the state, so that it is the right one.
const FIRST_STATE: Duration = Duration::from_millis(30);

/// Something that happened.
enum Wake {
    Input(Event),
    Msg(Msg),
    /// Look at the flags.
    Engine,
    Scrollback(pane::Rebuilt),
    /// A signal, or the end of the outer terminal: leave.
    Leave,
}

/// Where the engine's changes and the person's keys arrive.
pub struct Mailbox {
    sender: SyncSender<Wake>,
    receiver: Receiver<Wake>,
    changes: Arc<AtomicU8>,
}

/// How the screen is to be opened.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Text of the strip above the footer, step by step (the demo).
    pub guide: Option<Guide>,
    /// Where drafts and tips are kept.
    pub memory: std::path::PathBuf,
    /// Where the settings want it so, the designer of the project begins with the screen.
    pub designer: bool,
}

const fn bit(change: Change) -> u8 {
    match change {
        Change::Snapshot => 1,
        Change::Screens => 2,
        Change::Diff => 4,
        Change::Ended => 8,
    }
}

impl Mailbox {
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = sync_channel(WAKES);
        Self { sender, receiver, changes: Arc::default() }
    }

    /// For the engine: many changes of a kind before the screen looks are one.
    pub fn listener(&self) -> Listener {
        let (sender, changes) = (self.sender.clone(), Arc::clone(&self.changes));
        Arc::new(move |change| {
            if changes.fetch_or(bit(change), Ordering::AcqRel) == 0 {
                let _ = sender.try_send(Wake::Engine);
            }
        })
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::new()
    }
}

/// The clock of the screen.
#[expect(clippy::disallowed_methods, reason = "the screen's one home of the clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Opens the full screen and serves it until the person leaves.
pub fn run(engine: Engine, mailbox: Mailbox, opening: Opening) -> Result<Engine, Failure> {
    let outer = Outer::enter().map_err(|error| Failure::internal(format!("cannot use this terminal: {error}")))?;
    let mut face = Face::new(engine, mailbox, outer, opening);
    face.first_frame().map_err(Failure::internal)?;
    let sender = face.mailbox.sender.clone();
    let mut signals =
        Signals::new([signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT])
            .map_err(Failure::internal)?;
    let handle = signals.handle();
    let watcher = std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = sender.send(Wake::Leave);
        }
    });
    let served = face.serve();
    handle.close();
    let _ = watcher.join();
    let Face { engine, mut memory, model, outer, input, .. } = face;
    drop((input, outer));
    memory.save(&model);
    // A terminal that is gone is left like any other: the engine goes back to whoever lent it.
    drop(served);
    Ok(engine)
}

/// The screen's state outside of the model.
struct Face {
    engine: Engine,
    mailbox: Mailbox,
    outer: Outer,
    look: Look,
    input: Option<Input>,
    model: Model,
    pane: TerminalPane,
    memory: Memory,
    opening: Opening,
    pace: Pace,
    leaving: bool,
}

/// When the next frame is due, and for what.
struct Pace {
    /// Something besides the terminal pane has to be drawn.
    stale: bool,
    /// The terminal pane has other content.
    screens: bool,
    drawn: Instant,
    typed: Instant,
}

impl Pace {
    fn new() -> Self {
        let long_ago = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
        Self { stale: true, screens: false, drawn: long_ago, typed: long_ago }
    }

    /// The time between two frames.
    fn interval(&self) -> Duration {
        if self.typed.elapsed() < TYPING { SOON } else { FRAME }
    }

    /// When the next frame is to be drawn, if one is.
    fn next(&self) -> Option<Instant> {
        (self.stale || self.screens).then(|| self.drawn + self.interval())
    }
}

impl Face {
    fn new(engine: Engine, mailbox: Mailbox, outer: Outer, opening: Opening) -> Self {
        let area = outer.terminal.size().unwrap_or_default();
        let mut model = Model::new(engine.snapshot(), now(), Size::new(area.height, area.width));
        let memory = Memory::load(&opening.memory, &mut model);
        Self {
            engine,
            mailbox,
            outer,
            look: Look::of_terminal(),
            input: None,
            model,
            pane: TerminalPane::default(),
            memory,
            opening,
            pace: Pace::new(),
            leaving: false,
        }
    }

    /// Draws as soon as the state is there, or a moment later without it.
    fn first_frame(&mut self) -> std::io::Result<()> {
        let until = Instant::now() + FIRST_STATE;
        while self.model.snapshot.projects.is_empty() {
            match self.mailbox.receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(wake) => self.take(wake),
                Err(_) => break,
            }
        }
        self.draw()?;
        self.start_designer();
        Outer::enhance_keys()?;
        let sender = self.mailbox.sender.clone();
        self.input = Some(Input::start(move |event| sender.send(event.map_or(Wake::Leave, Wake::Input)).is_ok())?);
        Ok(())
    }

    /// Starts the designer of the project that was opened, where that is wanted, as soon as the project is known.
    fn start_designer(&mut self) {
        let Some(opened) = self.model.snapshot.opened.as_ref().map(|opened| opened.project.clone()) else { return };
        let project = self.model.snapshot.projects.iter().find(|project| project.id == opened);
        if project.is_none() || !std::mem::take(&mut self.opening.designer) {
            return;
        }
        if project.is_some_and(|project| project.config.designer.autostart && project.trouble.is_none()) {
            self.perform(Effect::Ask { request: Request::StartDesigner { project: opened }, then: Then::Say });
        }
    }

    fn serve(&mut self) -> std::io::Result<()> {
        while !self.leaving {
            match self.next() {
                Some(Ok(wake)) => self.take(wake),
                Some(Err(())) => return Ok(()),
                None => self.time_passed(),
            }
            loop {
                match self.mailbox.receiver.try_recv() {
                    Ok(wake) => self.take(wake),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            if self.pace.next().is_some_and(|due| due <= Instant::now()) {
                self.draw()?;
            }
        }
        Ok(())
    }

    /// The next thing that happens; none: a deadline has come.
    fn next(&self) -> Option<Result<Wake, ()>> {
        let Some(deadline) = self.deadline() else { return Some(self.mailbox.receiver.recv().map_err(drop)) };
        match self.mailbox.receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(wake) => Some(Ok(wake)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(())),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let frame = self.pace.next();
        let tick = update::next_tick(&self.model).map(|at| {
            let wait = Duration::try_from(at.duration_since(now())).unwrap_or_default();
            Instant::now() + wait
        });
        let clock = look::next_change(&self.model).map(|wait| self.pace.drawn + wait);
        [frame, tick, clock].into_iter().flatten().min()
    }

    fn time_passed(&mut self) {
        self.model.now = now();
        if update::next_tick(&self.model).is_some_and(|at| at <= self.model.now) {
            self.tell(Msg::Tick);
        }
        if look::next_change(&self.model).is_some_and(|wait| self.pace.drawn.elapsed() >= wait) {
            self.pace.stale = true;
        }
    }

    fn take(&mut self, wake: Wake) {
        match wake {
            Wake::Input(event) => self.input_event(event),
            Wake::Msg(msg) => self.tell(msg),
            Wake::Engine => self.engine_changed(),
            Wake::Scrollback(rebuilt) => {
                let found = self.pane.take(rebuilt);
                self.searched(found);
            }
            Wake::Leave => self.leaving = true,
        }
    }

    fn input_event(&mut self, event: Event) {
        self.pace.typed = Instant::now();
        let msg = match event {
            Event::Key(key) => Msg::Key(key),
            Event::Paste(text) => Msg::Paste(text),
            Event::Mouse(event) => Msg::Mouse { event, hit: self.look.hit(&self.model, event.column, event.row) },
            Event::Resize(cols, rows) => Msg::Resized(Size::new(rows, cols)),
            Event::FocusGained => Msg::Focused(true),
            Event::FocusLost => Msg::Focused(false),
        };
        self.tell(msg);
    }

    fn engine_changed(&mut self) {
        let changes = self.mailbox.changes.swap(0, Ordering::AcqRel);
        if changes & bit(Change::Snapshot) != 0 {
            self.tell(Msg::Snapshot(self.engine.snapshot()));
            self.start_designer();
        }
        if changes & bit(Change::Ended) != 0 {
            self.leaving = true;
        }
        if changes & bit(Change::Diff) != 0
            && let Some(place) = self.shown_row()
            && let Some(diff) = self.engine.diff(&place)
        {
            self.tell(Msg::Diff { project: place.0, session: place.1, diff });
        }
        if changes & bit(Change::Screens) != 0 {
            self.pace.screens = true;
            if !self.pane.live() && self.pane.scrolled() != (self.model.main.scrolled, self.model.main.new_lines) {
                self.scrolled();
            }
        }
    }

    /// Brings a message to the model and does what follows.
    fn tell(&mut self, msg: Msg) {
        self.model.now = now();
        // A key for the attached session changes nothing on the screen but through its echo.
        let silent = self.model.main.attached && matches!(msg, Msg::Key(_));
        let effects = update::update(&mut self.model, msg);
        self.pace.stale |= !silent || !self.model.main.attached || effects.is_empty();
        self.follow_shown();
        for effect in effects {
            self.perform(effect);
        }
        if let Some(guide) = &mut self.opening.guide {
            guide.follow(&mut self.model);
        }
        self.memory.keep(&self.model);
        self.follow_shown();
    }
}
