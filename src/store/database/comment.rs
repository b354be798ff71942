//! Comments on lines of diffs.

use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::{Database, DatabaseError, parsed, timestamp};
use crate::model::{Comment, NewComment, Side, Task, TaskId};

const COLUMNS: &str = "id, path, side, line, quote, text, at, sent_at, task";

impl Database {
    /// Keeps a comment whose quote is known.
    pub fn add_comment(&mut self, task: TaskId, new: &NewComment, at: Timestamp) -> Result<Comment, DatabaseError> {
        let NewComment { path, side, line, text, quote } = new;
        let quote = quote.clone().unwrap_or_default();
        let sql = "INSERT INTO comments (task, path, side, line, quote, text, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let id = self.write(|transaction| {
            transaction.execute(sql, params![task.0, path, word(*side), line, quote, text, at.to_string()])?;
            Ok(transaction.last_insert_rowid())
        })?;
        let (path, text) = (path.clone(), text.clone());
        Ok(Comment { id, path, side: *side, line: *line, quote, text, at, sent_at: None })
    }

    /// Takes back an open comment; `false`: there is no such one.
    pub fn drop_comment(&mut self, task: TaskId, id: i64) -> Result<bool, DatabaseError> {
        let sql = "DELETE FROM comments WHERE id = ?1 AND task = ?2 AND sent_at IS NULL";
        self.execute(sql, params![id, task.0]).map(|rows| rows > 0)
    }

    /// All of a task, oldest first.
    pub fn comments(&self, task: TaskId) -> Result<Vec<Comment>, DatabaseError> {
        self.rows(&format!("SELECT {COLUMNS} FROM comments WHERE task = ?1 ORDER BY id"), [task.0], comment)
    }

    /// The open ones of all tasks, oldest first.
    pub fn open_comments(&self) -> Result<Vec<(TaskId, Comment)>, DatabaseError> {
        let sql = format!("SELECT {COLUMNS} FROM comments WHERE sent_at IS NULL ORDER BY id");
        self.rows(&sql, [], |row| Ok((TaskId(row.get(8)?), comment(row)?)))
    }
}

/// The open comments of a task have been sent.
pub(super) fn send(transaction: &Transaction<'_>, task: &Task) -> rusqlite::Result<()> {
    let sql = "UPDATE comments SET sent_at = ?2 WHERE task = ?1 AND sent_at IS NULL";
    transaction.execute(sql, params![task.id.0, task.updated_at.to_string()]).map(drop)
}

fn comment(row: &Row<'_>) -> rusqlite::Result<Comment> {
    let sent_at: Option<String> = row.get(7)?;
    Ok(Comment {
        id: row.get(0)?,
        path: row.get(1)?,
        side: if row.get::<_, String>(2)? == word(Side::Old) { Side::Old } else { Side::New },
        line: row.get(3)?,
        quote: row.get(4)?,
        text: row.get(5)?,
        at: timestamp(row, 6)?,
        sent_at: sent_at.map(|text| parsed(7, text.parse())).transpose()?,
    })
}

const fn word(side: Side) -> &'static str {
    match side {
        Side::Old => "old",
        Side::New => "new",
    }
}
