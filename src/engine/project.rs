//! A project in the engine: its tasks and settings, and the database behind them.
//!
//! Invariant: what is in memory is what the database holds; a change goes there first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use jiff::Timestamp;

use super::create::git_failure;
use super::deletion::Deletion;
use super::ground::now;
use super::mail::{Letter, Origin};
use super::message::TaskPlace;
use super::pipeline::Effect;
use super::schedule::Queued;
use super::settings::Settings;
use super::tidings::Look;
use super::variables::{self, TaskNames, Variable};
use crate::git::{self, Hooks, Repo};
use crate::model::{
    Comment, DiffStat, Failure, FailureKind, Flow, HooksPolicy, ProjectId, ProjectView, SessionId, Task, TaskId,
    TrustFacts,
};
use crate::store::artifact;
use crate::store::database::{Answered, Delivery, EffectId, StoredEffect, StoredMessage};
use crate::store::trust::{self, Trust};
use crate::store::watch::Watch;
use crate::store::{Database, Folder};

/// A project.
pub(super) struct Project {
    pub id: ProjectId,
    pub name: String,
    pub repo: Repo,
    /// What is checked out in the source checkout; none when detached.
    pub branch: Option<String>,
    pub db: Database,
    pub settings: Settings,
    pub book: Book,
    pub waiting: Waiting,
    pub files: Files,
    /// Why its repository cannot be used: then nothing new begins.
    pub trouble: Option<Failure>,
    /// What readers were shown of it.
    pub shown: Shown,
}

/// The tasks, and what is known of each.
#[derive(Default)]
pub(super) struct Book {
    pub tasks: BTreeMap<TaskId, Arc<Task>>,
    /// When each state began.
    pub since: HashMap<TaskId, Timestamp>,
    /// Sessions with a finished turn that nobody has looked at.
    pub unread: BTreeSet<SessionId>,
    /// What executors said to the designer, moving no task by it, and what has not been typed to it.
    pub unheard: Vec<StoredMessage>,
    pub seen: HashMap<SessionId, Totals>,
    /// The open ones on each task's diff.
    pub comments: HashMap<TaskId, Vec<Comment>>,
}

/// The last picture of a project.
#[derive(Default)]
pub(super) struct Shown {
    pub view: Option<Arc<ProjectView>>,
    /// Nothing in it has changed since.
    pub fresh: bool,
    /// Its queued tasks, as they stand in the picture.
    pub queue: Vec<(TaskId, Queued)>,
}

/// What waits for an agent's rest.
#[derive(Default)]
pub(super) struct Waiting {
    pub mail: Vec<Letter>,
    /// Tasks with a blocking job under way, once for each.
    pub jobs: Vec<TaskId>,
    /// Tasks that are to go.
    pub deletions: Vec<Deletion>,
    /// The one integration that is under way, and whether its job still is.
    pub integration: Option<(TaskId, Weak<()>)>,
    /// Effects that wait for quiet.
    pub held: Vec<Held>,
    /// Effects that wait for the repository to be there again.
    pub parked: Vec<Held>,
}

/// An effect that is done later.
pub(super) type Held = (TaskPlace, Effect, EffectId);

/// Where a project's files are, and what is known of them.
pub(super) struct Files {
    pub folder: Folder,
    pub initialized: bool,
    /// Where its worktrees live.
    pub worktrees: PathBuf,
    pub trust: Trust,
    /// Tells of edits.
    pub watch: Option<Watch>,
    /// Text of the designer's spec when it was last looked at.
    pub designer_spec: Option<String>,
    /// What could not be written beside the database, to be told.
    pub troubles: Vec<String>,
    /// The repository was not there when something was to be written.
    pub missed: bool,
    /// Tasks whose files could not be written, and why.
    pub unwritten: BTreeMap<TaskId, String>,
    pub look: Look,
}

/// What the last look at a worktree found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub stat: DiffStat,
    pub ahead: u32,
}

impl Project {
    pub fn root(&self) -> &Path {
        self.repo.root()
    }

    pub fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> + Clone {
        self.book.tasks.values()
    }

    pub fn task(&self, id: TaskId) -> Result<&Arc<Task>, Failure> {
        self.book
            .tasks
            .get(&id)
            .ok_or_else(|| Failure::new(FailureKind::NotFound, format!("there is no task {id} in {}", self.name)))
    }

    pub fn task_by_session(&self, session: &SessionId) -> Option<&Arc<Task>> {
        self.book.tasks.values().find(|task| task.slug.as_str() == session.as_str())
    }

    /// Writes a transition and its effects in one transaction, then takes it over.
    pub fn commit(
        &mut self,
        task: Task,
        effects: &[Effect],
        answered: impl Into<Answered>,
        now: Timestamp,
    ) -> Result<Vec<EffectId>, Failure> {
        let answered = answered.into();
        let stored = effects.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        let ids = self.db.transition(&task, &stored, answered).map_err(Failure::internal)?;
        if answered.comments {
            self.book.comments.remove(&task.id);
        }
        let former = self.book.tasks.get(&task.id).map(|former| former.state);
        if former != Some(task.state) {
            self.book.since.insert(task.id, now);
        }
        self.write_task_file(&task);
        self.book.tasks.insert(task.id, Arc::new(task));
        Ok(ids)
    }

    /// Strikes an effect off.
    pub fn finish(&mut self, id: EffectId) -> Result<(), Failure> {
        self.db.finish_effect(id).map(drop).map_err(Failure::internal)
    }

    pub fn since(&self, task: &Task) -> Timestamp {
        self.book.since.get(&task.id).copied().unwrap_or(task.updated_at)
    }

    pub fn is_unread(&self, session: &SessionId) -> bool {
        self.book.unread.contains(session)
    }

    /// Something that a session said to the designer and that no person has looked at.
    pub fn unheard(&self, session: &SessionId) -> Option<String> {
        let said = self.book.unheard.iter().find(|message| message.sender.as_ref() == Some(session));
        said.filter(|_| self.is_unread(session)).map(|message| super::text::one_line(&message.text))
    }

    pub fn set_unread(&mut self, session: &SessionId, unread: bool) -> Result<(), Failure> {
        let written = match (unread, self.book.unread.contains(session)) {
            (true, false) => self.db.mark_unread(session),
            (false, true) => self.db.mark_seen(session),
            _ => return Ok(()),
        };
        written.map_err(Failure::internal)?;
        if unread {
            self.book.unread.insert(session.clone());
        } else {
            self.book.unread.remove(session);
        }
        Ok(())
    }

    /// Says how a letter ended.
    pub fn settle(&mut self, origin: Origin, delivery: Delivery) -> Result<(), Failure> {
        match origin {
            Origin::Effect(id) => self.finish(id),
            Origin::Message(id) => {
                self.book.unheard.retain(|message| message.id != id);
                self.db.settle_message(id, delivery).map(drop).map_err(Failure::internal)
            }
            Origin::Launch => Ok(()),
        }
    }

    pub fn seen(&self, session: &SessionId) -> Totals {
        self.book.seen.get(session).copied().unwrap_or_default()
    }

    /// Where a task's worktree is, or will be.
    pub fn worktree(&self, task: &Task) -> Result<PathBuf, Failure> {
        task.base_commit.as_ref().map(|_| self.worktree_path(task)).ok_or_else(|| {
            Failure::new(FailureKind::BadState, format!("{} has no worktree yet.", task.slug)).hint("S makes it")
        })
    }

    pub fn worktree_path(&self, task: &Task) -> PathBuf {
        self.files.worktrees.join(task.slug.as_str())
    }

    pub fn flow(&self, name: &str) -> Result<Flow, Failure> {
        if name == Flow::SOLO {
            return Ok(crate::model::solo());
        }
        self.settings.flows.iter().find(|flow| flow.name == name).cloned().ok_or_else(|| {
            let names: Vec<_> = self.flow_names().into_iter().map(|(name, _)| name).collect();
            Failure::new(FailureKind::NotFound, format!("there is no flow \"{name}\"; there are {}.", names.join(", ")))
        })
    }

    pub fn flow_names(&self) -> Vec<(String, Vec<String>)> {
        let solo = crate::model::solo();
        let all = self.settings.flows.iter().chain((!self.settings.flows.iter().any(Flow::is_solo)).then_some(&solo));
        all.map(|flow| (flow.name.clone(), flow.stages.iter().map(|stage| stage.name.clone()).collect())).collect()
    }

    /// The variables that everything of a task runs with, in both vocabularies.
    pub fn task_variables(&self, task: &Task, worktree: &Path) -> Vec<Variable> {
        let parent = task.parent.and_then(|id| self.task(id).ok()).map(Arc::as_ref);
        variables::of_task(&TaskNames::of(task, parent), self.root(), worktree)
    }

    /// A command as config gives it: a bare script name stands for the script in `.orchestra/scripts/`.
    pub fn command(&self, command: &str) -> String {
        let script = self.files.folder.scripts().join(command);
        let bare = !command.contains(['/', ' ']) && script.is_file();
        if bare { format!("'{}'", script.to_string_lossy().replace('\'', r"'\''")) } else { command.to_owned() }
    }

    pub fn artifacts_dir(&self, task: &Task) -> PathBuf {
        self.files.folder.artifacts(&task.slug)
    }

    pub fn logs_dir(&self, task: &Task) -> PathBuf {
        self.files.folder.logs(&task.slug)
    }

    /// The log of a job of the current iteration.
    pub fn log_file(&self, task: &Task, job: &str) -> Result<PathBuf, Failure> {
        let number = task.iterations.len().max(1) as u32;
        let stage = if job == "gate" { task.current_stage().name.as_str() } else { job };
        artifact::prepare_log(&self.files.folder, &task.slug, stage, number).map_err(Failure::internal)
    }

    /// Whether the commands of the project's files, and of its git configuration, may run.
    pub fn check_trust(&self) -> Result<(), Failure> {
        let commands = self.commands()?;
        let files = self.files.trust.is_trusted(&self.id, &commands.files).map_err(Failure::internal)?;
        let git = self.db.value(TRUSTED_GIT).map_err(Failure::internal)?;
        if files && (commands.git.is_none() || commands.git == git) {
            return Ok(());
        }
        Err(Failure::new(FailureKind::Untrusted, format!("the commands of {} are not trusted yet.", self.name))
            .hint("Look at them and press y"))
    }

    /// What a person is asked to trust.
    pub fn trust_facts(&self) -> Result<TrustFacts, Failure> {
        let commands = self.commands()?;
        let mut facts = self.files.trust.facts(&self.id, &commands.files).map_err(Failure::internal)?;
        facts.hash = commands.hash();
        if !commands.told.is_empty() {
            facts.files.push((self.repo.common_dir().join("config"), commands.told.join("\n")));
        }
        Ok(facts)
    }

    /// Trusts the commands as they were shown: a change since then is refused.
    pub fn trust(&mut self, hash: &str) -> Result<(), Failure> {
        let commands = self.commands()?;
        if commands.hash() != hash {
            let changed = "the files changed since they were shown.";
            return Err(Failure::new(FailureKind::Untrusted, changed).hint("Look again"));
        }
        self.files.trust.grant(&self.id, &commands.files, commands.files.hash(), now()).map_err(Failure::internal)?;
        let git = commands.git.unwrap_or_default();
        self.db.set_value(TRUSTED_GIT, &git).map_err(Failure::internal)
    }

    /// Nothing of the project's files runs any more before a person trusts them again.
    pub fn revoke_trust(&self) -> Result<(), Failure> {
        self.files.trust.revoke(&self.id).map(drop).map_err(Failure::internal)
    }

    fn commands(&self) -> Result<Commands, Failure> {
        let files = trust::Commands::read(&self.files.folder).map_err(Failure::internal)?;
        let git = match self.settings.config.git.hooks {
            HooksPolicy::Never => git::trust::Commands { hash: None, what: Vec::new() },
            HooksPolicy::Trusted => git::trust::commands(&self.repo).map_err(|error| git_failure(&error))?,
        };
        Ok(Commands { files, git: git.hash, told: git.what })
    }

    /// Whether the repository's hooks, filters and signing run in our writes.
    pub fn hooks(&self) -> Result<Hooks, Failure> {
        match self.settings.config.git.hooks {
            HooksPolicy::Never => Ok(Hooks::Off),
            HooksPolicy::Trusted => self.check_trust().map(|()| Hooks::Run),
        }
    }
}

/// In the database: hash of the git configuration's commands that a person trusts.
const TRUSTED_GIT: &str = "git.trusted";

/// All that would run from a repository.
struct Commands {
    files: trust::Commands,
    git: Option<String>,
    /// What of its git configuration runs something, in words.
    told: Vec<String>,
}

impl Commands {
    fn hash(&self) -> String {
        format!("{}{}", self.files.hash(), self.git.as_deref().unwrap_or_default())
    }
}

fn stored(effect: &Effect) -> Result<StoredEffect, Failure> {
    let json = serde_json::to_value(effect).map_err(Failure::internal)?;
    Ok(StoredEffect { key: effect.key(), json })
}
