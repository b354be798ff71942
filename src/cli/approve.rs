//! `orchestra approve`: what waits for a person is accepted.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Accept what waits for you
///
/// A task at rest in its last stage is reviewed by it; `merge` comes next.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra approve fix-tests
  orchestra review fix-tests && orchestra merge fix-tests")]
pub(super) struct Approve {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Approve {
    fn run(&self, context: &Context) -> Outcome {
        act::run(context, &self.task, ("task.approve", json!({})), |task| {
            if task.status == "reviewed" {
                format!("{} is reviewed; orchestra merge {} merges it", task.slug, task.slug)
            } else {
                format!("approved {}; {} is next", task.slug, task.stage)
            }
        })
    }
}
