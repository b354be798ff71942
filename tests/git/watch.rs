//! The watcher: what an agent writes is told soon, what git ignores is not, and a diff follows within its time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use orchestra::git::diff::Differ;
use orchestra::git::watch::{Seen, Watcher};
use orchestra::git::{Cancel, Repo};

use crate::fixture::{Fixture, put};

const PATIENCE: Duration = Duration::from_secs(10);

fn watch(f: &Fixture, path: &Path, limit: Option<usize>) -> (Repo, Watcher, Receiver<Seen>) {
    let repo = f.repo.at(path).unwrap();
    let (sender, seen) = channel();
    let watcher = Watcher::start(&repo, "main", limit, move |what| drop(sender.send(what))).unwrap();
    (repo, watcher, seen)
}

/// Waits for something that holds; everything else on the way is passed over.
fn until(seen: &Receiver<Seen>, what: &str, holds: impl Fn(&Seen) -> bool) -> Seen {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match seen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(found) if holds(&found) => return found,
            Ok(_) => {}
            Err(error) => panic!("{what} was not seen: {error}"),
        }
    }
}

fn path(seen: &Receiver<Seen>, path: &str) {
    until(seen, path, |seen| matches!(seen, Seen::Paths(paths) if paths.contains(&PathBuf::from(path))));
}

#[test]
fn files_new_folders_and_refs_are_told() {
    let f = Fixture::new();
    let task = f.task("one");
    let (_repo, _watcher, seen) = watch(&f, &task.path, None);
    until(&seen, "the start", |seen| *seen == Seen::Rescan);
    put(&task.path.join("a.txt"), "mine\n");
    path(&seen, "a.txt");
    put(&task.path.join("new/deep/file.txt"), "x\n");
    path(&seen, "new/deep/file.txt");
    put(&task.path.join("new/deep/file.txt"), "y\n");
    path(&seen, "new/deep/file.txt");
    fs::rename(task.path.join("new"), task.path.join("moved")).unwrap();
    path(&seen, "moved/deep/file.txt");
    put(&task.path.join("moved/deep/file.txt"), "z\n");
    path(&seen, "moved/deep/file.txt");
    fs::remove_file(task.path.join("src/lib.rs")).unwrap();
    path(&seen, "src/lib.rs");
    f.at(&task.path, &["commit", "-q", "--allow-empty", "-m", "x"]);
    until(&seen, "a commit", |seen| *seen == Seen::Git);
    f.sh(&["commit", "-q", "--allow-empty", "-m", "base"]);
    until(&seen, "the base moving", |seen| *seen == Seen::Git);
}

#[test]
fn ignored_folders_say_nothing() {
    let f = Fixture::new();
    let task = f.task("one");
    put(&task.path.join("target/old"), "x");
    let (_repo, _watcher, seen) = watch(&f, &task.path, None);
    until(&seen, "the start", |seen| *seen == Seen::Rescan);
    put(&task.path.join("target/old"), "y");
    put(&task.path.join("target/more/new"), "y");
    put(&task.path.join("crate/target/deep/new"), "y");
    put(&task.path.join("crate/end.txt"), "x");
    let mut told = Vec::new();
    while !told.contains(&PathBuf::from("crate/end.txt")) {
        match seen.recv_timeout(PATIENCE).expect("the last file is told") {
            Seen::Paths(paths) => told.extend(paths),
            other => panic!("{other:?}"),
        }
    }
    put(&task.path.join("crate/target/deep/newer"), "y");
    put(&task.path.join("last.txt"), "x");
    let Seen::Paths(last) = until(&seen, "a file", |seen| matches!(seen, Seen::Paths(_))) else { unreachable!() };
    told.extend(last);
    assert!(!told.iter().any(|path| path.to_string_lossy().contains("target/")), "{told:?}");
}

#[test]
fn fault_f7_without_watches_it_polls_and_says_so_once() {
    let f = Fixture::new();
    let task = f.task("one");
    let (_repo, watcher, seen) = watch(&f, &task.path, Some(2));
    assert!(matches!(seen.recv_timeout(PATIENCE), Ok(Seen::Polling(reason)) if reason.contains("more than 2")));
    for _ in 0..2 {
        assert_eq!(seen.recv_timeout(PATIENCE), Ok(Seen::Rescan));
    }
    drop(watcher);
    assert!(seen.try_iter().all(|seen| seen == Seen::Rescan));
    assert!(seen.recv().is_err(), "its thread has ended");
}

#[test]
fn our_own_looks_wake_nobody() {
    let f = Fixture::new();
    let task = f.task("one");
    let (repo, _watcher, seen) = watch(&f, &task.path, None);
    until(&seen, "the start", |seen| *seen == Seen::Rescan);
    put(&task.path.join("a.txt"), "mine\n");
    path(&seen, "a.txt");
    let mut differ = Differ::new(&repo, "main", &task.commit);
    differ.scan(&Cancel::default()).unwrap();
    put(&task.path.join("marker.txt"), "x");
    assert_eq!(seen.recv_timeout(PATIENCE), Ok(Seen::Paths(vec!["marker.txt".into()])));
}

#[test]
fn a_save_becomes_a_new_diff_in_time() {
    let f = Fixture::new();
    for n in 0..3_000 {
        put(&f.root().join(format!("many/{}/{n}.txt", n % 100)), format!("{n}\n"));
    }
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "many"]);
    let task = f.task("one");
    let (repo, _watcher, seen) = watch(&f, &task.path, None);
    until(&seen, "the start", |seen| *seen == Seen::Rescan);
    let mut differ = Differ::new(&repo, "main", &task.commit);
    differ.scan(&Cancel::default()).unwrap();
    let mut times: Vec<_> = (0..9)
        .map(|n| {
            let began = Instant::now();
            put(&task.path.join(format!("many/{n}/{n}.txt")), format!("new {n}\n"));
            let Seen::Paths(paths) = until(&seen, "a save", |seen| matches!(seen, Seen::Paths(_))) else {
                unreachable!()
            };
            let diff = differ.refresh(&paths, &Cancel::default()).unwrap();
            assert_eq!(diff.files.len(), n + 1);
            began.elapsed()
        })
        .collect();
    times.sort();
    // The middle one: a busy machine may hold up a few.
    assert!(times[4] < Duration::from_millis(150), "{times:?}");
}
