//! Verbs that do one thing to one task.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Outcome;
use super::context::{Context, Link, OfTask, typed};
use crate::model::Failure;
use crate::rpc::TaskView;

/// Asks for it, then tells how the task is.
pub(super) fn run(
    context: &Context,
    task: &OfTask,
    asked: (&str, Value),
    say: impl FnOnce(&TaskView) -> String,
) -> Outcome {
    let (_, mut answer) = ask(context, task, asked)?;
    Ok(told(context, &typed(answer["task"].take())?, say))
}

/// Asks for it: the task as it was named, and the answer.
pub(super) fn ask(
    context: &Context,
    task: &OfTask,
    (method, params): (&str, Value),
) -> Result<(String, Value), Failure> {
    let mut link = context.link()?;
    let name = link.name(task)?;
    let answer = link.on_task(method, &name, params)?;
    Ok((name, answer))
}

/// Tells how a task is: `{"task": Task}`, or what `say` makes of it.
pub(super) fn tell(context: &Context, link: &mut Link, task: &str, say: impl FnOnce(&TaskView) -> String) -> Outcome {
    Ok(told(context, &link.task(task)?, say))
}

/// The same of a task as the engine answered it.
pub(super) fn told(context: &Context, task: &TaskView, say: impl FnOnce(&TaskView) -> String) -> ExitCode {
    context.output.result(&json!({"task": task}), || say(task));
    ExitCode::SUCCESS
}

/// The text of an argument; `-` is standard input.
pub(super) fn text_of(argument: &str) -> Result<String, Failure> {
    if argument == "-" { super::input::stdin() } else { Ok(argument.to_owned()) }
}
