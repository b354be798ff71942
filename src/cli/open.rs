//! `orchestra [PATH]`: the full screen in the repository around a folder.

use std::io::IsTerminal as _;
use std::path::Path;

use super::{own_path, say};
use crate::engine::{Engine, Setting};
use crate::git::{Git, GitError, Repo};
use crate::model::{Failure, FailureKind, SessionKind, Snapshot, State};
use crate::store::Home;
use crate::ui::runtime::{self, Mailbox, Opening};

pub(super) fn run(path: &Path) -> Result<(), Failure> {
    check(path)?;
    let home = Home::from_env().map_err(|error| Failure::new(FailureKind::Config, error.to_string()))?;
    let memory = home.root().join("screen.json");
    let (engine, mailbox) = start(path, home)?;
    let engine = runtime::run(engine, mailbox, Opening { guide: None, memory })?;
    say_what_goes_on(&engine.snapshot());
    Ok(())
}

/// Starts an engine for the repository around `path`, and what connects the screen with it.
pub(super) fn start(path: &Path, home: Home) -> Result<(Engine, Mailbox), Failure> {
    let mailbox = Mailbox::new();
    let setting = Setting { home, program: own_path()?, project: path.to_owned() };
    let engine = Engine::start(setting, mailbox.listener())?;
    Ok((engine, mailbox))
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
    let path = path
        .canonicalize()
        .map_err(|error| Failure::new(FailureKind::Usage, format!("cannot open {}: {error}.", path.display())))?;
    let repo = Git::from_env().and_then(|git| {
        let repo = Repo::discover(&git, &path)?;
        repo.require_commit()?;
        Ok(repo)
    });
    repo.map_err(|error| no_repository(&error))
}

fn no_repository(error: &GitError) -> Failure {
    let failure = Failure::new(FailureKind::NoRepository, format!("{error}."));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
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
