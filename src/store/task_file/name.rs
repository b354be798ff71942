//! What the name of a file says: `42:fix-tests.md`, `42-fix-tests.md` where a file system takes no colon, or `fix-tests.md` for a
//! task that is to get its number.

use std::path::Path;

use super::super::slug;
use super::{MAX_ID, TaskFileError};
use crate::model::{Slug, TaskId};

/// The name of a file that is meant as a task's.
#[derive(Debug)]
pub enum Name {
    Task(TaskId, Slug),
    /// Without a number; the slug is lowered.
    Slug(Slug),
    Bad(TaskFileError),
}

impl Name {
    /// None: the file is nothing of ours (a backup, a draft of an editor, a read-me).
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy();
        let stem = name.strip_suffix(".md")?;
        if stem.starts_with(|c: char| "._~#".contains(c)) || stem.eq_ignore_ascii_case("readme") {
            return None;
        }
        let bad = |error: TaskFileError| Some(Self::Bad(error));
        if stem.is_empty() || stem.contains(':') || stem.starts_with(|c: char| c.is_ascii_digit()) {
            return parse_name(path).map_or_else(bad, |(id, slug)| Some(Self::Task(id, slug)));
        }
        match slug::lowered(stem) {
            Ok((slug, _)) => Some(Self::Slug(slug)),
            Err(source) => bad(TaskFileError::BadSlug { path: path.to_owned(), source }),
        }
    }
}

/// The number and the slug of a file of a task.
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
