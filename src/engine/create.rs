//! New tasks, and the way from a draft to a worktree that is ready.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::ground::now;
use super::live::{Job, Work};
use super::message::{Message, TaskPlace};
use super::pipeline::Event;
use super::project::Project;
use crate::git::worktree::{Attempt, WorktreePlan};
use crate::git::{self, Cancel};
use crate::model::{Answer, Failure, FailureKind, NewTask, ProjectId, Reply, RunId, Slug, Task, TaskId};
use crate::store::database::{EffectId, Worktree};
use crate::store::task_file::heading;
use crate::store::{slug, template};

impl Core {
    pub(super) fn new_task(&mut self, project: &ProjectId, new: NewTask) -> Answer {
        let found = self.project_mut(project)?;
        if new.start {
            found.check_trust()?;
        }
        let start = new.start;
        // A person switches branches behind our back.
        found.branch = super::load::head_branch(&found.repo)?;
        let task = found.create(new)?;
        let (id, slug, branch) = (task.id, task.slug.clone(), task.branch.clone());
        if start {
            self.wish(project.clone(), id, super::pipeline::Wish::Start)?;
        }
        let message =
            if start { format!("started {slug} on {branch}") } else { format!("kept {slug} as a draft; S starts it") };
        Ok(Reply::Task { id, message: Some(message) })
    }

    /// Branch and worktree, then the setup script.
    pub(super) fn prepare(&mut self, at: &TaskPlace, run: RunId, key: EffectId) {
        let planned = self.project_mut(&at.project).and_then(|project| project.plan_worktree(at.task));
        let plan = match planned {
            Ok(plan) => plan,
            Err(failure) => return self.job_broken(at, &run, &setup_work(), &failure, key),
        };
        let place = at.clone();
        self.blocking_for(at, move || match plan.make() {
            Ok(base_commit) => Message::Prepared { at: place, run, base_commit, finishes: key },
            Err(error) => {
                let event = Event::SetupFailed { run, error: error.to_string() };
                Message::Happened { at: place, event, finishes: Some(key) }
            }
        });
    }

    /// The worktree is there: what the project wants done in it comes next.
    pub(super) fn prepared(&mut self, at: &TaskPlace, run: RunId, base_commit: String, key: EffectId) {
        let planned = self.project_mut(&at.project).and_then(|project| {
            // Stopped meanwhile: the answer is stale, and nothing is done in the worktree.
            let is_wanted = project.task(at.task)?.job.as_ref().is_some_and(|job| job.id == run);
            let Some(script) = project.files.folder.setup_script().filter(|_| is_wanted) else { return Ok(None) };
            project.check_trust()?;
            let limit = Duration::from_secs(project.settings.config.worktrees.setup_timeout_seconds.into());
            let worktree = project.worktree_path(project.task(at.task)?);
            Ok(Some((script, worktree, limit)))
        });
        match planned {
            Ok(None) => self.happened(at, Event::WorktreeReady { run, base_commit }, Some(key)),
            Ok(Some((script, worktree, limit))) => {
                let (script, argument) =
                    (script.to_string_lossy().into_owned(), worktree.to_string_lossy().into_owned());
                let launch = self.command_launch(at, "exec \"$1\" \"$2\"", &[&script, &argument]);
                match launch {
                    Ok(launch) => self.spawn_job(at, run, launch, Job::new(Work::Setup { base_commit }, limit, key)),
                    Err(failure) => self.job_broken(at, &run, &Work::Setup { base_commit }, &failure, key),
                }
            }
            Err(failure) => self.job_broken(at, &run, &Work::Setup { base_commit }, &failure, key),
        }
    }
}

fn setup_work() -> Work {
    Work::Setup { base_commit: String::new() }
}

/// What makes a worktree.
pub(super) struct Plan {
    repo: git::Repo,
    worktree: WorktreePlan,
    link: PathBuf,
}

impl Plan {
    /// Makes branch and worktree, brings the ignored files that the project wants in it, and links it in the project.
    fn make(&self) -> Result<String, git::GitError> {
        let cancel = Cancel::default();
        let created = git::worktree::create(&self.repo, &self.worktree, &cancel)?;
        git::include::copy(&self.repo, &created.path, &cancel)?;
        if self.link != created.path {
            git::worktree::link(&self.link, &created.path)?;
        }
        Ok(created.commit)
    }
}

impl Project {
    /// Writes a new draft: its number, its row in the database, its file.
    pub fn create(&mut self, new: NewTask) -> Result<Arc<Task>, Failure> {
        if new.description.trim().is_empty() {
            return Err(Failure::new(FailureKind::Usage, "a task needs a description."));
        }
        let slug = self.free_slug(new.slug.as_deref())?;
        let mut task = self.draft(slug, new)?;
        let id = self.db.next_task_id().map_err(Failure::internal)?;
        self.number(&mut task, id);
        self.commit(task, &[], None, now())?;
        self.task(id).cloned()
    }

    /// What a new task can begin with.
    pub fn templates(&self) -> Answer {
        let listed = template::list(&self.files.folder).map_err(Failure::internal)?;
        let (found, broken): (Vec<_>, Vec<_>) = listed.into_iter().partition(Result::is_ok);
        Ok(Reply::Templates {
            found: found.into_iter().flatten().collect(),
            broken: broken.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect(),
        })
    }

    /// A draft as it is wanted, without a number; its slug is free.
    pub(super) fn draft(&self, slug: Slug, new: NewTask) -> Result<Task, Failure> {
        let flow = self.flow(new.flow.as_deref().unwrap_or(&self.settings.config.default_flow))?;
        if let Some(agent) = &new.agent {
            self.settings.catalog.get(agent).map_err(|error| super::agent_run::agent_failure(&error))?;
        }
        let parent = new.parent.map(|id| self.task(id).cloned()).transpose()?;
        if let Some(parent) = &parent {
            self.check_depth(parent)?;
        }
        for other in &new.after {
            self.task(*other)?;
        }
        let above = parent.as_ref().map(|parent| parent.branch.as_str());
        let wanted = above.or(new.base.as_deref()).or(self.branch.as_deref()).unwrap_or("HEAD");
        let base = self.repo.resolve_base(wanted).map_err(|error| git_failure(&error))?;
        let flow = self.in_mode(flow, new.agent.as_deref(), new.mode);
        let draft = Task::draft(slug, flow, now());
        let slug = &draft.slug;
        Ok(Task {
            title: new.title.unwrap_or_else(|| heading(&new.description).unwrap_or(slug.as_str()).to_owned()),
            description: new.description,
            base_branch: base.name,
            agent: new.agent,
            model: new.model,
            mode: new.mode,
            auto: new.auto,
            parent: new.parent,
            after: new.after,
            ..draft
        })
    }

    /// Gives a draft its number, and the branch that follows from it.
    pub(super) fn number(&self, task: &mut Task, id: TaskId) {
        let template = &self.settings.config.branch;
        (task.id, task.branch) = (id, template.replace("{slug}", task.slug.as_str()).replace("{id}", &id.to_string()));
    }

    /// The slug as asked for, or three random words that nobody has.
    fn free_slug(&self, wanted: Option<&str>) -> Result<Slug, Failure> {
        let slugs = self.db.slugs().map_err(Failure::internal)?;
        let taken = |slug: &str| slugs.iter().any(|taken| taken == slug);
        let Some(wanted) = wanted.filter(|text| !text.trim().is_empty()) else {
            return Ok(slug::random(taken));
        };
        let slug = Slug::new(&wanted.trim().to_lowercase())
            .map_err(|error| Failure::new(FailureKind::Usage, format!("{error}.")))?;
        if taken(slug.as_str()) {
            let free = slug::free(&slug, taken);
            return Err(
                Failure::new(FailureKind::Usage, format!("slug \"{slug}\" is taken.")).hint(format!("Try {free}."))
            );
        }
        Ok(slug)
    }

    fn plan_worktree(&mut self, id: TaskId) -> Result<Plan, Failure> {
        let task = Arc::clone(self.task(id)?);
        let path = self.worktree_path(&task);
        let base = self.repo.resolve_base(&task.base_branch).map_err(|error| git_failure(&error))?;
        let known = self.db.worktrees().map_err(Failure::internal)?;
        let attempt = if known.iter().any(|worktree| worktree.path == path) { Attempt::Again } else { Attempt::First };
        // The intention comes first: what is found half made after a crash is ours by this record.
        let record = Worktree {
            path: path.clone(),
            task: Some(id),
            branch: task.branch.clone(),
            owns_branch: true,
            created_at: now(),
        };
        self.db.record_worktree(&record).map_err(Failure::internal)?;
        let worktree =
            WorktreePlan { path, branch: task.branch.clone(), base_commit: base.commit, attempt, hooks: self.hooks()? };
        Ok(Plan { repo: self.repo.clone(), worktree, link: self.files.folder.worktree(&task.slug) })
    }
}

pub(super) fn git_failure(error: &git::GitError) -> Failure {
    let failure = Failure::new(kind_of(error), format!("{error}."));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

const fn kind_of(error: &git::GitError) -> FailureKind {
    use git::GitError as E;
    match error {
        E::NotARepository { .. } | E::Bare { .. } | E::NoCommits { .. } | E::OtherOwner { .. } => {
            FailureKind::NoRepository
        }
        E::NoSuchRef { .. } => FailureKind::NotFound,
        E::BranchTaken { .. } | E::BranchClash { .. } | E::PathTaken { .. } => FailureKind::Usage,
        E::IndexLocked { .. } | E::RefLocked { .. } => FailureKind::LockHeld,
        E::Untrusted { .. } => FailureKind::Untrusted,
        E::TimedOut { .. } => FailureKind::Timeout,
        _ => FailureKind::Internal,
    }
}
