//! Marks, signs and words: how each state looks and what it is called.
//!
//! Invariant: one truth. List, titles, monitor, `E` and notifications take mark and word of a state from here.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use crate::model::{Activity, Glyphs, ReasonKind, SessionView, State, TaskView};

use super::text;
use super::theme::Role;

/// From the third failure with the same output on, a gate needs a person.
pub const SAME_FAILURES: u32 = 3;

/// The state of a session as one mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    Running,
    /// Asks, or waits for a review.
    Attention,
    Gate,
    /// The gate failed the same way three times or more.
    GateStuck,
    Good,
    Closed,
    Rests,
    Bad,
    Paused,
    Idle,
}

impl Mark {
    pub const ALL: [Self; 10] = [
        Self::Running,
        Self::Attention,
        Self::Gate,
        Self::GateStuck,
        Self::Good,
        Self::Closed,
        Self::Rests,
        Self::Bad,
        Self::Paused,
        Self::Idle,
    ];

    pub fn of_task(view: &TaskView) -> Self {
        if is_stuck(view) { Self::GateStuck } else { Self::of_state(view.task.state) }
    }

    /// Of a state alone.
    pub const fn of_state(state: State) -> Self {
        match state {
            State::Setup | State::Working | State::Scripting | State::Integrating | State::Children => Self::Running,
            State::Gating => Self::Gate,
            State::Asking | State::Approval | State::Verdict => Self::Attention,
            State::Quiet => Self::Rests,
            State::Paused => Self::Paused,
            State::Failed | State::Blocked => Self::Bad,
            State::Done => Self::Good,
            State::Merged | State::Archived => Self::Closed,
            State::Draft | State::Queued | State::Waiting => Self::Idle,
        }
    }

    /// Of a session without a task: the designer.
    pub const fn of_session(session: &SessionView) -> Self {
        if !session.alive {
            return Self::Idle;
        }
        match session.activity {
            Activity::Starting | Activity::Working => Self::Running,
            Activity::Resting => Self::Rests,
            Activity::Asking { .. } => Self::Attention,
        }
    }

    /// One column wide.
    pub const fn glyph(self, signs: &Signs) -> &'static str {
        let [running, attention, gate, good, closed, rests, bad, paused, idle] = signs.marks;
        match self {
            Self::Running => running,
            Self::Attention => attention,
            Self::Gate | Self::GateStuck => gate,
            Self::Good => good,
            Self::Closed => closed,
            Self::Rests => rests,
            Self::Bad => bad,
            Self::Paused => paused,
            Self::Idle => idle,
        }
    }

    pub const fn role(self) -> Role {
        match self {
            Self::Running | Self::Gate => Role::Accent,
            Self::Attention | Self::GateStuck => Role::Attention,
            Self::Good => Role::Good,
            Self::Closed | Self::Paused | Self::Idle => Role::Dim,
            Self::Rests => Role::Foreground,
            Self::Bad => Role::Bad,
        }
    }
}

/// The word for a state; `core` stays longest when space is short (`work ` `2/4`, `failed` `: setup`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    pub head: Cow<'static, str>,
    pub core: Cow<'static, str>,
    pub tail: Cow<'static, str>,
}

impl Word {
    /// Of a task.
    pub fn of_task(view: &TaskView, now: Timestamp, signs: &Signs) -> Self {
        let task = &view.task;
        let plain = || Self::of_state(task.state, task.reviewed);
        match task.state {
            State::Working | State::Gating if is_stuck(view) => {
                Self::core(format!("gate {}{}", view.same_failures, signs.times))
            }
            State::Working | State::Scripting => Self {
                head: format!("{} ", task.current_stage().name).into(),
                core: format!("{}/{}", task.stage + 1, task.flow.stages.len()).into(),
                ..Self::default()
            },
            State::Setup => {
                Self { head: "setup ".into(), core: text::elapsed(view.since, now).into(), ..Self::default() }
            }
            State::Queued => view.queued.map_or_else(plain, |n| Self::core(format!("queued {n}"))),
            State::Gating => view.gate.map_or_else(plain, |(attempt, _)| Self::core(format!("gate {attempt}"))),
            State::Failed => Self { tail: failed_at(view).into(), ..Self::core("failed") },
            State::Integrating => view
                .behind
                .as_ref()
                .map_or_else(plain, |first| Self { tail: format!(" for {first}").into(), ..Self::core("waits") }),
            _ => plain(),
        }
    }

    /// Of a state alone, without the facts around it.
    pub fn of_state(state: State, reviewed: bool) -> Self {
        Self::core(match state {
            State::Draft => return Self::default(),
            State::Setup => "setup",
            State::Queued => "queued",
            State::Working => "works",
            State::Gating => "gate",
            State::Scripting => "script",
            State::Integrating => "merges",
            State::Waiting => "waits",
            State::Children => "subtasks",
            State::Quiet => "rests",
            State::Asking => "asks",
            State::Approval => "review",
            State::Verdict => "verdict",
            State::Blocked => "blocked",
            State::Paused => "paused",
            State::Failed => "failed",
            State::Done if reviewed => "reviewed",
            State::Done => "done",
            State::Merged => "merged",
            State::Archived => "archived",
        })
    }

    /// Of a session without a task: its role, unless it asks.
    pub fn of_session(session: &SessionView) -> Self {
        match session.activity {
            Activity::Asking { .. } if session.alive => Self::core("asks"),
            _ => Self::core("designer"),
        }
    }

    fn core(word: impl Into<Cow<'static, str>>) -> Self {
        Self { core: word.into(), ..Self::default() }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.head, self.core, self.tail)
    }
}

/// True: the gate of a task at work keeps failing the same way, so a person should look.
pub fn is_stuck(view: &TaskView) -> bool {
    matches!(view.task.state, State::Working | State::Gating) && view.same_failures >= SAME_FAILURES
}

fn failed_at(view: &TaskView) -> &'static str {
    match view.task.reason.as_ref().map(|reason| reason.kind) {
        Some(ReasonKind::Setup) => ": setup",
        Some(ReasonKind::Gate) => ": gate",
        Some(ReasonKind::Integration) => ": merge",
        Some(ReasonKind::Agent) => ": agent",
        Some(ReasonKind::Trust) => ": trust",
        Some(ReasonKind::Script) => ": script",
        Some(ReasonKind::Children) => ": subtask",
        Some(
            ReasonKind::Paused(_)
            | ReasonKind::Asks
            | ReasonKind::Questions
            | ReasonKind::Message
            | ReasonKind::MergeAsked
            | ReasonKind::Rests
            | ReasonKind::Verdict
            | ReasonKind::Blocked
            | ReasonKind::Dependencies,
        )
        | None => "",
    }
}

/// The signs of the screen beside text; each takes one column.
#[derive(Debug, PartialEq, Eq)]
pub struct Signs {
    marks: [&'static str; 9],
    pub unread: &'static str,
    pub ellipsis: &'static str,
    /// In place of a character that does not print.
    pub hidden: &'static str,
    /// Between the parts of a title.
    pub dot: &'static str,
    pub minus: &'static str,
    pub times: &'static str,
    /// The mark of the selection.
    pub bar: &'static str,
    pub folded: &'static str,
    pub unfolded: &'static str,
    pub below: &'static str,
    pub horizontal: &'static str,
    pub vertical: &'static str,
    pub tee_down: &'static str,
    pub tee_up: &'static str,
    pub tee_right: &'static str,
}

impl Signs {
    pub const UNICODE: &'static Self = &Self {
        marks: ["●", "◆", "◐", "✓", "■", "○", "✗", "‖", "·"],
        unread: "«",
        ellipsis: "…",
        hidden: "·",
        dot: "·",
        minus: "−",
        times: "×",
        bar: "▌",
        folded: "▸",
        unfolded: "▾",
        below: "↓",
        horizontal: "─",
        vertical: "│",
        tee_down: "┬",
        tee_up: "┴",
        tee_right: "├",
    };

    pub const ASCII: &'static Self = &Self {
        marks: ["*", "?", "%", "+", "#", "o", "x", "=", "-"],
        unread: "<",
        ellipsis: "~",
        hidden: ".",
        dot: "-",
        minus: "-",
        times: "x",
        bar: ">",
        folded: "+",
        unfolded: "-",
        below: "v",
        horizontal: "-",
        vertical: "|",
        tee_down: "+",
        tee_up: "+",
        tee_right: "+",
    };

    pub const fn of(glyphs: Glyphs) -> &'static Self {
        match glyphs {
            Glyphs::Unicode => Self::UNICODE,
            Glyphs::Ascii => Self::ASCII,
        }
    }
}
