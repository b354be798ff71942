//! `orchestra explain`: why a task has its state, or why it does not run.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::context::{Context, OfTask};
use super::output::Output;
use super::{Outcome, Run, act};

/// Say why a task is as it is, or why it does not run
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra explain fix-tests")]
pub(super) struct Explain {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Explain {
    fn run(&self, context: &Context) -> Outcome {
        let (_, answer) = act::ask(context, &self.task, ("task.explain", json!({})))?;
        context.output.result(&answer, || page(&context.output, &answer));
        Ok(ExitCode::SUCCESS)
    }
}

/// One line for each fact, or more where it is long.
fn page(output: &Output, answer: &Value) -> String {
    let facts = answer["facts"].as_array().into_iter().flatten();
    facts
        .map(|fact| output.fact(fact["label"].as_str().unwrap_or_default(), fact["text"].as_str().unwrap_or_default()))
        .collect()
}
