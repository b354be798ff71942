//! `orchestra show`: all that is known of one task.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::Output;
use super::{Outcome, Run, look};
use crate::rpc::{IterationView, TaskDetail};
use crate::ui::text;
use crate::ui::theme::Role;

/// Show all that is known of a task
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra show fix-tests
  orchestra show fix-tests --json | jq '.task.iterations[-1].gate'")]
pub(super) struct Show {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Show {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let value = link.show(&name)?;
        let detail: TaskDetail = typed(value.clone())?;
        context.output.result(&json!({"task": value}), || page(&context.output, &detail));
        Ok(ExitCode::SUCCESS)
    }
}

fn page(output: &Output, detail: &TaskDetail) -> String {
    let (task, now) = (&detail.task, look::now());
    let mark = look::mark(task);
    let title = if task.title == task.slug { String::new() } else { format!("   {}", output.clean(&task.title)) };
    let mut page = format!("{} {}{title}\n", output.paint(mark.role(), mark.glyph(output.signs)), task.slug);
    let mut fact = |label: &str, text: &str| {
        if !text.is_empty() {
            page.push_str(&output.fact(label, text));
        }
    };
    fact("state", &format!("{} ({}), {}", task.state, task.status, look::age(task, now)));
    fact("reason", task.reason.as_ref().map_or("", |reason| &reason.text));
    let stage = format!("{}, {} {}/{}", task.flow, task.stage, task.stage_index + 1, task.stage_count);
    let auto = if task.auto { ", auto" } else { "" };
    fact("flow", &format!("{stage}{auto}"));
    let model = task.model.as_ref().map_or_else(String::new, |model| format!(" with {model}"));
    fact("agent", &format!("{}{model}, permissions {}", task.agent, task.permissions));
    fact(
        "branch",
        &format!("{}, {} ahead of {}", task.branch, text::plural(task.ahead.into(), "commit"), task.base_branch),
    );
    let diff = text::plural(task.diff.files.into(), "file");
    fact("diff", &format!("{diff}  {}", text::changed(task.diff.added, task.diff.removed, output.signs)));
    fact("worktree", task.worktree.as_deref().unwrap_or_default());
    fact("conversation", detail.conversation.as_deref().unwrap_or_default());
    for artifact in &detail.artifacts {
        fact(&format!("{} {}", artifact.name, artifact.iteration), &artifact.path);
    }
    if !detail.iterations.is_empty() {
        let _ = writeln!(page, "\n{}", output.paint(Role::Dim, "attempts"));
        for iteration in &detail.iterations {
            let _ = writeln!(page, "  {}", attempt(iteration));
        }
    }
    let description = detail.description.trim();
    if !description.is_empty() {
        let _ = writeln!(page, "\n{}", output.paint(Role::Dim, "description"));
        for line in description.lines() {
            let _ = writeln!(page, "{}", format!("  {}", output.clean(line)).trim_end());
        }
    }
    page
}

/// `work 2   gate failed   after gate   gate exited 1: /path/of/log`.
fn attempt(iteration: &IterationView) -> String {
    let outcome = iteration.outcome.as_deref().unwrap_or("goes on").replace('_', " ");
    let gate = iteration.gate.as_ref().map_or_else(String::new, |gate| {
        let how = match gate.exit {
            Some(0) => "passed".to_owned(),
            Some(code) if code < 0 => format!("killed by {}", -code),
            Some(code) => format!("exited {code}"),
            None => "ran out of time".to_owned(),
        };
        format!("   gate {how}: {}", gate.log)
    });
    let trigger = if iteration.trigger == "flow" { String::new() } else { format!("   after {}", iteration.trigger) };
    format!("{} {}   {outcome}{trigger}{gate}", iteration.stage, iteration.number)
}
