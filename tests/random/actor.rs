//! Those who ask for something: at a shell, and at the socket, as programs do.

use std::process::Output;

use orchestra::rpc::Client;
use serde_json::{Value, json};

use crate::seed::Dice;
use crate::world::World;

/// How somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// A process for each verb.
    Shell,
    /// One connection to the socket.
    Socket,
}

/// What is asked of a task, sensible or not.
const OPERATIONS: [&str; 11] =
    ["start", "stop", "approve", "reject", "complete", "skip", "set-status", "send", "archive", "delete", "merge"];

/// What makes sense for a task in this state.
const fn sensible(state: &str) -> &'static [&'static str] {
    match state.as_bytes() {
        b"draft" => &["start", "start", "start", "delete"],
        b"setup" | b"queued" => &["stop", "delete"],
        b"working" => &["stop", "send", "complete", "skip", "set-status"],
        b"quiet" | b"asking" => &["complete", "reject", "send", "skip"],
        b"approval" => &["approve", "approve", "approve", "reject", "send", "set-status"],
        b"paused" | b"failed" => &["start", "start", "complete", "archive", "delete"],
        b"done" => &["merge", "merge", "merge", "reject", "archive", "delete"],
        b"merged" => &["delete"],
        _ => &OPERATIONS,
    }
}

pub struct Actor<'a> {
    world: &'a World,
    hands: Hands,
    client: Client,
    index: usize,
    made: usize,
    dice: Dice,
}

impl<'a> Actor<'a> {
    pub fn new(world: &'a World, hands: Hands, index: usize, dice: Dice) -> Self {
        Self { world, hands, client: world.client(), index, made: 0, dice }
    }

    pub fn act(mut self, operations: usize) {
        for _ in 0..operations {
            let known = self.world.tasks(&mut self.client);
            if known.len() < 3 || self.dice.percent(15) {
                self.make();
                continue;
            }
            let task = self.dice.pick(&known);
            let (slug, state) = (task["slug"].as_str().unwrap(), task["state"].as_str().unwrap());
            let operations = if self.dice.percent(75) { sensible(state) } else { &OPERATIONS };
            let operation = *self.dice.pick(operations);
            self.ask(operation, slug);
        }
    }

    fn make(&mut self) {
        self.made += 1;
        // Two who want the same name: one of them gets it.
        let contested = self.dice.percent(20);
        let slug = if contested { format!("same-{}", self.made) } else { format!("t{}-{}", self.index, self.made) };
        let (text, start) = (format!("# Task {slug}\n\nWritten by {}.", self.index), self.dice.percent(60));
        let answer = match self.hands {
            Hands::Shell => {
                let mut args = vec!["--json", "new", &slug, "-d", &text, "--flow", "quick"];
                args.extend(start.then_some("--start"));
                answer(&self.world.run(&args))
            }
            Hands::Socket => {
                let task = json!({"slug": slug, "description": text, "flow": "quick", "start": start});
                self.world.call(&mut self.client, "task.new", json!({"task": task})).ok()
            }
        };
        let Some(answer) = answer else {
            assert!(contested, "{slug} was refused");
            return;
        };
        let id = number(&answer).unwrap_or_else(|| panic!("no number: {answer}"));
        let former = self.world.record().made.insert(id, slug.clone());
        assert_eq!(former, None, "{id} was given to {slug} too");
    }

    fn ask(&mut self, operation: &str, slug: &str) {
        if operation == "delete" {
            self.world.record().doomed.insert(slug.to_owned());
        }
        let done = match self.hands {
            Hands::Shell => self.ask_at_shell(operation, slug),
            Hands::Socket => self.ask_at_socket(operation, slug),
        };
        if operation == "delete" && done {
            let mut record = self.world.record();
            let ids: Vec<u32> = record.made.iter().filter(|(_, made)| *made == slug).map(|(id, _)| *id).collect();
            record.deleted.extend(ids);
        }
    }

    /// Whether it was done.
    fn ask_at_shell(&mut self, operation: &str, slug: &str) -> bool {
        let text = format!("Say {}", self.dice.below(1000));
        let mut args = vec!["--json", "-y", operation, slug];
        match operation {
            "reject" | "send" => args.push(&text),
            "set-status" => args.push(*self.dice.pick(&["running", "completed", "reviewed", "draft"])),
            "merge" => args.extend(self.dice.percent(50).then_some("--no-wait")),
            _ => {}
        }
        let output = self.world.run(&args);
        // Done, or refused with a reason: never broken.
        let code = output.status.code();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}"));
        assert!(matches!(code, Some(0..=7)) && told["error"]["code"] != "internal", "{args:?}: {code:?} {told}");
        output.status.success()
    }

    fn ask_at_socket(&mut self, operation: &str, slug: &str) -> bool {
        let text = format!("Say {}", self.dice.below(1000));
        let (method, params) = match operation {
            "reject" => ("task.reject", json!({"task": slug, "feedback": text})),
            "send" => ("message.send", json!({"session": slug, "text": text})),
            "set-status" => ("task.set_status", json!({"task": slug, "status": "completed"})),
            "delete" => ("task.delete", json!({"task": slug, "scope": "all"})),
            "start" => ("task.start", json!({"task": slug})),
            "stop" => ("task.stop", json!({"task": slug})),
            "approve" => ("task.approve", json!({"task": slug})),
            "complete" => ("task.complete", json!({"task": slug})),
            "skip" => ("task.skip", json!({"task": slug})),
            "archive" => ("task.archive", json!({"task": slug})),
            _ => ("task.merge", json!({"task": slug})),
        };
        match self.world.call(&mut self.client, method, params.clone()) {
            Ok(_) => true,
            Err(failure) => {
                let broken = failure.kind == orchestra::model::FailureKind::Internal;
                assert!(!broken, "{method} {params}: {failure}");
                false
            }
        }
    }
}

fn answer(output: &Output) -> Option<Value> {
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// The number of a task in an answer.
fn number(answer: &Value) -> Option<u32> {
    let id = [&answer["id"], &answer["task"]["id"]].into_iter().find_map(Value::as_u64)?;
    u32::try_from(id).ok()
}
