//! A session's folder: what lies in it, and how its socket is reached.
//!
//! Invariants: the folder is 0700 and made exclusively, files are 0600; state files are whole or absent (written beside,
//! synced, renamed).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::model::ExitStatus;

/// The longest path that every system takes for a socket, in bytes.
const SOCKET_PATH_MAX: usize = 100;
/// A state file longer than this is none of ours, in bytes.
const STATE_MAX: u64 = 1 << 20;

/// The folder of one run, `run/<run-id>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    dir: PathBuf,
}

/// Who runs a session; the file `pid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pids {
    pub shim: Process,
    pub child: Process,
}

/// How the program ended; the file `exit.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    pub status: ExitStatus,
}

impl Place {
    /// The folder, which must be named absolutely: a shim has another current directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn history(&self) -> PathBuf {
        self.dir.join("history")
    }

    /// Makes the folder, which must not exist: that is what keeps a run from being launched twice.
    pub fn create(&self) -> io::Result<()> {
        if let Some(parent) = self.dir.parent() {
            DirBuilder::new().mode(0o700).recursive(true).create(parent)?;
        }
        DirBuilder::new().mode(0o700).create(&self.dir)
    }

    /// What a shim holds from its birth until its program runs or cannot: who dies before that lets go of it.
    pub fn begin_launch(&self) -> io::Result<File> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.launching())?;
        file.lock()?;
        Ok(file)
    }

    /// Waits until no launch is under way, for at most `patience`; whether there was one that came to its end.
    ///
    /// False: whoever made the folder died before a program was started, and none will be.
    pub fn was_launched(&self, patience: Duration) -> io::Result<bool> {
        if self.pids().is_none()
            && let Some(launching) = present(File::open(self.launching()))?
        {
            // A thread, since no system bounds this wait; a shim that hangs for ever keeps it.
            let (sender, over) = sync_channel(1);
            std::thread::spawn(move || sender.send(launching.lock()));
            over.recv_timeout(patience).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
        Ok(self.pids().is_some())
    }

    pub fn pids(&self) -> Option<Pids> {
        self.read("pid")
    }

    pub fn write_pids(&self, pids: Pids) -> io::Result<()> {
        self.write("pid", &pids)
    }

    pub fn exit(&self) -> Option<ExitStatus> {
        self.read::<Exit>("exit.json").map(|exit| exit.status)
    }

    pub fn write_exit(&self, status: ExitStatus) -> io::Result<()> {
        self.write("exit.json", &Exit { status })
    }

    pub fn write_launch(&self, launch: &impl Serialize) -> io::Result<()> {
        self.write("launch.json", launch)
    }

    /// The ids of the messages whose typing has begun.
    pub fn submitted(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.join("submitted")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Records that the typing of a message begins; on the disk when this returns.
    pub fn add_submitted(&self, id: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.dir.join("submitted"))?;
        let mut line = serde_json::to_vec(id)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_data()
    }

    pub fn bind(&self) -> io::Result<UnixListener> {
        self.with_socket_path(|path| UnixListener::bind(path))
    }

    pub fn connect(&self) -> io::Result<UnixStream> {
        self.with_socket_path(|path| UnixStream::connect(path))
    }

    pub fn remove_socket(&self) {
        drop(std::fs::remove_file(self.socket()));
    }

    fn launching(&self) -> PathBuf {
        self.dir.join("launching")
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("sock")
    }

    /// A socket's path has room for about 100 bytes: a longer one is named through a descriptor of its folder.
    fn with_socket_path<T>(&self, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let path = self.socket();
        if path.as_os_str().len() <= SOCKET_PATH_MAX {
            return act(&path);
        }
        if cfg!(not(target_os = "linux")) {
            let told = format!("{} is too long for a socket: at most {SOCKET_PATH_MAX} bytes", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, told));
        }
        let dir = File::open(&self.dir)?;
        act(&PathBuf::from(format!("/proc/self/fd/{}/sock", std::os::fd::AsRawFd::as_raw_fd(&dir))))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.dir.join(name);
        let metadata = std::fs::symlink_metadata(&path).ok().filter(|it| it.is_file() && it.len() <= STATE_MAX);
        metadata.and_then(|_| serde_json::from_slice(&std::fs::read(&path).ok()?).ok())
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let (path, beside) = (self.dir.join(name), self.dir.join(format!("{name}.new")));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        File::open(&self.dir)?.sync_all()
    }
}

/// What is there; none: nothing has that name.
fn present<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}
