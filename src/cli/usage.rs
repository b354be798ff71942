//! `orchestra usage`: tokens, cost and time, as the agents tell them.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::{Output, pad, pad_left};
use super::{Outcome, Run};
use crate::model::Failure;
use crate::rpc::{FiguresView, UsageRowView, UsageView};
use crate::ui::text;
use crate::ui::theme::Role;

/// Show what agents took: tokens, cost, time
///
/// As far as they tell: OpenCode always, Claude Code in headless stages. Tokens that came from a cache stand apart.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra usage                 every task of the project, and the sum
  orchestra usage fix-tests       one task, by its stages
  orchestra usage --json | jq .total.dollars")]
pub(super) struct UsageOf {
    #[command(flatten)]
    task: OfTask,
}

/// A line: what it is about, and its figures.
struct Line {
    name: String,
    agent: String,
    seconds: Option<i64>,
    figures: FiguresView,
}

impl Run for UsageOf {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let task = self.task.task.as_deref().map(|name| link.task(name)).transpose()?;
        let mut answer: UsageView = typed(link.call("project.usage", json!({}))?)?;
        if let Some(task) = &task {
            answer.usage.retain(|row| row.task.as_ref() == Some(&task.slug));
            answer.total = answer.usage.iter().map(|row| row.figures).fold(FiguresView::default(), plus);
        }
        let lines = if task.is_some() { by_stage(&answer.usage) } else { by_task(&answer.usage) };
        let json = serde_json::to_value(&answer).map_err(Failure::internal)?;
        context.output.result(&json, || page(&context.output, &lines, answer.total));
        Ok(ExitCode::SUCCESS)
    }
}

/// `12,480 tokens read, 3,120 written, $0.35`; empty where nothing was told.
pub(super) fn line(figures: &FiguresView) -> String {
    if *figures == FiguresView::default() {
        return String::new();
    }
    let cost = if figures.dollars > 0.0 { format!(", {}", dollars(figures)) } else { String::new() };
    format!("{} tokens read, {} written{cost}", text::count(figures.input), text::count(figures.output))
}

fn dollars(figures: &FiguresView) -> String {
    format!("${:.2}", figures.dollars)
}

fn plus(a: FiguresView, b: FiguresView) -> FiguresView {
    FiguresView {
        input: a.input + b.input,
        cached: a.cached + b.cached,
        output: a.output + b.output,
        dollars: a.dollars + b.dollars,
    }
}

fn by_stage(rows: &[UsageRowView]) -> Vec<Line> {
    rows.iter().map(|row| row_of(row, row.stage.as_deref().unwrap_or(&row.session))).collect()
}

/// One line for each task and agent.
fn by_task(rows: &[UsageRowView]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        let name = row.task.as_deref().unwrap_or(&row.session);
        match lines.iter_mut().find(|line| line.name == name && line.agent == row.agent) {
            Some(known) => {
                known.figures = plus(known.figures, row.figures);
                known.seconds = known.seconds.zip(row.seconds).map(|(a, b)| a + b);
            }
            None => lines.push(row_of(row, name)),
        }
    }
    lines
}

fn row_of(row: &UsageRowView, name: &str) -> Line {
    Line { name: name.to_owned(), agent: row.agent.clone(), seconds: row.seconds, figures: row.figures }
}

fn page(output: &Output, lines: &[Line], total: FiguresView) -> String {
    if lines.is_empty() {
        return "no agent has told what it took".to_owned();
    }
    let width = lines.iter().map(|line| text::width(&line.name)).chain([5]).max().unwrap_or_default();
    let agents = lines.iter().map(|line| text::width(&line.agent)).max().unwrap_or_default();
    let row = |name: &str, agent: &str, [input, cached, out, cost, time]: [&str; 5]| {
        let figures = [(input, 8), (cached, 8), (out, 8), (cost, 9), (time, 6)];
        let figures: String = figures.iter().map(|(figure, wide)| pad_left(figure, *wide)).collect();
        format!("  {}  {}{figures}", pad(name, width), pad(agent, agents)).trim_end().to_owned()
    };
    let mut page = String::new();
    let head = row("", "", ["read", "cached", "written", "cost", "time"]);
    let _ = writeln!(page, "{}", output.paint(Role::Dim, &head));
    for Line { name, agent, seconds, figures } in lines {
        let time = seconds.map_or_else(String::new, text::clock);
        let _ = writeln!(
            page,
            "{}",
            row(&output.clean(name), &output.clean(agent), cells(figures, &time).each_ref().map(String::as_str))
        );
    }
    if lines.len() > 1 {
        let _ = writeln!(page, "{}", row("total", "", cells(&total, "").each_ref().map(String::as_str)));
    }
    page
}

fn cells(figures: &FiguresView, time: &str) -> [String; 5] {
    let cost = if figures.dollars > 0.0 { dollars(figures) } else { String::new() };
    [text::count(figures.input), text::count(figures.cached), text::count(figures.output), cost, time.to_owned()]
}
