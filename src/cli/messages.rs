//! `orchestra messages`: what was sent to a session, and what became of it.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::Output;
use super::{Outcome, Run, look, send};
use crate::rpc::MessageView;
use crate::ui::text::moment;
use crate::ui::theme::Role;

/// List the messages to the agent of a task, or to `main`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra messages fix-tests")]
pub(super) struct Messages {
    #[command(flatten)]
    task: OfTask,
    /// Only those after the one with this number
    #[arg(long, value_name = "NUMBER")]
    since: Option<i64>,
}

impl Run for Messages {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let session = send::session(&mut link, &name)?;
        let answer = link.call("message.list", json!({"session": session, "since": self.since}))?;
        let messages: Vec<MessageView> = typed(answer["messages"].clone())?;
        context.output.result(&answer, || page(&context.output, &session, &messages));
        Ok(ExitCode::SUCCESS)
    }
}

fn page(output: &Output, session: &str, messages: &[MessageView]) -> String {
    if messages.is_empty() {
        return format!("no messages to {session}");
    }
    let (now, zone) = (look::now(), TimeZone::system());
    let mut page = String::new();
    for message in messages {
        let sender = message.sender.as_deref().unwrap_or("you");
        let head = format!("{}  {sender}  {}", moment(message.at, now, &zone), message.delivery);
        let _ = writeln!(page, "{}", output.paint(Role::Dim, &head));
        for line in message.text.lines() {
            let _ = writeln!(page, "  {}", output.clean(line));
        }
    }
    page
}
