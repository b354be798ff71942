//! tmp
use std::path::Path;
use super::atomic::FileError;
pub fn write_log(path: &Path, text: &str) -> Result<(), FileError> { if let Some(dir) = path.parent() { let _ = std::fs::create_dir_all(dir); } let _ = std::fs::write(path, text); Ok(()) }
pub fn write(folder: &super::Folder, slug: &crate::model::Slug, artifact: &super::Artifact) -> Result<(), FileError> { let dir = folder.artifacts(slug); let _ = std::fs::create_dir_all(&dir); let _ = std::fs::write(dir.join(format!("{}.md", artifact.name)), &artifact.text); Ok(()) }
