//! How an agent hands in its work: a file in `<session folder>/submit/`, written whole, read and then removed.
//!
//! Invariant: a submission is removed only by [`remove`], once the caller has committed what it says; a crash in between
//! shows it again under the same name, so the name is what the caller tells a repeat by.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::atomic::{Access, FileError, create_private_dir, read_capped, write_new};
use crate::model::HandIn;

/// A submission in the box.
#[derive(Debug)]
pub struct Pending {
    /// Unique for ever: a repeat has the same name.
    pub name: String,
    pub path: PathBuf,
    /// Why it is none, where it is none; it is to be removed all the same.
    pub hand_in: Result<HandIn, SubmissionError>,
}

#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("it is no submission: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The largest submission, in bytes.
pub const MAX_BYTES: u64 = 5 << 20;
/// Submissions read at once; the rest waits for the next look.
const MAX_PENDING: usize = 64;

/// The folder to watch.
pub fn folder(session_dir: &Path) -> PathBuf {
    session_dir.join("submit")
}

/// Puts a submission into the box of a session.
pub fn put(session_dir: &Path, hand_in: &HandIn) -> Result<(), SubmissionError> {
    let bytes = serde_json::to_vec(hand_in)?;
    let dir = folder(session_dir);
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: dir, limit: MAX_BYTES }.into());
    }
    create_private_dir(&dir)?;
    loop {
        // Only the order within one session hangs on this clock.
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let path = dir.join(format!("{time:024}-{}.json", std::process::id()));
        if write_new(&path, &bytes, Access::Private)? {
            return Ok(());
        }
    }
}

/// All submissions of a session, the earliest first. Nothing is removed.
pub fn read(session_dir: &Path) -> Result<Vec<Pending>, FileError> {
    let dir = folder(session_dir);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::io("list", &dir)(error)),
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && Path::new(name).extension().is_some_and(|end| end == "json"))
        .collect();
    names.sort_unstable();
    names.truncate(MAX_PENDING);
    Ok(names
        .into_iter()
        .map(|name| {
            let path = dir.join(&name);
            let hand_in = read_one(&path);
            Pending { name, path, hand_in }
        })
        .collect())
}

/// Removes a submission once it has been dealt with; a missing one is no error.
pub fn remove(pending: &Pending) -> Result<(), FileError> {
    match fs::remove_file(&pending.path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::io("remove", &pending.path)(error))
        }
        _ => Ok(()),
    }
}

fn read_one(path: &Path) -> Result<HandIn, SubmissionError> {
    let metadata = path.symlink_metadata().map_err(FileError::io("inspect", path))?;
    super::atomic::check_regular(path, &metadata)?;
    Ok(serde_json::from_slice(&read_capped(path, MAX_BYTES)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Submission;

    fn text(text: &str) -> HandIn {
        Submission::Artifact { text: text.into() }.into()
    }

    #[test]
    fn submissions_come_in_order_and_stay_until_removed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap().is_empty());
        put(dir.path(), &text("one")).unwrap();
        put(dir.path(), &text("two")).unwrap();
        let names = |pending: &[Pending]| pending.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        let first = read(dir.path()).unwrap();
        assert_eq!(names(&first), names(&read(dir.path()).unwrap()));
        assert_eq!(first[0].hand_in.as_ref().unwrap(), &text("one"));
        remove(&first[0]).unwrap();
        remove(&first[0]).unwrap();
        assert_eq!(read(dir.path()).unwrap()[0].hand_in.as_ref().unwrap(), &text("two"));
    }

    #[test]
    fn what_is_no_submission_is_told_and_blocks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = folder(dir.path());
        put(dir.path(), &text("good")).unwrap();
        fs::write(path.join("0.json"), "{").unwrap();
        fs::write(path.join("1.json"), r#"{"artifact": 3}"#).unwrap();
        fs::create_dir(path.join("2.json")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path.join("3.json")).unwrap();
        fs::write(path.join(".half.json"), "{").unwrap();
        let pending = read(dir.path()).unwrap();
        assert_eq!(pending.iter().filter(|p| p.hand_in.is_err()).count(), 3);
        assert_eq!(pending.len(), 4);
        for one in &pending {
            remove(one).unwrap();
        }
        assert!(read(dir.path()).unwrap().is_empty());
        let huge = text(&"x".repeat(MAX_BYTES as usize));
        assert!(matches!(put(dir.path(), &huge), Err(SubmissionError::File(FileError::TooLarge { .. }))));
    }
}
