//! Where agents drop what they hand in.
use std::path::{Path, PathBuf};
use serde::{Deserialize, Serialize};
use super::atomic::{self, FileError};
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Submission { pub artifact: String }
pub fn folder(session: &Path) -> Result<PathBuf, FileError> { let dir = session.join("submit"); atomic::create_private_dir(&dir)?; Ok(dir) }
pub fn put(session: &Path, submission: &Submission) -> Result<(), FileError> {
    let dir = folder(session)?;
    let name = format!("{}-{}.json", std::process::id(), std::fs::read_dir(&dir).map_or(0, std::iter::Iterator::count));
    atomic::write(&dir.join(name), &serde_json::to_vec(submission).expect("invariant: plain data"))
}
pub fn read(session: &Path) -> Result<Vec<(PathBuf, Submission)>, FileError> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(session.join("submit")).map(|dir| dir.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "json"));
    files.sort();
    Ok(files.into_iter().filter_map(|file| { let bytes = std::fs::read(&file).ok()?; Some((file, serde_json::from_slice(&bytes).ok()?)) }).collect())
}
pub fn remove(file: &Path) -> Result<(), FileError> { let _ = std::fs::remove_file(file); Ok(()) }
