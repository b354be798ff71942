//! What lies in a worktree beside its commits, and what of it cannot be kept.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use crate::git::command::{fields, path_of};
use crate::git::disk::{Disk, Entry};
use crate::git::error::GitError;
use crate::git::include;
use crate::git::process::Cancel;
use crate::git::repo::Repo;

/// Ignored files: each and all together, bytes. What `.worktreeinclude` names is kept whatever its size.
const IGNORED_EACH: u64 = 1 << 20;
const IGNORED_ALL: u64 = 50 << 20;
/// A single file over this size is not kept, bytes.
const LARGEST: u64 = 1 << 30;
/// Names of ignored files that are told one by one.
const NAMED: usize = 50;

/// The state of a worktree beside its commits; paths relative to it.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// Tracked files whose content or existence differs from the index.
    pub changed: Vec<PathBuf>,
    pub untracked: Vec<PathBuf>,
    /// Ignored files that are kept.
    pub ignored: Vec<PathBuf>,
    /// What is not kept, by name.
    pub unsaved: Vec<String>,
}

impl Inventory {
    pub fn take(task: &Repo, cancel: &Cancel) -> Result<Self, GitError> {
        let disk = Disk::open(task.root()).map_err(GitError::io(task.root()))?;
        let mut all = Self::default();
        let flags = ["--raw", "-z", "--no-renames", "--ignore-submodules=all"];
        let call = task.call("diff-files").configs(&task.settings()?.disarmed_for_reading());
        let output = call.args(flags).cancel(cancel).run()?;
        let mut parts = fields(&output.stdout);
        while let (Some(head), Some(path)) = (parts.next(), parts.next()) {
            let path = path_of(path);
            if !head.starts_with(b":160000")
                && all.changed.last() != Some(&path)
                && all.keeps(&disk, &path, LARGEST)?.is_some()
            {
                all.changed.push(path);
            }
        }
        let flags = ["--others", "--exclude-standard", "-z"];
        let output = task.call("ls-files").args(flags).cancel(cancel).run()?;
        for path in fields(&output.stdout).map(path_of) {
            if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
                all.unsaved.push(format!("{}: a repository of its own", path.display()));
            } else if all.keeps(&disk, &path, LARGEST)?.is_some() {
                all.untracked.push(path);
            }
        }
        all.take_ignored(task, &disk, cancel)?;
        if task.root().join(".gitmodules").exists() {
            all.take_submodules(task, cancel)?;
        }
        Ok(all)
    }

    /// Names the submodules with anything that their recorded commit does not hold. Each is looked at by a call of our
    /// own: git's look into it from outside would run what its configuration says.
    fn take_submodules(&mut self, task: &Repo, cancel: &Cancel) -> Result<(), GitError> {
        let output = task.call("ls-files").args(["--stage", "-z"]).cancel(cancel).run()?;
        for line in fields(&output.stdout).filter(|line| line.starts_with(b"160000 ")) {
            let cut = line.iter().position(|&b| b == b'\t').unwrap_or(line.len());
            let path = path_of(line.get(cut + 1..).unwrap_or_default());
            let recorded = String::from_utf8_lossy(&line[..cut]).split(' ').nth(1).unwrap_or_default().to_owned();
            if !task.root().join(&path).join(".git").exists() {
                continue;
            }
            let inside = Repo::discover(task.git(), &task.root().join(&path))?;
            let untracked =
                inside.call("ls-files").args(["--others", "--exclude-standard", "-z"]).cancel(cancel).run()?;
            if inside.find("HEAD")?.as_deref() != Some(&recorded)
                || !untracked.stdout.is_empty()
                || !inside.dirty(cancel)?.is_empty()
            {
                self.unsaved.push(format!("{}: changes inside the submodule", path.display()));
            }
        }
        Ok(())
    }

    fn take_ignored(&mut self, task: &Repo, disk: &Disk, cancel: &Cancel) -> Result<(), GitError> {
        let rules = include::rules(task.main_root().unwrap_or_else(|| task.root()))?;
        let mut paths: Vec<_> =
            include::ignored(task, cancel)?.into_iter().map(|path| (rules.name(&path), path)).collect();
        // A file near the root (settings, secrets) is dearer than the thousandth one of a cache.
        paths.sort_by_cached_key(|(named, path)| (Reverse(*named), path.components().count(), path.clone()));
        let (mut total, mut left_out) = (0, 0);
        for (named, path) in paths {
            if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
                self.unsaved.push(format!("{}: a repository of its own", path.display()));
                continue;
            }
            let limit = if named { LARGEST } else { IGNORED_EACH.min(IGNORED_ALL - total) };
            let before = self.unsaved.len();
            match self.keeps(disk, &path, limit)? {
                Some(bytes) => {
                    total += if named { 0 } else { bytes };
                    self.ignored.push(path);
                }
                None if left_out >= NAMED => {
                    self.unsaved.truncate(before);
                    left_out += 1;
                }
                None => left_out += 1,
            }
        }
        if left_out > NAMED {
            self.unsaved.push(format!("{} more ignored files", left_out - NAMED));
        }
        Ok(())
    }

    /// The size of what is kept (0 for a symlink, and for what is gone), or none when it is not kept.
    fn keeps(&mut self, disk: &Disk, path: &Path, limit: u64) -> Result<Option<u64>, GitError> {
        let why = match disk.stat(path).map_err(GitError::io(path))? {
            Entry::File { bytes, .. } if bytes <= limit => return Ok(Some(bytes)),
            Entry::Missing | Entry::Symlink | Entry::Folder => return Ok(Some(0)),
            Entry::File { bytes, .. } => format!("{bytes} bytes"),
            Entry::Special => "no regular file".to_owned(),
        };
        self.unsaved.push(format!("{}: {why}", path.display()));
        Ok(None)
    }
}
