//! The engine's thread: the one owner of projects, tasks and sessions.
//!
//! Invariants: state changes only here; every transition is in the database before one of its effects runs; a reader
//! sees a snapshot made after the message that changed it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::closing::Closing;
use super::diffs::Diffs;
use super::ground::Ground;
use super::handle::{Change, First, Setting, Shared};
use super::live::Live;
use super::message::{Answerer, Message, TaskPlace};
use super::notice::Notices;
use super::open::Known;
use super::pipeline::{self, Event, Stamp, Wish};
use super::project::Project;
use super::snapshot::Subject;
use super::watch::Watches;
use crate::git::Cancel;
use crate::model::{Answer, Failure, FailureKind, ProjectId, RunId, Task, TaskId};
use crate::pty::{self, Hub, TerminalEvent};
use crate::store::database::{Answered, EffectId};

/// The engine's state.
pub(super) struct Core {
    pub ground: Ground,
    pub hub: Arc<Hub>,
    pub inbox: mpsc::Sender<Message>,
    pub projects: Vec<Project>,
    pub known: Known,
    pub live: HashMap<RunId, Live>,
    /// What processes told before their start was known here.
    pub early: HashMap<RunId, Vec<pty::Event>>,
    pub notices: Notices,
    pub watches: Watches,
    pub diffs: Diffs,
    pub shared: Arc<Shared>,
    pub life: Life,
}

/// How far the engine itself is.
#[derive(Default)]
pub(super) struct Life {
    /// The last snapshot is out of date. A screen that only changed makes no news: twenty of them change all the time.
    pub news: bool,
    /// Blocking jobs whose message is still to come.
    pub at_work: usize,
    /// Set with `closing`: ends long jobs that can be begun again.
    pub leaving: Cancel,
    /// Set once the engine is to end: nothing new begins any more.
    pub closing: Option<Closing>,
}

/// What the engine's thread begins with, beside its state.
pub(super) struct Beginning {
    pub messages: mpsc::Receiver<Message>,
    terminals: mpsc::Receiver<TerminalEvent>,
    project: Option<First>,
}

impl Core {
    /// Takes the lock and starts the terminals' thread.
    pub fn new(
        setting: Setting,
        (inbox, messages): (mpsc::Sender<Message>, mpsc::Receiver<Message>),
        shared: Arc<Shared>,
    ) -> Result<(Self, Beginning), Failure> {
        let Setting { home, program, project } = setting;
        let ground = Ground::take(home, &program)?;
        let screens = Arc::clone(&shared);
        let wake = Arc::new(move || screens.tell(Change::Screens));
        let (hub, terminals) = Hub::start(program, wake).map_err(Failure::internal)?;
        let core = Self {
            watches: Watches::new(inbox.clone()),
            diffs: Diffs::default(),
            ground,
            hub: Arc::new(hub),
            inbox,
            projects: Vec::new(),
            known: Known::default(),
            live: HashMap::new(),
            early: HashMap::new(),
            notices: Notices::default(),
            shared,
            life: Life { news: true, ..Life::default() },
        };
        Ok((core, Beginning { messages, terminals, project }))
    }

    /// Serves until the handle is dropped, or somebody asks for the end.
    pub fn run(mut self, beginning: Beginning) {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(self.serve(beginning));
                // The end of the runtime waits for its jobs.
                self.life.leaving.cancel();
            }
            Err(error) => {
                self.notices.error(format!("the engine cannot start: {error}"), None);
                self.publish();
            }
        }
        let (closing, shared) = (self.life.closing.take(), Arc::clone(&self.shared));
        // Many threads and folders that only read: whoever comes next waits for the end of none.
        let readers = (std::mem::take(&mut self.diffs), self.watches.end());
        // The lock is free, and the shims are, for whoever comes next.
        drop(self);
        if let Some(closing) = closing {
            closing.over();
        }
        drop(readers);
        shared.tell(Change::Ended);
    }

    async fn serve(&mut self, beginning: Beginning) {
        let Beginning { mut messages, mut terminals, project } = beginning;
        self.read_total_cap();
        if let Some(Err(failure)) = project.map(|first| self.open_first(first)) {
            self.notices.error(failure.to_string(), None);
        }
        self.look_for_agents();
        // The first frame waits for no other project.
        self.settle();
        self.publish();
        self.open_known();
        loop {
            self.settle();
            if std::mem::take(&mut self.life.news) {
                self.publish();
            }
            if self.is_over() {
                return;
            }
            let deadline = self.deadline();
            tokio::select! {
                message = messages.recv() => match message {
                    None | Some(Message::Leave) => return,
                    Some(message) => {
                        self.life.news = true;
                        self.take(message);
                    }
                },
                Some(event) = terminals.recv() => self.terminal_event(event),
                () = until(deadline) => {
                    self.life.news = true;
                    self.touch_all();
                    self.deadlines_passed();
                }
            }
            // What came meanwhile goes into the same snapshot.
            while let Ok(event) = terminals.try_recv() {
                self.terminal_event(event);
            }
            while let Ok(message) = messages.try_recv() {
                match message {
                    Message::Leave => return,
                    message => {
                        self.life.news = true;
                        self.take(message);
                    }
                }
            }
        }
    }

    pub fn take(&mut self, message: Message) {
        let subject = message.subject();
        // Before and after: an answer in the middle of it is given with a picture of its own.
        self.mark(&subject);
        self.serve_message(message);
        self.mark(&subject);
    }

    fn mark(&mut self, subject: &Subject) {
        match subject {
            Subject::Project(id) => self.touch(id),
            Subject::Run(run) => self.touch_run(run),
            Subject::Everything => self.touch_all(),
            Subject::Nothing => {}
        }
    }

    fn serve_message(&mut self, message: Message) {
        match message {
            Message::Ask(request, answerer) => self.serve_request(*request, answerer),
            Message::Worked(of, message) => self.worked(of, message),
            Message::Happened { at, event, finishes } => self.happened(&at, event, finishes),
            Message::JobOver { at, event, finishes, session } => self.job_over(&at, event, finishes, &session),
            Message::Prepared { at, run, base_commit, finishes } => self.prepared(&at, run, base_commit, finishes),
            Message::Launched { started, result } => self.launched(*started, result),
            Message::Fact { run, fact } => self.fact(&run, &fact),
            Message::Dropped { run } => self.dropped(&run),
            Message::Printed { run, status, text, unkept } => {
                if let Some(failure) = unkept {
                    self.notices.error(failure.to_string(), None);
                }
                self.printed(&run, status, &text);
            }
            Message::Sought { run, status, conversation } => self.sought(&run, status, conversation),
            Message::Diffed { place, diff } => self.diffed(place, diff),
            Message::NoDiff { place, error } => {
                self.notices.error(format!("no live diff of {}: {error}", place.1), Some(place));
            }
            Message::FilesChanged { project } => self.files_changed(&project),
            Message::AgentsFound(agents) => self.known.agents = agents,
            Message::Found { found, asked } => self.found(*found, asked),
            Message::Loaded { entry, loaded } => self.loaded(*entry, loaded),
            Message::Deleted { at, result } => self.deleted(&at, result),
            Message::JobDone { at, finishes, result } => self.job_done(&at, finishes, result),
            // What was cut short is begun again by the next engine.
            Message::Answered | Message::CutShort | Message::Leave => {}
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
        if matches!(event, Event::Person(_)) {
            project.check_stays(at.task)?;
        }
        let mut task = Task::clone(project.task(at.task)?);
        let before = (task.state, task.reviewed);
        let answered = Answered { effect: finishes, comments: matches!(event, Event::Person(Wish::Reject { .. })) };
        let effects = pipeline::step(&mut task, event, &stamp)
            .map_err(|refusal| Failure::new(FailureKind::BadState, refusal.to_string()))?;
        let ids = project.commit(task, &effects, answered, stamp.now)?;
        self.announce(at, before);
        for (effect, id) in effects.into_iter().zip(ids) {
            self.perform(at, effect, id);
        }
        self.follow_worktree(at);
        Ok(())
    }

    pub fn stamp(&mut self, at: &TaskPlace) -> Stamp {
        let (stem, now) = self.ground.clock.stem();
        Stamp { now, run: RunId(format!("{}-{stem}", at.task)) }
    }

    /// An id for a run that belongs to no step.
    pub fn fresh_run(&mut self, what: &str) -> RunId {
        RunId(format!("{what}-{}", self.ground.clock.stem().0))
    }

    pub fn project(&self, id: &ProjectId) -> Result<&Project, Failure> {
        self.projects.iter().find(|project| project.id == *id).ok_or_else(|| no_project(id))
    }

    pub fn project_mut(&mut self, id: &ProjectId) -> Result<&mut Project, Failure> {
        let project = self.projects.iter_mut().find(|project| project.id == *id).ok_or_else(|| no_project(id))?;
        // Readers need a new picture of it.
        project.shown.fresh = false;
        Ok(project)
    }

    pub fn about(&self, at: &TaskPlace) -> Option<super::Place> {
        let task = self.project(&at.project).ok()?.task(at.task).ok()?;
        Some((at.project.clone(), task.session_id()))
    }

    /// The live process of a session, the newest one.
    pub fn live_at(&self, place: &super::Place) -> Option<&Live> {
        let of_place = |live: &&Live| live.place == *place && live.job.is_none() && live.alive();
        self.live.values().filter(of_place).max_by_key(|live| live.run.clone())
    }

    /// The live agent of a task.
    pub fn agent_of(&self, project: &ProjectId, task: TaskId) -> Option<&Live> {
        let of = |live: &&Live| live.agent.is_some() && live.place.0 == *project && live.task == Some(task);
        self.live.values().filter(of).max_by_key(|live| (live.alive(), live.run.clone()))
    }

    /// Time has passed: rests that have lasted, jobs that are overdue.
    fn deadlines_passed(&mut self) {
        self.settle_status();
        self.collect_dropped();
        self.seek_conversations();
        self.remedy_unseen();
        self.stop_overdue_jobs();
    }

    fn deadline(&self) -> Option<Instant> {
        let processes = self.live.values().filter_map(|live| live.deadline(self.ground.clock.began()));
        processes.chain(self.mail_due()).min()
    }

    /// What follows from the whole state: free places, effects that waited.
    fn settle(&mut self) {
        for index in 0..self.projects.len() {
            for trouble in std::mem::take(&mut self.projects[index].files.troubles) {
                self.notices.error(trouble, None);
            }
            if std::mem::take(&mut self.projects[index].files.missed) {
                let id = self.projects[index].id.clone();
                self.lose(&id);
            }
        }
        if self.life.closing.is_none() {
            self.follow_relatives();
            self.grant_places();
            self.deliver_messages();
            self.perform_held();
            self.perform_deletions();
        }
    }

    /// Answers a request once what came of it is in a snapshot: who asked sees it there.
    pub fn reply(&mut self, answerer: Answerer, answer: Answer) {
        self.settle();
        self.publish();
        answerer.answer(answer);
    }

    fn publish(&mut self) {
        let generation = self.ground.clock.next_generation();
        let snapshot = self.snapshot(generation);
        self.shared.snapshot.store(Arc::new(snapshot));
        self.shared.tell(Change::Snapshot);
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
