//! The engine as its faces use it: real git, real PTYs, real files; agents are the scripted one and plain commands.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

mod agent;
mod begin;
mod beside;
mod children;
mod flows;
mod gate;
mod handed_in;
mod headless;
mod leave;
mod merge;
mod person;
mod projects;
mod pull_request;
mod reboot;
mod stream;
mod talk;
mod task_files;

#[path = "../support/engine.rs"]
mod engine;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;

use repo::WILLING;

/// Artifact of a stage, as the project keeps it.
fn artifact(repository: &repo::Repository, slug: &str, name: &str) -> String {
    repository.read(&format!(".orchestra/.artifacts/{slug}/{name}.md"))
}

/// The script of an agent that stops at `door` before it goes on with `rest`.
fn stops_at(door: &place::Door, rest: &str) -> String {
    format!(
        "rules:\n  - {{when: 'You were interrupted', steps: [{{submit: went on}}]}}\n  - {{when: 'artifact `summary` by', steps: \
         [{{run: \"{}\"}}, {rest}]}}\notherwise: [{{say: heard}}]\n",
        door.wait()
    )
}
