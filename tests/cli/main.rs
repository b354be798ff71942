//! The command line as scripts and people have it: the program itself, a real engine that it starts, real repositories.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]
#![allow(clippy::too_many_lines, reason = "most of the lines are what a command prints")]

mod attach;
mod comment;
mod doubt;
mod hook;
mod json;
mod life;
mod new;
mod pipeline;
mod play;
mod run;
mod set_status;
mod settings;
mod shell;
mod usage;
mod wait;
mod workflow;

#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;
#[allow(dead_code, reason = "shared by test binaries that each use a part of it")]
#[path = "../support/tui.rs"]
mod tui;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use place::Place;
use repo::{Repository, WILLING};
use tui::Tui;

/// Runs `test` in a folder of its own; afterwards all sessions and the engine end as a person would end them.
fn in_place(test: impl FnOnce(&Place)) {
    place::in_place(|place| {
        test(place);
        // Whatever was just being started is ended by its engine: from outside it might be overlooked.
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestra"));
        command.args(["shutdown", "-y"]).env_clear().envs(place.environment()).stdin(Stdio::null());
        let output = command.current_dir(place.path("home")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    });
}

/// A person at a shell in a repository.
struct Desk<'a> {
    place: &'a Place,
    repository: Repository,
    folder: PathBuf,
}

/// What a command did.
#[derive(Debug)]
struct Ran {
    code: i32,
    /// Without what differs from run to run; `raw` has it.
    out: String,
    raw: String,
    err: String,
}

impl<'a> Desk<'a> {
    /// In a repository whose commands are trusted; its agent plays `script`.
    fn new(place: &'a Place, script: &str) -> Self {
        let desk = Self::untrusted(place, script);
        desk.done(&["trust", "--trust"]);
        desk
    }

    fn untrusted(place: &'a Place, script: &str) -> Self {
        let repository = Repository::new(place, script);
        let folder = repository.root().to_owned();
        Self { place, repository, folder }
    }

    /// The same person in another folder.
    fn at(&self, folder: &Path) -> Self {
        Self { place: self.place, repository: self.repository.clone(), folder: folder.to_owned() }
    }

    /// `orchestra ARGS` without a terminal.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestra"));
        command.args(args).env_clear().envs(self.place.environment()).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.ran(&self.command(args).output().unwrap())
    }

    fn piped(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        // It may have ended without reading any of it.
        _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        self.ran(&child.wait_with_output().unwrap())
    }

    /// What it prints; it has to succeed.
    fn done(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    }

    /// All that it did, as a snapshot has it.
    fn shown(&self, args: &[&str]) -> String {
        self.run(args).shown()
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.run(args).raw).unwrap_or_else(|error| panic!("{args:?}: {error}"))
    }

    /// `orchestra ARGS` in a terminal of 30 rows and 100 columns.
    fn terminal(&self, args: &[&str], more: &[(&str, &str)]) -> Tui {
        let env = self.place.environment();
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).chain(more.iter().copied()).collect();
        Tui::start(&self.folder, args, &env, (30, 100))
    }

    fn ran(&self, output: &Output) -> Ran {
        let text = |bytes: &[u8]| self.plain(&String::from_utf8_lossy(bytes));
        let raw = String::from_utf8_lossy(&output.stdout).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), raw, err: text(&output.stderr) }
    }

    /// Without what differs from run to run: places, numbers of processes, hashes and times.
    fn plain(&self, text: &str) -> String {
        let place = self.place.path("");
        let text = text.replace(place.to_str().unwrap().trim_end_matches('/'), "$PLACE");
        [
            (r"my-app-[0-9a-f]{6}", "my-app-ID"),
            (r"process \d+", "process PID"),
            (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
            (r"\b[0-9]{13,}\b", "NUMBER"),
            (r"\b\d0s\b", "now"),
            (r"\b\d\d:\d\d:\d\d\b", "CLOCK"),
            (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
        ]
        .into_iter()
        .fold(text, |text, (pattern, word)| regex::Regex::new(pattern).unwrap().replace_all(&text, word).into_owned())
    }
}

impl Ran {
    fn shown(&self) -> String {
        let Self { code, out, err, .. } = self;
        let told = if err.is_empty() { String::new() } else { format!("stderr: {err}") };
        let end = if *code == 0 { String::new() } else { format!("exit {code}") };
        format!("{out}{told}{end}").trim_end().to_owned()
    }
}
