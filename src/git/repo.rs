//! A repository as we found it: where it lies, what is checked out, and its refs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::command::{Call, Git, Hooks, Output, fields, path_of};
use super::error::GitError;
use super::process::Cancel;
use super::settings::Settings;

/// A look at all files of a large checkout.
const SLOW: Duration = Duration::from_mins(10);

/// For so long the record of a worktree may be half made.
const HALF_MADE: Duration = Duration::from_secs(2);

/// A repository and one checkout in it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repo {
    git: Git,
    root: PathBuf,
    main_root: Option<PathBuf>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    turn: Arc<Mutex<()>>,
}

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A branch's short name.
    Branch(String),
    /// Commit, hex.
    Detached(String),
}

/// An operation that a person or agent has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InProgress {
    Merge,
    Rebase,
    CherryPick,
    Revert,
    Bisect,
}

impl InProgress {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        }
    }
}

/// What a task starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Short name of a local branch, or the name as given when it is none.
    pub name: String,
    pub is_branch: bool,
    /// Hex.
    pub commit: String,
}

impl Repo {
    /// The repository around `path`: from a subfolder or a linked worktree too. From within a bare repository: seen from its
    /// first linked worktree.
    pub fn discover(git: &Git, path: &Path) -> Result<Self, GitError> {
        let path = path.canonicalize().map_err(GitError::io(path))?;
        let flags = ["--path-format=absolute", "--is-bare-repository", "--git-dir", "--git-common-dir"];
        let text = git.call(&path, "rev-parse").args(flags).run()?.stdout;
        let mut lines = text.split(|&b| b == b'\n');
        let mut next = || lines.next().unwrap_or_default();
        let bare = next() == b"true";
        let (git_dir, common_dir) = (path_of(next()), path_of(next()));
        let common_dir = common_dir.canonicalize().map_err(GitError::io(&common_dir))?;
        if bare {
            let checkout = checkouts(git, &common_dir)?.into_iter().next();
            return Self::discover(git, &checkout.ok_or(GitError::Bare { path: common_dir })?);
        }
        let root = top_level(git, &path)?.ok_or(GitError::NotARepository { path })?;
        let main_root =
            if git_dir == common_dir { Some(root.clone()) } else { top_level(git, &main_folder(git, &common_dir)?)? };
        let turn = turn_of(&common_dir);
        Ok(Self { git: git.clone(), root, main_root, git_dir, common_dir, turn })
    }

    /// A repository that is not there, or that git refuses to read: every call in it says so.
    pub fn absent(git: &Git, root: &Path, common_dir: &Path) -> Self {
        Self {
            git: git.clone(),
            root: root.to_owned(),
            main_root: Some(root.to_owned()),
            git_dir: common_dir.to_owned(),
            common_dir: common_dir.to_owned(),
            turn: turn_of(common_dir),
        }
    }

    /// The folder of the checkout that was asked for.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the main checkout: the project. None where there are linked worktrees only, beside a bare repository.
    pub fn main_root(&self) -> Option<&Path> {
        self.main_root.as_deref()
    }

    /// The folders of all checkouts that are there, the main one first.
    pub fn checkouts(&self) -> Result<Vec<PathBuf>, GitError> {
        checkouts(&self.git, &self.common_dir)
    }

    /// The git directory that all checkouts share, absolute and canonical.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The git directory of this checkout.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The same repository, seen from another checkout of it.
    pub fn at(&self, worktree: &Path) -> Result<Self, GitError> {
        let other = Self::discover(&self.git, worktree)?;
        if other.common_dir == self.common_dir
            && other.root == worktree.canonicalize().map_err(GitError::io(worktree))?
        {
            Ok(other)
        } else {
            Err(GitError::NotAWorktree { path: worktree.to_owned() })
        }
    }

    pub fn head(&self) -> Result<Head, GitError> {
        match self.call("symbolic-ref").args(["-q", "--short", "HEAD"]).maybe()? {
            Some(branch) => Ok(Head::Branch(branch)),
            None => Ok(Head::Detached(self.commit("HEAD")?)),
        }
    }

    /// An error when there is no commit to start from.
    pub fn require_commit(&self) -> Result<(), GitError> {
        if self.find("HEAD")?.is_some() {
            return Ok(());
        }
        let any = self.call("for-each-ref").args(["--count=1", "--format=%(refname)", "refs/heads", "refs/remotes"]);
        if any.text()?.is_empty() { Err(GitError::NoCommits { name: self.name() }) } else { Ok(()) }
    }

    /// The folder's name.
    pub fn name(&self) -> String {
        let root = self.main_root().unwrap_or(&self.root);
        let name = root.file_name().unwrap_or(root.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Local branches, short names in order.
    pub fn branches(&self) -> Result<Vec<String>, GitError> {
        let output = self.call("for-each-ref").args(["--format=%(refname:lstrip=2)", "refs/heads"]).run()?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// The branch or commit that a person named as base.
    pub fn resolve_base(&self, name: &str) -> Result<Base, GitError> {
        if let Some(commit) = self.branch(name)? {
            return Ok(Base { name: name.to_owned(), is_branch: true, commit });
        }
        Ok(Base { name: name.to_owned(), is_branch: false, commit: self.commit(name)? })
    }

    /// Commit of a local branch, hex.
    pub fn branch(&self, name: &str) -> Result<Option<String>, GitError> {
        let name = format!("refs/heads/{name}");
        // A process less, where libgit2 can read the repository (no reftable, no SHA-256, no other owner).
        self.reference(&name).map_or_else(|_| self.find(&name), Ok)
    }

    /// The commit behind a reference with its full name; none: there is no such reference.
    fn reference(&self, name: &str) -> Result<Option<String>, git2::Error> {
        let repo = git2::Repository::open(&self.common_dir)?;
        match repo.find_reference(name).and_then(|reference| reference.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit.id().to_string())),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Short name of what a local branch follows.
    pub fn upstream(&self, branch: &str) -> Result<Option<String>, GitError> {
        let call = self.call("for-each-ref").args(["--format=%(upstream:short)", &format!("refs/heads/{branch}")]);
        Ok(Some(call.text()?).filter(|name| !name.is_empty()))
    }

    /// Commits that `tip` has and `base` has not, and the reverse.
    pub fn ahead_behind(&self, base: &str, tip: &str) -> Result<(u32, u32), GitError> {
        let range = format!("{tip}...{base}");
        let text = self.call("rev-list").args(["--left-right", "--count", "--end-of-options", &range, "--"]).text()?;
        let mut counts = text.split_whitespace().map(str::parse);
        match (counts.next(), counts.next()) {
            (Some(Ok(ahead)), Some(Ok(behind))) => Ok((ahead, behind)),
            _ => Err(GitError::Unreadable { verb: "rev-list".to_owned(), text }),
        }
    }

    /// The operation under way in this checkout.
    pub fn in_progress(&self) -> Option<InProgress> {
        [
            ("MERGE_HEAD", InProgress::Merge),
            ("rebase-merge", InProgress::Rebase),
            ("rebase-apply", InProgress::Rebase),
            ("CHERRY_PICK_HEAD", InProgress::CherryPick),
            ("REVERT_HEAD", InProgress::Revert),
            ("BISECT_LOG", InProgress::Bisect),
        ]
        .into_iter()
        .find_map(|(file, state)| self.git_dir.join(file).symlink_metadata().is_ok().then_some(state))
    }

    /// Files that a merge of `branch` into `base` would leave in conflict; nothing is checked out for it.
    pub fn predict(&self, branch: &str, base: &str) -> Result<Vec<String>, GitError> {
        let (ours, theirs) = (self.commit(base)?, self.commit(branch)?);
        // In memory where libgit2 can read the repository; git itself where it cannot (reftable, SHA-256).
        if let Ok(files) = self.conflicts_in_memory(&ours, &theirs) {
            return Ok(files);
        }
        Ok(match self.merge_trees(&ours, &theirs, Hooks::Off)? {
            Ok(_) => Vec::new(),
            Err(files) => files,
        })
    }

    /// Merges two commits in memory: no file, no ref, no command of the repository.
    fn conflicts_in_memory(&self, ours: &str, theirs: &str) -> Result<Vec<String>, git2::Error> {
        let repo = git2::Repository::open(&self.common_dir)?;
        let commit = |hex: &str| repo.find_commit(git2::Oid::from_str(hex)?);
        let merged = repo.merge_commits(&commit(ours)?, &commit(theirs)?, None)?;
        let mut files = std::collections::BTreeSet::new();
        for conflict in merged.conflicts()? {
            let conflict = conflict?;
            let entry = conflict.our.or(conflict.their).or(conflict.ancestor);
            files.extend(entry.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()));
        }
        Ok(files.into_iter().collect())
    }

    /// Tracked files with staged or unstaged changes.
    pub fn dirty(&self, cancel: &Cancel) -> Result<Vec<PathBuf>, GitError> {
        let flags = ["--porcelain=v2", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty"];
        let call = self.call("status").configs(&self.settings()?.disarmed_for_reading());
        let output = call.args(flags).timeout(SLOW).cancel(cancel).run()?;
        let path = |line: &[u8]| {
            let words = if line.starts_with(b"u ") { 11 } else { 9 };
            line.splitn(words, |&b| b == b' ').nth(words - 1).map(path_of)
        };
        Ok(fields(&output.stdout).filter_map(path).collect())
    }

    /// The tree of a merge, or the files in conflict.
    pub(crate) fn merge_trees(
        &self,
        ours: &str,
        theirs: &str,
        hooks: Hooks,
    ) -> Result<Result<String, Vec<String>>, GitError> {
        let flags = ["--write-tree", "--name-only", "--no-messages", "-z", ours, theirs];
        let output = self.write("merge-tree", hooks)?.args(flags).run_with(&[0, 1])?;
        let mut parts = fields(&output.stdout).map(|part| String::from_utf8_lossy(part).into_owned());
        let tree = parts.next().unwrap_or_default();
        Ok(if output.code == 0 { Ok(tree) } else { Err(parts.collect()) })
    }

    /// The commit behind any name, hex.
    pub fn commit(&self, name: &str) -> Result<String, GitError> {
        self.find(name)?.ok_or_else(|| GitError::NoSuchRef { name: name.to_owned() })
    }

    pub(crate) fn find(&self, name: &str) -> Result<Option<String>, GitError> {
        let spec = format!("{name}^{{commit}}");
        self.call("rev-parse").args(["--verify", "--quiet", "--end-of-options", &spec]).maybe()
    }

    pub(crate) fn tree(&self, commit: &str) -> Result<String, GitError> {
        self.call("rev-parse").args(["--verify", "--quiet", &format!("{commit}^{{tree}}")]).text()
    }

    /// A read in this checkout: what the repository's configuration names does not run.
    pub(crate) fn call(&self, verb: &str) -> Call {
        self.git.call(&self.root, verb)
    }

    /// A write in this checkout. Without `Hooks::Run`, filters, merge drivers and signing are switched off by name.
    pub(crate) fn write(&self, verb: &str, hooks: Hooks) -> Result<Call, GitError> {
        let call = self.call(verb).hooks(hooks);
        Ok(if hooks == Hooks::Off { call.configs(&self.settings()?.disarmed()) } else { call })
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// Our own turn at what git does not do side by side: worktrees and refs.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> Result<Settings, GitError> {
        Settings::read(self)
    }
}

/// The folder of the checkout around `path`; none in a git directory without one.
fn top_level(git: &Git, path: &Path) -> Result<Option<PathBuf>, GitError> {
    match git.call(path, "rev-parse").args(["--path-format=absolute", "--show-toplevel"]).run() {
        Ok(Output { mut stdout, .. }) => {
            stdout.pop();
            Ok(Some(path_of(&stdout)))
        }
        Err(GitError::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where to ask for the main checkout: what git names, unless that is a git directory (a submodule's names its checkout).
fn main_folder(git: &Git, common_dir: &Path) -> Result<PathBuf, GitError> {
    let first = listed(git, common_dir)?.into_iter().next().map(|(path, _)| path);
    Ok(first.filter(|path| path.join(".git").exists()).unwrap_or_else(|| common_dir.to_owned()))
}

fn checkouts(git: &Git, common_dir: &Path) -> Result<Vec<PathBuf>, GitError> {
    let there = |(path, bare): (PathBuf, bool)| (!bare && path.join(".git").exists()).then_some(path);
    Ok(listed(git, common_dir)?.into_iter().filter_map(there).collect())
}

/// Runs `git worktree ..`, which reads the records of all worktrees first, and gives up at one that somebody (a person, or
/// what an engine that died has left at work) makes or removes just then: it is whole, or gone, a moment later.
pub(super) fn patiently(run: impl Fn() -> Result<Output, GitError>) -> Result<Output, GitError> {
    let deadline = Instant::now() + HALF_MADE;
    loop {
        match run() {
            Err(GitError::Failed { stderr, .. }) if is_half_made(&stderr) && Instant::now() < deadline => {}
            result => return result,
        }
    }
}

/// What git says of all worktrees.
pub(super) fn records(call: impl Fn() -> Call) -> Result<Output, GitError> {
    patiently(|| call().args(["list", "--porcelain", "-z"]).run())
}

/// `fatal: failed to read worktrees/x/gitdir`, or `.git/worktrees/x/commondir`: somebody is writing it.
fn is_half_made(stderr: &str) -> bool {
    stderr.lines().any(|line| line.contains("failed to read ") && line.contains("worktrees/"))
}

/// The checkouts that git knows of, the main one first, and whether that one is bare.
fn listed(git: &Git, common_dir: &Path) -> Result<Vec<(PathBuf, bool)>, GitError> {
    let output = records(|| git.call(common_dir, "worktree"))?;
    let mut all: Vec<(PathBuf, bool)> = Vec::new();
    for line in fields(&output.stdout) {
        match (line.strip_prefix(b"worktree "), all.last_mut()) {
            (Some(path), _) => all.push((path_of(path), false)),
            (None, Some((_, bare))) => *bare |= line == b"bare",
            (None, None) => {}
        }
    }
    Ok(all)
}

/// One lock for each repository in this process; there is one engine for each user.
fn turn_of(common_dir: &Path) -> Arc<Mutex<()>> {
    static TURNS: LazyLock<Mutex<HashMap<PathBuf, Weak<Mutex<()>>>>> = LazyLock::new(Mutex::default);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.retain(|_, turn| turn.strong_count() > 0);
    if let Some(turn) = turns.get(common_dir).and_then(Weak::upgrade) {
        return turn;
    }
    let turn = Arc::default();
    turns.insert(common_dir.to_owned(), Arc::downgrade(&turn));
    turn
}
