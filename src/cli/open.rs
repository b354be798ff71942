//! `orchestra [PATH]`: the full screen in the repository around a folder.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Instant;

use super::{own_path, say};
use crate::engine::{Engine, Setting};
use crate::git::{Repo, RepoError};
use crate::model::{Failure, FailureKind, SessionKind, Snapshot, State};
use crate::store::Home;
use crate::ui::runtime::{self, Guide, Mailbox, Opening};

pub(super) fn run(path: &Path) -> Result<(), Failure> {
    let began = Instant::now();
    check(path)?;
    let home = Home::from_env().map_err(|error| Failure::new(FailureKind::Config, error.to_string()))?;
    let engine = open(path, home, None, began)?;
    say_what_goes_on(&engine.snapshot());
    Ok(())
}

/// Opens the screen; returns once the person has left, with the engine still at work.
pub(super) fn open(path: &Path, home: Home, guide: Option<Guide>, began: Instant) -> Result<Engine, Failure> {
    let mailbox = Mailbox::new();
    let memory = home.root().join("screen.json");
    let setting = Setting { home, program: own_path()?, project: path.to_owned() };
    let engine = Engine::start(setting, mailbox.listener())?;
    runtime::run(engine, mailbox, Opening { guide, memory, began })
}

/// Whether the screen can open here; if not, says why and what to do.
pub(super) fn check(path: &Path) -> Result<Repo, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::new(FailureKind::Usage, "the screen needs a terminal on standard input and output."));
    }
    repository(path)
}

/// The repository around a path, fit for worktrees.
pub(super) fn repository(path: &Path) -> Result<Repo, Failure> {
    let path = path.canonicalize().map_err(|error| {
        Failure::new(FailureKind::Usage, format!("cannot open {}: {error}.", path.display()))
    })?;
    Repo::discover(&path).map_err(|error| {
        let failure = Failure::new(FailureKind::NoRepository, error.to_string());
        match error {
            RepoError::NotARepository { .. } => failure.hint("Try: orchestra demo, or cd to a repository."),
            RepoError::Bare { .. } => failure.hint("Try: git worktree add ../checkout, and orchestra there."),
            RepoError::NoCommit { .. } => failure.hint("Try: git commit --allow-empty -m start."),
            RepoError::Git(_) => failure,
        }
    })
}

fn say_what_goes_on(snapshot: &Snapshot) {
    let sessions = snapshot.projects.iter().flat_map(|project| {
        project.tasks.iter().filter_map(|task| task.session.as_ref()).chain(&project.designer).chain(&project.shells)
    });
    let (mut agents, mut shells) = (0, 0);
    for session in sessions.filter(|session| session.alive) {
        match session.kind {
            SessionKind::Shell => shells += 1,
            _ => agents += 1,
        }
    }
    let tasks = || snapshot.projects.iter().flat_map(|project| &project.tasks);
    let gates = tasks().filter(|task| task.task.state == State::Gating).count();
    let parts: Vec<String> = [(agents, "agent"), (gates, "gate"), (shells, "shell")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") })
        .collect();
    let goes = if agents + gates + shells == 1 { "goes" } else { "go" };
    match parts.as_slice() {
        [] => say("left. Nothing runs in the background."),
        [only] => say(&format!("left. {only} {goes} on in the background; \"orchestra\" comes back.")),
        [first @ .., last] => {
            say(&format!("left. {} and {last} go on in the background; \"orchestra\" comes back.", first.join(", ")));
        }
    }
}
