//! Task files that people made by hand: each becomes a draft, or it is told why not and left as it is.
//!
//! Invariant: the text of the file is in the database before the task is: what a crash leaves between the two is found
//! again as the same file.

use std::path::{Path, PathBuf};

use super::core::Core;
use super::ground::now;
use super::message::TaskPlace;
use super::project::Project;
use super::task_edit::name_of;
use super::tidings::Tiding;
use crate::model::{Failure, FailureKind, NewTask, ProjectId, Slug, State, Status, Task, TaskId};
use crate::store::init;
use crate::store::task_file::{MAX_CHOSEN_ID, Name, TaskFileError};

/// What became of a file that somebody made.
enum Made {
    Draft(TaskId, Option<Status>),
    /// Nothing, for a reason that is no fault.
    Nothing(&'static str),
    /// It went again before it was read.
    Gone,
}

impl Core {
    /// A file that somebody made: it becomes a draft, or it is told why not.
    pub(super) fn take_in(&mut self, id: &ProjectId, path: &Path, present: &[PathBuf]) {
        let name = name_of(path);
        let made = self.project_mut(id).and_then(|project| {
            let made = project.adopt_file(path, present)?;
            if matches!(made, Made::Draft(..)) {
                project.files.look.in_order(path);
            }
            Ok(made)
        });
        let tiding = match made {
            Ok(Made::Draft(task, status)) => {
                let at = TaskPlace { project: id.clone(), task };
                return self.tell_draft(&at, status);
            }
            Ok(Made::Gone) => return,
            Ok(Made::Nothing(why)) => (Tiding::LeftAlone, format!("{name} {why}")),
            Err(failure) => {
                let why = failure.to_string();
                let whose = if why.contains(&name) { String::new() } else { format!("{name}: ") };
                (Tiding::Unread, format!("{whose}{}. The file is left as it is", why.trim_end_matches('.')))
            }
        };
        let Ok(project) = self.project_mut(id) else { return };
        if project.files.look.is_news(path, &tiding.1) {
            project.files.look.tidings.add(tiding.0, tiding.1, None);
        }
    }

    fn tell_draft(&mut self, at: &TaskPlace, wanted: Option<Status>) {
        let Ok(slug) = self.project(&at.project).and_then(|project| Ok(project.task(at.task)?.slug.clone())) else {
            return;
        };
        let name = format!("{}:{slug}.md", at.task);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != Status::Draft)
            && let Err(why) = self.take_status(at, wanted)
        {
            self.tiding(at, Tiding::New, format!("{name} is a new draft"));
            return self.tiding(at, Tiding::Refused, format!("{name}: {why}"));
        }
        let drafted = self.project(&at.project).and_then(|project| Ok(project.task(at.task)?.state == State::Draft));
        let text =
            if drafted.unwrap_or(true) { "is a new draft; S starts it" } else { "is a new task; it was started" };
        self.tiding(at, Tiding::New, format!("{name} {text}"));
    }
}

impl Project {
    /// Makes a draft of a file that somebody wrote.
    fn adopt_file(&mut self, path: &Path, present: &[PathBuf]) -> Result<Made, Failure> {
        let (id, slug) = match Name::of(path) {
            None => return Ok(Made::Gone),
            Some(Name::Bad(error)) => return Err(bad_file(&error)),
            Some(Name::Task(id, slug)) => (Some(id), slug),
            Some(Name::Slug(slug)) => (None, slug),
        };
        self.check_free((path, present), id, &slug).map_err(|error| bad_file(&error))?;
        let files = self.task_folder();
        let read = files.read_as(path, (id.unwrap_or(TaskId(0)), slug.clone()));
        let file = match read {
            Err(TaskFileError::File(error)) if error.is_missing() => return Ok(Made::Gone),
            read => read.map_err(|error| bad_file(&error))?,
        };
        if file.is_blank() {
            return Ok(Made::Nothing("is empty: it becomes a draft once it says what to do"));
        }
        if file.header.merged.is_some() || file.header.archived.is_some() {
            return Ok(Made::Nothing("says that its task is over: it is left alone"));
        }
        let header = file.header.clone();
        let new = NewTask {
            slug: None,
            description: file.description().to_owned(),
            base: header.base_branch,
            flow: header.flow,
            agent: header.agent,
            auto: header.auto.unwrap_or(false),
            parent: header.parent.map(|word| self.meant(&word)).transpose()?,
            after: header.after.iter().map(|word| self.meant(word)).collect::<Result<_, _>>()?,
            ..NewTask::default()
        };
        let mut task = self.draft(slug, new)?;
        if !self.files.folder.gitignore().exists() {
            init::prepare_tasks(&self.files.folder).map_err(Failure::internal)?;
        }
        (task.title, task.model) = (file.title().to_owned(), header.model);
        let path = match id {
            Some(id) => {
                self.claim(path, id)?;
                self.number(&mut task, id);
                path.to_owned()
            }
            None => self.give_number(&mut task, path, &file.text)?,
        };
        let id = task.id;
        self.db.set_task_text(id, &path, &file.text).map_err(Failure::internal)?;
        self.commit(task, &[], None, now())?;
        Ok(Made::Draft(id, header.status))
    }

    /// Neither the number nor the slug belongs to another task, or to another new file.
    fn check_free(
        &self,
        (path, present): (&Path, &[PathBuf]),
        id: Option<TaskId>,
        slug: &Slug,
    ) -> Result<(), TaskFileError> {
        let path = path.to_owned();
        if let Some((id, task)) = id.and_then(|id| Some((id, self.book.tasks.get(&id)?))) {
            let [other, _] = self.task_folder().spellings(id, &task.slug);
            return Err(TaskFileError::Duplicate { path, id, other });
        }
        if let Some(id) = id.filter(|id| id.0 > MAX_CHOSEN_ID) {
            return Err(TaskFileError::LargeId { path, id });
        }
        if let Some(task) = self.tasks().find(|task| task.slug == *slug) {
            return Err(TaskFileError::DuplicateSlug { path, other: format!("task {}", task.id) });
        }
        for other in present.iter().filter(|other| **other != path && self.owner(other).is_none()) {
            let other = other.clone();
            let (its_id, its_slug) = match Name::of(&other) {
                Some(Name::Task(id, slug)) => (Some(id), slug),
                Some(Name::Slug(slug)) => (None, slug),
                _ => continue,
            };
            if let Some(id) = id.filter(|id| Some(*id) == its_id) {
                return Err(TaskFileError::Duplicate { path, id, other });
            }
            if its_slug == *slug {
                return Err(TaskFileError::DuplicateSlug { path, other: other.display().to_string() });
            }
        }
        Ok(())
    }

    /// Takes the number of a file's name. One that was taken for this very file, by an engine that ended then, is as good.
    fn claim(&mut self, path: &Path, id: TaskId) -> Result<(), Failure> {
        self.check_trash(path)?;
        let known = self.task_text(id)?.is_some_and(|known| known.path == path);
        if known || self.db.claim_task_id(id).map_err(Failure::internal)? {
            return Ok(());
        }
        Err(bad_file(&TaskFileError::SpentId { path: path.to_owned(), id }))
    }

    /// The next number for a file that has none, which gets its name by it.
    fn give_number(&mut self, task: &mut Task, path: &Path, text: &str) -> Result<PathBuf, Failure> {
        self.check_trash(path)?;
        let id = self.db.next_task_id().map_err(Failure::internal)?;
        self.number(task, id);
        let files = self.task_folder();
        let [colon, dash] = files.spellings(id, &task.slug);
        self.db.set_task_text(id, &colon, text).map_err(Failure::internal)?;
        match files.rename(path, &colon) {
            Ok(()) => Ok(colon),
            Err(_) => files.rename(path, &dash).map(|()| dash).map_err(Failure::internal),
        }
    }

    /// The slug of a deleted task stays its own as long as that can be restored.
    fn check_trash(&self, path: &Path) -> Result<(), Failure> {
        let Some(Name::Task(_, slug) | Name::Slug(slug)) = Name::of(path) else { return Ok(()) };
        let taken = self.db.slugs().map_err(Failure::internal)?.iter().any(|taken| taken == slug.as_str());
        if !taken {
            return Ok(());
        }
        Err(bad_file(&TaskFileError::DuplicateSlug { path: path.to_owned(), other: "a deleted task".to_owned() }))
    }
}

fn bad_file(error: &TaskFileError) -> Failure {
    Failure::new(FailureKind::Usage, error.to_string())
}
