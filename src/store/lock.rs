//! The one-engine lock: held by the kernel for a process, so it ends with that process and is never stolen by age.
//!
//! Invariant: the text in the file is for messages only; who holds the lock is what the kernel says.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::atomic::{FileError, create_private_dir};

/// How long a child of an engine that has died may hold its lock.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Who holds the lock, as it wrote of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    /// The terminal it runs in; none for an engine without a face.
    pub tty: Option<String>,
    pub started: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another engine runs{}", describe(holder.as_ref()))]
    Held {
        /// None while it is just starting.
        holder: Option<Holder>,
    },
    #[error("{} is on a file system without locks", path.display())]
    Unsupported { path: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
}

/// A lock that is held as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Holder {
    fn is_gone(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        pid.is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH))
    }
}

impl Lock {
    /// Takes the lock at `path` or says who has it; never waits for an engine that lives. `started`: when this process began, for messages.
    pub fn acquire(path: &Path, started: Timestamp) -> Result<Self, LockError> {
        if let Some(folder) = path.parent() {
            create_private_dir(folder)?;
        }
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
                .open(path)
                .map_err(FileError::io("open", path))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    let holder = read_holder(&mut file);
                    // A child of a dead engine that is between its fork and its exec is no other engine.
                    if !holder.as_ref().is_some_and(Holder::is_gone) || !is_let_go(&file) {
                        return Err(LockError::Held { holder });
                    }
                }
                Err(Errno::INTR) => continue,
                Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK) => {
                    return Err(LockError::Unsupported { path: path.to_owned() });
                }
                Err(errno) => return Err(FileError::io("lock", path)(errno.into()).into()),
            }
            // Someone may have removed the file between opening and locking: then this lock guards nothing.
            if is_at(&file, path) {
                write_holder(&mut file, started).map_err(FileError::io("write", path))?;
                return Ok(Self { file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that is between its fork and its exec holds the file too: closing ours would not be enough.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Waits for the lock, for at most [`LAST_MOMENT`].
fn is_let_go(file: &File) -> bool {
    let Ok(same) = file.try_clone() else { return false };
    let (sender, taken) = sync_channel(1);
    // Nothing bounds the wait itself. What comes too late goes again with the thread's end.
    std::thread::spawn(move || {
        let locked = flock(&same, FlockOperation::LockExclusive).is_ok();
        let _ = sender.send(locked);
    });
    taken.recv_timeout(LAST_MOMENT) == Ok(true)
}

fn describe(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |Holder { pid, tty, started }| {
        let place = tty.as_ref().map_or_else(|| " without a terminal".to_owned(), |tty| format!(" on {tty}"));
        format!(" as process {pid}{place}, since {started:.0}")
    })
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// In place: a rename would put a file there that is not locked.
fn write_holder(file: &mut File, started: Timestamp) -> std::io::Result<()> {
    let tty = rustix::termios::ttyname(rustix::stdio::stdin(), Vec::new())
        .ok()
        .map(|name| name.to_string_lossy().into_owned());
    let holder = Holder { pid: std::process::id(), tty, started };
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&serde_json::to_vec(&holder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    #[test]
    fn the_second_one_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/engine.lock");
        let lock = Lock::acquire(&path, start()).unwrap();
        let Err(LockError::Held { holder: Some(holder) }) = Lock::acquire(&path, start()) else { panic!("not held") };
        assert_eq!((holder.pid, holder.started), (std::process::id(), start()));
        drop(lock);
        Lock::acquire(&path, start()).unwrap();
    }

    #[test]
    fn fault_p16_stale_files_do_not_matter() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.lock");
        std::fs::write(&path, r#"{"pid": 1, "tty": null, "started": "2020-01-01T00:00:00Z"}"#).unwrap();
        let lock = Lock::acquire(&path, start()).unwrap();
        std::fs::remove_file(&path).unwrap();
        // The first one guards nothing any more, a new one guards the new file.
        let second = Lock::acquire(&path, start()).unwrap();
        assert!(Lock::acquire(&path, start()).is_err());
        drop((lock, second));
        Lock::acquire(&path, start()).unwrap();
    }

    #[test]
    fn fault_p15_one_of_many_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.lock");
        let locks: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..16).map(|_| scope.spawn(|| Lock::acquire(&path, start()))).collect();
            tries.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(locks.iter().filter(|lock| lock.is_ok()).count(), 1);
    }
}
