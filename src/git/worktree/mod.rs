//! Worktrees of tasks: made, listed and removed, and nothing else than those.
//!
//! A worktree that is being made carries a lock with [`MAKING`] as its reason until it is whole, so that a crash at
//! any point is told from a finished one. Invariants: no branch and no path that was there before is reset, moved or
//! deleted; a removal takes only what git has registered at the recorded path, and unlinks symlinks.

mod remains;
mod repair;

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::git::command::{Hooks, fields, path_of};
use crate::git::error::GitError;
use crate::git::process::Cancel;
use crate::git::repo::{Repo, patiently, records};
use remains::{clear_remains, forget, remove_folder, resume};

pub use repair::repair;

/// Lock reason of a worktree that is not whole yet.
const MAKING: &str = "orchestra is making this worktree";
/// A checkout may wait for slow filters.
const CHECKOUT: Duration = Duration::from_mins(10);
/// How often a later attempt is made anew.
const TRIES: usize = 3;
/// What is to be made. The caller records it before the first attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorktreePlan {
    /// Absolute.
    pub path: PathBuf,
    /// Short name of the new branch.
    pub branch: String,
    /// Hex.
    pub base_commit: String,
    pub attempt: Attempt,
    pub hooks: Hooks,
}

/// Whether an earlier attempt may have left something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// Path and branch must be free.
    First,
    /// The plan is on record from before: what fits it half-made is ours, and is finished.
    Again,
}

/// A worktree that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub path: PathBuf,
    pub branch: String,
    pub commit: String,
}

/// A worktree as git has it on record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Worktree {
    pub path: PathBuf,
    /// Hex; none before the first commit.
    pub head: Option<String>,
    /// Short name; none when detached.
    pub branch: Option<String>,
    pub bare: bool,
    /// The reason, empty when none was given.
    pub locked: Option<String>,
    /// Its folder is gone.
    pub missing: bool,
}

/// How a removal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Removed {
    Removed,
    /// The folder was gone already; git's record of it is gone now too.
    WasMissing,
    /// A symlink stood in its place: it was unlinked, what it points to is as it was.
    WasSymlink,
    /// Neither folder nor record was there.
    WasGone,
}

/// All worktrees, the main one first.
pub fn list(repo: &Repo) -> Result<Vec<Worktree>, GitError> {
    let output = records(|| repo.call("worktree"))?;
    let mut all: Vec<Worktree> = Vec::new();
    for line in fields(&output.stdout) {
        let (key, value) = line.split_at(line.iter().position(|&b| b == b' ').unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default();
        let text = || String::from_utf8_lossy(value).into_owned();
        if key == b"worktree" {
            let path = path_of(value);
            all.push(Worktree { missing: path.symlink_metadata().is_err(), path, ..Worktree::default() });
        }
        let Some(last) = all.last_mut() else { continue };
        match key {
            b"HEAD" if !value.iter().all(|&b| b == b'0') => last.head = Some(text()),
            b"branch" => last.branch = Some(text().trim_start_matches("refs/heads/").to_owned()),
            b"bare" => last.bare = true,
            b"locked" => last.locked = Some(text()),
            _ => {}
        }
    }
    Ok(all)
}

/// Makes a worktree on a new branch. May be repeated with [`Attempt::Again`] after a crash at any point.
pub fn create(repo: &Repo, plan: &WorktreePlan, cancel: &Cancel) -> Result<Created, GitError> {
    let _turn = repo.turn();
    if plan.attempt == Attempt::First {
        require_free(repo, plan)?;
    }
    if let Some(parent) = plan.path.parent() {
        fs::create_dir_all(parent).map_err(GitError::io(parent))?;
    }
    let mut tries = if plan.attempt == Attempt::First { 1 } else { TRIES };
    loop {
        if plan.attempt == Attempt::Again
            && let Some(created) = resume(repo, plan)?
        {
            return Ok(created);
        }
        tries -= 1;
        match add(repo, plan, cancel) {
            Ok(()) => break,
            // A child of the git that died may still have been at work on the same files.
            Err(GitError::Failed { .. } | GitError::BranchTaken { .. } | GitError::RefLocked { .. }) if tries > 0 => {}
            Err(error) => {
                undo(repo, plan, &error);
                return Err(error);
            }
        }
    }
    patiently(|| repo.call("worktree").args(["unlock", "--"]).arg(&plan.path).run())?;
    Ok(Created { path: plan.path.clone(), branch: plan.branch.clone(), commit: plan.base_commit.clone() })
}

/// Whether git has a worktree of this branch at `path`.
pub fn is_ours(repo: &Repo, path: &Path, branch: &str) -> Result<bool, GitError> {
    let ours = |entry: &Worktree| same_place(&entry.path, path) && entry.branch.as_deref() == Some(branch);
    Ok(list(repo)?.iter().skip(1).any(ours))
}

/// Removes the worktree on record at `path`; the caller has saved what is in it. May be repeated.
///
/// It is there as a whole or not at all: its folder gets another name before it goes.
pub fn remove(repo: &Repo, path: &Path, branch: &str) -> Result<Removed, GitError> {
    let _turn = repo.turn();
    let doomed = doomed(path);
    remove_folder(&doomed)?;
    let all = list(repo)?;
    let kind = path.symlink_metadata().ok().map(|m| m.file_type());
    let Some(entry) = all.iter().skip(1).find(|entry| same_place(&entry.path, path)) else {
        if kind.is_some() {
            return Err(GitError::NotAWorktree { path: path.to_owned() });
        }
        let moved = all.into_iter().skip(1).find(|entry| entry.branch.as_deref() == Some(branch) && !entry.missing);
        return moved
            .map_or(Ok(Removed::WasGone), |to| Err(GitError::WorktreeMoved { path: path.to_owned(), to: to.path }));
    };
    if let Some(reason) = entry.locked.clone().filter(|reason| reason != MAKING) {
        return Err(GitError::WorktreeLocked { path: path.to_owned(), reason });
    }
    let removed = match kind {
        None => Removed::WasMissing,
        Some(kind) if kind.is_symlink() => {
            fs::remove_file(path).map_err(GitError::io(path))?;
            Removed::WasSymlink
        }
        Some(_) => {
            require_ours(repo, path)?;
            fs::rename(path, &doomed).map_err(GitError::io(path))?;
            Removed::Removed
        }
    };
    forget(repo, &entry.path)?;
    remove_folder(&doomed)?;
    Ok(removed)
}

/// The name under which a worktree's folder goes; no task can have it.
fn doomed(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.gone"))
}

/// Deletes a branch that we made, while it still points to `tip` and is checked out nowhere.
pub fn delete_branch(repo: &Repo, branch: &str, tip: &str) -> Result<(), GitError> {
    if let Some(user) = list(repo)?.into_iter().find(|entry| entry.branch.as_deref() == Some(branch)) {
        return Err(GitError::BranchInUse { branch: branch.to_owned(), path: user.path });
    }
    match repo.branch(branch)? {
        None => Ok(()),
        Some(now) if now != tip => Err(GitError::BranchMoved { branch: branch.to_owned() }),
        Some(_) => {
            repo.call("update-ref").args(["-d", &format!("refs/heads/{branch}"), tip]).run()?;
            Ok(())
        }
    }
}

/// Puts the symlink `link` (`.orchestra/.worktrees/<slug>`) to a worktree; only a symlink is ever replaced.
pub fn link(link: &Path, worktree: &Path) -> Result<(), GitError> {
    if let Some(folder) = link.parent() {
        fs::create_dir_all(folder).map_err(GitError::io(folder))?;
    }
    unlink(link)?;
    std::os::unix::fs::symlink(worktree, link).map_err(GitError::io(link))
}

/// Removes such a symlink; one that is missing is fine.
pub fn unlink(link: &Path) -> Result<(), GitError> {
    match link.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => fs::remove_file(link).map_err(GitError::io(link)),
        Ok(_) => Err(GitError::PathTaken { path: link.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(GitError::Io { path: link.to_owned(), source }),
    }
}

/// Makes a detached worktree at `commit`; one that an earlier run of ours left at `path` goes first.
pub(crate) fn create_detached(repo: &Repo, path: &Path, commit: &str, hooks: Hooks) -> Result<(), GitError> {
    remove_detached(repo, path)?;
    let _turn = repo.turn();
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(GitError::io(parent))?;
    }
    patiently(|| {
        let call = repo.write("worktree", hooks)?.args(["add", "--detach", "--lock", "--reason", MAKING, "--"]);
        call.arg(path).arg(commit).timeout(CHECKOUT).run()
    })
    .map(drop)
}

/// Removes what [`create_detached`] made. A folder that is no worktree of ours stays, and is an error.
pub(crate) fn remove_detached(repo: &Repo, path: &Path) -> Result<(), GitError> {
    let _turn = repo.turn();
    let entry = list(repo)?.into_iter().skip(1).find(|entry| same_place(&entry.path, path));
    match (entry, path.symlink_metadata().is_ok()) {
        (Some(entry), present) => {
            if present {
                remove_folder(path)?;
            }
            forget(repo, &entry.path)
        }
        (None, true) => clear_remains(repo, path),
        (None, false) => Ok(()),
    }
}

fn add(repo: &Repo, plan: &WorktreePlan, cancel: &Cancel) -> Result<(), GitError> {
    let mut call = repo.write("worktree", plan.hooks)?.args(["add", "--lock", "--reason", MAKING]);
    // The first time it was looked for already.
    let exists = plan.attempt == Attempt::Again && repo.branch(&plan.branch)?.is_some();
    call = if exists {
        call.arg("--").arg(&plan.path).arg(&plan.branch)
    } else {
        call.args(["--no-track", "-b", &plan.branch, "--"]).arg(&plan.path).arg(&plan.base_commit)
    };
    match call.timeout(CHECKOUT).cancel(cancel).run() {
        Err(GitError::Failed { stderr, .. }) if stderr.contains("a branch named") => {
            Err(GitError::BranchTaken { branch: plan.branch.clone() })
        }
        other => other.map(drop),
    }
}

/// Takes back what a failed attempt made; what cannot be is found again by the next one.
fn undo(repo: &Repo, plan: &WorktreePlan, error: &GitError) {
    resume(repo, plan).ok();
    if plan.attempt == Attempt::First && !matches!(error, GitError::BranchTaken { .. }) {
        delete_branch(repo, &plan.branch, &plan.base_commit).ok();
    }
}

fn require_free(repo: &Repo, plan: &WorktreePlan) -> Result<(), GitError> {
    let folded = repo.settings()?.flag("core.ignorecase") == Some(true);
    let same = |a: &str, b: &str| if folded { a.eq_ignore_ascii_case(b) } else { a == b };
    let below = |a: &str, b: &str| {
        a.len() > b.len() && a.as_bytes()[b.len()] == b'/' && a.is_char_boundary(b.len()) && same(&a[..b.len()], b)
    };
    let branch = plan.branch.as_str();
    for other in repo.branches()? {
        if same(&other, branch) {
            return Err(GitError::BranchTaken { branch: other });
        }
        if below(&other, branch) || below(branch, &other) {
            return Err(GitError::BranchClash { branch: branch.to_owned(), other });
        }
    }
    if plan.path.symlink_metadata().is_ok() || list(repo)?.iter().any(|entry| same_place(&entry.path, &plan.path)) {
        return Err(GitError::PathTaken { path: plan.path.clone() });
    }
    Ok(())
}

/// The folder's `.git` file and git's record must name each other.
fn require_ours(repo: &Repo, path: &Path) -> Result<(), GitError> {
    let stranger = || GitError::NotAWorktree { path: path.to_owned() };
    let text = match fs::read_to_string(path.join(".git")) {
        Ok(text) => text,
        // A removal that was cut short may have taken the file first.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(_) => return Err(stranger()),
    };
    let target = path.join(text.trim_end().strip_prefix("gitdir: ").ok_or_else(stranger)?);
    let target = target.canonicalize().map_err(|_| stranger())?;
    if target.parent() == Some(&repo.common_dir().join("worktrees")) { Ok(()) } else { Err(stranger()) }
}

/// Compares by the canonical parent, for the folder itself may be gone.
pub(crate) fn same_place(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| {
        let parent = path.parent().map(|parent| parent.canonicalize().unwrap_or_else(|_| parent.to_owned()));
        (parent, path.file_name().map(OsStr::to_owned))
    };
    a == b || place(a) == place(b)
}
