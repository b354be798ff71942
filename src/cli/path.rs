//! `orchestra path`: where a task's worktree is.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run};
use crate::model::{Failure, FailureKind};
use crate::rpc::TaskView;

/// Print where a task's worktree is
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cd \"$(orchestra path fix-tests)\"
  orchestra path --project        the source checkout, from any worktree")]
pub(super) struct Path {
    #[command(flatten)]
    task: OfTask,
    /// The source checkout instead
    #[arg(long, conflicts_with = "task")]
    project: bool,
}

impl Run for Path {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let path = if self.project {
            link.list()?.project.root
        } else {
            let name = link.name(&self.task)?;
            worktree(&link.task(&name)?)?.to_string_lossy().into_owned()
        };
        context.output.result(&json!({"path": path}), || path.clone());
        Ok(ExitCode::SUCCESS)
    }
}

/// The worktree of a task that has one.
pub(super) fn worktree(task: &TaskView) -> Result<PathBuf, Failure> {
    let path = task.worktree.as_ref().map(PathBuf::from).filter(|path| path.is_dir());
    path.ok_or_else(|| {
        let failure = Failure::new(FailureKind::BadState, format!("{} has no worktree ({}).", task.slug, task.state));
        if task.state == "draft" { failure.hint(format!("orchestra start {} makes it.", task.slug)) } else { failure }
    })
}
