//! Projects come and go: opened, found again where they were moved to, forgotten.
//!
//! Invariants: what asks git or reads much runs beside the engine's thread, a few projects at a time; a project is read once,
//! however many ask for it; a repository that is gone takes no task and no session with it.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use super::core::Core;
use super::find::{self, Found};
use super::handle::First;
use super::load::{self, Loaded};
use super::message::{Answerer, Message, TaskPlace};
use super::pipeline::Effect;
use super::project::Project;
use super::request::done;
use super::snapshot::unread_view;
use crate::model::{
    AgentFound, Answer, Failure, FailureKind, NoticeKind, Opened, ProjectId, ProjectView, Reply, SessionId,
};
use crate::store::projects;
use crate::store::projects::Project as Entry;
use crate::store::watch::Batch;

/// Known projects that are opened at the same time, at start: a folder on a disk that does not answer holds up no more than
/// its own lane.
const LANES: usize = 4;

/// What is known beside the projects that are open.
#[derive(Default)]
pub(super) struct Known {
    /// Agent programs that were looked for.
    pub agents: Vec<AgentFound>,
    /// Tasks at work at once in all projects; 0: the settings have not been read.
    pub max_running_total: u32,
    /// In the order in which they are shown.
    pub order: Vec<ProjectId>,
    /// Where the engine was started.
    pub opened: Option<Opened>,
    /// Those that cannot be read, and why.
    pub unread: Vec<(Entry, Arc<ProjectView>)>,
    /// Those that are still to be opened.
    waiting: VecDeque<Entry>,
    /// Lanes at work.
    lanes: usize,
    /// Projects that are being read, with who waits for that.
    reading: HashMap<ProjectId, Vec<Answerer>>,
}

/// Why a repository was looked for.
pub(super) enum Asked {
    /// Somebody wants the project around a path.
    Path(Answerer),
    /// It is known from before.
    Known(Box<Entry>),
}

impl Core {
    /// Opens the project that the engine was started in, before anything else is done.
    pub(super) fn open_first(&mut self, first: First) -> Result<(), Failure> {
        let home = self.ground.home.clone();
        let found = match first {
            First::Path(path) => find::around(&home, &path)?,
            First::Repo(repo) => find::of(&home, *repo)?,
        };
        let entry = projects::open(&home, found.repo.root(), found.repo.common_dir()).map_err(Failure::internal)?;
        self.known.opened = Some(Opened { project: entry.id.clone(), session: None });
        self.known.order.push(entry.id.clone());
        match load::load(&home, &entry, Ok(found)) {
            Ok(loaded) => {
                let session = loaded.session();
                self.known.opened = Some(Opened { project: entry.id, session });
                self.admit_project(loaded)
            }
            Err(failure) => {
                self.not_read(entry, failure.clone());
                Err(failure)
            }
        }
    }

    /// Opens every other project that is known.
    pub(super) fn open_known(&mut self) {
        match projects::list(&self.ground.home) {
            Ok(list) => {
                let new: Vec<_> = list.into_iter().filter(|entry| !self.known.order.contains(&entry.id)).collect();
                self.known.order.extend(new.iter().map(|entry| entry.id.clone()));
                self.known.waiting.extend(new);
            }
            Err(error) => self.notices.error(format!("{error}. Only the projects that are opened are shown"), None),
        }
        (0..LANES).for_each(|_| self.open_next());
    }

    fn open_next(&mut self) {
        if self.known.lanes == LANES || self.life.closing.is_some() {
            return;
        }
        let Some(entry) = self.known.waiting.pop_front() else { return };
        self.known.lanes += 1;
        let home = self.ground.home.clone();
        self.look(move || (find::known(&home, &entry), Asked::Known(Box::new(entry))));
    }

    /// Opens the project around a path, unless it is open already.
    pub(super) fn open_project(&mut self, path: &Path, answerer: Answerer) {
        let (home, path) = (self.ground.home.clone(), path.to_owned());
        self.look(move || (find::around(&home, &path), Asked::Path(answerer)));
    }

    /// A look at a disk that may never answer: nothing waits for it, an end of the engine neither.
    fn look(&self, work: impl FnOnce() -> (Result<Found, Failure>, Asked) + Send + 'static) {
        let inbox = self.inbox.clone();
        tokio::task::spawn_blocking(move || {
            let (found, asked) = work();
            // An engine that has gone opens nothing.
            let _ = inbox.blocking_send(Message::Found { found: Box::new(found), asked });
        });
    }

    /// A repository was found, or not: the project is read next, once.
    pub(super) fn found(&mut self, found: Result<Found, Failure>, asked: Asked) {
        let (entry, answerer) = match asked {
            Asked::Path(answerer) => match found.as_ref().map_err(Clone::clone).and_then(|found| self.enter(found)) {
                Ok(entry) => (entry, Some(answerer)),
                Err(failure) => return answerer.answer(Err(failure)),
            },
            Asked::Known(entry) => {
                self.known.lanes -= 1;
                self.open_next();
                // It may have been forgotten, or opened by its new place, in the meantime.
                if !self.known.order.contains(&entry.id) || self.project(&entry.id).is_ok_and(|it| it.trouble.is_none())
                {
                    return;
                }
                (found.as_ref().ok().and_then(|found| self.enter(found).ok()).unwrap_or(*entry), None)
            }
        };
        if self.life.closing.is_some() {
            return answerer.into_iter().for_each(|it| it.answer(Err(super::closing::ending())));
        }
        let id = entry.id.clone();
        let is_open = self.project(&id).is_ok_and(|project| project.is_settled(found.as_ref().ok()));
        if is_open {
            // It may have been opened in this very turn: who asked must find it in the snapshot.
            return answerer.into_iter().for_each(|it| self.reply(it, Ok(Reply::Project { id: id.clone() })));
        }
        let is_new = !self.known.reading.contains_key(&id);
        self.known.reading.entry(id.clone()).or_default().extend(answerer);
        if is_new {
            self.read(entry, found);
        }
    }

    /// Writes a repository to the list of projects.
    fn enter(&mut self, found: &Found) -> Result<Entry, Failure> {
        let entry = projects::open(&self.ground.home, found.repo.root(), found.repo.common_dir());
        let entry = entry.map_err(Failure::internal)?;
        if !self.known.order.contains(&entry.id) {
            self.known.order.push(entry.id.clone());
        }
        Ok(entry)
    }

    fn read(&mut self, entry: Entry, found: Result<Found, Failure>) {
        let home = self.ground.home.clone();
        match found {
            // Its tasks and sessions are here already; only the place is new.
            Ok(found) if self.project(&entry.id).is_ok() => self.relocate(&entry.id, found.repo),
            Err(_) if self.project(&entry.id).is_ok() => self.read_over(&entry.id, &Ok(())),
            found => self.blocking(move || {
                let loaded = load::load(&home, &entry, found).map(Box::new);
                Message::Loaded { entry: Box::new(entry), loaded }
            }),
        }
    }

    /// A project was read.
    pub(super) fn loaded(&mut self, entry: Entry, loaded: Result<Box<Loaded>, Failure>) {
        let id = entry.id.clone();
        self.known.unread.retain(|(entry, _)| entry.id != id);
        let opened = match loaded {
            // Forgotten while it was read.
            Ok(_) if !self.known.order.contains(&id) => Ok(()),
            Ok(loaded) => self.admit_project(*loaded),
            Err(failure) => {
                self.notices.error(format!("{} cannot be opened: {failure}", entry.name()), None);
                self.not_read(entry, failure.clone());
                Err(failure)
            }
        };
        self.read_over(&id, &opened);
    }

    /// A project is shown with what keeps it from being read.
    fn not_read(&mut self, entry: Entry, trouble: Failure) {
        let view = Arc::new(unread_view(&entry, trouble));
        self.known.unread.push((entry, view));
    }

    /// Answers all who waited for a project.
    pub(super) fn read_over(&mut self, id: &ProjectId, opened: &Result<(), Failure>) {
        for answerer in self.known.reading.remove(id).unwrap_or_default() {
            self.reply(answerer, opened.clone().map(|()| Reply::Project { id: id.clone() }));
        }
    }

    /// Takes a project that was read among the open ones.
    fn admit_project(&mut self, loaded: Loaded) -> Result<(), Failure> {
        let Loaded { project, said, .. } = loaded;
        let id = project.id.clone();
        for (kind, text) in said {
            match kind {
                NoticeKind::News => self.notices.news(text, None),
                NoticeKind::Error => self.notices.error(text, None),
            }
        }
        let trouble = project.trouble.clone();
        self.projects.push(project);
        let order = &self.known.order;
        self.projects.sort_by_key(|project| order.iter().position(|id| *id == project.id));
        match trouble {
            None => self.open_files(&id),
            Some(trouble) => self.notices.error(trouble.to_string(), None),
        }
        self.pick_up(&id)
    }

    /// What is to be done with the files of a project that is there: watch them, read edits, write what is gone again.
    pub(super) fn open_files(&mut self, id: &ProjectId) {
        self.watch_files(id);
        self.read_task_files(id, &Batch::all());
        self.read_designer_spec(id);
        match self.project(id).and_then(Project::restore_artifacts) {
            Ok(restored) if restored.is_empty() => {}
            Ok(restored) => {
                self.notices
                    .news(format!("wrote the artifacts of {} again: they were gone", restored.join(", ")), None);
            }
            Err(failure) => self.notices.error(failure.to_string(), None),
        }
    }

    /// Forgets a project in which nothing runs.
    pub(super) fn forget_project(&mut self, id: &ProjectId) -> Answer {
        let unread = self.known.unread.iter().find(|(entry, _)| entry.id == *id).map(|(entry, _)| entry.name());
        let name = match unread {
            Some(name) => name,
            None => self.project(id)?.name.clone(),
        };
        let alive = self.live.values().any(|live| live.place.0 == *id && live.alive());
        let busy = self.project(id).is_ok_and(|project| project.tasks().any(|task| task.state.is_busy()));
        if alive || busy {
            let what = if alive { "live sessions" } else { "tasks at work" };
            let text = format!("{name} has {what}; nothing was changed.");
            return Err(Failure::new(FailureKind::BadState, text).hint("Stop them first: orchestra status"));
        }
        projects::forget(&self.ground.home, id).map_err(Failure::internal)?;
        self.projects.retain(|project| project.id != *id);
        self.live.retain(|_, live| live.place.0 != *id);
        self.diffs.forget(id);
        self.known.order.retain(|known| known != id);
        self.known.waiting.retain(|entry| entry.id != *id);
        self.known.unread.retain(|(entry, _)| entry.id != *id);
        self.share_terminals();
        Ok(done(Some(&format!("forgot {name}; its files and its state stay on disk"))))
    }

    /// Adopts the sessions that went on without us, then does what is still to be done.
    fn pick_up(&mut self, id: &ProjectId) -> Result<(), Failure> {
        let project = self.project(id)?;
        let sessions = project.db.live_sessions().map_err(Failure::internal)?;
        let effects = project.db.pending_effects().map_err(Failure::internal)?;
        let tasks: Vec<TaskPlace> =
            project.tasks().map(|task| TaskPlace { project: id.clone(), task: task.id }).collect();
        let there = project.trouble.is_none();
        self.adopt(id, sessions);
        for at in &tasks {
            self.collect_last_words(at);
        }
        for at in tasks.iter().filter(|_| there) {
            self.follow_worktree(at);
        }
        for pending in effects {
            let Some(task) = pending.task else { continue };
            let at = TaskPlace { project: id.clone(), task };
            match serde_json::from_value::<Effect>(pending.effect.json) {
                Ok(effect) => self.perform(&at, effect, pending.id),
                Err(error) => {
                    self.notices.error(format!("what is left to do for task {task} cannot be read: {error}"), None);
                }
            }
        }
        Ok(())
    }
}

impl Project {
    /// It is open where the repository was found; none: it was not found.
    fn is_settled(&self, found: Option<&Found>) -> bool {
        self.trouble.is_none() && found.is_none_or(|found| found.repo.root() == self.root())
    }
}

impl Loaded {
    /// The task in whose worktree somebody asked for the project.
    fn session(&self) -> Option<SessionId> {
        let checkout = self.checkout.as_ref()?.canonicalize().ok()?;
        let here = |path: std::path::PathBuf| path.canonicalize().is_ok_and(|path| path == checkout);
        let task = self.project.tasks().find(|task| here(self.project.worktree_path(task)))?;
        Some(task.session_id())
    }
}
