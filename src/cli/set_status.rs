//! `orchestra set-status`: a status as an edit of the task file would set it.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Set the status, as an edit of the task file would
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Example:
  orchestra set-status fix-tests completed"
)]
pub(super) struct SetStatus {
    #[command(flatten)]
    task: OfTask,
    /// The status
    #[arg(value_enum)]
    status: Word,
}

/// The words of a task file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    Draft,
    Running,
    Idle,
    Completed,
    Reviewed,
}

impl Run for SetStatus {
    fn run(&self, context: &Context) -> Outcome {
        act::run(
            context,
            &self.task,
            ("task.set_status", json!({"status": self.status.to_possible_value().map(|it| it.get_name().to_owned())})),
            |task| format!("{} is {}", task.slug, task.status),
        )
    }
}
