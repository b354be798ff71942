//! Integration: a task's branch gets into its base, or nothing has changed.
//!
//! The result is made of objects alone; the gate sees it on a detached worktree of our own. Only then does the base
//! move: by compare-and-swap where it is checked out nowhere, by a fast-forward that git itself accepts where it is.
//! The task's branch and worktree follow after that. Invariants: nothing of a person's is stashed, reset, cleaned or
//! switched; on every error branch, worktree and base are as they were, but for [`IntegrateError::Interrupted`] and for
//! what was committed in an [`OwnHome`].

mod base;
mod leftovers;
mod result;
mod sides;

use std::path::{Path, PathBuf};

use super::command::Hooks;
use super::error::GitError;
use super::process::Cancel;
use super::repo::{Head, InProgress, Repo};
use super::worktree;
use crate::model::Strategy;

pub use sides::{BaseCommit, base_side};

/// How often the base may move under us before we give up.
const ROUNDS: usize = 4;

/// What is to be integrated.
#[derive(Debug, Clone)]
pub struct IntegratePlan<'a> {
    pub repo: &'a Repo,
    /// The task's worktree, at rest.
    pub worktree: &'a Path,
    pub branch: &'a str,
    pub base_branch: &'a str,
    /// The branch that the task began at, where that is another one than its base: what it has is not the task's to bring along.
    pub upstream: Option<&'a str>,
    /// The base is checked out in a worktree of ours; none: where it is, it is a person's.
    pub own_home: Option<OwnHome<'a>>,
    pub strategy: Strategy,
    /// Where the gate runs: ours alone, made and removed here.
    pub integration_dir: &'a Path,
    /// Message of the commit of what the agent left uncommitted.
    pub leftovers: &'a str,
    /// Message of the merge or squash commit.
    pub message: &'a str,
    pub hooks: Hooks,
}

/// A worktree of ours, at rest, that has the base checked out: that of a task with subtasks.
#[derive(Debug, Clone, Copy)]
pub struct OwnHome<'a> {
    pub worktree: &'a Path,
    /// Message of the commit of what is left there; that comes first, so that nothing stands in the way.
    pub leftovers: &'a str,
}

/// What a gate said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateVerdict {
    Green,
    Red,
}

/// How an integration ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrated {
    /// Commit of the base now, hex.
    pub commit: String,
    /// Commit of the base before.
    pub before: String,
    /// What the task's worktree could not follow, to be told; the merge itself stands.
    pub notice: Option<String>,
}

impl Integrated {
    /// False: the base had it all already.
    pub fn moved(&self) -> bool {
        self.commit != self.before
    }
}

/// Why nothing was integrated.
#[derive(Debug, thiserror::Error)]
pub enum IntegrateError {
    #[error("{} files are in conflict with the base", .files.len())]
    Conflict { files: Vec<String> },
    #[error("the gate failed on the result")]
    GateRed,
    #[error("{branch} kept moving")]
    BaseMoved { branch: String },
    #[error("there is no branch {branch} any more")]
    BaseGone { branch: String },
    #[error("{} has changes in {}", .checkout.display(), .paths.join(", "))]
    Dirty { checkout: PathBuf, paths: Vec<String> },
    #[error("the {hook} hook failed: {output}")]
    HookFailed { hook: String, output: String },
    #[error("what is left in {} could not be committed: {why}", .home.display())]
    Unsettled { home: PathBuf, why: Box<IntegrateError> },
    #[error("{branch} is checked out where it cannot be moved: {}", .path.display())]
    BaseElsewhere { branch: String, path: PathBuf },
    #[error("a {} is in progress in {}", .operation.word(), .path.display())]
    Busy { path: PathBuf, operation: InProgress },
    #[error("{} has {found} checked out, not {branch}", .path.display())]
    Switched { path: PathBuf, branch: String, found: String },
    #[error("{branch} and {base} have no commit in common")]
    Unrelated { branch: String, base: String },
    #[error("git was killed while it moved {branch} in {}; some of its files may be new already", .checkout.display())]
    Interrupted { checkout: PathBuf, branch: String },
    #[error(transparent)]
    Git(#[from] GitError),
}

impl IntegrateError {
    /// The next step for a person, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Dirty { .. } => "Nothing was changed. Commit them, then M.".to_owned(),
            Self::BaseMoved { .. } => "Nothing was changed. M tries again.".to_owned(),
            Self::BaseGone { branch } => format!("Make it again, or choose another base: git branch {branch} COMMIT"),
            Self::Unsettled { home, .. } => format!("Nothing was merged. Commit it, then M: cd {}", home.display()),
            Self::BaseElsewhere { .. } => "See: git worktree list".to_owned(),
            Self::Busy { path, operation } => {
                format!(
                    "Nothing was changed. End it there first: cd {} && git {} --continue",
                    path.display(),
                    operation.word()
                )
            }
            Self::Switched { branch, path, .. } => format!("Switch back: git -C {} switch {branch}", path.display()),
            Self::Interrupted { checkout, .. } => {
                format!("Nothing of yours is lost. See: git -C {} status", checkout.display())
            }
            Self::Git(error) => return error.hint(),
            _ => return None,
        })
    }
}

/// Integrates, with `gate` run on each result before the base moves.
pub fn run(
    plan: &IntegratePlan<'_>,
    gate: Option<&mut dyn FnMut(&Path) -> GateVerdict>,
    cancel: &Cancel,
) -> Result<Integrated, IntegrateError> {
    let task = plan.repo.at(plan.worktree)?;
    require_at_rest(&task, plan.branch)?;
    let tip = task.commit("HEAD")?;
    let whole = leftovers::commit(&task, (plan.leftovers, plan.hooks), cancel)?;
    if let Some(home) = plan.own_home.filter(|home| home.worktree.is_dir()) {
        let unsettled = |why| IntegrateError::Unsettled { home: home.worktree.to_owned(), why: Box::new(why) };
        settle(plan, home, cancel).map_err(unsettled)?;
    }
    let outcome = rounds(plan, &whole, gate, cancel);
    if plan.integration_dir.symlink_metadata().is_ok() {
        // A folder that stays is removed by the next integration; it takes nothing from this one's outcome.
        worktree::remove_detached(plan.repo, plan.integration_dir).ok();
    }
    let mut integrated = outcome?;
    if integrated.moved()
        && let Err(error) = follow(&task, plan, (&tip, &whole), &integrated.commit)
    {
        integrated.notice = Some(format!("{} is merged; its worktree stayed behind: {error}", plan.branch));
    }
    Ok(integrated)
}

/// Moves the base back to `before`, while it still is `result` and is checked out nowhere.
pub fn undo(repo: &Repo, base_branch: &str, result: &str, before: &str) -> Result<(), IntegrateError> {
    if let Some(holder) = worktree::list(repo)?.into_iter().find(|entry| entry.branch.as_deref() == Some(base_branch)) {
        return Err(IntegrateError::BaseElsewhere { branch: base_branch.to_owned(), path: holder.path });
    }
    match base::swap(repo, base_branch, before, result)? {
        base::Moved::Yes => Ok(()),
        base::Moved::BaseMoved => Err(IntegrateError::BaseMoved { branch: base_branch.to_owned() }),
    }
}

/// Commits what is left in a worktree of ours that has the base checked out.
fn settle(plan: &IntegratePlan<'_>, home: OwnHome<'_>, cancel: &Cancel) -> Result<(), IntegrateError> {
    let checkout = plan.repo.at(home.worktree)?;
    require_at_rest(&checkout, plan.base_branch)?;
    let tip = checkout.commit("HEAD")?;
    let whole = leftovers::commit(&checkout, (home.leftovers, plan.hooks), cancel)?;
    take_up(&checkout, plan.hooks, (plan.base_branch, &tip, &whole))?;
    Ok(())
}

fn require_at_rest(task: &Repo, wanted: &str) -> Result<(), IntegrateError> {
    if let Some(operation) = task.in_progress() {
        return Err(IntegrateError::Busy { path: task.root().to_owned(), operation });
    }
    let found = match task.head()? {
        Head::Branch(branch) if branch == wanted => return Ok(()),
        Head::Branch(found) | Head::Detached(found) => found,
    };
    Err(IntegrateError::Switched { path: task.root().to_owned(), branch: wanted.to_owned(), found })
}

fn rounds(
    plan: &IntegratePlan<'_>,
    tip: &str,
    mut gate: Option<&mut dyn FnMut(&Path) -> GateVerdict>,
    cancel: &Cancel,
) -> Result<Integrated, IntegrateError> {
    for _ in 0..ROUNDS {
        let gone = || IntegrateError::BaseGone { branch: plan.base_branch.to_owned() };
        let before = plan.repo.branch(plan.base_branch)?.ok_or_else(gone)?;
        let Some(commit) = result::make(plan, &before, tip)? else {
            return Ok(Integrated { commit: before.clone(), before, notice: None });
        };
        // A refusal that is certain comes before the gate, which may take long.
        let home = base::find(plan.repo, plan.base_branch)?;
        home.require_free(&before, &commit, cancel)?;
        if let Some(gate) = &mut gate {
            worktree::create_detached(plan.repo, plan.integration_dir, &commit, plan.hooks)?;
            if gate(plan.integration_dir) == GateVerdict::Red {
                return Err(IntegrateError::GateRed);
            }
        }
        if cancel.is_canceled() {
            return Err(GitError::Canceled { verb: "merge".to_owned() }.into());
        }
        let home = base::find(plan.repo, plan.base_branch)?;
        home.require_free(&before, &commit, cancel)?;
        match home.advance(plan, &before, &commit)? {
            base::Moved::Yes => return Ok(Integrated { commit, before, notice: None }),
            base::Moved::BaseMoved => {}
        }
    }
    Err(IntegrateError::BaseMoved { branch: plan.base_branch.to_owned() })
}

/// Brings the task's branch and worktree to what the base is now. Its content is in the base already, and every step
/// leaves a state from which an integration can be run again.
fn follow(task: &Repo, plan: &IntegratePlan<'_>, (tip, whole): (&str, &str), commit: &str) -> Result<(), GitError> {
    take_up(task, plan.hooks, (plan.branch, tip, whole))?;
    task.write("update-index", plan.hooks)?.args(["-q", "--refresh"]).run_with(&[0, 1])?;
    task.write("reset", plan.hooks)?.args(["--quiet", "--keep", commit]).run()?;
    Ok(())
}

/// Moves a branch from `tip` to the commit of what was left in its checkout, whose files are that already.
fn take_up(checkout: &Repo, hooks: Hooks, (branch, tip, whole): (&str, &str, &str)) -> Result<(), GitError> {
    if tip == whole {
        return Ok(());
    }
    checkout.write("read-tree", hooks)?.arg(whole).run()?;
    let name = format!("refs/heads/{branch}");
    checkout.call("update-ref").args(["-m", "orchestra: commit what was left", &name, whole, tip]).run()?;
    Ok(())
}
