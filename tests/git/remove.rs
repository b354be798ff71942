//! Removing worktrees: ours only, whatever stands in their place.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use orchestra::git::GitError;
use orchestra::git::worktree::{self, Removed};

use crate::fixture::{Fixture, put};

#[test]
fn a_worktree_goes_with_its_record_and_keeps_its_branch() {
    let f = Fixture::new();
    let task = f.task("one");
    put(&task.path.join("cache/file"), "x");
    fs::set_permissions(task.path.join("cache"), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(worktree::remove(&f.repo, &task.path, &task.branch).unwrap(), Removed::Removed);
    assert!(!task.path.exists());
    assert_eq!(worktree::list(&f.repo).unwrap().len(), 1);
    assert_eq!(worktree::remove(&f.repo, &task.path, &task.branch).unwrap(), Removed::WasGone);
    assert!(f.repo.branch(&task.branch).unwrap().is_some());
    worktree::delete_branch(&f.repo, &task.branch, &task.commit).unwrap();
    assert_eq!(f.repo.branch(&task.branch).unwrap(), None);
}

#[test]
fn fault_p7_a_removal_that_was_cut_short_is_finished() {
    let f = Fixture::new();
    let [renamed, forgotten] = ["renamed", "forgotten"].map(|slug| f.task(slug));
    let doomed = |slug: &str| f.path(&format!("worktrees/.{slug}.gone"));
    for task in [&renamed, &forgotten] {
        fs::rename(&task.path, doomed(task.path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    f.sh(&["worktree", "prune"]);
    assert_eq!(worktree::remove(&f.repo, &forgotten.path, &forgotten.branch).unwrap(), Removed::WasGone);
    assert!(!doomed("forgotten").exists() && doomed("renamed").exists());
    worktree::remove(&f.repo, &renamed.path, &renamed.branch).unwrap();
    assert!(!doomed("renamed").exists() && worktree::list(&f.repo).unwrap().len() == 1);
}

#[test]
fn fault_f9_a_symlink_in_its_place_is_unlinked_and_never_followed() {
    let f = Fixture::new();
    let task = f.task("one");
    let precious = f.path("precious");
    put(&precious.join("file"), "x");
    fs::rename(&task.path, f.path("aside")).unwrap();
    std::os::unix::fs::symlink(&precious, &task.path).unwrap();
    assert_eq!(worktree::remove(&f.repo, &task.path, &task.branch).unwrap(), Removed::WasSymlink);
    assert!(precious.join("file").exists() && task.path.symlink_metadata().is_err());
}

#[test]
fn fault_g9_missing_moved_and_locked_are_told_apart() {
    let f = Fixture::new();
    let [gone, moved, locked] = ["gone", "moved", "locked"].map(|slug| f.task(slug));
    fs::remove_dir_all(&gone.path).unwrap();
    assert!(
        worktree::list(&f.repo)
            .unwrap()
            .iter()
            .any(|entry| entry.missing && entry.branch.as_deref() == Some("task/gone"))
    );
    assert_eq!(worktree::remove(&f.repo, &gone.path, &gone.branch).unwrap(), Removed::WasMissing);
    let to = f.path("worktrees/elsewhere");
    f.sh(&["worktree", "move", moved.path.to_str().unwrap(), to.to_str().unwrap()]);
    let error = worktree::remove(&f.repo, &moved.path, &moved.branch).unwrap_err();
    assert!(matches!(error, GitError::WorktreeMoved { to: found, .. } if found == to));
    f.sh(&["worktree", "lock", "--reason", "on a stick", locked.path.to_str().unwrap()]);
    let error = worktree::remove(&f.repo, &locked.path, &locked.branch).unwrap_err();
    assert!(matches!(error, GitError::WorktreeLocked { reason, .. } if reason == "on a stick"));
    assert!(to.exists() && locked.path.exists());
}

#[test]
fn what_is_not_registered_is_never_removed() {
    let f = Fixture::new();
    let stranger = f.path("worktrees/stranger");
    put(&stranger.join("file"), "x");
    let refused = |path| matches!(worktree::remove(&f.repo, path, "task/x"), Err(GitError::NotAWorktree { .. }));
    assert!(refused(&stranger) && refused(f.root()));
    let task = f.task("one");
    fs::remove_dir_all(&task.path).unwrap();
    f.at(&f.path("worktrees"), &["init", "-q", "one"]);
    assert!(refused(&task.path), "another repository stands in its place");
    assert!(stranger.join("file").exists() && task.path.join(".git").exists());
}

#[test]
fn a_branch_that_moved_or_is_in_use_stays() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    assert!(matches!(worktree::delete_branch(&f.repo, &task.branch, &task.commit), Err(GitError::BranchInUse { .. })));
    worktree::remove(&f.repo, &task.path, &task.branch).unwrap();
    assert!(matches!(worktree::delete_branch(&f.repo, &task.branch, &task.commit), Err(GitError::BranchMoved { .. })));
    assert!(f.repo.branch(&task.branch).unwrap().is_some());
}
