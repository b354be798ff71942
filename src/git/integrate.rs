//! tmp
use std::path::{Path, PathBuf};
use super::{GitError, Repo};
use crate::model::Strategy;
pub struct IntegratePlan { pub repo: Repo, pub worktree: PathBuf, pub branch: String, pub base_branch: String, pub strategy: Strategy, pub integration_dir: PathBuf, pub message: String }
pub struct Integrated { pub commit: String }
pub enum GateVerdict { Passed, Failed(String) }
#[derive(Debug, thiserror::Error)]
pub enum IntegrateError { #[error("c {files:?}")] Conflict { files: Vec<String> }, #[error("g {output}")] GateRed { output: String }, #[error("h {output}")] HookFailed { output: String }, #[error(transparent)] Git(#[from] GitError) }
pub fn run(plan: &IntegratePlan, mut gate: impl FnMut(&Path) -> GateVerdict) -> Result<Integrated, IntegrateError> {
    let sh = format!("cd {} && git add -A && (git diff --cached --quiet || git commit -qm x) && cd {} && git merge -q --ff-only {}", plan.worktree.display(), plan.repo.root().display(), plan.branch);
    if let GateVerdict::Failed(output) = gate(&plan.worktree) { return Err(IntegrateError::GateRed { output }); }
    let _ = std::process::Command::new("sh").arg("-c").arg(sh).output();
    Ok(Integrated { commit: String::new() })
}
