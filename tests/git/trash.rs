//! The trash gives back every byte, and the facts before a delete are true.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use orchestra::git::worktree::{self, Created};
use orchestra::git::{Cancel, Hooks, facts, trash};

use crate::fixture::{Fixture, lines, mkfifo, put, tree};

fn save(f: &Fixture, task: &Created) -> trash::TrashEntry {
    trash::save(&f.repo, (&task.path, &task.branch), ("one", 1_700_000_000), &Cancel::default()).unwrap()
}

fn delete(f: &Fixture, task: &Created) {
    worktree::remove(&f.repo, &task.path, &task.branch).unwrap();
    if let Some(tip) = f.repo.branch(&task.branch).unwrap() {
        worktree::delete_branch(&f.repo, &task.branch, &tip).unwrap();
    }
}

/// A worktree with something of every kind in it.
fn rich(f: &Fixture) -> Created {
    let task = f.task_with("one", "committed.txt", "c\n");
    let at = |name: &str| task.path.join(name);
    put(&at("staged.txt"), "staged\n");
    put(&at("both.txt"), "staged\n");
    f.at(&task.path, &["add", "staged.txt", "both.txt"]);
    put(&at("both.txt"), "staged, then changed\r\n");
    put(&at("a.txt"), lines(1..5).replace('\n', "\r\n"));
    fs::remove_file(at("src/lib.rs")).unwrap();
    put(&at("untracked/ü \"quoted\"\n.txt"), b"\0binary\xff");
    put(&at("run.sh"), "#!/bin/sh\n");
    fs::set_permissions(at("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("/nowhere", at("link")).unwrap();
    put(&at("empty"), "");
    put(&at(".env"), "SECRET=1\n");
    put(&at("target/debug/out"), "built\n");
    f.at(&task.path, &["rm", "-q", "--cached", ".gitignore"]);
    task
}

#[test]
fn fault_g7_everything_comes_back_byte_for_byte() {
    let f = Fixture::new();
    f.sh(&["config", "core.autocrlf", "input"]);
    let task = rich(&f);
    let state =
        || (f.at(&task.path, &["status", "--porcelain=v2", "--ignored"]), f.at(&task.path, &["ls-files", "--stage"]));
    let (before, files) = (state(), tree(&task.path));
    let index = fs::read(f.repo.at(&task.path).unwrap().git_dir().join("index")).unwrap();
    let entry = save(&f, &task);
    assert_eq!(
        fs::read(f.repo.at(&task.path).unwrap().git_dir().join("index")).unwrap(),
        index,
        "the index is only read"
    );
    assert_eq!(entry.reference, "refs/orchestra/trash/one/1700000000");
    assert_eq!(entry.record.unsaved, [""; 0]);
    let tip = f.sh(&["rev-parse", &task.branch]);
    delete(&f, &task);
    f.sh(&["reflog", "expire", "--expire=now", "--all"]);
    f.sh(&["gc", "-q", "--prune=now"]);
    assert_eq!(trash::list(&f.repo).unwrap(), std::slice::from_ref(&entry));
    trash::restore(&f.repo, &entry, &task.path, Hooks::Off, &Cancel::default()).unwrap();
    assert_eq!(f.sh(&["rev-parse", &task.branch]), tip);
    assert_eq!(tree(&task.path), files);
    assert_eq!(state(), before);
    assert_eq!(fs::metadata(task.path.join(".env")).unwrap().permissions().mode() & 0o077, 0);
    trash::discard(&f.repo, &entry).unwrap();
    assert!(trash::list(&f.repo).unwrap().is_empty());
}

#[test]
fn fault_g7_a_detached_commit_and_a_kept_branch_come_back() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    f.at(&task.path, &["switch", "-q", "--detach"]);
    f.at(&task.path, &["commit", "-q", "--allow-empty", "-m", "lost without a branch"]);
    let head = f.at(&task.path, &["rev-parse", "HEAD"]);
    let entry = save(&f, &task);
    assert!(entry.record.detached && entry.record.tip.is_some());
    worktree::remove(&f.repo, &task.path, &task.branch).unwrap();
    let restored = trash::restore(&f.repo, &entry, &f.path("worktrees/back"), Hooks::Off, &Cancel::default()).unwrap();
    assert_eq!(f.at(&restored.path, &["rev-parse", "HEAD"]), head);
    assert_eq!(f.sh(&["rev-parse", &task.branch]), f.sh(&["rev-parse", &format!("{head}~1")]));
}

#[test]
fn fault_g7_what_cannot_be_kept_is_named() {
    let f = Fixture::new();
    let task = f.task("one");
    f.write(".worktreeinclude", "big-secret.log\n");
    put(&task.path.join("big.log"), "x".repeat((1 << 20) + 1));
    put(&task.path.join("big-secret.log"), "x".repeat((1 << 20) + 1));
    put(&task.path.join("small.log"), "x");
    f.at(&task.path, &["init", "-q", "nested"]);
    put(&task.path.join("nested/file"), "x");
    mkfifo(&task.path.join("pipe.log"));
    let entry = save(&f, &task);
    assert_eq!(entry.record.unsaved, ["nested/: a repository of its own", "big.log: 1048577 bytes"]);
    delete(&f, &task);
    trash::restore(&f.repo, &entry, &task.path, Hooks::Off, &Cancel::default()).unwrap();
    let back: Vec<_> = tree(&task.path).into_iter().map(|(name, _)| name).collect();
    assert_eq!(back, [".gitignore", "a.txt", "big-secret.log", "small.log", "src/lib.rs"]);
}

#[test]
fn a_merge_in_progress_can_be_saved() {
    let f = Fixture::new();
    let task = f.task_with("one", "a.txt", "theirs\n");
    f.write("a.txt", "ours\n");
    f.sh(&["commit", "-qam", "ours"]);
    assert!(!f.command(&task.path).args(["merge", "-q", "main"]).output().unwrap().status.success());
    let content = fs::read(task.path.join("a.txt")).unwrap();
    let entry = save(&f, &task);
    assert_eq!(entry.record.unsaved, ["which files were staged or in conflict", "the merge in progress"]);
    delete(&f, &task);
    trash::restore(&f.repo, &entry, &task.path, Hooks::Off, &Cancel::default()).unwrap();
    assert_eq!(fs::read(task.path.join("a.txt")).unwrap(), content);
}

#[test]
fn fault_g17_saving_and_restoring_run_nothing_of_the_repository() {
    let f = Fixture::new();
    let task = rich(&f);
    let marker = f.path("marker");
    let run = format!("touch '{}'; cat", marker.display());
    for key in ["filter.x.clean", "filter.x.smudge", "core.fsmonitor", "diff.x.textconv"] {
        f.sh(&["config", key, &run]);
    }
    put(&f.repo.common_dir().join("info/attributes"), "* filter=x diff=x\n");
    for hook in ["reference-transaction", "post-checkout", "post-index-change"] {
        f.hook(hook, &marker, 0);
    }
    let entry = save(&f, &task);
    assert!(!marker.exists(), "save");
    delete(&f, &task);
    trash::restore(&f.repo, &entry, &task.path, Hooks::Off, &Cancel::default()).unwrap();
    assert!(!marker.exists(), "restore");
    facts::gather(&f.repo, &task.path, &task.branch, "main", &Cancel::default()).unwrap();
    assert!(!marker.exists(), "facts");
}

#[test]
fn the_facts_before_a_delete() {
    let f = Fixture::new();
    let task = rich(&f);
    let facts = facts::gather(&f.repo, &task.path, &task.branch, "main", &Cancel::default()).unwrap();
    assert_eq!((facts.ahead, facts.behind, facts.merged), (1, 0, false));
    assert_eq!(facts.changed, [".gitignore", "a.txt", "both.txt", "src/lib.rs", "staged.txt"]);
    assert!(facts.untracked.contains(&"run.sh".to_owned()) && facts.bytes > 0);
}

#[test]
fn a_worktree_that_goes_while_we_look_has_no_files() {
    for _ in 0..8 {
        let f = Fixture::new();
        let task = rich(&f);
        let look = || facts::gather(&f.repo, &task.path, &task.branch, "main", &Cancel::default()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // So that the other one is anywhere in its look.
                look();
                worktree::remove(&f.repo, &task.path, &task.branch).unwrap();
            });
            while task.path.exists() {
                assert_eq!(look().ahead, 1);
            }
        });
    }
}

#[test]
fn fault_g25_squashed_and_picked_branches_are_merged() {
    let merged = |f: &Fixture, task: &Created| {
        facts::gather(&f.repo, &task.path, &task.branch, "main", &Cancel::default()).unwrap().merged
    };
    let two = |f: &Fixture| {
        let task = f.task_with("one", "new.txt", "x\n");
        put(&task.path.join("a.txt"), lines(1..9));
        f.at(&task.path, &["commit", "-qam", "second"]);
        task
    };
    let f = Fixture::new();
    let task = two(&f);
    assert!(!merged(&f, &task));
    f.sh(&["merge", "-q", "--squash", "task/one"]);
    f.sh(&["commit", "-qm", "squashed"]);
    assert!(merged(&f, &task));
    f.write("a.txt", "changed again\n");
    f.write("new.txt", "changed again\n");
    f.sh(&["commit", "-qam", "after"]);
    assert!(merged(&f, &task), "the base went on");
    let f = Fixture::new();
    let task = two(&f);
    f.sh(&["commit", "-q", "--allow-empty", "-m", "other"]);
    f.sh(&["cherry-pick", "task/one~1", "task/one"]);
    assert!(merged(&f, &task));
    f.at(&task.path, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    put(&task.path.join("more.txt"), "x");
    f.at(&task.path, &["add", "-A"]);
    f.at(&task.path, &["commit", "-qm", "more"]);
    assert!(!merged(&f, &task));
}
