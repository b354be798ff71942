//! What an attempt that was cut short leaves behind, and how folders and records of ours go.
//!
//! Invariant: a record goes only when it carries our own lock for the very path, a folder only when git has it on
//! record as ours or there is nothing in it but git's first file.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Created, MAKING, WorktreePlan, list, same_place};
use crate::git::command::path_of;
use crate::git::error::GitError;
use crate::git::repo::{Repo, patiently};

/// How long something else may go on writing into a folder that is being removed.
const ORPHAN: Duration = Duration::from_secs(10);

/// Finds a whole worktree of an earlier attempt, or clears the way for a new one.
pub(super) fn resume(repo: &Repo, plan: &WorktreePlan) -> Result<Option<Created>, GitError> {
    // Before git is asked: a record cut off in its first files ends every list.
    clear_records(repo, &plan.path, |record| fs::read(record.join("commondir")).is_ok_and(|text| text.is_empty()))?;
    let entry = list(repo)?.into_iter().skip(1).find(|entry| same_place(&entry.path, &plan.path));
    if let Some(entry) = entry {
        if entry.locked.as_deref() != Some(MAKING) {
            if entry.branch.as_deref() != Some(&plan.branch) || entry.missing {
                return Err(GitError::PathTaken { path: plan.path.clone() });
            }
            let commit = entry.head.unwrap_or_else(|| plan.base_commit.clone());
            return Ok(Some(Created { path: plan.path.clone(), branch: plan.branch.clone(), commit }));
        }
        // Nobody but us has worked in it: it is under our lock since its first file.
        if !entry.missing {
            remove_folder(&plan.path)?;
        }
        forget(repo, &entry.path)?;
    } else if plan.path.symlink_metadata().is_ok() {
        clear_remains(repo, &plan.path)?;
    }
    clear_records(repo, &plan.path, |_| true)?;
    if repo.branch(&plan.branch)?.is_some_and(|tip| tip != plan.base_commit) {
        return Err(GitError::BranchTaken { branch: plan.branch.clone() });
    }
    Ok(None)
}

/// Removes a folder that git made and has not registered: empty, or with nothing but its `.git` file.
pub(super) fn clear_remains(repo: &Repo, path: &Path) -> Result<(), GitError> {
    let taken = || GitError::PathTaken { path: path.to_owned() };
    let is_folder = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    if !is_folder {
        return Err(taken());
    }
    for entry in fs::read_dir(path).map_err(GitError::io(path))? {
        let entry = entry.map_err(GitError::io(path))?;
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let target = text.trim_end().strip_prefix("gitdir: ").map(Path::new);
        let ours = text.is_empty() || target.is_some_and(|dir| dir.starts_with(repo.common_dir().join("worktrees")));
        if entry.file_name() != ".git" || !entry.file_type().is_ok_and(|kind| kind.is_file()) || !ours {
            return Err(taken());
        }
    }
    remove_folder(path)
}

/// Removes records that were begun under our lock for `path`, as far as `broken` holds for their folder.
pub(super) fn clear_records(repo: &Repo, path: &Path, broken: impl Fn(&Path) -> bool) -> Result<(), GitError> {
    let folder = repo.common_dir().join("worktrees");
    let Ok(records) = fs::read_dir(&folder) else { return Ok(()) };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for record in records.flatten() {
        let id = record.file_name().to_string_lossy().into_owned();
        let named = id.strip_prefix(&name).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        let read = |file: &str| fs::read_to_string(record.path().join(file)).unwrap_or_default();
        let lock = read("locked");
        let nowhere =
            read("gitdir").trim().is_empty() || path_of(read("gitdir").trim().as_bytes()) == path.join(".git");
        let begun = lock.trim_end() == MAKING || fs::read_dir(record.path()).is_ok_and(|mut dir| dir.next().is_none());
        if named && nowhere && begun && broken(&record.path()) {
            remove_folder(&record.path())?;
        }
    }
    Ok(())
}

/// Ends git's record of a worktree whose folder is gone.
pub(super) fn forget(repo: &Repo, path: &Path) -> Result<(), GitError> {
    let gone = patiently(|| repo.call("worktree").args(["remove", "--force", "--force", "--"]).arg(path).run());
    match gone {
        // Too little of the record is there for git to read: it is removed as a folder of ours.
        Err(GitError::Failed { .. }) if path.symlink_metadata().is_err() => clear_records(repo, path, |_| true),
        other => other.map(drop),
    }
}

/// Never follows a symlink, `path` itself included.
pub(super) fn remove_folder(path: &Path) -> Result<(), GitError> {
    let gone = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    };
    let deadline = Instant::now() + ORPHAN;
    let mut result = gone(fs::remove_dir_all(path));
    // A checkout whose parent was killed goes on writing until its folder is gone.
    while matches!(&result, Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty) && Instant::now() < deadline {
        result = gone(fs::remove_dir_all(path));
    }
    match result {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(path);
            gone(fs::remove_dir_all(path)).map_err(GitError::io(path))
        }
        other => other.map_err(GitError::io(path)),
    }
}

/// Makes read-only folders (module caches are such) removable.
fn open_up(path: &Path) {
    if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).ok();
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            open_up(&entry.path());
        }
    }
}
