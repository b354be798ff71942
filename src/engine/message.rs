//! What reaches the engine's thread: requests, and the answers of its jobs.

use std::path::PathBuf;
use std::sync::Arc;

use super::Place;
use super::find::Found;
use super::live::Started;
use super::load::Loaded;
use super::open::Asked;
use super::pipeline::Event;
use crate::model::{AgentFact, AgentFound, Answer, Diff, ExitStatus, Failure, ProjectId, Request, RunId, TaskId};
use crate::pty::Adopted;
use crate::store::database::EffectId;
use crate::store::projects;

/// One message to the engine's thread.
pub(super) enum Message {
    Ask(Box<Request>, Answerer),
    /// A blocking job is over, that of a task perhaps; without a message it panicked.
    Worked(Option<TaskPlace>, Option<Box<Message>>),
    /// A job has an answer for the pipeline; it finishes this effect.
    Happened {
        at: TaskPlace,
        event: Event,
        finishes: Option<EffectId>,
    },
    /// A job has ended in the folder `session`, and has its answer.
    JobOver {
        at: TaskPlace,
        event: Event,
        finishes: EffectId,
        session: PathBuf,
    },
    /// A worktree is there.
    Prepared {
        at: TaskPlace,
        run: RunId,
        base_commit: String,
        finishes: EffectId,
    },
    /// A process was started, or not.
    Launched {
        started: Box<Started>,
        result: Result<Adopted, Failure>,
    },
    /// An agent's event stream has news.
    Fact {
        run: RunId,
        fact: AgentFact,
    },
    /// An agent has ended, and what it printed was read; `unkept`: why there is no log of it.
    Printed {
        run: RunId,
        status: ExitStatus,
        text: String,
        unkept: Option<Failure>,
    },
    /// An agent has ended, and its conversation was looked for.
    Sought {
        run: RunId,
        status: ExitStatus,
        conversation: Option<String>,
    },
    /// Something was dropped into a session's folder.
    Dropped {
        run: RunId,
    },
    Diffed {
        place: Place,
        diff: Arc<Diff>,
    },
    /// A worktree's diff cannot be followed.
    NoDiff {
        place: Place,
        error: String,
    },
    /// Task files, config or flows of a project changed on disk.
    FilesChanged {
        project: ProjectId,
    },
    AgentsFound(Vec<AgentFound>),
    /// A repository was looked for.
    Found {
        found: Box<Result<Found, Failure>>,
        asked: Asked,
    },
    /// A project was read from disk.
    Loaded {
        entry: Box<projects::Project>,
        loaded: Result<Box<Loaded>, Failure>,
    },
    /// A task's worktree is gone, its content kept under a reference.
    Deleted {
        at: TaskPlace,
        result: Result<String, Failure>,
    },
    /// A job that is no transition has ended: what to say.
    JobDone {
        at: TaskPlace,
        finishes: Option<EffectId>,
        result: Result<Option<String>, Failure>,
    },
    /// A job was ended early because the engine ends.
    CutShort,
    /// A job has answered whoever asked for it.
    Answered,
    Leave,
}

/// A task in its project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TaskPlace {
    pub project: ProjectId,
    pub task: TaskId,
}

/// Carries the answer of one request back to whoever asked.
pub(super) struct Answerer(Box<dyn FnOnce(Answer) + Send>);

impl Answerer {
    pub fn new(then: impl FnOnce(Answer) + Send + 'static) -> Self {
        Self(Box::new(then))
    }

    pub fn answer(self, answer: Answer) {
        (self.0)(answer);
    }
}
