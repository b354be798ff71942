//! `orchestra skip`: a stage ends without its result.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// End the stage without its result; the next one begins
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra skip fix-tests")]
pub(super) struct Skip {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Skip {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.skip", json!({})), |task| {
            if task.state == "done" {
                format!("skipped the last stage of {}: it is done", task.slug)
            } else {
                format!("skipped a stage of {}; {} is next", task.slug, task.stage)
            }
        })
    }
}
