//! tmp
use std::path::Path;
use super::{Folder, FileError};
use crate::model::{ProjectId, TrustFacts};
pub fn facts(_folder: &Folder) -> Result<TrustFacts, FileError> { Ok(TrustFacts { hash: "x".into(), files: Vec::new() }) }
pub fn is_trusted(_file: &Path, _id: &ProjectId, _hash: &str) -> Result<bool, FileError> { Ok(true) }
pub fn grant(_file: &Path, _id: &ProjectId, _hash: &str) -> Result<(), FileError> { Ok(()) }
