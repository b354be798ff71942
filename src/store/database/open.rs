//! Opening: permissions, versions, and what to do with a broken file.
//!
//! Invariant: at its own name the file is always a whole database. A new one is made under another name first, so an empty
//! file at that name is damage, never a start.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::super::atomic::{FileError, create_private_dir, sync_folder};
use super::{Database, DatabaseError, sql_error, upgrade};

/// A database that was broken and has been replaced by its last backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The broken file; none when it was simply gone.
    pub kept: Option<PathBuf>,
    pub reason: String,
}

/// `orch` in ASCII: tells our files from other SQLite databases.
const APPLICATION_ID: u32 = 0x6f72_6368;

/// A step to the next version.
enum Migration {
    Sql(&'static str),
    /// Changes the JSON of every task.
    Tasks(fn(&mut serde_json::Map<String, serde_json::Value>)),
}

/// Each brings the database one version up; the version is their number. Never change one that has been released.
const MIGRATIONS: [Migration; 4] = [
    Migration::Sql(TABLES),
    Migration::Tasks(upgrade::give_stages_their_work),
    Migration::Sql(COMMENTS),
    Migration::Sql(USAGE),
];

const TABLES: &str = "
    CREATE TABLE ids (id INTEGER PRIMARY KEY AUTOINCREMENT);
    CREATE TABLE tasks (
        id INTEGER PRIMARY KEY REFERENCES ids (id), slug TEXT NOT NULL UNIQUE, state TEXT NOT NULL, json TEXT NOT NULL);
    CREATE TABLE effects (
        id INTEGER PRIMARY KEY AUTOINCREMENT, task INTEGER, key TEXT NOT NULL, json TEXT NOT NULL,
        created_at TEXT NOT NULL);
    CREATE TABLE sessions (
        run TEXT PRIMARY KEY, session TEXT NOT NULL, ended INTEGER NOT NULL, json TEXT NOT NULL);
    CREATE INDEX sessions_alive ON sessions (ended, session);
    CREATE TABLE artifacts (
        task INTEGER NOT NULL, stage TEXT NOT NULL, iteration INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (task, stage, iteration));
    CREATE TABLE task_files (task INTEGER PRIMARY KEY, path BLOB NOT NULL, text TEXT NOT NULL);
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, sender TEXT, text TEXT NOT NULL,
        state TEXT NOT NULL, at TEXT NOT NULL);
    CREATE INDEX messages_of ON messages (session, id);
    CREATE TABLE notices (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, text TEXT NOT NULL, project TEXT, session TEXT,
        at TEXT NOT NULL, bell INTEGER NOT NULL, read INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE worktrees (
        path BLOB PRIMARY KEY, task INTEGER, branch TEXT NOT NULL, owns_branch INTEGER NOT NULL, at TEXT NOT NULL);
    CREATE TABLE trash (
        id INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT NOT NULL, reference TEXT NOT NULL, json TEXT NOT NULL,
        at TEXT NOT NULL);
    CREATE TABLE unread (session TEXT PRIMARY KEY);
    CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL);
";

const COMMENTS: &str = "
    CREATE TABLE comments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, task INTEGER NOT NULL, path TEXT NOT NULL, side TEXT NOT NULL,
        line INTEGER NOT NULL, quote TEXT NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL, sent_at TEXT);
    CREATE INDEX comments_of ON comments (task, id);
";

const USAGE: &str = "
    CREATE TABLE usage (
        id TEXT PRIMARY KEY, task INTEGER, session TEXT NOT NULL, agent TEXT NOT NULL, stage TEXT NOT NULL,
        input INTEGER NOT NULL, cached INTEGER NOT NULL, output INTEGER NOT NULL, cost INTEGER NOT NULL,
        at TEXT NOT NULL);
    CREATE INDEX usage_of ON usage (task);
";

const LATEST: u32 = MIGRATIONS.len() as u32;

pub(super) fn open(dir: &Path) -> Result<Database, DatabaseError> {
    create_private_dir(dir)?;
    let path = dir.join("orchestra.db");
    if !path.exists() {
        // A log without its database would be replayed into a new one.
        set_aside(&path)?;
        let recovery = restore(&path, "it was gone")?;
        if recovery.is_none() {
            create(&path)?;
        }
        return connect(&path).map(|connection| Database { connection, path, recovery });
    }
    match connect(&path) {
        Ok(connection) => Ok(Database { connection, path, recovery: None }),
        Err(DatabaseError::Broken { reason, .. }) => match restore(&path, &reason)? {
            Some(recovery) => connect(&path).map(|connection| Database { connection, path, recovery: Some(recovery) }),
            None => Err(DatabaseError::Broken { path, reason }),
        },
        Err(error) => Err(error),
    }
}

/// A sound copy in `orchestra.db.backup`.
pub(super) fn back_up(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let staged = beside(path, ".backup.new");
    create_empty(&staged)?;
    let name = staged.to_string_lossy();
    connection.execute("VACUUM INTO ?1", [name.as_ref()]).map_err(sql_error(path))?;
    publish(&staged, &beside(path, ".backup"))
}

fn create(path: &Path) -> Result<(), DatabaseError> {
    let staged = beside(path, ".new");
    create_empty(&staged)?;
    let mut connection = Connection::open(&staged).map_err(sql_error(path))?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql_error(path))?;
    migrate(&mut connection, 0).map_err(sql_error(path))?;
    connection.close().map_err(|(_, source)| DatabaseError::Sql { path: path.to_owned(), source })?;
    publish(&staged, path)
}

/// Opens a database that exists, checks it, and brings it up to date.
fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    let broken = |reason: &str| DatabaseError::Broken { path: path.to_owned(), reason: reason.to_owned() };
    let judge = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => broken(&error.to_string()),
        _ => sql_error(path)(error),
    };
    let metadata = path.symlink_metadata().map_err(FileError::io("inspect", path))?;
    super::super::atomic::check_regular(path, &metadata)?;
    if metadata.len() == 0 {
        return Err(broken("it is empty"));
    }
    let mut connection = Connection::open(path).map_err(judge)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(judge)?;
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
    let version = number("user_version").map_err(judge)?;
    if number("application_id").map_err(judge)? != APPLICATION_ID {
        return Err(broken("it is not Orchestra's"));
    }
    if version > LATEST {
        return Err(DatabaseError::Newer { path: path.to_owned(), found: version, known: LATEST });
    }
    // SQLite reads what is missing of the last page as zeros. With a log the log has that page.
    let pages = number("page_count").map_err(judge)?;
    let page = number("page_size").map_err(judge)?;
    let logged = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    if !logged && metadata.len() != u64::from(pages) * u64::from(page) {
        return Err(broken("it is cut short"));
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(judge)?;
    if verdict != "ok" {
        return Err(broken(&verdict));
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(judge)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(judge)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(judge)?;
    if version < LATEST {
        back_up(&connection, path)?;
        migrate(&mut connection, version).map_err(judge)?;
    }
    Ok(connection)
}

fn migrate(connection: &mut Connection, from: u32) -> rusqlite::Result<()> {
    for (version, migration) in (from + 1..).zip(&MIGRATIONS[from as usize..]) {
        let transaction = connection.transaction()?;
        match migration {
            Migration::Sql(sql) => transaction.execute_batch(sql)?,
            Migration::Tasks(step) => upgrade::rewrite_tasks(&transaction, *step)?,
        }
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Puts the last backup at `path`, keeping aside what is there; none without a backup.
fn restore(path: &Path, reason: &str) -> Result<Option<Recovery>, DatabaseError> {
    let backup = beside(path, ".backup");
    if !backup.is_file() {
        return Ok(None);
    }
    let kept = set_aside(path)?;
    let staged = beside(path, ".new");
    create_empty(&staged)?;
    fs::copy(&backup, &staged).map_err(FileError::io("copy", &backup))?;
    publish(&staged, path)?;
    Ok(Some(Recovery { kept, reason: reason.to_owned() }))
}

/// Renames the database with its log to the first free `.broken-<n>`; returns the database's new name.
fn set_aside(path: &Path) -> Result<Option<PathBuf>, FileError> {
    let free = |n: &u32| ["", "-wal"].iter().all(|part| !beside(path, &format!(".broken-{n}{part}")).exists());
    let number = (1..u32::MAX).find(free).expect("invariant: some number is free");
    for part in ["-wal", ""] {
        let from = beside(path, part);
        if from.exists() {
            fs::rename(&from, beside(path, &format!(".broken-{number}{part}")))
                .map_err(FileError::io("keep", &from))?;
        }
    }
    // The index of the log: made again when needed.
    let _ = fs::remove_file(beside(path, "-shm"));
    Ok(Some(beside(path, &format!(".broken-{number}"))).filter(|kept| kept.exists()))
}

/// SQLite gives its log the mode of the database: so 0600 is set before SQLite first sees the file.
fn create_empty(path: &Path) -> Result<(), FileError> {
    let _ = fs::remove_file(path);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(FileError::io("create", path))
}

fn publish(staged: &Path, path: &Path) -> Result<(), DatabaseError> {
    let sync = || fs::File::open(staged)?.sync_all();
    sync().map_err(FileError::io("sync", staged))?;
    fs::rename(staged, path).map_err(FileError::io("replace", path))?;
    Ok(sync_folder(path.parent().unwrap_or(Path::new(".")))?)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Assignment, CommandResult, ExitStatus, Gate, Mode, Outcome, Output, PermissionMode, State, TaskId, Work, solo,
    };

    /// A database as version 1 left it, with these rows.
    fn of_version_1(dir: &Path, rows: &str) {
        let path = dir.join("orchestra.db");
        let mut connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        let transaction = connection.transaction().unwrap();
        transaction.execute_batch(TABLES).unwrap();
        transaction.execute_batch(rows).unwrap();
        transaction.pragma_update(None, "user_version", 1).unwrap();
        transaction.commit().unwrap();
    }

    #[test]
    fn tasks_of_version_1_go_on() {
        let dir = tempfile::tempdir().unwrap();
        of_version_1(dir.path(), include_str!("version-1.sql"));
        let database = Database::open(dir.path()).unwrap();
        let found = database.tasks().unwrap();
        let unreadable: Vec<_> = found.unreadable.iter().map(|(id, _)| *id).collect();
        assert_eq!(unreadable, [TaskId(2)], "what was broken before is told as it was");
        let [task] = &found.tasks[..] else { panic!("{found:?}") };
        assert!(task.state == State::Approval && task.parent.is_none() && task.after.is_empty());
        let [plan, work] = &task.flow.stages[..] else { panic!("{:?}", task.flow) };
        assert_eq!(plan.work, Work::Agent(Assignment::default()));
        let told = Assignment {
            prompt: Some("worker.md".into()),
            agent: Some("opencode".into()),
            model: Some("opus".into()),
            permissions: Some(PermissionMode::All),
            mode: Mode::Interactive,
            output: Output::Artifact,
            ..Assignment::default()
        };
        assert_eq!(work.work, Work::Agent(told));
        assert_eq!(work.gate, Some(Gate { command: "checks.sh".into(), timeout_seconds: 60, max_attempts: 3 }));
        let failed = &task.iterations[1];
        assert_eq!((failed.outcome, failed.reminders), (Some(Outcome::GateFailed), 1));
        let gate: &CommandResult = failed.gate.as_ref().unwrap();
        assert_eq!((gate.exit, gate.text.as_str()), (Some(ExitStatus::Code(1)), "it fails"));
        assert!(task.iterations.iter().all(|it| it.questions.is_empty() && it.verdict.is_none()));
        let gone = database.trash().unwrap().remove(0);
        assert_eq!(gone.task.flow, solo());
        drop(database);
        // The way back: as it was before the step.
        let backup = Connection::open(dir.path().join("orchestra.db.backup")).unwrap();
        assert_eq!(backup.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).unwrap(), 1);
        assert_eq!(Database::open(dir.path()).unwrap().tasks().unwrap().tasks.len(), 1, "once is enough");
    }
}
