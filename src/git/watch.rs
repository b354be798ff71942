//! tmp
use std::path::Path;
use super::{GitError, Repo};
pub struct Batch;
impl Batch { pub fn rescan() -> Self { Self } pub fn and(self, _o: Self) -> Self { self } }
pub struct Watcher;
impl Watcher { pub fn start(_repo: &Repo, _w: &Path, _f: impl Fn(Batch) + Send + 'static) -> Result<Self, GitError> { Ok(Self) } }
