//! `~/.orchestra/projects.yaml`: the projects that this user has opened, and who they are.
//!
//! Invariant: an id is given once for a git common directory and goes with it: the same directory by another path (a link, a
//! bind mount) or at another place (the repository was moved) keeps the id, and with it its state.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::atomic::{self, FileError, into_text, read_capped};
use super::paths::{Home, project_id};
use crate::model::ProjectId;

/// A project that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub id: ProjectId,
    /// The source checkout.
    pub root: PathBuf,
    /// With all links followed.
    pub common_dir: PathBuf,
    /// What stays the same when the directory is renamed: inode, and seconds of its birth where the file system knows.
    identity: Identity,
}

impl Project {
    /// As it is called: the name of its folder.
    pub fn name(&self) -> String {
        self.root.file_name().unwrap_or(self.root.as_os_str()).to_string_lossy().into_owned()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    inode: u64,
    born: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProjectsError {
    #[error("{}: {source}", path.display())]
    Broken { path: PathBuf, source: serde_yaml::Error },
    #[error(transparent)]
    File(#[from] FileError),
}

const MAX_BYTES: u64 = 4 << 20;

/// Held by whoever reads the list to write it again.
static TURN: Mutex<()> = Mutex::new(());

/// All projects, as they were first opened.
pub fn list(home: &Home) -> Result<Vec<Project>, ProjectsError> {
    let path = home.projects();
    let bytes = match read_capped(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let text = into_text(&path, bytes)?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_yaml::from_str(&text).map_err(|source| ProjectsError::Broken { path, source })
}

/// Finds or adds the project at `root`, whose git common directory is `common_dir`. A project that was moved is found by its
/// directory, and its places are brought up to date.
pub fn open(home: &Home, root: &Path, common_dir: &Path) -> Result<Project, ProjectsError> {
    let real = fs::canonicalize(common_dir).map_err(FileError::io("find", common_dir))?;
    let identity = identify(&real)?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = list(home)?;
    let found = all
        .iter()
        .position(|project| project.common_dir == real)
        // A copy has another inode; the old place still being there with the same one is a second way to it.
        .or_else(|| all.iter().position(|project| project.identity == identity && was_moved(project, &real)));
    let id = found.map_or_else(|| free_id(&all, root, &real), |index| all[index].id.clone());
    let project = Project { id, root: root.to_owned(), common_dir: real, identity };
    match found {
        Some(index) if all[index] == project => return Ok(project),
        Some(index) => all[index] = project.clone(),
        None => all.push(project.clone()),
    }
    write(home, &all)?;
    Ok(project)
}

/// Forgets a project; its state stays on disk.
pub fn forget(home: &Home, id: &ProjectId) -> Result<(), ProjectsError> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = list(home)?;
    all.retain(|project| &project.id != id);
    write(home, &all)
}

fn write(home: &Home, all: &[Project]) -> Result<(), ProjectsError> {
    let path = home.projects();
    let text = serde_yaml::to_string(all).map_err(|source| ProjectsError::Broken { path: path.clone(), source })?;
    Ok(atomic::write(&path, text.as_bytes())?)
}

/// The old place is gone, or is the same directory under another name.
fn was_moved(project: &Project, now: &Path) -> bool {
    match (fs::metadata(&project.common_dir), fs::metadata(now)) {
        (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
        (Ok(old), Ok(new)) => (old.dev(), old.ino()) == (new.dev(), new.ino()),
        (Ok(_), Err(_)) => false,
    }
}

fn identify(dir: &Path) -> Result<Identity, FileError> {
    let metadata = fs::metadata(dir).map_err(FileError::io("inspect", dir))?;
    let born = metadata.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(Identity { inode: metadata.ino(), born: born.map(|time| time.as_secs()) })
}

/// The usual id; when another project has it already (six digits are few), one made of a longer text.
fn free_id(all: &[Project], root: &Path, common_dir: &Path) -> ProjectId {
    let is_free = |id: &ProjectId| all.iter().all(|project| &project.id != id);
    std::iter::successors(Some(common_dir.to_owned()), |path| Some(path.join(".")))
        .map(|path| project_id(root, &path))
        .find(is_free)
        .expect("invariant: the successors do not end")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn fault_c7_a_project_is_known_by_its_git_directory() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        home.create().unwrap();
        let at = |root: &Path| open(&home, root, &root.join(".git")).unwrap();
        let first = dir.path().join("app");
        fs::create_dir_all(first.join(".git")).unwrap();
        let project = at(&first);
        assert_eq!(at(&first), project);

        let link = dir.path().join("link");
        symlink(&first, &link).unwrap();
        assert_eq!(at(&link).id, project.id);

        let moved = dir.path().join("renamed");
        fs::rename(&first, &moved).unwrap();
        let after = at(&moved);
        assert_eq!((after.id, after.root), (project.id.clone(), moved));
        assert_eq!(list(&home).unwrap().len(), 1);

        // A new repository where the old one was is another project, though path and name are the same.
        fs::create_dir_all(first.join(".git")).unwrap();
        let fresh = at(&first);
        assert_ne!(fresh.id, project.id);
        forget(&home, &fresh.id).unwrap();
        assert_eq!(list(&home).unwrap().len(), 1);
    }

    #[test]
    fn fault_f4_a_broken_list_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(home.projects(), "- 3\n").unwrap();
        assert!(matches!(open(&home, dir.path(), &dir.path().join(".git")), Err(ProjectsError::Broken { .. })));
        assert_eq!(fs::read_to_string(home.projects()).unwrap(), "- 3\n");
    }
}
