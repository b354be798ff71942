//! A project is read from disk: its files, its tasks, and the database behind them.
//!
//! Runs beside the engine's thread and on no state of it. A project whose repository cannot be used is read all the same:
//! its tasks and sessions are in the database.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::create::git_failure;
use super::find::Found;
use super::ground::now;
use super::project::{Book, Files, Project, Shown, Waiting};
use super::settings::Settings;
use super::talk;
use super::tidings::Look;
use crate::git::{Git, Head, Repo, worktree};
use crate::model::{Comment, Config, Failure, NoticeKind, ProjectId, TaskId, WorktreeRoot};
use crate::store::database::Worktree;
use crate::store::trust::Trust;
use crate::store::{Database, Folder, Home, projects};

/// What is to be said to the person once it is open.
pub(super) type Said = (NoticeKind, String);

/// A project as it was read.
pub(super) struct Loaded {
    pub project: Project,
    /// The checkout that was asked for, if one was.
    pub checkout: Option<PathBuf>,
    pub said: Vec<Said>,
}

/// Reads a project; `found` says why where there is no repository.
pub(super) fn load(home: &Home, entry: &projects::Project, found: Result<Found, Failure>) -> Result<Loaded, Failure> {
    let mut said = Vec::new();
    let mut db = Database::open(&home.state(&entry.id)).map_err(Failure::internal)?;
    if let Some(recovery) = db.recovery() {
        said.push((
            NoticeKind::Error,
            format!("the database was broken ({}); its last backup is in use", recovery.reason),
        ));
    }
    let (repo, checkout, trouble) = match found {
        Ok(found) => (found.repo, Some(found.checkout), None),
        Err(failure) => {
            let git = Git::from_env().map_err(|error| git_failure(&error))?;
            (Repo::absent(&git, &entry.root, &entry.common_dir), None, Some(with_way_out(failure, &entry.name())))
        }
    };
    let folder = Folder::of(repo.root());
    folder.sweep();
    if let Some(notice) = folder.notice() {
        said.push((NoticeKind::News, notice));
    }
    let settings = Settings::read(home, &folder, None);
    said.extend(settings.faults.iter().map(|fault| (NoticeKind::Error, fault.clone())));
    let loaded = db.tasks().map_err(Failure::internal)?;
    for (task, error) in loaded.unreadable {
        said.push((NoticeKind::Error, format!("task {task} cannot be read: {error}")));
    }
    let tasks: BTreeMap<_, _> = loaded.tasks.into_iter().map(|task| (task.id, Arc::new(task))).collect();
    let unread = db.unread().map_err(Failure::internal)?;
    let worktrees = worktree_root(&home.worktrees(&entry.id), &folder, &settings.config, &entry.id);
    let book = Book { tasks, unread, unheard: talk::unheard(&db)?, comments: open_comments(&db)?, ..Book::default() };
    if trouble.is_none() {
        let moved = settle_in(&mut db, &book, &repo, (&folder, &worktrees));
        said.extend(moved.err().map(|failure| (NoticeKind::Error, failure.to_string())));
    }
    let branch = if trouble.is_none() { head_branch(&repo)? } else { None };
    let project = Project {
        name: repo.name(),
        files: Files {
            initialized: folder.is_initialized(),
            worktrees,
            trust: Trust::of(home),
            watch: None,
            designer_spec: None,
            troubles: Vec::new(),
            missed: false,
            unwritten: BTreeMap::new(),
            look: Look::default(),
            folder,
        },
        id: entry.id.clone(),
        waiting: Waiting::default(),
        shown: Shown::default(),
        book,
        settings,
        repo,
        db,
        branch,
        trouble,
    };
    Ok(Loaded { project, checkout, said })
}

fn open_comments(db: &Database) -> Result<HashMap<TaskId, Vec<Comment>>, Failure> {
    let mut comments: HashMap<TaskId, Vec<Comment>> = HashMap::new();
    for (task, comment) in db.open_comments().map_err(Failure::internal)? {
        comments.entry(task).or_default().push(comment);
    }
    Ok(comments)
}

/// The branch that is checked out; none when detached.
pub(super) fn head_branch(repo: &Repo) -> Result<Option<String>, Failure> {
    match repo.head().map_err(|error| git_failure(&error))? {
        Head::Branch(branch) => Ok(Some(branch)),
        Head::Detached(_) => Ok(None),
    }
}

/// A repository that was moved takes its task files and worktrees along: where they are is on record with whole paths.
pub(super) fn settle_in(
    db: &mut Database,
    book: &Book,
    repo: &Repo,
    (folder, worktrees): (&Folder, &Path),
) -> Result<(), Failure> {
    let mut checkouts = Vec::new();
    let records = db.worktrees().map_err(Failure::internal)?;
    for task in book.tasks.values() {
        if let Some(text) = db.task_text(task.id).map_err(Failure::internal)?
            && let (Some(name), false) = (text.path.file_name(), text.path.exists())
        {
            let path = folder.tasks().join(name);
            db.set_task_text(task.id, &path, &text.text).map_err(Failure::internal)?;
        }
        let path = worktrees.join(task.slug.as_str());
        if !path.join(".git").exists() {
            continue;
        }
        let elsewhere =
            |record: &&Worktree| record.task == Some(task.id) && record.path != path && !record.path.exists();
        if let Some(record) = records.iter().find(elsewhere) {
            db.record_worktree(&Worktree { path: path.clone(), created_at: now(), ..record.clone() })
                .and_then(|()| db.forget_worktree(&record.path))
                .map_err(Failure::internal)?;
        }
        checkouts.push(path);
    }
    worktree::repair(repo, &checkouts).map_err(|error| git_failure(&error))
}

pub(super) fn worktree_root(home: &Path, folder: &Folder, config: &Config, id: &ProjectId) -> PathBuf {
    match &config.worktrees.root {
        WorktreeRoot::Home => home.to_owned(),
        WorktreeRoot::Project => folder.dir().join(".worktrees"),
        WorktreeRoot::Path(path) => path.join(id.as_str()),
    }
}

/// A failure to reach a repository, with the way to be rid of it.
fn with_way_out(failure: Failure, name: &str) -> Failure {
    if failure.hint.as_ref().is_some_and(|hint| hint.contains("projects forget")) {
        return failure;
    }
    let forget = format!("To drop the project: orchestra projects forget {name}");
    let hint = failure.hint.as_ref().map_or_else(|| forget.clone(), |hint| format!("{hint}. {forget}"));
    failure.hint(hint)
}
