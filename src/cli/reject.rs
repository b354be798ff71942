//! `orchestra reject`: what waits goes back to the agent.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Send back what waits, with feedback
///
/// The agent goes on in the same conversation, or with --fresh in a new one. It gets the open comments on the diff too.
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Examples:
  orchestra reject fix-tests \"the test for empty fields is missing\"
  orchestra reject fix-tests \"begin again, without the new library\" --fresh
  git diff | orchestra reject fix-tests -"
)]
pub(super) struct Reject {
    #[command(flatten)]
    task: OfTask,
    /// What is to be different; `-` reads it from standard input
    feedback: String,
    /// Tell a new conversation, not the one that made it
    #[arg(long)]
    fresh: bool,
}

impl Run for Reject {
    fn run(&self, context: &Context) -> Outcome {
        let params = json!({"feedback": act::text_of(&self.feedback)?, "fresh": self.fresh});
        act::run(context, &self.task, ("task.reject", params), |task| {
            let how = if self.fresh { "begins again with a fresh conversation" } else { "goes on" };
            format!("rejected {}; {} {how}", task.slug, task.stage)
        })
    }
}
