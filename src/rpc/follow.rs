//! The lines of a session for a client that prints them, from wherever it was.
//!
//! Invariants: every line comes once and in order, whoever hands over to whom: the client says where it was; what it costs is
//! paid while somebody follows, and at most five times a second; a slow client makes nothing grow, nor does a long history;
//! what was told to its end is not read again.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::attach::Shown;
use super::look::{self, LINES_MAX};
use super::outbox::Outbox;
use super::runs::Runs;
use super::server::Service;
use super::view::exit_code;
use super::wire::{Fault, Lines};
use crate::engine::Place;
use crate::model::{RunId, Size};
use crate::pty::history::Reader;
use crate::pty::{self, Grid, Tail, Terminal, Told};

/// Between two looks at a session that writes all the time.
const PACE: Duration = Duration::from_millis(200);
/// Lines are sent together up to about so many bytes.
const BATCH: usize = 64 << 10;

/// Where a client is in a session's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    pub run: RunId,
    /// As `session.lines` told it.
    pub offset: u64,
}

/// `session.follow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Followed {
    /// The one that is followed: the oldest one that began since this connection follows the session and was not followed
    /// yet, else the newest.
    pub run: RunId,
    /// False: its program has ended, and so does the stream once all is told.
    pub alive: bool,
}

/// A client that follows a session, one run after the other; it ends when this is dropped.
pub struct Following {
    runs: Arc<Runs>,
    sending: Option<Sending>,
}

/// What sends the lines of a run.
struct Sending {
    run: RunId,
    terminal: Option<Terminal>,
    end: End,
    task: AbortHandle,
}

/// Where a client is once it was told all of a run.
type End = Arc<OnceLock<u64>>;

/// What is followed, and how far that is.
struct Follower {
    service: Arc<Service>,
    outbox: Outbox,
    place: Place,
    run: RunId,
    source: Source,
    /// Lines that became known up to here are not told.
    from: u64,
    /// What the client was told last of the alternate screen.
    alternate: bool,
    end: End,
}

/// Where the output is.
enum Source {
    Live(Shown),
    Ended(PathBuf),
}

impl Following {
    pub fn new(service: &Service, place: Place) -> Self {
        Self { runs: service.followed.begin(&service.handle, place), sending: None }
    }

    pub fn is_of(&self, place: &Place) -> bool {
        *self.runs.place() == *place
    }

    /// Begins to send the lines of a run after `after`, the last `lines` of those that are there already.
    pub fn begin(
        &mut self,
        service: &Arc<Service>,
        outbox: &Outbox,
        (after, lines): (Option<Position>, Option<usize>),
    ) -> Result<Followed, Fault> {
        let former = self.sending.take().filter(|former| after.as_ref().is_some_and(|after| after.run == former.run));
        let unfinished = former.as_ref().filter(|former| former.end.get().is_none());
        let terminal = unfinished.and_then(|former| former.terminal.clone());
        let place = self.runs.place().clone();
        let terminal = terminal.or_else(|| self.runs.next()).or_else(|| service.handle.terminal(&place));
        let (run, source) = match terminal.clone() {
            Some(terminal) => (terminal.run().clone(), Source::Live(Shown::new(terminal))),
            None => look::ended(service, &place).map(|(run, folder)| (run, Source::Ended(folder)))?,
        };
        let from = after.filter(|after| after.run == run).map_or(0, |after| after.offset);
        let (service, outbox) = (Arc::clone(service), outbox.clone());
        let mut follower =
            Follower { service, outbox, place, run: run.clone(), source, from, alternate: false, end: End::default() };
        let alive = !follower.has_ended();
        if let Some(former) = former.filter(|former| !alive && former.has_told(&run, from)) {
            // Nothing of it is left to be told but its end.
            follower.end = Arc::clone(&former.end);
        }
        let end = Arc::clone(&follower.end);
        let task = tokio::spawn(follower.run(lines.unwrap_or(LINES_MAX).min(LINES_MAX))).abort_handle();
        self.sending = Some(Sending { run: run.clone(), terminal, end, task });
        Ok(Followed { run, alive })
    }
}

impl Sending {
    /// Whether a client that is at this place has been told all of the run.
    fn has_told(&self, run: &RunId, from: u64) -> bool {
        self.run == *run && self.end.get().is_some_and(|end| *end <= from)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Follower {
    async fn run(mut self, lines: usize) {
        if self.end.get().is_some() {
            return self.tell_end();
        }
        let (mut screens, mut states) = (self.service.screens(), self.service.snapshots());
        let (mut tail, mut grid, mut most) = (Tail::default(), Grid::new(Size::default()), Some(lines));
        loop {
            screens.mark_unchanged();
            states.mark_unchanged();
            let ended = self.has_ended();
            if let Source::Live(Shown(terminal)) = &self.source {
                // Whatever changes from now on is told again.
                terminal.copy_grid(&mut grid);
            }
            let Some(read) = self.pass(tail, most.take(), ended).await else { return };
            let Some(read) = read else { return self.tell_end() };
            tail = read;
            if tail.is_alternate() != self.alternate {
                self.alternate = tail.is_alternate();
                self.tell(self.from, Vec::new(), false);
            }
            let next = Instant::now() + PACE;
            // A sender that is gone: the server is at its end.
            let alive = tokio::select! {
                changed = screens.changed() => changed.is_ok(),
                changed = states.changed() => changed.is_ok(),
            };
            if !alive {
                return;
            }
            sleep_until(next).await;
        }
    }

    /// Sends what came since the last look, or the last `most` lines of it; after the end there is no next look. None: the server
    /// is at its end.
    async fn pass(&mut self, mut tail: Tail, most: Option<usize>, ended: bool) -> Option<Option<Tail>> {
        let (history, from) = (self.history(), self.from);
        // One piece of the stream is read while another one is sent.
        let (sender, mut pieces) = mpsc::channel(1);
        let read = move || {
            let mut new = VecDeque::new();
            let mut add = |told: Vec<Told>| {
                new.extend(told.into_iter().filter(|told| told.offset > from));
                // A client that has gone ends the reading.
                match most {
                    None => sender.blocking_send(std::mem::take(&mut new)).is_ok(),
                    Some(most) => {
                        new.drain(..new.len().saturating_sub(most));
                        !sender.is_closed()
                    }
                }
            };
            tail.read(history(tail.at()), &mut add);
            let (tail, rest) = if ended { (None, tail.finish()) } else { (Some(tail), Vec::new()) };
            add(rest);
            let _ = sender.blocking_send(new);
            tail
        };
        let reading = tokio::task::spawn_blocking(read);
        while let Some(told) = pieces.recv().await {
            self.send(told).await;
        }
        reading.await.ok()
    }

    fn history(&self) -> impl FnOnce(u64) -> Reader + Send + use<> {
        let source = match &self.source {
            Source::Live(Shown(terminal)) => Ok(terminal.clone()),
            Source::Ended(folder) => Err(pty::Place::new(folder).history()),
        };
        move |from| match source {
            Ok(terminal) => terminal.history(from),
            Err(folder) => Reader::open(&folder, from),
        }
    }

    /// Sends lines, several together.
    async fn send(&mut self, told: VecDeque<Told>) {
        let mut batch = Vec::new();
        let mut size = 0;
        for Told { text, offset } in told {
            // Lines of one offset stay together: who goes on from there has had all of them.
            if size > BATCH && offset > self.from {
                self.outbox.room().await;
                self.tell(self.from, std::mem::take(&mut batch), false);
                size = 0;
            }
            size += text.len() + 1;
            batch.push(text);
            self.from = offset;
        }
        if !batch.is_empty() {
            self.outbox.room().await;
            self.tell(self.from, batch, false);
        }
    }

    fn tell_end(&self) {
        // It may be told again.
        let _ = self.end.set(self.from);
        self.tell(self.from, Vec::new(), true);
    }

    fn tell(&self, offset: u64, lines: Vec<String>, ended: bool) {
        let (project, session) = self.place.clone();
        let exit = match &self.source {
            Source::Live(Shown(terminal)) => terminal.exit(),
            Source::Ended(folder) => pty::Place::new(folder).exit(),
        };
        let exit = exit.filter(|_| ended).map(exit_code);
        let (run, alternate) = (self.run.clone(), self.alternate);
        self.outbox
            .notify("session.lines", &json!(Lines { project, session, run, offset, lines, alternate, ended, exit }));
    }

    fn has_ended(&self) -> bool {
        let Source::Live(Shown(terminal)) = &self.source else { return true };
        let now = self.service.handle.terminal(&self.place);
        terminal.exit().is_some() || now.is_none_or(|now| now.run() != terminal.run())
    }
}
