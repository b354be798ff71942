//! The files that a flow file names: templates and schemas.

use std::path::{Component, Path, PathBuf};

use super::super::atomic::{FileError, read_beneath};
use super::super::paths::Folder;
use super::super::yaml::MAX_BYTES;

/// Where they come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Assets<'a> {
    Of(&'a Folder),
    /// Only the flow file counts: all that it names is taken to exist.
    Assumed,
}

/// A file with its text.
#[derive(Debug)]
pub(super) struct Asset {
    pub path: PathBuf,
    pub text: String,
}

impl Assets<'_> {
    /// The template of this name in `agents/`.
    pub fn template(self, name: &str) -> Result<Option<Asset>, FileError> {
        self.first(|folder| vec![folder.agents().join(name)], "")
    }

    /// The schema of this name in the project's folder, or in `schemas/` there.
    pub fn schema(self, name: &str) -> Result<Option<Asset>, FileError> {
        self.first(|folder| vec![folder.dir().join(name), folder.schemas().join(name)], "{}")
    }

    fn first(self, places: impl Fn(&Folder) -> Vec<PathBuf>, assumed: &str) -> Result<Option<Asset>, FileError> {
        let Self::Of(folder) = self else {
            return Ok(Some(Asset { path: PathBuf::new(), text: assumed.to_owned() }));
        };
        for path in places(folder) {
            match read_beneath(folder.root(), &path, MAX_BYTES) {
                Ok(text) => return Ok(Some(Asset { path, text })),
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Whether a name stays within the folder that it is looked for in.
pub(super) fn stays_inside(name: &str) -> bool {
    let path = Path::new(name);
    !name.contains(['\\', '\0']) && path.components().all(|part| matches!(part, Component::Normal(_)))
}
