//! One SQLite database per project: all state that must outlive the engine.
//!
//! Invariants: a task's new state and the effects that follow from it are written in one transaction
//! ([`Database::transition`]), before any of them runs; an effect is pending exactly as long as it has a row; ids of
//! tasks are never given twice; a database of a newer version or a broken one is never written to.
//!
//! `synchronous=FULL`: in WAL mode `NORMAL` may lose the last transactions in a power cut, and an effect that ran while
//! its row is gone would run again or be forgotten. One fsync per transition is the price.

mod comment;
mod open;
mod record;
mod task;
mod upgrade;
mod usage;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use serde::de::DeserializeOwned;

use super::atomic::FileError;
use crate::model::{Task, TaskId};

pub use open::Recovery;
pub use record::{Delivery, MessageId, StoredMessage, StoredSession};
pub use task::{Artifact, TaskText, Tasks, TrashEntry, Worktree};

/// A project's database. One engine has it open at a time (the engine's lock sees to that).
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
    recovery: Option<Recovery>,
}

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("database {}: {source}", path.display())]
    Sql { path: PathBuf, source: rusqlite::Error },
    #[error("database {} is of version {found}, newer than this program's {known}: update Orchestra", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("database {} is broken ({reason}) and has no backup: move it away to start over, the task files stay", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("database {}: {what} cannot be read: {reason}", path.display())]
    Row { path: PathBuf, what: String, reason: String },
    #[error(transparent)]
    File(#[from] FileError),
}

/// The place of an effect in the outbox; also its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub i64);

/// An effect as the engine wrote it; opaque here.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEffect {
    /// What the engine finds it by (a kind, a run id).
    pub key: String,
    pub json: serde_json::Value,
}

/// What a transition answers: it is over in the same transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    pub effect: Option<EffectId>,
    /// The task's open comments: they are sent with it.
    pub comments: bool,
}

impl From<Option<EffectId>> for Answered {
    fn from(effect: Option<EffectId>) -> Self {
        Self { effect, comments: false }
    }
}

/// An effect that has not been finished.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingEffect {
    pub id: EffectId,
    /// None: of the project, not of a task.
    pub task: Option<TaskId>,
    pub effect: StoredEffect,
    pub created_at: Timestamp,
}

impl Database {
    /// Opens the database in `dir`, or makes it; older versions are brought up to date.
    ///
    /// A broken one is kept aside and its last backup takes its place ([`Database::recovery`]); without a backup it is
    /// left alone and refused.
    pub fn open(dir: &Path) -> Result<Self, DatabaseError> {
        open::open(dir)
    }

    /// What was broken when this database was opened.
    pub const fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a sound copy beside the database; [`Database::open`] falls back to it.
    pub fn back_up(&self) -> Result<(), DatabaseError> {
        open::back_up(&self.connection, &self.path)
    }

    /// Writes the task, adds its new effects and drops what it answers, all or nothing. Returns the new effects' ids, in order.
    pub fn transition(
        &mut self,
        task: &Task,
        new_effects: &[StoredEffect],
        answered: impl Into<Answered>,
    ) -> Result<Vec<EffectId>, DatabaseError> {
        let answered = answered.into();
        let json = to_json(task);
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO tasks (id, slug, state, json) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (id) DO UPDATE SET slug = ?2, state = ?3, json = ?4",
                )?
                .execute(params![task.id.0, task.slug.as_str(), task.state.word(), json])?;
            finish(transaction, answered.effect)?;
            if answered.comments {
                comment::send(transaction, task)?;
            }
            insert_effects(transaction, Some(task.id), new_effects, task.updated_at)
        })
    }

    /// Adds effects that belong to no task, and drops the finished one.
    pub fn enqueue(
        &mut self,
        new_effects: &[StoredEffect],
        finished: Option<EffectId>,
        at: Timestamp,
    ) -> Result<Vec<EffectId>, DatabaseError> {
        self.write(|transaction| {
            finish(transaction, finished)?;
            insert_effects(transaction, None, new_effects, at)
        })
    }

    /// Effects that must still be done, oldest first.
    pub fn pending_effects(&self) -> Result<Vec<PendingEffect>, DatabaseError> {
        self.rows("SELECT id, task, key, json, created_at FROM effects ORDER BY id", [], |row| {
            Ok(PendingEffect {
                id: EffectId(row.get(0)?),
                task: row.get::<_, Option<u32>>(1)?.map(TaskId),
                effect: StoredEffect { key: row.get(2)?, json: json(row, 3)? },
                created_at: timestamp(row, 4)?,
            })
        })
    }

    /// Drops a finished effect; `false`: it was gone already.
    pub fn finish_effect(&mut self, id: EffectId) -> Result<bool, DatabaseError> {
        self.execute("DELETE FROM effects WHERE id = ?1", [id.0]).map(|rows| rows > 0)
    }

    /// A value by key: drafts of the screen, tips that were shown.
    pub fn value(&self, key: &str) -> Result<Option<String>, DatabaseError> {
        self.row("SELECT value FROM entries WHERE key = ?1", [key], |row| row.get(0))
    }

    pub fn set_value(&mut self, key: &str, value: &str) -> Result<(), DatabaseError> {
        self.execute("INSERT OR REPLACE INTO entries (key, value) VALUES (?1, ?2)", [key, value]).map(drop)
    }

    pub fn remove_value(&mut self, key: &str) -> Result<(), DatabaseError> {
        self.execute("DELETE FROM entries WHERE key = ?1", [key]).map(drop)
    }

    /// Runs `work` in one transaction.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        let path = &self.path;
        let run = |connection: &mut Connection| {
            // Immediate: a deferred one could fail half-way when another process (a backup, a person's shell) writes.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run(&mut self.connection).map_err(sql_error(path))
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, DatabaseError> {
        let run = || self.connection.prepare_cached(sql)?.execute(params);
        run().map_err(sql_error(&self.path))
    }

    fn row<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, DatabaseError> {
        let run = || self.connection.prepare_cached(sql)?.query_row(params, map).optional();
        run().map_err(sql_error(&self.path))
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, DatabaseError> {
        let run = || self.connection.prepare_cached(sql)?.query_map(params, map)?.collect::<rusqlite::Result<_>>();
        run().map_err(sql_error(&self.path))
    }
}

fn sql_error(path: &Path) -> impl FnOnce(rusqlite::Error) -> DatabaseError {
    move |source| DatabaseError::Sql { path: path.to_owned(), source }
}

fn finish(connection: &Connection, finished: Option<EffectId>) -> rusqlite::Result<()> {
    let Some(id) = finished else { return Ok(()) };
    connection.prepare_cached("DELETE FROM effects WHERE id = ?1")?.execute([id.0]).map(drop)
}

fn insert_effects(
    connection: &Connection,
    task: Option<TaskId>,
    effects: &[StoredEffect],
    at: Timestamp,
) -> rusqlite::Result<Vec<EffectId>> {
    let mut insert =
        connection.prepare_cached("INSERT INTO effects (task, key, json, created_at) VALUES (?1, ?2, ?3, ?4)")?;
    effects
        .iter()
        .map(|StoredEffect { key, json }| {
            insert.insert(params![task.map(|task| task.0), key, json.to_string(), at.to_string()]).map(EffectId)
        })
        .collect()
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("invariant: the model's types have string keys only")
}

fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    parsed(column, row.get::<_, String>(column)?.parse())
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    parsed(column, serde_json::from_str(&row.get::<_, String>(column)?))
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(column: usize, value: Result<T, E>) -> rusqlite::Result<T> {
    value.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

#[cfg(test)]
mod tests;
