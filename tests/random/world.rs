//! What all of them share: a repository, the engine behind its socket, and what is known to have happened.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use orchestra::model::{Failure, Status};
use orchestra::rpc::Client;
use orchestra::store::Home;
use orchestra::store::task_file::parse;
use serde_json::{Value, json};

use crate::place::{PATIENCE, Place};
use crate::repo::Repository;

/// Tasks at work at once.
pub const CAP: usize = 2;

/// Hands in at once, and hears whatever else it is told.
const SCRIPT: &str = "\
rules:
  - {when: 'artifact `summary` by', steps: [{run: \"echo work >\\\"$ORCHESTRA_TASK_SLUG.txt\\\"\"}, {submit: the summary}]}
  - {when: 'sent it back', steps: [{submit: again}]}
  - {when: 'You were interrupted', steps: [{submit: went on}]}
otherwise: [{say: heard}]
";

pub struct World {
    pub place: Place,
    pub repository: Repository,
    pub home: Home,
    record: Mutex<Record>,
}

/// What was said to be done.
#[derive(Default)]
pub struct Record {
    /// Slugs of the tasks that somebody was told of as made, by number.
    pub made: BTreeMap<u32, String>,
    /// Slugs that somebody wanted to delete: whether that came to pass is for the engine to say.
    pub doomed: BTreeSet<String>,
    /// Numbers that were deleted for sure.
    pub deleted: BTreeSet<u32>,
    /// Lines that somebody wrote into a task's file.
    pub lines: BTreeMap<String, Vec<String>>,
}

impl World {
    /// With an engine of its own, without a face, that trusts the repository.
    pub fn new(place: &Place) -> Self {
        let repository = Repository::new(place, SCRIPT);
        repository.configure(&format!("max_running: {CAP}"));
        let home = Home::at(place.path("orchestra-home"));
        let world = Self { place: place.clone(), repository, home, record: Mutex::default() };
        world.done(&["trust", "--trust"]);
        world
    }

    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `orchestra ARGS` at a shell in the repository.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestra"));
        command.args(args).env_clear().envs(self.place.environment()).current_dir(self.repository.root());
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// What it prints; it has to succeed.
    pub fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.home).unwrap().expect("the engine serves")
    }

    /// Calls a method on this project.
    pub fn call(&self, client: &mut Client, method: &str, mut params: Value) -> Result<Value, Failure> {
        params["project"] = json!(self.repository.root());
        client.call(method, params)
    }

    /// The tasks as the engine shows them.
    pub fn tasks(&self, client: &mut Client) -> Vec<Value> {
        let list = self.call(client, "task.list", json!({})).unwrap();
        list["tasks"].as_array().unwrap_or_else(|| panic!("{list}")).clone()
    }

    /// Waits until no task is at work, no message waits, and the files say what the engine says.
    pub fn settle(&self) {
        let (mut client, until) = (self.client(), Instant::now() + PATIENCE);
        client.subscribe(None).unwrap();
        loop {
            let tasks = self.tasks(&mut client);
            let busy: Vec<_> = tasks.iter().filter(|task| is_busy(task)).collect();
            let sessions = client.call("session.list", json!({})).unwrap();
            let waits = |session: &&Value| {
                let busy = !matches!(session["activity"].as_str().unwrap(), "resting" | "asking");
                session["alive"] == true && (busy || session["waiting"] != 0)
            };
            let waiting: Vec<_> = sessions["sessions"].as_array().unwrap().iter().filter(waits).cloned().collect();
            let differ: Vec<_> = tasks.iter().filter_map(|task| self.difference(&mut client, task)).collect();
            if busy.is_empty() && waiting.is_empty() && differ.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "still at work: {busy:#?} {waiting:#?} {differ:#?}");
            // What nobody tells of is seen at the next look.
            client.next_event(Some(Instant::now() + Duration::from_millis(200))).unwrap();
        }
    }
}

impl World {
    /// In what the file of a task differs from the task.
    fn difference(&self, client: &mut Client, task: &Value) -> Option<String> {
        let name = format!("{}:{}.md", task["id"], task["slug"].as_str().unwrap());
        let path = self.repository.root().join(".orchestra/tasks").join(&name);
        let Ok(bytes) = std::fs::read(&path) else { return Some(format!("{name} is not there")) };
        let file = match parse(&path, bytes) {
            Ok(file) => file,
            Err(error) => return Some(error.to_string()),
        };
        let shown = self.call(client, "task.show", json!({"task": task["id"]})).ok()?;
        let said = (file.header.status.map(Status::word), file.description().trim_end());
        let known = (shown["status"].as_str(), shown["description"].as_str().unwrap().trim_end());
        (said != known).then(|| format!("{name} says {said:?}, the engine {known:?}"))
    }
}

/// Work of the engine or of an agent is under way.
pub fn is_busy(task: &Value) -> bool {
    matches!(task["state"].as_str().unwrap(), "setup" | "queued" | "working" | "gating" | "integrating")
}
