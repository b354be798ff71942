//! The commits between two moments of a branch.

use super::error::GitError;
use super::repo::Repo;

/// Letters of a commit's name.
const SHORT: usize = 7;

impl Repo {
    /// What `tip` has and none of `before` has, hex or full names of references, the newest first and at most `most`: `abc1234
    /// the subject`.
    ///
    /// Read in this process, for whoever cannot wait: a format that libgit2 does not know (SHA-256) is an error.
    pub fn subjects(&self, tip: &str, before: &[&str], most: usize) -> Result<Vec<String>, GitError> {
        self.walk(tip, before, most)
            .map_err(|error| GitError::Unreadable { verb: "log".to_owned(), text: error.message().to_owned() })
    }

    fn walk(&self, tip: &str, before: &[&str], most: usize) -> Result<Vec<String>, git2::Error> {
        let repo = git2::Repository::open(self.common_dir())?;
        let mut walk = repo.revwalk()?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
        walk.push(git2::Oid::from_str(tip)?)?;
        for name in before {
            match repo.revparse_single(name).and_then(|object| object.peel_to_commit()) {
                Ok(commit) => walk.hide(commit.id())?,
                // It was rewritten and swept away: then nothing of the tip was there.
                Err(error) if error.code() == git2::ErrorCode::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let line = |oid: Result<git2::Oid, git2::Error>| {
            let commit = repo.find_commit(oid?)?;
            let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
            Ok(format!("{} {subject}", &commit.id().to_string()[..SHORT]))
        };
        walk.take(most).map(line).collect()
    }
}
