//! `orchestra unread`: a task is marked as not looked at.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Mark a task as unread, or with --read as read
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra unread fix-tests")]
pub(super) struct Unread {
    #[command(flatten)]
    task: OfTask,
    /// Mark it as read
    #[arg(long)]
    read: bool,
}

impl Run for Unread {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.set_unread", json!({"unread": !self.read})), |task| {
            format!("{} is {}", task.slug, if task.unread { "unread" } else { "read" })
        })
    }
}
