//! The difference of one path: what the commit has there against what lies on disk now.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::blob::Blobs;
use super::rename::Signature;
use super::scan::{self, Candidate, Old, Rules, Tracked};
use super::text;
use crate::git::disk::{Disk, Entry};
use crate::git::error::GitError;
use crate::git::repo::Repo;
use crate::model::{Change, FileDiff, Folded};

/// Files over this size are folded, bytes.
const HUGE_BYTES: u64 = 1_000_000;
const HUGE_LINES: usize = 20_000;
/// Largest file whose content is compared only to know that it is the same, bytes.
const COMPARED: u64 = 64 << 20;

/// A path that differs.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub candidate: Candidate,
    pub diff: Arc<FileDiff>,
    /// Of a deleted or new file, to find its pair.
    pub signature: Option<Signature>,
}

/// Where both sides come from.
pub(super) struct Sides<'a> {
    pub repo: &'a Repo,
    pub rules: &'a Rules,
    pub disk: &'a Disk,
    pub blobs: Blobs<'a>,
}

/// One side: its content, or why it has none to show.
enum Side {
    Absent,
    Text(Vec<u8>),
    Fold(Folded),
}

impl Sides<'_> {
    /// The difference at `path`, or none when there is none.
    pub fn compare(&mut self, path: &Path, candidate: Candidate) -> Result<Option<Found>, GitError> {
        let entry = match candidate.tracked {
            Tracked::Ignored => Entry::Missing,
            _ => self.disk.stat(path).map_err(GitError::io(path))?,
        };
        let Some(change) = self.change(&candidate, &entry) else { return Ok(None) };
        let (old, new) = match self.both(path, candidate.old.as_ref(), &entry) {
            // Gone or changed in kind since the look at it: the next refresh says more.
            Err(GitError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                (Side::Absent, Side::Absent)
            }
            other => other?,
        };
        let same = matches!((&old, &new), (Side::Text(old), Side::Text(new)) if old == new);
        if change == Change::Modified && (same || self.same_huge(path, candidate.old.as_ref(), &entry)?) {
            return Ok(None);
        }
        let signature = match (change, &old, &new) {
            (Change::Deleted, Side::Text(bytes), _) | (Change::Added | Change::Untracked, _, Side::Text(bytes)) => {
                Signature::of(bytes)
            }
            _ => None,
        };
        let diff = Arc::new(build(path, change, old, new));
        Ok(Some(Found { candidate, diff, signature }))
    }

    /// A deleted and a new file as one that was renamed.
    pub fn rename(&mut self, old: &Found, new: &Found) -> Result<FileDiff, GitError> {
        let entry = self.disk.stat(&new.diff.path).map_err(GitError::io(&new.diff.path))?;
        let (before, after) = self.both(&new.diff.path, old.candidate.old.as_ref(), &entry)?;
        let diff = build(&new.diff.path, Change::Renamed, before, after);
        Ok(FileDiff { old_path: Some(old.diff.path.clone()), ..diff })
    }

    fn change(&self, candidate: &Candidate, entry: &Entry) -> Option<Change> {
        match (&candidate.old, entry) {
            (None, Entry::Missing) => None,
            (None, _) if candidate.tracked == Tracked::Others => Some(Change::Untracked),
            (None, _) => Some(Change::Added),
            (Some(old), Entry::Folder) if old.mode == Old::SUBMODULE => Some(Change::Modified),
            (Some(_), Entry::Missing | Entry::Folder) => Some(Change::Deleted),
            (Some(old), Entry::File { executable, .. }) if old.is_file() => {
                let same_mode = self.rules.ignore_mode || (old.mode == Old::EXECUTABLE) == *executable;
                Some(if same_mode { Change::Modified } else { Change::TypeChanged })
            }
            (Some(old), Entry::Symlink) if old.mode == Old::SYMLINK => Some(Change::Modified),
            (Some(_), _) => Some(Change::TypeChanged),
        }
    }

    fn both(&mut self, path: &Path, old: Option<&Old>, entry: &Entry) -> Result<(Side, Side), GitError> {
        let before = match old {
            None => Side::Absent,
            Some(old) if old.mode == Old::SUBMODULE => Side::Fold(Folded::Submodule),
            Some(old) => match self.blobs.size(&old.oid)? {
                // Not here, and a look never fetches.
                None => Side::Fold(Folded::Binary),
                Some(bytes) if bytes > HUGE_BYTES => Side::Fold(Folded::Huge { bytes }),
                Some(_) => Side::Text(self.blobs.read(&old.oid)?),
            },
        };
        let after = match entry {
            Entry::Missing => Side::Absent,
            Entry::Folder if old.is_some_and(|old| old.mode != Old::SUBMODULE) => Side::Absent,
            Entry::Folder => Side::Fold(Folded::Submodule),
            Entry::Special => Side::Fold(Folded::Special),
            Entry::Symlink => Side::Text(self.disk.link(path).map_err(GitError::io(path))?),
            Entry::File { bytes, .. } if *bytes > HUGE_BYTES => Side::Fold(Folded::Huge { bytes: *bytes }),
            Entry::File { .. } => {
                let bytes = self.disk.read(path, HUGE_BYTES + 1).map_err(GitError::io(path))?;
                Side::Text(self.normalized(path, &before, bytes)?)
            }
        };
        Ok((before, after))
    }

    /// As git would take it in: line breaks converted where the settings say so and the old side has none of CRLF.
    fn normalized(&self, path: &Path, old: &Side, bytes: Vec<u8>) -> Result<Vec<u8>, GitError> {
        let has_crlf = |bytes: &[u8]| memchr::memmem::find(bytes, b"\r\n").is_some();
        if !has_crlf(&bytes)
            || text::is_binary(&bytes)
            || matches!(old, Side::Text(old) if has_crlf(old))
            || !scan::converts(self.repo, self.rules, path)?
        {
            return Ok(bytes);
        }
        let mut converted = Vec::with_capacity(bytes.len());
        for line in text::lines(&bytes) {
            match line.strip_suffix(b"\r\n") {
                Some(line) => converted.extend([line, b"\n"].concat()),
                None => converted.extend(line),
            }
        }
        Ok(converted)
    }

    /// Large files of one size are read through, for a touched one has not changed.
    fn same_huge(&mut self, path: &Path, old: Option<&Old>, entry: &Entry) -> Result<bool, GitError> {
        let (Some(old), Entry::File { bytes, .. }) = (old, entry) else { return Ok(false) };
        if *bytes <= HUGE_BYTES || *bytes > COMPARED || self.blobs.size(&old.oid)? != Some(*bytes) {
            return Ok(false);
        }
        Ok(self.blobs.read(&old.oid)? == self.disk.read(path, COMPARED).map_err(GitError::io(path))?)
    }
}

fn build(path: &Path, change: Change, old: Side, new: Side) -> FileDiff {
    let mut diff = FileDiff {
        path: path.to_owned(),
        old_path: None,
        change,
        added: 0,
        removed: 0,
        folded: None,
        hunks: Vec::new(),
    };
    match (old, new) {
        // What lies there now says more than what lay there before.
        (_, Side::Fold(folded)) | (Side::Fold(folded), _) => diff.folded = Some(folded),
        (old, new) => {
            let bytes = |side| if let Side::Text(bytes) = side { bytes } else { Vec::new() };
            let (old, new) = (bytes(old), bytes(new));
            let lines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
            if text::is_binary(&old) || text::is_binary(&new) {
                diff.folded = Some(Folded::Binary);
            } else if lines(&old).max(lines(&new)) > HUGE_LINES {
                diff.folded = Some(Folded::Huge { bytes: new.len().max(old.len()) as u64 });
            } else {
                let changes = text::changes(&old, &new);
                (diff.added, diff.removed, diff.hunks) = (changes.added, changes.removed, changes.hunks);
            }
        }
    }
    diff
}
