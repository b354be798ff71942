//! tmp
use std::path::Path;
use super::{FileError, Home, paths};
use crate::model::ProjectId;
pub fn register(_home: &Home, root: &Path, common: &Path) -> Result<ProjectId, FileError> { Ok(paths::project_id(root, common)) }
