//! The live diff of one worktree: everything since it left its base, whether committed, staged or not yet known to git.
//!
//! A path's difference depends on nothing but that path: the commit's side against the disk. So a refresh of the
//! changed paths equals a new scan (a property test holds that), and all other files keep their `Arc`. Invariants: no
//! lock is taken, the index is not written, no command of the repository runs, no FIFO is opened.

mod blob;
mod file;
mod rename;
mod scan;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use blob::Blobs;
use file::{Found, Sides};
use scan::{Candidate, Old, Rules, Tracked};

use super::disk::{Disk, Entry};
use super::error::GitError;
use super::process::Cancel;
use super::repo::Repo;
use crate::model::{Change, Diff, FileDiff};

/// Files shown at most; the others are counted in [`Diff::omitted`].
const FILES: usize = 2_000;
/// Changed paths that are looked at one by one; over it a new scan is cheaper.
const PATHS: usize = 500;

/// The diff of one worktree, kept so that a refresh looks at nothing but what changed.
#[derive(Debug)]
pub struct Differ {
    repo: Repo,
    base: String,
    base_commit: String,
    state: Option<Scanned>,
}

#[derive(Debug)]
struct Scanned {
    /// The commit that everything is compared with.
    start: String,
    ahead: u32,
    rules: Rules,
    found: BTreeMap<PathBuf, Found>,
    /// New paths that git ignores, so that it is asked once.
    ignored: HashSet<PathBuf>,
    omitted: u32,
    renames: HashMap<(PathBuf, PathBuf), Rename>,
}

/// A rename with the contents that it was made of.
#[derive(Debug, Clone)]
struct Rename {
    contents: (u64, u64),
    diff: Arc<FileDiff>,
}

impl Differ {
    /// `repo` as seen from the worktree ([`Repo::at`]); `base_commit` stands in when the branch `base` is gone.
    pub fn new(repo: &Repo, base: &str, base_commit: &str) -> Self {
        Self { repo: repo.clone(), base: base.to_owned(), base_commit: base_commit.to_owned(), state: None }
    }

    /// Looks at the whole worktree. Takes about as long as `git status`.
    pub fn scan(&mut self, cancel: &Cancel) -> Result<Diff, GitError> {
        let (start, ahead) = self.start()?;
        let rules = Rules::read(&self.repo)?;
        let candidates = scan::candidates(&self.repo, &rules, &start, cancel)?;
        let disk = self.disk()?;
        let mut sides = Sides { repo: &self.repo, rules: &rules, disk: &disk, blobs: Blobs::new(&self.repo) };
        let mut found = BTreeMap::new();
        let mut omitted = 0;
        for (path, candidate) in candidates {
            if found.len() == FILES {
                omitted += 1;
                continue;
            }
            canceled(cancel)?;
            if let Some(difference) = sides.compare(&path, candidate)? {
                found.insert(path, difference);
            }
        }
        drop(sides);
        let renames = self.state.take().map(|state| state.renames).unwrap_or_default();
        self.state = Some(Scanned { start, ahead, rules, found, ignored: HashSet::new(), omitted, renames });
        self.assemble()
    }

    /// Looks at `changed` only (relative to the worktree), or scans where that cannot be enough: for folders, ignore
    /// rules, and many paths. Commits and moves of refs are the caller's to tell by [`Differ::scan`].
    pub fn refresh(&mut self, changed: &[PathBuf], cancel: &Cancel) -> Result<Diff, GitError> {
        let Some(state) = &self.state else { return self.scan(cancel) };
        let paths: HashSet<&Path> = changed.iter().map(PathBuf::as_path).collect();
        if paths.len() > PATHS || state.omitted > 0 || paths.iter().any(|path| rules_files(path)) {
            return self.scan(cancel);
        }
        let Some(candidates) = self.identify(&paths, cancel)? else { return self.scan(cancel) };
        let disk = self.disk()?;
        let state = self.state.as_mut().expect("invariant: it was there above");
        let mut sides = Sides { repo: &self.repo, rules: &state.rules, disk: &disk, blobs: Blobs::new(&self.repo) };
        for (path, candidate) in candidates {
            canceled(cancel)?;
            match sides.compare(&path, candidate)? {
                // An equal file keeps its place in memory, so that readers see that nothing changed.
                Some(new) if state.found.get(&path).is_some_and(|old| old.diff == new.diff) => {}
                Some(new) => drop(state.found.insert(path, new)),
                None => drop(state.found.remove(&path)),
            }
        }
        drop(sides);
        self.assemble()
    }

    /// What each path was at the start and how git knows it now; none when a scan is needed to tell.
    fn identify(
        &mut self,
        paths: &HashSet<&Path>,
        cancel: &Cancel,
    ) -> Result<Option<Vec<(PathBuf, Candidate)>>, GitError> {
        let disk = self.disk()?;
        let state = self.state.as_mut().expect("invariant: refresh has seen a scan");
        let mut candidates = Vec::new();
        let mut unknown = Vec::new();
        let mut olds = HashMap::new();
        for &path in paths {
            let entry = disk.stat(path).map_err(GitError::io(path))?;
            if entry == Entry::Folder || has_below(&state.found, path) {
                return Ok(None);
            }
            match state.found.get(path) {
                // It is back: git may know it another way now.
                Some(found) if found.diff.change == Change::Deleted && entry != Entry::Missing => {
                    olds.insert(path.to_owned(), found.candidate.old.clone());
                    unknown.push((path, entry));
                }
                Some(found) => candidates.push((path.to_owned(), found.candidate.clone())),
                None if state.ignored.contains(path) => {}
                None => unknown.push((path, entry)),
            }
        }
        let asked: Vec<_> = unknown.iter().map(|&(path, _)| path).filter(|path| !olds.contains_key(*path)).collect();
        let listed =
            if asked.is_empty() { HashMap::new() } else { scan::olds(&self.repo, &state.start, &asked, cancel)? };
        if listed.values().any(|old| old.mode == Old::FOLDER) {
            return Ok(None);
        }
        let is_new = |(path, entry): &&(&Path, Entry)| !listed.contains_key(*path) && *entry != Entry::Missing;
        let asked: Vec<_> = unknown.iter().filter(is_new).map(|&(path, _)| path).collect();
        let known = if asked.is_empty() { HashMap::new() } else { scan::known(&self.repo, &asked, cancel)? };
        for (path, entry) in unknown {
            let is_back = olds.contains_key(path);
            let was_there = listed.get(path).cloned();
            if was_there.is_some() && entry == Entry::Missing && state.rules.sparse {
                return Ok(None);
            }
            let tracked = if was_there.is_some() { Some(Tracked::Index) } else { known.get(path).copied() };
            let old = was_there.or_else(|| olds.remove(path).flatten());
            match tracked.or(is_back.then_some(Tracked::Ignored)) {
                Some(tracked) => candidates.push((path.to_owned(), Candidate { old, tracked })),
                None if entry == Entry::Missing => {}
                None => drop(state.ignored.insert(path.to_owned())),
            }
        }
        Ok(Some(candidates))
    }

    /// The commit where the worktree left its base, and the commits since.
    fn start(&self) -> Result<(String, u32), GitError> {
        let base = self.repo.branch(&self.base)?.unwrap_or_else(|| self.base_commit.clone());
        let common = self.repo.call("merge-base").args([&base, "HEAD"]).maybe()?;
        let start = common.unwrap_or_else(|| self.base_commit.clone());
        let count = self.repo.call("rev-list").args(["--count", &format!("{start}..HEAD"), "--"]).text()?;
        Ok((start, count.parse().unwrap_or(0)))
    }

    fn disk(&self) -> Result<Disk, GitError> {
        Disk::open(self.repo.root()).map_err(GitError::io(self.repo.root()))
    }

    /// All that was found, with renames paired.
    fn assemble(&mut self) -> Result<Diff, GitError> {
        let disk = self.disk()?;
        let state = self.state.as_mut().expect("invariant: only called after a scan");
        let of = |wanted: &[Change]| -> Vec<_> {
            let files = state.found.iter().filter(|(_, found)| wanted.contains(&found.diff.change));
            files.filter_map(|(path, found)| Some((path.as_path(), found.signature.as_ref()?))).collect()
        };
        let pairs = rename::pairs(&of(&[Change::Deleted]), &of(&[Change::Added, Change::Untracked]));
        let mut files: BTreeMap<&Path, Arc<FileDiff>> =
            state.found.iter().map(|(path, found)| (path.as_path(), found.diff.clone())).collect();
        let mut sides = Sides { repo: &self.repo, rules: &state.rules, disk: &disk, blobs: Blobs::new(&self.repo) };
        let mut renames = HashMap::new();
        for pair in pairs {
            let (old, new) = (&state.found[&pair.0], &state.found[&pair.1]);
            let content = |found: &Found| found.signature.as_ref().map_or(0, |signature| signature.content);
            let contents = (content(old), content(new));
            let rename = match state.renames.get(&pair) {
                Some(rename) if rename.contents == contents => rename.clone(),
                _ => Rename { contents, diff: Arc::new(sides.rename(old, new)?) },
            };
            files.remove(pair.0.as_path());
            if let Some(file) = files.get_mut(pair.1.as_path()) {
                *file = rename.diff.clone();
            }
            renames.insert(pair, rename);
        }
        let files = files.into_values().collect();
        drop(sides);
        state.renames = renames;
        Ok(Diff { base: self.base.clone(), ahead: state.ahead, files, omitted: state.omitted })
    }
}

/// Files whose content decides about other paths.
fn rules_files(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".gitignore" || name == ".gitattributes" || name == ".gitmodules")
}

/// Whether `folder` has changes below it: it was a folder at the last look.
fn has_below(found: &BTreeMap<PathBuf, Found>, folder: &Path) -> bool {
    let after = found.range::<Path, _>((std::ops::Bound::Excluded(folder), std::ops::Bound::Unbounded));
    after.map(|(path, _)| path).next().is_some_and(|path| path.starts_with(folder))
}

fn canceled(cancel: &Cancel) -> Result<(), GitError> {
    if cancel.is_canceled() { Err(GitError::Canceled { verb: "diff".to_owned() }) } else { Ok(()) }
}
