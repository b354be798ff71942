//! How a task looks in text: the marks, words and groups of the screen.

use jiff::Timestamp;

use super::output::{Output, pad, pad_left};
use crate::model::State;
use crate::rpc::{GateView, TaskView};
use crate::ui::glyph::{Mark, Word};
use crate::ui::model::Group;
use crate::ui::text;

/// The groups of a listing, in the order of the screen.
pub(super) const GROUPS: [Group; 5] = [Group::NeedsYou, Group::Ready, Group::Running, Group::Draft, Group::Closed];

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "a program that runs once, for ages beside what it prints")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// None: a state of a newer engine.
pub(super) fn state(task: &TaskView) -> Option<State> {
    State::ALL.into_iter().find(|state| state.word() == task.state)
}

pub(super) fn mark(task: &TaskView) -> Mark {
    state(task).map_or(Mark::Idle, Mark::of_state)
}

/// `work 2/4`, `gate 3`, `failed: setup`.
pub(super) fn word(task: &TaskView) -> String {
    let Some(state) = state(task) else { return task.state.clone() };
    match (state, &task.reason) {
        (State::Working | State::Scripting, _) => stage(task),
        (State::Gating, _) => format!("gate {}", task.gate_attempt.max(1)),
        (State::Failed, Some(reason)) => format!("failed: {}", reason.kind),
        _ => Word::of_state(state, task.status == "reviewed").to_string(),
    }
}

/// `work 2/4`.
pub(super) fn stage(task: &TaskView) -> String {
    format!("{} {}/{}", task.stage, task.stage_index + 1, task.stage_count)
}

/// How a gate or a script ended: `passed`, `exited 1`.
pub(super) fn exit(gate: &GateView) -> String {
    match gate.exit {
        Some(0) => "passed".to_owned(),
        Some(code) if code < 0 => format!("killed by {}", -code),
        Some(code) => format!("exited {code}"),
        None => "ran out of time".to_owned(),
    }
}

pub(super) fn group(task: &TaskView) -> Group {
    match state(task) {
        Some(State::Draft) => Group::Draft,
        Some(State::Done) => Group::Ready,
        Some(state) if state.is_closed() => Group::Closed,
        Some(state) if state.needs_person() => Group::NeedsYou,
        _ => Group::Running,
    }
}

/// Since when it is as it is.
pub(super) fn age(task: &TaskView, now: Timestamp) -> String {
    text::age(task.reason.as_ref().map_or(task.updated_at, |reason| reason.since), now)
}

/// Why it is as it is, where that says more than the word.
pub(super) fn why(task: &TaskView) -> &str {
    match (state(task), &task.reason) {
        (Some(State::Draft), _) | (_, None) => "",
        (_, Some(reason)) => reason.text.lines().next().unwrap_or_default(),
    }
}

/// What the word does not say: the stage, the attempt at it, and why.
fn rest(task: &TaskView) -> String {
    let open = state(task).is_some_and(|state| !matches!(state, State::Done | State::Draft) && !state.is_closed());
    let says_stage = matches!(state(task), Some(State::Working | State::Scripting));
    let stage = (open && !says_stage && task.stage_count > 1 && task.iteration > 0).then(|| stage(task));
    let attempt = (open && task.iteration > 1).then(|| format!("attempt {}", task.iteration));
    let why = match state(task) {
        Some(State::Waiting) if !task.waits_for.is_empty() => format!("for {}", task.waits_for.join(", ")),
        _ => why(task).to_owned(),
    };
    [stage, attempt, Some(why).filter(|why| !why.is_empty())].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `+41 −7`; nothing where nothing changed.
pub(super) fn changes(output: &Output, task: &TaskView) -> String {
    let diff = task.diff;
    if diff.files == 0 { String::new() } else { text::changed(diff.added, diff.removed, output.signs) }
}

/// A task in a listing, and how deep it lies in others of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub task: &'a TaskView,
    pub depth: usize,
}

/// The tasks of a group in their order, each with its subtasks below it, whatever group those would be in.
pub(super) fn rows(tasks: &[TaskView], of: Group) -> Vec<Row<'_>> {
    let is_listed = |slug: &String| tasks.iter().any(|task| task.slug == *slug);
    let heads = tasks.iter().filter(|task| group(task) == of && !task.parent.as_ref().is_some_and(is_listed));
    let mut rows = Vec::new();
    heads.for_each(|task| add(&mut rows, tasks, Row { task, depth: 0 }));
    rows
}

fn add<'a>(rows: &mut Vec<Row<'a>>, tasks: &'a [TaskView], row: Row<'a>) {
    rows.push(row);
    let parts = tasks.iter().filter(|part| row.task.children.contains(&part.slug));
    parts.for_each(|task| add(rows, tasks, Row { task, depth: row.depth + 1 }));
}

/// The columns of a listing, as wide as what is in them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Columns {
    name: usize,
    word: usize,
    changes: usize,
}

impl Columns {
    const NAME: usize = 30;
    const WORD: usize = 18;
    const AGE: usize = 4;

    pub fn of<'a>(output: &Output, rows: impl IntoIterator<Item = &'a Row<'a>>) -> Self {
        rows.into_iter().fold(Self::default(), |widest, Row { task, depth }| Self {
            name: widest
                .name
                .max(2 * depth + text::width(&task.slug) + text::width(&unread(output, task)))
                .min(Self::NAME),
            word: widest.word.max(text::width(&word(task))).min(Self::WORD),
            changes: widest.changes.max(text::width(&changes(output, task))),
        })
    }

    /// One line: mark, name, word, age, changes, then what else there is to say.
    pub fn row(self, output: &Output, Row { task, depth }: &Row<'_>, now: Timestamp) -> String {
        let Self { name, word: wide, changes: width } = self;
        let indent = "  ".repeat((*depth).min(name / 4));
        let name = name - indent.len();
        let (mark, unread) = (mark(task), unread(output, task));
        let slug = text::cut_middle(&task.slug, name - text::width(&unread), output.signs);
        let word = text::cut(&word(task), wide, output.signs).into_owned();
        let used = 4 + indent.len() + name + 2 + wide + 2 + Self::AGE + 2 + width + 2;
        let rest = rest(task);
        let rest = text::cut(&rest, output.width.saturating_sub(used), output.signs);
        let line = format!(
            "  {indent}{} {}  {}  {}  {}  {rest}",
            output.paint(mark.role(), mark.glyph(output.signs)),
            pad(&format!("{slug}{unread}"), name),
            output.paint(mark.role(), &pad(&word, wide)),
            pad_left(&age(task, now), Self::AGE),
            pad_left(&changes(output, task), width),
        );
        line.trim_end().to_owned()
    }
}

fn unread(output: &Output, task: &TaskView) -> String {
    if task.unread { format!(" {}", output.signs.unread) } else { String::new() }
}
