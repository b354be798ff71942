//! `orchestra [PATH]`: the full screen in the repository around a folder, with the engine inside.
//!
//! Invariant: one engine at a time. The one that is there hands over before this one begins; when the person leaves while
//! work goes on, this one hands over to an engine without a face.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use super::context::Context;
use super::{home, input, own_path, say};
use crate::engine::{Engine, First, Setting};
use crate::git::{Git, GitError, Repo};
use crate::model::{Failure, FailureKind, Request, SessionKind, Snapshot, State};
use crate::rpc::{self, Client, Face, FaceKind, Server};
use crate::store::Home;
use crate::ui::runtime::{self, Mailbox, Opening};

/// How long an engine that has the lock may take until it serves.
const BEGINNING: Duration = Duration::from_secs(5);

pub(super) fn run(context: &Context, path: &Path) -> Result<(), Failure> {
    // Before another engine is asked to go: nobody serves until this one does.
    let repo = check(path)?;
    let home = home()?;
    let (engine, mailbox) = begin(context, &repo, &home)?;
    let memory = home.root().join("screen.json");
    let server = Server::start(engine.handle(), &home, face(&engine, FaceKind::Tui))?;
    let engine = runtime::run(engine, mailbox, Opening { guide: None, memory, designer: true })?;
    leave(&home, engine, server)
}

/// Starts the engine, after another one has made room.
fn begin(context: &Context, repo: &Repo, home: &Home) -> Result<(Engine, Mailbox), Failure> {
    if let Some(client) = Client::connect(home)? {
        take_over(context, client)?;
    }
    match start(repo, home.clone()) {
        // One that has just begun does not serve yet.
        Err(failure) if failure.kind == FailureKind::LockHeld => {
            let Some(client) = rpc::wait_for_server(home, BEGINNING)? else { return Err(failure) };
            take_over(context, client)?;
            start(repo, home.clone())
        }
        started => started,
    }
}

/// Makes room: an engine without a face hands over at once, one on another terminal after its person's consent here.
fn take_over(context: &Context, mut client: Client) -> Result<(), Failure> {
    let there = client.greeting().face.clone();
    if there.kind == FaceKind::Tui {
        let place = there.tty.as_deref().unwrap_or("another terminal");
        let question = format!("Orchestra runs on {place} as process {}. Take it over here?", there.pid);
        if input::confirm(context, &question, &['y'])? != 'y' {
            let text = format!("Orchestra runs on {place} as process {}; it was left there.", there.pid);
            return Err(Failure::new(FailureKind::LockHeld, text).hint("orchestra status shows its tasks from here"));
        }
    }
    client.call("engine.handover", serde_json::json!({})).map(drop)
}

/// Hands over to an engine without a face while there is work; says what goes on.
fn leave(home: &Home, engine: Engine, server: Server) -> Result<(), Failure> {
    if engine.is_over() {
        say("left. Orchestra was taken over or shut down elsewhere; what runs goes on there.");
        return Ok(());
    }
    let snapshot = engine.snapshot();
    // What is under way tells its result first; a failure means that it has ended meanwhile.
    let _ = engine.call(Request::HandOver);
    drop(server);
    drop(engine);
    if snapshot.has_work() {
        rpc::start_headless(home, &own_path()?)?;
    }
    say_what_goes_on(&snapshot);
    Ok(())
}

/// Where an engine of this process can be met.
pub(super) fn face(engine: &Engine, kind: FaceKind) -> Face {
    let tty = rustix::termios::ttyname(std::io::stdin(), Vec::new()).ok().filter(|_| kind == FaceKind::Tui);
    Face {
        kind,
        tty: tty.map(|name| name.to_string_lossy().into_owned()),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: engine.started(),
    }
}

/// Starts an engine for a repository, and what connects the screen with it.
pub(super) fn start(repo: &Repo, home: Home) -> Result<(Engine, Mailbox), Failure> {
    let mailbox = Mailbox::new();
    let setting = Setting { home, program: own_path()?, project: Some(First::Repo(Box::new(repo.clone()))) };
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

const BACK: &str = "in the background; \"orchestra\" comes back, \"orchestra shutdown\" ends them.";

fn say_what_goes_on(snapshot: &Snapshot) {
    let (mut agents, mut shells) = (0, 0);
    let sessions = snapshot.projects.iter().flat_map(|project| project.sessions());
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
        [only] => say(&format!("left. {only} {goes} on {BACK}")),
        [first @ .., last] => say(&format!("left. {} and {last} go on {BACK}", first.join(", "))),
    }
}
