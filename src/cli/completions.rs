//! `orchestra completions`, `orchestra man`, `orchestra shell-init`: what other programs need to know of this one.
//!
//! Invariant: all of it is made from the definitions of the verbs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell as Generator;

use super::context::Context;
use super::output::say;
use super::{Outcome, Run, command};
use crate::model::{Failure, FailureKind};

/// A shell that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra completions fish > ~/.config/fish/completions/orchestra.fish
`orchestra shell-init` has them too, with the names of tasks.")]
pub(super) struct Completions {
    #[arg(value_enum)]
    shell: Shell,
}

/// Print what a shell needs for cd and for names of tasks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eval \"$(orchestra shell-init bash)\"       in ~/.bashrc
  eval \"$(orchestra shell-init zsh)\"        in ~/.zshrc, after compinit
  orchestra shell-init fish | source        in ~/.config/fish/config.fish")]
pub(super) struct ShellInit {
    #[arg(value_enum)]
    shell: Shell,
}

/// Go to a task's worktree; needs shell-init
///
/// Without TASK to the source checkout.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra cd fix-tests")]
pub(super) struct Cd {
    #[arg(value_name = "TASK")]
    task: Option<String>,
}

/// Print the manual page of the program, or of a verb
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra man | man -l -
  orchestra man new | man -l -
  orchestra man --dir ~/.local/share/man/man1")]
pub(super) struct Man {
    /// Of this verb
    verb: Option<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    dir: Option<PathBuf>,
}

impl Run for Completions {
    fn run(&self, _: &Context) -> Outcome {
        say(completions(self.shell).trim_end());
        Ok(ExitCode::SUCCESS)
    }
}

impl Run for ShellInit {
    fn run(&self, _: &Context) -> Outcome {
        let script = match self.shell {
            Shell::Bash => include_str!("../../assets/shell/init.bash"),
            Shell::Zsh => include_str!("../../assets/shell/init.zsh"),
            Shell::Fish => include_str!("../../assets/shell/init.fish"),
        };
        let verbs: Vec<String> = command().get_subcommands().filter(|verb| takes_task(verb)).flat_map(names).collect();
        say(completions(self.shell).trim_end());
        say(script.replace("@VERBS@", &verbs.join(" ")).trim_end());
        Ok(ExitCode::SUCCESS)
    }
}

impl Run for Cd {
    fn run(&self, _: &Context) -> Outcome {
        let task = self.task.as_deref().unwrap_or("--project");
        Err(Failure::new(FailureKind::Usage, "a program cannot change the folder of your shell.")
            .hint(format!("In ~/.bashrc: eval \"$(orchestra shell-init bash)\". Now: cd \"$(orchestra path {task})\"")))
    }
}

impl Run for Man {
    fn run(&self, _: &Context) -> Outcome {
        let program = command().disable_help_subcommand(true);
        if let Some(dir) = &self.dir {
            clap_mangen::generate_to(program, dir).map_err(|error| {
                Failure::new(FailureKind::Usage, format!("cannot write to {}: {error}.", dir.display()))
            })?;
            say(&format!("wrote the pages to {}", dir.display()));
            return Ok(ExitCode::SUCCESS);
        }
        let page = match &self.verb {
            None => program,
            Some(name) => {
                let verb = program.find_subcommand(name).ok_or_else(|| super::no_such_verb(name))?;
                verb.clone().display_name(format!("orchestra-{name}")).bin_name(format!("orchestra {name}"))
            }
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page).render(&mut text).map_err(Failure::internal)?;
        say(String::from_utf8_lossy(&text).trim_end());
        Ok(ExitCode::SUCCESS)
    }
}

fn completions(shell: Shell) -> String {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(generator, &mut command(), "orchestra", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A verb whose first word is a task.
fn takes_task(verb: &Command) -> bool {
    verb.get_positionals().next().is_some_and(|first| first.get_id() == "task")
}

fn names(verb: &Command) -> impl Iterator<Item = String> {
    let aliases: Vec<_> = verb.get_visible_aliases().map(str::to_owned).collect();
    std::iter::once(verb.get_name().to_owned()).chain(aliases)
}
