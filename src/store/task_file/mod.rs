//! One file per task: a YAML header and the description, written by people and by the engine.
//!
//! Invariants: the engine changes the lines of the keys it changes and not a byte more (unknown keys, comments, order, CRLF and BOM
//! stay); it never writes over a text that it has not seen; a file that cannot be read is listed with its reason and left
//! alone.

mod folder;
mod header;

use std::path::{Path, PathBuf};

use super::atomic::FileError;
use super::yaml::Flaw;
use crate::model::{IdError, Slug, Status, TaskId};

pub use folder::{BadFile, Listing, TaskFolder};
pub use header::{Change, HeaderKey};

/// The largest task file, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;
/// The largest number that a file's name may give.
pub const MAX_ID: u32 = 999_999_999;

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
    #[error("{}:{line}: {message}", path.display())]
    Header { path: PathBuf, line: usize, message: String },
    #[error("{}: task {id} has another file, {}", path.display(), other.display())]
    Duplicate { path: PathBuf, id: TaskId, other: PathBuf },
    #[error("{}: the slug belongs to {} too", path.display(), other.display())]
    DuplicateSlug { path: PathBuf, other: PathBuf },
    #[error("{} was changed by someone else", path.display())]
    Changed {
        path: PathBuf,
        /// What it holds now.
        text: String,
    },
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads a file's name and bytes; `path` need not exist.
pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<TaskFile, TaskFileError> {
    let (id, slug) = parse_name(path)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { path: path.to_owned(), limit: MAX_BYTES }.into());
    }
    let text = super::atomic::into_text(path, bytes)?;
    let (header, body) = header::read(&text).map_err(|flaw| header_error(path, flaw))?;
    let body = body.trim_matches(['\r', '\n']).trim_end().to_owned();
    Ok(TaskFile { id, slug, header, body, text })
}

/// The number and the slug in `42:fix-tests.md`; `42-fix-tests.md` is read too, for file systems without colons.
pub fn parse_name(path: &Path) -> Result<(TaskId, Slug), TaskFileError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bad_name = || TaskFileError::BadName(path.to_owned());
    let stem = name.strip_suffix(".md").ok_or_else(bad_name)?;
    let (number, slug) = stem.split_once([':', '-']).ok_or_else(bad_name)?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad_name());
    }
    let id = number.parse().ok().filter(|id| (1..=MAX_ID).contains(id) && !number.starts_with('0'));
    let id = id.ok_or_else(|| TaskFileError::BadId { path: path.to_owned(), number: number.to_owned() })?;
    let slug = Slug::new(slug).map_err(|source| TaskFileError::BadSlug { path: path.to_owned(), source })?;
    Ok((TaskId(id), slug))
}

impl TaskFile {
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
    TaskFileError::Header { path: path.to_owned(), line: flaw.mark.line, message: flaw.message }
}

#[cfg(test)]
mod tests;
