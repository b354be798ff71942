//! Where a project's repository is: around any folder, or at the place where it was last.
//!
//! Asks git and the disk, which may be slow: runs beside the engine's thread and on no state of it.

use std::path::{Path, PathBuf};

use super::create::git_failure;
use crate::git::{Git, GitError, Repo};
use crate::model::{Failure, FailureKind};
use crate::store::{Home, projects};

/// A repository that was found.
pub(super) struct Found {
    /// Seen from the project's root.
    pub repo: Repo,
    /// The checkout that was asked for: the root, or a linked worktree.
    pub checkout: PathBuf,
}

/// The repository around `path`.
pub(super) fn around(home: &Home, path: &Path) -> Result<Found, Failure> {
    let found = Git::from_env().and_then(|git| {
        let repo = Repo::discover(&git, path)?;
        repo.require_commit()?;
        Ok(repo)
    });
    of(home, found.map_err(|error| git_failure(&error))?)
}

/// The project of a repository that was found already, and has a commit.
pub(super) fn of(home: &Home, repo: Repo) -> Result<Found, Failure> {
    let checkout = repo.root().to_owned();
    let at_root = root_of(home, &repo).and_then(|root| if root == checkout { Ok(repo) } else { repo.at(&root) });
    Ok(Found { repo: at_root.map_err(|error| git_failure(&error))?, checkout })
}

/// The repository of a known project; a hint says what to do when it is not there.
pub(super) fn known(home: &Home, project: &projects::Project) -> Result<Found, Failure> {
    if !project.common_dir.is_dir() {
        return Err(gone(&project.name(), &project.root));
    }
    let elsewhere = |first| around(home, &project.common_dir).map_err(|_| first);
    let found = around(home, &project.root).or_else(elsewhere)?;
    // Another repository may stand there by now.
    if found.repo.common_dir() == project.common_dir { Ok(found) } else { Err(gone(&project.name(), &project.root)) }
}

/// A project whose repository is not where it was.
pub(super) fn gone(name: &str, root: &Path) -> Failure {
    let text = format!("{name} is not in {} any more; nothing of it was changed.", root.display());
    let hint = format!(
        "Move it back, or open it where it is now: orchestra PATH. To drop it: orchestra projects forget {name}"
    );
    Failure::new(FailureKind::NoRepository, text).hint(hint)
}

/// The folder that stands for the project: the main checkout. Where there are linked worktrees only: the one that stood for
/// it before, else the one that was asked for, unless that is a task's.
fn root_of(home: &Home, repo: &Repo) -> Result<PathBuf, GitError> {
    if let Some(root) = repo.main_root() {
        return Ok(root.to_owned());
    }
    let checkouts = repo.checkouts()?;
    // A list that cannot be read is told of when the project is written to it.
    let mut known = projects::list(home).unwrap_or_default().into_iter();
    let before = known.find(|project| project.common_dir == repo.common_dir()).map(|project| project.root);
    let worktrees = home.root().join("worktrees");
    let worktrees = worktrees.canonicalize().unwrap_or(worktrees);
    let is_task = |path: &Path| path.canonicalize().is_ok_and(|path| path.starts_with(&worktrees));
    let asked = repo.root().to_owned();
    Ok(before
        .filter(|root| checkouts.contains(root))
        .or_else(|| Some(asked.clone()).filter(|asked| !is_task(asked)))
        .or_else(|| checkouts.into_iter().find(|path| !is_task(path)))
        .unwrap_or(asked))
}
