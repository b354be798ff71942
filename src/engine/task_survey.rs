//! What is in the folder of task files, against what was last read or written there.
//!
//! Invariant: no more than [`ROUND`] files are found in one go, whatever happened; the rest is named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::project::Project;
use super::task_files::Known;
use super::tidings::Tiding;
use crate::model::{Failure, Task, TaskId};
use crate::store::task_file::{Name, TaskFile, TaskFileError};
use crate::store::watch::Batch;

/// Files that are taken in one go: between two goes the engine serves others.
const ROUND: usize = 32;

/// What somebody else did to a task file.
pub(super) enum Edit {
    Deleted,
    /// It has another name now.
    Renamed(PathBuf),
    Text(Box<TaskFile>),
    Unreadable(TaskFileError),
}

/// What a look at the folder found.
#[derive(Default)]
pub(super) struct Survey {
    pub edits: Vec<(TaskId, Known, Edit)>,
    /// Files of no task.
    pub strangers: Vec<PathBuf>,
    /// All names in the folder.
    pub present: Vec<PathBuf>,
    /// To be looked at in the next go.
    pub later: Batch,
}

impl Project {
    /// What differs from what was last read or written, as far as the batch asks for it.
    pub(super) fn survey(&mut self, batch: &Batch) -> Result<Survey, Failure> {
        let tasks = self.files.folder.tasks();
        let asked = |path: &&PathBuf| path.parent() == Some(&tasks);
        if !batch.rescan && !batch.paths.iter().any(|path| asked(&path)) {
            return Ok(Survey::default());
        }
        let present = self.task_folder().names().map_err(Failure::internal)?;
        self.files.look.keep(|path| !path.starts_with(&tasks) || present.iter().any(|it| it == path));
        let paths: Vec<&PathBuf> =
            if batch.rescan { present.iter().collect() } else { batch.paths.iter().filter(asked).collect() };
        let mut survey = Survey::default();
        let mut of_tasks: BTreeSet<TaskId> = self.files.unwritten.keys().copied().collect();
        for path in paths {
            match self.owner(path) {
                Some(task) => drop(of_tasks.insert(task)),
                None if present.binary_search(path).is_ok() => survey.strangers.push(path.clone()),
                None => {}
            }
        }
        if batch.rescan {
            of_tasks.extend(self.book.tasks.keys());
        }
        self.compare(of_tasks, &present, &mut survey)?;
        // A file that got its name again is no stranger.
        let back = |path: &PathBuf| {
            survey.edits.iter().any(|(_, _, edit)| matches!(edit, Edit::Renamed(from) if from == path))
        };
        let mut strangers: Vec<_> =
            std::mem::take(&mut survey.strangers).into_iter().filter(|path| !back(path)).collect();
        let rest = strangers.split_off(strangers.len().min(ROUND.saturating_sub(survey.edits.len())));
        survey.later.paths.extend(rest);
        (survey.strangers, survey.present) = (strangers, present);
        Ok(survey)
    }

    fn compare(&mut self, tasks: BTreeSet<TaskId>, present: &[PathBuf], survey: &mut Survey) -> Result<(), Failure> {
        let files = self.task_folder();
        for id in tasks {
            let Some(task) = self.book.tasks.get(&id).cloned() else { continue };
            let Some(known) = self.task_text(id)? else {
                // It could not be written yet, or nobody could note that it was.
                self.write_task_file(&task);
                continue;
            };
            let spellings = files.spellings(id, &task.slug);
            if survey.edits.len() >= ROUND {
                survey.later.paths.extend(spellings);
                continue;
            }
            let is_there = present.binary_search(&known.path).is_ok();
            let twin = spellings.into_iter().find(|path| *path != known.path && present.binary_search(path).is_ok());
            if let Some(path) = twin.filter(|_| is_there) {
                let error = TaskFileError::Duplicate { path: path.clone(), id, other: known.path.clone() };
                if self.files.look.is_news(&path, &error.to_string()) {
                    self.files.look.tidings.add(Tiding::Unread, format!("{error}. The file is left as it is"), None);
                }
            }
            let edit = match files.read(&known.path) {
                Ok(file) if file.text == known.text => {
                    self.files.look.in_order(&known.path);
                    // What could not be written before, or was not: now it may be.
                    self.write_task_file(&task);
                    continue;
                }
                Ok(file) => Edit::Text(Box::new(file)),
                Err(TaskFileError::File(error)) if error.is_missing() => {
                    self.new_name(&task, &known, present).map_or(Edit::Deleted, Edit::Renamed)
                }
                Err(error) => Edit::Unreadable(error),
            };
            let again = matches!(edit, Edit::Renamed(_)).then(|| known.path.clone());
            survey.later.paths.extend(again);
            survey.edits.push((id, known, edit));
        }
        Ok(())
    }

    /// The name that somebody gave the file of a task: of the same text, and with its number or its slug.
    fn new_name(&self, task: &Task, known: &Known, present: &[PathBuf]) -> Option<PathBuf> {
        let files = self.task_folder();
        let [colon, dash] = files.spellings(task.id, &task.slug);
        let other = if known.path == colon { dash } else { colon };
        if present.binary_search(&other).is_ok() {
            return Some(other);
        }
        let is_renamed = |path: &&PathBuf| {
            let like = match Name::of(path) {
                Some(Name::Task(id, slug)) => id == task.id || slug == task.slug,
                Some(Name::Slug(slug)) => slug == task.slug,
                Some(Name::Bad(_)) => true,
                None => false,
            };
            let text = || files.read_as(path, (task.id, task.slug.clone())).map(|file| file.text);
            like && self.owner(path).is_none() && text().is_ok_and(|text| text == known.text)
        };
        present.iter().find(is_renamed).cloned()
    }

    /// The task whose file has this name.
    pub(super) fn owner(&self, path: &Path) -> Option<TaskId> {
        let Some(Name::Task(id, slug)) = Name::of(path) else { return None };
        self.book.tasks.get(&id).filter(|task| task.slug == slug).map(|task| task.id)
    }
}
