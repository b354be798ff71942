//! The way of a task through its flow, as the pipeline tab lists it: stages, iterations, and what each left behind.
//!
//! Invariants: pure; a line is named by what it stands for, its spot, so that a mark stays on it while others come. Which spots
//! there are is told without any text: lines are made of those on the screen, pages of those that are opened.

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
}

/// What the tab lists, top to bottom.
pub fn spots(task: &Task) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (index, stage) in task.flow.stages.iter().enumerate() {
        spots.push(Spot { stage: index, iteration: None, trace: None });
        for (at, iteration) in own(task, stage) {
            let spot = Spot { stage: index, iteration: Some(at), trace: None };
            spots.push(spot);
            spots.extend(traces(stage, iteration).map(|trace| Spot { trace: Some(trace), ..spot }));
        }
    }
    let has_ended = task.iterations.iter().any(|iteration| iteration.outcome.is_some());
    let of_task = [(Trace::Resources, !task.resources.is_empty()), (Trace::ActivityLog, has_ended)];
    let of_task = of_task.into_iter().filter_map(|(trace, shows)| shows.then_some(trace));
    spots.extend(of_task.map(|trace| Spot { stage: task.stage, iteration: None, trace: Some(trace) }));
    spots
}

/// The one that is marked, as its index: the one that was chosen, else the newest iteration, else the stage.
pub fn marked(spots: &[Spot], task: &Task, chosen: Option<Spot>) -> usize {
    let newest = Spot { stage: task.stage, iteration: task.iterations.len().checked_sub(1), trace: None };
    let find = |spot: Spot| spots.iter().position(|it| *it == spot);
    let stage = || spots.iter().position(|spot| spot.stage == task.stage);
    chosen.and_then(find).or_else(|| find(newest)).or_else(stage).unwrap_or(0)
}

/// The line of a spot.
pub fn line(project: &ProjectView, view: &TaskView, spot: Spot, (now, signs): (Timestamp, &Signs)) -> Line {
    let task = &*view.task;
    match (spot.iteration.map(|at| &task.iterations[at]), spot.trace) {
        (None, None) => stage_line(project, view, spot.stage, now),
        (Some(iteration), None) => iteration_line(view, spot, iteration, now),
        (Some(iteration), Some(trace)) => trace_line(&task.flow.stages[spot.stage], iteration, (spot, trace), signs),
        (None, Some(Trace::Resources)) => {
            let names: Vec<_> = task.resources.iter().map(|it| it.name.as_str()).collect();
            Line { head: "resources".to_owned(), text: names.join(", "), ..Line::of(spot) }
        }
        (None, Some(_)) => {
            let said = "what was done at each stage, and what came of it".to_owned();
            Line { head: "activity log".to_owned(), text: said, ..Line::of(spot) }
        }
    }
}

/// Whether there is something to open at a spot.
pub fn opens(task: &Task, spot: Spot) -> bool {
    let stage = &task.flow.stages[spot.stage];
    let has_page = |iteration: &Iteration| {
        iteration.script.is_some() || iteration.submitted || traces(stage, iteration).any(|it| it == Trace::Prompt)
    };
    match (spot.iteration, spot.trace) {
        (_, Some(_)) => true,
        (Some(at), None) => has_page(&task.iterations[at]),
        (None, None) => own(task, stage).any(|(_, iteration)| has_page(iteration)),
    }
}

/// Title and content of what a spot opens.
pub fn page(task: &Task, spot: Spot) -> Option<(String, Page)> {
    let stage = &task.flow.stages[spot.stage];
    let Some(iteration) = spot.iteration.map(|at| &task.iterations[at]) else {
        let all = || task.resources.iter().map(Resource::line).collect::<Vec<_>>().join("\n");
        return match spot.trace {
            None => own(task, stage).rev().find_map(|(_, iteration)| main_page(stage, iteration)),
            Some(Trace::Resources) => Some(("resources".to_owned(), Page::Text(all()))),
            Some(_) => Some(("activity log".to_owned(), Page::ActivityLog)),
        };
    };
    let (name, number) = (iteration.stage.as_str(), iteration.number);
    match spot.trace {
        None => main_page(stage, iteration),
        Some(Trace::Prompt) => prompt(stage, iteration),
        Some(Trace::Questions) => {
            Some((log_title("questions", name, number), Page::Text(rounds(&iteration.questions))))
        }
        Some(Trace::Script) => Some((log_title("script", name, number), log(iteration.script.as_ref()?))),
        Some(Trace::Gate) => Some((log_title("gate", name, number), log(iteration.gate.as_ref()?))),
        Some(Trace::Verdict) => {
            Some((log_title("verdict", name, number), Page::Text(iteration.verdict.as_ref()?.reason.clone())))
        }
        Some(Trace::Artifact | Trace::Subtasks | Trace::Resources | Trace::ActivityLog) => {
            Some((log_title(&stage.artifact, name, number), artifact(iteration)))
        }
    }
}

/// The iterations of a stage, with their indices in the task's.
fn own<'a>(task: &'a Task, stage: &'a Stage) -> impl DoubleEndedIterator<Item = (usize, &'a Iteration)> {
    task.iterations.iter().enumerate().filter(|(_, iteration)| iteration.stage == stage.name)
}

/// What an iteration has left behind.
fn traces(stage: &Stage, iteration: &Iteration) -> impl Iterator<Item = Trace> + use<> {
    // What a person typed was no prompt of ours.
    let prompted = stage.assignment().is_some() && iteration.trigger != Trigger::Talk;
    let result = if iteration.verdict.is_some() {
        Some(Trace::Verdict)
    } else if iteration.subtasks.is_some() {
        Some(Trace::Subtasks)
    } else {
        (iteration.submitted && iteration.script.is_none()).then_some(Trace::Artifact)
    };
    let left = [
        prompted.then_some(Trace::Prompt),
        (!iteration.questions.is_empty()).then_some(Trace::Questions),
        iteration.script.as_ref().map(|_| Trace::Script),
        result,
        iteration.gate.as_ref().map(|_| Trace::Gate),
    ];
    left.into_iter().flatten()
}

impl Line {
    /// An empty one.
    fn of(spot: Spot) -> Self {
        let empty = String::new;
        Self { spot, mark: None, head: empty(), word: empty(), text: empty(), at: None, elapsed: None }
    }
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

fn stage_line(project: &ProjectView, view: &TaskView, index: usize, now: Timestamp) -> Line {
    let stage = &view.task.flow.stages[index];
    let own: Vec<_> = own(&view.task, stage).map(|(_, iteration)| iteration).collect();
    let (mark, word) = standing(view, index, own.last().copied());
    let who = match &stage.work {
        Work::Script(script) => format!("script {}", name(&script.command)),
        Work::Agent(_) => agent(project, view, stage).to_owned(),
    };
    let gate = stage.gate.as_ref().map_or_else(String::new, |gate| format!("   gate {}", name(&gate.command)));
    let spent = own.iter().filter_map(|iteration| spent(iteration, now)).sum::<SignedDuration>();
    Line {
        mark: Some(mark),
        head: stage.name.clone(),
        word,
        text: who + &gate,
        elapsed: (spent > SignedDuration::ZERO).then(|| text::elapsed(now - spent, now)),
        ..Line::of(Spot { stage: index, iteration: None, trace: None })
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
    Line {
        head: if iteration.number > 1 { iteration.number.to_string() } else { String::new() },
        word,
        text: why(&iteration.trigger),
        at: iteration.started_at,
        elapsed: spent(iteration, now).map(|spent| text::elapsed(now - spent, now)),
        ..Line::of(spot)
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
        iteration.submitted.then(|| (log_title(&stage.artifact, &name, number), page))
    };
    script.or_else(artifact).or_else(|| prompt(stage, iteration))
}

fn prompt(stage: &Stage, iteration: &Iteration) -> Option<(String, Page)> {
    traces(stage, iteration).find(|trace| *trace == Trace::Prompt)?;
    let (name, number) = (iteration.stage.clone(), iteration.number);
    Some((log_title("prompt", &name, number), Page::Prompt { stage: name, number }))
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

fn trace_line(stage: &Stage, iteration: &Iteration, (spot, trace): (Spot, Trace), signs: &Signs) -> Line {
    let (head, word, text) = match trace {
        Trace::Prompt => ("prompt", "", "what the agent was told".to_owned()),
        Trace::Questions => {
            let count = iteration.questions.iter().map(|round| round.questions.len() as u64).sum();
            let answered = iteration.questions.last().is_some_and(|round| round.answers.is_some());
            ("asked", if answered { "answered" } else { "open" }, text::plural(count, "question"))
        }
        Trace::Verdict => iteration.verdict.as_ref().map_or_else(Default::default, |verdict| {
            let rejects = verdict.decision == Decision::Reject;
            let back = verdict.route_to.as_deref().or(stage.rejection_stage()).filter(|_| rejects);
            let back = back.map_or_else(String::new, |stage| format!("back to {stage}: "));
            ("verdict", if rejects { "rejects" } else { "approves" }, back + first_words(&verdict.reason))
        }),
        Trace::Subtasks => {
            let items = iteration.subtasks.as_deref().unwrap_or_default();
            let titles: Vec<_> = items.iter().map(|item| item.title.as_str()).collect();
            ("subtasks", "", format!("{}: {}", items.len(), titles.join(", ")))
        }
        Trace::Script => return command(iteration.script.as_ref(), spot, "script".to_owned(), signs),
        Trace::Gate => {
            let attempt = iteration.gate.as_ref().map_or(1, |gate| gate.attempt);
            return command(iteration.gate.as_ref(), spot, format!("gate {attempt}"), signs);
        }
        Trace::Artifact | Trace::Resources | Trace::ActivityLog => ("artifact", "", stage.artifact.clone()),
    };
    Line { head: head.to_owned(), word: word.to_owned(), text, ..Line::of(spot) }
}

fn artifact(iteration: &Iteration) -> Page {
    Page::Artifact { stage: iteration.stage.clone(), number: iteration.number }
}

/// What a gate or a script said: whether it passed, how it ended, how long it took, how often it said the same.
fn command(result: Option<&CommandResult>, spot: Spot, head: String, signs: &Signs) -> Line {
    let Some(result) = result else { return Line::of(spot) };
    let how = match result.exit {
        _ if result.passed() => String::new(),
        Some(exit) => exit.to_string(),
        None => "its time was up".to_owned(),
    };
    let same = if result.same > 1 { format!("   same output {}{}", result.same, signs.times) } else { String::new() };
    Line {
        head,
        word: if result.passed() { "passed" } else { "failed" }.to_owned(),
        text: format!("{how}{same}"),
        elapsed: Some(text::clock(result.seconds.into())),
        ..Line::of(spot)
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
