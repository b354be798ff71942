//! The targets on a repository of 50,000 files. Run with `--ignored`, alone, on a machine at rest.

use std::time::{Duration, Instant};

use orchestra::git::diff::Differ;
use orchestra::git::worktree::{self, WorktreePlan};
use orchestra::git::{Cancel, Hooks};

use crate::fixture::{Fixture, put};

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

#[test]
#[ignore = "takes minutes"]
fn a_large_repository_meets_the_targets() {
    let f = Fixture::new();
    for n in 0..50_000 {
        put(&f.root().join(format!("d{}/e{}/{n}.txt", n % 40, n % 250)), format!("file {n}\n").repeat(20));
    }
    f.sh(&["add", "-A"]);
    f.sh(&["commit", "-qm", "many"]);
    f.sh(&["gc", "-q"]);
    let base_commit = f.head();
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for n in 0..3 {
        let path = f.path("worktrees").join(format!("bare{n}"));
        let branch = format!("bare{n}");
        bare.push(timed(|| drop(f.sh(&["worktree", "add", "-q", "-b", &branch, path.to_str().unwrap(), "main"]))));
        let plan = WorktreePlan { base_commit: base_commit.clone(), hooks: Hooks::Run, ..f.plan(&format!("own{n}")) };
        ours.push(timed(|| drop(worktree::create(&f.repo, &plan, &Cancel::default()).unwrap())));
    }
    let (bare, ours) = (middle(bare), middle(ours));
    let task = f.path("worktrees/own0");
    let mut differ = Differ::new(&f.repo.at(&task).unwrap(), "main", &base_commit);
    let scan = middle((0..5).map(|_| timed(|| drop(differ.scan(&Cancel::default()).unwrap()))).collect());
    let refresh = |name: &str, differ: &mut Differ| {
        let times = (0..9).map(|n| {
            put(&task.join(name), format!("changed {n}\n"));
            timed(|| drop(differ.refresh(&[name.into()], &Cancel::default()).unwrap()))
        });
        middle(times.collect())
    };
    let known = refresh("d0/e0/0.txt", &mut differ);
    let untracked = refresh("new.txt", &mut differ);
    let first = middle(
        (1..10)
            .map(|n| {
                let name = format!("d{n}/e{n}/{n}.txt");
                put(&task.join(&name), "changed\n");
                timed(|| drop(differ.refresh(&[name.into()], &Cancel::default()).unwrap()))
            })
            .collect(),
    );
    let report = format!(
        "add: git {bare:?}, ours {ours:?}; scan {scan:?}; refresh: known {known:?}, first {first:?}, new {untracked:?}"
    );
    assert!(ours < bare.mul_f64(1.1) + Duration::from_millis(30), "{report}");
    for time in [known, untracked, first] {
        assert!(time < Duration::from_millis(50), "{report}");
    }
    assert!(scan < Duration::from_secs(1), "{report}");
}
