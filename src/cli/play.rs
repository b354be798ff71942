//! `orchestra play`: a whole flow in the foreground, for scripts and CI.
//!
//! Invariants: every way it ends has one exit code and says how to go on; the task is never deleted, and it outlives this
//! process unless its budget is used up or a person interrupts twice.

mod interrupt;
mod progress;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::context::{Context, Link, typed};
use super::new::Way;
use super::output::{Output, note, object, say};
use super::{Outcome, Run, act, answer, look, trust, watch};
use crate::model::{Failure, FailureKind, Mode, NewTask, ReasonKind, State};
use crate::rpc::{TaskDetail, TaskView};
use crate::ui::glyph::Mark;
use crate::ui::text::plural;
use interrupt::Interrupt;
use progress::Progress;

/// Do a task from its description to merged code, and print how it goes
///
/// The task has no pauses for a person, unless --no-auto is given, and its agents run in print mode where they can.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "Examples:
  orchestra play \"Fix the tests\"
  orchestra play --flow hotfix --max-attempts 3 --timeout 1800 - < issue.md
  orchestra play \"Fix the tests\" --json | jq -r 'select(.event == \"gate\").log'
Ctrl-C leaves the task at work; twice stops it.
Exit codes: 0 merged or done, 1 failed, 4 needs a person, 6 out of attempts or time: the
task is stopped then, and can go on.")]
pub(super) struct Play {
    /// What is to be done; `-` reads it from standard input
    #[arg(value_name = "DESC")]
    description: String,
    #[command(flatten)]
    way: Way,
    /// Branch or commit to begin from; the branch that is checked out when none is given
    #[arg(long, short, value_name = "REF")]
    base: Option<String>,
    /// Failures of a stage's gate after which the task is stopped
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    /// Seconds after which the task is stopped
    #[arg(long, short, value_name = "S")]
    timeout: Option<u64>,
    /// Without pauses for a person, which is the default
    #[arg(long, overrides_with = "no_auto")]
    auto: bool,
    /// With the flow's pauses: exit code 4 says that one is reached
    #[arg(long)]
    no_auto: bool,
    /// Agents run in their full-screen programs; else in print mode, those that have one
    #[arg(long)]
    interactive: bool,
    /// Trust the commands of the project's files as they are now
    #[arg(long)]
    trust: bool,
}

/// How it ends.
enum End {
    Done,
    Failed(String),
    /// Nothing goes on before a person does something: what, and how.
    NeedsPerson {
        what: String,
        how: String,
    },
    /// Out of attempts or time.
    Budget(String),
    /// A signal.
    Interrupted(i32),
}

/// What is said of the end.
struct Words {
    code: u8,
    message: String,
    hint: String,
}

impl Run for Play {
    fn run(&self, context: &Context) -> Outcome {
        let deadline = self.timeout.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
        let description = act::text_of(&self.description)?.trim().to_owned();
        if description.is_empty() {
            return Err(Failure::new(FailureKind::Usage, "a task needs a description."));
        }
        let mut link = context.link()?;
        if self.trust {
            trust::grant(&mut link)?;
        }
        link.tell_faults()?;
        // From here on an interrupt must not leave a task that nobody hears of.
        let interrupt = Interrupt::listen()?;
        let new = self.task(description);
        let mut answer = link.call("task.new", json!({"task": new})).map_err(trust::explained)?;
        let begun: TaskView = typed(answer["task"].take())?;
        let mut progress = Progress::begin(context.output, &begun);
        let id = begun.id.to_string();
        let end = watch::until(context, &mut link, deadline, |link| {
            interrupt.watch(link);
            if let Some(signal) = interrupt.signal() {
                return Ok(Some(End::Interrupted(signal)));
            }
            self.look(link, &id, &mut progress)
        })?;
        let end = end.unwrap_or_else(|| {
            End::Budget(format!("{} has not come to its end within {} s", begun.slug, self.timeout.unwrap_or_default()))
        });
        let words = leave(context, &interrupt, (&begun.slug, &id), end)?;
        tell(context, &id, &words)
    }
}

impl Play {
    fn task(&self, description: String) -> NewTask {
        NewTask {
            description,
            base: self.base.clone(),
            flow: self.way.flow.clone(),
            agent: self.way.agent.clone(),
            model: self.way.model.clone(),
            mode: Some(if self.interactive { Mode::Interactive } else { Mode::Headless }),
            auto: !self.no_auto,
            start: true,
            ..NewTask::default()
        }
    }

    /// Tells what is new; none: it goes on.
    fn look(&self, link: &mut Link, id: &str, progress: &mut Progress) -> Result<Option<End>, Failure> {
        let Some(mut detail) = shown(link, id)? else { return Ok(Some(End::Failed("it was deleted".to_owned()))) };
        let mut parts = Vec::new();
        if !detail.task.children.is_empty() {
            parts = self::parts(link.list()?.tasks, &detail.task);
            // Looked at after them: what has become of a subtask has reached it.
            detail = shown(link, id)?.unwrap_or(detail);
        }
        progress.tell(&detail, &parts);
        Ok(ended(&progress.output, &detail, &parts).or_else(|| self.spent(&detail, &parts)))
    }

    /// Whether the gates have had their attempts.
    fn spent(&self, detail: &TaskDetail, parts: &[TaskView]) -> Option<End> {
        let max = self.max_attempts?;
        let failed =
            detail.iterations.iter().filter_map(|iteration| Some((&iteration.stage, iteration.gate.as_ref()?)));
        let own =
            failed.filter(|(_, gate)| gate.exit != Some(0) && gate.attempt >= max).map(|(stage, _)| stage.as_str());
        let of_parts = parts.iter().filter(|part| part.gate_attempt > max).map(|part| part.slug.as_str());
        let place = own.chain(of_parts).next()?;
        Some(End::Budget(format!("the gate of {place} has failed {}", plural(max.into(), "time"))))
    }
}

/// Does what the end asks for, and finds the words for it.
fn leave(context: &Context, interrupt: &Interrupt, (slug, id): (&str, &str), end: End) -> Result<Words, Failure> {
    let again =
        format!("orchestra start {slug} goes on with the same conversation, orchestra delete {slug} removes it");
    Ok(match end {
        End::Done => {
            let task = context.link()?.task(id)?;
            let hint = if task.state == "merged" { String::new() } else { format!("orchestra merge {slug} merges it") };
            let message = match task.state.as_str() {
                "merged" => format!("{slug} is merged into {}", task.base_branch),
                state => format!("{slug} is {state} on {}", task.branch),
            };
            Words { code: 0, message, hint }
        }
        End::Failed(why) => {
            let hint = format!("orchestra retry {slug} tries again, orchestra explain {slug} says more");
            Words { code: 1, message: format!("{slug} has failed: {why}"), hint }
        }
        End::NeedsPerson { what, how } => Words { code: 4, message: what, hint: how },
        End::Budget(why) => match stop(context, id, Some(&why))? {
            None => Words { code: 6, message: format!("{why}; {slug} is stopped"), hint: again },
            Some(kept) => Words { code: 6, message: why, hint: kept },
        },
        End::Interrupted(signal) => {
            let code = u8::try_from(128 + signal).unwrap_or(1);
            if interrupt.again(signal, || note(&format!("{slug} goes on; Ctrl-C again stops it"))) {
                let kept = stop(context, id, None)?;
                let message = if kept.is_none() { format!("stopped {slug}") } else { format!("left {slug}") };
                return Ok(Words { code, message, hint: kept.unwrap_or(again) });
            }
            let hint = format!("orchestra status shows it, orchestra stop {slug} stops it");
            Words { code, message: format!("left {slug}; it goes on"), hint }
        }
    })
}

/// None: it was deleted.
fn shown(link: &mut Link, id: &str) -> Result<Option<TaskDetail>, Failure> {
    match link.show(id) {
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        shown => typed(shown?).map(Some),
    }
}

/// Stops the task; else why it goes on: it may be in the middle of a merge.
fn stop(context: &Context, id: &str, spent: Option<&str>) -> Result<Option<String>, Failure> {
    match context.link()?.on_task("task.stop", id, json!({"spent": spent})) {
        Ok(_) => Ok(None),
        Err(failure) if failure.kind == FailureKind::BadState => Ok(Some(failure.message)),
        Err(failure) => Err(failure),
    }
}

fn tell(context: &Context, id: &str, Words { code, message, hint }: &Words) -> Outcome {
    if context.output.json {
        let task = context.link()?.task(id).ok();
        object(&json!({"event": "end", "exit": code, "message": message, "hint": hint, "task": task}));
    } else if *code == 0 {
        say(&if hint.is_empty() { message.clone() } else { format!("{message}; {hint}") });
    } else {
        // Several lines end with one of their own, and a reason may end its own sentence.
        let end = if message.contains('\n') { "\n" } else { ". " };
        let message = message.trim_end_matches('.');
        note(&format!("{} {message}{end}{hint}.", Mark::Bad.glyph(context.output.signs)));
    }
    Ok(ExitCode::from(*code))
}

/// The subtasks of a task, and theirs.
fn parts(tasks: Vec<TaskView>, task: &TaskView) -> Vec<TaskView> {
    let mut family = vec![task.slug.clone()];
    let mut found = Vec::new();
    // Subtasks come after their parents: their numbers are higher.
    for part in tasks {
        if part.parent.as_ref().is_some_and(|parent| family.contains(parent)) {
            family.push(part.slug.clone());
            found.push(part);
        }
    }
    found
}

/// None: it goes on by itself.
fn ended(output: &Output, detail: &TaskDetail, parts: &[TaskView]) -> Option<End> {
    let task = &detail.task;
    match look::state(task)? {
        State::Merged => Some(End::Done),
        State::Done if task.reason.is_none() => Some(End::Done),
        State::Failed => Some(End::Failed(look::why(task).to_owned())),
        State::Archived => Some(End::Failed("it was archived".to_owned())),
        State::Done => Some(needs(task, &format!("orchestra merge {} tries again", task.slug))),
        State::Asking if !detail.questions.is_empty() => {
            let text = answer::page(output, &detail.questions);
            let how = format!("orchestra answer {} answers", task.slug);
            Some(End::NeedsPerson { what: format!("{} asks:\n{text}", task.slug), how })
        }
        state if state.needs_person() => Some(needs(task, &way_on(state, task))),
        // A subtask that failed may fail its parent; one that is left waiting keeps it from ending.
        State::Children => {
            let stuck = parts.iter().find(|part| look::state(part).is_some_and(State::needs_person))?;
            Some(needs(stuck, &look::state(stuck).map(|state| way_on(state, stuck)).unwrap_or_default()))
        }
        _ => None,
    }
}

fn needs(task: &TaskView, how: &str) -> End {
    let why = look::why(task);
    let colon = if why.is_empty() { "" } else { ": " };
    End::NeedsPerson { what: format!("{} needs you, it is {}{colon}{why}", task.slug, task.state), how: how.to_owned() }
}

/// What a person can do about a task that waits for one.
fn way_on(state: State, task: &TaskView) -> String {
    let slug = &task.slug;
    match state {
        State::Asking if task.reason.as_ref().is_some_and(|it| it.kind == ReasonKind::Questions.word()) => {
            format!("orchestra answer {slug} answers")
        }
        State::Asking => format!("orchestra attach {slug} answers its dialog"),
        State::Approval => format!("orchestra approve {slug}, or orchestra reject {slug} TEXT"),
        State::Verdict => format!("orchestra approve {slug} sends it back, orchestra override {slug} goes on"),
        State::Blocked | State::Failed => format!("orchestra retry {slug} tries again"),
        State::Quiet => format!("orchestra send {slug} TEXT tells it to go on"),
        _ => format!("orchestra start {slug} goes on"),
    }
}
