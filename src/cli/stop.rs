//! `orchestra stop`: the agent of a task ends; its conversation stays.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Stop the agent of a task; start resumes it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra stop fix-tests")]
pub(super) struct Stop {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Stop {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.stop", json!({})), |task| {
            format!("stopped {}; orchestra start {} goes on with the same conversation", task.slug, task.slug)
        })
    }
}
