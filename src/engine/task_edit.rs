//! Edits of task files: what editors, git and sync tools did to them.
//!
//! Invariants: an edit is what differs from the last good text, key by key, so what the engine could not write is never
//! taken for a wish; the edit counts as read only after the database has it.

use std::path::Path;
use std::sync::Arc;

use super::Place;
use super::agent_run::agent_failure;
use super::core::Core;
use super::create::git_failure;
use super::ground::now;
use super::message::TaskPlace;
use super::pipeline::{Event, Wish};
use super::project::Project;
use super::task_files::{Known, header_in};
use super::task_survey::{Edit, Survey};
use super::tidings::Tiding;
use crate::model::{Failure, FailureKind, ProjectId, State, Status, Task, TaskId};
use crate::store::task_file::{Header, TaskFile};
use crate::store::watch::Batch;

impl Core {
    /// Reads what somebody else changed in the task files.
    pub(super) fn read_task_files(&mut self, id: &ProjectId, batch: &Batch) {
        let survey = match self.project_mut(id).and_then(|project| project.survey(batch)) {
            Ok(survey) => survey,
            Err(failure) => return self.notices.error(failure.to_string(), None),
        };
        let Survey { edits, strangers, present, later } = survey;
        for (task, known, edit) in edits {
            self.take_change(&TaskPlace { project: id.clone(), task }, &known, edit);
        }
        for path in &strangers {
            self.take_in(id, path, &present);
        }
        if !later.is_empty() {
            return self.look_later(id, later);
        }
        if let Some(project) = self.projects.iter_mut().find(|project| project.id == *id) {
            project.files.look.tidings.tell(&mut self.notices);
        }
    }

    fn take_change(&mut self, at: &TaskPlace, known: &Known, edit: Edit) {
        let name = name_of(&known.path);
        match edit {
            Edit::Deleted => {
                let written = self.project_mut(&at.project).and_then(|project| {
                    let task = Arc::clone(project.task(at.task)?);
                    project.try_write_task_file(&task)
                });
                match written {
                    Ok(()) => {
                        self.tiding(
                            at,
                            Tiding::Restored,
                            format!("{name} was deleted; it is written again. D deletes the task"),
                        );
                    }
                    Err(failure) => self.tell_once(at, &known.path, &failure.to_string()),
                }
            }
            Edit::Renamed(from) => self.take_name(at, known, &from),
            Edit::Unreadable(error) => {
                self.tell_once(at, &known.path, &format!("{error}. The text before stays in force"));
            }
            Edit::Text(file) => self.take_edit(at, known, &file),
        }
    }

    /// A slug is for good: the file gets its name again. Another spelling of the same name may stay.
    fn take_name(&mut self, at: &TaskPlace, known: &Known, from: &Path) {
        let renamed = self.project_mut(&at.project).and_then(|project| {
            let task = Arc::clone(project.task(at.task)?);
            if project.owner(from) == Some(at.task) {
                project.db.set_task_text(at.task, from, &known.text).map_err(Failure::internal)?;
                return Ok(None);
            }
            project.task_folder().rename(from, &known.path).map_err(Failure::internal)?;
            Ok(Some(format!(
                "{} is {} again: the name of {} is for good",
                name_of(from),
                name_of(&known.path),
                task.slug
            )))
        });
        match renamed {
            Ok(Some(text)) => self.tiding(at, Tiding::Renamed, text),
            Ok(None) => {}
            Err(failure) => self.tell_once(at, from, &failure.to_string()),
        }
    }

    fn take_edit(&mut self, at: &TaskPlace, known: &Known, file: &TaskFile) {
        let name = name_of(&known.path);
        let taken = self.project_mut(&at.project).and_then(|project| {
            let before = header_in(known)?;
            let (told, mut refused) = project.take_text(at.task, &before, file)?;
            if before.merged != file.header.merged || before.archived != file.header.archived {
                refused.push("merged and archived are written by Orchestra".to_owned());
            }
            Ok((before, told, refused))
        });
        let (before, told, mut refused) = match taken {
            Ok(taken) => taken,
            Err(failure) => return self.tell_once(at, &known.path, &failure.to_string()),
        };
        let auto = file.header.auto.unwrap_or(false);
        if before.auto.unwrap_or(false) != auto
            && let Err(failure) = self.apply(at, Event::Person(Wish::SetAuto(auto)), None)
        {
            refused.push(format!("auto stays: {failure}"));
        }
        if before.status != file.header.status
            && let Some(wanted) = file.header.status
            && let Err(why) = self.take_status(at, wanted)
        {
            refused.push(why);
        }
        let read = self.project_mut(&at.project).and_then(|project| {
            project.files.look.in_order(&known.path);
            project.db.set_task_text(at.task, &known.path, &file.text).map_err(Failure::internal)?;
            // The header says again what is so.
            let task = Arc::clone(project.task(at.task)?);
            project.write_task_file(&task);
            Ok(())
        });
        self.tell_failure(at, read);
        if told {
            self.tiding(at, Tiding::Edited, format!("read the edit of {name}"));
            self.tell_agent(at, &file.body);
        }
        if !refused.is_empty() {
            self.tiding(at, Tiding::Refused, format!("{name}: {}", refused.join("; ")));
        }
    }

    /// Sets a status that stands in a file; why not, in the other case.
    pub(super) fn take_status(&mut self, at: &TaskPlace, wanted: Status) -> Result<(), String> {
        let status = |core: &Self| core.project(&at.project).and_then(|project| Ok(project.task(at.task)?.status()));
        let before = status(self).map_err(|failure| failure.to_string())?;
        if before == wanted {
            return Ok(());
        }
        self.wish_status(at, wanted).map_err(|failure| format!("status stays {}: {failure}", before.word()))
    }

    pub(super) fn tiding(&mut self, at: &TaskPlace, tiding: Tiding, text: String) {
        let about = self.about(at);
        if let Ok(project) = self.project_mut(&at.project) {
            project.files.look.tidings.add(tiding, text, about);
        }
    }

    fn tell_once(&mut self, at: &TaskPlace, path: &Path, text: &str) {
        if self.project_mut(&at.project).is_ok_and(|project| project.files.look.is_news(path, text)) {
            self.tiding(at, Tiding::Unread, text.to_owned());
        }
    }

    /// A running agent hears that its description is another one.
    fn tell_agent(&mut self, at: &TaskPlace, body: &str) {
        let Ok(session) = self.project(&at.project).and_then(|project| Ok(project.task(at.task)?.session_id())) else {
            return;
        };
        let place: Place = (at.project.clone(), session);
        if self.live_at(&place).is_some() {
            let text = format!("The description of your task was changed. It says now:\n\n{body}");
            if let Err(failure) = self.say(&place, &text) {
                self.notices.error(failure.to_string(), Some(place));
            }
        }
    }
}

impl Project {
    /// Takes over an edited description, and the keys of the header that are no commands. Whether something of it is news, and
    /// what was refused.
    fn take_text(&mut self, id: TaskId, before: &Header, file: &TaskFile) -> Result<(bool, Vec<String>), Failure> {
        let header = &file.header;
        let mut task = Task::clone(self.task(id)?);
        let old = task.clone();
        let mut refused = Vec::new();
        (task.description, task.title) = (file.description().to_owned(), file.title().to_owned());
        let told = task.description != old.description || task.title != old.title;
        if before.agent != header.agent {
            match header.agent.as_deref().map(|agent| self.settings.catalog.get(agent)).transpose() {
                Ok(_) => task.agent.clone_from(&header.agent),
                Err(error) => refused.push(format!("agent stays: {}", agent_failure(&error))),
            }
        }
        if before.model != header.model {
            task.model.clone_from(&header.model);
        }
        if before.flow != header.flow {
            let wanted = header.flow.as_deref().unwrap_or(&self.settings.config.default_flow);
            match for_draft(&task).and_then(|()| self.flow(wanted)) {
                Ok(flow) => task.flow = self.in_mode(flow, task.agent.as_deref(), task.mode),
                Err(failure) => refused.push(format!("flow stays {}: {failure}", task.flow.name)),
            }
        }
        if let (true, Some(wanted)) = (before.base_branch != header.base_branch, &header.base_branch) {
            let base =
                for_draft(&task).and_then(|()| self.repo.resolve_base(wanted).map_err(|error| git_failure(&error)));
            match base {
                Ok(base) => task.base_branch = base.name,
                Err(failure) => refused.push(format!("base_branch stays {}: {failure}", task.base_branch)),
            }
        }
        if before.after != header.after {
            match self.dependencies(&task, &header.after) {
                Ok(after) => task.after = after,
                Err(failure) => refused.push(format!("after stays: {failure}")),
            }
        }
        if before.parent != header.parent {
            refused.push("parent stays: it is chosen when a task is made".to_owned());
        }
        if task != old {
            self.commit(task, &[], None, now())?;
        }
        Ok((told, refused))
    }
}

fn for_draft(task: &Task) -> Result<(), Failure> {
    if task.state == State::Draft {
        return Ok(());
    }
    Err(Failure::new(FailureKind::BadState, format!("{} has started already", task.slug)))
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
