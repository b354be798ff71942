//! Task files as they are written: with every change of a task, from what the database holds.
//!
//! Invariants: a text that nobody here has read is never written over; a file that is gone is written again from its
//! last good text; of a header only the lines change whose values do. What others write is read in `task_edit`.

use std::path::PathBuf;
use std::sync::Arc;

use super::Place;
use super::core::Core;
use super::message::{Message, TaskPlace};
use super::pipeline::{Event, Wish};
use super::project::Project;
use crate::model::{Answer, Failure, FailureKind, ProjectId, Reply, SessionId, State, Status, Task, TaskId};
use crate::store::database::TaskText;
use crate::store::task_file::{self, Change, Header, HeaderKey, TaskFileError, TaskFolder};
use crate::store::watch::{Batch, Watch};
use crate::store::{atomic, init};

/// How often somebody may write into the file of a task that is being deleted.
const LAST_WORDS: usize = 16;
/// The longest spec of a designer, in bytes.
const SPEC_LIMIT: u64 = 1 << 20;

impl Project {
    /// Brings a task's file in line with the task. What cannot be written is told once; the database has it all the same,
    /// and the next change of the task or of its folder tries again.
    pub(super) fn write_task_file(&mut self, task: &Task) {
        if !self.is_there() {
            self.files.missed = true;
            return;
        }
        match self.try_write_task_file(task) {
            Ok(()) => drop(self.files.unwritten.remove(&task.id)),
            Err(failure) => {
                let text = failure.to_string();
                if self.files.unwritten.insert(task.id, text.clone()).is_none_or(|former| former != text) {
                    self.files.troubles.push(text);
                }
            }
        }
    }

    pub(super) fn try_write_task_file(&mut self, task: &Task) -> Result<(), Failure> {
        let files = self.task_folder();
        let Some(known) = self.task_text(task.id)? else {
            init::prepare_tasks(&self.files.folder).map_err(Failure::internal)?;
            let header = header_of(task, &Header::default(), self.relatives(task));
            let made = match files.create(task.id, &task.slug, &header, &task.description) {
                Err(TaskFileError::Exists(path)) => match files.read(&path) {
                    // Of an engine that died before it could note that it had written it.
                    Ok(file) if file.description().trim_end() == task.description.trim_end() => {
                        files.update(&path, &file.text, &header).map(|file| (path, file))
                    }
                    _ => Err(TaskFileError::Exists(path)),
                },
                made => made,
            };
            let (path, file) = made.map_err(Failure::internal)?;
            return self.db.set_task_text(task.id, &path, &file.text).map_err(Failure::internal);
        };
        let changes = header_of(task, &header_in(&known)?, self.relatives(task));
        let (path, file) = match files.update(&known.path, &known.text, &changes) {
            // Somebody edits it just now: the watch brings that edit here, and then the header is put right.
            Err(TaskFileError::Changed { kept: None, .. }) => return Ok(()),
            Err(TaskFileError::File(error)) if error.is_missing() => {
                init::prepare_tasks(&self.files.folder).map_err(Failure::internal)?;
                let (path, file) = files.create_text(&known.path, &known.text).map_err(Failure::internal)?;
                let file = files.update(&path, &file.text, &changes).map_err(Failure::internal)?;
                (path, file)
            }
            updated => (known.path.clone(), updated.map_err(Failure::internal)?),
        };
        if file.text == known.text && known.kept_at(&path) {
            return Ok(());
        }
        self.db.set_task_text(task.id, &path, &file.text).map_err(Failure::internal)
    }

    /// Where a task's file is; it is written when it is not there.
    pub(super) fn task_path(&mut self, task: &Task) -> Result<PathBuf, Failure> {
        self.try_write_task_file(task)?;
        self.task_text(task.id)?
            .map(|text| text.path)
            .ok_or_else(|| Failure::internal(format!("{} has no file", task.slug)))
    }

    /// Removes a task's file. What somebody wrote into it at the last moment becomes its last text.
    pub(super) fn remove_task_file(&mut self, task: &Task) -> Result<(), Failure> {
        let Some(Known { path, mut text, .. }) = self.task_text(task.id)? else { return Ok(()) };
        let files = self.task_folder();
        for _ in 0..LAST_WORDS {
            match files.remove(&path, &text) {
                Err(TaskFileError::Changed { text: Some(newer), .. }) => {
                    self.db.set_task_text(task.id, &path, &newer).map_err(Failure::internal)?;
                    text = newer;
                }
                removed => return removed.map_err(|error| Failure::new(FailureKind::BadState, error.to_string())),
            }
        }
        let told = format!("{} is being written all the time; the task stays.", path.display());
        Err(Failure::new(FailureKind::BadState, told).hint("Close it, then delete again"))
    }

    pub(super) fn task_folder(&self) -> TaskFolder {
        TaskFolder::new(self.files.folder.clone())
    }

    /// The last good text of a task's file, and where that is now: the whole repository may have moved.
    pub(super) fn task_text(&self, id: TaskId) -> Result<Option<Known>, Failure> {
        let stored = self.db.task_text(id).map_err(Failure::internal)?;
        Ok(stored.map(|TaskText { path, text }| {
            let now = path.file_name().map(|name| self.files.folder.tasks().join(name));
            Known { path: now.unwrap_or_else(|| path.clone()), text, stored: path }
        }))
    }
}

/// The last good text of a task's file.
pub(super) struct Known {
    pub path: PathBuf,
    pub text: String,
    /// The path as the database has it.
    stored: PathBuf,
}

impl Known {
    fn kept_at(&self, path: &std::path::Path) -> bool {
        self.stored == path
    }
}

impl Core {
    /// Watches a project's task files, settings and flows, and the user's settings.
    pub(super) fn watch_files(&mut self, id: &ProjectId) {
        let Ok(project) = self.project(id) else { return };
        let (inbox, project_id) = (self.inbox.clone(), id.clone());
        let changes = Arc::clone(&project.files.look.changes);
        let watch = Watch::project(&self.ground.home, &project.files.folder, move |batch| {
            if changes.add(batch) {
                let _ = inbox.blocking_send(Message::FilesChanged { project: project_id.clone() });
            }
        });
        match watch {
            Ok(watch) => {
                if let Some(limit) = watch.limit() {
                    self.notices
                        .news(format!("task files are looked at every 1.5 s instead of at once: {limit}"), None);
                }
                if let Ok(project) = self.project_mut(id) {
                    project.files.watch = Some(watch);
                }
            }
            Err(error) => self.notices.error(format!("{error}. Edits of task files are not seen"), None),
        }
    }

    /// Task files, settings or flows changed on disk.
    pub(super) fn files_changed(&mut self, id: &ProjectId) {
        if !self.project(id).is_ok_and(Project::is_there) {
            return self.lose(id);
        }
        let Ok(batch) = self.project(id).map(|project| project.files.look.changes.take()) else { return };
        self.look_at_files(id, &batch);
    }

    /// Looks at what a batch names.
    pub(super) fn look_at_files(&mut self, id: &ProjectId, batch: &Batch) {
        let Ok(folder) = self.project(id).map(|project| project.files.folder.clone()) else { return };
        self.read_task_files(id, batch);
        if batch.touches(&folder.designer()) {
            self.read_designer_spec(id);
        }
        let settings = [folder.config(), folder.workflow(), self.ground.home.config()];
        // Flows are read with the templates and schemas that they name.
        let beside = [folder.agents(), folder.agents_d(), folder.schemas()];
        let is_named = |path: &PathBuf| {
            beside.iter().any(|folder| path.starts_with(folder)) || path.extension().is_some_and(|it| it == "json")
        };
        if settings.iter().any(|file| batch.touches(file)) || batch.paths.iter().any(is_named) {
            self.read_settings(id);
        }
    }

    /// Looks at the rest later: others are served in between.
    pub(super) fn look_later(&self, id: &ProjectId, batch: Batch) {
        let Ok(project) = self.project(id) else { return };
        if project.files.look.changes.add(batch) {
            let (inbox, project) = (self.inbox.clone(), id.clone());
            tokio::spawn(async move { inbox.send(Message::FilesChanged { project }).await });
        }
    }

    /// A status that somebody set by hand.
    pub(super) fn wish_status(&mut self, at: &TaskPlace, wanted: Status) -> Result<(), Failure> {
        match wanted {
            Status::Running => {
                self.project(&at.project)?.check_trust()?;
                self.apply(at, Event::Person(Wish::Start), None)
            }
            Status::Completed => self.apply(at, Event::Person(Wish::Complete), None),
            other => {
                let text = format!("the status {} cannot be set by hand.", other.word());
                Err(Failure::new(FailureKind::BadState, text).hint("running and completed can"))
            }
        }
    }

    pub(super) fn set_status(&mut self, at: &TaskPlace, status: Status) -> Answer {
        let before = self.project(&at.project)?.task(at.task)?.status();
        if before != status {
            self.wish_status(at, status)?;
        }
        let task = self.project(&at.project)?.task(at.task)?;
        Ok(Reply::Done { message: Some(format!("{} is {}", task.slug, task.status().word())) })
    }

    /// The designer hears of a spec that was saved.
    pub(super) fn read_designer_spec(&mut self, id: &ProjectId) {
        let Ok(project) = self.project_mut(id) else { return };
        let path = project.files.folder.designer();
        let text = match atomic::read_beneath(project.root(), &path, SPEC_LIMIT) {
            Ok(text) => text,
            Err(error) if error.is_missing() => String::new(),
            Err(error) => {
                let text = error.to_string();
                if project.files.look.is_news(&path, &text) {
                    self.notices.error(format!("{text}. The designer keeps the spec before"), None);
                }
                return;
            }
        };
        project.files.look.in_order(&path);
        let former = project.files.designer_spec.replace(text.clone());
        let place: Place = (id.clone(), SessionId::main());
        if former.is_none_or(|former| former == text) || self.live_at(&place).is_none() {
            return;
        }
        if let Err(failure) = self.say(&place, &format!("The spec was saved. It says now:\n\n{text}")) {
            self.notices.error(failure.to_string(), Some(place));
        }
    }
}

pub(super) fn header_in(known: &Known) -> Result<Header, Failure> {
    let file = task_file::parse(&known.path, known.text.clone().into_bytes());
    file.map(|file| file.header).map_err(Failure::internal)
}

/// What of a file's header is not as the task is; `parent` and `after` are the slugs of its relatives.
fn header_of(task: &Task, header: &Header, (parent, after): (Option<String>, Vec<String>)) -> Vec<Change> {
    let derived = task_file::heading(&task.description).unwrap_or(task.slug.as_str());
    let title =
        Some(task.title.trim()).filter(|title| !title.is_empty() && (header.title.is_some() || *title != derived));
    let flow = Some(task.flow.name.as_str()).filter(|_| header.flow.is_some() || !task.flow.is_solo());
    let texts = [
        (HeaderKey::BaseBranch, Some(task.base_branch.as_str()), &header.base_branch),
        (HeaderKey::Title, title, &header.title),
        (HeaderKey::Flow, flow, &header.flow),
        (HeaderKey::Agent, task.agent.as_deref(), &header.agent),
        (HeaderKey::Model, task.model.as_deref(), &header.model),
        (HeaderKey::Parent, parent.as_deref(), &header.parent),
    ];
    let mut changes = Vec::new();
    for (key, wanted, found) in texts {
        if wanted.map(str::trim) != found.as_deref() {
            changes.push(wanted.map_or_else(|| Change::remove(key), |wanted| Change::text(key, wanted)));
        }
    }
    if header.after != after {
        changes.push(if after.is_empty() {
            Change::remove(HeaderKey::After)
        } else {
            Change::words(HeaderKey::After, &after)
        });
    }
    if header.status != Some(task.status()) {
        changes.insert(changes.len().min(1), Change::status(task.status()));
    }
    if header.auto.unwrap_or(false) != task.auto {
        changes.push(Change::auto(task.auto));
    }
    for (key, state, found) in
        [(HeaderKey::Merged, State::Merged, &header.merged), (HeaderKey::Archived, State::Archived, &header.archived)]
    {
        match (task.state == state, found) {
            (true, None) => changes.push(Change::text(key, &task.updated_at.to_string())),
            (false, Some(_)) => changes.push(Change::remove(key)),
            _ => {}
        }
    }
    changes
}
