//! `orchestra archive`: a task is closed without a merge.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Close a task without a merge; its branch stays
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra archive old-idea")]
pub(super) struct Archive {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Archive {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.archive", json!({})), |task| {
            format!("archived {}; its branch {} stays", task.slug, task.branch)
        })
    }
}
