//! A real repository in a test's place, with agents of the test's own in its config.
#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses a part of it, and panics when it can't go on")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{Place, executable};

/// Flows of the tests: `checked` has a gate, `quick` none.
const WORKFLOW: &str = "\
version: 2
flows:
  checked:
    stages:
      - name: plan
        artifact: plan
        is_automated: true
      - name: work
        artifact: summary
        gate: {command: checks.sh, timeout_seconds: 60}
    integration: {strategy: rebase, auto_merge: false, on_failure: work}
  quick:
    stages:
      - name: work
        artifact: summary
    integration: {strategy: rebase, auto_merge: false}
";

/// Script of an agent that hands in at once, and again whatever it is told; what it hands in changes `work.txt`.
pub const WILLING: &str = "\
rules:
  - {when: 'The gate failed', steps: [{write: {path: fixed.txt, text: fixed}}, {submit: mended}]}
  - {when: 'artifact `plan` by', steps: [{submit: the plan}]}
  - {when: 'artifact `summary` by', steps: [{write: {path: work.txt, text: \"work\\n\"}}, {submit: the summary}]}
  - {when: 'sent it back', steps: [{write: {path: again.txt, text: again}}, {submit: again}]}
  - {when: 'You were interrupted', steps: [{submit: went on}]}
otherwise: [{say: I have no line for that}]
";

/// A repository with one commit on `main`.
#[derive(Debug, Clone)]
pub struct Repository {
    place: Place,
    root: PathBuf,
}

impl Repository {
    /// With `.orchestra/`: an agent that plays `script` (steps as `agent::demo::Script` has them), the flows above, and
    /// a gate that passes.
    pub fn new(place: &Place, script: &str) -> Self {
        Self::bare_of_settings(place).set_up(&place.write("script.yaml", script))
    }

    /// The same in a folder of this name.
    pub fn named(place: &Place, name: &str, script: &str) -> Self {
        Self::bare_in(place, name).set_up(&place.write(&format!("{name}.yaml"), script))
    }

    fn set_up(self, script: &Path) -> Self {
        let repository = self;
        repository.write(".orchestra/config.yaml", &config(script));
        repository.write(".orchestra/workflow.yaml", WORKFLOW);
        repository.write(".orchestra/.gitignore", "/tasks/\n/.worktrees/\n/.artifacts/\n/.logs/\n/.gitignore\n");
        repository.script("checks.sh", "exit 0");
        repository.git(&["add", "."]);
        repository.git(&["commit", "-q", "-m", "Set up"]);
        repository
    }

    /// The one that is there already.
    pub fn existing(place: &Place) -> Self {
        Self { place: place.clone(), root: place.path("my-app") }
    }

    /// Without `.orchestra/`.
    pub fn bare_of_settings(place: &Place) -> Self {
        Self::bare_in(place, "my-app")
    }

    fn bare_in(place: &Place, name: &str) -> Self {
        let root = place.path(name);
        fs::create_dir_all(&root).unwrap();
        let repository = Self { place: place.clone(), root };
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["config", "user.name", "Ada"]);
        repository.git(&["config", "user.email", "ada@example.invalid"]);
        repository.write("app.txt", "one\ntwo\nthree\n");
        repository.git(&["add", "."]);
        repository.git(&["commit", "-q", "-m", "Start"]);
        repository
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).unwrap()
    }

    /// A file of the checkout; none while it is missing.
    pub fn try_read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join(name)).ok()
    }

    /// A script in `.orchestra/scripts/`.
    pub fn script(&self, name: &str, body: &str) {
        let path = self.write(&format!(".orchestra/scripts/{name}"), &format!("#!/bin/sh\n{body}\n"));
        executable(&path);
    }

    /// Adds an agent to the config: its entry in YAML's one-line form.
    pub fn agent(&self, name: &str, entry: &str) {
        let config = self.read(".orchestra/config.yaml");
        self.write(".orchestra/config.yaml", &format!("{config}  {name}: {entry}\n"));
    }

    /// Adds a flow: its entry in YAML's one-line form.
    pub fn flow(&self, name: &str, entry: &str) {
        let flows = self.read(".orchestra/workflow.yaml");
        self.write(".orchestra/workflow.yaml", &format!("{flows}  {name}: {entry}\n"));
    }

    /// Adds settings to the config.
    pub fn configure(&self, lines: &str) {
        let config = self.read(".orchestra/config.yaml");
        self.write(".orchestra/config.yaml", &format!("{lines}\n{config}"));
    }

    /// What `git ARGS` prints, without its last line break.
    pub fn git(&self, args: &[&str]) -> String {
        git(&self.place, &self.root, args)
    }

    /// A commit on the branch that is checked out.
    pub fn commit(&self, file: &str, text: &str) {
        self.write(file, text);
        self.git(&["add", file]);
        self.git(&["commit", "-q", "-m", &format!("Change {file}")]);
    }

    pub fn commit_of(&self, name: &str) -> String {
        self.git(&["rev-parse", "--verify", name])
    }

    /// A file as it is on a branch.
    pub fn show(&self, branch: &str, file: &str) -> String {
        self.git(&["show", &format!("{branch}:{file}")])
    }

    pub fn branches(&self) -> Vec<String> {
        let names = self.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        names.lines().map(str::to_owned).collect()
    }

    /// References that keep what was removed.
    pub fn trash(&self) -> Vec<String> {
        let names = self.git(&["for-each-ref", "--format=%(refname)", "refs/orchestra/trash"]);
        names.lines().map(str::to_owned).collect()
    }
}

/// `git ARGS` in a folder, with fixed people and times.
pub fn git(place: &Place, folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs(place.environment())
        .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn config(script: &Path) -> String {
    let script = script.display();
    format!(
        "\
agent: scripted
default_flow: solo
agents:
  scripted:
    start: [orchestra, demo-agent, --script, '{script}', --conversation, '{{conversation}}', --, '{{prompt}}']
    resume: [orchestra, demo-agent, --script, '{script}', --conversation, '{{conversation}}', --resume, --, '{{prompt}}']
    conversation: preset
    events: osc7501
    rest_after_ms: 500
    quit: [\"\\x04\"]
"
    )
}
