//! The scripted agent: the program itself, in a terminal.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use orchestra::agent::demo::{files, tasks};
use orchestra::agent::{Catalog, Conversation, LaunchPlan, launch};
use orchestra::model::{Mode, PermissionMode};

use crate::terminal::Terminal;

/// The demonstration's repository, and an `orchestra` that plays the agent and notes what is handed in.
struct Stage {
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { dir: tempfile::tempdir().unwrap() };
        for file in files() {
            write(&stage.repo().join(file.path), file.text, file.executable);
        }
        fs::create_dir(stage.path("session")).unwrap();
        let program = env!("CARGO_BIN_EXE_orchestra");
        let noted = stage.path("handed-in");
        let stub = format!("#!/bin/sh\n[ \"$1\" = submit ] || exec {program} \"$@\"\ncat >>'{}'\n", noted.display());
        write(&stage.path("bin/orchestra"), &stub, true);
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    fn run(&self, conversation: Conversation<'_>, prompt: Option<&str>) -> Terminal {
        let catalog = Catalog::new(&BTreeMap::new()).unwrap();
        let inherited = [("PATH".into(), "/usr/bin:/bin".into()), ("HOME".into(), self.path("home").into())];
        let plan = LaunchPlan {
            manifest: catalog.get(Catalog::DEMO).unwrap(),
            mode: Mode::Interactive,
            worktree: &self.repo(),
            conversation,
            prompt,
            permissions: PermissionMode::Edits,
            disallowed_tools: &[],
            model: None,
            session_dir: &self.path("session"),
            session: "one",
            bin_dir: Some(&self.path("bin")),
            readable: &[],
            inherited: &inherited,
            variables: &[("ORCHESTRA_HOME".into(), self.path("home/orchestra").into())],
        };
        Terminal::run(&launch(&plan).unwrap().0)
    }

    fn handed_in(&self) -> String {
        fs::read_to_string(self.path("handed-in")).unwrap_or_default()
    }

    /// The gate, as it runs for the task `slug`.
    fn gate(&self, slug: &str) -> Output {
        let script = self.repo().join(".orchestra/scripts/checks.sh");
        Command::new("sh").arg(script).current_dir(self.repo()).env("ORCHESTRA_TASK_SLUG", slug).output().unwrap()
    }
}

fn write(path: &Path, text: &str, executable: bool) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 })).unwrap();
}

fn task_prompt(slug: &str, artifact: &str) -> String {
    let task = tasks().into_iter().find(|task| task.slug == slug).unwrap();
    format!("# Task: {}\n\n{}\n\nHand in the artifact `{artifact}` by this command.\n", task.title, task.description)
}

const DONE: &str = "\x1b]7501;state=done:app=orchestra-demo\x1b\\";

#[test]
fn the_gate_finds_what_the_first_try_forgot_and_the_second_try_passes() {
    let stage = Stage::new();
    assert!(stage.gate("add-docs").status.success(), "the repository's own tests pass");
    let mut terminal = stage.run(Conversation::Preset("work"), Some(&task_prompt("csv-quoting", "summary")));
    terminal.wait_raw("state=working");
    terminal.wait_raw(DONE);
    assert!(stage.handed_in().contains("one test covers it"), "{}", stage.handed_in());
    let failed = stage.gate("csv-quoting");
    let output = String::from_utf8(failed.stdout).unwrap();
    assert!(!failed.status.success() && output.contains("a quote inside of a field is doubled"), "{output}");

    terminal.paste(&format!("The gate failed on what you handed in. Its output:\n\n```\n{output}```"));
    terminal.send("\r");
    terminal.wait_text("The checks are right");
    terminal.wait_text("4 passed, 0 failed");
    terminal.send("\x04");
    assert_eq!(terminal.wait_exit(), 0);
    let passed = stage.gate("csv-quoting");
    assert!(passed.status.success(), "{}", String::from_utf8_lossy(&passed.stdout));
    assert!(stage.handed_in().contains("Two tests cover it"), "{}", stage.handed_in());
    terminal.wait_raw("state=clear");
}

#[test]
fn a_question_waits_for_its_digit() {
    let stage = Stage::new();
    let mut terminal = stage.run(Conversation::Preset("docs"), Some(&task_prompt("add-docs", "summary")));
    terminal.wait_raw("state=blocked:kind=question:app=orchestra-demo:msg=");
    terminal.wait_text("1. Short, one line per function");
    assert!(!stage.repo().join("docs").exists());
    terminal.send("7x1");
    terminal.wait_raw(DONE);
    let page = fs::read_to_string(stage.repo().join("docs/functions.md")).unwrap();
    assert!(page.contains("- `csv_row FIELD...`"), "{page}");
    assert!(stage.handed_in().contains("docs/functions.md"));
}

#[test]
fn a_conversation_goes_on_with_what_was_said() {
    let stage = Stage::new();
    let mut terminal = stage.run(Conversation::Preset("talk"), Some("run: echo alpha-$((40 + 2))"));
    terminal.wait_text("  alpha-42");
    terminal.wait_raw(DONE);
    terminal.send("/exit\r");
    assert_eq!(terminal.wait_exit(), 0);

    let terminal = stage.run(Conversation::Resume("talk"), None);
    terminal.wait_raw("state=idle");
    let text = terminal.text();
    assert!(text.contains("> run: echo alpha-") && text.contains("Done."), "{text}");
}

#[test]
fn escape_ends_the_turn_and_what_it_runs() {
    let stage = Stage::new();
    let mut terminal = stage.run(Conversation::Preset("stop"), Some("run: echo began; sleep 600; echo ended"));
    terminal.wait_text("  began");
    terminal.send("\x1b");
    terminal.wait_text("Interrupted. What now?");
    terminal.wait_raw("state=idle");
    terminal.send("dance\r");
    terminal.wait_text("I am a scripted agent and have no line for that");
    terminal.send("\x03");
    terminal.wait_text("Ctrl-C again leaves");
    terminal.send("\x03");
    assert_eq!(terminal.wait_exit(), 0);
    assert!(!terminal.text().contains("  ended"));
}

#[test]
fn what_is_typed_during_a_turn_is_the_next_message() {
    let stage = Stage::new();
    let mut terminal = stage.run(Conversation::Preset("ahead"), Some("run: mkfifo gate; echo began; cat gate"));
    terminal.wait_text("  began");
    terminal.paste("run: echo one\nrun: echo two");
    terminal.send("\r");
    fs::write(stage.repo().join("gate"), "opened\n").unwrap();
    terminal.wait_text("  opened");
    terminal.wait_text("  one");
}

#[test]
fn it_wants_a_terminal_and_a_decent_name() {
    let run = |args: &[&str]| {
        Command::new("setsid").arg(env!("CARGO_BIN_EXE_orchestra")).arg("demo-agent").args(args).output().unwrap()
    };
    let refused = run(&["--conversation", "../x"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no conversation id"));
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(run(&["--dance"]).status.code(), Some(2));
}
