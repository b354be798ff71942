//! `orchestra shutdown`: all sessions of all projects end, and the engine with them.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, home, typed};
use super::output::say;
use super::{Outcome, Run, input, own_path};
use crate::rpc::{Client, SessionView, SessionsView};
use crate::ui::text::plural;

/// Stop all sessions of all projects, then the engine
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra shutdown      shows what would end, then asks
  orchestra shutdown -y   for scripts

Tasks are paused and keep their worktrees and conversations: orchestra start TASK goes on.")]
pub(super) struct Shutdown {}

impl Run for Shutdown {
    fn run(&self, context: &Context) -> Outcome {
        // Where none runs, one is needed to find and end what an earlier one left.
        let mut client = Client::connect_or_start(&home()?, &own_path()?)?;
        let all: SessionsView = typed(client.call("session.list", json!({}))?)?;
        let live: Vec<&SessionView> = all.sessions.iter().filter(|session| session.alive).collect();
        if !live.is_empty() {
            let names: Vec<String> =
                live.iter().map(|it| format!("  {}  {}  {}", it.project, it.id, it.activity)).collect();
            let names = names.join("\n");
            input::facts(context, &format!("These end; tasks keep worktrees and conversations:\n{names}"));
            let question = format!("Stop {} and the engine?", plural(live.len() as u64, "session"));
            if input::confirm(context, &question, &['y'])? != 'y' {
                say("nothing was stopped");
                return Ok(ExitCode::from(1));
            }
        }
        client.call("engine.shutdown", json!({}))?;
        context.output.result(&json!({"stopped": live.len()}), || match live.len() {
            0 => "no session ran; the engine has ended".to_owned(),
            count => format!("stopped {}; the engine has ended", plural(count as u64, "session")),
        });
        Ok(ExitCode::SUCCESS)
    }
}
