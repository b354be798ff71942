//! The way of a task through its flow, as the pipeline tab lists it: stages, iterations, and what each left behind.
//!
//! Invariants: pure; a line is named by what it stands for, so that a mark stays on it while others come.

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    CommandResult, Decision, Iteration, Outcome, ProjectView, Resource, Round, Stage, State, Task, TaskView, Trigger,
    Work,
};

use super::glyph::{Mark, Signs, Word};
use super::text;

/// What an iteration left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trace {
    Prompt,
    Questions,
    Script,
    Artifact,
    Verdict,
    Subtasks,
    Gate,
    /// What those who come after should read; of the whole task.
    Resources,
    /// What each iteration was; of the whole task.
    ActivityLog,
}

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spot {
    /// Index in the flow.
    pub stage: usize,
    /// Index in the task's iterations; none: the stage itself, or the whole task where there is a trace.
    pub iteration: Option<usize>,
    /// None: the iteration itself.
    pub trace: Option<Trace>,
}

/// A text that a line opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    Artifact {
        stage: String,
        number: u32,
    },
    Prompt {
        stage: String,
        number: u32,
    },
    ActivityLog,
    /// Path of a log.
    Log(String),
    /// Known already.
    Text(String),
}

/// A line of the tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub spot: Spot,
    /// Of a stage.
    pub mark: Option<Mark>,
    /// In a column of its own.
    pub head: String,
    /// How it stands, or how it ended.
    pub word: String,
    pub text: String,
    /// When it began, for an iteration.
    pub at: Option<Timestamp>,
    /// How long it took.
    pub elapsed: Option<String>,
    /// Title and content of what it opens.
    pub page: Option<(String, Page)>,
}

/// All lines, top to bottom.
pub fn lines(project: &ProjectView, view: &TaskView, now: Timestamp, signs: &Signs) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, stage) in view.task.flow.stages.iter().enumerate() {
        let of_stage = |(_, iteration): &(usize, &Iteration)| iteration.stage == stage.name;
        let own: Vec<_> = view.task.iterations.iter().enumerate().filter(of_stage).collect();
        lines.push(stage_line(project, view, index, &own, now));
        for (at, iteration) in own {
            let spot = Spot { stage: index, iteration: Some(at), trace: None };
            lines.push(iteration_line(view, spot, iteration, now));
            lines.extend(traces(stage, iteration, spot, signs));
        }
    }
    lines.extend(of_task(&view.task));
    lines
}

/// What belongs to the whole task, below its stages: what its agents named, and the log of all iterations.
fn of_task(task: &Task) -> Vec<Line> {
    let line = |trace, head: &str, text: String, page| Line {
        spot: Spot { stage: task.stage, iteration: None, trace: Some(trace) },
        mark: None,
        head: head.to_owned(),
        word: String::new(),
        text,
        at: None,
        elapsed: None,
        page: Some((head.to_owned(), page)),
    };
    let names: Vec<_> = task.resources.iter().map(|it| it.name.as_str()).collect();
    let all: Vec<_> = task.resources.iter().map(Resource::line).collect();
    let resources = line(Trace::Resources, "resources", names.join(", "), Page::Text(all.join("\n")));
    let said = "what was done at each stage, and what came of it".to_owned();
    let log = line(Trace::ActivityLog, "activity log", said, Page::ActivityLog);
    let has_ended = task.iterations.iter().any(|iteration| iteration.outcome.is_some());
    let shown = [(resources, !names.is_empty()), (log, has_ended)];
    shown.into_iter().filter_map(|(line, shows)| shows.then_some(line)).collect()
}

/// The line that is marked: the one that was chosen, else the newest iteration, else the stage.
pub fn marked(lines: &[Line], task: &Task, chosen: Option<Spot>) -> usize {
    let newest = Spot { stage: task.stage, iteration: task.iterations.len().checked_sub(1), trace: None };
    let find = |spot: Spot| lines.iter().position(|line| line.spot == spot);
    let stage = || lines.iter().position(|line| line.spot.stage == task.stage);
    chosen.and_then(find).or_else(|| find(newest)).or_else(stage).unwrap_or(0)
}

/// What is at work without an agent, as the title of its output: `gate 2 · checks.sh · 0:12`.
pub fn job(view: &TaskView, now: Timestamp, signs: &Signs) -> Option<String> {
    let task = &view.task;
    let stage = task.current_stage();
    task.job.as_ref()?;
    let what = match (task.state, &stage.work) {
        (State::Gating, _) => {
            let command = stage.gate.as_ref().map_or("", |gate| gate.command.as_str());
            format!("gate {} {} {}", view.gate.map_or(1, |(attempt, _)| attempt), signs.dot, name(command))
        }
        (State::Scripting, Work::Script(script)) => format!("{} {} {}", stage.name, signs.dot, name(&script.command)),
        (State::Setup, _) => "setup".to_owned(),
        _ => return None,
    };
    Some(format!("{what} {} {}", signs.dot, text::elapsed(view.since, now)))
}

fn stage_line(
    project: &ProjectView,
    view: &TaskView,
    index: usize,
    own: &[(usize, &Iteration)],
    now: Timestamp,
) -> Line {
    let stage = &view.task.flow.stages[index];
    let (mark, word) = standing(view, index, own.last().map(|(_, iteration)| *iteration));
    let who = match &stage.work {
        Work::Script(script) => format!("script {}", name(&script.command)),
        Work::Agent(_) => agent(project, view, stage).to_owned(),
    };
    let gate = stage.gate.as_ref().map_or_else(String::new, |gate| format!("   gate {}", name(&gate.command)));
    let spent = own.iter().filter_map(|(_, iteration)| spent(iteration, now)).sum::<SignedDuration>();
    Line {
        spot: Spot { stage: index, iteration: None, trace: None },
        mark: Some(mark),
        head: stage.name.clone(),
        word,
        text: who + &gate,
        at: None,
        elapsed: (spent > SignedDuration::ZERO).then(|| text::elapsed(now - spent, now)),
        page: own.iter().rev().find_map(|(_, iteration)| main_page(stage, iteration)),
    }
}

/// The agent that a stage has, or would have.
fn agent<'a>(project: &'a ProjectView, view: &'a TaskView, stage: &'a Stage) -> &'a str {
    let is_current = stage.name == view.task.current_stage().name;
    let named = view.task.agent.as_deref().or(stage.agent()).or(project.config.agent.as_deref());
    if is_current { &view.agent } else { named.unwrap_or(&view.agent) }
}

/// How a stage stands: the one at work as its task does, the others as their last iteration ended.
fn standing(view: &TaskView, index: usize, last: Option<&Iteration>) -> (Mark, String) {
    let task = &view.task;
    let over = matches!(task.state, State::Done | State::Integrating | State::Merged | State::Archived);
    let not_begun = matches!(task.state, State::Draft | State::Setup | State::Queued | State::Waiting);
    if index == task.stage && !over && !(not_begun && last.is_none()) {
        return (Mark::of_task(view), Word::of_state(task.state, task.reviewed).to_string());
    }
    match last.and_then(|iteration| iteration.outcome) {
        Some(outcome) => (mark_of(outcome), outcome.word().to_owned()),
        None if last.is_some() && over => (Mark::Good, "passed".to_owned()),
        None if index < task.stage => (Mark::Idle, "not run".to_owned()),
        None => (Mark::Idle, String::new()),
    }
}

const fn mark_of(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Passed | Outcome::Overridden => Mark::Good,
        Outcome::GateFailed | Outcome::ScriptFailed | Outcome::Failed => Mark::Bad,
        Outcome::Asked | Outcome::Rejected | Outcome::SentBack => Mark::Rests,
        Outcome::Skipped | Outcome::Stopped => Mark::Idle,
    }
}

fn iteration_line(view: &TaskView, spot: Spot, iteration: &Iteration, now: Timestamp) -> Line {
    let task = &view.task;
    let is_newest = spot.iteration == task.iterations.len().checked_sub(1);
    let word = match iteration.outcome {
        Some(outcome) => outcome.word().to_owned(),
        None if is_newest && !task.state.is_closed() => Word::of_state(task.state, task.reviewed).to_string(),
        None => String::new(),
    };
    let stage = &task.flow.stages[spot.stage];
    Line {
        spot,
        mark: None,
        head: if iteration.number > 1 { iteration.number.to_string() } else { String::new() },
        word,
        text: why(&iteration.trigger),
        at: iteration.started_at,
        elapsed: spent(iteration, now).map(|spent| text::elapsed(now - spent, now)),
        page: main_page(stage, iteration),
    }
}

fn spent(iteration: &Iteration, now: Timestamp) -> Option<SignedDuration> {
    Some(iteration.ended_at.unwrap_or(now).duration_since(iteration.started_at?))
}

/// Why an iteration began.
fn why(trigger: &Trigger) -> String {
    let with = |head: String, text: &str| match first_words(text) {
        "" => head,
        words => format!("{head}: {words}"),
    };
    match trigger {
        Trigger::Flow => "the flow came to it".to_owned(),
        Trigger::Gate { .. } => "the gate failed".to_owned(),
        Trigger::Answered { text } => with("answers".to_owned(), text.split("\n\n").nth(1).unwrap_or(text)),
        Trigger::Script { stage, text } => with(format!("script of {stage} failed"), text),
        Trigger::Verdict { stage, text } => with(format!("rejected by {stage}"), text),
        Trigger::Talk => "you typed to the agent".to_owned(),
        Trigger::Rejected { text } => with("rejected by you".to_owned(), text),
        Trigger::Restarted => "restarted with a fresh conversation".to_owned(),
        Trigger::Sent { text } => with("sent here by you".to_owned(), text),
        Trigger::Children => "its subtasks are merged".to_owned(),
        Trigger::Integration { text } => with("could not be merged".to_owned(), text),
    }
}

fn first_words(text: &str) -> &str {
    text.lines().map(|line| line.trim_start_matches(['#', '>', '-', ' '])).find(|line| !line.is_empty()).unwrap_or("")
}

/// What an iteration is best known by.
fn main_page(stage: &Stage, iteration: &Iteration) -> Option<(String, Page)> {
    let (name, number) = (iteration.stage.clone(), iteration.number);
    let script = iteration.script.as_ref().map(|script| (log_title("script", &name, number), log(script)));
    let artifact = || {
        let page = Page::Artifact { stage: name.clone(), number };
        iteration.submitted.then(|| (format!("{} · {}", stage.artifact, nth(&name, number)), page))
    };
    script.or_else(artifact).or_else(|| prompt(stage, iteration))
}

fn prompt(stage: &Stage, iteration: &Iteration) -> Option<(String, Page)> {
    stage.assignment()?;
    // What a person typed was no prompt of ours.
    if iteration.trigger == Trigger::Talk {
        return None;
    }
    let (name, number) = (iteration.stage.clone(), iteration.number);
    Some((format!("prompt · {}", nth(&name, number)), Page::Prompt { stage: name, number }))
}

/// `work`, `work 2`: the number from the second one on.
fn nth(stage: &str, number: u32) -> String {
    if number > 1 { format!("{stage} {number}") } else { stage.to_owned() }
}

fn log_title(what: &str, stage: &str, number: u32) -> String {
    format!("{what} · {}", nth(stage, number))
}

fn log(result: &CommandResult) -> Page {
    if result.log.is_empty() { Page::Text(result.text.clone()) } else { Page::Log(result.log.clone()) }
}

fn traces(stage: &Stage, iteration: &Iteration, spot: Spot, signs: &Signs) -> Vec<Line> {
    let line = |trace, head: &str, word: &str, text: String, page| Line {
        spot: Spot { trace: Some(trace), ..spot },
        mark: None,
        head: head.to_owned(),
        word: word.to_owned(),
        text,
        at: None,
        elapsed: None,
        page,
    };
    let (name, number) = (iteration.stage.as_str(), iteration.number);
    let mut lines = Vec::new();
    if let Some(page) = prompt(stage, iteration) {
        lines.push(line(Trace::Prompt, "prompt", "", "what the agent was told".to_owned(), Some(page)));
    }
    if let Some(round) = iteration.questions.last() {
        let count =
            text::plural(iteration.questions.iter().map(|round| round.questions.len() as u64).sum(), "question");
        let word = if round.answers.is_some() { "answered" } else { "open" };
        let page = (log_title("questions", name, number), Page::Text(rounds(&iteration.questions)));
        lines.push(line(Trace::Questions, "asked", word, count, Some(page)));
    }
    if let Some(result) = &iteration.script {
        let page = (log_title("script", name, number), log(result));
        lines.push(command(line(Trace::Script, "script", "", String::new(), Some(page)), result, signs));
    }
    if let Some(verdict) = &iteration.verdict {
        let word = if verdict.decision == Decision::Approve { "approves" } else { "rejects" };
        let back = verdict.route_to.as_deref().or(stage.rejection_stage());
        let back = back.filter(|_| verdict.decision == Decision::Reject);
        let back = back.map_or_else(String::new, |stage| format!("back to {stage}: "));
        let page = (log_title("verdict", name, number), Page::Text(verdict.reason.clone()));
        lines.push(line(
            Trace::Verdict,
            "verdict",
            word,
            format!("{back}{}", first_words(&verdict.reason)),
            Some(page),
        ));
    } else if let Some(subtasks) = &iteration.subtasks {
        let titles: Vec<_> = subtasks.iter().map(|item| item.title.as_str()).collect();
        let page = (format!("{} · {}", stage.artifact, nth(name, number)), artifact(iteration));
        let text = format!("{}: {}", subtasks.len(), titles.join(", "));
        lines.push(line(Trace::Subtasks, "subtasks", "", text, Some(page)));
    } else if iteration.submitted && iteration.script.is_none() {
        let page = (format!("{} · {}", stage.artifact, nth(name, number)), artifact(iteration));
        lines.push(line(Trace::Artifact, "artifact", "", stage.artifact.clone(), Some(page)));
    }
    if let Some(result) = &iteration.gate {
        let page = (log_title("gate", name, number), log(result));
        let head = format!("gate {}", result.attempt);
        lines.push(command(line(Trace::Gate, &head, "", String::new(), Some(page)), result, signs));
    }
    lines
}

fn artifact(iteration: &Iteration) -> Page {
    Page::Artifact { stage: iteration.stage.clone(), number: iteration.number }
}

/// What a gate or a script said: whether it passed, how it ended, how long it took, how often it said the same.
fn command(line: Line, result: &CommandResult, signs: &Signs) -> Line {
    let how = match result.exit {
        _ if result.passed() => String::new(),
        Some(exit) => exit.to_string(),
        None => "its time was up".to_owned(),
    };
    let same = if result.same > 1 { format!("   same output {}{}", result.same, signs.times) } else { String::new() };
    Line {
        word: if result.passed() { "passed" } else { "failed" }.to_owned(),
        text: format!("{how}{same}"),
        elapsed: Some(text::clock(result.seconds.into())),
        ..line
    }
}

fn rounds(rounds: &[Round]) -> String {
    let pairs = rounds.iter().flat_map(|round| {
        let answer = |at: usize| round.answers.as_ref().and_then(|answers| answers.get(at));
        round.questions.iter().enumerate().map(move |(at, question)| (question, answer(at)))
    });
    let text = pairs.map(|(question, answer)| {
        format!("> {}\n\n{}\n", question.question, answer.map_or("(no answer yet)", String::as_str))
    });
    text.collect::<Vec<_>>().join("\n")
}

/// The program of a command, without its folder: `.orchestra/scripts/checks.sh --fast` is `checks.sh --fast`.
fn name(command: &str) -> &str {
    let line = command.lines().next().unwrap_or(command);
    let (program, _) = line.split_once(' ').unwrap_or((line, ""));
    let folder = program.rfind('/').map_or(0, |at| at + 1);
    &line[folder..]
}
