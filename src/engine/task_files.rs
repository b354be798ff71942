//! Task files as a live interface: written with every change of a task, read when somebody else edits them.
//!
//! Invariants: a text that nobody here has read is never written over; a file that is gone is written again from its
//! last good text; the database has the last word on the status.

use std::path::{Path, PathBuf};

use super::Place;
use super::core::Core;
use super::ground::now;
use super::message::{Message, TaskPlace};
use super::pipeline::{Event, Wish};
use super::project::Project;
use crate::model::{Answer, Failure, FailureKind, ProjectId, Reply, SessionId, State, Status, Task, TaskId};
use crate::store::init;
use crate::store::task_file::{Change, HeaderKey, TaskFile, TaskFileError, TaskFolder};
use crate::store::watch::Watch;

/// What somebody else did to a task file.
enum Edit {
    Deleted,
    Text(Box<TaskFile>),
    Unreadable(TaskFileError),
}

impl Project {
    /// Brings a task's file in line with the task. What cannot be written is told; the database has it all the same.
    pub(super) fn write_task_file(&mut self, task: &Task) {
        if let Err(failure) = self.try_write_task_file(task) {
            self.files.troubles.push(failure.to_string());
        }
    }

    fn try_write_task_file(&mut self, task: &Task) -> Result<(), Failure> {
        let files = TaskFolder::new(self.files.folder.clone());
        let Some(known) = self.db.task_text(task.id).map_err(Failure::internal)? else {
            init::prepare_tasks(&self.files.folder).map_err(Failure::internal)?;
            let made = files.create(task.id, &task.slug, &header_of(task), &task.description);
            let (path, file) = made.map_err(Failure::internal)?;
            return self.db.set_task_text(task.id, &path, &file.text).map_err(Failure::internal);
        };
        let file = match files.update(&known.path, &known.text, &header_of(task)) {
            // Somebody edits it just now: the watch brings that edit here, and then the header is put right.
            Err(TaskFileError::Changed { .. }) => return Ok(()),
            Err(TaskFileError::File(error)) if error.is_missing() => {
                files.create_text(&known.path, &known.text).map_err(Failure::internal)?;
                files.update(&known.path, &known.text, &header_of(task)).map_err(Failure::internal)?
            }
            updated => updated.map_err(Failure::internal)?,
        };
        self.db.set_task_text(task.id, &known.path, &file.text).map_err(Failure::internal)
    }

    /// Where a task's file is; it is written when it is not there.
    pub(super) fn task_path(&mut self, task: &Task) -> Result<PathBuf, Failure> {
        self.try_write_task_file(task)?;
        let known = self.db.task_text(task.id).map_err(Failure::internal)?;
        known.map(|text| text.path).ok_or_else(|| Failure::internal(format!("{} has no file", task.slug)))
    }

    pub(super) fn remove_task_file(&self, task: &Task) -> Result<(), Failure> {
        let Some(known) = self.db.task_text(task.id).map_err(Failure::internal)? else { return Ok(()) };
        TaskFolder::new(self.files.folder.clone()).remove(&known.path, &known.text).map_err(Failure::internal)
    }

    /// The edits since the files were last read or written.
    fn edits(&self) -> Result<Vec<(TaskId, PathBuf, Edit)>, Failure> {
        let files = TaskFolder::new(self.files.folder.clone());
        let mut edits = Vec::new();
        for task in self.tasks() {
            let Some(known) = self.db.task_text(task.id).map_err(Failure::internal)? else { continue };
            let edit = match files.read(&known.path) {
                Ok(file) if file.text == known.text => continue,
                Ok(file) => Edit::Text(Box::new(file)),
                Err(TaskFileError::File(error)) if error.is_missing() => Edit::Deleted,
                Err(error) => Edit::Unreadable(error),
            };
            edits.push((task.id, known.path, edit));
        }
        Ok(edits)
    }

    /// Takes over a description that was edited; the status is for the caller. True: it is another one now.
    fn take_text(&mut self, id: TaskId, path: &Path, file: &TaskFile) -> Result<bool, Failure> {
        let mut task = Task::clone(self.task(id)?);
        let changed = task.description != file.body || task.title != file.title();
        (task.description, task.title) = (file.body.clone(), file.title().to_owned());
        self.db.set_task_text(id, path, &file.text).map_err(Failure::internal)?;
        self.commit(task, &[], None, now())?;
        Ok(changed)
    }
}

impl Core {
    /// Watches a project's task files, settings and flows.
    pub(super) fn watch_files(&mut self, id: &ProjectId) {
        let Ok(project) = self.project(id) else { return };
        let (inbox, changed) = (self.inbox.clone(), id.clone());
        let watch = Watch::project(&project.files.folder, move |_| {
            let _ = inbox.blocking_send(Message::FilesChanged { project: changed.clone() });
        });
        match watch {
            Ok(watch) => {
                if let Ok(project) = self.project_mut(id) {
                    project.files.watch = Some(watch);
                }
            }
            Err(error) => self.notices.error(format!("{error}. Edits of task files are not seen"), None),
        }
    }

    /// Reads what somebody else changed in the task files.
    pub(super) fn read_task_files(&mut self, id: &ProjectId) {
        let edits = match self.project(id).and_then(Project::edits) {
            Ok(edits) => edits,
            Err(failure) => return self.notices.error(failure.to_string(), None),
        };
        for (task, path, edit) in edits {
            let at = TaskPlace { project: id.clone(), task };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match edit {
                Edit::Deleted => {
                    let written = self.project_mut(id).and_then(|project| {
                        let task = std::sync::Arc::clone(project.task(task)?);
                        project.try_write_task_file(&task)
                    });
                    self.tell_failure(&at, written);
                    self.notices
                        .news(format!("{name} was deleted; it is written again. D deletes the task"), self.about(&at));
                }
                Edit::Unreadable(error) => {
                    self.notices.error(format!("{error}. The text before stays in force"), self.about(&at));
                }
                Edit::Text(file) => self.take_edit(&at, &path, &name, &file),
            }
        }
    }

    fn take_edit(&mut self, at: &TaskPlace, path: &Path, name: &str, file: &TaskFile) {
        let wanted = file.header.status;
        let before = self.project(&at.project).and_then(|project| Ok(project.task(at.task)?.status()));
        let taken = self.project_mut(&at.project).and_then(|project| project.take_text(at.task, path, file));
        match taken {
            Ok(true) => {
                self.notices.news(format!("read the edit of {name}"), self.about(at));
                self.tell_agent(at, &file.body);
            }
            Ok(false) => {}
            Err(failure) => self.notices.error(failure.to_string(), self.about(at)),
        }
        let Ok(before) = before else { return };
        let (Some(wanted), true) = (wanted, wanted != Some(before)) else { return };
        if let Err(failure) = self.wish_status(at, wanted) {
            self.notices.error(format!("status of {name} stays {}: {failure}", before.word()), self.about(at));
        }
        // The header says again what is so.
        if let Ok(project) = self.project_mut(&at.project)
            && let Ok(task) = project.task(at.task).cloned()
        {
            project.write_task_file(&task);
        }
    }

    /// A status that somebody set by hand.
    fn wish_status(&mut self, at: &TaskPlace, wanted: Status) -> Result<(), Failure> {
        match wanted {
            Status::Running => self.apply(at, Event::Person(Wish::Start), None),
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

    /// A running agent hears that its description is another one.
    fn tell_agent(&mut self, at: &TaskPlace, body: &str) {
        let Ok(session) = self.project(&at.project).and_then(|project| Ok(project.task(at.task)?.session_id())) else {
            return;
        };
        let place: Place = (at.project.clone(), session);
        if self.live_at(&place).is_some() {
            let text = format!("The description of your task was changed. It says now:\n\n{body}");
            if let Err(failure) = self.send(&place, &text) {
                self.notices.error(failure.to_string(), Some(place));
            }
        }
    }

    /// The designer hears of a spec that was saved.
    pub(super) fn read_designer_spec(&mut self, id: &ProjectId) {
        let Ok(project) = self.project_mut(id) else { return };
        let text = std::fs::read_to_string(project.files.folder.designer()).unwrap_or_default();
        let former = project.files.designer_spec.replace(text.clone());
        let place: Place = (id.clone(), SessionId::main());
        if former.is_none_or(|former| former == text) || self.live_at(&place).is_none() {
            return;
        }
        if let Err(failure) = self.send(&place, &format!("The spec was saved. It says now:\n\n{text}")) {
            self.notices.error(failure.to_string(), Some(place));
        }
    }
}

/// The lines of the header that are ours.
fn header_of(task: &Task) -> Vec<Change> {
    let mut header = vec![Change::text(HeaderKey::BaseBranch, &task.base_branch), Change::status(task.status())];
    if task.flow.name != crate::model::Flow::SOLO {
        header.push(Change::text(HeaderKey::Flow, &task.flow.name));
    }
    if let Some(agent) = &task.agent {
        header.push(Change::text(HeaderKey::Agent, agent));
    }
    if task.auto {
        header.push(Change::auto(true));
    }
    match task.state {
        State::Merged => header.push(Change::text(HeaderKey::Merged, &task.updated_at.to_string())),
        State::Archived => header.push(Change::text(HeaderKey::Archived, &task.updated_at.to_string())),
        _ => {}
    }
    header
}
