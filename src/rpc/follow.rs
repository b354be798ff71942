//! The lines of a session for a client that prints them, from wherever it was.
//!
//! Invariants: every line comes once and in order, whoever hands over to whom: the client says where it was; what it costs is
//! paid while somebody follows, and at most five times a second; a slow client makes nothing grow.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::attach::Shown;
use super::look::{self, LINES_MAX};
use super::outbox::Outbox;
use super::server::Service;
use super::view::exit_code;
use super::wire::{Fault, Lines};
use crate::engine::Place;
use crate::model::{RunId, Size};
use crate::pty::history::Reader;
use crate::pty::{self, Grid, Tail, Told};

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
    /// The newest run of the session: the one that is followed.
    pub run: RunId,
    /// False: its program has ended, and so does the stream once all is told.
    pub alive: bool,
}

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
}

/// Where the output is.
enum Source {
    Live(Shown),
    Ended(PathBuf),
}

/// Begins to send the lines of a session after `from`, the last `lines` of those that are there already.
pub fn begin(
    service: &Arc<Service>,
    outbox: &Outbox,
    place: Place,
    (after, lines): (Option<Position>, Option<usize>),
) -> Result<(Followed, JoinHandle<()>), Fault> {
    let (run, source) = match service.handle.terminal(&place) {
        Some(terminal) => (terminal.run().clone(), Source::Live(Shown::new(terminal))),
        None => look::ended(service, &place).map(|(run, folder)| (run, Source::Ended(folder)))?,
    };
    let from = after.filter(|after| after.run == run).map_or(0, |after| after.offset);
    let (service, outbox) = (Arc::clone(service), outbox.clone());
    let follower = Follower { service, outbox, place, run: run.clone(), source, from, alternate: false };
    let alive = !follower.has_ended();
    let lines = lines.unwrap_or(LINES_MAX).min(LINES_MAX);
    Ok((Followed { run, alive }, tokio::spawn(follower.run(lines))))
}

impl Follower {
    async fn run(mut self, lines: usize) {
        let (mut screens, mut states) = (self.service.screens(), self.service.snapshots());
        let (mut tail, mut grid, mut most) = (Tail::default(), Grid::new(Size::default()), lines);
        loop {
            screens.mark_unchanged();
            states.mark_unchanged();
            let ended = self.has_ended();
            if let Source::Live(Shown(terminal)) = &self.source {
                // Whatever changes from now on is told again.
                terminal.copy_grid(&mut grid);
            }
            let Some((read, told)) = self.read(tail, ended).await else { return };
            self.send(told, most).await;
            let Some(read) = read else { return self.tell_end() };
            (tail, most) = (read, usize::MAX);
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

    /// What came since the last look; after the end there is no next one. None: the server is at its end.
    async fn read(&self, mut tail: Tail, ended: bool) -> Option<(Option<Tail>, Vec<Told>)> {
        let history = self.history();
        let read = move || {
            let mut told = tail.read(history(tail.at()));
            if ended {
                told.extend(tail.finish());
                return (None, told);
            }
            (Some(tail), told)
        };
        tokio::task::spawn_blocking(read).await.ok()
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

    /// Sends the lines that are new to the client, of those the last `most`.
    async fn send(&mut self, told: Vec<Told>, most: usize) {
        let mut new: Vec<Told> = told.into_iter().filter(|told| told.offset > self.from).collect();
        new.drain(..new.len().saturating_sub(most));
        let mut batch = Vec::new();
        let mut size = 0;
        for Told { text, offset } in new {
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
