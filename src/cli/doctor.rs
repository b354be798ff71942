//! `orchestra doctor`: whether this machine has what it takes, and what to do where it does not.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::context::{Context, home};
use super::output::pad;
use super::{Outcome, Run, agents};
use crate::agent::Catalog;
use crate::git::Git;
use crate::rpc::{Client, FaceKind};
use crate::store::{Home, config};
use crate::ui::glyph::Mark;

/// Check git, agents, home folder, engine and terminal
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra doctor
Exit code 1: something is wrong, and the line says what to do.")]
pub(super) struct Doctor {}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    level: Level,
    text: String,
    /// What to do.
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Ok,
    /// Works, though something is missing.
    Note,
    Wrong,
}

impl Run for Doctor {
    fn run(&self, context: &Context) -> Outcome {
        let mut findings = vec![git(), repository(context)];
        match home() {
            Ok(home) => findings.extend([folder(&home), settings(&home, context), engine(&home), agents(context)]),
            Err(failure) => findings.push(Finding::wrong("home", failure.message, "Set HOME or ORCHESTRA_HOME")),
        }
        findings.extend([locale(), terminal()]);
        let wrong = findings.iter().any(|it| it.level == Level::Wrong);
        let output = &context.output;
        output.result(&json!({"ok": !wrong, "findings": findings}), || {
            findings.iter().fold(String::new(), |page, finding| {
                let mark = match finding.level {
                    Level::Ok => Mark::Good,
                    Level::Note => Mark::Idle,
                    Level::Wrong => Mark::Bad,
                };
                let sign = output.paint(mark.role(), mark.glyph(output.signs));
                let hint = finding.hint.as_ref().map_or_else(String::new, |hint| format!("\n{}{hint}", pad("", 14)));
                format!("{page}{sign} {}{}{hint}\n", pad(finding.what, 12), output.clean(&finding.text))
            })
        });
        Ok(ExitCode::from(u8::from(wrong)))
    }
}

impl Finding {
    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, level: Level::Ok, text: text.into(), hint: None }
    }

    fn note(what: &'static str, text: impl Into<String>, hint: &str) -> Self {
        Self { what, level: Level::Note, text: text.into(), hint: Some(hint.to_owned()) }
    }

    fn wrong(what: &'static str, text: impl Into<String>, hint: &str) -> Self {
        Self { what, level: Level::Wrong, text: text.into(), hint: Some(hint.to_owned()) }
    }
}

fn git() -> Finding {
    if let Err(error) = Git::from_env() {
        return Finding::wrong("git", error.to_string(), &error.hint().unwrap_or_else(|| "Install git".to_owned()));
    }
    let told = Command::new("git").arg("--version").output().map(|it| it.stdout).unwrap_or_default();
    Finding::ok("git", String::from_utf8_lossy(&told).trim().trim_start_matches("git version "))
}

fn repository(context: &Context) -> Finding {
    match context.root() {
        Some(root) => Finding::ok("repository", root.display().to_string()),
        None => Finding::note("repository", "this folder is in none", "cd to one, or try: orchestra demo"),
    }
}

/// The folder with all state, which nobody else may read.
fn folder(home: &Home) -> Finding {
    let root = home.root();
    let name = root.display().to_string();
    let Ok(metadata) = root.metadata() else {
        return Finding::ok("home", format!("{name} is made at the first start"));
    };
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    if !own {
        return Finding::wrong(
            "home",
            format!("{name} belongs to another user"),
            "Set ORCHESTRA_HOME to your own folder",
        );
    }
    let open: Vec<String> = [root.to_owned(), home.run()]
        .iter()
        .filter(|folder| folder.metadata().is_ok_and(|metadata| metadata.mode() & 0o077 != 0))
        .map(|folder| folder.display().to_string())
        .collect();
    if !open.is_empty() {
        let hint = format!("chmod 700 {}", open.join(" "));
        return Finding::wrong("home", format!("{} is open to other users", open.join(", ")), &hint);
    }
    if writable(root) {
        Finding::ok("home", name)
    } else {
        Finding::wrong("home", format!("{name} cannot be written"), "Look at its rights, and whether the disk is full")
    }
}

fn writable(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

fn settings(home: &Home, context: &Context) -> Finding {
    let problems = context.settings_folder().map(|folder| config::check(home, &folder)).unwrap_or_default();
    match problems.first() {
        None => Finding::ok("settings", "all files are right"),
        Some(problem) => Finding::wrong("settings", problem.to_string(), "orchestra config check"),
    }
}

/// Who holds the lock and answers at the socket.
fn engine(home: &Home) -> Finding {
    match Client::connect(home) {
        Ok(Some(client)) => {
            let (face, version) = (&client.greeting().face, &client.greeting().version);
            let place = match (face.kind, &face.tty) {
                (FaceKind::Tui, Some(tty)) => format!("in the screen on {tty}"),
                (FaceKind::Tui, None) => "in a screen".to_owned(),
                (FaceKind::Headless, _) => "in the background".to_owned(),
            };
            let text = format!("process {}, {place}", face.pid);
            if version == env!("CARGO_PKG_VERSION") {
                Finding::ok("engine", text)
            } else {
                Finding::note(
                    "engine",
                    format!("{text}, version {version}"),
                    "orchestra shutdown ends it, if that is old",
                )
            }
        }
        Ok(None) if is_held(home) => {
            Finding::wrong("engine", "one holds the lock and does not answer", "Wait a moment; else end its process")
        }
        Ok(None) => Finding::ok("engine", "none runs; one starts when it is needed"),
        Err(failure) => {
            Finding::wrong("engine", failure.message, failure.hint.as_deref().unwrap_or("orchestra shutdown"))
        }
    }
}

/// Whether an engine holds the lock: looked at, not taken.
fn is_held(home: &Home) -> bool {
    use rustix::fs::{FlockOperation, flock};
    std::fs::File::open(home.engine_lock())
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK))
}

fn agents(context: &Context) -> Finding {
    let all = match agents::settings(context).and_then(|config| agents::found(&config)) {
        Ok(all) => all,
        Err(failure) => return Finding::wrong("agents", failure.message, "orchestra config check"),
    };
    let found: Vec<_> = all.iter().filter(|it| it.path.is_some()).map(|it| it.name.as_str()).collect();
    if found.is_empty() {
        let looked = Catalog::PREFERRED.join(", ");
        Finding::note("agents", format!("none of {looked} is on PATH"), "Install one, or try: orchestra demo")
    } else {
        Finding::ok("agents", found.join(", "))
    }
}

fn locale() -> Finding {
    let var = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    match var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG")) {
        Some(name) if super::output::is_utf8(&name) => Finding::ok("locale", name),
        Some(name) => {
            Finding::note("locale", format!("{name} is no UTF-8: marks are ASCII"), "Set LANG to C.UTF-8 or the like")
        }
        None => Finding::note("locale", "none is set", "Set LANG to C.UTF-8 or the like"),
    }
}

fn terminal() -> Finding {
    use std::io::IsTerminal as _;
    let term = std::env::var("TERM").unwrap_or_default();
    if !std::io::stdout().is_terminal() {
        return Finding::ok("terminal", "the output is none");
    }
    if term.is_empty() || term == "dumb" {
        return Finding::wrong("terminal", format!("TERM is \"{term}\""), "Set TERM to what your terminal is");
    }
    let size = crossterm::terminal::size().map_or_else(|_| String::new(), |(cols, rows)| format!(", {cols}x{rows}"));
    Finding::ok("terminal", format!("{term}{size}"))
}
