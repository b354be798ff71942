//! The folder of task files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::super::atomic::{self, Access, FileError};
use super::super::paths::Folder;
use super::{Change, MAX_BYTES, TaskFile, TaskFileError, header, header_error, parse, parse_name};
use crate::model::{Slug, TaskId};

/// A project's task files.
#[derive(Debug, Clone)]
pub struct TaskFolder {
    folder: Folder,
}

/// What is in the folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// By path.
    pub files: Vec<(PathBuf, TaskFile)>,
    /// Files that look like task files and are none.
    pub bad: Vec<BadFile>,
}

#[derive(Debug)]
pub struct BadFile {
    pub path: PathBuf,
    pub error: TaskFileError,
}

impl TaskFolder {
    pub const fn new(folder: Folder) -> Self {
        Self { folder }
    }

    /// Reads all task files; names that begin with no number are not looked at. Two files with one number, or with one slug,
    /// are both bad: nothing tells which one is meant.
    pub fn list(&self) -> Result<Listing, FileError> {
        let dir = self.folder.tasks();
        let mut paths = match fs::read_dir(&dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => {
                entries.into_iter().map(|entry| entry.path()).filter(|path| is_meant(path)).collect::<Vec<_>>()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
            Err(error) => return Err(FileError::io("list", &dir)(error)),
        };
        atomic::check_beneath(self.folder.root(), &dir)?;
        paths.sort_unstable();
        let names: Vec<_> = paths.iter().filter_map(|path| Some((path.clone(), parse_name(path).ok()?))).collect();
        let mut listing = Listing::default();
        for path in paths {
            match twin(&path, &names).map_or_else(|| read_file(&path), Err) {
                Ok(file) => listing.files.push((path, file)),
                Err(error) => listing.bad.push(BadFile { path, error }),
            }
        }
        Ok(listing)
    }

    pub fn read(&self, path: &Path) -> Result<TaskFile, TaskFileError> {
        atomic::check_beneath(self.folder.root(), &self.folder.tasks())?;
        read_file(path)
    }

    /// Writes the file of a new task and returns its path: `<id>:<slug>.md`, with `-` on a file system that takes no colon.
    pub fn create(
        &self,
        id: TaskId,
        slug: &Slug,
        changes: &[Change],
        body: &str,
    ) -> Result<(PathBuf, TaskFile), TaskFileError> {
        let path = self.folder.task_file(id, slug);
        let text = header::edit(&format!("---\n---\n\n{}\n", body.trim_end()), changes);
        self.create_text(&path, &text.map_err(|flaw| header_error(&path, flaw))?)
    }

    /// Writes a file that is gone again, from its last good text.
    pub fn create_text(&self, path: &Path, text: &str) -> Result<(PathBuf, TaskFile), TaskFileError> {
        self.folder.create_dir(&self.folder.tasks())?;
        let file = parse(path, text.as_bytes().to_vec())?;
        let dash = path.with_file_name(format!("{}-{}.md", file.id, file.slug));
        let (path, is_new) = match atomic::write_new(path, text.as_bytes(), Access::Shared) {
            Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::InvalidInput => {
                let is_new = atomic::write_new(&dash, text.as_bytes(), Access::Shared)?;
                (dash, is_new)
            }
            result => (path.to_owned(), result?),
        };
        if is_new { Ok((path, file)) } else { Err(TaskFileError::Exists(path)) }
    }

    /// Changes keys of the header, if the file still holds `seen`.
    pub fn update(&self, path: &Path, seen: &str, changes: &[Change]) -> Result<TaskFile, TaskFileError> {
        let text = header::edit(seen, changes).map_err(|flaw| header_error(path, flaw))?;
        self.replace(path, seen, &text)
    }

    /// Writes the whole text, if the file still holds `seen`; a text that is no task file is refused.
    pub fn replace(&self, path: &Path, seen: &str, text: &str) -> Result<TaskFile, TaskFileError> {
        let file = parse(path, text.as_bytes().to_vec())?;
        let _lock = self.lock()?;
        check_unchanged(path, seen)?;
        if text != seen {
            atomic::write_as(path, text.as_bytes(), Access::Shared)?;
        }
        Ok(file)
    }

    /// Removes the file, if it still holds `seen`; a missing one is no error.
    pub fn remove(&self, path: &Path, seen: &str) -> Result<(), TaskFileError> {
        let _lock = match self.lock() {
            Err(error) if error.is_missing() => return Ok(()),
            result => result?,
        };
        match check_unchanged(path, seen) {
            Err(TaskFileError::File(error)) if error.is_missing() => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Ok(fs::remove_file(path).map_err(FileError::io("remove", path))?),
        }
    }

    /// One writer of ours at a time between looking and writing. Editors know nothing of it: for them that moment is as short as it
    /// can be.
    fn lock(&self) -> Result<File, FileError> {
        let dir = self.folder.tasks();
        atomic::check_beneath(self.folder.root(), &dir)?;
        let file = File::open(&dir).map_err(FileError::io("open", &dir))?;
        // A file system without locks has no second engine either: the engine's own lock needs them.
        let _ = rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive));
        Ok(file)
    }
}

/// A name that begins as a task's does.
fn is_meant(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_digit()) && path.extension().is_some_and(|end| end == "md")
}

fn read_file(path: &Path) -> Result<TaskFile, TaskFileError> {
    parse_name(path)?;
    let metadata = path.symlink_metadata().map_err(FileError::io("inspect", path))?;
    atomic::check_regular(path, &metadata)?;
    parse(path, atomic::read_capped(path, MAX_BYTES)?)
}

fn check_unchanged(path: &Path, seen: &str) -> Result<(), TaskFileError> {
    let metadata = path.symlink_metadata().map_err(FileError::io("inspect", path))?;
    atomic::check_regular(path, &metadata)?;
    let now = atomic::read_capped(path, MAX_BYTES)?;
    if now == seen.as_bytes() {
        return Ok(());
    }
    Err(TaskFileError::Changed { path: path.to_owned(), text: String::from_utf8_lossy(&now).into_owned() })
}

/// The error of a file that has its number or its slug in common with another.
fn twin(path: &Path, names: &[(PathBuf, (TaskId, Slug))]) -> Option<TaskFileError> {
    let (_, (id, slug)) = names.iter().find(|(own, _)| own == path)?;
    names.iter().filter(|(other, _)| other != path).find_map(|(other, (other_id, other_slug))| {
        let (path, other) = (path.to_owned(), other.clone());
        if id == other_id {
            Some(TaskFileError::Duplicate { path, id: *id, other })
        } else {
            (slug == other_slug).then_some(TaskFileError::DuplicateSlug { path, other })
        }
    })
}
