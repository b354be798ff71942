//! tmp
use std::path::{Path, PathBuf};
use super::{GitError, Repo};
pub struct WorktreePlan { pub path: PathBuf, pub branch: String, pub base_commit: String }
pub struct Created { pub base_commit: String }
pub fn create(repo: &Repo, plan: &WorktreePlan) -> Result<Created, GitError> {
    let out = std::process::Command::new("git").arg("-C").arg(repo.root()).args(["worktree", "add", "--no-track", "-b", &plan.branch]).arg(&plan.path).arg(&plan.base_commit).output().map_err(GitError::io(&plan.path))?;
    if !out.status.success() { return Err(GitError::Unreadable { verb: "worktree".into(), text: String::from_utf8_lossy(&out.stderr).into_owned() }); }
    Ok(Created { base_commit: plan.base_commit.clone() })
}
pub fn remove(repo: &Repo, path: &Path, _branch: &str) -> Result<(), GitError> {
    let _ = std::process::Command::new("git").arg("-C").arg(repo.root()).args(["worktree", "remove", "--force"]).arg(path).output();
    Ok(())
}
pub fn delete_branch(repo: &Repo, branch: &str, _commit: &str) -> Result<(), GitError> {
    let _ = std::process::Command::new("git").arg("-C").arg(repo.root()).args(["branch", "-D", branch]).output();
    Ok(())
}
pub fn dirty(_repo: &Repo, _path: &Path) -> Result<u32, GitError> { Ok(0) }
