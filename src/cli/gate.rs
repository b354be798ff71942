//! `orchestra gate`: the gate of a task's stage runs now.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, Link, OfTask, typed};
use super::{Outcome, Run, act, look, trust, watch};
use crate::model::{Failure, FailureKind};
use crate::rpc::{GateView, TaskDetail, TaskView};

/// Run the gate of a task's stage now, on what is there
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra gate fix-tests
  orchestra gate fix-tests --wait && orchestra approve fix-tests
A gate that fails goes back to the agent, as always.
Exit codes with --wait: 0 passed, 1 failed.")]
pub(super) struct Gate {
    #[command(flatten)]
    task: OfTask,
    /// Wait for what it says
    #[arg(long, short)]
    wait: bool,
}

/// How a run of the gate ended.
struct Ended {
    task: TaskView,
    /// None: it was stopped, or could not run.
    gate: Option<GateView>,
}

impl Run for Gate {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let mut answer = link.on_task("task.run_gate", &name, json!({})).map_err(trust::explained)?;
        let begun: TaskView = typed(answer["task"].take())?;
        if !self.wait {
            return Ok(act::told(context, &begun, |task| format!("the gate of {} runs", task.slug)));
        }
        let id = begun.id.to_string();
        let ended = watch::until(context, &mut link, None, |link| ended(link, &id, &begun))?;
        let Ended { task, gate } = ended.ok_or_else(|| Failure::internal("waiting ended without a deadline"))?;
        let passed = gate.as_ref().is_some_and(|gate| gate.exit == Some(0));
        context.output.result(&json!({"task": task, "gate": gate}), || match &gate {
            Some(gate) => format!("the gate of {} {}: {}", task.slug, look::exit(gate), gate.log),
            None => format!("the gate of {} did not come to an end: {}", task.slug, look::why(&task)),
        });
        Ok(ExitCode::from(u8::from(!passed)))
    }
}

/// None: it goes on.
fn ended(link: &mut Link, id: &str, begun: &TaskView) -> Result<Option<Ended>, Failure> {
    let detail: TaskDetail = match link.show(id) {
        Err(failure) if failure.kind == FailureKind::NotFound => {
            return Err(Failure::new(FailureKind::NotFound, format!("{} was deleted.", begun.slug)));
        }
        shown => typed(shown?)?,
    };
    if detail.task.state == "gating" {
        return Ok(None);
    }
    // It belongs to the iteration that it began in; the agent may be at the next one by now.
    let mut iterations = detail.iterations.into_iter();
    let of_begun = iterations.find(|it| it.stage == begun.stage && it.number == begun.iteration);
    Ok(Some(Ended { task: detail.task, gate: of_begun.and_then(|iteration| iteration.gate) }))
}
