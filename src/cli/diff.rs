//! `orchestra diff`: what a task changed, commits and all that is not committed in one.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::{Output, pad_left};
use super::{Outcome, Run};
use crate::ui::text::{added, plural, removed};
use crate::ui::theme::Role;

/// Show what a task changed, committed or not
///
/// Against its base: commits, staged, unstaged and untracked files in one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra diff fix-tests | less -R
  orchestra diff fix-tests --stat
  orchestra diff main             what is not committed in the source checkout")]
pub(super) struct Diff {
    #[command(flatten)]
    task: OfTask,
    /// Only the files, with their lines
    #[arg(long)]
    stat: bool,
}

/// `diff.show`.
#[derive(Debug, Deserialize)]
struct Changes {
    files: Vec<File>,
    text: String,
}

#[derive(Debug, Deserialize)]
struct File {
    path: String,
    change: char,
    added: u32,
    removed: u32,
}

impl Run for Diff {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let answer = if name == "main" {
            link.call("diff.show", json!({}))?
        } else {
            link.on_task("diff.show", &name, json!({}))?
        };
        let changes: Changes = typed(answer.clone())?;
        context.output.result(&answer, || {
            if self.stat { stat(&context.output, &changes.files) } else { colored(&context.output, &changes.text) }
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn stat(output: &Output, files: &[File]) -> String {
    let (plus, minus) = files.iter().fold((0, 0), |(plus, minus), file| (plus + file.added, minus + file.removed));
    let mut page = String::new();
    for file in files {
        let plus = output.paint(Role::Good, &pad_left(&added(file.added), 8));
        let minus = output.paint(Role::Bad, &pad_left(&removed(file.removed, output.signs), 8));
        let _ = writeln!(page, "{} {plus}{minus}  {}", file.change, output.clean(&file.path));
    }
    let _ = writeln!(page, "{}  {} {}", plural(files.len() as u64, "file"), added(plus), removed(minus, output.signs));
    page
}

/// A patch stays a patch: without colors it is left as it is.
fn colored(output: &Output, text: &str) -> String {
    let line = |line: &str| {
        let role = match line.as_bytes() {
            [b'@', b'@', ..] => Role::Accent,
            [b'd', b'i', b'f', b'f', ..] | [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Role::Dim,
            [b'+', ..] => Role::Good,
            [b'-', ..] => Role::Bad,
            _ => Role::Foreground,
        };
        format!("{}\n", output.shown(role, line))
    };
    text.lines().map(line).collect()
}
