//! The command line: one file per verb, thin over the socket.
//!
//! A first argument is a verb; it is a path only with `/`, `.`, or when such a directory exists.

mod act;
mod agents;
mod answer;
mod approve;
mod archive;
mod attach;
mod auto;
mod comment;
mod complete;
mod completions;
mod config;
mod context;
mod delete;
mod demo;
mod diff;
mod doctor;
mod exec;
mod explain;
mod gate;
mod help;
mod hook;
mod init;
mod input;
mod logs;
mod look;
mod mcp;
mod merge;
mod messages;
mod new;
mod open;
mod output;
mod overrule;
mod path;
mod play;
mod projects;
mod prompt;
mod pull_request;
mod reject;
mod restart;
mod retry;
mod rpc;
mod run_script;
mod send;
mod send_to_stage;
mod serve;
mod set_status;
mod show;
mod shutdown;
mod skip;
mod spec;
mod start;
mod status;
mod stop;
mod submit;
mod subtasks;
mod templates;
mod trust;
mod unread;
mod usage;
mod verb;
mod version;
mod wait;
mod watch;
mod workflow;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use crate::model::{Failure, FailureKind, nearest};
use context::{Context, home};
use output::{Output, say};
use verb::{Cli, Verb};

/// How a verb ends: the program's exit code, or what failed.
type Outcome = Result<ExitCode, Failure>;

/// A verb with its arguments.
trait Run {
    fn run(&self, context: &Context) -> Outcome;
}

/// Runs the program; its arguments are those of the process.
pub fn main() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let mut cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    // What is no verb takes its options along.
    cli.common.json |= matches!(&cli.verb, Some(Verb::Other(args)) if args.iter().any(|arg| arg == "--json"));
    let context = Context::new(&cli.common);
    let outcome = match cli.verb {
        None => open::run(&context, Path::new(".")).map(|()| ExitCode::SUCCESS),
        Some(verb) => verb.code().run(&context),
    };
    outcome.unwrap_or_else(|failure| {
        context.output.failure(&failure);
        ExitCode::from(failure.kind.exit_code())
    })
}

/// The definitions of all verbs.
fn command() -> Command {
    help::grouped(Cli::command())
}

/// Help and version are what was asked for; anything else is a mistake of usage.
fn unparsed(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let text = error.render().to_string();
        let (message, rest) = text.trim().split_once("\n\n").unwrap_or((&text, ""));
        let failure = Failure::new(FailureKind::Usage, message.trim_start_matches("error: "));
        let hint = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        Output::of_process(true).failure(&failure.hint(hint));
    } else {
        let _ = error.print();
    }
    ExitCode::from(FailureKind::Usage.exit_code())
}

/// A path, or a slip of the tongue.
impl Run for Vec<OsString> {
    fn run(&self, context: &Context) -> Outcome {
        let first = PathBuf::from(self.first().cloned().unwrap_or_default());
        let text = first.to_string_lossy();
        if !(text.contains('/') || text.starts_with('.') || first.is_dir()) {
            return Err(no_such_verb(&text));
        }
        if self.len() > 1 {
            return Err(Failure::new(FailureKind::Usage, format!("{text} takes no further arguments")));
        }
        open::run(context, &first).map(|()| ExitCode::SUCCESS)
    }
}

fn no_such_verb(text: &str) -> Failure {
    let names: Vec<_> = Cli::command()
        .get_subcommands()
        .filter(|it| !it.is_hide_set())
        .flat_map(|it| {
            std::iter::once(it.get_name()).chain(it.get_all_aliases()).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let nearest = nearest(text, names).unwrap_or_default();
    Failure::new(FailureKind::Usage, format!("there is no verb \"{text}\"."))
        .hint(format!("Nearest: orchestra {nearest}. All of them: orchestra --help"))
}

/// Where the program lies, for the shims and agents that it starts.
fn own_path() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::internal(format!("cannot find my own program file: {error}")))
}
