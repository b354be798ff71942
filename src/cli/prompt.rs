//! `orchestra prompt`: the text that an agent would be started with.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};

/// Print exactly what an agent of a stage would be started with
///
/// Without --stage of the stage at work. `show` has the files with what was sent before.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra prompt fix-tests
  orchestra prompt fix-tests --stage review | less")]
pub(super) struct Prompt {
    #[command(flatten)]
    task: OfTask,
    /// Name of the stage
    #[arg(long, short)]
    stage: Option<String>,
}

impl Run for Prompt {
    fn run(&self, context: &Context) -> Outcome {
        let (_, answer) = act::ask(context, &self.task, ("task.prompt", json!({"stage": self.stage})))?;
        context.output.result(&answer["text"], || answer["text"]["text"].as_str().unwrap_or_default().to_owned());
        Ok(ExitCode::SUCCESS)
    }
}
