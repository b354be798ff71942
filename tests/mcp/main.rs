//! The tools of agents as an agent has them: the program itself below a session's shim, over pipes, with an engine that it
//! starts or that dies under it.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

mod by_hand;
mod hand_in;
mod messages;
mod talk;

#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use place::Place;
use repo::{Repository, WILLING};
use serde_json::Value;
use talk::Talk;

/// What stages end with.
const JUDGED: &str = "{stages: [{name: work, artifact: summary, is_automated: true, \
capabilities: {ask_questions: false}}, {name: review, artifact: verdict, capabilities: {ask_questions: false, \
approval: {rejection_stage: work}}}], integration: {auto_merge: false}}";
const TAKEN_APART: &str = "{stages: [{name: take-apart, artifact: breakdown, capabilities: {subtasks: {flow: quick}}}], integration: {auto_merge: false}}";

/// A person at a shell in a repository, with an agent `talker` that does nothing but serve tools to the test.
struct Desk<'a> {
    place: &'a Place,
    repository: Repository,
}

/// Runs `test` before a repository; afterwards all sessions and the engine end as a person would end them.
fn at_desk(test: impl FnOnce(&Desk<'_>)) {
    place::in_place(|place| {
        let desk = Desk { place, repository: Repository::new(place, WILLING) };
        let folder = place.path("").display().to_string();
        let script = format!(
            "s=${{ORCHESTRA_TASK_SLUG:-main}}\norchestra mcp --session $s <'{folder}'/$s.in >'{folder}'/$s.out\n\
             test $s != main || read _\n"
        );
        let script = place.write("talker.sh", &script);
        // It rests never, and ends a stage by its own end.
        desk.repository
            .agent("talker", &format!("{{start: [sh, '{}', '{{prompt}}'], rest_after_ms: 600000}}", script.display()));
        let config = desk.repository.read(".orchestra/config.yaml").replace("agent: scripted", "agent: talker");
        desk.repository.write(".orchestra/config.yaml", &config);
        desk.repository.flow("judged", JUDGED);
        desk.repository.flow("apart", TAKEN_APART);
        desk.done(&["trust", "--trust"]);
        test(&desk);
        desk.done(&["shutdown", "-y"]);
    });
}

impl Desk<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestra"));
        command.args(args).env_clear().envs(self.place.environment()).current_dir(self.repository.root());
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What it prints; it has to succeed.
    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.done(args)).unwrap()
    }

    /// Starts a task whose agent is the talker, and talks to its tools.
    fn task(&self, slug: &str, flow: &str) -> Talk {
        self.make_pipes(slug);
        self.done(&["new", slug, "-d", "Talk", "--flow", flow, "--start"]);
        self.again(slug)
    }

    /// Talks to the tools of a session's next agent.
    fn again(&self, session: &str) -> Talk {
        Talk::through(&self.pipes(session))
    }

    fn make_pipes(&self, session: &str) {
        assert!(Command::new("mkfifo").args(self.pipes(session)).status().unwrap().success());
    }

    /// The two pipes of a session's tools.
    fn pipes(&self, session: &str) -> [PathBuf; 2] {
        ["in", "out"].map(|end| self.place.path(&format!("{session}.{end}")))
    }

    fn reaches(&self, slug: &str, state: &str) {
        self.done(&["wait", slug, "--until", state, "--timeout", "60"]);
    }

    /// What is known of a task.
    fn show(&self, slug: &str) -> Value {
        self.json(&["show", slug, "--json"])["task"].take()
    }

    /// Ends the engine as a crash would.
    fn kill_engine(&self) {
        let pid = self.json(&["rpc", "engine.info"])["face"]["pid"].as_i64().unwrap();
        let pid = i32::try_from(pid).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
        assert!(place::gone(pid), "the engine is killed");
    }
}
