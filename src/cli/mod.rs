//! The command line: one file per verb.
//!
//! A first argument is a verb; it is a path only with `/`, `.`, or when such a directory exists.

mod demo;
mod init;
mod open;
mod serve;
mod submit;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::model::{Failure, FailureKind};
use crate::store::Home;

/// Runs many AI coding agents side by side, each in its own git worktree, from a description to merged code.
#[derive(Debug, Parser)]
#[command(name = "orchestra", version, disable_help_subcommand = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

const EXAMPLES: &str = "Examples:
  orchestra               open the screen in the repository around this folder
  orchestra ~/src/my-app  open it there
  orchestra demo          see it all at work in a throwaway repository, no account needed
  orchestra init          write .orchestra/ with a flow, prompts and a gate script";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the files of `.orchestra/` into a repository, never over an existing one
    Init(init::Init),
    /// Show the whole product in a throwaway repository with a built-in agent
    Demo(demo::Demo),
    /// Hand in the result of a stage; run by an agent inside its session
    Submit(submit::Submit),
    /// Run the engine without a screen
    Serve(serve::Serve),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// Runs the program; its arguments are those of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
            let _ = error.print();
            return code;
        }
    };
    let result = match cli.verb {
        None => open::run(Path::new(".")),
        Some(Verb::Init(verb)) => init::run(&verb),
        Some(Verb::Demo(verb)) => demo::run(&verb),
        Some(Verb::Submit(verb)) => submit::run(&verb),
        Some(Verb::Serve(verb)) => serve::run(&verb),
        Some(Verb::Other(args)) => other(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say_error(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// A path, or a slip of the tongue.
fn other(args: &[OsString]) -> Result<(), Failure> {
    let first = PathBuf::from(args.first().cloned().unwrap_or_default());
    let text = first.to_string_lossy();
    if text.contains('/') || text.starts_with('.') || first.is_dir() {
        if args.len() > 1 {
            return Err(Failure::new(FailureKind::Usage, format!("{text} takes no further arguments")));
        }
        return open::run(&first);
    }
    let names: Vec<_> =
        Cli::command().get_subcommands().filter(|it| !it.is_hide_set()).map(|it| it.get_name().to_owned()).collect();
    let nearest = names.iter().min_by_key(|name| distance(name, &text)).cloned().unwrap_or_default();
    Err(Failure::new(FailureKind::Usage, format!("there is no verb \"{text}\"."))
        .hint(format!("Nearest: orchestra {nearest}. All of them: orchestra --help")))
}

/// How far two words are apart: 0 = the same.
fn distance(a: &str, b: &str) -> usize {
    let ops = similar::capture_diff_slices(similar::Algorithm::Myers, a.as_bytes(), b.as_bytes());
    ops.iter()
        .filter(|op| op.tag() != similar::DiffTag::Equal)
        .map(|op| op.old_range().len().max(op.new_range().len()))
        .sum()
}

/// A line for the person.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn say_error(failure: &Failure) {
    let _ = writeln!(std::io::stderr(), "✗ {failure}");
}

/// Asks on the terminal; only `y` and `yes` are a yes. Without a terminal there is nobody to ask.
fn confirm(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::new(FailureKind::BadState, format!("{question} Nobody can be asked here.")).hint("-y answers yes")
        );
    }
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(Failure::internal)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The folder of this user's state.
fn home() -> Result<Home, Failure> {
    Home::from_env().map_err(|error| Failure::new(FailureKind::Config, error.to_string()))
}

/// Where the program lies, for the shims and agents that it starts.
fn own_path() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::internal(format!("cannot find my own program file: {error}")))
}
