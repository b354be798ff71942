//! A repository with real agents, and a person at the command line.

#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses a part of it, and panics when it can't go on")]

use std::ffi::OsString;
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher as _};

use super::agents::Workplace;
use super::place::Place;
use super::repo::Repository;
use super::tui::Tui;

/// A task that is not merged after this many seconds never is.
const PATIENCE: &str = "240";

/// A repository with a flow and templates, and a person at the command line.
pub struct Scene {
    pub repository: Repository,
    agent: &'static str,
    env: Vec<(OsString, OsString)>,
}

impl Scene {
    pub fn new(place: &Place, workplace: &Workplace, flow: &str, templates: &[(&str, &str)]) -> Self {
        let scene = Self::untrusted(place, workplace, flow);
        workplace.trust(scene.repository.root());
        for (name, text) in templates {
            scene.repository.write(&format!(".orchestra/agents/{name}.md"), text);
        }
        scene
    }

    /// With a flow, in a repository that the agent sees for the first time.
    pub fn untrusted(place: &Place, workplace: &Workplace, flow: &str) -> Self {
        let scene = Self::bare(place, workplace);
        scene.permit("all");
        scene.repository.write(".orchestra/workflow.yaml", flow);
        scene.repository.write(".orchestra/.gitignore", "/tasks/\n/.worktrees/\n/.artifacts/\n/.logs/\n");
        scene
    }

    /// With what `init` writes, and `checks` as the body of its gate.
    pub fn of_init(place: &Place, workplace: &Workplace, checks: &str) -> Self {
        let scene = Self::bare(place, workplace);
        workplace.trust(scene.repository.root());
        scene.orchestra(&["init"]);
        let config = scene.repository.read(".orchestra/config.yaml");
        scene
            .repository
            .write(".orchestra/config.yaml", &format!("agent: {}\npermissions: all\n{config}", workplace.agent));
        scene.repository.script("checks.sh", checks);
        scene.commit();
        scene
    }

    fn bare(place: &Place, workplace: &Workplace) -> Self {
        let mut env = workplace.environment();
        env.push(("ORCHESTRA_HOME".into(), place.path("orchestra-home").into()));
        Self { repository: Repository::bare_of_settings(place), agent: workplace.agent, env }
    }

    /// Its agents have these permissions.
    pub fn permit(&self, permissions: &str) {
        let config = format!("agent: {}\npermissions: {permissions}\n", self.agent);
        self.repository.write(".orchestra/config.yaml", &config);
    }

    pub fn commit(&self) {
        self.repository.git(&["add", "."]);
        self.repository.git(&["commit", "-q", "-m", "Set up"]);
    }

    fn try_orchestra(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestra"));
        command.args(args).current_dir(self.repository.root()).env_clear().envs(self.env.iter().cloned());
        command.output().unwrap()
    }

    pub fn orchestra(&self, args: &[&str]) -> String {
        let output = self.try_orchestra(args);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// Takes a description to merged code without a person's word.
    pub fn run(&self, slug: &str, flow: &str, description: &str) {
        self.orchestra(&["trust", "--trust"]);
        self.orchestra(&["new", slug, "-d", description, "--flow", flow, "--auto", "--start", "--no-edit"]);
        self.reaches(slug, "merged");
    }

    /// Waits until the task is in a state.
    pub fn reaches(&self, slug: &str, state: &str) {
        let waited = self.try_orchestra(&["wait", slug, "--until", state, "--timeout", PATIENCE]);
        let (told, screen) = (self.orchestra(&["explain", slug]), self.orchestra(&["logs", slug]));
        assert!(waited.status.success(), "{slug} is not {state}:\n{told}\n{screen}");
    }

    /// A task as `show` has it.
    pub fn task(&self, slug: &str) -> serde_json::Value {
        let shown: serde_json::Value = serde_json::from_str(&self.orchestra(&["show", slug, "--json"])).unwrap();
        shown["task"].clone()
    }

    /// Waits until a task has `what`; it is looked at each second.
    pub fn until<T>(&self, slug: &str, what: &str, found: impl Fn(&serde_json::Value) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            let task = self.task(slug);
            if let Some(found) = found(&task) {
                return found;
            }
            assert!(Instant::now() < until, "{slug} has not {what}: {task:#}");
            self.try_orchestra(&["wait", slug, "--until", "merged", "--timeout", "1"]);
        }
    }

    /// What `explain` says under this label.
    pub fn explained(&self, slug: &str, label: &str) -> String {
        let told: serde_json::Value = serde_json::from_str(&self.orchestra(&["explain", slug, "--json"])).unwrap();
        let fact = told["facts"].as_array().unwrap().iter().find(|fact| fact["label"] == label);
        fact.map(|fact| fact["text"].as_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// A person at the session's terminal.
    pub fn attach(&self, slug: &str) -> Tui {
        let env: Vec<_> =
            self.env.iter().map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap())).collect();
        Tui::start(
            self.repository.root(),
            &["attach", slug],
            &[&env[..], &[("TERM", "xterm-256color")]].concat(),
            (40, 120),
        )
    }

    /// Each iteration of a task: its stage, and how it ended.
    pub fn way(&self, slug: &str) -> Vec<(String, String)> {
        let task = self.task(slug);
        let iterations = task["iterations"].as_array().unwrap().iter();
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        iterations.map(|it| (word(&it["stage"]), word(&it["outcome"]))).collect()
    }

    /// The worktrees of merged tasks go by themselves, once nothing runs in them any more.
    pub fn wait_for_one_worktree(&self) {
        // Git removes its folder of worktrees with the last one.
        let (sender, changes) = channel();
        let tell = move |change: notify::Result<notify::Event>| {
            if change.is_ok_and(|change| change.kind.is_remove()) {
                // Refused once nobody waits any more.
                let _ = sender.send(());
            }
        };
        let mut watcher = notify::recommended_watcher(tell).unwrap();
        watcher.watch(&self.repository.root().join(".git"), RecursiveMode::NonRecursive).unwrap();
        let until = Instant::now() + Duration::from_mins(1);
        while self.repository.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count() > 1 {
            let left = until.saturating_duration_since(Instant::now());
            assert!(changes.recv_timeout(left).is_ok(), "a worktree stays");
        }
    }

    pub fn end(&self) {
        self.orchestra(&["shutdown", "-y"]);
    }
}

/// Whether a request of the log is the beginning of a conversation's turn.
pub fn of_user(request: &serde_json::Value) -> bool {
    request["aux"] == false && request["last"] == "user"
}
