//! The end of a task at its edges: what is merged twice, gone, or not git's to keep.

#![expect(clippy::unwrap_used, reason = "what fails in a fixture fails the test")]

#[expect(dead_code, reason = "shared with the other tests of git")]
#[path = "../git/fixture.rs"]
mod fixture;

use std::fs;
use std::path::Path;

use orchestra::git::integrate::{self, GateVerdict, IntegrateError, IntegratePlan, Integrated};
use orchestra::git::worktree::{self, Created};
use orchestra::git::{Cancel, GitError, Hooks, trash};
use orchestra::model::Strategy;

use fixture::{Fixture, put, tree};

const ALL: [Strategy; 3] = [Strategy::Rebase, Strategy::Merge, Strategy::Squash];

fn integrate(f: &Fixture, task: &Created, strategy: Strategy) -> Result<Integrated, IntegrateError> {
    let plan = IntegratePlan {
        repo: &f.repo,
        worktree: &task.path,
        branch: &task.branch,
        base_branch: "main",
        upstream: None,
        own_home: None,
        strategy,
        integration_dir: &f.path("worktrees/.integrate"),
        leftovers: "Keep what was left",
        message: "Do the task",
        hooks: Hooks::Off,
    };
    integrate::run(&plan, Some(&mut |_: &Path| GateVerdict::Green), &Cancel::default())
}

fn save(f: &Fixture, task: &Created) -> Result<trash::TrashEntry, GitError> {
    trash::save(&f.repo, (&task.path, &task.branch), ("one", 1_700_000_000), &Cancel::default())
}

fn restore(f: &Fixture, entry: &trash::TrashEntry, path: &Path) {
    trash::restore(&f.repo, entry, path, Hooks::Off, &Cancel::default()).unwrap();
}

/// A repository that an agent cloned or made inside its worktree, with work that is nowhere else.
fn nested(f: &Fixture, task: &Created, with_commit: bool) {
    let inner = task.path.join("vendor/inner");
    put(&inner.join("work.txt"), "only here\n");
    f.at(&inner, &["init", "-q"]);
    if with_commit {
        f.at(&inner, &["add", "-A"]);
        f.at(&inner, &["-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "inner"]);
    }
}

#[test]
fn fault_g14_a_repository_inside_the_worktree_is_never_merged_as_a_link() {
    for with_commit in [true, false] {
        let f = Fixture::new();
        let task = f.task_with("one", "new.txt", "new\n");
        nested(&f, &task, with_commit);
        put(&task.path.join("left.txt"), "left\n");
        integrate(&f, &task, Strategy::Rebase).unwrap();
        let merged = f.sh(&["ls-tree", "-r", "main"]);
        assert!(!merged.contains("160000") && merged.contains("left.txt"), "{merged}");
        assert_eq!(fs::read_to_string(task.path.join("vendor/inner/work.txt")).unwrap(), "only here\n");
    }
}

#[test]
fn fault_g20_a_base_that_is_gone_changes_nothing() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "new\n");
    put(&task.path.join("left.txt"), "left\n");
    f.sh(&["branch", "-qm", "main", "trunk"]);
    let state = || (f.sh(&["for-each-ref"]), f.at(&task.path, &["status", "--porcelain"]), tree(&task.path));
    let before = state();
    assert!(matches!(integrate(&f, &task, Strategy::Rebase), Err(IntegrateError::BaseGone { .. })));
    assert_eq!(state(), before);
}

#[test]
fn fault_g24_a_second_merge_has_nothing_to_do() {
    for strategy in ALL {
        let f = Fixture::new();
        let task = f.task_with("one", "new.txt", "new\n");
        let first = integrate(&f, &task, strategy).unwrap();
        assert!(first.moved());
        let (refs, person) = (f.sh(&["for-each-ref"]), f.checkout_state());
        let second = integrate(&f, &task, strategy).unwrap();
        assert!(!second.moved() && second.commit == first.commit, "{strategy:?}");
        assert_eq!((f.sh(&["for-each-ref"]), f.checkout_state()), (refs, person), "{strategy:?}");
    }
}

#[test]
fn fault_g24_a_task_without_work_has_nothing_to_merge() {
    for strategy in ALL {
        let f = Fixture::new();
        let task = f.task("one");
        let head = f.head();
        assert!(!integrate(&f, &task, strategy).unwrap().moved());
        assert_eq!(f.head(), head);
    }
}

#[test]
fn fault_g4_a_detached_checkout_keeps_head_and_files() {
    let f = Fixture::new();
    f.sh(&["checkout", "-q", "--detach"]);
    f.write("a.txt", "mine\n");
    let task = f.task_with("one", "a.txt", "theirs\n");
    let state = || (f.sh(&["rev-parse", "HEAD"]), f.sh(&["status", "--porcelain=v2"]), tree(f.root()));
    let before = state();
    let done = integrate(&f, &task, Strategy::Rebase).unwrap();
    assert_eq!(f.head(), done.commit);
    assert_eq!(state(), before);
}

#[test]
fn fault_g9_a_worktree_that_is_gone_still_keeps_its_branch() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "new\n");
    let tip = f.sh(&["rev-parse", &task.branch]);
    fs::remove_dir_all(&task.path).unwrap();
    let entry = save(&f, &task).unwrap();
    assert_eq!(entry.record.tip.as_deref(), Some(tip.as_str()));
    worktree::remove(&f.repo, &task.path, &task.branch).unwrap();
    worktree::delete_branch(&f.repo, &task.branch, &tip).unwrap();
    restore(&f, &entry, &task.path);
    assert_eq!(f.sh(&["rev-parse", &task.branch]), tip);
    assert_eq!(f.at(&task.path, &["status", "--porcelain"]), "");
    assert_eq!(fs::read_to_string(task.path.join("new.txt")).unwrap(), "new\n");
}

#[test]
fn fault_g7_two_saves_in_one_second_keep_both() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "new\n");
    put(&task.path.join("left.txt"), "first\n");
    let first = save(&f, &task).unwrap();
    put(&task.path.join("left.txt"), "second\n");
    let second = save(&f, &task).unwrap();
    assert_ne!(first.reference, second.reference);
    assert_eq!(trash::list(&f.repo).unwrap().len(), 2);
    for (entry, text) in [(&first, "first\n"), (&second, "second\n")] {
        let blob = format!("{}^3:left.txt", entry.commit);
        assert_eq!(f.sh(&["cat-file", "-p", &blob]).trim_end(), text.trim_end());
    }
}
