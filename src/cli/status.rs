//! `orchestra status`: all tasks of a project, those that need a person first.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{Context, OfTask, typed};
use super::look::{self, Columns, GROUPS, Row};
use super::output::{Output, say};
use super::{Outcome, Run};
use crate::rpc::TasksView;
use crate::ui::model::Group;
use crate::ui::theme::Role;

/// Show the tasks of a project, or one task in a line
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra status                the project around this folder; outside of one: all
  orchestra status --all          every project
  orchestra status --json | jq -r '.tasks[] | select(.state == \"asking\").slug'")]
pub(super) struct Status {
    #[command(flatten)]
    task: OfTask,
    /// All projects
    #[arg(long, short, conflicts_with = "task")]
    all: bool,
}

impl Run for Status {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let now = look::now();
        if let Some(task) = &self.task.task {
            return super::act::tell(context, &mut link, task, |task| {
                let row = Row { task, depth: 0 };
                Columns::of(&context.output, [&row]).row(&context.output, &row, now)
            });
        }
        if self.all || !context.is_in_project() {
            let answer = link.client.call("task.list", json!({}))?;
            return all(&context.output, &answer, now);
        }
        let answer = link.call("task.list", json!({}))?;
        let listing: TasksView = typed(answer.clone())?;
        context.output.result(&answer, || table(&context.output, &listing, now));
        Ok(ExitCode::SUCCESS)
    }
}

fn all(output: &Output, answer: &Value, now: Timestamp) -> Outcome {
    let listings: Vec<TasksView> = typed(answer["projects"].clone())?;
    output.result(answer, || {
        let tables: Vec<String> = listings.iter().map(|listing| table(output, listing, now)).collect();
        if tables.is_empty() {
            "no projects yet. cd to a repository, then: orchestra".to_owned()
        } else {
            tables.join("\n")
        }
    });
    Ok(ExitCode::SUCCESS)
}

/// The project with its counts, then its groups.
fn table(output: &Output, listing: &TasksView, now: Timestamp) -> String {
    let of = |group: Group| listing.tasks.iter().filter(move |task| look::group(task) == group);
    let counts = [
        (Group::NeedsYou, "need you", Role::Attention),
        (Group::Ready, "ready", Role::Good),
        (Group::Running, "running", Role::Accent),
    ]
    .into_iter()
    .filter_map(|(group, word, role)| {
        let count = of(group).count();
        (count > 0).then(|| output.paint(role, &format!("{count} {word}")))
    })
    .collect::<Vec<_>>();
    let name = output.clean(&listing.project.name).into_owned();
    let mut page = if counts.is_empty() {
        format!("{name}\n")
    } else {
        format!("{name}   {}\n", counts.join(&format!(" {} ", output.signs.dot)))
    };
    for fault in &listing.project.faults {
        let _ = writeln!(page, "{}", output.paint(Role::Attention, &format!("! {}", output.clean(fault))));
    }
    if listing.tasks.is_empty() {
        page.push_str("  no tasks yet. orchestra new -d TEXT makes one\n");
    }
    let groups = GROUPS.map(|group| (group, look::rows(&listing.tasks, group)));
    let columns = Columns::of(output, groups.iter().flat_map(|(_, rows)| rows));
    for (group, rows) in groups.iter().filter(|(_, rows)| !rows.is_empty()) {
        let _ = writeln!(page, "{}", output.paint(Role::Dim, group.word()));
        for row in rows {
            let _ = writeln!(page, "{}", columns.row(output, row, now));
        }
    }
    page
}

/// The slugs, one in a line, for the completions of shells: no engine is started for them, and no error is shown.
#[derive(Debug, Args)]
pub(super) struct Names {}

impl Run for Names {
    fn run(&self, context: &Context) -> Outcome {
        if let Ok(Some(mut link)) = context.running()
            && let Ok(listing) = link.list()
        {
            listing.tasks.iter().for_each(|task| say(&task.slug));
        }
        Ok(ExitCode::SUCCESS)
    }
}
