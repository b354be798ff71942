//! `orchestra comment`: what a person notes on lines of a task's diff.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::Output;
use super::{Outcome, Run, act};
use crate::model::{Comment as Noted, Failure, FailureKind, Side};
use crate::ui::theme::Role;

/// Note something on a line of a task's diff, or list what was noted
///
/// The next rejection, from here or from the screen, sends the agent all that is open.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra comment fix-tests src/date.rs:12 \"use the parser that is there\"
  orchestra comment fix-tests                what is noted, with numbers
  orchestra comment fix-tests --drop 3
  orchestra comment fix-tests --send         a rejection that says no more")]
pub(super) struct Comment {
    #[command(flatten)]
    task: OfTask,
    /// File in the worktree and line, from 1
    #[arg(value_name = "FILE:LINE")]
    at: Option<String>,
    /// What is to be different; `-` reads it from standard input
    text: Option<String>,
    /// The line is a removed one: its number in the base
    #[arg(long, requires = "at")]
    old: bool,
    /// Take the open comment with this number back
    #[arg(long, value_name = "N", conflicts_with = "at")]
    drop: Option<i64>,
    /// Send what is open: a rejection
    #[arg(long, conflicts_with_all = ["at", "drop"])]
    send: bool,
}

impl Run for Comment {
    fn run(&self, context: &Context) -> Outcome {
        if self.send {
            return act::run(context, &self.task, ("task.reject", json!({"feedback": ""})), |task| {
                format!("sent the comments on {}; {} goes on", task.slug, task.stage)
            });
        }
        if let Some(id) = self.drop {
            return act::run(context, &self.task, ("task.drop_comment", json!({"id": id})), |task| {
                format!("dropped comment {id} of {}", task.slug)
            });
        }
        // Inside of a worktree the task may be left out.
        let (task, at, text) = match (&self.at, &self.text) {
            (Some(text), None) => (OfTask { task: None }, self.task.task.as_ref(), Some(text)),
            (at, text) => (self.task.clone(), at.as_ref(), text.as_ref()),
        };
        let Some((at, text)) = at.zip(text) else { return self.list(context) };
        let (path, line) = parsed(at)?;
        let side = if self.old { Side::Old } else { Side::New };
        let comment = json!({"path": path, "line": line, "side": side, "text": act::text_of(text)?});
        act::run(context, &task, ("task.comment", json!({"comment": comment})), |task| {
            format!("noted on {path}:{line}; orchestra comment {} --send sends it", task.slug)
        })
    }
}

impl Comment {
    fn list(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let answer = link.on_task("task.comments", &name, json!({}))?;
        let comments: Vec<Noted> = typed(answer["comments"].clone())?;
        context.output.result(&answer, || match comments.len() {
            0 => format!("nothing is noted on the diff of {name}"),
            _ => comments.iter().map(|comment| shown(&context.output, comment)).collect(),
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn parsed(at: &str) -> Result<(&str, u32), Failure> {
    let found = at.rsplit_once(':').filter(|(path, _)| !path.is_empty());
    let found = found.and_then(|(path, line)| Some((path, line.parse().ok().filter(|line| *line > 0)?)));
    found.ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("\"{at}\" is no FILE:LINE.")).hint("As in src/date.rs:12")
    })
}

/// `3  src/date.rs:12  open`, the line, and the text.
fn shown(output: &Output, comment: &Noted) -> String {
    let Noted { id, path, side, line, quote, text, .. } = comment;
    let state = if comment.is_open() { output.paint(Role::Attention, "open") } else { output.paint(Role::Dim, "sent") };
    let removed = if *side == Side::Old { " (removed)" } else { "" };
    let quote = output.paint(Role::Dim, &format!("> {}", output.clean(quote.trim())));
    let mut page = format!("{id}  {}:{line}{removed}  {state}\n     {quote}\n", output.clean(path));
    for line in text.lines() {
        // Writing to a string does not fail.
        let _ = writeln!(page, "     {}", output.clean(line));
    }
    page
}
