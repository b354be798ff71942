//! Worktrees after their repository was moved: git's links between the two are made good again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::git::error::GitError;
use crate::git::repo::{Repo, patiently};

/// Mends those of `worktrees` whose link to the repository leads nowhere; their content stays as it is.
pub fn repair(repo: &Repo, worktrees: &[PathBuf]) -> Result<(), GitError> {
    let broken: Vec<&PathBuf> = worktrees.iter().filter(|path| is_cut_off(path)).collect();
    if broken.is_empty() {
        return Ok(());
    }
    let _turn = repo.turn();
    patiently(|| repo.call("worktree").arg("repair").args(&broken).run()).map(drop)
}

/// There is a worktree, and the git directory that it names is gone.
fn is_cut_off(worktree: &Path) -> bool {
    let Ok(link) = fs::read_to_string(worktree.join(".git")) else { return false };
    link.strip_prefix("gitdir: ").is_some_and(|target| !worktree.join(target.trim_end_matches('\n')).exists())
}
