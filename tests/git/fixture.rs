//! A throwaway repository with a settled environment.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use orchestra::git::worktree::{self, Attempt, Created, WorktreePlan};
use orchestra::git::{Cancel, Git, Hooks, Repo};
use tempfile::TempDir;

pub struct Fixture {
    pub folder: TempDir,
    pub git: Git,
    pub repo: Repo,
}

impl Fixture {
    /// A repository `project` with one commit on `main`: `a.txt` (nine lines), `src/lib.rs`, `.gitignore`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let root = folder.path().join("project");
        fs::create_dir_all(&root).unwrap();
        let git = Git::new(environment(&home)).unwrap();
        let sh = |args: &[&str]| run(&home, &root, args);
        sh(&["init", "-q", "-b", "main"]);
        sh(&["config", "user.name", "Test"]);
        sh(&["config", "user.email", "test@example.org"]);
        fs::write(root.join("a.txt"), lines(1..10)).unwrap();
        fs::create_dir(root.join("src")).unwrap();
        fs::write(root.join("src/lib.rs"), "fn one() {\n    1;\n}\n\nfn two() {\n    2;\n}\n").unwrap();
        fs::write(root.join(".gitignore"), "*.log\ntarget/\n.env\n").unwrap();
        sh(&["add", "-A"]);
        sh(&["commit", "-qm", "start"]);
        let repo = Repo::discover(&git, &root).unwrap();
        Self { folder, git, repo }
    }

    pub fn root(&self) -> &Path {
        self.repo.root()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        put(&self.root().join(path), text);
    }

    /// `git` in the project; panics when it fails.
    pub fn sh(&self, args: &[&str]) -> String {
        self.at(self.root(), args)
    }

    pub fn at(&self, folder: &Path, args: &[&str]) -> String {
        run(&self.folder.path().join("home"), folder, args)
    }

    /// `git` that may fail.
    pub fn command(&self, folder: &Path) -> Command {
        command(&self.folder.path().join("home"), folder)
    }

    pub fn head(&self) -> String {
        self.sh(&["rev-parse", "main"])
    }

    pub fn plan(&self, slug: &str) -> WorktreePlan {
        WorktreePlan {
            path: self.path("worktrees").join(slug),
            branch: format!("task/{slug}"),
            base_commit: self.head(),
            attempt: Attempt::First,
            hooks: Hooks::Off,
        }
    }

    pub fn task(&self, slug: &str) -> Created {
        worktree::create(&self.repo, &self.plan(slug), &Cancel::default()).unwrap()
    }

    /// A task with one commit that writes `text` to `path`.
    pub fn task_with(&self, slug: &str, path: &str, text: &str) -> Created {
        let task = self.task(slug);
        put(&task.path.join(path), text);
        self.at(&task.path, &["add", "-A"]);
        self.at(&task.path, &["commit", "-qm", &format!("change {path}")]);
        task
    }

    #[allow(dead_code, reason = "two test binaries share this file")]
    /// Everything of the checkout that a person could miss: status, index, stash, refs of the checkout, file contents.
    pub fn checkout_state(&self) -> String {
        let mut state = self.sh(&["status", "--porcelain=v2", "--branch", "--ignored"]);
        state += &self.sh(&["ls-files", "--stage"]);
        state += &self.sh(&["stash", "list"]);
        state += &self.sh(&["symbolic-ref", "-q", "HEAD"]);
        for (path, content) in tree(self.root()) {
            writeln!(state, "{path} {content:?}").unwrap();
        }
        state
    }

    /// A hook that writes `marker` when it runs, then exits with `code`.
    pub fn hook(&self, name: &str, marker: &Path, code: u8) {
        let path = self.repo.common_dir().join("hooks").join(name);
        put(&path, format!("#!/bin/sh\necho hook says no\n: > '{}'\nexit {code}\n", marker.display()));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

pub fn put(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub fn lines(range: std::ops::Range<u32>) -> String {
    range.fold(String::new(), |text, n| text + &format!("line {n}\n"))
}

pub fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Relative paths and contents of all files below, `.git` aside, in order.
pub fn tree(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".git") {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                found.push((name, format!("-> {}", fs::read_link(path).unwrap().display()).into_bytes()));
            } else if kind.is_file() {
                found.push((name, fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn environment(home: &Path) -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap();
    vec![
        ("PATH".into(), path),
        ("HOME".into(), home.into()),
        ("GIT_CONFIG_GLOBAL".into(), home.join("gitconfig").into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        // Must not reach our calls.
        ("GIT_DIR".into(), "/nonexistent".into()),
    ]
}

fn command(home: &Path, folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env_clear().envs(environment(home)).env_remove("GIT_DIR");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_DATE"), "2025-11-20T12:00:00Z");
    }
    command
}

fn run(home: &Path, folder: &Path, args: &[&str]) -> String {
    let output = command(home, folder).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    assert!(output.status.success(), "git {args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
