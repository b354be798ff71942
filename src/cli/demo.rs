//! `orchestra demo`: the whole product in a throwaway repository, with an agent that needs no account.
//!
//! The demo is a project like any other: its own repository, home folder and flow; only the name of the agent differs.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use clap::Args;

use super::{open, say};
use crate::agent::{Catalog, demo};
use crate::engine::Engine;
use crate::model::{Failure, FailureKind, Request};
use crate::store::Home;
use crate::ui::runtime::Guide;

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Keep the repository and the sessions' history after leaving
    #[arg(long)]
    keep: bool,
    /// Play the same script with another agent: opencode, claude, or one of your config
    #[arg(long, default_value = Catalog::DEMO)]
    agent: String,
}

pub(super) fn run(verb: &Demo) -> Result<(), Failure> {
    let began = Instant::now();
    let folder = tempfile::Builder::new().prefix("orchestra-demo-").tempdir().map_err(Failure::internal)?;
    let repository = folder.path().join("csv-tool");
    make_repository(&repository, &verb.agent)?;
    open::check(&repository)?;
    let place = folder.path().display().to_string();
    let end = if verb.keep { "kept after you leave" } else { "removed on exit, --keep keeps it" };
    say(&format!("demo repository in {place}; {end}"));
    let home = Home::at(folder.path().join("home"));
    let engine = open::open(&repository, home, Some(Guide::default()), began)?;
    if verb.keep {
        let kept = folder.keep();
        say(&format!("kept {}. Its agents go on; to go back: ORCHESTRA_HOME={place}/home orchestra {place}/csv-tool", kept.display()));
        return Ok(());
    }
    stop_all(&engine);
    drop(engine);
    folder.close().map_err(|error| Failure::internal(format!("cannot remove {place}: {error}")))?;
    say("left the demo; its repository and agents are gone. In your repository: orchestra, then N.");
    Ok(())
}

/// A small repository with a test suite, a flow and two tasks.
fn make_repository(path: &Path, agent: &str) -> Result<(), Failure> {
    demo::write_repository(path, agent).map_err(Failure::internal)?;
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

fn git(path: &Path, args: &[&str]) -> Result<(), Failure> {
    let output = Command::new("git").arg("-C").arg(path).args(args).output().map_err(|error| {
        Failure::new(FailureKind::NotFound, format!("cannot run git: {error}.")).hint("Install git")
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::internal(format!("git {} failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim())))
}

/// Ends what runs, so that nothing of the demo stays behind.
fn stop_all(engine: &Engine) {
    let _ = engine.call(Request::StopAll);
}
