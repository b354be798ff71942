//! `orchestra reject`: what waits goes back to the agent.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Send back what waits, with feedback
///
/// The agent goes on in the same conversation.
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Examples:
  orchestra reject fix-tests \"the test for empty fields is missing\"
  git diff | orchestra reject fix-tests -"
)]
pub(super) struct Reject {
    #[command(flatten)]
    task: OfTask,
    /// What is to be different; `-` reads it from standard input
    feedback: String,
}

impl Run for Reject {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.reject", json!({"feedback": act::text_of(&self.feedback)?})), |task| {
            format!("rejected {}; {} goes on", task.slug, task.stage)
        })
    }
}
