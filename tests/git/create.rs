//! Making worktrees: alone, in a crowd, after a crash, and beside what is there already.

use std::fs;
use std::sync::Barrier;
use std::time::{Duration, SystemTime};

use orchestra::git::worktree::{self, Attempt, WorktreePlan};
use orchestra::git::{Cancel, GitError, Hooks, include};

use crate::fixture::{Fixture, mkfifo, put, tree};

#[test]
fn a_worktree_is_made_on_its_own_branch() {
    let f = Fixture::new();
    let task = f.task("one");
    assert_eq!(tree(&task.path), tree(f.root()));
    assert_eq!(task.commit, f.head());
    let all = worktree::list(&f.repo).unwrap();
    assert_eq!((all.len(), all[1].branch.as_deref(), all[1].locked.as_deref()), (2, Some("task/one"), None));
    assert_eq!(f.sh(&["status", "--porcelain"]), "");
}

#[test]
fn fault_g10_sixteen_at_once_from_a_remote_base_all_work() {
    let f = Fixture::new();
    f.sh(&["remote", "add", "origin", "."]);
    f.sh(&["fetch", "-q"]);
    let barrier = Barrier::new(16);
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..16)
            .map(|n| {
                let (f, barrier) = (&f, &barrier);
                scope.spawn(move || {
                    let plan =
                        WorktreePlan { base_commit: f.sh(&["rev-parse", "origin/main"]), ..f.plan(&format!("t{n}")) };
                    barrier.wait();
                    worktree::create(&f.repo, &plan, &Cancel::default()).map(drop)
                })
            })
            .collect();
        for job in jobs {
            job.join().unwrap().unwrap();
        }
    });
    assert_eq!(worktree::list(&f.repo).unwrap().len(), 17);
}

#[test]
fn fault_g6_a_taken_branch_or_path_is_left_alone() {
    let f = Fixture::new();
    f.sh(&["branch", "task/taken"]);
    f.sh(&["branch", "task/deep/er"]);
    let before = f.sh(&["for-each-ref"]);
    let fails = |slug: &str| worktree::create(&f.repo, &f.plan(slug), &Cancel::default()).unwrap_err();
    assert!(matches!(fails("taken"), GitError::BranchTaken { branch } if branch == "task/taken"));
    assert!(matches!(fails("deep"), GitError::BranchClash { other, .. } if other == "task/deep/er"));
    put(&f.path("worktrees/full/mine.txt"), "mine");
    assert!(matches!(fails("full"), GitError::PathTaken { .. }));
    let again = WorktreePlan { attempt: Attempt::Again, ..f.plan("full") };
    assert!(matches!(worktree::create(&f.repo, &again, &Cancel::default()), Err(GitError::PathTaken { .. })));
    assert_eq!(fs::read_to_string(f.path("worktrees/full/mine.txt")).unwrap(), "mine");
    assert_eq!(f.sh(&["for-each-ref"]), before);
    assert_eq!(worktree::list(&f.repo).unwrap().len(), 1);
}

#[test]
fn fault_g6_a_branch_that_moved_is_not_taken_for_ours() {
    let f = Fixture::new();
    f.sh(&["branch", "task/one"]);
    f.sh(&["commit", "-q", "--allow-empty", "-m", "on"]);
    let again = WorktreePlan { attempt: Attempt::Again, ..f.plan("one") };
    let old = f.sh(&["rev-parse", "task/one"]);
    assert!(matches!(worktree::create(&f.repo, &again, &Cancel::default()), Err(GitError::BranchTaken { .. })));
    assert_eq!(f.sh(&["rev-parse", "task/one"]), old);
}

#[test]
fn fault_g23_names_that_differ_in_case_only_are_refused_where_they_are_one() {
    let f = Fixture::new();
    f.sh(&["branch", "task/Fix"]);
    f.sh(&["config", "core.ignoreCase", "true"]);
    let error = worktree::create(&f.repo, &f.plan("fix"), &Cancel::default()).unwrap_err();
    assert!(matches!(error, GitError::BranchTaken { branch } if branch == "task/Fix"));
}

/// Half-made states as a kill leaves them, each cut from a whole one.
#[test]
fn fault_p8_a_second_attempt_finishes_whatever_the_first_one_left() {
    type Cut = fn(&Fixture, &WorktreePlan);
    let record =
        |f: &Fixture, plan: &WorktreePlan| f.repo.common_dir().join("worktrees").join(plan.path.file_name().unwrap());
    let cuts: [(&str, Cut); 7] = [
        ("nothing", |_, _| {}),
        ("branch only", |f, plan| drop(f.sh(&["branch", "--no-track", &plan.branch, &plan.base_commit]))),
        ("record begun", |f, plan| {
            let id = f.repo.common_dir().join("worktrees").join(plan.path.file_name().unwrap());
            put(&id.join("locked"), "orchestra is making this worktree");
        }),
        ("folder with a .git file that leads nowhere", |f, plan| {
            let id = f.repo.common_dir().join("worktrees/gone");
            put(&plan.path.join(".git"), format!("gitdir: {}\n", id.display()));
        }),
        ("files missing", |f, plan| {
            half(f, plan);
            fs::remove_dir_all(plan.path.join("src")).unwrap();
        }),
        ("index locked", |f, plan| {
            half(f, plan);
            put(&f.repo.common_dir().join("worktrees").join(plan.path.file_name().unwrap()).join("index.lock"), "");
        }),
        ("folder gone", |f, plan| {
            half(f, plan);
            fs::remove_dir_all(&plan.path).unwrap();
        }),
    ];
    for (name, cut) in cuts {
        let f = Fixture::new();
        let plan = f.plan("one");
        cut(&f, &plan);
        let again = WorktreePlan { attempt: Attempt::Again, ..plan.clone() };
        let created = worktree::create(&f.repo, &again, &Cancel::default());
        created.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(f.at(&plan.path, &["status", "--porcelain"]), "", "{name}");
        assert_eq!(tree(&plan.path), tree(f.root()), "{name}");
        assert!(record(&f, &plan).is_dir() && !record(&f, &plan).join("locked").exists(), "{name}");
        assert_eq!(fs::read_dir(f.repo.common_dir().join("worktrees")).unwrap().count(), 1, "{name}");
        // Once it is whole, another attempt changes nothing, for an agent may work there.
        put(&plan.path.join("work.txt"), "mine");
        worktree::create(&f.repo, &again, &Cancel::default()).unwrap();
        assert!(plan.path.join("work.txt").exists(), "{name}");
    }
}

fn half(f: &Fixture, plan: &WorktreePlan) {
    let path = plan.path.to_str().unwrap();
    let lock = ["--lock", "--reason", "orchestra is making this worktree"];
    f.sh(
        &[&["worktree", "add", "-q", "--no-track"][..], &lock, &["-b", &plan.branch, path, &plan.base_commit]].concat()
    );
}

/// Real kills: `git` dies at different moments, and a second attempt always ends whole.
#[test]
fn fault_p8_git_killed_at_any_moment_while_making_a_worktree() {
    let f = Fixture::new();
    for n in 0..300 {
        put(&f.root().join(format!("many/{n}.txt")), "x".repeat(4_000));
    }
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "many"]);
    for n in 0..12_u64 {
        let plan = f.plan(&format!("k{n}"));
        let path = plan.path.to_str().unwrap();
        let mut child = f
            .command(f.root())
            .args(["worktree", "add", "-q", "--no-track", "--lock", "--reason", "orchestra is making this worktree"])
            .args(["-b", &plan.branch, path, &plan.base_commit])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        assert!(receiver.recv_timeout(Duration::from_millis(n)).is_err());
        drop(sender);
        child.kill().unwrap();
        child.wait().unwrap();
        let again = WorktreePlan { attempt: Attempt::Again, ..plan.clone() };
        match worktree::create(&f.repo, &again, &Cancel::default()) {
            Ok(_) => assert_eq!(f.at(&plan.path, &["status", "--porcelain"]), "", "killed after {n} ms"),
            // Named, never removed on a guess.
            Err(GitError::RefLocked { lock }) => assert!(lock.exists()),
            Err(error) => panic!("killed after {n} ms: {error}"),
        }
    }
}

#[test]
fn a_canceled_creation_leaves_nothing() {
    let f = Fixture::new();
    let cancel = Cancel::default();
    cancel.cancel();
    assert!(matches!(worktree::create(&f.repo, &f.plan("one"), &cancel), Err(GitError::Canceled { .. })));
    assert_eq!(f.repo.branches().unwrap(), ["main"]);
    assert_eq!(worktree::list(&f.repo).unwrap().len(), 1);
    assert!(!f.path("worktrees/one").exists());
}

#[test]
fn fault_g12_a_lock_of_another_git_is_named_and_stays() {
    let f = Fixture::new();
    let lock = f.repo.common_dir().join("refs/heads/task/one.lock");
    put(&lock, "");
    let old = SystemTime::now() - Duration::from_hours(24);
    fs::File::options().write(true).open(&lock).unwrap().set_modified(old).unwrap();
    let error = worktree::create(&f.repo, &f.plan("one"), &Cancel::default()).unwrap_err();
    assert!(matches!(&error, GitError::RefLocked { lock: named } if *named == lock), "{error:?}");
    assert!(lock.exists() && !f.path("worktrees/one").exists());
}

#[test]
fn fault_g17_making_a_worktree_runs_nothing_of_the_repository() {
    let f = Fixture::new();
    let marker = f.path("marker");
    let run = format!("touch '{}'; cat", marker.display());
    for (key, value) in [
        ("filter.x.smudge", run.as_str()),
        ("filter.x.process", &run),
        ("core.fsmonitor", &run),
        ("filter.x.required", "false"),
    ] {
        f.sh(&["config", key, value]);
    }
    put(&f.repo.common_dir().join("info/attributes"), "*.txt filter=x\n");
    f.hook("post-checkout", &marker, 0);
    f.hook("reference-transaction", &marker, 0);
    let task = f.task("one");
    assert!(!marker.exists());
    let plan = WorktreePlan { hooks: Hooks::Run, ..f.plan("two") };
    f.sh(&["config", "--unset-all", "filter.x.process"]);
    worktree::create(&f.repo, &plan, &Cancel::default()).unwrap();
    assert!(marker.exists(), "trusted hooks do run");
    drop(task);
}

#[test]
fn worktreeinclude_copies_ignored_files_and_nothing_else() {
    let f = Fixture::new();
    f.write(".worktreeinclude", ".env\nconfig/*.log\npipe.log\ndoor.log\nbroken[\n");
    f.write(".env", "SECRET=1\n");
    f.write("config/local.log", "l\n");
    f.write("other.log", "no\n");
    std::os::unix::fs::symlink("/etc/passwd", f.root().join("door.log")).unwrap();
    mkfifo(&f.root().join("pipe.log"));
    let task = f.task("one");
    put(&task.path.join("config/local.log"), "own");
    let included = include::copy(&f.repo, &task.path, &Cancel::default()).unwrap();
    assert_eq!(included.copied, [std::path::PathBuf::from(".env")]);
    assert_eq!(fs::read_to_string(task.path.join("config/local.log")).unwrap(), "own");
    assert!(!task.path.join("door.log").exists() && !task.path.join("other.log").exists());
}

#[test]
fn a_link_replaces_links_only() {
    let f = Fixture::new();
    let link = f.root().join(".orchestra/.worktrees/one");
    worktree::link(&link, f.root()).unwrap();
    worktree::link(&link, &f.path("home")).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), f.path("home"));
    worktree::unlink(&link).unwrap();
    worktree::unlink(&link).unwrap();
    put(&link.join("mine"), "x");
    assert!(matches!(worktree::link(&link, f.root()), Err(GitError::PathTaken { .. })));
    assert!(matches!(worktree::unlink(&link), Err(GitError::PathTaken { .. })));
}
