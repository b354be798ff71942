//! A session in the hands of the engine or the UI.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::error::PtyError;
use super::frame::{Down, MAX_PAYLOAD, StopPlan, Submit};
use super::grid::Grid;
use super::history::Reader;
use super::keys::{encode_key, encode_paste};
use super::link::Link;
use super::modes::Modes;
use super::process::Process;
use super::reactor::{Desk, Errand};
use super::scrollback::Scrollback;
use crate::model::{ExitStatus, RunId, Size};

/// How long a reader of history waits for the shim to write it out.
const FLUSH_PATIENCE: Duration = Duration::from_millis(250);
/// How much of the history is replayed for the scrollback, in bytes: a quarter of a second of work.
const TAIL: u64 = 8 << 20;
/// Input goes out in frames of this size, in bytes.
const INPUT_PIECE: usize = 1 << 20;

/// A live session. Clones share it; when the last one is dropped the connection ends, and the program goes on.
///
/// Commands go to the socket from the calling thread and never block; an error means that there is no connection.
#[derive(Clone)]
pub struct Terminal(Arc<Held>);

/// The last of these lets the hub forget the session.
struct Held {
    link: Arc<Link>,
    desk: Arc<Desk>,
    token: usize,
    /// The run's folder goes with it.
    discarded: AtomicBool,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.desk.post(Errand::Forget(self.token));
        if self.discarded.load(Ordering::Acquire) {
            // What is left of a folder costs disk only.
            let _ = std::fs::remove_dir_all(self.link.place.dir());
        }
    }
}

impl Terminal {
    pub(super) fn new(link: Arc<Link>, desk: Arc<Desk>, token: usize) -> Self {
        Self(Arc::new(Held { link, desk, token, discarded: AtomicBool::new(false) }))
    }

    fn link(&self) -> &Link {
        &self.0.link
    }

    fn send(&self, frame: &Down) -> Result<(), PtyError> {
        self.link().send(frame)?;
        if self.link().is_stuck() {
            self.0.desk.post(Errand::Drain(self.0.token));
        }
        Ok(())
    }

    pub fn run(&self) -> &RunId {
        &self.link().run
    }

    /// The run's folder.
    pub fn dir(&self) -> &Path {
        self.link().place.dir()
    }

    /// The program.
    pub fn process(&self) -> Process {
        self.link().facts().pids.child
    }

    /// The shim; what descends from it has this session's rights.
    pub fn shim(&self) -> Process {
        self.link().facts().pids.shim
    }

    /// Types bytes as they are.
    pub fn input(&self, bytes: &[u8]) -> Result<(), PtyError> {
        bytes.chunks(INPUT_PIECE).try_for_each(|piece| self.send(&Down::Input(piece)))
    }

    /// Types `text` as a paste, bracketed where the program asked for it, without its control characters but tabs and
    /// line ends.
    pub fn paste(&self, text: &str) -> Result<(), PtyError> {
        self.input(&encode_paste(&plain(text), &self.modes()))
    }

    /// Pastes `text`, waits `delay`, presses Enter: once for each `id`, whoever asks how often. Told by
    /// [`Event::Submitted`](super::Event::Submitted) or [`Event::Refused`](super::Event::Refused).
    pub fn submit(&self, id: &str, text: &str, delay: Duration) -> Result<(), PtyError> {
        let modes = self.modes();
        let paste = encode_paste(&plain(text), &modes);
        if paste.len() + 1024 > MAX_PAYLOAD || id.len() > 255 {
            return Err(PtyError::TooLong(paste.len()));
        }
        let enter = encode_key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE), &modes);
        self.send(&Down::Submit(Submit { id, delay, paste: &paste, enter: &enter }))
    }

    /// Resizes the program's terminal; the screen follows where the change stands in the output.
    pub fn resize(&self, size: Size) -> Result<(), PtyError> {
        self.send(&Down::Resize(size.clamped()))
    }

    /// Begins to end the program and all that descends from it; [`Event::StopDone`](super::Event::StopDone) tells the
    /// end. A stop that is under way goes on by its own plan.
    pub fn stop(&self, plan: StopPlan) -> Result<(), PtyError> {
        self.send(&Down::Stop(plan))
    }

    /// Resumes a program that is stopped (Ctrl-Z).
    pub fn resume(&self) -> Result<(), PtyError> {
        self.send(&Down::Continue)
    }

    /// Lets the shim of an ended program go; what the program left behind is ended. The folder stays. Means nothing
    /// while the program runs.
    pub fn collect(&self) -> Result<(), PtyError> {
        self.send(&Down::Collect)
    }

    /// Removes the run's folder, of a program that has ended, once the last clone is dropped: whoever reads its history now
    /// comes to its end.
    pub fn discard(self) {
        self.0.discarded.store(true, Ordering::Release);
    }

    /// Brings `grid` up to date; `false` and nothing done in the middle of a synchronized update.
    pub fn copy_grid(&self, grid: &mut Grid) -> bool {
        self.link().copy_grid(grid)
    }

    /// Changes when something visible may have changed; takes no lock.
    pub fn generation(&self) -> u64 {
        self.link().generation()
    }

    pub fn modes(&self) -> Modes {
        self.link().shown().screen.modes()
    }

    pub fn title(&self) -> String {
        self.link().shown().screen.title().to_owned()
    }

    /// The text of the visible rows.
    pub fn lines(&self) -> Vec<String> {
        self.link().shown().screen.lines()
    }

    /// The size that the screen has now.
    pub fn size(&self) -> Size {
        self.link().shown().screen.size()
    }

    /// Whether the screen has all that was written before this engine came; else it is being restored.
    pub fn restored(&self) -> bool {
        self.link().facts().live
    }

    /// How much of the program's stream is in the screen.
    pub fn offset(&self) -> u64 {
        self.link().shown().at
    }

    /// How many rows have left the main screen at its top; only differences tell.
    pub fn rows_left(&self) -> u64 {
        self.link().shown().screen.rows_left()
    }

    /// How the program ended, if it has.
    pub fn exit(&self) -> Option<ExitStatus> {
        self.link().facts().exit
    }

    /// Whether the program is stopped (Ctrl-Z).
    pub fn stopped(&self) -> bool {
        self.link().facts().stopped
    }

    /// The pids that the last stop could not end.
    pub fn left(&self) -> Vec<u32> {
        self.link().facts().left.clone()
    }

    /// One more face shows this session: changes call the hub's wake.
    pub fn show(&self) {
        self.link().viewers.fetch_add(1, Ordering::AcqRel);
    }

    /// A face that showed this session does so no more.
    pub fn hide(&self) {
        self.link().viewers.fetch_sub(1, Ordering::AcqRel);
    }

    /// The history from `from` on, with all that was written by now; may wait for the shim for a quarter of a second.
    pub fn history(&self, from: u64) -> Reader {
        let link = self.link();
        let asked = link.learn(|facts| {
            facts.flushes_asked += 1;
            facts.flushes_asked
        });
        if self.send(&Down::Flush).is_ok() {
            link.wait_for(FLUSH_PATIENCE, |facts| facts.flushes_done >= asked);
        }
        Reader::open(&link.place.history(), from)
    }

    /// The last `lines` rows that left the screen, at `width` columns, as far as the last [`TAIL`] bytes have them. Reads
    /// history: not for a thread that draws.
    pub fn scrollback(&self, width: u16, lines: usize) -> Scrollback {
        Scrollback::build(self.history(self.offset().saturating_sub(TAIL)), width, lines)
    }
}

/// `text` with nothing in it that a program could take for a key: no Ctrl-C, no end of a paste.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|&char| matches!(char, '\n' | '\t') || !char.is_control()).collect()
}
