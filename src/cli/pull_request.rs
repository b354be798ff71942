//! `orchestra pr`: a task's branch as a pull request.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Push a task's branch and open a pull request with `gh`
///
/// Nothing is pushed without this verb.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra pr fix-tests")]
pub(super) struct PullRequest {
    #[command(flatten)]
    task: OfTask,
}

impl Run for PullRequest {
    fn run(&self, context: &Context) -> Outcome {
        let (name, answer) = act::ask(context, &self.task, ("task.open_pull_request", json!({})))?;
        context.output.result(&answer, || {
            answer["message"].as_str().map_or_else(|| format!("opened a pull request for {name}"), str::to_owned)
        });
        Ok(ExitCode::SUCCESS)
    }
}
