//! The whole path with OpenCode itself: a description by keys, a worktree, a gate that fails once, review, merge.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::fs;

#[path = "../support/agents.rs"]
mod agents;
mod default_project;
mod denied;
mod diagrams;
mod dialogue;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;
#[path = "../support/scene.rs"]
mod scene;
mod tools;
#[allow(dead_code, reason = "shared by test binaries that each use a part of it")]
#[path = "../support/tui.rs"]
mod tui;

use agents::Workplace;
use place::in_place;
use repo::Repository;
use tui::Tui;

/// What only the gate's output says: the model mends the work when it is told this, and not before.
const NONCE: &str = "nonce-8d1f";

/// The model's part. It answers to the task's words, then to the gate's.
const SCENARIO: &str = r#"{"rules": [
  {"match": {"user": "nonce-8d1f"}, "steps": [
    [{"text": "The gate is right. "}, {"write": {"path": "greeting.txt", "content": "Hello, world!\n"}}],
    {"shell": "orchestra submit <<'EOF'\nThe greeting is whole now.\nEOF"}, {"text": "Handed in again."}]},
  {"match": {"user": "Greet the world"}, "steps": [
    [{"text": "I write it. "}, {"write": {"path": "greeting.txt", "content": "Hello\n"}}],
    {"shell": "orchestra submit <<'EOF'\nThere is a greeting.\nEOF"}, {"text": "Handed in."}]}
]}"#;

const FLOW: &str = "\
version: 2
flows:
  checked:
    stages:
      - name: work
        artifact: summary
        mode: MODE
        gate: {command: checks.sh, timeout_seconds: 60}
    integration: {strategy: rebase, auto_merge: false, on_failure: work}
";

#[test]
fn real_agent_opencode_from_a_description_to_merged_code() {
    from_a_description_to_merged_code("interactive");
}

#[test]
fn real_agent_opencode_headless_goes_on_with_its_conversation() {
    from_a_description_to_merged_code("headless");
}

fn from_a_description_to_merged_code(mode: &str) {
    let Some(workplace) = Workplace::opencode(SCENARIO) else { return };
    in_place(|place| {
        let repository = Repository::bare_of_settings(place);
        repository.write(".orchestra/config.yaml", "agent: opencode\ndefault_flow: checked\n");
        repository.write(".orchestra/workflow.yaml", &FLOW.replace("MODE", mode));
        repository.write(".orchestra/.gitignore", "/tasks/\n/.worktrees/\n/.artifacts/\n/.logs/\n");
        let runs = place.path("runs");
        let gate = format!(
            "echo run >>'{}'\ngrep -q world greeting.txt || {{ echo {NONCE}: nobody is greeted; exit 1; }}",
            runs.display()
        );
        repository.script("checks.sh", &gate);
        repository.git(&["add", "."]);
        repository.git(&["commit", "-q", "-m", "Set up"]);

        let inherited = workplace.environment();
        let mut env: Vec<(&str, &str)> =
            inherited.iter().map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap())).collect();
        let home = place.path("orchestra-home");
        env.extend([("ORCHESTRA_HOME", home.to_str().unwrap()), ("TERM", "xterm-256color")]);
        let mut tui = Tui::start(repository.root(), &[], &env, (36, 120));
        tui.wait_for("my-app");
        tui.keys("N");
        tui.wait_for("new task");
        tui.keys("# Greet the world\n\nIn `greeting.txt`.\t");
        tui.keys("greet");
        tui.keys("\r");
        tui.wait_for("can run commands");
        tui.press_until("y", "the start", |screen| !screen.contains("can run commands"));

        tui.wait("the review after the second gate", |screen| screen.contains("a reviews it"));
        assert_eq!(place.lines("runs").len(), 2, "the gate failed once, then passed");
        let user: Vec<_> = workplace.server.requests().into_iter().filter(|it| it["aux"] == false).collect();
        let mut sessions: Vec<_> = user.iter().map(|it| it["session"].as_str().unwrap().to_owned()).collect();
        sessions.dedup();
        assert_eq!(sessions.len(), 1, "one conversation: {sessions:?}");
        assert!(user.iter().any(|it| it["text"].as_str().is_some_and(|text| text.contains(NONCE))));
        assert!(!repository.root().join("greeting.txt").exists(), "all of it happened in the worktree");

        tui.keys("a");
        tui.wait_for("checks.sh passed on attempt 2");
        tui.press_until("a", "the approval", |screen| screen.contains("M merges it"));
        tui.keys("M");
        tui.wait_for("merge greet?");
        tui.press_until("y", "the merge", |screen| screen.contains("merged greet into main"));
        assert_eq!(repository.show("main", "greeting.txt"), "Hello, world!");
        assert_eq!(fs::read_to_string(repository.root().join("greeting.txt")).unwrap(), "Hello, world!\n");
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}
