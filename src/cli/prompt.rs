//! `orchestra prompt`: the text that an agent would be started with.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask};
use super::{Outcome, Run, act};
use crate::model::SessionId;

/// Print exactly what an agent of a stage would be started with, or what the designer (`main`) is told
///
/// Without --stage of the stage at work. `show` has the files with what was sent before.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra prompt fix-tests
  orchestra prompt fix-tests --stage review | less
  orchestra prompt main")]
pub(super) struct Prompt {
    #[command(flatten)]
    task: OfTask,
    /// Name of the stage
    #[arg(long, short)]
    stage: Option<String>,
}

impl Run for Prompt {
    fn run(&self, context: &Context) -> Outcome {
        let answer = if self.task.task.as_deref() == Some(SessionId::MAIN) {
            context.link()?.call("project.designer_prompt", json!({}))?
        } else {
            act::ask(context, &self.task, ("task.prompt", json!({"stage": self.stage})))?.1
        };
        context.output.result(&answer["text"], || answer["text"]["text"].as_str().unwrap_or_default().to_owned());
        Ok(ExitCode::SUCCESS)
    }
}
