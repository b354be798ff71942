//! The methods: those of `model::Request`, and those that are answered without the engine's thread.
//!
//! Invariant: names and parameters come from the types' own schemas, so a new variant is a method at once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::follow::Position;
use super::signature::{self, Signature};
use crate::model::{ProjectId, Request, SessionId, TaskId};

/// What the socket answers from snapshots, worktrees and terminals.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "method", content = "params")]
pub enum Look {
    /// The engine: version, process, face, projects, how long it runs.
    #[serde(rename = "engine.info")]
    EngineInfo {},
    #[serde(rename = "project.list")]
    Projects {},
    /// The tasks of a project; without one: of all projects.
    #[serde(rename = "task.list")]
    Tasks { project: Option<ProjectId> },
    /// Why a task has the state it has, and what it waits for.
    #[serde(rename = "task.explain")]
    Explain { project: ProjectId, task: TaskId },
    /// The sessions of a project; without one: of all projects.
    #[serde(rename = "session.list")]
    Sessions { project: Option<ProjectId> },
    /// The last lines of a session's output: its screen and what is above it.
    #[serde(rename = "session.read")]
    ReadSession { project: ProjectId, session: SessionId, lines: Option<usize> },
    /// A session's lines as `session.lines` notifications, each when its program has begun another one, until it ends; in
    /// place of what this connection followed before. `after`: those after that place in the same run; `lines`: of those
    /// that are there already, the last so many.
    #[serde(rename = "session.follow")]
    Follow { project: ProjectId, session: SessionId, after: Option<Position>, lines: Option<usize> },
    /// All changes of a task's worktree against its base; without a task: of the project's own checkout.
    #[serde(rename = "diff.show")]
    Diff { project: ProjectId, task: Option<TaskId> },
    /// `event` notifications from now on; `since`: those after that number first.
    #[serde(rename = "events.subscribe")]
    Subscribe { since: Option<u64> },
    /// The session's screen as `session.output` notifications, until it ends or is detached.
    #[serde(rename = "session.attach")]
    Attach { project: ProjectId, session: SessionId, rows: u16, cols: u16 },
    /// Types bytes (base64) into a session.
    #[serde(rename = "session.input")]
    Input { project: ProjectId, session: SessionId, bytes: String },
    /// The attached terminal has another size.
    #[serde(rename = "session.resize")]
    Resize { project: ProjectId, session: SessionId, rows: u16, cols: u16 },
    #[serde(rename = "session.detach")]
    Detach { project: ProjectId, session: SessionId },
}

#[derive(Debug, Clone)]
pub struct Method {
    pub signature: Signature,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request to the engine.
    Request,
    Look,
}

/// All methods by name, and what their schemas refer to.
pub struct Catalog {
    pub methods: BTreeMap<String, Method>,
    pub definitions: Map<String, Value>,
}

impl Catalog {
    pub fn get() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let mut methods = BTreeMap::new();
        add::<Request>(&mut generator, Kind::Request, &mut methods);
        add::<Look>(&mut generator, Kind::Look, &mut methods);
        Self { methods, definitions: generator.take_definitions(true) }
    }
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator, kind: Kind, methods: &mut BTreeMap<String, Method>) {
    let of_type = signature::of::<T>(generator);
    methods.extend(of_type.map(|(name, signature)| (name, Method { signature, kind })));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_from_the_types() {
        let methods = &Catalog::get().methods;
        let Method { signature: start, kind } = &methods["task.start"];
        assert_eq!(start.names().collect::<Vec<_>>(), ["project", "task"]);
        assert!(start.requires("task") && *kind == Kind::Request && start.about.starts_with("Starts a draft"));
        assert!(methods["engine.ping"].signature.params.is_none());
        let Method { signature: list, kind } = &methods["task.list"];
        assert!(list.takes("project") && !list.requires("project") && *kind == Kind::Look);
    }
}
