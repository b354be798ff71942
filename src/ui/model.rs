//! The state of the screen, apart from what the engine owns.
//!
//! Invariant: `update` and its children change it, `view` only reads it. The clock (`now`) and the size are set by
//! the runtime before either is called.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::model::{Comment, Diff, NoticeKind, ProjectId, Request, SessionId, Size, Slug, Snapshot, TaskId};

use super::keymap::Keymap;
use super::modal::Modal;
use super::pipeline;

/// What the screen shows and where the focus is.
#[derive(Debug)]
pub struct Model {
    pub snapshot: Arc<Snapshot>,
    pub now: Timestamp,
    /// Of the outer terminal.
    pub size: Size,
    pub layout: LayoutState,
    pub list: ListState,
    pub main: MainState,
    pub diff: DiffState,
    pub messages: MessageState,
    /// The prompt, form or overlay on top, if any.
    pub modal: Option<Modal>,
    pub input: InputState,
    /// The strip of `orchestra demo` above the footer; none otherwise and once hidden.
    pub strip: Option<String>,
    /// True once the outer terminal lost its focus (mode 1004).
    pub unfocused: bool,
}

/// Keys, and what a person typed so far.
#[derive(Debug, Default)]
pub struct InputState {
    pub keys: Keymap,
    /// Text kept for each prompt through Esc and restart: key is `m:<project>/<session>`, `n:<project>`, ...
    pub drafts: BTreeMap<String, String>,
    /// Lines that were sent before, oldest first, by kind of prompt (`n`, `m`, `r`, `/`).
    pub history: BTreeMap<String, Vec<String>>,
    /// Counts the modals: an answer for one that is closed by now is dropped.
    pub serial: u64,
    /// When Ctrl-C was pressed: again within 2 s leaves.
    pub interrupted_at: Option<Timestamp>,
    /// A prompt put aside to look at the diff; Esc brings it back.
    pub parked: Option<Modal>,
    /// The state of all when the outer terminal lost the focus.
    pub away: Option<Arc<Snapshot>>,
    /// A task or a session that was asked for and is not in the snapshot yet.
    pub awaited: Option<Awaited>,
    /// The row that was clicked last: again within 400 ms attaches.
    pub clicked: Option<(Timestamp, RowKey)>,
    /// The rule between the list and the rest follows the mouse.
    pub drags_divider: bool,
    /// Whose terminal or diff is seen, and since when: 1 s makes it read.
    pub seen: Option<(RowKey, Timestamp)>,
    /// The kitty protocol told of Caps Lock.
    pub caps_lock: bool,
}

/// What the screen turns to once the snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaited {
    /// Select it.
    Task(ProjectId, TaskId),
    /// Show and attach it, beside the row that was selected.
    Session(RowKey, SessionId),
}

/// Panes and their sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutState {
    pub focus: Pane,
    /// The focused pane fills the screen.
    pub zoomed: bool,
    /// Columns of the list, as the person set them; none = by the width of the screen.
    pub list_width: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    List,
    Main,
    Diff,
    Monitor,
}

/// The session list.
#[derive(Debug, Clone, Default)]
pub struct ListState {
    /// The selection follows the task, not the row.
    pub selected: Option<RowKey>,
    pub previous: Option<RowKey>,
    /// First line on the screen, titles included: an index into `row::lines`. The view moves it as far as the selection
    /// asks for.
    pub offset: usize,
    /// The wheel took the list away from its selection; the next key brings it back.
    pub roams: bool,
    pub folded: BTreeSet<ProjectId>,
    /// Tasks whose subtasks are folded away.
    pub folded_tasks: BTreeSet<RowKey>,
    /// The one project that is shown; none: all of them.
    pub scope: Option<ProjectId>,
    /// Kept filter, lower case; empty = none.
    pub filter: String,
    /// Rows in the order they had at the last key: rows move only 1 s after it.
    pub order: Vec<RowKey>,
    /// The groups they stood in at that time; `row::settle` sets both.
    pub places: BTreeMap<RowKey, Group>,
    pub last_key_at: Option<Timestamp>,
}

/// The groups of the list, in the order in which they stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    NeedsYou,
    Ready,
    Running,
    Draft,
    Closed,
}

/// What a row of the list stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKey {
    Project(ProjectId),
    /// The designer (`main`) or a task, by its session id.
    Session(ProjectId, SessionId),
}

/// The main pane.
#[derive(Debug, Clone)]
pub struct MainState {
    pub tab: Tab,
    /// All keys but the detach keys go to the session that is shown.
    pub attached: bool,
    /// Lines the terminal pane is scrolled back; 0 = live.
    pub scrolled: usize,
    /// Lines that arrived since the view was scrolled back.
    pub new_lines: u64,
    /// First line of the spec and log tabs.
    pub offset: usize,
    /// The marked line of the pipeline; none: the newest iteration.
    pub marked: Option<pipeline::Spot>,
    /// The session that the tab `Shell` shows: a shell, or an embedded editor.
    pub shell: Option<SessionId>,
    /// The marked line of the welcome that found no agent.
    pub choice: usize,
    /// Text that is searched for in the terminal, the spec or the log; empty = none.
    pub search: String,
    /// Text that is being selected, in this pane or in the diff.
    pub selection: Option<Selection>,
}

/// Text between two cells of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    pub pane: Pane,
    /// Where it began, and where it is now; either may come first.
    pub from: Spot,
    pub to: Spot,
    /// Columns at the left that are not taken: numbers and signs of a diff.
    pub left: u16,
    /// By the mouse, whose button is down; else by keys.
    pub drags: bool,
}

/// A cell of a pane's text. A row may be off the screen: 0 is the first one that is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub row: i64,
    pub column: u16,
}

impl Selection {
    /// The first and the last cell.
    pub fn ends(&self) -> (Spot, Spot) {
        (self.from.min(self.to), self.from.max(self.to))
    }

    /// The columns that are taken of a row that is `width` columns wide; empty for a row outside.
    pub fn columns(&self, row: i64, width: u16) -> std::ops::Range<u16> {
        let (first, last) = self.ends();
        if !(first.row..=last.row).contains(&row) {
            return 0..0;
        }
        let start = if row == first.row { first.column } else { 0 };
        let end = if row == last.row { last.column.saturating_add(1) } else { width };
        start.max(self.left)..end.min(width)
    }
}

/// The tabs of the main pane. `Shell` is there only while the selected session has one, `Pipeline` for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tab {
    Terminal,
    Shell,
    Diff,
    Spec,
    Pipeline,
    Log,
}

/// The diff of the selected session, and the place in it.
#[derive(Debug, Clone, Default)]
pub struct DiffState {
    /// None: not there yet.
    pub diff: Option<Arc<Diff>>,
    /// Whose diff it is.
    pub of: Option<RowKey>,
    /// First line of the flattened diff on the screen, and the marked line.
    pub offset: usize,
    pub cursor: usize,
    /// Columns scrolled sideways.
    pub sideways: usize,
    /// Paths of the files that are folded to their title.
    pub folded: BTreeSet<std::path::PathBuf>,
    /// Text that is searched for; empty = none.
    pub search: String,
    /// What is noted on its lines and still to be sent.
    pub comments: Vec<Comment>,
}

/// The message line: news is replaced, errors queue until read.
#[derive(Debug, Clone, Default)]
pub struct MessageState {
    pub news: Option<Message>,
    pub errors: Vec<Message>,
    /// Highest notice of the snapshot that was taken over.
    pub seen: u64,
    /// Names of the first-use tips that were shown.
    pub tips: BTreeSet<String>,
    /// All that was said, oldest first, the last thousand: the log tab.
    pub log: VecDeque<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub text: String,
    pub about: Option<RowKey>,
    pub at: Timestamp,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub kind: NoticeKind,
    pub text: String,
    pub at: Timestamp,
}

/// What `update` asks of the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// To the engine; `then` says what its answer is for.
    Ask {
        request: Request,
        then: Then,
    },
    /// A key for the session that is shown, encoded as its terminal modes ask.
    Key(KeyEvent),
    /// A mouse event inside the terminal pane, in cells of it: the session gets it when it asked for the mouse, else the
    /// wheel scrolls.
    Mouse(MouseEvent),
    /// Paste into the session that is shown, bracketed when it asked for that.
    Paste(String),
    /// Scroll the terminal pane by lines (up is positive); `i64::MIN` = back to live.
    ScrollTerminal(i64),
    /// The terminal pane stands still, whatever its program draws.
    HoldTerminal,
    /// It goes on, unless it is scrolled back.
    ReleaseTerminal,
    /// Goes to the next row of the terminal that has `text`, or back to the previous one.
    SearchTerminal {
        text: String,
        back: bool,
    },
    /// The selected text to the clipboard.
    CopySelection(Selection),
    /// To the clipboard of the outer terminal (OSC 52).
    Copy(String),
    /// A text field's content in `$EDITOR`, full screen; the result comes back as `Msg::Edited`.
    EditText(String),
    /// The same of a text in YAML.
    EditYaml(String),
    /// The visible lines of a session's screen; they come back as `Msg::Screen`.
    ReadScreen {
        project: ProjectId,
        session: SessionId,
    },
    /// What a step of a task left behind; it comes back as `Msg::Page`, for the modal of this serial.
    ReadPage {
        serial: u64,
        /// Of the project.
        root: std::path::PathBuf,
        slug: Slug,
        page: pipeline::Page,
    },
    /// To the clipboard: the last answer of a session, as its agent or its screen tells it.
    CopyAnswer {
        project: ProjectId,
        session: SessionId,
    },
    /// Ring the bell of the outer terminal once.
    Bell,
    /// `e`: a path (and a line) in the person's editor.
    OpenEditor {
        path: std::path::PathBuf,
        line: Option<u32>,
    },
    /// Writes a picture of the screen (SVG) beside the project and says where.
    Picture,
    Redraw,
    Quit,
}

/// What the answer to a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Show its message, or its failure.
    Say,
    /// Show its message; when it is refused for want of trust, ask for that, then send the request again.
    Trusting(Box<Request>),
    /// Trust was given: the request that waited for it.
    Resume(Box<Request>),
    /// Fills the modal of this serial (facts of delete, merge, review, trust), while it is the one that is open.
    FillModal(u64),
    /// Of what the modal of this serial sent: taken, it is done with; refused, it stays and says why, or the failure is shown
    /// where it is gone.
    SettleModal(u64),
    /// Show its message, or its failure; taken, the draft of this name is done with.
    Forget(String),
    /// Created a task: select it; on a failure the form stays and shows it.
    SelectNew,
    /// Opened a shell or an embedded editor: show and attach it.
    AttachTo,
    Nothing,
}

impl Model {
    pub fn new(snapshot: Arc<Snapshot>, now: Timestamp, size: Size) -> Self {
        Self {
            snapshot,
            now,
            size,
            layout: LayoutState { focus: Pane::List, zoomed: false, list_width: None },
            list: ListState::default(),
            main: MainState {
                tab: Tab::Terminal,
                attached: false,
                scrolled: 0,
                new_lines: 0,
                offset: 0,
                marked: None,
                shell: None,
                choice: 0,
                search: String::new(),
                selection: None,
            },
            diff: DiffState::default(),
            messages: MessageState::default(),
            modal: None,
            input: InputState::default(),
            strip: None,
            unfocused: false,
        }
    }
}
