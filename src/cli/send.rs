//! `orchestra send`: a message to an agent.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, Link, OfTask};
use super::{Outcome, Run, act};
use crate::model::{Failure, FailureKind, SessionId};

/// Send a message to the agent of a task, or to `main`
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Examples:
  orchestra send fix-tests \"use the parser that is there\"
  orchestra send main \"split the export into two tasks\"
  cargo test 2>&1 | tail -40 | orchestra send fix-tests -
It is typed once the agent rests."
)]
pub(super) struct Send {
    #[command(flatten)]
    task: OfTask,
    /// The message; `-` reads it from standard input
    text: String,
}

impl Run for Send {
    fn run(&self, context: &Context) -> Outcome {
        let text = act::text_of(&self.text)?;
        if text.trim().is_empty() {
            return Err(Failure::new(FailureKind::Usage, "the message is empty."));
        }
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let session = session(&mut link, &name)?;
        let answer = link.call("message.send", json!({"session": session, "text": text.trim_end()}))?;
        context.output.result(&answer, || {
            let told = answer["done"]["message"].as_str();
            told.map_or_else(|| format!("sent to {session}"), str::to_owned)
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// The session of a task, by what a person calls the task; `main` and shells (`fix-tests.sh1`) are sessions by name.
pub(super) fn session(link: &mut Link, name: &str) -> Result<String, Failure> {
    if name == SessionId::MAIN || name.contains('.') { Ok(name.to_owned()) } else { Ok(link.task(name)?.slug) }
}
