//! A project's files: task files, artifacts, prompts and specs. The database has the last word; files are written again.

use std::path::PathBuf;
use std::sync::Arc;

use super::project::Project;
use crate::agent::ArtifactBy;
use crate::agent::due::Due;
use crate::agent::prompt::{self, Brief, EarlierArtifact};
use crate::model::{
    DeleteScope, Failure, FailureKind, Resource, SessionId, Stage, State, Task, TaskId, Trigger, Work, gather,
};
use crate::store::database::Artifact;
use crate::store::prompt::{self as texts, EXECUTOR};
use crate::store::{artifact, atomic, workflow};

/// The longest template or instruction file, in bytes.
const TEXT_LIMIT: u64 = 1024 * 1024;

impl Project {
    /// The first prompt of a conversation of this stage, an index, for an agent that hands in by `by`.
    pub fn prompt(&self, task: &Task, stage: usize, trigger: &Trigger, by: ArtifactBy) -> Result<String, Failure> {
        let earlier = earlier(task, stage);
        let stage = &task.flow.stages[stage];
        let Work::Agent(assignment) = &stage.work else {
            return Err(Failure::new(
                FailureKind::BadState,
                format!("stage {} is a script: it has no prompt.", stage.name),
            ));
        };
        let template = workflow::template(&self.files.folder, stage).map_err(Failure::internal)?;
        let instructions = self.text(&self.files.folder.instructions())?;
        let mut artifacts = self.latest_artifacts(task)?;
        artifacts.retain(|(artifact, _)| artifact.stage != stage.name);
        // A person who restarts a stage wants it done as if for the first time.
        let former = if *trigger == Trigger::Restarted { None } else { self.former(task, stage)? };
        let merged = self.children(task.id).filter(|child| child.state == State::Merged);
        artifacts.extend(merged.filter_map(|child| {
            let (artifact, path) = self.result(child)?;
            Some((of_child(child, artifact), path))
        }));
        let log = self.activity_log(task);
        let log =
            log.iter().map(|(text, path)| EarlierArtifact { name: artifact::ACTIVITY_LOG, stage: None, text, path });
        let artifacts: Vec<_> = artifacts.iter().map(told).chain(log).collect();
        let composed = prompt::compose(&Brief {
            role: EXECUTOR,
            template: &template,
            stage: stage.description.as_deref(),
            instructions: instructions.as_deref(),
            title: &task.title,
            description: &task.description,
            artifacts: &artifacts,
            resources: &self.resources(task),
            trigger,
            due: Due { artifact: &stage.artifact, assignment, earlier_stages: &earlier, by },
            former: former.as_ref().map(told),
            permissions: assignment.permissions.unwrap_or(self.settings.config.permissions),
            worktree: &self.worktree_path(task),
            branch: &task.branch,
            base_branch: &task.base_branch,
            task: task.id,
            slug: &task.slug,
        });
        composed.map_err(|unknown| {
            let name = stage.template();
            let place = format!("agents/{name}:{}:{}", unknown.line, unknown.column);
            Failure::new(FailureKind::Config, format!("{place}: {unknown}."))
        })
    }

    /// The resources of a task and of those that it is a part of; its own go first where names are the same.
    fn resources(&self, task: &Task) -> Vec<Resource> {
        let parent = |task: &&Task| task.parent.and_then(|id| self.task(id).ok()).map(Arc::as_ref);
        let mut line: Vec<_> = std::iter::successors(Some(task), parent).collect();
        line.reverse();
        let mut all = Vec::new();
        gather(&mut all, line.into_iter().flat_map(|task| task.resources.iter().cloned()));
        all
    }

    /// What a stage handed in before its latest iteration.
    fn former(&self, task: &Task, stage: &Stage) -> Result<Option<(Artifact, PathBuf)>, Failure> {
        let now = task.iterations.iter().rev().find(|it| it.stage == stage.name).map_or(0, |it| it.number);
        let all = self.db.artifacts(task.id).map_err(Failure::internal)?;
        let past = all.into_iter().filter(|artifact| artifact.stage == stage.name && artifact.iteration < now);
        let file = |artifact: Artifact| {
            let path = artifact::path(&self.files.folder, &task.slug, &artifact.name);
            (artifact, path)
        };
        Ok(past.max_by_key(|artifact| artifact.iteration).map(file))
    }

    /// Keeps the prompt of the current iteration where people find it; a log, no more.
    pub fn keep_prompt(&self, task: &Task, text: &str) -> Result<(), Failure> {
        let Some(iteration) = task.iteration() else { return Ok(()) };
        let log = artifact::prepare_log(&self.files.folder, &task.slug, &iteration.stage, iteration.number);
        let file = log.map_err(Failure::internal)?.with_extension("prompt.md");
        atomic::write(&file, text.as_bytes()).map_err(Failure::internal)
    }

    /// What the designer is told of its place, and of the project.
    pub fn designer_prompt(&self) -> Result<String, Failure> {
        texts::designer(&self.files.folder).map_err(Failure::internal)
    }

    fn text(&self, path: &std::path::Path) -> Result<Option<String>, Failure> {
        match atomic::read_beneath(self.root(), path, TEXT_LIMIT) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(Failure::internal(error)),
        }
    }

    /// Keeps what a stage produced: in the database, and as a file for agents and people.
    pub fn keep_artifact(&mut self, task: TaskId, kept: &Artifact) -> Result<(), Failure> {
        self.db.put_artifact(task, kept).map_err(Failure::internal)?;
        if !self.is_there() {
            // They are written when it is opened again.
            self.files.missed = true;
            return Ok(());
        }
        let all = self.db.artifacts(task).map_err(Failure::internal)?;
        let slug = &self.task(task)?.slug;
        artifact::write_all(&self.files.folder, slug, &all).map(drop).map_err(Failure::internal)
    }

    /// Writes artifacts again whose folder was deleted; the slugs of their tasks.
    pub fn restore_artifacts(&self) -> Result<Vec<String>, Failure> {
        let mut restored = Vec::new();
        for task in self.tasks() {
            let all = self.db.artifacts(task.id).map_err(Failure::internal)?;
            if self.artifacts_dir(task).exists() {
                continue;
            }
            let written = artifact::write_all(&self.files.folder, &task.slug, &all).map_err(Failure::internal)?;
            if self.write_activity_log(task)? || !written.is_empty() {
                restored.push(task.slug.to_string());
            }
        }
        Ok(restored)
    }

    /// Name and text of what the current stage handed in last.
    pub fn last_artifact(&self, task: &Task) -> Option<(String, String)> {
        let stage = &task.current_stage().name;
        let latest = self.latest_artifacts(task).ok()?;
        latest.into_iter().rev().find(|(artifact, _)| artifact.stage == *stage).map(|(it, _)| (it.name, it.text))
    }

    /// The newest text of each artifact, in the order of the stages, with the path of its file.
    pub(super) fn latest_artifacts(&self, task: &Task) -> Result<Vec<(Artifact, PathBuf)>, Failure> {
        let all = self.db.artifacts(task.id).map_err(Failure::internal)?;
        let newest = |name: &str| all.iter().filter(|artifact| artifact.stage == name).max_by_key(|it| it.iteration);
        let of_stages = task.flow.stages.iter().filter_map(|stage| newest(&stage.name).cloned());
        Ok(of_stages
            .map(|artifact| {
                let path = artifact::path(&self.files.folder, &task.slug, &artifact.name);
                (artifact, path)
            })
            .collect())
    }

    /// The file that `s` opens for a session, and the editor to open it with.
    pub fn spec_file(&mut self, owner: &SessionId) -> Result<(PathBuf, String), Failure> {
        let file = match self.task_by_session(owner).cloned() {
            Some(task) => self.task_path(&task)?,
            None => self.files.folder.designer(),
        };
        let configured = self.settings.config.ui.editor.clone();
        let editor = configured.or_else(|| std::env::var("VISUAL").ok()).or_else(|| std::env::var("EDITOR").ok());
        Ok((file, editor.unwrap_or_else(|| "vi".to_owned())))
    }

    /// A deleted task leaves the list, or only its worktree does.
    pub fn forget(&mut self, task: TaskId, scope: DeleteScope, reference: &str) -> Result<(), Failure> {
        let (at, task) = (super::ground::now(), &Arc::clone(self.task(task)?));
        self.db.forget_worktree(&self.worktree_path(task)).map_err(Failure::internal)?;
        match scope {
            DeleteScope::All => {
                // The file first: one without a task would be nobody's, a task without its file gets it again.
                self.remove_task_file(task)?;
                self.db.trash_task(task, reference, at, None).map_err(Failure::internal)?;
                self.book.tasks.remove(&task.id);
                Ok(())
            }
            DeleteScope::WorktreeOnly => {
                let mut left = Task::clone(task);
                (left.base_commit, left.updated_at) = (None, at);
                self.commit(left, &[], None, at).map(drop)
            }
        }
    }
}

/// A subtask's result among its parent's artifacts.
fn of_child(child: &Task, artifact: Artifact) -> Artifact {
    let name = format!("{}/{}", child.slug, artifact.name);
    Artifact { name, stage: format!("subtask \"{}\"", child.title), ..artifact }
}

/// As an agent is told of it.
fn told((artifact, path): &(Artifact, PathBuf)) -> EarlierArtifact<'_> {
    EarlierArtifact { name: &artifact.name, stage: Some(&artifact.stage), text: &artifact.text, path }
}

/// Names of the stages before one.
pub(super) fn earlier(task: &Task, stage: usize) -> Vec<&str> {
    task.flow.stages[..stage].iter().map(|stage| stage.name.as_str()).collect()
}
