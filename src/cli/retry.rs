//! `orchestra retry`: what failed, was blocked or is paused is done again.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::{Outcome, Run, act, trust};
use crate::model::{Failure, FailureKind};

/// Do again what failed, was blocked or is paused
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra retry fix-tests")]
pub(super) struct Retry {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Retry {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let mut answer = link.on_task("task.retry", &name, json!({})).map_err(|failure| match failure.kind {
            FailureKind::BadState if failure.hint.is_none() => {
                Failure::new(failure.kind, format!("{}.", failure.message))
                    .hint("orchestra restart begins its stage again.")
            }
            _ => trust::explained(failure),
        })?;
        Ok(act::told(context, &typed(answer["task"].take())?, |task| format!("{} tries again", task.slug)))
    }
}
