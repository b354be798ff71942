//! Where the base is checked out, and how it moves there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{IntegrateError, IntegratePlan};
use crate::git::command::{fields, path_of};
use crate::git::disk::{Disk, Entry};
use crate::git::error::GitError;
use crate::git::process::Cancel;
use crate::git::repo::{Head, InProgress, Repo};
use crate::git::worktree;

/// A checkout may wait for slow filters.
const LONG: Duration = Duration::from_mins(10);

/// How long somebody else may hold a checkout's index: an editor that looks at it takes milliseconds.
const INDEX_HELD: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// Where the base branch is checked out.
pub(super) enum Home {
    Nowhere,
    Checkout(Repo),
}

pub(super) enum Moved {
    Yes,
    /// Somebody else moved it first: nothing was changed.
    BaseMoved,
}

pub(super) fn find(repo: &Repo, branch: &str) -> Result<Home, IntegrateError> {
    if let Some(path) = rebased_in(repo, branch) {
        return Err(IntegrateError::Busy { path, operation: InProgress::Rebase });
    }
    let holders: Vec<_> = worktree::list(repo)?
        .into_iter()
        .filter(|entry| entry.branch.as_deref() == Some(branch) && !entry.bare)
        .collect();
    match &holders[..] {
        [] => Ok(Home::Nowhere),
        [only] if !only.missing => Ok(Home::Checkout(repo.at(&only.path)?)),
        [first, ..] => Err(IntegrateError::BaseElsewhere { branch: branch.to_owned(), path: first.path.clone() }),
    }
}

/// Waits until nobody writes the checkout's index. A lock that stays is left alone: its owner may live.
fn await_index(checkout: &Repo, cancel: &Cancel) -> Result<(), GitError> {
    let lock = checkout.git_dir().join("index.lock");
    let deadline = Instant::now() + INDEX_HELD;
    while lock.symlink_metadata().is_ok() {
        if Instant::now() > deadline {
            return Err(GitError::IndexLocked { lock });
        }
        if cancel.wait(LOOK) {
            return Err(GitError::Canceled { verb: "merge".to_owned() });
        }
    }
    Ok(())
}

/// Moves the ref from `old` to `new`, if it still is at `old`.
pub(super) fn swap(repo: &Repo, branch: &str, new: &str, old: &str) -> Result<Moved, GitError> {
    let name = format!("refs/heads/{branch}");
    match repo.call("update-ref").args(["-m", "orchestra: integrate", &name, new, old]).run() {
        Ok(_) => Ok(Moved::Yes),
        Err(GitError::Failed { .. }) if repo.branch(branch)?.as_deref() != Some(old) => Ok(Moved::BaseMoved),
        Err(error) => Err(error),
    }
}

impl Home {
    /// An error when moving from `before` to `commit` would meet a person's changes.
    pub fn require_free(&self, before: &str, commit: &str, cancel: &Cancel) -> Result<(), IntegrateError> {
        let Self::Checkout(checkout) = self else { return Ok(()) };
        if let Some(operation) = checkout.in_progress() {
            return Err(IntegrateError::Busy { path: checkout.root().to_owned(), operation });
        }
        await_index(checkout, cancel)?;
        let flags = ["-r", "-z", "--name-status", "--no-renames", before, commit];
        let moved = checkout.call("diff-tree").args(flags).cancel(cancel).run()?.stdout;
        let mut moved = fields(&moved);
        let dirty = checkout.dirty(cancel)?;
        let disk = Disk::open(checkout.root()).map_err(GitError::io(checkout.root()))?;
        let mut paths = Vec::new();
        while let (Some(status), Some(path)) = (moved.next(), moved.next()) {
            let path = path_of(path);
            // A new path must be free, of ignored files too: git would write over those.
            let taken = status == b"A" && blocks(&disk, &path)?;
            if taken || dirty.contains(&path) {
                paths.push(path.to_string_lossy().into_owned());
            }
        }
        if paths.is_empty() {
            return Ok(());
        }
        Err(IntegrateError::Dirty { checkout: checkout.root().to_owned(), paths })
    }

    pub fn advance(&self, plan: &IntegratePlan<'_>, before: &str, commit: &str) -> Result<Moved, IntegrateError> {
        let Self::Checkout(checkout) = self else { return Ok(swap(plan.repo, plan.base_branch, commit, before)?) };
        if checkout.head()? != Head::Branch(plan.base_branch.to_owned()) || checkout.commit("HEAD")? != before {
            return Ok(Moved::BaseMoved);
        }
        let flags =
            ["--ff-only", "--no-autostash", "--no-squash", "--commit", "--no-overwrite-ignore", "--no-stat", "-q"];
        let interrupted = || {
            let (checkout, branch) = (checkout.root().to_owned(), plan.base_branch.to_owned());
            IntegrateError::Interrupted { checkout, branch }
        };
        let moved = checkout.write("merge", plan.hooks)?.args(flags).arg(commit).timeout(LONG).run();
        match moved {
            Ok(_) => Ok(Moved::Yes),
            Err(GitError::Killed { .. } | GitError::TimedOut { .. }) => Err(interrupted()),
            Err(GitError::Failed { stderr, .. }) if stderr.contains("Not possible to fast-forward") => {
                Ok(Moved::BaseMoved)
            }
            // Somebody moved the branch when the files were there already, a merge perhaps that an engine that died has left
            // at work. Ours are taken back, and nothing else.
            Err(GitError::Failed { stderr, .. }) if stderr.contains(" but expected ") => {
                let back =
                    checkout.write("read-tree", plan.hooks)?.args(["-m", "-u", commit, "HEAD"]).timeout(LONG).run();
                back.map(|_| Moved::BaseMoved).map_err(|_| interrupted())
            }
            Err(GitError::Failed { stderr, .. }) if stderr.contains("\n\t") => {
                let paths = stderr.lines().filter_map(|line| line.strip_prefix('\t')).map(str::to_owned).collect();
                Err(IntegrateError::Dirty { checkout: checkout.root().to_owned(), paths })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether something lies at `path`, or a file where one of its folders would be.
fn blocks(disk: &Disk, path: &Path) -> Result<bool, GitError> {
    let at = |path: &Path| disk.stat(path).map_err(GitError::io(path));
    if at(path)? != Entry::Missing {
        return Ok(true);
    }
    for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
        match at(folder)? {
            Entry::Missing => {}
            // A tracked file there is the fast-forward's to replace; git refuses when it is not.
            Entry::Folder | Entry::File { .. } => return Ok(false),
            Entry::Symlink | Entry::Special => return Ok(true),
        }
    }
    Ok(false)
}

/// The git directory in which `branch` is being rebased: it is checked out by no name there, and comes back at the end.
fn rebased_in(repo: &Repo, branch: &str) -> Option<PathBuf> {
    let linked =
        fs::read_dir(repo.common_dir().join("worktrees")).into_iter().flatten().flatten().map(|entry| entry.path());
    let name = format!("refs/heads/{branch}");
    let rebases = |dir: &PathBuf| {
        ["rebase-merge", "rebase-apply"].iter().any(|state| {
            fs::read_to_string(dir.join(state).join("head-name")).is_ok_and(|head| head.trim_end() == name)
        })
    };
    linked.chain([repo.common_dir().to_owned()]).find(rebases)
}
