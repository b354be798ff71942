//! The engine's thread: the one owner of projects, tasks and sessions.
//!
//! Invariants: state changes only here; every transition is in the database before one of its effects runs; a reader
//! sees a snapshot made after the message that changed it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::diffs::Diffs;
use super::handle::{Change, Listener, Setting, Shared};
use super::live::Live;
use super::message::{Message, TaskPlace};
use super::notice::Notices;
use super::pipeline::{self, Event, Stamp};
use super::project::Project;
use super::watch::Watches;
use crate::model::{AgentFound, Failure, FailureKind, ProjectId, RunId, Task, TaskId};
use crate::pty::{Hub, TerminalEvent};
use crate::store::Home;
use crate::store::database::EffectId;
use crate::store::lock::Lock;

/// The engine's state.
pub(super) struct Core {
    pub home: Home,
    /// Goes to the front of every agent's `PATH`: holds this program under its name.
    pub bin: PathBuf,
    pub hub: Arc<Hub>,
    terminals: mpsc::Receiver<TerminalEvent>,
    /// Begin of the engine's monotonic time.
    pub began: Instant,
    pub inbox: mpsc::Sender<Message>,
    pub projects: Vec<Project>,
    pub live: HashMap<RunId, Live>,
    /// What processes told before their start was known here.
    pub early: HashMap<RunId, Vec<crate::pty::Event>>,
    pub notices: Notices,
    pub agents: Vec<AgentFound>,
    pub watches: Watches,
    pub diffs: Diffs,
    /// Held by the one integration that is under way.
    pub integrations: Arc<Mutex<()>>,
    pub shared: Arc<Shared>,
    pub listener: Listener,
    /// Last stem of a run id, in microseconds since the epoch: the next one is larger.
    last_run: i64,
    generation: u64,
    opening: Option<PathBuf>,
    _lock: Lock,
}

/// Puts this program under its name where agents find it.
fn link_program(home: &Home, program: &Path) -> Result<PathBuf, Failure> {
    let bin = home.run().join("bin");
    crate::store::atomic::create_private_dir(&bin).map_err(Failure::internal)?;
    let link = bin.join("orchestra");
    if std::fs::read_link(&link).ok().as_deref() != Some(program) {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(program, &link)
            .map_err(|error| Failure::internal(format!("cannot link {}: {error}", link.display())))?;
    }
    Ok(bin)
}

/// The engine's clock.
#[expect(clippy::disallowed_methods, reason = "the engine's one home of the clock")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

impl Core {
    /// Takes the lock and starts the terminals' thread.
    pub fn new(
        setting: Setting,
        inbox: mpsc::Sender<Message>,
        shared: Arc<Shared>,
        listener: Listener,
    ) -> Result<Self, Failure> {
        let Setting { home, program, project } = setting;
        home.create().map_err(Failure::internal)?;
        let lock = Lock::acquire(&home.engine_lock(), now()).map_err(|error| {
            Failure::new(FailureKind::LockHeld, error.to_string()).hint("Leave it with q, then start again.")
        })?;
        let screens = Arc::clone(&listener);
        let (hub, terminals) =
            Hub::start(program.clone(), Arc::new(move || screens(Change::Screens))).map_err(Failure::internal)?;
        Ok(Self {
            watches: Watches::new(inbox.clone()),
            bin: link_program(&home, &program)?,
            diffs: Diffs::default(),
            integrations: Arc::default(),
            home,
            hub: Arc::new(hub),
            terminals,
            began: Instant::now(),
            inbox,
            projects: Vec::new(),
            live: HashMap::new(),
            early: HashMap::new(),
            notices: Notices::default(),
            agents: Vec::new(),
            shared,
            listener,
            last_run: 0,
            generation: 0,
            opening: Some(project),
            _lock: lock,
        })
    }

    /// Serves until the handle is dropped.
    pub fn run(mut self, messages: mpsc::Receiver<Message>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.serve(messages)),
            Err(error) => self.notices.error(format!("the engine cannot start: {error}"), None),
        }
    }

    async fn serve(&mut self, mut messages: mpsc::Receiver<Message>) {
        if let Some(path) = self.opening.take() {
            if let Err(failure) = self.open_project(&path) {
                self.notices.error(failure.to_string(), None);
            }
            self.look_for_agents();
        }
        loop {
            self.settle();
            self.publish();
            let deadline = self.deadline();
            let message = tokio::select! {
                message = messages.recv() => message,
                Some(event) = self.terminals.recv() => {
                    self.terminal_event(event);
                    continue;
                }
                () = until(deadline) => {
                    self.deadlines_passed();
                    continue;
                }
            };
            match message {
                None | Some(Message::Leave) => return,
                Some(message) => self.take(message),
            }
            // What came meanwhile goes into the same snapshot.
            while let Ok(message) = messages.try_recv() {
                match message {
                    Message::Leave => return,
                    message => self.take(message),
                }
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Ask(request, answerer) => self.serve_request(*request, answerer),
            Message::Happened { at, event, finishes } => self.happened(&at, event, finishes),
            Message::Prepared { at, run, base_commit, finishes } => self.prepared(&at, run, base_commit, finishes),
            Message::Launched { started, result } => self.launched(*started, result),
            Message::Fact { run, fact } => self.fact(&run, &fact),
            Message::Dropped { run } => self.collect_submissions(&run),
            Message::Diffed { place, diff } => self.diffed(place, diff),
            Message::NoDiff { place, error } => {
                self.notices.error(format!("no live diff of {}: {error}", place.1), Some(place));
            }
            Message::FilesChanged { project } => self.files_changed(&project),
            Message::AgentsFound(agents) => self.agents = agents,
            Message::Deleted { at, task, scope, result, answerer } => self.deleted(&at, &task, scope, result, answerer),
            Message::JobDone { at, finishes, result } => self.job_done(&at, finishes, result),
            Message::Leave => {}
        }
    }

    /// Brings an event to a task; what goes wrong is told to the person.
    pub fn happened(&mut self, at: &TaskPlace, event: Event, finishes: Option<EffectId>) {
        if let Err(failure) = self.apply(at, event, finishes) {
            self.notices.error(failure.to_string(), self.about(at));
        }
    }

    /// One transition: the step, its transaction, then its effects.
    pub fn apply(&mut self, at: &TaskPlace, event: Event, finishes: Option<EffectId>) -> Result<(), Failure> {
        let stamp = self.stamp(at);
        let project = self.project_mut(&at.project)?;
        let mut task = Task::clone(project.task(at.task)?);
        let before = (task.state, task.reviewed);
        let effects = pipeline::step(&mut task, event, &stamp)
            .map_err(|refusal| Failure::new(FailureKind::BadState, refusal.to_string()))?;
        let ids = project.commit(task, &effects, finishes, stamp.now)?;
        self.announce(at, before);
        for (effect, id) in effects.into_iter().zip(ids) {
            self.perform(at, effect, id);
        }
        self.follow_worktree(at);
        Ok(())
    }

    fn stamp(&mut self, at: &TaskPlace) -> Stamp {
        let now = now();
        self.last_run = now.as_microsecond().max(self.last_run + 1);
        Stamp { now, run: RunId(format!("{}-{}", at.task, self.last_run)) }
    }

    /// An id for a run that belongs to no step.
    pub fn fresh_run(&mut self, what: &str) -> RunId {
        self.last_run = now().as_microsecond().max(self.last_run + 1);
        RunId(format!("{what}-{}", self.last_run))
    }

    pub fn project(&self, id: &ProjectId) -> Result<&Project, Failure> {
        self.projects.iter().find(|project| project.id == *id).ok_or_else(|| no_project(id))
    }

    pub fn project_mut(&mut self, id: &ProjectId) -> Result<&mut Project, Failure> {
        self.projects.iter_mut().find(|project| project.id == *id).ok_or_else(|| no_project(id))
    }

    pub fn about(&self, at: &TaskPlace) -> Option<super::Place> {
        let task = self.project(&at.project).ok()?.task(at.task).ok()?;
        Some((at.project.clone(), task.session_id()))
    }

    /// The live process of a session, the newest one.
    pub fn live_at(&self, place: &super::Place) -> Option<&Live> {
        self.live.values().find(|live| live.place == *place && live.job.is_none() && live.alive())
    }

    /// The live agent of a task.
    pub fn agent_of(&self, project: &ProjectId, task: TaskId) -> Option<&Live> {
        let of = |live: &&Live| live.agent.is_some() && live.place.0 == *project && live.task == Some(task);
        self.live.values().filter(of).max_by_key(|live| (live.alive(), live.run.clone()))
    }

    /// Time has passed: rests that have lasted, jobs that are overdue.
    fn deadlines_passed(&mut self) {
        self.settle_status();
        self.stop_overdue_jobs();
    }

    fn deadline(&self) -> Option<Instant> {
        self.live.values().filter_map(|live| live.deadline(self.began)).min()
    }

    /// What follows from the whole state: free places, effects that waited.
    fn settle(&mut self) {
        for index in 0..self.projects.len() {
            for trouble in std::mem::take(&mut self.projects[index].troubles) {
                self.notices.error(trouble, None);
            }
        }
        self.grant_places();
        self.deliver_messages();
        self.perform_held();
    }

    fn publish(&mut self) {
        self.generation += 1;
        let snapshot = self.snapshot(self.generation);
        self.shared.snapshot.store(Arc::new(snapshot));
        (self.listener)(Change::Snapshot);
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn no_project(id: &ProjectId) -> Failure {
    Failure::new(FailureKind::NotFound, format!("there is no project {id}"))
}
