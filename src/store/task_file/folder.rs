//! The folder of task files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::super::atomic::{self, Access, FileError};
use super::super::paths::Folder;
use super::{
    Change, MAX_BYTES, Name, TaskFile, TaskFileError, exchange, header, header_error, parse, parse_as, parse_name,
};
use crate::model::{Slug, TaskId};

/// A project's task files.
#[derive(Debug, Clone)]
pub struct TaskFolder {
    folder: Folder,
}

impl TaskFolder {
    pub const fn new(folder: Folder) -> Self {
        Self { folder }
    }

    /// Everything in the folder that may be meant as a task file, by path; empty where there is no folder.
    pub fn names(&self) -> Result<Vec<PathBuf>, FileError> {
        let dir = self.folder.tasks();
        let entries = match fs::read_dir(&dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FileError::io("list", &dir)(error)),
        };
        atomic::check_beneath(self.folder.root(), &dir)?;
        let mut paths: Vec<_> =
            entries.into_iter().map(|entry| entry.path()).filter(|path| Name::of(path).is_some()).collect();
        paths.sort_unstable();
        Ok(paths)
    }

    pub fn read(&self, path: &Path) -> Result<TaskFile, TaskFileError> {
        let name = parse_name(path)?;
        self.read_as(path, name)
    }

    /// The same for a file that is to become the one of `name`.
    pub fn read_as(&self, path: &Path, name: (TaskId, Slug)) -> Result<TaskFile, TaskFileError> {
        atomic::check_beneath(self.folder.root(), &self.folder.tasks())?;
        let metadata = path.symlink_metadata().map_err(FileError::io("inspect", path))?;
        atomic::check_regular(path, &metadata)?;
        parse_as(path, name, atomic::read_capped(path, MAX_BYTES)?)
    }

    /// Both ways to write the name of a task's file, the usual one first.
    pub fn spellings(&self, id: TaskId, slug: &Slug) -> [PathBuf; 2] {
        [self.folder.task_file(id, slug), self.folder.tasks().join(format!("{id}-{slug}.md"))]
    }

    /// Gives a file the name of a task's, which must be free.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        let _lock = self.lock()?;
        exchange::rename_new(from, to)?;
        atomic::sync_folder(&self.folder.tasks())
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
        if text == seen {
            check_unchanged(path, seen)?;
        } else {
            exchange::replace(path, seen, text)?;
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

fn check_unchanged(path: &Path, seen: &str) -> Result<(), TaskFileError> {
    let metadata = path.symlink_metadata().map_err(FileError::io("inspect", path))?;
    atomic::check_regular(path, &metadata)?;
    let now = atomic::read_capped(path, MAX_BYTES)?;
    if now == seen.as_bytes() {
        return Ok(());
    }
    let text = Some(String::from_utf8_lossy(&now).into_owned());
    Err(TaskFileError::Changed { path: path.to_owned(), text, kept: None })
}
