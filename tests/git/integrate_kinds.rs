//! Integration in repositories with more in them than files: filters, signatures, submodules, parts of a checkout, and bases
//! that are checked out in a worktree of ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use orchestra::git::Hooks;
use orchestra::git::integrate::{IntegrateError, base_side};
use orchestra::git::worktree::{self, WorktreePlan};
use orchestra::git::{Cancel, GitError};

use crate::fixture::{Fixture, put};
use crate::integrate::{Run, task_state};

/// A program in the fixture's folder.
fn program(f: &Fixture, name: &str, body: &str) -> String {
    let path = f.path(name);
    put(&path, format!("#!/bin/sh\n{body}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn trusted<'a>(f: &'a Fixture, task: &'a worktree::Created) -> Run<'a> {
    Run { hooks: Hooks::Run, ..Run::new(f, task) }
}

#[test]
fn fault_g14_what_a_large_file_filter_stores_is_stored_and_what_it_shows_is_shown() {
    let f = Fixture::new();
    // As LFS does it: a pointer in the repository, the content in the checkout.
    f.sh(&["config", "filter.big.clean", &program(&f, "clean", "sed s/^content/pointer/")]);
    f.sh(&["config", "filter.big.smudge", &program(&f, "smudge", "sed s/^pointer/content/")]);
    f.sh(&["config", "filter.big.required", "true"]);
    f.write(".gitattributes", "*.bin filter=big\n");
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "attributes"]);
    let task = f.task("one");
    put(&task.path.join("left.bin"), "content of it\n");
    let result = trusted(&f, &task).go().unwrap();
    assert_eq!(f.sh(&["show", "main:left.bin"]), "pointer of it");
    assert_eq!(fs::read_to_string(f.root().join("left.bin")).unwrap(), "content of it\n");
    assert_eq!((f.sh(&["status", "--porcelain"]), f.at(&task.path, &["status", "--porcelain"])), Default::default());
    assert_eq!(result.notice, None);
}

#[test]
fn fault_g19_a_base_that_moves_while_files_are_brought_in_gets_them_once() {
    let f = Fixture::new();
    // Another merge has brought its file in, and moves the branch while ours is at work.
    f.write("theirs.txt", "t\n");
    f.sh(&["add", "-A"]);
    let tree = f.sh(&["write-tree"]);
    let theirs = f.sh(&["commit-tree", &tree, "-p", "main", "-m", "theirs"]);
    let moves = format!("env -u GIT_DIR -u GIT_INDEX_FILE git update-ref refs/heads/main {theirs}");
    let (root, once) = (f.root().display(), f.path("once"));
    let body = format!("test \"$PWD\" = '{root}' && mkdir '{}' && {moves}\ncat", once.display());
    f.sh(&["config", "filter.slow.smudge", &program(&f, "smudge", &body)]);
    let task = f.task("one");
    put(&f.repo.common_dir().join("info/attributes"), "*.slow filter=slow\n");
    put(&task.path.join("left.slow"), "ours\n");
    let result = trusted(&f, &task).go().unwrap();
    assert!(once.exists());
    assert_eq!(f.sh(&["log", "--format=%s", &result.commit]), "Keep what was left\ntheirs\nstart");
    assert_eq!((f.sh(&["status", "--porcelain"]), f.head()), (String::new(), result.commit));
    assert_eq!(fs::read_to_string(f.root().join("left.slow")).unwrap(), "ours\n");
}

#[test]
fn fault_g14_commits_are_signed_as_the_person_signs_them() {
    let f = Fixture::new();
    let gpg = program(
        &f,
        "gpg",
        "cat >/dev/null; echo '[GNUPG:] SIG_CREATED ' >&2; printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nmine\\n-----END PGP SIGNATURE-----\\n'",
    );
    f.sh(&["config", "gpg.program", &gpg]);
    f.sh(&["config", "commit.gpgSign", "true"]);
    let task = f.task("one");
    put(&task.path.join("left.txt"), "left\n");
    f.write("theirs.txt", "t\n");
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "theirs"]);
    trusted(&f, &task).go().unwrap();
    assert!(
        f.sh(&["cat-file", "commit", "main"]).contains("gpgsig -----BEGIN PGP SIGNATURE-----"),
        "as `git rebase` does"
    );
    // A signature that cannot be made ends it, and nothing has changed.
    program(&f, "gpg", "exit 2");
    let second = f.task("two");
    put(&second.path.join("more.txt"), "more\n");
    let state = (f.checkout_state(), task_state(&f, &second));
    let result = trusted(&f, &second).go();
    assert!(matches!(result, Err(IntegrateError::Git(GitError::Failed { .. }))), "{result:?}");
    assert_eq!((f.checkout_state(), task_state(&f, &second)), state);
}

#[test]
fn fault_g14_a_submodule_moves_as_a_link_and_its_checkout_is_a_persons() {
    let f = Fixture::new();
    let library = f.path("library");
    fs::create_dir_all(&library).unwrap();
    f.at(&library, &["init", "-q", "-b", "main"]);
    f.at(&library, &["config", "user.name", "L"]);
    f.at(&library, &["config", "user.email", "l@example.invalid"]);
    for name in ["first", "second"] {
        f.at(&library, &["commit", "-q", "--allow-empty", "-m", name]);
    }
    let (first, second) = (f.at(&library, &["rev-parse", "main~1"]), f.at(&library, &["rev-parse", "main"]));
    f.sh(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.to_str().unwrap(), "lib"]);
    let checkout = f.root().join("lib");
    f.at(&checkout, &["checkout", "-q", &first]);
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "library"]);
    let task = f.task("one");
    f.at(&task.path, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"]);
    f.at(&task.path.join("lib"), &["checkout", "-q", &second]);
    put(&task.path.join("left.txt"), "left\n");
    trusted(&f, &task).go().unwrap();
    assert_eq!(f.sh(&["rev-parse", "main:lib"]), second);
    assert_eq!(f.at(&checkout, &["rev-parse", "HEAD"]), first, "`git merge` leaves a submodule's files alone");
    assert_eq!(f.sh(&["show", "main:left.txt"]), "left");
}

#[test]
fn fault_g14_a_sparse_checkout_stays_sparse() {
    let f = Fixture::new();
    f.write("docs/guide.md", "guide\n");
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "docs"]);
    f.sh(&["sparse-checkout", "set", "src"]);
    assert!(!f.root().join("docs").exists());
    let task = f.task("one");
    f.at(&task.path, &["sparse-checkout", "disable"]);
    put(&task.path.join("docs/more.md"), "more\n");
    put(&task.path.join("src/new.rs"), "// new\n");
    Run::new(&f, &task).go().unwrap();
    assert_eq!(f.sh(&["show", "main:docs/more.md"]), "more");
    assert!(f.root().join("src/new.rs").exists() && !f.root().join("docs").exists());
    assert_eq!(f.sh(&["status", "--porcelain"]), "");
    // The other way round: what an agent left outside of its own part is kept too.
    let second = f.task("two");
    f.at(&second.path, &["sparse-checkout", "set", "src"]);
    put(&second.path.join("docs/left.md"), "left\n");
    Run::new(&f, &second).go().unwrap();
    assert_eq!(f.sh(&["ls-tree", "--name-only", "main", "docs/"]), "docs/guide.md\ndocs/left.md\ndocs/more.md");
}

/// A task on the branch of another one.
fn child(f: &Fixture, parent: &worktree::Created, slug: &str) -> worktree::Created {
    let base_commit = f.sh(&["rev-parse", &parent.branch]);
    worktree::create(&f.repo, &WorktreePlan { base_commit, ..f.plan(slug) }, &Cancel::default()).unwrap()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn fault_g26_a_base_in_a_worktree_of_ours_moves_with_its_files_after_what_was_left_there() {
    let f = Fixture::new();
    let parent = f.task("whole");
    let task = child(&f, &parent, "piece");
    put(&parent.path.join("a.txt"), "the parent's\n");
    put(&parent.path.join("note.txt"), "note\n");
    put(&task.path.join("new.txt"), "new\n");
    let main = (f.checkout_state(), f.head());
    let run = Run { parent: Some(&parent), ..Run::new(&f, &task) };
    let result = run.go().unwrap();
    assert_eq!(
        f.sh(&["log", "--format=%s", &format!("main..{}", parent.branch)]),
        "Keep what was left\nKeep the parent's"
    );
    assert_eq!(f.at(&parent.path, &["rev-parse", "HEAD"]), result.commit);
    assert_eq!(f.at(&parent.path, &["status", "--porcelain"]), "");
    for (file, content) in [("a.txt", "the parent's\n"), ("note.txt", "note\n"), ("new.txt", "new\n")] {
        assert_eq!(text(&parent.path.join(file)), content);
        assert_eq!(text(&task.path.join(file)), content, "the piece follows");
    }
    assert_eq!((f.checkout_state(), f.head()), main, "the person's checkout has no part in it");
}

#[test]
fn fault_g26_what_cannot_be_committed_there_refuses_it() {
    let f = Fixture::new();
    let parent = f.task("whole");
    let task = child(&f, &parent, "piece");
    f.at(&task.path, &["commit", "-q", "--allow-empty", "-m", "nothing left here"]);
    put(&parent.path.join("note.txt"), "note\n");
    f.hook("pre-commit", &f.path("marker"), 1);
    let state = (task_state(&f, &parent), task_state(&f, &task));
    let run = Run { hooks: Hooks::Run, parent: Some(&parent), ..Run::new(&f, &task) };
    let result = run.go();
    let Err(IntegrateError::Unsettled { home, why }) = &result else { panic!("{result:?}") };
    assert!(*home == parent.path && matches!(**why, IntegrateError::HookFailed { .. }), "{why:?}");
    assert!(result.unwrap_err().hint().unwrap().contains("Commit it"));
    f.at(&parent.path, &["switch", "-qc", "mine"]);
    let result = run.go();
    assert!(
        matches!(&result, Err(IntegrateError::Unsettled { why, .. }) if matches!(**why, IntegrateError::Switched { .. }))
    );
    f.at(&parent.path, &["switch", "-q", &parent.branch]);
    f.sh(&["branch", "-qD", "mine"]);
    assert_eq!((task_state(&f, &parent), task_state(&f, &task)), state);
}

#[test]
fn the_other_side_of_a_conflict_is_told_by_who_brought_it() {
    let f = Fixture::new();
    let task = f.task_with("mine", "a.txt", "mine\n");
    let other = f.task_with("other", "a.txt", "other\n");
    Run::new(&f, &other).go().unwrap();
    f.write("a.txt", "by hand\n");
    f.sh(&["commit", "-qam", "by hand"]);
    f.write("b.txt", "elsewhere\n");
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "elsewhere"]);
    let result = Run::new(&f, &task).go();
    let Err(IntegrateError::Conflict { files }) = result else { panic!("{result:?}") };
    let landed = ["task/gone", other.branch.as_str()];
    let commits = base_side(&f.repo, (&task.branch, "main"), &files, &landed).unwrap();
    let told: Vec<_> = commits.iter().map(|commit| (commit.subject.as_str(), commit.by)).collect();
    assert_eq!(told, [("by hand", None), ("change a.txt", Some(1))]);
}
