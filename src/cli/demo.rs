//! `orchestra demo`: the whole product in a throwaway repository, with an agent that needs no account.
//!
//! The demo is a project like any other: its own repository, home folder and flow; only the name of the agent differs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Args;

use super::context::Context;
use super::{Outcome, Run, open, say};
use crate::agent::Catalog;
use crate::agent::demo::{self, DemoFile};
use crate::engine::Engine;
use crate::model::{Failure, FailureKind, NewTask, Reply, Request};
use crate::rpc::{FaceKind, Server};
use crate::store::Home;
use crate::ui::guide::Guide;
use crate::ui::runtime::{self, Opening};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra demo                 with a built-in agent, no account needed")]
pub(super) struct Demo {
    /// Keep the repository and the sessions' history after leaving
    #[arg(long)]
    keep: bool,
    /// Play the same script with another agent: opencode, claude, or one of your config
    #[arg(long, default_value = Catalog::DEMO)]
    agent: String,
}

impl Run for Demo {
    fn run(&self, _: &Context) -> Outcome {
        run(self).map(|()| ExitCode::SUCCESS)
    }
}

fn run(verb: &Demo) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("orchestra-demo-").tempdir().map_err(Failure::internal)?;
    let repository = folder.path().join("csv-tool");
    make_repository(&repository, &verb.agent)?;
    let repo = open::check(&repository)?;
    let place = folder.path().display().to_string();
    let end = if verb.keep { "kept after you leave" } else { "removed on exit, --keep keeps it" };
    say(&format!("demo repository in {place}; {end}"));
    let home = Home::at(folder.path().join("home"));
    let memory = home.root().join("screen.json");
    let (engine, mailbox) = open::start(&repo, home.clone())?;
    // Its agents hand in by the socket, as any do.
    let server = Server::start(engine.handle(), &home, open::face(&engine, FaceKind::Tui))?;
    begin(&engine)?;
    let engine = runtime::run(engine, mailbox, Opening { guide: Some(Guide::default()), memory, designer: false })?;
    drop(server);
    if verb.keep {
        let kept = folder.keep();
        say(&format!(
            "kept {}. Its agents go on; to go back: ORCHESTRA_HOME={place}/home orchestra {place}/csv-tool",
            kept.display()
        ));
        return Ok(());
    }
    // Nothing of the demo stays behind; an engine that has ended already left nothing.
    let _ = engine.call(Request::ShutDown);
    drop(engine);
    folder.close().map_err(|error| Failure::internal(format!("cannot remove {place}: {error}")))?;
    say("left the demo; its repository and agents are gone. In your repository: orchestra, then N.");
    Ok(())
}

/// A small repository with a test suite and a flow.
fn make_repository(path: &Path, agent: &str) -> Result<(), Failure> {
    for file in demo::files() {
        write(&path.join(file.path), file).map_err(Failure::internal)?;
    }
    let config = path.join(".orchestra/config.yaml");
    let settings = std::fs::read_to_string(&config).map_err(Failure::internal)?;
    std::fs::write(config, format!("agent: {agent}\n{settings}")).map_err(Failure::internal)?;
    for args in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["config", "user.name", "Orchestra demo"],
        &["config", "user.email", "demo@orchestra.invalid"],
        &["add", "--all"],
        &["commit", "--quiet", "--message", "Start"],
    ] {
        git(path, args)?;
    }
    Ok(())
}

fn write(path: &Path, file: &DemoFile) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, file.text)?;
    let mode = if file.executable { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Trusts the commands that come with this program, and sets its tasks to work.
fn begin(engine: &Engine) -> Result<(), Failure> {
    let snapshot = engine.ready();
    let Some(project) = snapshot.projects.first().map(|project| project.id.clone()) else {
        return Err(Failure::internal("the demo's repository could not be opened"));
    };
    if let Reply::Trust(facts) = engine.call(Request::TrustFacts { project: project.clone() })? {
        engine.call(Request::Trust { project: project.clone(), hash: facts.hash })?;
    }
    for task in demo::tasks() {
        let new = NewTask {
            slug: Some(task.slug),
            description: format!("# {}\n\n{}", task.title, task.description),
            flow: Some(task.flow),
            start: true,
            ..NewTask::default()
        };
        engine.call(Request::NewTask { project: project.clone(), task: new })?;
    }
    Ok(())
}

fn git(path: &Path, args: &[&str]) -> Result<(), Failure> {
    let output = Command::new("git").arg("-C").arg(path).args(args).output().map_err(|error| {
        Failure::new(FailureKind::NotFound, format!("cannot run git: {error}.")).hint("Install git")
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::internal(format!("git {} failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim())))
}
