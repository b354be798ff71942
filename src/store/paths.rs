//! Where everything lives: the user's folder (`~/.orchestra`) and a project's (`.orchestra`).
//!
//! Invariant: paths are made here and nowhere else.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::atomic::{self, FileError, create_private_dir};
use crate::model::{ProjectId, RunId, Slug, TaskId};

/// The user's folder: settings and state of all projects. Every folder of state in it is 0700.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("HOME is not set: set it, or set ORCHESTRA_HOME to the folder for Orchestra's state")]
    Unset,
    #[error("ORCHESTRA_HOME and HOME must be absolute paths, not {}", .0.display())]
    Relative(PathBuf),
}

impl Home {
    /// `$ORCHESTRA_HOME`, else `~/.orchestra`.
    pub fn from_env() -> Result<Self, HomeError> {
        Self::locate(env::var_os("ORCHESTRA_HOME"), env::var_os("HOME"))
    }

    /// The same from given values; empty ones count as not set.
    pub fn locate(orchestra_home: Option<OsString>, home: Option<OsString>) -> Result<Self, HomeError> {
        let given = |value: Option<OsString>| value.filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = given(orchestra_home)
            .or_else(|| given(home).map(|home| home.join(".orchestra")))
            .ok_or(HomeError::Unset)?;
        if root.is_absolute() { Ok(Self { root }) } else { Err(HomeError::Relative(root)) }
    }

    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the folders that every engine needs, 0700 whatever the umask.
    pub fn create(&self) -> Result<(), FileError> {
        [self.root.clone(), self.run(), self.logs(), self.root.join("state"), self.root.join("worktrees")]
            .iter()
            .try_for_each(|folder| create_private_dir(folder))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn config(&self) -> PathBuf {
        self.root.join("config.yaml")
    }

    pub fn projects(&self) -> PathBuf {
        self.root.join("projects.yaml")
    }

    pub fn trust(&self) -> PathBuf {
        self.root.join("trust.yaml")
    }

    /// Agent manifests of the user.
    pub fn agents_d(&self) -> PathBuf {
        self.root.join("agents.d")
    }

    /// One folder per live session, the engine's lock and socket.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    pub fn session(&self, run: &RunId) -> PathBuf {
        self.run().join(run.as_str())
    }

    pub fn engine_lock(&self) -> PathBuf {
        self.run().join("engine.lock")
    }

    /// Removes what a writer left in here that died in the middle. Worktrees are not looked into, nor are the folders of
    /// sessions, where agents write too: what is left there goes with them.
    pub fn sweep(&self) {
        atomic::sweep(&self.root, &[self.root.join("worktrees"), self.run()]);
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The folder of a project's database.
    pub fn state(&self, project: &ProjectId) -> PathBuf {
        self.root.join("state").join(project.as_str())
    }

    /// The folder of a project's worktrees, with `worktrees.root: home`.
    pub fn worktrees(&self, project: &ProjectId) -> PathBuf {
        self.root.join("worktrees").join(project.as_str())
    }
}

/// A fresh project's identity: the name of its folder and six hex digits of the SHA-256 of `common_dir`, the path of the
/// git common directory with all links followed. [`super::projects`] keeps it when the repository moves.
pub fn project_id(root: &Path, common_dir: &Path) -> ProjectId {
    let name = root.file_name().map_or_else(|| "project".into(), |name| name.to_string_lossy().into_owned());
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    // A leading dot would hide the state folder, and a long name would make socket paths too long.
    let name: String = name.trim_start_matches('.').chars().map(plain).take(40).collect();
    let name = if name.is_empty() { "project" } else { &name };
    ProjectId(format!("{name}-{}", &hex(common_dir.as_os_str().as_encoded_bytes())[..6]))
}

/// SHA-256, 64 hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A project's folder of settings: `.orchestra/`, or `.orkestra/` where only that one exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    root: PathBuf,
    dir: PathBuf,
}

impl Folder {
    const OLD: &'static str = ".orkestra";

    /// The folder of the project at `root`, whether it exists yet or not.
    pub fn of(root: &Path) -> Self {
        let (new, old) = (root.join(".orchestra"), root.join(Self::OLD));
        let dir = if !new.is_dir() && old.is_dir() { old } else { new };
        Self { root: root.to_owned(), dir }
    }

    /// A notice for a project that has both folders.
    pub fn notice(&self) -> Option<String> {
        (!self.is_old() && self.dir.is_dir() && self.root.join(Self::OLD).is_dir())
            .then(|| "both .orchestra/ and .orkestra/ exist: .orchestra/ is used".to_owned())
    }

    /// True for a project of the older name: its flow `default` is the default one.
    pub fn is_old(&self) -> bool {
        self.dir.ends_with(Self::OLD)
    }

    /// True once `.orchestra/` is set up (a tasks folder alone does not count).
    pub fn is_initialized(&self) -> bool {
        self.config().exists() || self.workflow().exists()
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn config(&self) -> PathBuf {
        self.dir.join("config.yaml")
    }

    pub fn workflow(&self) -> PathBuf {
        self.dir.join("workflow.yaml")
    }

    /// Prompt templates.
    pub fn agents(&self) -> PathBuf {
        self.dir.join("agents")
    }

    /// Schemas of artifacts.
    pub fn schemas(&self) -> PathBuf {
        self.dir.join("schemas")
    }

    /// Agent manifests.
    pub fn agents_d(&self) -> PathBuf {
        self.dir.join("agents.d")
    }

    /// Templates of tasks.
    pub fn templates(&self) -> PathBuf {
        self.dir.join("templates")
    }

    pub fn scripts(&self) -> PathBuf {
        self.dir.join("scripts")
    }

    /// The script that prepares a new worktree, if there is one.
    pub fn setup_script(&self) -> Option<PathBuf> {
        self.first_script(&["worktree_setup.sh", "setup", "setup.sh"])
    }

    /// The script that runs before a worktree goes, if there is one.
    pub fn cleanup_script(&self) -> Option<PathBuf> {
        self.first_script(&["worktree_cleanup.sh", "cleanup", "cleanup.sh"])
    }

    /// The project's instructions for every agent.
    pub fn instructions(&self) -> PathBuf {
        self.dir.join("ORCHESTRA.md")
    }

    /// The designer's spec.
    pub fn designer(&self) -> PathBuf {
        self.dir.join("designer.md")
    }

    pub fn tasks(&self) -> PathBuf {
        self.dir.join("tasks")
    }

    /// The task file of a new task.
    pub fn task_file(&self, id: TaskId, slug: &Slug) -> PathBuf {
        self.tasks().join(format!("{id}:{slug}.md"))
    }

    /// The link to a worktree, or the worktree itself with `worktrees.root: project`.
    pub fn worktree(&self, slug: &Slug) -> PathBuf {
        self.dir.join(".worktrees").join(slug.as_str())
    }

    pub fn artifacts(&self, slug: &Slug) -> PathBuf {
        self.dir.join(".artifacts").join(slug.as_str())
    }

    pub fn logs(&self, slug: &Slug) -> PathBuf {
        self.dir.join(".logs").join(slug.as_str())
    }

    /// The log of a gate, script or session: `<stage>-<n>.log`.
    pub fn log(&self, slug: &Slug, stage: &str, number: u32) -> PathBuf {
        self.logs(slug).join(format!("{stage}-{number}.log"))
    }

    pub fn gitignore(&self) -> PathBuf {
        self.dir.join(".gitignore")
    }

    /// Makes a folder in here; refused when a link leads out of the project.
    pub fn create_dir(&self, folder: &Path) -> Result<(), FileError> {
        atomic::create_dir_beneath(&self.root, folder)
    }

    /// Removes what a writer left in here that died in the middle. Worktrees are not looked into.
    pub fn sweep(&self) {
        if atomic::check_beneath(&self.root, &self.dir).is_ok() {
            atomic::sweep(&self.dir, &[self.dir.join(".worktrees")]);
        }
    }

    fn first_script(&self, names: &[&str]) -> Option<PathBuf> {
        names.iter().map(|name| self.scripts().join(name)).find(|path| path.is_file())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStringExt as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn fault_f11_home_is_found_or_missed_clearly() {
        let home = |own: Option<&str>, home: Option<&str>| Home::locate(own.map(Into::into), home.map(Into::into));
        assert_eq!(home(None, Some("/h")).unwrap().root(), Path::new("/h/.orchestra"));
        assert_eq!(home(Some("/o"), Some("/h")).unwrap().root(), Path::new("/o"));
        assert_eq!(home(Some("/o"), None).unwrap().root(), Path::new("/o"));
        assert!(matches!(home(None, None), Err(HomeError::Unset)));
        assert!(matches!(home(Some(""), Some("")), Err(HomeError::Unset)));
        assert!(matches!(home(Some("x"), None), Err(HomeError::Relative(_))));
    }

    #[test]
    fn fault_f15_state_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("o"));
        fs::create_dir(home.root()).unwrap();
        fs::set_permissions(home.root(), fs::Permissions::from_mode(0o777)).unwrap();
        home.create().unwrap();
        for folder in [home.root().to_owned(), home.run(), home.logs(), home.root().join("state")] {
            assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
        }
    }

    #[test]
    fn project_ids_are_plain_names() {
        let id = project_id(Path::new("/code/my-app"), Path::new("/code/my-app/.git"));
        assert_eq!(id, project_id(Path::new("/code/my-app"), Path::new("/code/my-app/.git")));
        assert!(id.as_str().starts_with("my-app-") && id.as_str().len() == 13, "{id}");
        assert_ne!(id, project_id(Path::new("/code/my-app"), Path::new("/other/.git")));
        let odd = PathBuf::from(OsString::from_vec(b"/code/..a b\n\xff/\xe9".to_vec()));
        for root in [odd.as_path(), Path::new("/"), Path::new("/x/.hidden"), Path::new(&"x".repeat(300))] {
            let id = project_id(root, Path::new("/c"));
            assert!(id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{id}");
            assert!(!id.as_str().starts_with('.') && id.as_str().len() <= 47, "{id}");
        }
    }

    #[test]
    fn the_older_folder_is_used_when_it_is_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Folder::of(dir.path()).dir().ends_with(".orchestra"));
        fs::create_dir(dir.path().join(".orkestra")).unwrap();
        let folder = Folder::of(dir.path());
        assert!(folder.is_old() && folder.notice().is_none() && folder.tasks().ends_with(".orkestra/tasks"));
        fs::create_dir(dir.path().join(".orchestra")).unwrap();
        let folder = Folder::of(dir.path());
        assert!(!folder.is_old() && folder.notice().is_some() && !folder.is_initialized());
    }
}
