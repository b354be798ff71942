//! `.worktreeinclude`: ignored files (`.env`, local settings) that a new worktree gets a copy of.
//!
//! The file has gitignore syntax and lies in the project's root. Invariant: only regular files that git ignores are
//! copied, never through a symlink, never over a file that is there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::command::{fields, path_of};
use super::disk::{Disk, Entry};
use super::error::GitError;
use super::process::Cancel;
use super::repo::Repo;

/// Largest file that is copied, bytes.
const LARGEST: u64 = 100 << 20;
/// Largest `.worktreeinclude`, bytes.
const RULES: u64 = 1 << 20;

/// What was copied, and what was too large.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Included {
    pub copied: Vec<PathBuf>,
    pub skipped: Vec<PathBuf>,
}

/// The rules of a project's `.worktreeinclude`; without the file they name nothing.
pub(crate) struct Rules(Option<Gitignore>);

impl Rules {
    pub fn name(&self, path: &Path) -> bool {
        self.0.as_ref().is_some_and(|rules| rules.matched_path_or_any_parents(path, false).is_ignore())
    }
}

/// All ignored files of `repo`'s checkout, relative to it.
pub(crate) fn ignored(repo: &Repo, cancel: &Cancel) -> Result<Vec<PathBuf>, GitError> {
    let flags = ["--others", "--ignored", "--exclude-standard", "-z"];
    Ok(fields(&repo.call("ls-files").args(flags).cancel(cancel).run()?.stdout).map(path_of).collect())
}

/// Copies what `.worktreeinclude` of `repo`'s checkout names into `worktree`.
pub fn copy(repo: &Repo, worktree: &Path, cancel: &Cancel) -> Result<Included, GitError> {
    let mut included = Included::default();
    let rules = rules(repo.root())?;
    if rules.0.is_none() {
        return Ok(included);
    }
    let from = Disk::open(repo.root()).map_err(GitError::io(repo.root()))?;
    let to = Disk::open(worktree).map_err(GitError::io(worktree))?;
    for path in ignored(repo, cancel)?.into_iter().filter(|path| rules.name(path)) {
        let (Entry::File { bytes, .. }, Entry::Missing) = (stat(&from, &path)?, stat(&to, &path)?) else { continue };
        if bytes > LARGEST {
            included.skipped.push(path);
            continue;
        }
        let content = from.read(&path, LARGEST).map_err(GitError::io(&path))?;
        let mode = fs::metadata(repo.root().join(&path)).map_or(0o600, |meta| meta.permissions().mode() & 0o777);
        let mode = u16::try_from(mode).unwrap_or(0o600);
        match to.write(&path, &content, mode) {
            Ok(()) => included.copied.push(path),
            Err(_) => included.skipped.push(path),
        }
    }
    Ok(included)
}

fn stat(disk: &Disk, path: &Path) -> Result<Entry, GitError> {
    disk.stat(path).map_err(GitError::io(path))
}

pub(crate) fn rules(root: &Path) -> Result<Rules, GitError> {
    let name = Path::new(".worktreeinclude");
    let disk = Disk::open(root).map_err(GitError::io(root))?;
    if !matches!(stat(&disk, name)?, Entry::File { .. }) {
        return Ok(Rules(None));
    }
    let text = disk.read(name, RULES).map_err(GitError::io(name))?;
    let mut builder = GitignoreBuilder::new(root);
    for line in String::from_utf8_lossy(&text).lines() {
        // A line that cannot be read matches nothing; the others stand.
        drop(builder.add_line(None, line));
    }
    Ok(Rules(builder.build().ok()))
}
