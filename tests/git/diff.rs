//! The live diff: right from the first scan on, equal to one after every refresh, and never in an agent's way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use orchestra::git::{Cancel, GitError, diff::Differ};
use orchestra::model::{Change, Diff, Folded};
use proptest::prelude::*;

use crate::fixture::{Fixture, lines, mkfifo, put};

struct Live {
    f: Fixture,
    path: PathBuf,
    base: String,
}

impl Live {
    fn new() -> Self {
        let f = Fixture::new();
        let task = f.task("one");
        Self { path: task.path, base: task.commit, f }
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        put(&self.path.join(path), text);
    }

    fn sh(&self, args: &[&str]) -> String {
        self.f.at(&self.path, args)
    }

    fn differ(&self) -> Differ {
        Differ::new(&self.f.repo.at(&self.path).unwrap(), "main", &self.base)
    }

    fn scan(&self) -> Diff {
        self.differ().scan(&Cancel::default()).unwrap()
    }
}

/// `M a.txt +1 -2`, one line for each file.
fn summary(diff: &Diff) -> Vec<String> {
    let line = |file: &Arc<orchestra::model::FileDiff>| {
        let old = file.old_path.as_ref().map(|old| format!("{} -> ", old.display())).unwrap_or_default();
        let fold = file.folded.map(|fold| format!(" {fold:?}")).unwrap_or_default();
        format!("{} {old}{} +{} -{}{fold}", file.change.letter(), file.path.display(), file.added, file.removed)
    };
    diff.files.iter().map(line).collect()
}

#[test]
fn commits_staged_unstaged_and_untracked_are_one_view() {
    let live = Live::new();
    assert!(live.scan().files.is_empty());
    live.put("committed.txt", "c\n");
    live.sh(&["add", "-A"]);
    live.sh(&["commit", "-qm", "one"]);
    live.put("staged.txt", "s\n");
    live.sh(&["add", "staged.txt"]);
    live.put("a.txt", lines(1..9));
    live.put("untracked/new.txt", "u\nv\n");
    live.put("debug.log", "ignored\n");
    fs::remove_file(live.path.join("src/lib.rs")).unwrap();
    let diff = live.scan();
    assert_eq!((diff.base.as_str(), diff.ahead), ("main", 1));
    assert_eq!(
        summary(&diff),
        [
            "M a.txt +0 -1",
            "A committed.txt +1 -0",
            "D src/lib.rs +0 -7",
            "A staged.txt +1 -0",
            "? untracked/new.txt +2 -0"
        ]
    );
}

#[test]
fn the_base_moving_on_changes_nothing() {
    let live = Live::new();
    live.put("a.txt", "mine\n");
    let before = live.scan();
    live.f.write("other.txt", "theirs\n");
    live.f.sh(&["add", "-A"]);
    live.f.sh(&["commit", "-qm", "on"]);
    assert_eq!(live.scan(), before);
    live.f.sh(&["switch", "-qc", "elsewhere"]);
    live.f.sh(&["branch", "-qD", "main"]);
    assert_eq!(live.scan(), before, "fault_g20: without its base branch the recorded commit stands");
}

#[test]
fn renames_modes_and_kinds() {
    let live = Live::new();
    fs::rename(live.path.join("a.txt"), live.path.join("b.txt")).unwrap();
    live.put("b.txt", lines(1..10).replace("line 5", "line five"));
    fs::set_permissions(live.path.join("src/lib.rs"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(live.path.join(".gitignore")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", live.path.join(".gitignore")).unwrap();
    assert_eq!(summary(&live.scan()), ["T .gitignore +1 -3", "R a.txt -> b.txt +1 -1", "T src/lib.rs +0 -0"]);
}

#[test]
fn fault_f13_large_binary_and_special_files_are_folded() {
    let live = Live::new();
    live.put("binary", b"\0\x01");
    live.put("huge.txt", "x".repeat(1_000_001));
    live.put("long.txt", "x\n".repeat(20_001));
    fs::remove_file(live.path.join("a.txt")).unwrap();
    mkfifo(&live.path.join("a.txt"));
    mkfifo(&live.path.join("pipe"));
    live.f.at(&live.path, &["init", "-q", "nested"]);
    live.put("nested/inside.txt", "x");
    let began = Instant::now();
    assert_eq!(
        summary(&live.scan()),
        [
            "T a.txt +0 -0 Special",
            "? binary +0 -0 Binary",
            "? huge.txt +0 -0 Huge { bytes: 1000001 }",
            "? long.txt +0 -0 Huge { bytes: 40002 }",
            "? nested +0 -0 Submodule"
        ]
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn fault_f13_a_fifo_that_git_would_read_does_not_hang_us() {
    let live = Live::new();
    live.put("a.txt", "mine\n");
    live.put("deep/er/file", "x");
    mkfifo(&live.path.join("deep/er/.gitignore"));
    let diff = live.scan();
    assert_eq!(summary(&diff), ["M a.txt +1 -9", "? deep/er/.gitignore +0 -0 Special"]);
}

#[test]
fn fault_g16_odd_configuration_changes_nothing() {
    let live = Live::new();
    live.put("a.txt", "mine\n");
    live.put("ünt racked.txt", "x\n");
    let before = live.scan();
    for (key, value) in [
        ("color.ui", "always"),
        ("color.diff", "always"),
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.external", "false"),
        ("core.pager", "false"),
        ("core.quotePath", "true"),
        ("diff.renames", "copies"),
        ("diff.orderFile", "/nonexistent"),
        ("diff.relative", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("status.showUntrackedFiles", "no"),
        ("status.relativePaths", "false"),
        ("diff.indentHeuristic", "false"),
        ("core.untrackedCache", "true"),
    ] {
        live.f.sh(&["config", key, value]);
    }
    assert_eq!(live.scan(), before);
}

#[test]
fn fault_g17_looking_runs_nothing_of_the_repository() {
    let live = Live::new();
    let marker = live.f.path("marker");
    let run = format!("touch '{}'; cat", marker.display());
    for key in [
        "core.fsmonitor",
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "core.pager",
        "pager.diff",
        "core.sshCommand",
    ] {
        live.f.sh(&["config", key, &run]);
    }
    live.f.sh(&["config", "filter.x.required", "true"]);
    put(&live.f.repo.common_dir().join("info/attributes"), "* filter=x diff=x\n");
    live.put("a.txt", "mine\n");
    // Same size, later time: git has to look inside.
    let text = fs::read_to_string(live.path.join("src/lib.rs")).unwrap();
    live.put("src/lib.rs", text.replace("one", "eno"));
    let mut differ = live.differ();
    assert_eq!(summary(&differ.scan(&Cancel::default()).unwrap()), ["M a.txt +1 -9", "M src/lib.rs +1 -1"]);
    live.put("new.txt", "x\n");
    differ.refresh(&["new.txt".into()], &Cancel::default()).unwrap();
    assert!(!marker.exists());
}

#[test]
fn line_breaks_that_git_converts_are_no_change() {
    let live = Live::new();
    live.put("a.txt", lines(1..10).replace('\n', "\r\n"));
    live.put("new.txt", "x\r\n");
    assert_eq!(summary(&live.scan())[0], "M a.txt +9 -9");
    live.f.sh(&["config", "core.autocrlf", "input"]);
    assert_eq!(summary(&live.scan()), ["? new.txt +1 -0"]);
    live.f.sh(&["config", "core.autocrlf", "false"]);
    live.put(".gitattributes", "a.txt text eol=crlf\n");
    assert_eq!(summary(&live.scan()), ["? .gitattributes +1 -0", "? new.txt +1 -0"]);
}

#[test]
fn a_refresh_keeps_the_files_that_did_not_change() {
    let live = Live::new();
    live.put("a.txt", "mine\n");
    live.put("b.txt", "b\n");
    let mut differ = live.differ();
    let before = differ.scan(&Cancel::default()).unwrap();
    live.put("b.txt", "b\nc\n");
    let after = differ.refresh(&["b.txt".into()], &Cancel::default()).unwrap();
    assert!(Arc::ptr_eq(&before.files[0], &after.files[0]) && !Arc::ptr_eq(&before.files[1], &after.files[1]));
    assert_eq!(after.files[1].added, 2);
    let same = differ.refresh(&["a.txt".into(), "b.txt".into()], &Cancel::default()).unwrap();
    assert!(same.files.iter().zip(&after.files).all(|(a, b)| Arc::ptr_eq(a, b)));
}

#[test]
fn what_is_over_the_cap_is_counted() {
    let live = Live::new();
    for n in 0..2_010 {
        live.put(&format!("many/{n:04}.txt"), "x\n");
    }
    let mut differ = live.differ();
    let diff = differ.scan(&Cancel::default()).unwrap();
    assert_eq!((diff.files.len(), diff.omitted, diff.stat().files), (2_000, 10, 2_010));
    fs::remove_file(live.path.join("many/0000.txt")).unwrap();
    let diff = differ.refresh(&["many/0000.txt".into()], &Cancel::default()).unwrap();
    assert_eq!((diff.files.len(), diff.omitted), (2_000, 9));
}

#[test]
fn a_diff_can_be_canceled() {
    let live = Live::new();
    let cancel = Cancel::default();
    cancel.cancel();
    assert!(matches!(live.differ().scan(&cancel), Err(GitError::Canceled { .. })));
}

#[test]
fn fault_g11_an_agent_commits_thirty_times_while_we_look() {
    let live = Live::new();
    std::thread::scope(|scope| {
        let (done, stop) = std::sync::mpsc::channel::<()>();
        let looks = scope.spawn({
            let mut differ = live.differ();
            move || {
                let mut looks = 0;
                while stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    differ.scan(&Cancel::default()).unwrap();
                    differ.refresh(&["a.txt".into()], &Cancel::default()).unwrap();
                    looks += 1;
                }
                looks
            }
        });
        for n in 0..30 {
            live.put("a.txt", format!("{n}\n"));
            live.sh(&["add", "-A"]);
            live.sh(&["commit", "-qm", "more"]);
        }
        drop(done);
        assert!(looks.join().unwrap() > 0);
    });
    let index = live.f.repo.at(&live.path).unwrap().git_dir().join("index");
    let before = fs::read(&index).unwrap();
    live.put("a.txt", "racy\n");
    live.scan();
    assert_eq!(fs::read(&index).unwrap(), before, "the index is never written");
}

/// One move of an agent.
#[derive(Debug, Clone)]
enum Edit {
    Write(&'static str, u8),
    Append(&'static str),
    Remove(&'static str),
    Rename(&'static str, &'static str),
    Link(&'static str),
    Execute(&'static str),
    /// Moves the index or `HEAD`: told as such, so followed by a scan.
    Git(&'static [&'static str]),
}

const NAMES: [&str; 9] =
    ["a.txt", "src/lib.rs", "src/new.rs", "deep/er/x", "deep/y", "b.log", "dir", "dir/file", ".gitignore"];

const MOVES: [&[&str]; 4] = [
    &["add", "-A"],
    &["commit", "-q", "--allow-empty", "-am", "x"],
    &["rm", "-q", "--cached", "-r", "--ignore-unmatch", "src"],
    &["reset", "-q"],
];

fn edit() -> impl Strategy<Value = Edit> {
    let name = || prop::sample::select(&NAMES[..]);
    prop_oneof![
        4 => (name(), 0..20_u8).prop_map(|(name, n)| Edit::Write(name, n)),
        3 => name().prop_map(Edit::Append),
        2 => name().prop_map(Edit::Remove),
        2 => (name(), name()).prop_map(|(from, to)| Edit::Rename(from, to)),
        1 => name().prop_map(Edit::Link),
        1 => name().prop_map(Edit::Execute),
        1 => prop::sample::select(&MOVES[..]).prop_map(Edit::Git),
    ]
}

/// Does it as far as it can be done, and tells the paths that a watcher would tell; none after a move of git.
fn apply(live: &Live, edit: &Edit) -> Option<Vec<PathBuf>> {
    let at = |name: &str| live.path.join(name);
    // A write through a symlink changes another file than the one that is named.
    let is_link = |name: &str| at(name).symlink_metadata().is_ok_and(|meta| meta.is_symlink());
    if let Edit::Write(name, _) | Edit::Append(name) = edit
        && is_link(name)
    {
        return Some(Vec::new());
    }
    let room = |name: &str| at(name).parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok());
    let done = match edit {
        Edit::Write(name, n) => room(name) && fs::write(at(name), lines(1..u32::from(*n))).is_ok(),
        Edit::Append(name) => {
            let text = fs::read(at(name)).unwrap_or_default();
            room(name) && fs::write(at(name), [&text[..], b"more\n"].concat()).is_ok()
        }
        Edit::Remove(name) => fs::remove_file(at(name)).or_else(|_| fs::remove_dir_all(at(name))).is_ok(),
        Edit::Rename(from, to) => room(to) && fs::rename(at(from), at(to)).is_ok(),
        Edit::Link(name) => room(name) && std::os::unix::fs::symlink("a.txt", at(name)).is_ok(),
        Edit::Execute(name) => {
            // A symlink would carry it outside of the repository.
            at(name).symlink_metadata().is_ok_and(|meta| meta.is_file())
                && fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).is_ok()
        }
        Edit::Git(args) => {
            drop(live.f.command(&live.path).args(*args).output().unwrap());
            return None;
        }
    };
    let names: &[&str] = match edit {
        Edit::Write(name, _) | Edit::Append(name) | Edit::Remove(name) | Edit::Link(name) | Edit::Execute(name) => {
            &[name]
        }
        Edit::Rename(from, to) => &[from, to],
        Edit::Git(_) => &[],
    };
    Some(if done { names.iter().map(PathBuf::from).collect() } else { Vec::new() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fault_f12_refreshes_equal_a_new_scan(edits in prop::collection::vec(prop::collection::vec(edit(), 1..4), 1..8)) {
        let live = Live::new();
        let mut differ = live.differ();
        differ.scan(&Cancel::default()).unwrap();
        for batch in &edits {
            let mut paths = Vec::new();
            let mut git = false;
            for edit in batch {
                match apply(&live, edit) {
                    Some(changed) => paths.extend(changed),
                    None => git = true,
                }
            }
            let cancel = Cancel::default();
            let live_diff = if git { differ.scan(&cancel) } else { differ.refresh(&paths, &cancel) }.unwrap();
            prop_assert_eq!(summary(&live_diff), summary(&live.scan()), "after {:?}", batch);
            prop_assert_eq!(live_diff, live.scan());
        }
    }
}

#[test]
fn changes_and_counts_agree_with_git() {
    let live = Live::new();
    live.put("a.txt", lines(3..14).replace("line 7", "seven"));
    live.put("src/lib.rs", "fn one() {\n    11;\n}\n\nfn two() {\n    2;\n    3;\n}\n");
    let counts: Vec<_> = live.sh(&["diff", "--numstat", "main"]).lines().map(str::to_owned).collect();
    let own: Vec<_> =
        live.scan().files.iter().map(|f| format!("{}\t{}\t{}", f.added, f.removed, f.path.display())).collect();
    assert_eq!(own, counts);
    assert_eq!(live.scan().files[1].hunks[0].heading, "");
    assert!(
        live.scan().files.iter().all(|file| file.change == Change::Modified && file.folded != Some(Folded::Binary))
    );
    assert!(Path::new(&live.path).exists());
}
