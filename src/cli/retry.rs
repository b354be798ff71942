//! `orchestra retry`: what failed is done again.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::{Outcome, Run, act, trust};
use crate::model::{Failure, FailureKind};

/// Do again what failed: setup, gate or agent
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
        let task = link.task(&name)?;
        if task.state != "failed" {
            let told = format!("{} has not failed: it is {}.", task.slug, task.state);
            return Err(Failure::new(FailureKind::BadState, told).hint("orchestra restart begins its stage again."));
        }
        let mut answer = link.on_task("task.start", &name, json!({})).map_err(trust::explained)?;
        Ok(act::told(context, &typed(answer["task"].take())?, |task| format!("{} tries again", task.slug)))
    }
}
