//! `orchestra delete`: a task, its worktree and its branch go; the trash keeps all of it for 30 days.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::{Output, say};
use super::{Outcome, Run, input};
use crate::model::{DeleteFacts, DeleteScope};
use crate::ui::text::{bytes, plural};

/// Names of files that are shown.
const SHOWN: usize = 8;

/// Delete a task with worktree and branch, saved first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra delete old-idea                   shows what would go, then asks
  orchestra delete old-idea --worktree-only   the task and its branch stay
  orchestra delete old-idea -y                for scripts")]
pub(super) struct Delete {
    #[command(flatten)]
    task: OfTask,
    /// Remove the worktree, keep task and branch
    #[arg(long)]
    worktree_only: bool,
}

impl Run for Delete {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let before = link.task(&name)?;
        let slug = before.slug.clone();
        let facts: DeleteFacts = typed(link.on_task("task.delete_facts", &name, json!({}))?["delete"].take())?;
        input::facts(context, &page(&context.output, &facts));
        let question = if self.worktree_only { "Remove the worktree of" } else { "Delete" };
        let letters: &[char] = if self.worktree_only { &['y'] } else { &['y', 'w'] };
        let scope = match input::confirm(context, &format!("{question} {slug}?"), letters)? {
            'w' => DeleteScope::WorktreeOnly,
            'y' if self.worktree_only => DeleteScope::WorktreeOnly,
            'y' => DeleteScope::All,
            _ => {
                say(&format!("kept {slug} as it is"));
                return Ok(ExitCode::from(1));
            }
        };
        link.on_task("task.delete", &name, json!({"scope": scope}))?;
        context.output.result(&json!({"task": before, "deleted": scope}), || match scope {
            DeleteScope::All => format!("deleted {slug}; the trash keeps it for 30 days"),
            DeleteScope::WorktreeOnly => format!("removed the worktree of {slug}; its branch {} stays", facts.branch),
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// Commits, files, processes, then what the trash covers and what it does not.
fn page(output: &Output, facts: &DeleteFacts) -> String {
    if facts.ahead == 0 && facts.changed.is_empty() && facts.untracked.is_empty() && facts.sessions.is_empty() {
        return "It has no commits, changes or processes.\n".to_owned();
    }
    let merged = if facts.merged { "merged" } else { "not merged" };
    let commits = match facts.ahead {
        0 => format!("no commits ahead of {}", facts.base),
        n => format!("{} ahead of {}, {merged}", plural(n.into(), "commit"), facts.base),
    };
    let mut page = output.fact("branch", &format!("{}   {commits}", facts.branch));
    let (changed, untracked) = (plural(facts.changed.len() as u64, "changed file"), facts.untracked.len());
    page.push_str(&output.fact("worktree", &format!("{changed}, {untracked} untracked   {}", bytes(facts.bytes))));
    let names: Vec<&str> = facts.changed.iter().chain(&facts.untracked).map(String::as_str).collect();
    if !names.is_empty() {
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!("  and {more} more") } else { String::new() };
        page.push_str(&output.fact("", &format!("{}{more}", names[..names.len().min(SHOWN)].join("  "))));
    }
    if !facts.sessions.is_empty() {
        let sessions: Vec<&str> = facts.sessions.iter().map(|(_, text)| text.as_str()).collect();
        page.push_str(&output.fact("sessions", &format!("{}; they are stopped", sessions.join(", "))));
    }
    page.push_str("All of it is saved first and kept for 30 days.\n");
    if !facts.unsaved.is_empty() {
        let _ = writeln!(page, "Not saved: {}.", facts.unsaved.join(", "));
    }
    page
}
