//! One file per task: a YAML header and the description, written by people and by the engine.
//!
//! Invariants: the engine changes the lines of the keys it changes and not a byte more (unknown keys, comments, order, CRLF and BOM
//! stay); it never writes over a text that it has not seen; a file that cannot be read is listed with its reason and left
//! alone.

mod exchange;
mod folder;
mod header;
mod name;

use std::path::{Path, PathBuf};

use super::atomic::FileError;
use super::yaml::Flaw;
use crate::model::{IdError, Slug, Status, TaskId};

pub use folder::TaskFolder;
pub use header::{Change, HeaderKey};
pub use name::{Name, parse_name};

/// The largest task file, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;
/// The largest number that a file's name may give.
pub const MAX_ID: u32 = 999_999_999;
/// The largest number that a person may choose for a new task: those that follow must fit too.
pub const MAX_CHOSEN_ID: u32 = 99_999_999;

/// A task file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFile {
    pub id: TaskId,
    pub slug: Slug,
    pub header: Header,
    /// The description, without the blank lines around it.
    pub body: String,
    /// The whole file, as it is on disk: what an edit is compared with.
    pub text: String,
}

/// What the header says; keys that are not there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    pub base_branch: Option<String>,
    pub status: Option<Status>,
    pub title: Option<String>,
    pub flow: Option<String>,
    pub agent: Option<String>,
    pub model: Option<String>,
    pub auto: Option<bool>,
    /// Id or slug.
    pub parent: Option<String>,
    /// Ids or slugs.
    pub after: Vec<String>,
    /// When, or the commit: any text.
    pub merged: Option<String>,
    pub archived: Option<String>,
}

/// Why a file is no task file, or cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TaskFileError {
    #[error("{path}: a task's number is 1 to {MAX_ID} without leading zeros, not {number}", path = path.display())]
    BadId { path: PathBuf, number: String },
    #[error("{}: {source}", path.display())]
    BadSlug { path: PathBuf, source: IdError },
    #[error("{}: not named <number>:<slug>.md", .0.display())]
    BadName(PathBuf),
    #[error("{}:{line}:{column}: {message}", path.display())]
    Header { path: PathBuf, line: usize, column: usize, message: String },
    #[error("{}: task {id} has another file, {}", path.display(), other.display())]
    Duplicate { path: PathBuf, id: TaskId, other: PathBuf },
    #[error("{}: the slug belongs to {other} already", path.display())]
    DuplicateSlug {
        path: PathBuf,
        /// A file, or a task in words.
        other: String,
    },
    #[error("{path}: the number of a new task is at most {MAX_CHOSEN_ID}, not {id}", path = path.display())]
    LargeId { path: PathBuf, id: TaskId },
    #[error("{}: the number {id} was given before, and is never given again: leave it out of the name", path.display())]
    SpentId { path: PathBuf, id: TaskId },
    #[error("{} was changed by someone else{}", path.display(), kept_as(kept.as_deref()))]
    Changed {
        path: PathBuf,
        /// What it holds now; none: nothing that a task file could hold.
        text: Option<String>,
        /// Where another text is that was written at the same moment.
        kept: Option<PathBuf>,
    },
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads a file's name and bytes; `path` need not exist.
pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<TaskFile, TaskFileError> {
    let (id, slug) = parse_name(path)?;
    parse_as(path, (id, slug), bytes)
}

/// The same for a file whose name says less than a task's should.
fn parse_as(path: &Path, (id, slug): (TaskId, Slug), bytes: Vec<u8>) -> Result<TaskFile, TaskFileError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: path.to_owned(), limit: MAX_BYTES }.into());
    }
    let text = super::atomic::into_text(path, bytes)?;
    let (header, body) = header::read(&text).map_err(|flaw| header_error(path, flaw))?;
    let body = body.trim_matches(['\r', '\n']).trim_end().to_owned();
    Ok(TaskFile { id, slug, header, body, text })
}

impl TaskFile {
    /// Nothing is written in it yet.
    pub fn is_blank(&self) -> bool {
        self.text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty()
    }

    /// What to do: the body, or the title of a file that has nothing else.
    pub fn description(&self) -> &str {
        if self.body.is_empty() { self.title() } else { &self.body }
    }

    /// The header's title, else the first heading of the body, else the slug.
    pub fn title(&self) -> &str {
        self.header.title.as_deref().or_else(|| heading(&self.body)).unwrap_or(self.slug.as_str())
    }
}

/// The first heading of a description (Markdown).
pub fn heading(body: &str) -> Option<&str> {
    body.lines().find_map(heading_of).filter(|text| !text.is_empty())
}

fn heading_of(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (line.len() - text.len() > 0 && text.starts_with(' ')).then(|| text.trim())
}

fn header_error(path: &Path, flaw: Flaw) -> TaskFileError {
    let Flaw { mark, message, .. } = flaw;
    TaskFileError::Header { path: path.to_owned(), line: mark.line, column: mark.column, message }
}

fn kept_as(kept: Option<&Path>) -> String {
    kept.map_or_else(String::new, |kept| format!("; the text before it is in {}", kept.display()))
}

#[cfg(test)]
mod tests;
