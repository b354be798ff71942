//! `orchestra run`: the project's run script in a task's worktree, on this terminal.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::attach::{self, Ended};
use super::context::{Context, Link, OfTask, typed};
use super::output::say;
use super::{Outcome, Run, send, trust};
use crate::model::{Failure, FailureKind, Size};
use crate::rpc::Lines;

/// Run the project's run script in a task's worktree
///
/// It is .orchestra/scripts/run.sh, and its environment tells of the task as a gate's does. It goes on when you leave; running
/// it again comes back to it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra run fix-tests
  orchestra run fix-tests --detach && orchestra logs fix-tests.run --follow
Ctrl-\\ or Ctrl-Q leaves; the script goes on. Its exit code is this one's.")]
pub(super) struct RunScript {
    #[command(flatten)]
    task: OfTask,
    /// Start it and leave it alone; needs no terminal
    #[arg(long, short)]
    detach: bool,
}

impl Run for RunScript {
    fn run(&self, context: &Context) -> Outcome {
        let stays = !self.detach && !context.output.json;
        if stays {
            attach::need_terminal("--detach starts it without one.")?;
        }
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let owner = send::session(&mut link, &name)?;
        let size = if stays { attach::size() } else { Size::default() };
        let answer =
            link.call("session.run_script", json!({"session": owner, "size": size})).map_err(trust::explained)?;
        let session = answer["session"]["id"].as_str().map(str::to_owned);
        let session = session.ok_or_else(|| Failure::internal("the engine started no session"))?;
        if !stays {
            context.output.result(&answer, || format!("{session} runs; orchestra run {owner} shows it"));
            return Ok(ExitCode::SUCCESS);
        }
        let ended = match attach::show_session(context, &mut link, &session) {
            Err(failure) if failure.kind == FailureKind::BadState => missed(&mut link, &session)?,
            shown => shown?,
        };
        match ended {
            Ended::Exited(Some(code)) => {
                say(&format!("{session} has ended, exit code {code}"));
                // A signal is told as shells tell it.
                let code = if code < 0 { 128 - code } else { code };
                Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
            }
            Ended::Exited(None) => {
                say(&format!("{session} has ended; nobody knows its exit code"));
                Ok(ExitCode::from(1))
            }
            Ended::Left => {
                say(&format!("left {session}; it goes on. orchestra run {owner} comes back"));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// A script that ended before its screen could be shown: what it printed, and how it ended.
fn missed(link: &mut Link, session: &str) -> Result<Ended, Failure> {
    match link.call("session.follow", json!({"session": session})) {
        // All that is left of it is that it was there.
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(Ended::Exited(None)),
        answer => drop(answer?),
    }
    while let Some(told) = link.client.next_notification(None)? {
        if told.method != "session.lines" {
            continue;
        }
        let told: Lines = typed(told.params)?;
        told.lines.iter().for_each(|line| say(line));
        if told.ended {
            return Ok(Ended::Exited(told.exit.map(i64::from)));
        }
    }
    Ok(Ended::Exited(None))
}
