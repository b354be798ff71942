//! What a person should know before a worktree goes: commits, files, size, and whether the base has it all.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::command::Hooks;
use super::error::GitError;
use super::process::Cancel;
use super::repo::Repo;
use super::trash::Inventory;

/// The facts of one task's branch and worktree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Commits that the base has not.
    pub ahead: u32,
    /// Commits of the base that the branch has not.
    pub behind: u32,
    /// The base has all of it: by its commits, by equal patches, or by equal content.
    pub merged: bool,
    /// Tracked files with staged or unstaged changes.
    pub changed: Vec<String>,
    pub untracked: Vec<String>,
    /// Bytes on disk.
    pub bytes: u64,
    /// What the trash cannot keep, by name.
    pub unsaved: Vec<String>,
}

/// Gathers the facts; a worktree that is missing has no files.
pub fn gather(repo: &Repo, worktree: &Path, branch: &str, base: &str, cancel: &Cancel) -> Result<Facts, GitError> {
    let mut facts = match files(repo, worktree, cancel) {
        // It may go while we look, after a merge perhaps.
        Err(_) if !worktree.is_dir() => Facts::default(),
        files => files?,
    };
    if let (Some(tip), Some(base)) = (repo.branch(branch)?, repo.find(base)?) {
        (facts.ahead, facts.behind) = repo.ahead_behind(&base, &tip)?;
        facts.merged = facts.ahead == 0 || is_merged(repo, &tip, &base)?;
    }
    Ok(facts)
}

/// What a worktree has that no commit has.
fn files(repo: &Repo, worktree: &Path, cancel: &Cancel) -> Result<Facts, GitError> {
    let task = repo.at(worktree)?;
    let inventory = Inventory::take(&task, cancel)?;
    let names = |paths: Vec<PathBuf>| paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect();
    Ok(Facts {
        changed: names(task.dirty(cancel)?),
        untracked: names(inventory.untracked),
        unsaved: inventory.unsaved,
        bytes: bytes_below(worktree, cancel),
        ..Facts::default()
    })
}

/// Whether the base has everything of `tip`, even after a squash or by cherry-picks.
pub fn is_merged(repo: &Repo, tip: &str, base: &str) -> Result<bool, GitError> {
    let Some(start) = repo.call("merge-base").args([base, tip]).maybe()? else { return Ok(false) };
    if start == tip {
        return Ok(true);
    }
    // A merge that would change nothing has nothing left to bring.
    if repo.merge_trees(base, tip, Hooks::Off)?.is_ok_and(|tree| repo.tree(base).is_ok_and(|now| now == tree)) {
        return Ok(true);
    }
    let missing = |tip: &str| {
        let marks = repo.call("cherry").args([base, tip]).text()?;
        Ok::<_, GitError>(marks.lines().any(|line| line.starts_with('+')))
    };
    if !missing(tip)? {
        return Ok(true);
    }
    // As one patch, the way that a squash merge has it; the base may have gone on since.
    let tree = repo.tree(tip)?;
    let call = repo.call("commit-tree").args([&tree, "-p", &start, "-m", "squashed"]);
    let identity = ["AUTHOR", "COMMITTER"].into_iter().flat_map(|who| {
        [(format!("GIT_{who}_NAME"), "Orchestra"), (format!("GIT_{who}_EMAIL"), "orchestra@localhost")]
    });
    let squashed = identity.fold(call, |call, (name, value)| call.env(&name, value)).text()?;
    Ok(!missing(&squashed)?)
}

/// Blocks of all files below, symlinks not followed; what cannot be read counts nothing.
fn bytes_below(folder: &Path, cancel: &Cancel) -> u64 {
    let mut folders = vec![folder.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        if cancel.is_canceled() {
            break;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            bytes += meta.blocks() * 512;
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    bytes
}
