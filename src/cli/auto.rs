//! `orchestra auto`: whether a task pauses for a person.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Turn pauses for a person off (auto on), or on again
///
/// Permissions stay as they are.
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Examples:
  orchestra auto fix-tests on
  orchestra auto off              in the task's worktree"
)]
pub(super) struct Auto {
    #[command(flatten)]
    task: OfTask,
    #[arg(value_enum)]
    switch: Switch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Run for Auto {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.set_auto", json!({"auto": self.switch == Switch::On})), |task| {
            format!("auto is {} for {}", if task.auto { "on" } else { "off" }, task.slug)
        })
    }
}
