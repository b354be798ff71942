//! The commit that the base would move to, made of objects alone: no checkout, no ref, no index.

use super::{IntegrateError, IntegratePlan};
use crate::git::command::Hooks;
use crate::git::diff::Blobs;
use crate::git::error::GitError;
use crate::git::repo::Repo;
use crate::model::Strategy;

/// A commit to be written.
pub(super) struct Commit<'a> {
    pub tree: &'a str,
    pub parents: &'a [&'a str],
    pub message: &'a [u8],
    /// Name, address and date; the person's own when none is given.
    pub author: Option<[String; 3]>,
}

/// The result for a base at `base`; none when the base has it all already.
pub(super) fn make(plan: &IntegratePlan<'_>, base: &str, tip: &str) -> Result<Option<String>, IntegrateError> {
    let repo = plan.repo;
    let common = repo.call("merge-base").args([base, tip]).maybe()?;
    match common.as_deref() {
        None => {
            let (branch, base) = (plan.branch.to_owned(), plan.base_branch.to_owned());
            return Err(IntegrateError::Unrelated { branch, base });
        }
        Some(common) if common == tip => return Ok(None),
        Some(_) => {}
    }
    // A merge commit has the whole history of its parents.
    let upstream = plan.upstream.filter(|_| plan.strategy != Strategy::Merge);
    let fork = upstream.map(|name| fork(plan, name, tip)).transpose()?;
    let parents: &[&str] = match plan.strategy {
        Strategy::Rebase => return replay(plan, (base, fork.as_deref()), tip),
        Strategy::Merge => &[base, tip],
        Strategy::Squash => &[base],
    };
    let tree = match fork {
        Some(fork) => moved(plan, base, (&fork, tip))?,
        None => merged(repo, base, tip, plan.hooks)?,
    };
    if tree == repo.tree(base)? {
        return Ok(None);
    }
    let commit = Commit { tree: &tree, parents, message: plan.message.as_bytes(), author: None };
    Ok(Some(commit.write(repo, plan.hooks)?))
}

/// Each commit of the branch onto the base, as `git rebase` does it: those that the base has are left out, and
/// those that stand on the right commit already are kept as they are, and what came before `fork` is not the branch's own.
fn replay(
    plan: &IntegratePlan<'_>,
    (base, fork): (&str, Option<&str>),
    tip: &str,
) -> Result<Option<String>, IntegrateError> {
    let repo = plan.repo;
    let flags = ["--reverse", "--topo-order", "--no-merges", "--cherry-pick", "--right-only"];
    let without = fork.map(|fork| format!("^{fork}"));
    let range = std::iter::once(format!("{base}...{tip}")).chain(without);
    let commits = repo.call("rev-list").args(flags).args(range).arg("--").text()?;
    let mut blobs = Blobs::new(repo);
    let mut onto = base.to_owned();
    for commit in commits.lines() {
        let Some(parent) = repo.find(&format!("{commit}^"))? else {
            let (branch, base) = (plan.branch.to_owned(), plan.base_branch.to_owned());
            return Err(IntegrateError::Unrelated { branch, base });
        };
        if parent == onto {
            commit.clone_into(&mut onto);
            continue;
        }
        let onto_tree = repo.tree(&onto)?;
        let tree = moved(plan, &onto, (&parent, commit))?;
        if tree == onto_tree && repo.tree(commit)? != repo.tree(&parent)? {
            continue;
        }
        let (author, message) = parse(&blobs.read(commit)?);
        onto = Commit { tree: &tree, parents: &[&onto], message: &message, author }.write(repo, plan.hooks)?;
    }
    Ok((onto != base).then_some(onto))
}

/// The commit at which the branch left its upstream.
fn fork(plan: &IntegratePlan<'_>, name: &str, tip: &str) -> Result<String, IntegrateError> {
    let unrelated = || IntegrateError::Unrelated { branch: plan.branch.to_owned(), base: name.to_owned() };
    plan.repo.call("merge-base").args([name, tip]).maybe()?.ok_or_else(unrelated)
}

/// The tree of `onto` with what changed between two commits.
fn moved(plan: &IntegratePlan<'_>, onto: &str, (from, to): (&str, &str)) -> Result<String, IntegrateError> {
    let tree = plan.repo.tree(onto)?;
    // A stand-in for `onto` whose only parent is where the change begins: the merge then sees this one change.
    let stand_in = Commit { tree: &tree, parents: &[from], message: b"", author: None }.write(plan.repo, Hooks::Off)?;
    merged(plan.repo, &stand_in, to, plan.hooks)
}

fn merged(repo: &Repo, ours: &str, theirs: &str, hooks: Hooks) -> Result<String, IntegrateError> {
    repo.merge_trees(ours, theirs, hooks)?.map_err(|files| IntegrateError::Conflict { files })
}

impl Commit<'_> {
    /// Writes it, signed when the person signs commits and commands may run.
    pub fn write(self, repo: &Repo, hooks: Hooks) -> Result<String, GitError> {
        let mut call = repo.write("commit-tree", hooks)?.arg(self.tree);
        for parent in self.parents {
            call = call.args(["-p", parent]);
        }
        if hooks == Hooks::Run && repo.settings()?.flag("commit.gpgsign") == Some(true) {
            call = call.arg("-S");
        }
        if let Some([name, address, date]) = &self.author {
            call = call.env("GIT_AUTHOR_NAME", name).env("GIT_AUTHOR_EMAIL", address).env("GIT_AUTHOR_DATE", date);
        }
        // Given as a file, an empty message is accepted too.
        call.args(["-F", "-"]).stdin(self.message).text()
    }
}

/// Author and message of a commit object.
fn parse(object: &[u8]) -> (Option<[String; 3]>, Vec<u8>) {
    let cut = memchr::memmem::find(object, b"\n\n").unwrap_or(object.len());
    let message = object.get(cut + 2..).unwrap_or_default().to_vec();
    let head = String::from_utf8_lossy(&object[..cut]);
    let author = head.lines().find_map(|line| line.strip_prefix("author ")).and_then(|author| {
        let (name, rest) = author.split_once('<')?;
        let (address, date) = rest.rsplit_once("> ")?;
        Some([name.trim_end().to_owned(), address.to_owned(), format!("@{date}")])
    });
    (author, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_object_gives_author_and_message() {
        let object =
            b"tree 1\nparent 2\nauthor A B <a@b> 1700000000 +0100\ncommitter C <c@d> 1 +0000\n\nSubject\n\nBody\n";
        let (author, message) = parse(object);
        assert_eq!(author.unwrap(), ["A B", "a@b", "@1700000000 +0100"]);
        assert_eq!(message, b"Subject\n\nBody\n");
    }
}
