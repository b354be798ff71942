//! Sessions, messages, notices, and what has been seen.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::{Database, DatabaseError, json, timestamp, to_json};
use crate::model::{
    ExitStatus, Launch, Notice, NoticeKind, PermissionMode, ProjectId, RunId, SessionId, SessionKind, TaskId,
};

/// A process in a PTY, as it was started: enough to adopt it, or to start it again through its own conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSession {
    pub run: RunId,
    pub session: SessionId,
    pub kind: SessionKind,
    pub task: Option<TaskId>,
    /// Agent or program name.
    pub name: String,
    /// The session's folder in `run/`.
    pub dir: PathBuf,
    pub argv: Vec<OsString>,
    /// Names only: values may be secrets.
    pub env_names: Vec<OsString>,
    pub cwd: PathBuf,
    /// The agent's own conversation id.
    pub conversation: Option<String>,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// None after the end: the exit was never seen.
    pub exit: Option<ExitStatus>,
    /// Which start of the machine it ran under; none: nobody could tell.
    #[serde(default)]
    pub boot: Option<String>,
    /// It was to go on with `conversation`, not to begin it.
    #[serde(default)]
    pub resumed: bool,
    /// What an agent was allowed to do unasked.
    #[serde(default)]
    pub permissions: Option<PermissionMode>,
}

/// An agent that was to go on with a conversation and ends this early, in seconds, could not.
const RESUME_SECONDS: i64 = 15;

impl StoredSession {
    /// Takes from a launch what may be kept.
    #[must_use]
    pub fn launched_as(self, launch: &Launch) -> Self {
        let env_names = launch.env.iter().map(|(name, _)| name.clone()).collect();
        Self { argv: launch.argv.clone(), env_names, cwd: launch.cwd.clone(), ..self }
    }

    /// It could not go on with its conversation: it gave up at once.
    pub fn failed_to_resume(&self) -> bool {
        let early = self.ended_at.is_some_and(|end| end.as_second() - self.created_at.as_second() < RESUME_SECONDS);
        self.resumed && early && self.exit.is_some_and(|exit| !exit.success())
    }

    /// It has not ended by itself or by a person: the machine or its shim went down, or it never came to go on.
    pub fn was_interrupted(&self) -> bool {
        self.ended_at.is_some() && (self.exit.is_none() || self.failed_to_resume())
    }
}

/// The place of a message in the project's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub i64);

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Waits until the receiver rests.
    Queued,
    Delivered,
    /// The shim died while it typed: never repeated.
    Unknown,
}

/// A message to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    pub id: MessageId,
    pub session: SessionId,
    /// None: from the person.
    pub sender: Option<SessionId>,
    pub text: String,
    pub delivery: Delivery,
    pub at: Timestamp,
}

/// Notices that are kept.
const MAX_NOTICES: i64 = 1000;

impl Delivery {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Unknown => "unknown",
        }
    }
}

impl Database {
    /// Writes a session, new or changed.
    pub fn put_session(&mut self, session: &StoredSession) -> Result<(), DatabaseError> {
        self.execute(
            "INSERT INTO sessions (run, session, ended, json) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (run) DO UPDATE SET session = ?2, ended = ?3, json = ?4",
            params![session.run.as_str(), session.session.as_str(), session.ended_at.is_some(), to_json(session)],
        )
        .map(drop)
    }

    /// Sessions whose end has not been seen.
    pub fn live_sessions(&self) -> Result<Vec<StoredSession>, DatabaseError> {
        self.rows("SELECT json FROM sessions WHERE NOT ended ORDER BY rowid", [], |row| json(row, 0))
    }

    /// The session of one run, alive or ended.
    pub fn session(&self, run: &RunId) -> Result<Option<StoredSession>, DatabaseError> {
        self.row("SELECT json FROM sessions WHERE run = ?1", [run.as_str()], |row| json(row, 0))
    }

    /// The latest run of a session.
    pub fn last_session(&self, session: &SessionId) -> Result<Option<StoredSession>, DatabaseError> {
        let sql = "SELECT json FROM sessions WHERE session = ?1 ORDER BY rowid DESC LIMIT 1";
        self.row(sql, [session.as_str()], |row| json(row, 0))
    }

    /// The latest run of a session that had this conversation: how that was launched.
    pub fn session_with(
        &self,
        session: &SessionId,
        conversation: &str,
    ) -> Result<Option<StoredSession>, DatabaseError> {
        let sql = "SELECT json FROM sessions WHERE session = ?1 AND json_extract(json, '$.conversation') = ?2
                   ORDER BY rowid DESC LIMIT 1";
        self.row(sql, [session.as_str(), conversation], |row| json(row, 0))
    }

    pub fn queue_message(
        &mut self,
        session: &SessionId,
        sender: Option<&SessionId>,
        text: &str,
        at: Timestamp,
    ) -> Result<MessageId, DatabaseError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO messages (session, sender, text, state, at) VALUES (?1, ?2, ?3, 'queued', ?4)",
                )?
                .insert(params![session.as_str(), sender.map(SessionId::as_str), text, at.to_string()])
                .map(MessageId)
        })
    }

    /// Says how a queued message ended; `false`: it was not queued any more.
    pub fn settle_message(&mut self, id: MessageId, delivery: Delivery) -> Result<bool, DatabaseError> {
        let sql = "UPDATE messages SET state = ?2 WHERE id = ?1 AND state = 'queued'";
        self.execute(sql, params![id.0, delivery.word()]).map(|rows| rows > 0)
    }

    /// Messages that wait, of all sessions, oldest first.
    pub fn queued_messages(&self) -> Result<Vec<StoredMessage>, DatabaseError> {
        let sql = "SELECT id, session, sender, text, state, at FROM messages WHERE state = 'queued' ORDER BY id";
        self.rows(sql, [], message)
    }

    /// The last `limit` messages to and from a session, oldest first.
    pub fn messages(&self, session: &SessionId, limit: u32) -> Result<Vec<StoredMessage>, DatabaseError> {
        let sql = "SELECT * FROM (SELECT id, session, sender, text, state, at FROM messages
                   WHERE session = ?1 OR sender = ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id";
        self.rows(sql, params![session.as_str(), limit], message)
    }

    /// The last `limit` messages of all sessions, oldest first.
    pub fn all_messages(&self, limit: u32) -> Result<Vec<StoredMessage>, DatabaseError> {
        let sql = "SELECT * FROM (SELECT id, session, sender, text, state, at FROM messages
                   ORDER BY id DESC LIMIT ?1) ORDER BY id";
        self.rows(sql, [limit], message)
    }

    /// How many messages two sessions sent each other after one.
    pub fn messages_between(&self, one: &SessionId, other: &SessionId, since: MessageId) -> Result<u32, DatabaseError> {
        let sql = "SELECT count(*) FROM messages
                   WHERE id > ?3 AND ((session = ?1 AND sender = ?2) OR (session = ?2 AND sender = ?1))";
        let count = self.row(sql, params![one.as_str(), other.as_str(), since.0], |row| row.get(0))?;
        Ok(count.unwrap_or(0))
    }

    /// The last message that there is, of any session; 0: there is none.
    pub fn last_message(&self) -> Result<MessageId, DatabaseError> {
        let id = self.row("SELECT coalesce(max(id), 0) FROM messages", [], |row| row.get(0))?;
        Ok(MessageId(id.unwrap_or(0)))
    }

    /// Keeps a notice; returns its number, which stands for `notice.seq`.
    pub fn add_notice(&mut self, notice: &Notice) -> Result<u64, DatabaseError> {
        let (project, session) = notice.about.as_ref().map(|(p, s)| (p.as_str(), s.as_str())).unzip();
        self.write(|transaction| {
            let seq = transaction
                .prepare_cached(
                    "INSERT INTO notices (kind, text, project, session, at, bell) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .insert(params![
                    kind_word(notice.kind),
                    notice.text,
                    project,
                    session,
                    notice.at.to_string(),
                    notice.bell
                ])?;
            transaction.prepare_cached("DELETE FROM notices WHERE seq <= ?1")?.execute([seq - MAX_NOTICES])?;
            Ok(seq.cast_unsigned())
        })
    }

    /// The notices that are kept, oldest first, each with whether a person has read it.
    pub fn notices(&self) -> Result<Vec<(Notice, bool)>, DatabaseError> {
        self.rows("SELECT seq, kind, text, project, session, at, bell, read FROM notices ORDER BY seq", [], |row| {
            let about = row.get::<_, Option<String>>(3)?.zip(row.get::<_, Option<String>>(4)?);
            let kind = if row.get::<_, String>(1)? == kind_word(NoticeKind::Error) {
                NoticeKind::Error
            } else {
                NoticeKind::News
            };
            let notice = Notice {
                seq: row.get::<_, i64>(0)?.cast_unsigned(),
                kind,
                text: row.get(2)?,
                about: about.map(|(project, session)| (ProjectId(project), SessionId(session))),
                at: timestamp(row, 5)?,
                bell: row.get(6)?,
            };
            Ok((notice, row.get(7)?))
        })
    }

    /// Marks all notices up to this number as read.
    pub fn read_notices(&mut self, up_to: u64) -> Result<(), DatabaseError> {
        self.execute("UPDATE notices SET read = 1 WHERE seq <= ?1", [up_to.cast_signed()]).map(drop)
    }

    pub fn mark_unread(&mut self, session: &SessionId) -> Result<(), DatabaseError> {
        self.execute("INSERT OR IGNORE INTO unread (session) VALUES (?1)", [session.as_str()]).map(drop)
    }

    pub fn mark_seen(&mut self, session: &SessionId) -> Result<(), DatabaseError> {
        self.execute("DELETE FROM unread WHERE session = ?1", [session.as_str()]).map(drop)
    }

    /// Sessions with a finished turn that nobody has looked at.
    pub fn unread(&self) -> Result<BTreeSet<SessionId>, DatabaseError> {
        let sessions = self.rows("SELECT session FROM unread", [], |row| row.get(0).map(SessionId))?;
        Ok(sessions.into_iter().collect())
    }
}

const fn kind_word(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::News => "news",
        NoticeKind::Error => "error",
    }
}

fn message(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    let state: String = row.get(4)?;
    let delivery = [Delivery::Queued, Delivery::Delivered, Delivery::Unknown]
        .into_iter()
        .find(|delivery| delivery.word() == state)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, state.into()))?;
    Ok(StoredMessage {
        id: MessageId(row.get(0)?),
        session: SessionId(row.get(1)?),
        sender: row.get::<_, Option<String>>(2)?.map(SessionId),
        text: row.get(3)?,
        delivery,
        at: timestamp(row, 5)?,
    })
}
