//! The trash: everything of a worktree under one ref, before anything of it is removed.
//!
//! `refs/orchestra/trash/<slug>/<time>` points to a commit whose message is a [`Record`] and whose parents are what was
//! kept: `HEAD`, the index, the files on disk, the ignored files (when there are any), the branch (when it is not
//! `HEAD`). Changed files are kept byte for byte, without filters or line-break conversion. Invariants: the
//! worktree's own index is only read; nothing runs by the repository's word; the ref appears last.

mod inventory;
mod stream;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use inventory::Inventory;

use super::command::{Hooks, fields, path_of};
use super::diff::Blobs;
use super::disk::Disk;
use super::error::GitError;
use super::process::Cancel;
use super::repo::{Head, Repo};
use super::worktree::{self, Attempt, Created, WorktreePlan};

const ROOT: &str = "refs/orchestra/trash/";
const LONG: Duration = Duration::from_mins(10);
/// Modes of restored files; the umask narrows them. Git keeps no more of a mode than the executable bit, and ignored
/// files may be secrets.
const TRACKED: [u16; 2] = [0o666, 0o777];
const IGNORED: [u16; 2] = [0o600, 0o700];

/// What the trash keeps of one worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashEntry {
    /// Full name of the ref.
    pub reference: String,
    /// Hex.
    pub commit: String,
    pub record: Record,
}

/// The facts of a trash entry, as its commit carries them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub slug: String,
    pub branch: String,
    /// Commit of the branch, hex; none when the branch was gone.
    pub tip: Option<String>,
    /// Commit that was checked out, hex.
    pub head: String,
    /// True when the branch was not what was checked out.
    pub detached: bool,
    pub has_ignored: bool,
    /// Seconds since 1970.
    pub time: i64,
    /// What could not be kept, by name.
    pub unsaved: Vec<String>,
}

/// Keeps all of `worktree`; of one that is missing, the branch. `time` is in seconds since 1970, and names the entry
/// together with `slug`.
pub fn save(
    repo: &Repo,
    (worktree, branch): (&Path, &str),
    (slug, time): (&str, i64),
    cancel: &Cancel,
) -> Result<TrashEntry, GitError> {
    let missing = worktree.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let task = if missing { repo.clone() } else { repo.at(worktree)? };
    let state = if missing { State::of_branch(repo, branch)? } else { State::take(&task, branch, cancel)? };
    let record = Record {
        slug: slug.to_owned(),
        branch: branch.to_owned(),
        tip: repo.branch(branch)?,
        detached: state.detached,
        head: state.head,
        has_ignored: !state.inventory.ignored.is_empty(),
        time,
        unsaved: state.inventory.unsaved.clone(),
    };
    let reference = free_reference(repo, slug, time)?;
    let disk = Disk::open(task.root()).map_err(GitError::io(task.root()))?;
    let (index, inventory) = (state.index, state.inventory);
    let stream = stream::Stream { reference: reference.clone(), record, index, inventory, disk };
    task.call("fast-import")
        .args(["--quiet", "--done"])
        .feed(move |pipe| stream.write(pipe))
        .timeout(LONG)
        .cancel(cancel)
        .run()?;
    find(repo, &reference)
}

/// All entries, newest first.
pub fn list(repo: &Repo) -> Result<Vec<TrashEntry>, GitError> {
    let mut entries = read(repo, ROOT)?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.record.time));
    Ok(entries)
}

/// The entry under a full ref name.
pub fn find(repo: &Repo, reference: &str) -> Result<TrashEntry, GitError> {
    let missing = || GitError::NoSuchRef { name: reference.to_owned() };
    read(repo, reference)?.into_iter().find(|entry| entry.reference == reference).ok_or_else(missing)
}

/// Gives back branch and worktree with staged, unstaged, untracked and kept ignored files as they were. May be repeated
/// as long as nobody has worked in it. The entry stays.
pub fn restore(
    repo: &Repo,
    entry: &TrashEntry,
    path: &Path,
    hooks: Hooks,
    cancel: &Cancel,
) -> Result<Created, GitError> {
    let record = &entry.record;
    let tip = record.tip.clone().unwrap_or_else(|| record.head.clone());
    let plan = WorktreePlan {
        path: path.to_owned(),
        branch: record.branch.clone(),
        base_commit: tip,
        attempt: Attempt::Again,
        hooks,
    };
    let created = worktree::create(repo, &plan, cancel)?;
    let task = repo.at(path)?;
    if record.detached {
        task.write("checkout", hooks)?.args(["--quiet", "--detach", &record.head]).run()?;
    }
    let [index, files, ignored] = [2, 3, 4].map(|n| format!("{}^{n}", entry.commit));
    task.write("read-tree", hooks)?.args(["--reset", "-u", &index]).timeout(LONG).run()?;
    let disk = Disk::open(path).map_err(GitError::io(path))?;
    let mut blobs = Blobs::new(&task);
    let flags = ["-r", "-z", "--raw", "--no-abbrev", "--no-renames"];
    let output = task.call("diff-tree").args(flags).args([&index, &files]).run()?;
    let mut parts = fields(&output.stdout);
    while let (Some(head), Some(path)) = (parts.next(), parts.next()) {
        let head = String::from_utf8_lossy(head);
        let words: Vec<_> = head.split(' ').collect();
        let (mode, oid) = (words.get(1).copied().unwrap_or_default(), words.get(3).copied().unwrap_or_default());
        put(&disk, &mut blobs, &path_of(path), (mode, oid), TRACKED)?;
    }
    if record.has_ignored {
        let output = task.call("ls-tree").args(["-r", "-z", &ignored]).run()?;
        for line in fields(&output.stdout) {
            let cut = line.iter().position(|&b| b == b'\t').unwrap_or(line.len());
            let head = String::from_utf8_lossy(&line[..cut]);
            let mut words = head.split(' ');
            let (mode, oid) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
            put(&disk, &mut blobs, &path_of(line.get(cut + 1..).unwrap_or_default()), (mode, oid), IGNORED)?;
        }
    }
    task.call("update-index")
        .args(["-q", "--refresh"])
        .configs(&task.settings()?.disarmed_for_reading())
        .run_with(&[0, 1])?;
    Ok(created)
}

/// Gives an entry up: what only it kept is git's to collect.
pub fn discard(repo: &Repo, entry: &TrashEntry) -> Result<(), GitError> {
    repo.call("update-ref").args(["-d", &entry.reference, &entry.commit]).run().map(drop)
}

/// What there is to keep.
struct State {
    head: String,
    detached: bool,
    /// Tree of the index, hex.
    index: String,
    inventory: Inventory,
}

impl State {
    fn take(task: &Repo, branch: &str, cancel: &Cancel) -> Result<Self, GitError> {
        let mut inventory = Inventory::take(task, cancel)?;
        let head = task.commit("HEAD")?;
        let (index, merging) = index_tree(task, &head)?;
        inventory.unsaved.extend(merging);
        if let Some(operation) = task.in_progress() {
            inventory.unsaved.push(format!("the {} in progress", operation.word()));
        }
        let detached = task.head()? != Head::Branch(branch.to_owned());
        Ok(Self { head, detached, index, inventory })
    }

    fn of_branch(repo: &Repo, branch: &str) -> Result<Self, GitError> {
        let head = repo.branch(branch)?.ok_or_else(|| GitError::NoSuchRef { name: branch.to_owned() })?;
        let index = repo.tree(&head)?;
        Ok(Self { head, detached: false, index, inventory: Inventory::default() })
    }
}

/// The ref of a new entry: a second one in the same second gets a number.
fn free_reference(repo: &Repo, slug: &str, time: i64) -> Result<String, GitError> {
    let first = format!("{ROOT}{slug}/{time}");
    let mut name = first.clone();
    let mut number = 1;
    while repo.find(&name)?.is_some() {
        number += 1;
        name = format!("{first}-{number}");
    }
    Ok(name)
}

fn put(
    disk: &Disk,
    blobs: &mut Blobs<'_>,
    path: &Path,
    (mode, oid): (&str, &str),
    modes: [u16; 2],
) -> Result<(), GitError> {
    match mode {
        "000000" => disk.remove(path),
        "120000" => disk.write_link(path, &blobs.read(oid)?),
        "100755" => disk.write(path, &blobs.read(oid)?, modes[1]),
        "100644" => disk.write(path, &blobs.read(oid)?, modes[0]),
        _ => Ok(()),
    }
    .map_err(GitError::io(path))
}

/// The tree of the index, from a copy of it. An index in the middle of a merge has none: then `HEAD`'s stands in.
fn index_tree(task: &Repo, head: &str) -> Result<(String, Option<String>), GitError> {
    let folder = tempfile::tempdir().map_err(GitError::io(&std::env::temp_dir()))?;
    let (own, copy) = (task.git_dir().join("index"), folder.path().join("index"));
    if own.exists() {
        fs::copy(&own, &copy).map_err(GitError::io(&own))?;
    }
    // To write the tree, git writes the copy too, and looks into files that are as young as the index.
    match task.call("write-tree").configs(&task.settings()?.disarmed_for_reading()).env("GIT_INDEX_FILE", &copy).text()
    {
        Ok(tree) => Ok((tree, None)),
        Err(GitError::Failed { .. }) => {
            Ok((task.tree(head)?, Some("which files were staged or in conflict".to_owned())))
        }
        Err(error) => Err(error),
    }
}

fn read(repo: &Repo, prefix: &str) -> Result<Vec<TrashEntry>, GitError> {
    let format = "--format=%(refname)%00%(objectname)%00%(contents:body)%00";
    let output = repo.call("for-each-ref").args([format, prefix]).run()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let parts: Vec<_> = text.split('\0').map(str::trim).collect();
    // A ref under our name that we did not write has no record, and is none of ours.
    let entries = parts.chunks_exact(3).filter_map(|part| {
        let record: Record = serde_json::from_str(part[2]).ok()?;
        Some(TrashEntry { reference: part[0].to_owned(), commit: part[1].to_owned(), record })
    });
    Ok(entries.collect::<Vec<_>>())
}
