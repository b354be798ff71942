//! What an agent left uncommitted, as a commit that no branch points to yet.
//!
//! It is made of a copy of the index, so that branch, index and files stay as they are until the integration stands.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{IntegrateError, result};
use crate::git::command::{Call, Hooks, fields};
use crate::git::error::GitError;
use crate::git::process::Cancel;
use crate::git::repo::Repo;

/// Filters and hooks may be slow.
const LONG: Duration = Duration::from_mins(10);

/// A commit of all that is in the worktree, with this message: `HEAD` itself when nothing is left.
pub(super) fn commit(task: &Repo, (text, hooks): (&str, Hooks), cancel: &Cancel) -> Result<String, IntegrateError> {
    let head = task.commit("HEAD")?;
    let status = ["--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=dirty"];
    if task.write("status", hooks)?.args(status).timeout(LONG).cancel(cancel).run()?.stdout.is_empty() {
        return Ok(head);
    }
    let folder = tempfile::tempdir().map_err(GitError::io(&std::env::temp_dir()))?;
    let index = folder.path().join("index");
    let own = task.git_dir().join("index");
    if own.exists() {
        fs::copy(&own, &index).map_err(GitError::io(&own))?;
    }
    let aside = |call: Call| call.env("GIT_INDEX_FILE", &index).timeout(LONG).cancel(cancel);
    add(&aside, task, hooks)?;
    let message = folder.path().join("COMMIT_EDITMSG");
    fs::write(&message, text).map_err(GitError::io(&message))?;
    if hooks == Hooks::Run {
        hook(&aside, task, "pre-commit", &[])?;
        hook(&aside, task, "prepare-commit-msg", &[&message, Path::new("message")])?;
        hook(&aside, task, "commit-msg", &[&message])?;
    }
    let tree = aside(task.write("write-tree", hooks)?).text()?;
    if tree == task.tree(&head)? {
        return Ok(head);
    }
    let text = fs::read(&message).map_err(GitError::io(&message))?;
    Ok(result::Commit { tree: &tree, parents: &[&head], message: &text, author: None }.write(task, hooks)?)
}

/// Stages all but the repositories inside the worktree: as links, what is in them would be nowhere.
fn add(aside: &impl Fn(Call) -> Call, task: &Repo, hooks: Hooks) -> Result<(), GitError> {
    let flags = ["--modified", "--deleted", "--others", "--exclude-standard", "-z"];
    let listed = aside(task.write("ls-files", hooks)?.args(flags)).run()?.stdout;
    // Git lists such a repository as one folder.
    let paths = fields(&listed).filter(|path| !path.ends_with(b"/"));
    let paths: Vec<u8> = paths.flat_map(|path| path.iter().copied().chain([0])).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let call = task.write("add", hooks)?.args(["--all", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"]);
    aside(call.env("GIT_LITERAL_PATHSPECS", "1").stdin(paths)).run().map(drop)
}

fn hook(aside: &impl Fn(Call) -> Call, task: &Repo, name: &str, args: &[&Path]) -> Result<(), IntegrateError> {
    let call = task.write("hook", Hooks::Run)?.args(["run", "--ignore-missing", name, "--"]).args(args);
    match aside(call).run() {
        Ok(_) => Ok(()),
        Err(GitError::Failed { stderr, .. }) => {
            Err(IntegrateError::HookFailed { hook: name.to_owned(), output: stderr })
        }
        Err(error) => Err(error.into()),
    }
}
