//! Repositories as they are found, and what they would have us run.

use std::fs;

use orchestra::git::{Cancel, Git, GitError, Head, Hooks, InProgress, Repo, diff::Differ, trust, worktree};
use orchestra::model::HooksPolicy;

use crate::fixture::{Fixture, mkfifo, put};

#[test]
fn a_repository_is_found_from_a_subfolder_and_a_linked_worktree() {
    let f = Fixture::new();
    let task = f.task("one");
    for place in [f.root().join("src"), task.path.clone()] {
        let found = Repo::discover(&f.git, &place).unwrap();
        assert_eq!(found.main_root(), Some(f.root()));
        assert_eq!(found.common_dir(), f.repo.common_dir());
        assert_eq!(found.name(), "project");
    }
    assert_eq!(f.repo.at(&task.path).unwrap().head().unwrap(), Head::Branch("task/one".into()));
    assert!(matches!(f.repo.at(&f.root().join("src")), Err(GitError::NotAWorktree { .. })));
}

#[test]
fn fault_g14_bare_unborn_and_no_repository_are_told_apart() {
    let f = Fixture::new();
    let elsewhere = f.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    assert!(matches!(Repo::discover(&f.git, &elsewhere), Err(GitError::NotARepository { .. })));
    f.at(&elsewhere, &["init", "-q", "-b", "main", "."]);
    let unborn = Repo::discover(&f.git, &elsewhere).unwrap();
    let error = unborn.require_commit().unwrap_err();
    assert_eq!(error.to_string(), "elsewhere has no commit yet; a worktree needs one");
    assert_eq!(error.hint().unwrap(), "Try: git commit --allow-empty -m start");
    assert_eq!(unborn.head().unwrap(), Head::Branch("main".into()));
    f.at(&f.path(""), &["init", "-q", "--bare", "bare"]);
    assert!(matches!(Repo::discover(&f.git, &f.path("bare")), Err(GitError::Bare { .. })));
    f.repo.require_commit().unwrap();
}

/// Somebody makes a worktree just then: its record is there, and not yet whole.
#[test]
fn worktrees_are_found_while_one_is_being_made() {
    let f = Fixture::new();
    let task = f.task("one");
    let record = f.repo.at(&task.path).unwrap().git_dir().join("commondir");
    let whole = fs::read(&record).unwrap();
    fs::remove_file(&record).unwrap();
    mkfifo(&record);
    let maker = std::thread::spawn(move || {
        // Opens once git reads it.
        let unwritten = fs::File::options().write(true).open(&record).unwrap();
        let aside = record.with_extension("whole");
        fs::write(&aside, whole).unwrap();
        fs::rename(aside, record).unwrap();
        drop(unwritten);
    });
    let found = worktree::list(&f.repo).unwrap();
    assert_eq!(found.iter().map(|it| it.path.as_path()).collect::<Vec<_>>(), [f.root(), &task.path]);
    maker.join().unwrap();
}

#[test]
fn fault_g14_other_formats_of_repositories_work() {
    for format in ["--ref-format=reftable", "--object-format=sha256"] {
        let f = Fixture::new();
        let root = f.path("other");
        if !f.command(&f.path("")).args(["init", "-q", "-b", "main", format, "other"]).status().unwrap().success() {
            continue;
        }
        put(&root.join("a.txt"), "one\n");
        f.at(&root, &["add", "-A"]);
        f.at(&root, &["-c", "user.name=T", "-c", "user.email=t@e", "commit", "-qm", "start"]);
        let repo = Repo::discover(&f.git, &root).unwrap();
        let base = repo.resolve_base("main").unwrap();
        put(&root.join("a.txt"), "two\n");
        let diff = Differ::new(&repo, "main", &base.commit).scan(&Cancel::default()).unwrap();
        assert_eq!((diff.stat().added, diff.stat().removed), (1, 1), "{format}");
    }
}

#[test]
fn a_base_is_a_branch_or_a_commit() {
    let f = Fixture::new();
    let main = f.repo.resolve_base("main").unwrap();
    assert!(main.is_branch && main.commit == f.head());
    assert!(!f.repo.resolve_base("HEAD").unwrap().is_branch);
    assert!(matches!(f.repo.resolve_base("--help"), Err(GitError::NoSuchRef { .. })));
    let task = f.task_with("one", "new.txt", "x\n");
    assert_eq!(f.repo.ahead_behind("main", &task.branch).unwrap(), (1, 0));
    assert_eq!(f.repo.branches().unwrap(), ["main", "task/one"]);
}

#[test]
fn fault_g5_an_operation_in_progress_is_named() {
    let f = Fixture::new();
    assert_eq!(f.repo.in_progress(), None);
    f.task_with("one", "a.txt", "theirs\n");
    f.write("a.txt", "ours\n");
    f.sh(&["commit", "-qam", "ours"]);
    assert!(!f.command(f.root()).args(["merge", "-q", "task/one"]).status().unwrap().success());
    assert_eq!(f.repo.in_progress(), Some(InProgress::Merge));
}

#[test]
fn fault_v7_git_is_found_in_absolute_folders_only() {
    let f = Fixture::new();
    let planted = [(("PATH").into(), ".:bin:".into())];
    assert!(matches!(Git::new(planted), Err(GitError::NoGit)));
    drop(f);
}

#[test]
fn fault_g18_commands_of_a_repository_are_hashed_and_asked_about() {
    let f = Fixture::new();
    assert_eq!(trust::commands(&f.repo).unwrap().hash, None);
    assert_eq!(trust::hooks(&f.repo, HooksPolicy::Trusted, None).unwrap(), Hooks::Run);
    f.hook("pre-commit", &f.path("marker"), 0);
    let first = trust::command_hash(&f.repo).unwrap().unwrap();
    assert_eq!(trust::hooks(&f.repo, HooksPolicy::Trusted, Some(&first)).unwrap(), Hooks::Run);
    assert_eq!(trust::hooks(&f.repo, HooksPolicy::Never, None).unwrap(), Hooks::Off);
    let mut hashes = vec![first.clone()];
    for (key, value) in [("core.fsmonitor", "evil"), ("filter.x.clean", "evil"), ("include.path", "more")] {
        f.sh(&["config", key, value]);
        let hash = trust::command_hash(&f.repo).unwrap().unwrap();
        assert!(!hashes.contains(&hash), "{key} is not in the hash");
        hashes.push(hash);
    }
    let Err(GitError::Untrusted { what, .. }) = trust::hooks(&f.repo, HooksPolicy::Trusted, Some(&first)) else {
        panic!("a change must be asked about")
    };
    assert!(what.contains(&"hook pre-commit".to_owned()) && what.contains(&"core.fsmonitor = evil".to_owned()));
}
