//! Integration: all of it or nothing, and never a person's files.

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use orchestra::git::integrate::{self, GateVerdict, IntegrateError, IntegratePlan, Integrated, OwnHome};
use orchestra::git::worktree::{self, Created};
use orchestra::git::{Cancel, GitError, Hooks, InProgress};
use orchestra::model::Strategy;

use crate::fixture::{Fixture, lines, put, tree};

const ALL: [Strategy; 3] = [Strategy::Rebase, Strategy::Merge, Strategy::Squash];

pub struct Run<'a> {
    pub f: &'a Fixture,
    pub task: &'a Created,
    pub strategy: Strategy,
    pub hooks: Hooks,
    /// The task whose branch is the base; none: `main` is.
    pub parent: Option<&'a Created>,
    /// A branch that gets it instead of `main`.
    pub into: Option<&'a str>,
}

impl<'a> Run<'a> {
    pub fn new(f: &'a Fixture, task: &'a Created) -> Self {
        Self { f, task, strategy: Strategy::Rebase, hooks: Hooks::Off, parent: None, into: None }
    }

    fn gated(&self, gate: &mut dyn FnMut(&Path) -> GateVerdict) -> Result<Integrated, IntegrateError> {
        let dir = self.f.path("worktrees/.integrate");
        let plan = self.plan(&dir);
        integrate::run(&plan, Some(gate), &Cancel::default())
    }

    pub fn go(&self) -> Result<Integrated, IntegrateError> {
        self.gated(&mut |_| GateVerdict::Green)
    }

    fn plan<'b>(&'b self, dir: &'b Path) -> IntegratePlan<'b> {
        IntegratePlan {
            repo: &self.f.repo,
            worktree: &self.task.path,
            branch: &self.task.branch,
            base_branch: self.parent.map_or(self.into.unwrap_or("main"), |parent| &parent.branch),
            upstream: self.into.map(|_| "main"),
            own_home: self.parent.map(|parent| OwnHome { worktree: &parent.path, leftovers: "Keep the parent's" }),
            strategy: self.strategy,
            integration_dir: dir,
            leftovers: "Keep what was left",
            message: "Do the task",
            hooks: self.hooks,
        }
    }
}

/// Everything of a task that an error must leave as it was.
pub fn task_state(f: &Fixture, task: &Created) -> (String, Vec<(String, Vec<u8>)>) {
    let text = ["status --porcelain=v2 --branch", "ls-files --stage", "rev-parse HEAD"]
        .map(|args| f.at(&task.path, &args.split(' ').collect::<Vec<_>>()));
    (text.join("\n"), tree(&task.path))
}

/// Moves the person's checkout off the base.
fn elsewhere(f: &Fixture) {
    f.sh(&["switch", "-qc", "mine"]);
}

/// R139, R143, R145.
#[test]
fn each_strategy_brings_commits_and_leftovers_into_a_base_that_moved() {
    for strategy in ALL {
        let f = Fixture::new();
        let task = f.task_with("one", "new.txt", "x\n");
        put(&task.path.join("left.txt"), "left\n");
        put(&task.path.join("a.txt"), lines(1..9));
        f.write("theirs.txt", "t\n");
        f.sh(&["add", "-A"]);
        f.sh(&["commit", "-qm", "theirs"]);
        elsewhere(&f);
        let before = f.head();
        let seen = &mut Vec::new();
        let result = Run { strategy, ..Run::new(&f, &task) }
            .gated(&mut |dir| {
                seen.extend(tree(dir).into_iter().map(|(name, _)| name));
                GateVerdict::Green
            })
            .unwrap();
        assert_eq!(seen, &[".gitignore", "a.txt", "left.txt", "new.txt", "src/lib.rs", "theirs.txt"]);
        assert_eq!((result.before, result.commit.clone(), result.notice), (before, f.head(), None), "{strategy:?}");
        let subjects = f.sh(&["log", "--format=%s", "--first-parent", "main"]);
        let expected = match strategy {
            Strategy::Rebase => "Keep what was left\nchange new.txt\ntheirs\nstart",
            Strategy::Merge | Strategy::Squash => "Do the task\ntheirs\nstart",
        };
        assert_eq!(subjects, expected);
        assert_eq!(f.at(&task.path, &["rev-parse", "HEAD"]), result.commit);
        assert_eq!(f.at(&task.path, &["status", "--porcelain"]), "");
        assert!(!f.path("worktrees/.integrate").exists());
        assert_eq!(worktree::list(&f.repo).unwrap().len(), 2);
        // Once more: nothing to merge, and nothing moves.
        let again = Run { strategy, ..Run::new(&f, &task) }.go().unwrap();
        assert!(!again.moved(), "fault_g24");
    }
}

#[test]
fn a_rebase_keeps_authors_dates_and_commits_that_fit_already() {
    let f = Fixture::new();
    let task = f.task("one");
    put(&task.path.join("new.txt"), "x\n");
    f.at(&task.path, &["add", "-A"]);
    f.at(&task.path, &["commit", "-qm", "Subject\n\nBody", "--author", "Ágnes <a@b>", "--date", "1700000000 +0100"]);
    let kept = f.at(&task.path, &["rev-parse", "HEAD"]);
    elsewhere(&f);
    assert_eq!(Run::new(&f, &task).go().unwrap().commit, kept, "a fast-forward writes nothing new");
    let second = f.task_with("two", "b.txt", "b\n");
    let format = "--format=%an <%ae> %ad%n%B";
    let before = f.sh(&["log", "-1", format, "--date=raw", &kept]);
    f.sh(&["branch", "-f", "main", "main~1"]);
    f.sh(&["branch", "-f", "base2", "main"]);
    let tree = f.sh(&["rev-parse", "main^{tree}"]);
    let other = f.sh(&["commit-tree", &tree, "-p", "main", "-m", "other"]);
    f.sh(&["update-ref", "refs/heads/main", &other]);
    let result = Run::new(&f, &second).go().unwrap();
    assert_eq!(f.sh(&["log", "-1", format, "--date=raw", &format!("{}~1", result.commit)]), before);
}

#[test]
fn fault_g1_a_dirty_checkout_of_the_base_keeps_every_byte() {
    for strategy in ALL {
        let f = Fixture::new();
        let task = f.task_with("one", "new.txt", "x\n");
        f.write("a.txt", "stashed\n");
        f.sh(&["stash", "-q"]);
        f.write("src/lib.rs", "unstaged\n");
        f.write("staged.txt", "staged\n");
        f.sh(&["add", "staged.txt"]);
        f.write("staged.txt", "staged, then changed\n");
        f.write("untracked.txt", "u\n");
        f.write("some.log", "ignored\n");
        let status = |f: &Fixture| f.sh(&["status", "--porcelain", "--ignored"]);
        let (before, mut files, stash) = (status(&f), tree(f.root()), f.sh(&["stash", "list"]));
        let index = f.sh(&["ls-files", "--stage"]);
        let result = Run { strategy, ..Run::new(&f, &task) }.go().unwrap();
        assert_eq!(f.head(), result.commit);
        assert_eq!((status(&f), f.sh(&["stash", "list"])), (before, stash));
        files.push(("new.txt".into(), b"x\n".to_vec()));
        files.sort();
        assert_eq!(tree(f.root()), files);
        let without = |text: String| {
            text.lines().filter(|line| !line.ends_with("\tnew.txt")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(without(f.sh(&["ls-files", "--stage"])), without(index));
    }
}

#[test]
fn fault_g2_changes_in_the_way_refuse_it_by_name() {
    type Dirt = fn(&Fixture);
    let cases: [(&str, Dirt, &str); 5] = [
        ("unstaged", |f| f.write("a.txt", "mine\n"), "a.txt"),
        (
            "staged",
            |f| {
                f.write("a.txt", "mine\n");
                f.sh(&["add", "a.txt"]);
            },
            "a.txt",
        ),
        ("untracked", |f| f.write("new.txt", "mine\n"), "new.txt"),
        (
            "ignored",
            |f| {
                put(&f.repo.common_dir().join("info/exclude"), "new.txt\n");
                f.write("new.txt", "mine\n");
            },
            "new.txt",
        ),
        (
            "symlink on the way",
            |f| std::os::unix::fs::symlink(f.path("home"), f.root().join("deep")).unwrap(),
            "deep/file.txt",
        ),
    ];
    for (name, dirt, path) in cases {
        let f = Fixture::new();
        let task = f.task_with("one", "new.txt", "theirs\n");
        put(&task.path.join("deep/file.txt"), "x\n");
        put(&task.path.join("a.txt"), "theirs\n");
        dirt(&f);
        let (checkout, work, head) = (f.checkout_state(), task_state(&f, &task), f.head());
        let mut gates = 0;
        let result = Run::new(&f, &task).gated(&mut |_| {
            gates += 1;
            GateVerdict::Green
        });
        assert!(matches!(&result, Err(IntegrateError::Dirty { paths, .. }) if paths == &[path]), "{name}: {result:?}");
        assert_eq!((f.checkout_state(), task_state(&f, &task), f.head(), gates), (checkout, work, head, 0), "{name}");
    }
}

/// R141.
#[test]
fn fault_g3_a_conflict_leaves_everything_as_it_was() {
    for strategy in ALL {
        let f = Fixture::new();
        let task = f.task_with("one", "a.txt", "theirs\n");
        put(&task.path.join("left.txt"), "left\n");
        f.write("a.txt", "ours\n");
        f.sh(&["commit", "-qam", "ours"]);
        let state = (f.checkout_state(), task_state(&f, &task), f.sh(&["for-each-ref"]));
        assert_eq!(f.repo.predict(&task.branch, "main").unwrap(), ["a.txt"]);
        let result = Run { strategy, ..Run::new(&f, &task) }.go();
        assert!(matches!(&result, Err(IntegrateError::Conflict { files }) if files == &["a.txt"]), "{result:?}");
        assert_eq!((f.checkout_state(), task_state(&f, &task), f.sh(&["for-each-ref"])), state);
        assert!(f.repo.in_progress().is_none() && !f.path("worktrees/.integrate").exists());
    }
}

/// R143.
#[test]
fn a_red_gate_leaves_everything_as_it_was() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    put(&task.path.join("left.txt"), "left\n");
    f.at(&task.path, &["add", "left.txt"]);
    put(&task.path.join("left.txt"), "left, then changed\n");
    let state = (f.checkout_state(), task_state(&f, &task), f.sh(&["for-each-ref"]));
    let result = Run::new(&f, &task).gated(&mut |dir| {
        assert_eq!(fs::read_to_string(dir.join("left.txt")).unwrap(), "left, then changed\n");
        put(&dir.join("made/by/the/gate"), "x");
        GateVerdict::Red
    });
    assert!(matches!(result, Err(IntegrateError::GateRed)));
    assert_eq!((f.checkout_state(), task_state(&f, &task), f.sh(&["for-each-ref"])), state);
    assert!(!f.path("worktrees/.integrate").exists());
}

#[test]
fn what_a_killed_integration_left_is_in_nobodys_way() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    let dir = f.path("worktrees/.integrate");
    let reason = ["--lock", "--reason", "orchestra is making this worktree"];
    f.sh(&[&["worktree", "add", "-q", "--detach"][..], &reason, &[dir.to_str().unwrap(), "main"]].concat());
    put(&dir.join("half"), "x");
    assert!(Run::new(&f, &task).go().unwrap().moved());
    assert!(!dir.exists());
    // A folder that is no worktree of ours stays.
    put(&dir.join("mine"), "x");
    let second = f.task_with("two", "two.txt", "x\n");
    let result = Run::new(&f, &second).go();
    assert!(matches!(result, Err(IntegrateError::Git(GitError::PathTaken { .. }))), "{result:?}");
    assert!(dir.join("mine").exists());
}

#[test]
fn fault_g4_a_base_that_is_checked_out_nowhere_moves_alone() {
    for detach in [true, false] {
        let f = Fixture::new();
        let task = f.task_with("one", "new.txt", "x\n");
        if detach {
            f.sh(&["switch", "-q", "--detach"]);
        } else {
            elsewhere(&f);
        }
        f.write("new.txt", "my own\n");
        let (files, head) = (tree(f.root()), f.sh(&["rev-parse", "HEAD"]));
        let result = Run::new(&f, &task).go().unwrap();
        assert_eq!(f.head(), result.commit);
        assert_eq!((tree(f.root()), f.sh(&["rev-parse", "HEAD"])), (files, head));
    }
}

#[test]
fn fault_g4_a_base_in_another_worktree_moves_with_its_files_or_not_at_all() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    elsewhere(&f);
    let other = f.path("other");
    f.sh(&["worktree", "add", "-q", other.to_str().unwrap(), "main"]);
    put(&other.join("new.txt"), "in the way\n");
    assert!(matches!(Run::new(&f, &task).go(), Err(IntegrateError::Dirty { checkout, .. }) if checkout == other));
    fs::remove_file(other.join("new.txt")).unwrap();
    let checkout = tree(f.root());
    Run::new(&f, &task).go().unwrap();
    assert_eq!(fs::read_to_string(other.join("new.txt")).unwrap(), "x\n");
    assert_eq!((f.at(&other, &["status", "--porcelain"]), tree(f.root())), (String::new(), checkout));
    let second = f.task_with("two", "two.txt", "x\n");
    fs::remove_dir_all(&other).unwrap();
    let head = f.head();
    assert!(matches!(Run::new(&f, &second).go(), Err(IntegrateError::BaseElsewhere { path, .. }) if path == other));
    assert_eq!(f.head(), head);
}

#[test]
fn fault_g5_operations_in_progress_refuse_it_and_stay() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    f.sh(&["switch", "-qc", "side"]);
    f.write("a.txt", "side\n");
    f.sh(&["commit", "-qam", "side"]);
    f.sh(&["switch", "-q", "main"]);
    f.write("a.txt", "main\n");
    f.sh(&["commit", "-qam", "main"]);
    for (start, expected) in [(["merge", "side"], InProgress::Merge), (["rebase", "side"], InProgress::Rebase)] {
        assert!(!f.command(f.root()).args(start).output().unwrap().status.success());
        let (state, files) = (f.sh(&["status", "--porcelain=v2"]), tree(f.root()));
        let result = Run::new(&f, &task).go();
        assert!(matches!(&result, Err(IntegrateError::Busy { operation, .. }) if *operation == expected), "{result:?}");
        assert_eq!((f.sh(&["status", "--porcelain=v2"]), tree(f.root())), (state, files));
        f.sh(&[start[0], "--abort"]);
    }
    f.at(&task.path, &["switch", "-q", "--detach"]);
    assert!(matches!(Run::new(&f, &task).go(), Err(IntegrateError::Switched { .. })));
}

#[test]
fn fault_g12_a_live_index_lock_in_the_checkout_is_waited_for_and_never_removed() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    let lock = f.repo.git_dir().join("index.lock");
    put(&lock, "");
    let head = f.head();
    let result = Run::new(&f, &task).go();
    assert!(
        matches!(&result, Err(IntegrateError::Git(GitError::IndexLocked { lock: named })) if *named == lock),
        "{result:?}"
    );
    assert!(lock.exists() && f.head() == head);
    // Of somebody who is soon done with it.
    let (at_work, over) = channel::<()>();
    let owner = std::thread::spawn(move || {
        _ = over.recv_timeout(Duration::from_millis(200));
        fs::remove_file(lock)
    });
    Run::new(&f, &task).go().unwrap();
    owner.join().unwrap().unwrap();
    drop(at_work);
}

/// R138.
#[test]
fn another_branch_gets_the_own_commits_of_a_task_and_not_those_of_its_base() {
    for strategy in [Strategy::Rebase, Strategy::Squash] {
        let f = Fixture::new();
        f.sh(&["branch", "release"]);
        f.write("newer.txt", "n\n");
        f.sh(&["add", "-A"]);
        f.sh(&["commit", "-qm", "newer"]);
        let task = f.task_with("one", "new.txt", "x\n");
        put(&task.path.join("left.txt"), "left\n");
        let before = f.head();
        let result = Run { strategy, into: Some("release"), ..Run::new(&f, &task) }.go().unwrap();
        assert_eq!((f.head(), f.sh(&["rev-parse", "release"])), (before, result.commit));
        assert_eq!(f.sh(&["diff", "--name-only", "main~1", "release"]), "left.txt\nnew.txt", "{strategy:?}");
        let commits = f.sh(&["log", "--format=%s", "main~1..release"]);
        assert_eq!(commits.lines().count(), if strategy == Strategy::Squash { 1 } else { 2 }, "{commits}");
        let again = Run { strategy, into: Some("release"), ..Run::new(&f, &task) }.go().unwrap();
        assert!(!again.moved());
    }
}

/// R143.
#[test]
fn fault_g19_a_base_that_moves_under_the_gate_is_tried_again() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    elsewhere(&f);
    let mut gates = 0;
    let result = Run::new(&f, &task)
        .gated(&mut |dir| {
            gates += 1;
            if gates < 3 {
                let tree = f.sh(&["rev-parse", "main^{tree}"]);
                let moved = f.sh(&["commit-tree", &tree, "-p", "main", "-m", &format!("moved {gates}")]);
                f.sh(&["update-ref", "refs/heads/main", &moved]);
            }
            assert!(dir.join("new.txt").exists());
            GateVerdict::Green
        })
        .unwrap();
    assert_eq!(gates, 3);
    assert_eq!(f.sh(&["log", "--format=%s", &result.commit]), "change new.txt\nmoved 2\nmoved 1\nstart");
    let second = f.task_with("two", "two.txt", "x\n");
    let head = f.head();
    let result = Run::new(&f, &second).gated(&mut |_| {
        let tree = f.sh(&["rev-parse", "main^{tree}"]);
        let moved = f.sh(&["commit-tree", &tree, "-p", "main", "-m", "again"]);
        f.sh(&["update-ref", "refs/heads/main", &moved]);
        GateVerdict::Green
    });
    assert!(matches!(result, Err(IntegrateError::BaseMoved { .. })));
    assert_eq!(f.sh(&["merge-base", "main", &head]), head);
    f.sh(&["branch", "-qm", "main", "trunk"]);
    assert!(matches!(Run::new(&f, &second).go(), Err(IntegrateError::BaseGone { .. })), "fault_g20");
}

#[test]
fn fault_g15_hooks_run_when_trusted_and_their_words_are_shown() {
    let f = Fixture::new();
    let task = f.task("one");
    put(&task.path.join("left.txt"), "left\n");
    let marker = f.path("marker");
    f.hook("pre-commit", &marker, 1);
    let state = (f.checkout_state(), task_state(&f, &task));
    let result = Run { hooks: Hooks::Run, ..Run::new(&f, &task) }.go();
    let Err(IntegrateError::HookFailed { hook, output }) = result else { panic!("{result:?}") };
    assert_eq!((hook.as_str(), output.as_str()), ("pre-commit", "hook says no"));
    assert!(marker.exists());
    assert_eq!((f.checkout_state(), task_state(&f, &task)), state);
    fs::remove_file(&marker).unwrap();
    f.hook("commit-msg", &marker, 1);
    f.hook("post-merge", &marker, 1);
    f.hook("reference-transaction", &marker, 1);
    Run::new(&f, &task).go().unwrap();
    assert!(!marker.exists(), "fault_g18: without trust nothing runs");
}

#[test]
fn fault_g18_options_and_drivers_of_the_repository_are_not_obeyed() {
    let f = Fixture::new();
    let task = f.task_with("one", "a.txt", &lines(1..8));
    let marker = f.path("marker");
    f.write("a.txt", lines(2..10));
    f.sh(&["commit", "-qam", "ours"]);
    for (key, value) in [
        ("branch.main.mergeOptions", "--squash"),
        ("merge.autoStash", "true"),
        ("merge.ff", "false"),
        ("commit.gpgSign", "true"),
        ("gpg.program", "/nonexistent"),
        ("core.editor", &format!("touch '{}'", marker.display())),
        ("filter.x.clean", &format!("touch '{}'; cat", marker.display())),
        ("filter.x.smudge", &format!("touch '{}'; cat", marker.display())),
    ] {
        f.sh(&["config", key, value]);
    }
    put(&f.repo.common_dir().join("info/attributes"), "*.md filter=x\n");
    put(&task.path.join("left.md"), "left\n");
    let result = Run::new(&f, &task).go().unwrap();
    assert!(!marker.exists());
    assert_eq!((f.head(), f.sh(&["rev-parse", "HEAD"])), (result.commit.clone(), result.commit));
    assert_eq!(f.sh(&["status", "--porcelain"]), "");
}

#[test]
fn an_unknown_person_is_an_error_that_says_so() {
    let f = Fixture::new();
    let task = f.task("one");
    put(&task.path.join("left.txt"), "left\n");
    f.sh(&["config", "--unset", "user.email"]);
    f.sh(&["config", "user.useConfigOnly", "true"]);
    let result = Run::new(&f, &task).go();
    assert!(matches!(&result, Err(IntegrateError::Git(GitError::NoIdentity { .. }))), "{result:?}");
    assert!(result.unwrap_err().hint().unwrap().contains("user.email"));
}

#[test]
fn a_merge_can_be_taken_back_while_nothing_stands_on_it() {
    let f = Fixture::new();
    let task = f.task_with("one", "new.txt", "x\n");
    let result = Run::new(&f, &task).go().unwrap();
    assert!(matches!(
        integrate::undo(&f.repo, "main", &result.commit, &result.before),
        Err(IntegrateError::BaseElsewhere { .. })
    ));
    elsewhere(&f);
    integrate::undo(&f.repo, "main", &result.commit, &result.before).unwrap();
    assert_eq!(f.head(), result.before);
    let again = integrate::undo(&f.repo, "main", &result.commit, &result.before);
    assert!(matches!(again, Err(IntegrateError::BaseMoved { .. })));
}
