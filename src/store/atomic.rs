//! Files written whole or not at all, and read with a limit.
//!
//! Invariants: a reader sees the old bytes or the new ones, also after a power cut; a file keeps its mode; only regular
//! files are opened (a FIFO would block for ever); nothing goes through a link that leads out of its folder.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

/// What the names of files begin with that are being written; their writer holds a lock on them.
const STAGED: &str = ".orchestra-";

/// Who may read a file that is made anew. The umask does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// 0600: state.
    Private,
    /// 0644: files of the project.
    Shared,
    /// 0755: scripts of the project.
    Script,
}

impl Access {
    const fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Shared => 0o644,
            Self::Script => 0o755,
        }
    }
}

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is a {kind}, not a regular file", path.display())]
    NotRegular { path: PathBuf, kind: &'static str },
    #[error("{} is larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{} leads out of {}", path.display(), folder.display())]
    Outside { path: PathBuf, folder: PathBuf },
    #[error("{} is not UTF-8 (byte {offset})", path.display())]
    NotText { path: PathBuf, offset: usize },
}

impl FileError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// True: the file, or a folder on the way to it, does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Writes a file of our own state; a new one gets mode 0600.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_as(path, bytes, Access::Private)
}

/// Writes `bytes` to `path`: temporary file in the same folder, fsync, rename, fsync of the folder.
///
/// An existing file keeps its mode; a link is followed only to a file in the same folder.
pub fn write_as(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    let (path, mode) = target(path, access)?;
    staged(&path, bytes, mode)?.persist(&path).map_err(|error| error.error).map_err(FileError::io("replace", &path))?;
    sync_folder(folder_of(&path))
}

/// Writes a file that must not exist yet; `Ok(false)`: something has that name already, and is left alone.
pub fn write_new(path: &Path, bytes: &[u8], access: Access) -> Result<bool, FileError> {
    match staged(path, bytes, access.mode())?.persist_noclobber(path) {
        Ok(_) => sync_folder(folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(FileError::io("create", path)(error.error)),
    }
}

/// Reads a regular file of at most `limit` bytes, through links too.
pub fn read_capped(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    // NONBLOCK: opening a FIFO without a writer must return, so that it can be refused.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(path)
        .map_err(FileError::io("open", path))?;
    let metadata = file.metadata().map_err(FileError::io("inspect", path))?;
    check_regular(path, &metadata)?;
    let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(FileError::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Reads a text file that must lie beneath `root` once all links are followed.
pub fn read_beneath(root: &Path, path: &Path, limit: u64) -> Result<String, FileError> {
    check_beneath(root, path)?;
    into_text(path, read_capped(path, limit)?)
}

/// The bytes as text; the error names the first byte that is none.
pub fn into_text(path: &Path, bytes: Vec<u8>) -> Result<String, FileError> {
    String::from_utf8(bytes)
        .map_err(|error| FileError::NotText { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })
}

/// `Ok` when `path`, with all links followed, lies beneath `root`.
pub fn check_beneath(root: &Path, path: &Path) -> Result<(), FileError> {
    let real = fs::canonicalize(path).map_err(FileError::io("find", path))?;
    let folder = fs::canonicalize(root).map_err(FileError::io("find", root))?;
    if real.starts_with(&folder) { Ok(()) } else { Err(FileError::Outside { path: path.to_owned(), folder }) }
}

/// Makes a folder of our own state with its parents, all new ones 0700; an existing one is made 0700.
pub fn create_private_dir(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(FileError::io("create", path))?;
    let mode = fs::metadata(path).map_err(FileError::io("inspect", path))?.permissions().mode() & 0o777;
    if mode == 0o700 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(FileError::io("protect", path))
}

/// Makes a folder of the project with its parents; it must lie beneath `root`.
pub fn create_dir_beneath(root: &Path, path: &Path) -> Result<(), FileError> {
    // The nearest ancestor that exists decides: below it there is nothing yet that could lead away.
    if let Some(existing) = path.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok()) {
        check_beneath(root, existing)?;
    }
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(FileError::io("create", path))
}

/// Removes what writers left in `folder` and below it, `except` left out, that died before their rename. Links are not
/// followed; what cannot be removed stays.
pub fn sweep(folder: &Path, except: &[PathBuf]) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) && !except.contains(&path) {
            sweep(&path, except);
        } else if kind.is_ok_and(|kind| kind.is_file()) && entry.file_name().as_bytes().starts_with(STAGED.as_bytes()) {
            // A writer at work holds its lock.
            let dead = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            let _ = dead.then(|| fs::remove_file(&path));
        }
    }
}

/// What `metadata` is, where it is no regular file.
pub fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::FileTypeExt as _;
    let file_type = metadata.file_type();
    let kind = match () {
        () if file_type.is_file() => return Ok(()),
        () if file_type.is_dir() => "folder",
        () if file_type.is_symlink() => "symbolic link",
        () if file_type.is_fifo() => "FIFO",
        () if file_type.is_socket() => "socket",
        () => "device",
    };
    Err(FileError::NotRegular { path: path.to_owned(), kind })
}

/// Makes what a rename changed in `folder` durable.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::io("sync", folder))
}

/// Where the bytes really go, and the mode they get.
fn target(path: &Path, access: Access) -> Result<(PathBuf, u32), FileError> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((path.to_owned(), access.mode())),
        Err(error) => return Err(FileError::io("inspect", path)(error)),
    };
    let real = if metadata.is_symlink() {
        check_beneath(folder_of(path), path)?;
        fs::canonicalize(path).map_err(FileError::io("find", path))?
    } else {
        path.to_owned()
    };
    let metadata = real.symlink_metadata().map_err(FileError::io("inspect", &real))?;
    check_regular(&real, &metadata)?;
    Ok((real, metadata.permissions().mode() & 0o777))
}

/// A temporary file beside `path` that holds `bytes` durably.
pub(super) fn staged(path: &Path, bytes: &[u8], mode: u32) -> Result<NamedTempFile, FileError> {
    let mut file = tempfile::Builder::new()
        .prefix(STAGED)
        .tempfile_in(folder_of(path))
        .map_err(|error| FileError::io("write beside", path)(without_path(error)))?;
    // Where a file system knows no locks, only a sweep at this very moment could harm.
    let _ = file.as_file().lock();
    file.write_all(bytes).map_err(FileError::io("write", path))?;
    let file_mode = Permissions::from_mode(mode);
    file.as_file().set_permissions(file_mode).map_err(FileError::io("protect", path))?;
    file.as_file().sync_all().map_err(FileError::io("sync", path))?;
    Ok(file)
}

/// The error of the system alone: the name of the temporary file, another one each time, says nothing to a person.
fn without_path(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((text, _)) => io::Error::new(error.kind(), text.to_owned()),
        None => error,
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_a_dead_writer_left_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let (below, except) = (dir.path().join("tasks"), dir.path().join(".worktrees"));
        let path = |folder: &Path, name: &str| folder.join(name);
        for folder in [&below, &except] {
            fs::create_dir(folder).unwrap();
            fs::write(path(folder, ".orchestra-dead"), b"half").unwrap();
        }
        let at_work = staged(&path(&below, "file"), b"whole", 0o600).unwrap();
        fs::write(path(&below, "1:task.md"), b"text").unwrap();
        sweep(dir.path(), std::slice::from_ref(&except));
        assert!(at_work.path().exists() && path(&below, "1:task.md").exists());
        assert!(path(&except, ".orchestra-dead").exists() && !path(&below, ".orchestra-dead").exists());
        at_work.persist(path(&below, "file")).unwrap();
    }

    #[test]
    fn a_file_keeps_its_mode_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        write(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write_as(&path, b"two", Access::Script).unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (b"two".as_slice(), 0o640));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_is_never_put_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        assert!(write_new(&path, b"one", Access::Script).unwrap());
        assert!(!write_new(&path, b"two", Access::Script).unwrap());
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (b"one".as_slice(), 0o755));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn fault_f9_links_lead_nowhere_else() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret");
        fs::write(&secret, "keep").unwrap();
        let link = dir.path().join("link");
        symlink(&secret, &link).unwrap();
        assert!(matches!(write(&link, b"x"), Err(FileError::Outside { .. })));
        assert!(matches!(read_beneath(dir.path(), &link, 10), Err(FileError::Outside { .. })));
        assert_eq!(fs::read(&secret).unwrap(), b"keep");

        let folder = dir.path().join("folder");
        symlink(outside.path(), &folder).unwrap();
        assert!(matches!(create_dir_beneath(dir.path(), &folder.join("new")), Err(FileError::Outside { .. })));
        assert!(!outside.path().join("new").exists());

        let near = dir.path().join("near");
        fs::write(dir.path().join("real"), "old").unwrap();
        symlink("real", &near).unwrap();
        write(&near, b"new").unwrap();
        assert!(near.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(dir.path().join("real")).unwrap(), b"new");
    }

    #[test]
    fn fault_f13_only_regular_files_within_the_limit_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(read_capped(&fifo, 10), Err(FileError::NotRegular { kind: "FIFO", .. })));
        assert!(matches!(write(&fifo, b"x"), Err(FileError::NotRegular { kind: "FIFO", .. })));
        assert!(matches!(read_capped(dir.path(), 10), Err(FileError::NotRegular { kind: "folder", .. })));
        let file = dir.path().join("file");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read_capped(&file, 5).unwrap(), b"12345");
        assert!(matches!(read_capped(&file, 4), Err(FileError::TooLarge { limit: 4, .. })));
        assert!(read_capped(&dir.path().join("none"), 4).unwrap_err().is_missing());
    }

    #[test]
    fn fault_f1_a_write_that_fails_leaves_the_old_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        write(&path, b"old").unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o500)).unwrap();
        let refused = write(&path, b"new");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        // The superuser may write everywhere: then the new bytes are whole.
        let expected: &[u8] = if refused.is_err() { b"old" } else { b"new" };
        assert_eq!(fs::read(&path).unwrap(), expected);
    }
}
