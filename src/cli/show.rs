//! `orchestra show`: all that is known of one task.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::Output;
use super::{Outcome, Run, answer, look, usage};
use crate::model::{Decision, Verdict};
use crate::rpc::{GateView, IterationView, TaskDetail};
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
    fact("took", &usage::line(&detail.usage));
    fact("worktree", task.worktree.as_deref().unwrap_or_default());
    fact("conversation", detail.conversation.as_deref().unwrap_or_default());
    fact("parent", task.parent.as_deref().unwrap_or_default());
    fact("subtasks", &task.children.join(", "));
    fact("after", &task.after.join(", "));
    for artifact in &detail.artifacts {
        fact(&format!("{} {}", artifact.name, artifact.iteration), &artifact.path);
    }
    fact("activity log", detail.activity_log.as_deref().unwrap_or_default());
    page.push_str(&waiting(output, detail));
    if !detail.resources.is_empty() {
        let _ = writeln!(page, "\n{}", output.paint(Role::Dim, "resources"));
        for resource in &detail.resources {
            let _ = writeln!(page, "  {}", output.clean(&resource.line()));
        }
    }
    if !detail.iterations.is_empty() {
        let _ = writeln!(page, "\n{}", output.paint(Role::Dim, "attempts"));
        for iteration in &detail.iterations {
            let _ = writeln!(page, "  {}", attempt(output, iteration));
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

/// What waits for the person: questions, a verdict, a breakdown.
fn waiting(output: &Output, detail: &TaskDetail) -> String {
    let slug = &detail.task.slug;
    let mut text = String::new();
    let mut part = |title: &str, lines: &str| {
        let _ = writeln!(text, "\n{}", output.paint(Role::Dim, title));
        for line in lines.lines() {
            let _ = writeln!(text, "{}", format!("  {line}").trim_end());
        }
    };
    if !detail.questions.is_empty() {
        part(&format!("asks; orchestra answer {slug}"), &answer::page(output, &detail.questions));
    }
    if let Some(verdict) = &detail.verdict {
        let lines =
            format!("{}\n{}", decision(verdict), verdict.reason.trim().lines().skip(1).collect::<Vec<_>>().join("\n"));
        let lines: Vec<_> = lines.lines().map(|line| output.clean(line)).collect();
        part(
            &format!("verdict; orchestra approve {slug} sends it back, orchestra override {slug} goes on"),
            &lines.join("\n"),
        );
    }
    if let Some(subtasks) = &detail.subtasks {
        let lines = subtasks.iter().enumerate().map(|(at, it)| format!("{}. {}", at + 1, output.clean(&it.title)));
        part(&format!("breakdown; orchestra subtasks {slug}"), &lines.collect::<Vec<_>>().join("\n"));
    }
    text
}

/// `work 2   gate failed   after gate   gate exited 1: /path/of/log`, with what was decided and asked below.
fn attempt(output: &Output, iteration: &IterationView) -> String {
    let outcome = iteration.outcome.as_deref().unwrap_or("goes on").replace('_', " ");
    let ran = |what: &str, gate: &Option<GateView>| {
        gate.as_ref().map_or_else(String::new, |gate| format!("   {what} {}: {}", look::exit(gate), gate.log))
    };
    let trigger = if iteration.trigger == "flow" { String::new() } else { format!("   after {}", iteration.trigger) };
    let (script, gate) = (ran("script", &iteration.script), ran("gate", &iteration.gate));
    let mut text = format!("{} {}   {outcome}{trigger}{script}{gate}", iteration.stage, iteration.number);
    if let Some(verdict) = &iteration.verdict {
        let _ = write!(text, "\n    {}", output.clean(&decision(verdict)));
    }
    for line in iteration.log.iter().flat_map(|log| log.lines()) {
        let _ = write!(text, "\n    > {}", output.clean(line));
    }
    for round in &iteration.questions {
        let answers = round.answers.iter().flatten().map(Some).chain(std::iter::repeat(None));
        for (question, answer) in round.questions.iter().zip(answers) {
            let answer = answer.map_or("(no answer yet)", String::as_str);
            let _ = write!(text, "\n    {}: {}", output.clean(&question.question), output.clean(answer));
        }
    }
    if let Some(prompt) = &iteration.prompt {
        let _ = write!(text, "\n    prompt: {prompt}");
    }
    text
}

/// `rejects, back to work: the first line of why`.
fn decision(Verdict { decision, reason, route_to }: &Verdict) -> String {
    let word = match decision {
        Decision::Approve => "approves",
        Decision::Reject => "rejects",
    };
    let to = route_to.as_ref().map_or_else(String::new, |stage| format!(", back to {stage}"));
    format!("{word}{to}: {}", reason.trim().lines().next().unwrap_or_default())
}
