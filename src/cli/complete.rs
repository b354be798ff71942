//! `orchestra complete`: a task is marked as completed, whatever its stage says.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Mark a task as completed, whatever its stage says
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra complete fix-tests")]
pub(super) struct Complete {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Complete {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.complete", json!({})), |task| {
            format!("{} is {}; orchestra review {} accepts it", task.slug, task.status, task.slug)
        })
    }
}
