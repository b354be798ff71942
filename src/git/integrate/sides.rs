//! What the other side of a conflict did: whoever mends it has to know what both sides meant.

use std::collections::HashSet;

use crate::git::error::GitError;
use crate::git::repo::Repo;

/// Commits that are told of.
const MOST: &str = "--max-count=20";

/// A commit that the base has and the task's branch has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseCommit {
    /// Hex.
    pub id: String,
    pub subject: String,
    /// The first of the given branches that has it; none: it came by another way.
    pub by: Option<usize>,
}

/// What the base has brought to these files since `branch` left it, the newest first. `landed` are branches that went into
/// the base, in that order.
pub fn base_side(
    repo: &Repo,
    (branch, base): (&str, &str),
    files: &[String],
    landed: &[&str],
) -> Result<Vec<BaseCommit>, GitError> {
    let range = |tip: &str| format!("refs/heads/{branch}..refs/heads/{tip}");
    let list = |tip: &str, format: &str| {
        let flags = ["--no-merges", MOST, format];
        repo.call("log").args(flags).arg(range(tip)).arg("--").args(files).text()
    };
    let text = list(base, "--format=%H %s")?;
    let commits = text.lines().filter_map(|line| line.split_once(' '));
    let mut commits: Vec<_> =
        commits.map(|(id, subject)| BaseCommit { id: id.to_owned(), subject: subject.to_owned(), by: None }).collect();
    for (index, tip) in landed.iter().enumerate() {
        if commits.iter().all(|commit| commit.by.is_some()) {
            break;
        }
        if repo.branch(tip)?.is_none() {
            // It is gone: then its commits are told of without a name.
            continue;
        }
        let theirs = list(tip, "--format=%H")?;
        let theirs: HashSet<_> = theirs.lines().collect();
        for commit in commits.iter_mut().filter(|it| it.by.is_none() && theirs.contains(it.id.as_str())) {
            commit.by = Some(index);
        }
    }
    Ok(commits)
}
