//! Files below a folder, reached without following any symlink on the way.
//!
//! Invariant: nothing outside the folder is ever read or written, whatever an agent swaps in meanwhile; no FIFO,
//! socket or device is ever opened for its content.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, mkdirat, open, openat, readlinkat, statat, symlinkat, unlinkat};
use rustix::io::Errno;

/// A folder that is held open.
#[derive(Debug)]
pub struct Disk {
    root: OwnedFd,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Missing,
    File {
        executable: bool,
        bytes: u64,
    },
    Symlink,
    Folder,
    /// FIFO, socket, device.
    Special,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::RDONLY);

impl Disk {
    pub fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: open(root, FOLDER, Mode::empty())? })
    }

    /// What lies at `path`, itself not followed; missing too when a symlink or a file stands on the way.
    pub fn stat(&self, path: &Path) -> io::Result<Entry> {
        let (parent, name) = match self.parent(path) {
            Ok(found) => found,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Entry::Missing),
            Err(error) => return Err(error.into()),
        };
        match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Entry::File {
                    executable: stat.st_mode & 0o100 != 0,
                    bytes: u64::try_from(stat.st_size).unwrap_or(0),
                },
                FileType::Symlink => Entry::Symlink,
                FileType::Directory => Entry::Folder,
                _ => Entry::Special,
            }),
            Err(Errno::NOENT) => Ok(Entry::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// The content of a regular file, at most `limit` bytes of it.
    pub fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let (parent, name) = self.parent(path)?;
        // NONBLOCK: a FIFO that was swapped in since the stat opens at once, and is refused below.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = std::fs::File::from(openat(parent, name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file any more"));
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Where a symlink points.
    pub fn link(&self, path: &Path) -> io::Result<Vec<u8>> {
        let (parent, name) = self.parent(path)?;
        Ok(readlinkat(parent, name, Vec::new())?.into_bytes())
    }

    /// Writes a new file, with the folders on the way; what lies there is replaced, never followed.
    pub fn write(&self, path: &Path, bytes: &[u8], mode: u16) -> io::Result<()> {
        let (parent, name) = self.clear(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(parent, name, flags, Mode::from_raw_mode(mode.into()))?;
        std::fs::File::from(file).write_all(bytes)
    }

    /// Makes a symlink; what lies there is replaced.
    pub fn write_link(&self, path: &Path, target: &[u8]) -> io::Result<()> {
        let (parent, name) = self.clear(path)?;
        Ok(symlinkat(OsStr::from_bytes(target), parent, name)?)
    }

    /// Removes a file or symlink; one that is missing is fine.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match self.parent(path).and_then(|(parent, name)| unlinkat(parent, name, AtFlags::empty())) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn clear(&self, path: &Path) -> io::Result<(OwnedFd, OsString)> {
        let names = names(path)?;
        let mut folder = self.root.try_clone()?;
        for name in &names[..names.len() - 1] {
            match mkdirat(&folder, name.as_os_str(), Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder = openat(&folder, name.as_os_str(), FOLDER, Mode::empty())?;
        }
        let name = names.last().cloned().expect("invariant: a path has a name");
        match unlinkat(&folder, name.as_os_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok((folder, name)),
            Err(error) => Err(error.into()),
        }
    }

    fn parent(&self, path: &Path) -> Result<(OwnedFd, OsString), Errno> {
        let names = names(path).map_err(|_| Errno::INVAL)?;
        let mut folder = rustix::io::dup(&self.root)?;
        for name in &names[..names.len() - 1] {
            folder = openat(&folder, name.as_os_str(), FOLDER, Mode::empty())?;
        }
        Ok((folder, names.last().cloned().expect("invariant: a path has a name")))
    }
}

fn names(path: &Path) -> io::Result<Vec<OsString>> {
    let names: Option<Vec<_>> = path
        .components()
        .map(|part| match part {
            Component::Normal(name) => Some(OsString::from_vec(name.as_bytes().to_vec())),
            _ => None,
        })
        .collect();
    names
        .filter(|names| !names.is_empty())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path leads out of its folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_f9_nothing_outside_is_reached() {
        let outside = tempfile::tempdir().unwrap();
        let inside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(outside.path(), inside.path().join("door")).unwrap();
        let disk = Disk::open(inside.path()).unwrap();
        assert_eq!(disk.stat(Path::new("door")).unwrap(), Entry::Symlink);
        assert_eq!(disk.stat(Path::new("door/secret")).unwrap(), Entry::Missing);
        assert!(disk.read(Path::new("door/secret"), 9).is_err());
        assert!(disk.write(Path::new("door/new"), b"x", 0o644).is_err());
        assert!(disk.write(Path::new("../new"), b"x", 0o644).is_err());
        assert!(!outside.path().join("new").exists());
        disk.write(Path::new("a/b/c"), b"x", 0o755).unwrap();
        assert_eq!(disk.stat(Path::new("a/b/c")).unwrap(), Entry::File { executable: true, bytes: 1 });
    }

    #[test]
    fn fault_f13_a_fifo_is_never_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
        let disk = Disk::open(folder.path()).unwrap();
        assert_eq!(disk.stat(Path::new("pipe")).unwrap(), Entry::Special);
        assert!(disk.read(Path::new("pipe"), 9).is_err());
    }
}
