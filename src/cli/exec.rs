//! `orchestra exec` and `orchestra shell`: a command, or a shell, in a task's worktree.
//!
//! Invariant: the environment tells of the task what it tells gates; the program takes the place of this process, so its
//! exit code and its signals are its own.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Args;

use super::context::{Context, Link, OfTask};
use super::output::note;
use super::path::worktree;
use super::{Outcome, Run};
use crate::engine::variables::{self, TaskNames};
use crate::model::{Failure, FailureKind, TaskId};

/// What shells answer for a command that is not there, or cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// Variables that name a repository or a part of one: those of a hook would lead git astray.
const OF_A_REPOSITORY: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// Run a command in a task's worktree
///
/// Its exit code is this one's, and its environment tells of the task.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra exec fix-tests -- cargo test -q")]
pub(super) struct Exec {
    /// Number, slug or `id:slug`
    #[arg(value_name = "TASK")]
    task: String,
    /// Program and arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Open a shell in a task's worktree
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra shell fix-tests")]
pub(super) struct Shell {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Exec {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        become_program(&mut link, &self.task, &self.command)
    }
}

impl Run for Shell {
    fn run(&self, context: &Context) -> Outcome {
        if !context.has_person() {
            return Err(Failure::new(FailureKind::BadState, "a shell needs a terminal.")
                .hint("orchestra exec TASK -- CMD runs a command."));
        }
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        become_program(&mut link, &name, &[shell])
    }
}

/// Becomes the program; comes back only when it cannot.
fn become_program(link: &mut Link, task: &str, argv: &[OsString]) -> Outcome {
    let all = link.list()?;
    let task = link.task(task)?;
    let parent = task.parent.as_ref().and_then(|slug| all.tasks.iter().find(|other| other.slug == *slug));
    let folder = worktree(&task)?;
    let (program, rest) = argv.split_first().expect("invariant: clap demands a command");
    let names = TaskNames {
        id: TaskId(task.id),
        slug: &task.slug,
        title: &task.title,
        base_branch: &task.base_branch,
        branch: &task.branch,
        parent: parent.map(|parent| (TaskId(parent.id), parent.slug.as_str())),
    };
    let mut command = Command::new(program);
    command.args(rest).current_dir(&folder).env("PWD", &folder);
    for name in OF_A_REPOSITORY {
        command.env_remove(name);
    }
    command.envs(variables::of_task(&names, Path::new(&all.project.root), &folder));
    let error = command.exec();
    note(&format!("cannot run {}: {error}", program.display()));
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    Ok(ExitCode::from(if missing { NOT_FOUND } else { NOT_RUN }))
}
