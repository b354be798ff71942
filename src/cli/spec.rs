//! `orchestra spec` and `orchestra edit`: the text that a session works from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, Link, OfTask};
use super::input;
use super::{Outcome, Run};
use crate::model::{Failure, FailureKind, SessionId};
use crate::store::Folder;
use crate::store::task_file::{TaskFolder, parse_name};

/// Print the spec of a task, or of `main`
///
/// The text that it works from; `main` is the designer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra spec fix-tests
  orchestra spec main --path")]
pub(super) struct Spec {
    #[command(flatten)]
    task: OfTask,
    /// Print the path of its file instead
    #[arg(long)]
    path: bool,
}

/// Open the spec of a task, or of `main`, in your editor
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra edit fix-tests      saving is enough: the engine reads it")]
pub(super) struct Edit {
    #[command(flatten)]
    task: OfTask,
}

impl Run for Spec {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let path = file(&mut link, &name)?;
        if self.path {
            context.output.result(&json!({"path": path}), || path.display().to_string());
            return Ok(ExitCode::SUCCESS);
        }
        let text = if name == SessionId::MAIN {
            std::fs::read_to_string(&path).map_err(|_| no_spec(&path))?
        } else {
            link.show(&name)?["description"].as_str().unwrap_or_default().to_owned()
        };
        context.output.result(&json!({"path": path, "text": text}), || text.clone());
        Ok(ExitCode::SUCCESS)
    }
}

impl Run for Edit {
    fn run(&self, context: &Context) -> Outcome {
        if !context.has_person() {
            return Err(Failure::new(FailureKind::BadState, "an editor needs a terminal.")
                .hint("orchestra spec TASK --path tells the file; edit it with anything."));
        }
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let path = file(&mut link, &name)?;
        drop(link);
        if input::editor(&path)? {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Failure::new(FailureKind::Conflict, format!("the editor failed on {}.", path.display())))
    }
}

/// The file of a task, whatever it is called, or of the designer.
fn file(link: &mut Link, name: &str) -> Result<PathBuf, Failure> {
    let folder = Folder::of(&PathBuf::from(link.list()?.project.root));
    if name == SessionId::MAIN {
        return Ok(folder.designer());
    }
    let task = link.task(name)?;
    let names = TaskFolder::new(folder.clone()).names().map_err(Failure::internal)?;
    let is_its = |path: &PathBuf| parse_name(path).is_ok_and(|(id, _)| id.0 == task.id);
    names.into_iter().find(is_its).ok_or_else(|| no_spec(&folder.tasks()))
}

fn no_spec(path: &std::path::Path) -> Failure {
    Failure::new(FailureKind::NotFound, format!("there is no spec in {}.", path.display()))
}
