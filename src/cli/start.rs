//! `orchestra start`: a draft begins; a paused or failed task goes on.

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::{Outcome, Run, act, new, trust};

/// Start a draft, or resume a paused or failed task
///
/// What was paused or failed goes on with its conversation.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra start fix-tests
  orchestra start fix-tests --trust   lets the project's scripts run as they are now")]
pub(super) struct Start {
    #[command(flatten)]
    task: OfTask,
    /// Trust the commands of the project's files as they are now
    #[arg(long)]
    trust: bool,
}

impl Run for Start {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let task = link.name(&self.task)?;
        if self.trust {
            trust::grant(&mut link)?;
        }
        link.tell_faults()?;
        let mut answer = link.on_task("task.start", &task, json!({})).map_err(trust::explained)?;
        Ok(act::told(context, &typed(answer["task"].take())?, new::begun))
    }
}
