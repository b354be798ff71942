//! tmp
use std::path::Path;
use super::{GitError, Repo};
use crate::model::DeleteFacts;
pub struct Trashed { pub reference: String, pub commit: String, pub unsaved: Vec<String> }
pub fn save(_repo: &Repo, _worktree: &Path, _branch: &str, slug: &str, _at: jiff::Timestamp) -> Result<Trashed, GitError> { Ok(Trashed { reference: format!("refs/orchestra/trash/{slug}"), commit: String::new(), unsaved: Vec::new() }) }
pub fn facts(_repo: &Repo, _worktree: &Path, branch: &str, base: &str) -> Result<DeleteFacts, GitError> { Ok(DeleteFacts { branch: branch.into(), base: base.into(), ..DeleteFacts::default() }) }
