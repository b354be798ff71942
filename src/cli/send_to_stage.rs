//! `orchestra send-to-stage`: a task goes to a stage of its flow.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Send a task to a stage of its flow, with a reason
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Example:
  orchestra send-to-stage fix-tests plan -m \"the plan misses the parser\""
)]
pub(super) struct SendToStage {
    #[command(flatten)]
    task: OfTask,
    /// Name of the stage
    stage: String,
    /// What the agent of that stage is told; `-` reads it from standard input
    #[arg(long, short, default_value = "")]
    message: String,
}

impl Run for SendToStage {
    fn run(&self, context: &Context) -> Outcome {
        act::run(
            context,
            &self.task,
            ("task.send_to_stage", json!({"stage": self.stage, "text": act::text_of(&self.message)?})),
            |task| format!("sent {} to {}", task.slug, task.stage),
        )
    }
}
