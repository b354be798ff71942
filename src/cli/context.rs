//! What every verb has at hand: how to print, the project it is about, and the engine.
//!
//! Invariant: names are resolved by the engine; here they are only passed on, but for the task of the current worktree.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::output::{Output, note};
use super::{look, own_path};
use crate::model::{Failure, FailureKind, State};
use crate::rpc::{Client, TaskView, TasksView};
use crate::store::{Folder, Home};

/// What holds for all verbs.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Common {
    /// Print one JSON object, errors too
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Answer confirmations with yes; trust is never given by it
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub yes: bool,
    /// The project: a path inside of it, its name or its id; the one around this folder when none is given
    #[arg(id = "place", long = "in", short = 'C', value_name = "PROJECT", global = true, help_heading = "Everywhere")]
    pub project: Option<String>,
}

/// A task by its number, slug or `id:slug`.
#[derive(Debug, Clone, Args)]
pub(super) struct OfTask {
    /// Number, slug or `id:slug`; may be left out inside of a task's worktree
    #[arg(value_name = "TASK")]
    pub task: Option<String>,
}

/// What a verb runs with.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub output: Output,
    pub yes: bool,
    project: Option<String>,
}

impl Context {
    pub fn new(common: &Common) -> Self {
        Self { output: Output::of_process(common.json), yes: common.yes, project: common.project.clone() }
    }

    /// The engine, with the project that the verb is about. One is started where none runs.
    pub fn link(&self) -> Result<Link, Failure> {
        let project = self.place()?;
        Ok(Link { client: Client::connect_or_start(&home()?, &own_path()?)?, project })
    }

    /// The engine if one runs.
    pub fn running(&self) -> Result<Option<Link>, Failure> {
        let Some(client) = Client::connect(&home()?)? else { return Ok(None) };
        Ok(Some(Link { client, project: self.place()? }))
    }

    /// True where there is a person to ask.
    pub fn has_person(&self) -> bool {
        !self.output.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// What names the project for the engine: a path, or what the person wrote.
    pub fn place(&self) -> Result<String, Failure> {
        match &self.project {
            None => Ok(here()?.to_string_lossy().into_owned()),
            Some(given) => {
                let path = Path::new(given).canonicalize().ok().filter(|path| path.is_dir());
                Ok(path.map_or_else(|| given.clone(), |path| path.to_string_lossy().into_owned()))
            }
        }
    }

    /// The root of the checkout around the folder that the verb is about, found without git.
    pub fn root(&self) -> Option<PathBuf> {
        let start =
            self.project.as_ref().map_or_else(here, |given| Ok(PathBuf::from(given))).ok()?.canonicalize().ok()?;
        start.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)
    }

    /// The folder of the project's settings; outside of one a folder that has none.
    pub fn settings_folder(&self) -> Result<Folder, Failure> {
        Ok(Folder::of(&self.root().map_or_else(|| home().map(|home| home.root().to_owned()), Ok)?))
    }

    /// True when a project was named, or the current folder is in one.
    pub fn is_in_project(&self) -> bool {
        self.project.is_some() || self.root().is_some()
    }
}

/// A connection to the engine, for one project.
pub(super) struct Link {
    pub client: Client,
    project: String,
}

impl Link {
    /// Parameters with the project among them.
    pub fn params(&self, params: Value) -> Value {
        let mut params = params;
        params["project"] = json!(self.project);
        params
    }

    /// Calls a method about the project.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        self.client.call(method, self.params(params))
    }

    /// Calls a method about a task.
    pub fn on_task(&mut self, method: &str, task: &str, params: Value) -> Result<Value, Failure> {
        let mut params = params;
        params["task"] = json!(task);
        self.call(method, params)
    }

    pub fn list(&mut self) -> Result<TasksView, Failure> {
        typed(self.call("task.list", json!({}))?)
    }

    /// Tells what is wrong with the project's settings and flows: what begins now goes by others.
    pub fn tell_faults(&mut self) -> Result<(), Failure> {
        for fault in self.list()?.project.faults {
            note(&format!("! {fault}"));
        }
        Ok(())
    }

    /// The task as it is now.
    pub fn task(&mut self, task: &str) -> Result<TaskView, Failure> {
        typed(self.show(task)?)
    }

    /// The task with what happened to it, as the engine tells it.
    pub fn show(&mut self, task: &str) -> Result<Value, Failure> {
        self.on_task("task.show", task, json!({}))
    }

    /// Whether a task's session may be on its way: its process is not known yet.
    pub fn starts(&mut self, session: &str) -> bool {
        self.task(session).ok().and_then(|task| look::state(&task)).is_some_and(|state| {
            // A gate or a script may be long at work, and the agent is another one then.
            matches!(state, State::Setup | State::Queued | State::Working)
        })
    }

    /// The task that was named, else the one whose worktree this is.
    pub fn name(&mut self, given: &OfTask) -> Result<String, Failure> {
        match &given.task {
            Some(task) => Ok(task.clone()),
            None => self.of_this_folder()?.ok_or_else(|| {
                Failure::new(FailureKind::Usage, "no task was named, and this folder is no task's worktree.")
                    .hint("Name one; orchestra status lists them.")
            }),
        }
    }

    /// The task in whose worktree the current folder is.
    pub fn of_this_folder(&mut self) -> Result<Option<String>, Failure> {
        let here = here()?;
        let inside = |task: &TaskView| task.worktree.as_ref().is_some_and(|worktree| here.starts_with(worktree));
        Ok(self.list()?.tasks.into_iter().find(inside).map(|task| task.slug))
    }
}

pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| {
        Failure::internal(format!("the engine's answer is not understood: {error}."))
            .hint("It may be of another version: orchestra shutdown, then again")
    })
}

pub(super) fn home() -> Result<Home, Failure> {
    Home::from_env().map_err(|error| Failure::new(FailureKind::Config, format!("{error}.")))
}

/// The current folder, with all links followed.
fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .and_then(|path| path.canonicalize())
        .map_err(|error| Failure::new(FailureKind::Usage, format!("the current folder cannot be used: {error}.")))
}
