//! The session that the tools work for, and what it is offered.
//!
//! Invariant: who belongs to no session is offered only what reads, whatever he says of himself.

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::tool::{self, Audience, Output, Tool};
use crate::model::{Failure, FailureKind, HandIn};
use crate::rpc::{Client, DueView, OwnSession, note_refusal, project_root};
use crate::store::{Folder, Home, prompt};

/// On whose behalf tools are called.
#[derive(Debug, Clone)]
pub struct Session {
    home: Home,
    /// This program, which may have to start an engine.
    program: PathBuf,
    own: Option<OwnSession>,
    /// Path of the project, or a name of it.
    project: String,
}

impl Session {
    /// As this process's environment has it; `project` is what counts where it has none. Fails when `named` is the id of another
    /// session.
    pub fn of_environment(home: Home, program: PathBuf, project: String, named: Option<&str>) -> Result<Self, Failure> {
        let own = OwnSession::of_environment();
        if let (Some(own), Some(named)) = (&own, named)
            && own.id() != named
        {
            let text = format!("this process belongs to session {}, not to {named}.", own.id());
            return Err(Failure::new(FailureKind::Usage, text).hint(format!("orchestra mcp --session {}", own.id())));
        }
        let project = own.as_ref().and_then(|_| project_root()).unwrap_or(project);
        Ok(Self { home, program, own, project })
    }

    /// Id of the session; none: there is none.
    pub fn id(&self) -> Option<&str> {
        self.own.as_ref().map(OwnSession::id)
    }

    /// What its agent is told of its place; empty: it is told elsewhere.
    pub fn place_told(&self) -> String {
        let is_designer = self.own.as_ref().is_some_and(|own| own.task().is_none());
        // A file that cannot be read takes nothing else away.
        let text = is_designer.then(|| prompt::designer(&Folder::of(Path::new(&self.project))).unwrap_or_default());
        text.filter(|text| !text.is_empty()).map_or_else(String::new, |text| format!("{text}\n"))
    }

    /// Notes what was refused to it before the engine was asked.
    pub fn note(&self, tool: &str, why: &Failure) {
        note_refusal(&self.home, self.id().unwrap_or("?"), tool, why);
    }

    /// Slug of its task; none: it has none, or there is no session.
    pub fn task(&self) -> Option<&str> {
        self.own.as_ref()?.task()
    }

    /// What it may call, as far as can be told without the engine, which has the last word.
    pub fn may(&self, audience: Audience) -> bool {
        match audience {
            Audience::Everybody => true,
            Audience::Stage(_) | Audience::Asking | Audience::Task => self.task().is_some(),
            Audience::Agents | Audience::Leads => self.own.is_some(),
        }
    }

    /// What it is offered now. Blocks.
    pub fn offered(&self) -> Vec<&'static Tool> {
        let due = self.due();
        let fits = |tool: &&Tool| {
            // An engine that is not there tells nothing: then any of them may be the one.
            let of_stage = due.as_ref().is_none_or(|due| match tool.audience {
                Audience::Stage(output) => Output::deserialize(json!(due.output)).is_ok_and(|it| it == output),
                Audience::Asking => due.asks,
                Audience::Leads => Output::deserialize(json!(due.output)).is_ok_and(|it| it == Output::Subtasks),
                _ => true,
            });
            of_stage && self.may(tool.audience)
        };
        tool::all().iter().filter(fits).collect()
    }

    /// Calls a method about its project. Blocks. Starts an engine where none serves.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, Failure> {
        let mut params = params;
        params["project"] = json!(self.project);
        // A connection for each call: the engine may be another one by now.
        Client::connect_or_start(&self.home, &self.program)?.call(method, params)
    }

    /// Hands in, as `orchestra submit` does. Blocks.
    pub fn hand_in(&self, hand_in: &HandIn) -> Result<Value, Failure> {
        hand_in.check(&[])?;
        let own = self.own.as_ref().filter(|own| own.task().is_some()).ok_or_else(no_task)?;
        own.hand_in(&self.home, &self.program, hand_in)
    }

    /// What its stage ends with; none: nobody can tell.
    fn due(&self) -> Option<DueView> {
        let task = self.task()?;
        // Nothing is started only to list tools.
        Client::connect(&self.home).ok()??;
        let shown = self.call("task.show", json!({"task": task})).ok()?;
        DueView::deserialize(&shown["due"]).ok()
    }
}

/// What is said where there is no task of one's own.
pub fn no_task() -> Failure {
    Failure::new(FailureKind::Usage, "this is no session of a task.").hint("Name a task; list_sessions shows them")
}
