//! `orchestra merge`: a task's work gets into its base branch.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::{Output, say};
use super::{Outcome, Run, act, input, watch};
use crate::model::{Failure, FailureKind, MergeFacts, Strategy};
use crate::rpc::TaskView;
use crate::ui::text::{changed, plural};

/// Merge a task into its base, and wait for the result
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra merge fix-tests            asks when files are uncommitted or a conflict is likely
  orchestra merge fix-tests --facts    only says what would happen
  orchestra merge fix-tests --into release-2    its own commits into that branch, not into its base
Exit code 1: it conflicts, its gate fails, or your checkout is in the way; nothing was changed.")]
pub(super) struct Merge {
    #[command(flatten)]
    task: OfTask,
    /// Merge into this branch instead of the task's base: what the base has beyond it stays out
    #[arg(long, value_name = "BRANCH")]
    into: Option<String>,
    /// Say what a merge would do, and do nothing
    #[arg(long)]
    facts: bool,
    /// Do not wait for the result
    #[arg(long)]
    no_wait: bool,
}

impl Run for Merge {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let facts: MergeFacts =
            typed(link.on_task("task.merge_facts", &name, json!({"into": self.into}))?["merge"].take())?;
        if self.facts {
            context.output.result(&json!({"merge": facts}), || page(&context.output, &facts));
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(refused) = facts.refused {
            return Err(refused);
        }
        if facts.dirty > 0 || !facts.conflicts.is_empty() {
            input::facts(context, &page(&context.output, &facts));
            if input::confirm(context, &format!("Merge {name}?"), &['y'])? != 'y' {
                say(&format!("kept {name} as it is"));
                return Ok(ExitCode::from(1));
            }
        }
        link.on_task("task.merge", &name, json!({"into": self.into}))?;
        if !self.no_wait {
            let base = &facts.base;
            watch::until(context, &mut link, None, |link| {
                let task = link.task(&name)?;
                if task.state == "integrating" { Ok(None) } else { outcome(&task, base).map(Some) }
            })?;
        }
        act::tell(context, &mut link, &name, |task| {
            if self.no_wait {
                format!("merging {}; orchestra wait {} --until merged", task.slug, task.slug)
            } else {
                format!("merged {} into {}", task.slug, facts.base)
            }
        })
    }
}

/// What came of it.
fn outcome(task: &TaskView, base: &str) -> Result<(), Failure> {
    if task.state == "merged" {
        return Ok(());
    }
    let why = task.reason.as_ref().map_or_else(|| format!("it is {} now", task.state), |reason| reason.text.clone());
    Err(Failure::new(FailureKind::Conflict, format!("{} was not merged into {base}: {why}.", task.slug))
        .hint(format!("Nothing of {base} was changed; orchestra show {} tells more.", task.slug)))
}

/// What a merge would do.
fn page(output: &Output, facts: &MergeFacts) -> String {
    let strategy = match facts.strategy {
        Strategy::Rebase => "rebase, then fast-forward",
        Strategy::Merge => "a merge commit",
        Strategy::Squash => "one squashed commit",
    };
    let behind = match facts.behind {
        0 => "the branch has all of it".to_owned(),
        n => format!("{} that the branch does not have", plural(n.into(), "commit")),
    };
    let stat = facts.stat;
    let own = format!(
        "{}   {}  {}",
        plural(facts.ahead.into(), "commit"),
        plural(stat.files.into(), "file"),
        changed(stat.added, stat.removed, output.signs)
    );
    let mut page = output.fact("branch", &format!("{}   {own}", facts.branch));
    page.push_str(&output.fact("base", &format!("{}, {behind}", facts.base)));
    page.push_str(&output.fact("strategy", strategy));
    if facts.dirty > 0 {
        page.push_str(&output.fact("uncommitted", &format!("{}, committed first", plural(facts.dirty.into(), "file"))));
    }
    let prediction = if facts.conflicts.is_empty() {
        "no conflict predicted".to_owned()
    } else {
        format!("conflicts in {}", facts.conflicts.join(", "))
    };
    page.push_str(&output.fact("prediction", &prediction));
    if let Some(gate) = &facts.gate {
        page.push_str(&output.fact("gate", &format!("{gate} checks the result first")));
    }
    if let Some(refused) = &facts.refused {
        page.push_str(&output.fact("refused", &refused.to_string()));
    }
    page
}
