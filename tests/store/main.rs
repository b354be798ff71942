//! The store against other processes: kills in the middle of writing, a lock held elsewhere, what git sees.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use orchestra::model::{Slug, State, Task, TaskId, solo};
use orchestra::store::database::StoredEffect;
use orchestra::store::lock::{Lock, LockError};
use orchestra::store::{Database, Folder, atomic, init};

/// Names the part that a child process plays, and its folder.
const ROLE: &str = "STORE_TEST_ROLE";
const DIR: &str = "STORE_TEST_DIR";

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// This program again, in a part of its own.
struct Player {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Player {
    fn start(role: &str, dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--include-ignored"])
            .env(ROLE, role)
            .env(DIR, dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for a line that begins so, and returns what follows.
    fn wait(&mut self, start: &str) -> String {
        let line = self.lines.by_ref().map(Result::unwrap).find_map(|line| Some(line.split_once(start)?.1.to_owned()));
        line.expect("the child ended early")
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn say(text: impl std::fmt::Display) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "@{text}").unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "a process of its own for the tests below"]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    match std::env::var(ROLE).unwrap().as_str() {
        "lock" => {
            let _lock = Lock::acquire(&dir.join("engine.lock"), now()).unwrap();
            say("held");
            // Until it is killed.
            std::thread::park_timeout(std::time::Duration::from_mins(1));
        }
        "write" => (0..u32::MAX).for_each(|round| {
            atomic::write(&dir.join("file"), &content(round)).unwrap();
            say(round);
        }),
        "transition" => {
            let mut database = Database::open(&dir.join("state")).unwrap();
            let mut task = task(database.next_task_id().unwrap());
            let mut last = None;
            for round in 0..u32::MAX {
                task.title = round.to_string();
                let effect = StoredEffect { key: round.to_string(), json: round.into() };
                last = database.transition(&task, &[effect], last).unwrap().pop();
                say(round);
            }
        }
        role => panic!("no such part: {role}"),
    }
}

fn content(round: u32) -> Vec<u8> {
    format!("{round} ").repeat(2000).into_bytes()
}

fn task(id: TaskId) -> Task {
    Task {
        id,
        description: "x".repeat(2000),
        base_branch: "main".into(),
        branch: "task/one".into(),
        state: State::Working,
        ..Task::draft(Slug::new("one").unwrap(), solo(), now())
    }
}

#[test]
fn fault_p16_a_killed_holder_leaves_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("engine.lock");
    let mut player = Player::start("lock", dir.path());
    player.wait("@held");
    let Err(LockError::Held { holder: Some(holder) }) = Lock::acquire(&path, now()) else { panic!("not held") };
    assert_eq!(holder.pid, player.child.id());
    player.kill();
    Lock::acquire(&path, now()).unwrap();
}

#[test]
fn fault_f3_a_killed_writer_leaves_a_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    for rounds in [1, 2, 3, 5, 8, 13] {
        let mut player = Player::start("write", dir.path());
        let last = (0..rounds).map(|_| player.wait("@")).last().unwrap();
        player.kill();
        let found = std::fs::read(dir.path().join("file")).unwrap();
        let text = String::from_utf8(found.clone()).unwrap();
        let round: u32 = text.split(' ').next().unwrap().parse().unwrap();
        assert!(round >= last.parse().unwrap(), "what was said to be written is there");
        assert_eq!(found, content(round));
    }
}

#[test]
fn fault_p7_a_killed_engine_loses_no_transition() {
    for rounds in [1, 2, 3, 5, 8, 40] {
        let dir = tempfile::tempdir().unwrap();
        let mut player = Player::start("transition", dir.path());
        let last = (0..rounds).map(|_| player.wait("@")).last().unwrap();
        player.kill();
        let database = Database::open(&dir.path().join("state")).unwrap();
        let task = database.tasks().unwrap().tasks.pop().unwrap();
        let pending = database.pending_effects().unwrap();
        assert_eq!(pending.iter().map(|p| p.effect.key.as_str()).collect::<Vec<_>>(), [task.title.as_str()]);
        assert!(task.title.parse::<u32>().unwrap() >= last.parse().unwrap());
    }
}

#[test]
fn git_sees_the_settings_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(args)
            .current_dir(root)
            .env("HOME", root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"]);
    let folder = Folder::of(root);
    let status = || git(&["status", "--porcelain", "-uall"]);
    init::prepare_tasks(&folder).unwrap();
    std::fs::write(folder.tasks().join("1:one.md"), "x").unwrap();
    assert_eq!(status(), "");
    init::run(&folder).unwrap();
    for part in [".artifacts/one", ".logs/one", ".worktrees"] {
        std::fs::create_dir_all(folder.dir().join(part)).unwrap();
        std::fs::write(folder.dir().join(part).join("file"), "x").unwrap();
    }
    let seen: Vec<_> = status().lines().map(|line| line.trim_start_matches("?? .orchestra/").to_owned()).collect();
    assert_eq!(
        seen,
        [
            ".gitignore",
            "agents/breakdown.md",
            "agents/compound.md",
            "agents/hotfix.md",
            "agents/planning.md",
            "agents/review.md",
            "agents/subtask-work.md",
            "agents/work.md",
            "config.yaml",
            "scripts/checks.sh",
            "scripts/worktree_cleanup.sh",
            "scripts/worktree_setup.sh",
            "workflow.yaml"
        ]
    );
}
