//! A project is opened: its repository, settings and tasks, then what the last engine left unfinished.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::agent_run::agent_failure;
use super::core::Core;
use super::create::git_failure;
use super::mail::{Letter, Origin};
use super::message::TaskPlace;
use super::pipeline::Effect;
use super::project::{Book, Files, Project, Settings, Waiting};
use super::tidings::Look;
use crate::agent::Catalog;
use crate::git::{Git, Head, Repo};
use crate::model::{Answer, Config, Failure, FailureKind, ProjectId, Reply, RunId, SessionId, WorktreeRoot};
use crate::store::database::StoredMessage;
use crate::store::trust::Trust;
use crate::store::watch::Batch;
use crate::store::{Database, Folder, config, init, projects, workflow};

impl Core {
    /// Opens the repository around `path`, unless it is open already.
    pub(super) fn open_project(&mut self, path: &Path) -> Result<ProjectId, Failure> {
        let git = Git::from_env().map_err(|error| git_failure(&error))?;
        let repo = Repo::discover(&git, path)
            .and_then(|repo| repo.at(repo.main_root()))
            .map_err(|error| git_failure(&error))?;
        repo.require_commit().map_err(|error| git_failure(&error))?;
        let id = projects::open(&self.ground.home, repo.root(), repo.common_dir()).map_err(Failure::internal)?.id;
        if self.project(&id).is_ok() {
            return Ok(id);
        }
        let db = Database::open(&self.ground.home.state(&id)).map_err(Failure::internal)?;
        if let Some(recovery) = db.recovery() {
            self.notices
                .error(format!("the database was broken ({}); its last backup is in use", recovery.reason), None);
        }
        let project = self.load(id.clone(), repo, db)?;
        self.projects.push(project);
        self.watch_files(&id);
        self.read_task_files(&id, &Batch::all());
        self.read_designer_spec(&id);
        match self.project(&id)?.restore_artifacts() {
            Ok(restored) if restored.is_empty() => {}
            Ok(restored) => {
                self.notices
                    .news(format!("wrote the artifacts of {} again: they were gone", restored.join(", ")), None);
            }
            Err(failure) => self.notices.error(failure.to_string(), None),
        }
        self.pick_up(&id)?;
        Ok(id)
    }

    /// Forgets a project in which nothing runs.
    pub(super) fn forget_project(&mut self, id: &ProjectId) -> Answer {
        let name = self.project(id)?.name.clone();
        if self.live.values().any(|live| live.place.0 == *id && live.alive()) {
            let text = format!("{name} has live sessions; nothing was changed.");
            return Err(Failure::new(FailureKind::BadState, text).hint("Stop them first: orchestra status"));
        }
        projects::forget(&self.ground.home, id).map_err(Failure::internal)?;
        self.projects.retain(|project| project.id != *id);
        Ok(Reply::Done { message: Some(format!("forgot {name}; its files and its state stay on disk")) })
    }

    fn load(&mut self, id: ProjectId, repo: Repo, db: Database) -> Result<Project, Failure> {
        let folder = Folder::of(repo.root());
        if let Some(notice) = folder.notice() {
            self.notices.news(notice, None);
        }
        let loaded = db.tasks().map_err(Failure::internal)?;
        for (task, error) in loaded.unreadable {
            self.notices.error(format!("task {task} cannot be read: {error}"), None);
        }
        let settings = self.settings(&folder);
        let unread = db.unread().map_err(Failure::internal)?;
        let branch = match repo.head().map_err(|error| git_failure(&error))? {
            Head::Branch(branch) => Some(branch),
            Head::Detached(_) => None,
        };
        let worktrees = worktree_root(&self.ground.home.worktrees(&id), &folder, &settings.config, &id);
        let tasks = loaded.tasks.into_iter().map(|task| (task.id, Arc::new(task))).collect();
        Ok(Project {
            name: repo.name(),
            files: Files {
                initialized: folder.is_initialized(),
                worktrees,
                trust: Trust::of(&self.ground.home),
                watch: None,
                designer_spec: None,
                troubles: Vec::new(),
                unwritten: BTreeMap::new(),
                look: Look::default(),
                folder,
            },
            book: Book { tasks, unread, ..Book::default() },
            waiting: Waiting::default(),
            settings,
            id,
            repo,
            db,
            branch,
        })
    }

    /// Settings, flows and agents; a file that cannot be read is named, and the defaults stand for it.
    fn settings(&mut self, folder: &Folder) -> Settings {
        let config = config::load(&self.ground.home, folder).unwrap_or_else(|error| {
            self.notices.error(format!("{error}. The defaults are in force"), None);
            Config::default()
        });
        let flows = workflow::load(folder).unwrap_or_else(|error| {
            self.notices.error(format!("{error}. Only the flow solo can be used"), None);
            Vec::new()
        });
        let catalog = Catalog::new(&config.agents).or_else(|error| {
            self.notices.error(format!("{}. Only the built-in agents can be used", agent_failure(&error)), None);
            Catalog::new(&BTreeMap::new())
        });
        let catalog = catalog.expect("invariant: the built-in agents are valid");
        Settings { config: Arc::new(config), flows, catalog, faults: Vec::new() }
    }

    /// Adopts the sessions that went on without us, then does what is still to be done.
    fn pick_up(&mut self, id: &ProjectId) -> Result<(), Failure> {
        let project = self.project(id)?;
        let sessions = project.db.live_sessions().map_err(Failure::internal)?;
        let effects = project.db.pending_effects().map_err(Failure::internal)?;
        let messages = project.db.queued_messages().map_err(Failure::internal)?;
        let tasks: Vec<TaskPlace> =
            project.tasks().map(|task| TaskPlace { project: id.clone(), task: task.id }).collect();
        self.adopt(id, sessions);
        for at in &tasks {
            self.follow_worktree(at);
        }
        for message in messages {
            self.requeue(id, message);
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

    /// A message that nobody has typed yet waits again, for whatever agent its session has now.
    fn requeue(&mut self, id: &ProjectId, message: StoredMessage) {
        let run = self.live_at(&(id.clone(), message.session)).map(|live| live.run.clone());
        if let (Some(run), Ok(project)) = (run, self.project_mut(id)) {
            let letter = Letter {
                run,
                id: RunId(format!("message-{}", message.id.0)),
                text: message.text,
                origin: Origin::Person(message.id),
                sent: false,
            };
            project.waiting.mail.push(letter);
        }
    }

    pub(super) fn init_project(&mut self, id: &ProjectId) -> Answer {
        let folder = self.project(id)?.files.folder.clone();
        let outcome = init::run(&folder).map_err(Failure::internal)?;
        self.look_at_files(id, &Batch::all());
        Ok(Reply::Done { message: Some(format!("wrote {} files to .orchestra/", outcome.written.len())) })
    }

    /// The new settings are in force, or the old ones stay and the error is told, once.
    pub(super) fn read_settings(&mut self, id: &ProjectId) {
        let Ok(folder) = self.project(id).map(|project| Folder::of(project.root())) else { return };
        let config = config::load(&self.ground.home, &folder);
        let flows = workflow::load(&folder);
        let mut errors = Vec::new();
        if let Ok(project) = self.project_mut(id) {
            project.files.initialized = folder.is_initialized();
            project.files.folder = folder;
            match flows {
                Ok(flows) => project.settings.flows = flows,
                Err(error) => errors.push(error.to_string()),
            }
            match config.map_err(Failure::internal).and_then(|config| {
                let catalog = Catalog::new(&config.agents).map_err(|error| agent_failure(&error))?;
                Ok((config, catalog))
            }) {
                Ok((config, catalog)) => {
                    (project.settings.config, project.settings.catalog) = (Arc::new(config), catalog);
                }
                Err(failure) => errors.push(failure.to_string()),
            }
        }
        let Ok(project) = self.project_mut(id) else { return };
        if project.settings.faults != errors {
            project.settings.faults.clone_from(&errors);
            for error in errors {
                self.notices.error(format!("{error}. What was in force stays"), None);
            }
        }
    }

    pub(super) fn mark_unread(&mut self, at: &TaskPlace) {
        let marked = self.project_mut(&at.project).and_then(|project| {
            let session: SessionId = project.task(at.task)?.session_id();
            project.set_unread(&session, true)
        });
        self.tell_failure(at, marked);
    }
}

fn worktree_root(home: &Path, folder: &Folder, config: &Config, id: &ProjectId) -> PathBuf {
    match &config.worktrees.root {
        WorktreeRoot::Home => home.to_owned(),
        WorktreeRoot::Project => folder.dir().join(".worktrees"),
        WorktreeRoot::Path(path) => path.join(id.as_str()),
    }
}
