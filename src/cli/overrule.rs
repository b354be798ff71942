//! `orchestra override`: a task goes on in spite of a stage's rejection.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Go on in spite of a stage's rejection
///
/// `approve` confirms it instead: the task goes back to the stage that it names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra show fix-tests         tells what was rejected, and why
  orchestra override fix-tests")]
pub(super) struct Override {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Override {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.override", json!({})), |task| match task.state.as_str() {
            "done" | "integrating" | "merged" => format!("overrode the rejection; {} is {}", task.slug, task.state),
            _ => format!("overrode the rejection of {}; {} is next", task.slug, task.stage),
        })
    }
}
