//! Where the socket is, and how it is made, found and removed.
//!
//! Invariants: `run/engine.sock` is the socket or a link to it; it appears there only once it takes connections; the
//! engine that holds the lock replaces what another one left, and none removes the socket of its successor.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};

use crate::store::Home;

/// The longest path that every system takes for a socket, in bytes.
const PATH_MAX: usize = 100;
const NAME: &str = "engine.sock";
/// Its name until it takes connections; no longer than the other one.
const BESIDE: &str = "new.sock";

/// A socket that takes connections at its place, until this is dropped.
pub struct Address {
    home: Home,
    socket: PathBuf,
    /// Device and inode: another one's socket at the same place is left alone.
    identity: (u64, u64),
}

impl Address {
    /// Puts a socket at its place, over whatever lies there: the caller holds the engine's lock.
    pub fn bind(home: &Home) -> io::Result<(Self, UnixListener)> {
        let _order = in_order(home)?;
        let usual = usual(home);
        let socket = if usual.as_os_str().len() <= PATH_MAX { usual.clone() } else { elsewhere(home)? };
        let beside = socket.with_file_name(BESIDE);
        remove(&beside)?;
        let listener = UnixListener::bind(&beside)?;
        fs::set_permissions(&beside, Permissions::from_mode(0o600))?;
        let metadata = fs::symlink_metadata(&beside)?;
        fs::rename(&beside, &socket)?;
        if socket != usual {
            let link = usual.with_file_name(BESIDE);
            remove(&link)?;
            symlink(&socket, &link)?;
            fs::rename(&link, &usual)?;
        }
        let address = Self { home: home.clone(), socket, identity: (metadata.dev(), metadata.ino()) };
        Ok((address, listener))
    }

    fn withdraw(&self) -> io::Result<()> {
        let _order = in_order(&self.home)?;
        let there = fs::symlink_metadata(&self.socket)?;
        if (there.dev(), there.ino()) == self.identity {
            remove(&self.socket)?;
            let usual = usual(&self.home);
            if self.socket != usual {
                remove(&usual)?;
            }
        }
        Ok(())
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        // A socket that stays refuses connections, and the next engine replaces it.
        let _ = self.withdraw();
    }
}

/// A connection to whoever serves; none when nobody does.
pub fn reach(home: &Home) -> io::Result<Option<UnixStream>> {
    let path = usual(home);
    let path = match fs::read_link(&path) {
        Ok(target) => match target.parent().map(check_private) {
            Some(Ok(())) => target,
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Some(Err(error)) => return Err(error),
            None => return Ok(None),
        },
        Err(_) => path,
    };
    if path.as_os_str().len() > PATH_MAX {
        return Ok(None);
    }
    match UnixStream::connect(&path) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

/// The socket, or the link to it.
pub fn usual(home: &Home) -> PathBuf {
    home.run().join(NAME)
}

/// One at a time makes or removes the socket: the end of one engine and the beginning of the next may meet.
fn in_order(home: &Home) -> io::Result<File> {
    let folder = File::open(home.run())?;
    flock(&folder, FlockOperation::LockExclusive)?;
    Ok(folder)
}

/// A short path for the socket of a home whose own is too long, in a folder that is ours alone.
fn elsewhere(home: &Home) -> io::Result<PathBuf> {
    let given = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let uid = rustix::process::geteuid().as_raw();
    let bases = given.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]);
    let digest = Sha256::digest(home.root().as_os_str().as_encoded_bytes());
    let name = digest.iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let name = format!("{name:012x}");
    let mut refused = io::Error::new(ErrorKind::InvalidFilename, "no folder with a path short enough for a socket");
    for base in bases {
        let root = base.join(format!("orchestra-{uid}"));
        let folder = root.join(&name);
        if folder.join(NAME).as_os_str().len() > PATH_MAX {
            continue;
        }
        match private(&root).and_then(|()| private(&folder)) {
            Ok(()) => return Ok(folder.join(NAME)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A folder that is ours, made if it is not there.
fn private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => check_private(folder),
    }
}

/// Whether nobody else can put a socket there.
fn check_private(folder: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder)?;
    let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    if ours && metadata.mode() & 0o777 == 0o700 {
        return Ok(());
    }
    let told = format!("{} is not a folder of this user alone", folder.display());
    Err(io::Error::new(ErrorKind::PermissionDenied, told))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(dir: &tempfile::TempDir, name: &str) -> Home {
        let home = Home::at(dir.path().join(name));
        home.create().unwrap();
        home
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_successor_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(&dir, "h");
        assert!(reach(&home).unwrap().is_none());
        fs::write(usual(&home), "stale").unwrap();
        assert!(reach(&home).unwrap().is_none());
        let (former, _listener) = Address::bind(&home).unwrap();
        assert!(reach(&home).unwrap().is_some());
        assert_eq!(fs::metadata(usual(&home)).unwrap().mode() & 0o777, 0o600);
        let (next, _listener) = Address::bind(&home).unwrap();
        drop(former);
        assert!(reach(&home).unwrap().is_some(), "the successor's socket stays");
        drop(next);
        assert!(!usual(&home).exists());
    }

    #[test]
    fn a_long_path_is_served_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(&dir, &"x".repeat(120));
        let (address, _listener) = Address::bind(&home).unwrap();
        let target = fs::read_link(usual(&home)).unwrap();
        assert!(target.as_os_str().len() <= PATH_MAX, "{}", target.display());
        assert!(reach(&home).unwrap().is_some());
        fs::set_permissions(target.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(reach(&home).unwrap_err().kind(), ErrorKind::PermissionDenied);
        fs::set_permissions(target.parent().unwrap(), Permissions::from_mode(0o700)).unwrap();
        drop(address);
        assert!(!target.exists() && fs::symlink_metadata(usual(&home)).is_err());
        fs::remove_dir(target.parent().unwrap()).unwrap();
    }
}
