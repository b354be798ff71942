//! Puts one text in the place of another that editors may be replacing at the same moment.
//!
//! Invariant: a text that was not `seen` never goes away. The kernel exchanges the two files, what came out is looked at,
//! and goes back when it is somebody else's: between looking and writing there is no moment in which an edit is lost.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::super::atomic::{self, FileError};
use super::{MAX_BYTES, TaskFileError};

/// Exchanges that are tried against somebody who writes all the time.
const TRIES: usize = 64;

/// Replaces the text of `path` by `text`, if it still is `seen`.
///
/// [`TaskFileError::Changed`]: it is another one, and still there. When two others wrote at that very moment, the newer text is
/// there, and the older one in the file that the error names.
pub(super) fn replace(path: &Path, seen: &str, text: &str) -> Result<(), TaskFileError> {
    let mode = fs::symlink_metadata(path).map_err(FileError::io("inspect", path))?.permissions().mode() & 0o777;
    let before = read(path)?;
    if before.as_deref() != Some(seen.as_bytes()) {
        return Err(changed(path, before, None));
    }
    let staged = atomic::staged(path, text.as_bytes(), mode)?;
    // Once more, now that only the exchange is left to do: for a reader of this moment the newest text is not there.
    let before = read(path)?;
    if before.as_deref() != Some(seen.as_bytes()) {
        return Err(changed(path, before, None));
    }
    put(path, staged, seen, text)
}

/// The exchange itself: whatever is at the path by now.
fn put(path: &Path, staged: NamedTempFile, seen: &str, text: &str) -> Result<(), TaskFileError> {
    match swap(staged.path(), path) {
        Ok(()) => {}
        // The file system cannot exchange: what was looked at a moment ago has to do.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            staged.persist(path).map_err(|error| FileError::io("replace", path)(error.error))?;
            return Ok(sync(path)?);
        }
        Err(error) => return Err(FileError::io("replace", path)(error.into()).into()),
    }
    let out = read(staged.path())?;
    if out.as_deref() == Some(seen.as_bytes()) {
        return Ok(sync(path)?);
    }
    Err(give_back(path, staged, out, text)?)
}

/// What an exchange took out is somebody's text: back with it, and with whatever came in its place meanwhile.
fn give_back(
    path: &Path,
    staged: NamedTempFile,
    out: Option<Vec<u8>>,
    text: &str,
) -> Result<TaskFileError, TaskFileError> {
    let ours = Some(text.as_bytes().to_vec());
    // `there`: what we put at the path last. `newest`: what came out of it, and is in our hands.
    let (mut there, mut newest) = (ours.clone(), out);
    for _ in 0..TRIES {
        if let Err(error) = swap(staged.path(), path) {
            let kept = keep(path, staged)?;
            return match error {
                // Removed meanwhile: what we have is the last that a person wrote.
                Errno::NOENT => Ok(changed(path, newest, Some(kept))),
                error => Err(FileError::io("replace", path)(error.into()).into()),
            };
        }
        let came_out = read(staged.path())?;
        if came_out == there {
            let kept = if there == ours { None } else { Some(keep(path, staged)?) };
            return Ok(changed(path, newest, kept));
        }
        (there, newest) = (newest, came_out);
    }
    let kept = keep(path, staged)?;
    Ok(changed(path, there, Some(kept)))
}

fn sync(path: &Path) -> Result<(), FileError> {
    atomic::sync_folder(path.parent().unwrap_or(Path::new(".")))
}

fn swap(one: &Path, other: &Path) -> Result<(), Errno> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
}

/// Renames the staged file to the first free `<name>.kept-<n>`.
fn keep(path: &Path, staged: NamedTempFile) -> Result<PathBuf, TaskFileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (_, staged) = staged.keep().map_err(|error| FileError::io("keep", path)(error.error))?;
    for number in 1..u32::MAX {
        let kept = path.with_file_name(format!("{name}.kept-{number}"));
        match rename_new(&staged, &kept) {
            Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
            result => return Ok(result.map(|()| kept)?),
        }
    }
    Ok(staged)
}

/// Renames a file to a name that must be free.
pub(super) fn rename_new(from: &Path, to: &Path) -> Result<(), FileError> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to).and_then(|()| fs::remove_file(from)).map_err(FileError::io("rename", from))
        }
        result => result.map_err(|error| FileError::io("rename", from)(error.into())),
    }
}

/// The bytes of a regular file of a task file's size; none: it is something else by now.
fn read(path: &Path) -> Result<Option<Vec<u8>>, TaskFileError> {
    let metadata = path.symlink_metadata().map_err(FileError::io("inspect", path))?;
    if atomic::check_regular(path, &metadata).is_err() {
        return Ok(None);
    }
    match atomic::read_capped(path, MAX_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(FileError::TooLarge { .. } | FileError::NotRegular { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn changed(path: &Path, text: Option<Vec<u8>>, kept: Option<PathBuf>) -> TaskFileError {
    let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    TaskFileError::Changed { path: path.to_owned(), text, kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a file, and the text that is to take its place.
    fn staged(there: Option<&str>, text: &str) -> (tempfile::TempDir, PathBuf, NamedTempFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1:one.md");
        if let Some(there) = there {
            fs::write(&path, there).unwrap();
        }
        let staged = atomic::staged(&path, text.as_bytes(), 0o644).unwrap();
        (dir, path, staged)
    }

    fn names(dir: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn fault_v5_a_save_between_looking_and_writing_stands() {
        let (dir, path, staged) = staged(Some("theirs"), "ours");
        match put(&path, staged, "seen", "ours") {
            Err(TaskFileError::Changed { text, kept: None, .. }) => assert_eq!(text.as_deref(), Some("theirs")),
            other => panic!("{other:?}"),
        }
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(&dir)), ("theirs", vec!["1:one.md".to_owned()]));
        let staged = atomic::staged(&path, b"ours", 0o644).unwrap();
        put(&path, staged, "theirs", "ours").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(&dir).len()), ("ours", 1));
    }

    #[test]
    fn fault_v5_of_two_saves_at_that_moment_the_newer_stands_and_the_older_is_kept() {
        // The first one has come out of the exchange, and the second has taken the place of ours.
        let (dir, path, staged) = staged(Some("second"), "first");
        let error = give_back(&path, staged, Some(b"first".to_vec()), "ours").unwrap();
        let told = error.to_string();
        let TaskFileError::Changed { text, kept: Some(kept), .. } = error else { panic!("{told}") };
        assert_eq!((text.as_deref(), fs::read_to_string(&path).unwrap().as_str()), (Some("second"), "second"));
        assert_eq!(fs::read_to_string(&kept).unwrap(), "first");
        assert!(told.contains("1:one.md.kept-1"), "{told}");
        assert_eq!(names(&dir), ["1:one.md", "1:one.md.kept-1"]);
    }

    #[test]
    fn fault_v5_a_save_whose_file_was_removed_is_kept() {
        let (dir, path, staged) = staged(None, "theirs");
        fs::write(dir.path().join("1:one.md.kept-1"), "older").unwrap();
        let error = give_back(&path, staged, Some(b"theirs".to_vec()), "ours").unwrap();
        let TaskFileError::Changed { kept: Some(kept), .. } = error else { panic!("{error}") };
        assert_eq!(fs::read_to_string(kept).unwrap(), "theirs");
        assert_eq!(names(&dir), ["1:one.md.kept-1", "1:one.md.kept-2"], "none is written over");
    }
}
