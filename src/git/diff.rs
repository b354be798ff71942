//! tmp
use std::path::PathBuf;
use super::{GitError, Repo, watch::Batch};
use crate::model::Diff;
pub struct Differ;
impl Differ { pub fn new(_repo: Repo, _worktree: PathBuf, _base: String) -> Self { Self }
 pub fn refresh(&mut self, _changes: &Batch) -> Result<Diff, GitError> { Ok(Diff::default()) } }
