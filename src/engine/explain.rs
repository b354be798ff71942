//! Why a task has the state it has, who says so and since when, and what it waits for. Pure: from a snapshot.

use jiff::Timestamp;

use crate::model::{Activity, Hold, ProjectView, SessionView, State, TaskView};

/// One line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// One or two words, at most twelve columns.
    pub label: &'static str,
    pub text: String,
}

/// The facts of a task, the most telling first.
pub fn task(project: &ProjectView, view: &TaskView, now: Timestamp) -> Vec<Fact> {
    let mut facts = state(view, now);
    facts.push(fact("waits for", waits_for(project, view)));
    if let Some(session) = &view.session {
        facts.extend(self::session(session, now));
    }
    let task = &view.task;
    let conversation = task.conversation(&task.current_stage().name).unwrap_or("not known yet");
    facts.push(fact("conversation", conversation));
    facts.push(fact("branch", format!("{}, from {}", task.branch, task.base_branch)));
    facts.push(fact("worktree", view.worktree.as_ref().map_or("none".into(), |path| path.to_string_lossy())));
    facts
}

/// The facts of a process.
pub fn session(session: &SessionView, now: Timestamp) -> Vec<Fact> {
    let activity = match &session.activity {
        Activity::Starting => "starts".to_owned(),
        Activity::Working => "works".to_owned(),
        Activity::Resting => "rests".to_owned(),
        Activity::Asking { text } => format!("asks: {text}"),
    };
    let alive = match (session.alive, session.exit) {
        (true, _) => String::new(),
        (false, Some(exit)) => format!("; the process {exit}"),
        (false, None) => "; the process is gone".to_owned(),
    };
    let mut facts = vec![
        fact("agent", format!("{} {activity}{alive}", session.name)),
        fact("source", format!("{}, {}", session.source, ago(session.since, now))),
    ];
    if session.waiting > 0 {
        facts.push(fact("messages", format!("{} wait until it rests", session.waiting)));
    }
    facts
}

/// The age of something in a list, at most four columns: `now`, `40s`, `2m`, `3h`, `1d`, `6w`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    match now.duration_since(since).as_secs().max(0) {
        0..10 => "now".to_owned(),
        seconds @ 10..60 => format!("{}s", seconds / 10 * 10),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds @ 86_400..604_800 => format!("{}d", seconds / 86_400),
        seconds => format!("{}w", (seconds / 604_800).min(999)),
    }
}

/// The age of something in a sentence: `now`, `40s ago`.
pub fn ago(since: Timestamp, now: Timestamp) -> String {
    match age(since, now) {
        age if age == "now" => age,
        age => format!("{age} ago"),
    }
}

fn state(view: &TaskView, now: Timestamp) -> Vec<Fact> {
    let task = &view.task;
    let stage = format!("{} {}/{}", task.current_stage().name, task.stage + 1, task.flow.stages.len());
    let since = age(view.since, now);
    let mut facts = vec![fact("state", format!("{}, for {since}   {} {stage}", task.state.word(), task.flow.name))];
    if let Some(reason) = &task.reason {
        facts.push(fact("reason", reason.text.as_str()));
        facts.push(fact("said by", format!("{}, {}", reason.source, ago(reason.since, now))));
    }
    if let Some((attempt, since)) = view.gate {
        facts.push(fact("gate", format!("attempt {attempt} runs, for {}", age(since, now))));
    }
    if view.same_failures > 1 {
        facts.push(fact("gate", format!("the same output {} times", view.same_failures)));
    }
    facts
}

/// What has to happen before it goes on.
fn waits_for(project: &ProjectView, view: &TaskView) -> String {
    let task = &view.task;
    let stage = task.current_stage();
    match task.state {
        State::Draft => "a person, who starts it".to_owned(),
        State::Setup => "its worktree and the setup script".to_owned(),
        State::Queued => queue(project, view),
        State::Working => format!("the agent, to hand in `{}`", stage.artifact),
        State::Gating => {
            format!("the gate: {}", stage.gate.as_ref().map_or("none", |gate| gate.command.as_str()))
        }
        State::Scripting => format!("the script of stage {}", stage.name),
        State::Waiting => dependencies(project, view),
        State::Children => children(project, view),
        State::Integrating => turn(project, view),
        State::Quiet => format!("a person: the agent rests and has not handed in `{}`", stage.artifact),
        State::Asking => "a person's answer".to_owned(),
        State::Approval => format!("a person's approval of `{}`", stage.artifact),
        State::Verdict => "a person, who confirms the rejection or overrides it".to_owned(),
        State::Blocked => "what keeps the agent from going on, or a message to it".to_owned(),
        State::Paused if task.iteration().is_some_and(|it| it.submitted && it.outcome.is_none()) => {
            format!("a person, who starts it again: it goes on with `{}`, which is handed in", stage.artifact)
        }
        State::Paused => "a person, who starts it again with the same conversation".to_owned(),
        State::Failed => "a person, who starts it again".to_owned(),
        State::Done => format!("a person, who merges it into {}", task.base_branch),
        State::Merged | State::Archived => "nothing".to_owned(),
    }
}

/// The tasks that have to be merged before this one starts.
pub fn dependencies(project: &ProjectView, view: &TaskView) -> String {
    let open: Vec<_> = project.awaited(view).map(|other| format!("{} ({})", other.slug, other.state.word())).collect();
    if open.is_empty() { "its turn".to_owned() } else { open.join(", ") }
}

/// The task that has to be over before this one is integrated.
fn turn(project: &ProjectView, view: &TaskView) -> String {
    let base = view.task.target();
    let Some(first) = &view.behind else { return format!("the checks, to get into {base}") };
    let other = project.tasks.iter().find(|other| other.task.slug == *first);
    let state = other.map_or("", |other| other.task.state.word());
    format!("{first} ({state}), then goes into {base}")
}

/// How many of its subtasks are merged, and what holds the others.
pub fn children(project: &ProjectView, view: &TaskView) -> String {
    let all = || project.tasks.iter().map(|other| &other.task).filter(|other| other.parent == Some(view.task.id));
    let merged = all().filter(|child| child.state == State::Merged).count();
    let open = all().filter(|child| !child.state.is_closed());
    let open: Vec<_> = open.map(|child| format!("{} ({})", child.slug, child.state.word())).collect();
    let total = all().count();
    if open.is_empty() {
        format!("its subtasks: {merged} of {total} are merged")
    } else {
        format!("its subtasks: {merged} of {total} are merged; open: {}", open.join(", "))
    }
}

/// The cap that holds a queued task, and its place in the queue.
pub fn queue(project: &ProjectView, view: &TaskView) -> String {
    let place = view.queued.map_or_else(String::new, |place| format!("; it is number {place} of those that wait"));
    let full = |max: u32, whose: &str, key: &str| {
        let of = if max == 1 { "the only one".to_owned() } else { format!("all {max}") };
        format!("a free place: {of} of {whose} taken ({key})")
    };
    let held = match view.hold {
        Some(Hold::Project { max }) => {
            full(max, if max == 1 { "its project is" } else { "its project are" }, "max_running")
        }
        Some(Hold::Total { max }) => {
            full(max, if max == 1 { "all projects is" } else { "all projects are" }, "max_running_total")
        }
        Some(Hold::Trouble) => {
            let why = project.trouble.as_ref().map_or("", |trouble| trouble.message.as_str());
            return format!("its project: {why}");
        }
        None => "a free place".to_owned(),
    };
    held + &place
}

fn fact(label: &'static str, text: impl Into<String>) -> Fact {
    Fact { label, text: text.into() }
}
