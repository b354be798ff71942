//! What happened, as the runtime tells it to `update`.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::model::{Answer, Diff, ProjectId, SessionId, Size, Snapshot};

use super::model::Then;
use super::view::Hit;

/// One event. The runtime sets `Model::now` before it hands one to `update`.
#[derive(Debug, Clone)]
pub enum Msg {
    Key(KeyEvent),
    /// Text pasted into the outer terminal (bracketed paste), as it came.
    Paste(String),
    /// With what lies under the pointer, as `view::hit` tells.
    Mouse {
        event: MouseEvent,
        hit: Option<Hit>,
    },
    /// A mouse event that the attached session has no use for, in cells of the screen.
    MouseUnused(MouseEvent),
    /// Of the outer terminal.
    Resized(Size),
    /// True: the outer terminal has the focus again (mode 1004).
    Focused(bool),
    /// The engine's state changed.
    Snapshot(Arc<Snapshot>),
    /// A diff that was watched.
    Diff {
        project: ProjectId,
        session: SessionId,
        diff: Arc<Diff>,
    },
    /// The answer to `Effect::Ask`, with the `then` of that effect.
    Answer {
        then: Then,
        result: Answer,
    },
    /// The answer to `Effect::ReadScreen`: the visible lines of a session's screen, blank ones at the end left out.
    Screen {
        project: ProjectId,
        session: SessionId,
        lines: Vec<String>,
    },
    /// The answer to `Effect::ReadPage`: the file and its text, or why there is none.
    Page {
        serial: u64,
        file: PathBuf,
        text: Result<String, String>,
    },
    /// The terminal pane moved by output or by `Effect::ScrollTerminal`: lines scrolled back (0 = live) and lines that
    /// arrived since.
    Scrolled {
        back: usize,
        new_lines: u64,
    },
    /// The answer to `Effect::EditText`; none: the editor failed, the text stays as it was.
    Edited(Option<String>),
    /// The moment that `next_tick` named has come.
    Tick,
}
