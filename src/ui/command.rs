//! The one table of commands: names, keys, places, labels, texts and conditions.
//!
//! Dispatch, footer, help, palette and `docs/keys.md` read this table and nothing else. A command that acts changes a
//! task; its keys mean the same in every pane.

use super::keymap::{Context, Key};
use super::model::Model;
use super::update::condition as can;

/// Whether a command applies now; if not, why: what follows `M: ` on the message line, with `$stop` for the key of a
/// command.
pub type Applies = fn(&Model) -> Result<(), String>;

/// Where help puts a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    Move,
    Panes,
    Open,
    Make,
    Decide,
    Diff,
    Pipeline,
    Program,
}

impl Group {
    pub const ALL: [Self; 8] =
        [Self::Move, Self::Panes, Self::Open, Self::Make, Self::Decide, Self::Diff, Self::Pipeline, Self::Program];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Panes => "Panes",
            Self::Open => "Open",
            Self::Make => "Make",
            Self::Decide => "Decide",
            Self::Diff => "Diff",
            Self::Pipeline => "Pipeline",
            Self::Program => "Program",
        }
    }
}

/// What a command does to tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effectiveness {
    /// Looks, moves, or opens something.
    Looks,
    /// Changes a task, or opens the prompt that does.
    Acts,
}

/// A row of the table.
#[derive(Debug)]
pub struct Entry {
    pub command: Command,
    /// In config, palette and docs.
    pub name: &'static str,
    keys: &'static str,
    pub contexts: &'static [Context],
    pub group: Group,
    /// One or two words for footer and help; empty where the keys say it all.
    pub label: &'static str,
    /// For help, palette and docs.
    pub text: &'static str,
    effectiveness: Effectiveness,
    pub applies: Applies,
}

impl Entry {
    /// The keys that it has without remaps.
    pub fn keys(&self) -> Vec<Key> {
        self.keys.split_whitespace().map(|key| Key::parse(key).expect("invariant: the table's keys are keys")).collect()
    }

    pub fn acts(&self) -> bool {
        self.effectiveness == Effectiveness::Acts
    }

    /// True: which of its keys was pressed makes a difference (the nth row, the nth tab).
    pub fn counts(&self) -> bool {
        matches!(self.command, Command::Nth | Command::Tab)
    }
}

impl Command {
    pub fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Whether it applies to what is selected now, and if not, why.
    pub fn applies(self, model: &Model) -> Result<(), String> {
        (self.entry().applies)(model).map_err(|reason| model.input.keys.spell(&reason))
    }
}

/// `docs/keys.md`: the whole table, by group.
pub fn page() -> String {
    let mut page = String::from(
        "# Keys\n\n\
         Printed from the table of commands; do not edit. Every key can be remapped: `keys.bind` in the configuration\n\
         takes the name of a command and its keys, separated by blanks (`merge: \"f6\"`, `stop: \"x ctrl-t\"`). While\n\
         attached, every key but `keys.detach` goes to the session.\n",
    );
    for group in Group::ALL {
        page.extend(["\n## ", group.word(), "\n\n| keys | command | where | what |\n|---|---|---|---|\n"]);
        for entry in TABLE.iter().filter(|entry| entry.group == group) {
            let keys: Vec<String> = entry.keys().iter().map(|key| format!("`{key}`")).collect();
            let places = match entry.contexts.len() {
                0 if entry.group == Group::Program => "palette".to_owned(),
                0 => "palette and `.`".to_owned(),
                n if n == Context::ALL.len() => "everywhere".to_owned(),
                _ => entry.contexts.iter().map(|context| context.word()).collect::<Vec<_>>().join(", "),
            };
            page.extend([format!("| {} | {} | {places} | {} |\n", keys.join(" "), entry.name, entry.text)]);
        }
    }
    page
}

const ANY: &[Context] = &Context::ALL;
const TERMINAL: &[Context] = &[Context::Terminal];
const PAGE: &[Context] = &[Context::Page];
/// Where rows can be filtered.
const ROWS: &[Context] = &[Context::List, Context::Monitor];
/// Where text can be searched.
const TEXT: &[Context] = &[Context::Terminal, Context::Diff, Context::Page, Context::Pipeline];
/// What has a live end.
const LIVE: &[Context] = &[Context::Terminal, Context::Page];
const DIFF: &[Context] = &[Context::Diff];
const PIPELINE: &[Context] = &[Context::Pipeline];
/// Everywhere but where Enter opens what is marked.
const NOT_MARKED: &[Context] = &[Context::List, Context::Terminal, Context::Page, Context::Monitor];
/// No key: palette and `.` only.
const NONE: &[Context] = &[];

macro_rules! commands {
    ($($command:ident $name:literal $keys:literal $contexts:ident $group:ident $label:literal $text:literal
       $effectiveness:ident $applies:path;)*) => {
        /// What a person can ask of the screen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Command {
            $(#[doc = $text] $command,)*
        }

        /// All commands, in the order of help.
        pub const TABLE: &[Entry] = &[
            $(Entry {
                command: Command::$command,
                name: $name,
                keys: $keys,
                contexts: $contexts,
                group: Group::$group,
                label: $label,
                text: $text,
                effectiveness: Effectiveness::$effectiveness,
                applies: $applies,
            },)*
        ];
    };
}

commands! {
    Up        "up"          "up k"        ANY  Move "" "one row or line up" Looks can::always;
    Down      "down"        "down j"      ANY  Move "" "one row or line down" Looks can::always;
    Top       "top"         "g home"      ANY  Move "" "the first row or line" Looks can::always;
    Bottom    "bottom"      "G end"       ANY  Move "" "the last row or line; in the terminal: back to live" Looks can::always;
    PageUp    "page-up"     "pgup"        ANY  Move "" "one page up" Looks can::always;
    PageDown  "page-down"   "pgdn"        ANY  Move "" "one page down" Looks can::always;
    HalfUp    "half-up"     "ctrl-u"      ANY  Move "" "half a page up" Looks can::always;
    HalfDown  "half-down"   "ctrl-d"      ANY  Move "" "half a page down" Looks can::always;
    Left      "left"        "left h"      ANY  Move "" "folds subtasks, then the project; in the main pane: the tab before, then the list" Looks can::always;
    Right     "right"       "right l"     ANY  Move "" "unfolds; on a session: into the main pane; there: the next tab" Looks can::always;
    Nth       "nth"         "1 2 3 4 5 6 7 8 9" ANY Move "" "the nth visible row" Looks can::always;
    Needy     "needy"       "w"           ANY  Move "needs me" "the next session that needs you" Looks can::someone_needs_me;
    NeedyBack "needy-back"  "W"           ANY  Move "" "the previous session that needs you" Looks can::someone_needs_me;
    Last      "last"        "backspace"   ANY  Move "last" "back to the session that was selected before" Looks can::has_previous;
    Filter    "filter"      "/"           ROWS Move "filter" "shows the rows that match: slug, title, state, agent" Looks can::always;

    Search    "search"      "/"           TEXT Move "search" "finds text in the pane; Enter next, ↑ previous, Esc stays" Looks can::search;
    Follow    "follow"      "f"           LIVE Move "follow" "back to what comes now" Looks can::always;
    Select    "select"      "v"           TERMINAL Move "select" "selects text; y copies it" Looks can::select;
    NextError "next-error"  "]"           PAGE Move "" "the next error of the log, an older one" Looks can::has_errors;
    PrevError "prev-error"  "["           PAGE Move "error" "the previous error of the log, a newer one" Looks can::has_errors;

    NextPane  "next-pane"   "tab"         ANY  Panes "" "the next pane" Looks can::always;
    PrevPane  "prev-pane"   "shift-tab"   ANY  Panes "" "the previous pane" Looks can::always;
    PrevTab   "prev-tab"    "{"           ANY  Panes "" "the previous tab of the main pane" Looks can::has_session;
    NextTab   "next-tab"    "}"           ANY  Panes "" "the next tab of the main pane" Looks can::has_session;
    Tab       "tab"         "alt-1 alt-2 alt-3 alt-4 alt-5 alt-6 alt-7" ANY Panes "" "the nth tab of the main pane" Looks can::has_session;
    Zoom      "zoom"        "z"           ANY  Panes "zoom" "the focused pane fills the screen, and back" Looks can::always;
    Narrower  "narrower"    "-"           ANY  Panes "" "a narrower list" Looks can::always;
    Wider     "wider"       "="           ANY  Panes "" "a wider list" Looks can::always;

    Attach    "attach"      "enter"       NOT_MARKED Open "attach" "all keys go to the session; on a project: folds it" Looks can::attach;
    AttachToo "attach-too"  "i"           TERMINAL Open "" "all keys go to the session" Looks can::attach;
    Peek      "peek"        "space"       ANY  Open "peek" "the question or the last message, and an answer from here" Looks can::peek;
    Diff      "diff"        "d"           ANY  Open "diff" "the changes against the base" Looks can::diff;
    Spec      "spec"        "s"           ANY  Open "spec" "the spec in your editor" Looks can::spec;
    Shell     "shell"       "t"           ANY  Open "shell" "a shell in the worktree; again: the same shell" Looks can::shell;
    Editor    "editor"      "e"           ANY  Open "editor" "the worktree in your editor; from the diff: the file at its line" Looks can::editor;
    Explain   "explain"     "E"           ANY  Open "explain" "why the state is what it is, and the whole last message" Looks can::explain;
    Copy      "copy"        "y"           ANY  Open "copy" "copies: then b branch, p path, i id, d patch, l last answer" Looks can::has_session;

    New       "new"         "N"           ANY  Make "new" "a new task, with all fields" Acts can::in_project;
    NewLine   "new-line"    "n"           ANY  Make "one line" "a new task from one line, started at once" Acts can::in_project;
    Start     "start"       "S"           ANY  Make "start" "starts or resumes; x takes it back" Acts can::start;
    Stop      "stop"        "x"           ANY  Make "stop" "stops the session; S resumes it" Acts can::stop;
    Restart   "restart"     "R"           ANY  Make "restart" "the stage again, with a fresh conversation" Acts can::restart;
    Retry     "retry"       ""            NONE Make "retry" "once more what failed, was blocked or is paused" Acts can::retry;
    Message   "message"     "m"           ANY  Make "message" "a message to the session, typed once it rests" Acts can::message;

    Approve   "approve"     "a"           ANY  Decide "approve" "accepts what waits" Acts can::approve;
    Reject    "reject"      "r"           ANY  Decide "reject" "sends it back with your words" Acts can::reject;
    SendComments "send-comments" "C"      ANY  Decide "send comments" "a rejection with all that is noted on the diff" Acts can::send_comments;
    Override  "override"    "o"           ANY  Decide "override" "goes on in spite of a rejection" Acts can::override_verdict;
    Merge     "merge"       "M"           ANY  Decide "merge" "merges into the base branch" Acts can::merge;
    Auto      "auto"        "A"           ANY  Decide "auto" "no pauses for a person, on and off" Acts can::auto;
    Unread    "unread"      "U"           ANY  Decide "unread" "marks as unread, or as read" Acts can::unread;
    Delete    "delete"      "D"           ANY  Decide "delete" "deletes task, worktree and branch; all is saved first" Acts can::delete;
    Answer    "answer"      ""            NONE Decide "answer" "answers the questions that the agent handed in" Acts can::answer;
    RunGate   "run-gate"    ""            NONE Decide "run the gate" "runs the gate of the stage now, on what is there" Acts can::run_gate;
    Complete  "complete"    ""            NONE Decide "complete" "marks the task as completed, whatever its stage says" Acts can::complete;
    Skip      "skip"        ""            NONE Decide "skip" "goes on with the next stage" Acts can::skip;
    SendTo    "send-to-stage" ""          NONE Decide "send to stage" "sends the task to another stage of its flow" Acts can::send_to_stage;
    Archive   "archive"     ""            NONE Decide "archive" "closes the task without a merge" Acts can::archive;
    PullRequest "pull-request" ""         NONE Decide "pull request" "pushes the branch and opens a pull request" Acts can::pull_request;
    RunScript "run-script"  ""            NONE Open "run script" "the project's run script in the worktree; again: the same one" Looks can::run_script;
    Scope     "scope"       ""            NONE Open "one project" "shows one project, and all of them again" Looks can::several_projects;
    Forget    "forget-project" ""         NONE Open "forget" "drops the project from the list; its files and its state stay" Acts can::forget;
    SendDetach "send-detach" ""           NONE Decide "send the detach key" "the detach key as such goes to the session" Acts can::send_detach;
    Actions   "actions"     "."           ANY  Decide "more" "all actions of the selected row" Looks can::has_row;

    Fold      "fold"        "enter"       DIFF Diff "fold" "folds the file, and unfolds it" Looks can::has_diff;
    NextHunk  "next-hunk"   "]"           DIFF Diff "" "the next hunk" Looks can::has_diff;
    PrevHunk  "prev-hunk"   "["           DIFF Diff "hunk" "the previous hunk" Looks can::has_diff;
    NextFile  "next-file"   "J"           DIFF Diff "" "the next file" Looks can::has_diff;
    PrevFile  "prev-file"   "K"           DIFF Diff "file" "the previous file" Looks can::has_diff;
    Comment   "comment"     "c"           DIFF Diff "comment" "notes something on the line, for the next rejection" Looks can::comment;
    Leftward  "leftward"    "<"           DIFF Diff "" "scrolls to the left" Looks can::has_diff;
    Rightward "rightward"   ">"           DIFF Diff "sideways" "scrolls to the right" Looks can::has_diff;

    OpenStep  "open-step"   "enter"       PIPELINE Pipeline "open" "opens the artifact, the log or the prompt that is marked" Looks can::open_step;
    GateLog   "gate-log"    "L"           PIPELINE Pipeline "gate log" "the log of the marked iteration's gate" Looks can::gate_log;

    Palette   "palette"     ": ctrl-k"    ANY  Program "palette" "every command and every task, by name" Looks can::always;
    Help      "help"        "?"           ANY  Program "help" "every key of this place" Looks can::always;
    Quit      "quit"        "q"           ANY  Program "leave" "leaves; agents go on working" Looks can::always;
    Interrupt "interrupt"   "ctrl-c ctrl-z" ANY Program "" "says how to leave; Ctrl-C twice in 2 s leaves" Looks can::always;
    Escape    "escape"      "esc"         ANY  Program "" "closes the innermost thing" Looks can::always;
    Redraw    "redraw"      "ctrl-l"      ANY  Program "redraw" "draws the whole screen again" Looks can::always;
    Init      "init"        ""            NONE Program "init" "sets up .orchestra/ in the project" Acts can::init;
    Picture   "picture"     ""            NONE Program "picture" "writes a picture of the screen (SVG)" Looks can::always;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_is_whole() {
        let mut names = HashSet::new();
        for (index, entry) in TABLE.iter().enumerate() {
            assert_eq!(entry.command as usize, index);
            assert!(names.insert(entry.name), "{} twice", entry.name);
            assert_eq!(entry.keys().is_empty(), entry.contexts.is_empty(), "{}", entry.name);
            assert!(!entry.text.is_empty() && entry.text.len() <= 96, "{}", entry.name);
            assert!(!entry.acts() || !entry.label.is_empty(), "{} needs a label", entry.name);
        }
    }

    /// Rule 1: a key that acts on a task means the same in every pane.
    #[test]
    fn acting_keys_hold_everywhere() {
        for entry in TABLE.iter().filter(|entry| entry.acts() && !entry.keys().is_empty()) {
            assert_eq!(entry.contexts, Context::ALL, "{}", entry.name);
        }
    }
}
