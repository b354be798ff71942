//! `orchestra restart`: a stage begins again, with a fresh conversation.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Begin the stage again with a fresh conversation
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra restart fix-tests")]
pub(super) struct Restart {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Restart {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.restart", json!({})), |task| {
            format!("{} begins {} again with a fresh conversation", task.slug, task.stage)
        })
    }
}
