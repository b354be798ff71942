//! What belongs to tasks: the tasks themselves, their numbers, texts, artifacts and worktrees, and the trash.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{Database, DatabaseError, EffectId, finish, json, timestamp, to_json};
use crate::model::{Slug, Task, TaskId};

/// All tasks, by id; a row that cannot be read does not hide the others.
#[derive(Debug, Default)]
pub struct Tasks {
    pub tasks: Vec<Task>,
    /// Number, and why it cannot be read.
    pub unreadable: Vec<(TaskId, DatabaseError)>,
}

/// The last good text of a task file: what it is written again from, and what an edit is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskText {
    pub path: PathBuf,
    pub text: String,
}

/// The text that a stage produced in one iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub stage: String,
    /// From 1, per stage.
    pub iteration: u32,
    pub name: String,
    pub text: String,
}

/// A worktree that Orchestra made: only these are ever removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    pub path: PathBuf,
    /// None: of the project (integration, the pool).
    pub task: Option<TaskId>,
    pub branch: String,
    /// The branch was made by Orchestra too.
    pub owns_branch: bool,
    pub created_at: Timestamp,
}

/// A deleted task.
#[derive(Debug, Clone, PartialEq)]
pub struct TrashEntry {
    pub id: i64,
    pub task: Task,
    /// `refs/orchestra/trash/...`: commits and files.
    pub reference: String,
    pub at: Timestamp,
}

impl Database {
    /// The next number of a task; never given again, also when no task is made of it.
    pub fn next_task_id(&mut self) -> Result<TaskId, DatabaseError> {
        self.write(|transaction| {
            transaction.query_row("INSERT INTO ids DEFAULT VALUES RETURNING id", [], |row| row.get(0)).map(TaskId)
        })
    }

    /// Takes a number that a person chose (in a file's name); `false`: it has been given before.
    pub fn claim_task_id(&mut self, id: TaskId) -> Result<bool, DatabaseError> {
        self.execute("INSERT OR IGNORE INTO ids (id) VALUES (?1)", [id.0]).map(|rows| rows > 0)
    }

    pub fn tasks(&self) -> Result<Tasks, DatabaseError> {
        let rows: Vec<(u32, String)> =
            self.rows("SELECT id, json FROM tasks ORDER BY id", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut tasks = Tasks::default();
        for (id, json) in rows {
            match self.task_of(id, &json) {
                Ok(task) => tasks.tasks.push(task),
                Err(error) => tasks.unreadable.push((TaskId(id), error)),
            }
        }
        Ok(tasks)
    }

    pub fn task(&self, id: TaskId) -> Result<Option<Task>, DatabaseError> {
        let json = self.row("SELECT json FROM tasks WHERE id = ?1", [id.0], |row| row.get::<_, String>(0))?;
        json.map(|json| self.task_of(id.0, &json)).transpose()
    }

    /// Slugs that a new task cannot have: those of tasks and of the trash.
    pub fn slugs(&self) -> Result<Vec<String>, DatabaseError> {
        self.rows("SELECT slug FROM tasks UNION SELECT slug FROM trash ORDER BY 1", [], |row| row.get(0))
    }

    pub fn set_task_text(&mut self, task: TaskId, path: &Path, text: &str) -> Result<(), DatabaseError> {
        self.execute(
            "INSERT OR REPLACE INTO task_files (task, path, text) VALUES (?1, ?2, ?3)",
            params![task.0, path.as_os_str().as_bytes(), text],
        )
        .map(drop)
    }

    pub fn task_text(&self, task: TaskId) -> Result<Option<TaskText>, DatabaseError> {
        self.row("SELECT path, text FROM task_files WHERE task = ?1", [task.0], |row| {
            Ok(TaskText { path: path(row, 0)?, text: row.get(1)? })
        })
    }

    /// Keeps what a stage produced; the same iteration again replaces it.
    pub fn put_artifact(&mut self, task: TaskId, artifact: &Artifact) -> Result<(), DatabaseError> {
        let Artifact { stage, iteration, name, text } = artifact;
        self.execute(
            "INSERT OR REPLACE INTO artifacts (task, stage, iteration, name, text) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![task.0, stage, iteration, name, text],
        )
        .map(drop)
    }

    /// All artifacts of a task, in the order they were produced.
    pub fn artifacts(&self, task: TaskId) -> Result<Vec<Artifact>, DatabaseError> {
        self.rows(
            "SELECT stage, iteration, name, text FROM artifacts WHERE task = ?1 ORDER BY rowid",
            [task.0],
            |row| Ok(Artifact { stage: row.get(0)?, iteration: row.get(1)?, name: row.get(2)?, text: row.get(3)? }),
        )
    }

    /// Written before the worktree is made, so that a crash leaves nothing that nobody owns.
    pub fn record_worktree(&mut self, worktree: &Worktree) -> Result<(), DatabaseError> {
        let Worktree { path, task, branch, owns_branch, created_at } = worktree;
        self.execute(
            "INSERT OR REPLACE INTO worktrees (path, task, branch, owns_branch, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![path.as_os_str().as_bytes(), task.map(|t| t.0), branch, owns_branch, created_at.to_string()],
        )
        .map(drop)
    }

    pub fn worktrees(&self) -> Result<Vec<Worktree>, DatabaseError> {
        self.rows("SELECT path, task, branch, owns_branch, at FROM worktrees ORDER BY path", [], |row| {
            Ok(Worktree {
                path: path(row, 0)?,
                task: row.get::<_, Option<u32>>(1)?.map(TaskId),
                branch: row.get(2)?,
                owns_branch: row.get(3)?,
                created_at: timestamp(row, 4)?,
            })
        })
    }

    pub fn forget_worktree(&mut self, path: &Path) -> Result<(), DatabaseError> {
        self.execute("DELETE FROM worktrees WHERE path = ?1", [path.as_os_str().as_bytes()]).map(drop)
    }

    /// Moves a task to the trash and drops the finished effect. Artifacts, texts and messages stay for a restore; the task's other
    /// effects go.
    pub fn trash_task(
        &mut self,
        task: &Task,
        reference: &str,
        at: Timestamp,
        finished: Option<EffectId>,
    ) -> Result<(), DatabaseError> {
        let json = to_json(task);
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO trash (slug, reference, json, at) VALUES (?1, ?2, ?3, ?4)",
                params![task.slug.as_str(), reference, json, at.to_string()],
            )?;
            transaction.execute("DELETE FROM tasks WHERE id = ?1", [task.id.0])?;
            transaction.execute("DELETE FROM effects WHERE task = ?1", [task.id.0])?;
            finish(transaction, finished)
        })
    }

    /// Deleted tasks, the latest first.
    pub fn trash(&self) -> Result<Vec<TrashEntry>, DatabaseError> {
        self.rows("SELECT id, json, reference, at FROM trash ORDER BY id DESC", [], trash_entry)
    }

    /// Takes an entry out of the trash and writes its task, as the caller gives it (paused).
    pub fn restore_task(&mut self, entry: i64, task: &Task) -> Result<(), DatabaseError> {
        let json = to_json(task);
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO tasks (id, slug, state, json) VALUES (?1, ?2, ?3, ?4)",
                params![task.id.0, task.slug.as_str(), task.state.word(), json],
            )?;
            transaction.execute("DELETE FROM trash WHERE id = ?1", [entry]).map(drop)
        })
    }

    /// Drops an entry for good, with all that was kept of its task.
    pub fn expire_trash(&mut self, entry: &TrashEntry) -> Result<(), DatabaseError> {
        let session = entry.task.session_id();
        self.write(|transaction| {
            let id = entry.task.id.0;
            transaction.execute("DELETE FROM trash WHERE id = ?1", [entry.id])?;
            transaction.execute("DELETE FROM artifacts WHERE task = ?1", [id])?;
            transaction.execute("DELETE FROM task_files WHERE task = ?1", [id])?;
            transaction.execute("DELETE FROM messages WHERE session = ?1", [session.as_str()])?;
            transaction.execute("DELETE FROM unread WHERE session = ?1", [session.as_str()])?;
            transaction.execute("DELETE FROM sessions WHERE session = ?1 AND ended", [session.as_str()]).map(drop)
        })
    }

    fn task_of(&self, id: u32, json: &str) -> Result<Task, DatabaseError> {
        let bad = |reason: String| DatabaseError::Row { path: self.path.clone(), what: format!("task {id}"), reason };
        let task: Task = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
        if task.id.0 != id || task.flow.stages.is_empty() {
            return Err(bad("its parts do not fit one another".to_owned()));
        }
        Ok(task)
    }

    /// The task of a slug.
    pub fn task_id(&self, slug: &Slug) -> Result<Option<TaskId>, DatabaseError> {
        self.row("SELECT id FROM tasks WHERE slug = ?1", [slug.as_str()], |row| row.get(0).map(TaskId))
    }
}

fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    row.get(column).map(OsString::from_vec).map(PathBuf::from)
}

fn trash_entry(row: &Row<'_>) -> rusqlite::Result<TrashEntry> {
    Ok(TrashEntry { id: row.get(0)?, task: json(row, 1)?, reference: row.get(2)?, at: timestamp(row, 3)? })
}
