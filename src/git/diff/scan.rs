//! What differs from a commit, by git's own words: paths only, no content, no lock, no command of the repository.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::git::command::{Call, fields, path_of};
use crate::git::error::GitError;
use crate::git::process::Cancel;
use crate::git::repo::Repo;

/// A listing that takes longer is looked at for what blocks it.
const PATIENCE: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_mins(2);

/// A blob, symlink or submodule of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Old {
    pub mode: u32,
    pub oid: String,
}

impl Old {
    pub const SUBMODULE: u32 = 0o160_000;
    pub const SYMLINK: u32 = 0o120_000;
    pub const EXECUTABLE: u32 = 0o100_755;
    pub const FOLDER: u32 = 0o040_000;

    pub const fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// How git knows a path that is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tracked {
    Index,
    Others,
    /// In the commit, not in the index, and ignored: to git it is deleted.
    Ignored,
}

/// A path that may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub old: Option<Old>,
    pub tracked: Tracked,
}

/// Settings that decide what counts as a difference.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub ignore_mode: bool,
    pub sparse: bool,
    /// `core.autocrlf` is true or input.
    pub autocrlf: bool,
    disarmed: Vec<(OsString, OsString)>,
}

impl Rules {
    pub fn read(repo: &Repo) -> Result<Self, GitError> {
        let settings = repo.settings()?;
        Ok(Self {
            ignore_mode: settings.flag("core.filemode") == Some(false),
            sparse: settings.flag("core.sparsecheckout") == Some(true),
            autocrlf: settings.word("core.autocrlf") == "input" || settings.flag("core.autocrlf") == Some(true),
            disarmed: settings.disarmed_for_reading(),
        })
    }

    pub fn call(&self, repo: &Repo, verb: &str, cancel: &Cancel) -> Call {
        repo.call(verb).configs(&self.disarmed).cancel(cancel)
    }
}

/// All paths that may differ from `commit`; a FIFO that would block git stands among them and hides untracked ones.
pub(super) fn candidates(
    repo: &Repo,
    rules: &Rules,
    commit: &str,
    cancel: &Cancel,
) -> Result<BTreeMap<PathBuf, Candidate>, GitError> {
    let (tracked, others) = std::thread::scope(|scope| {
        let others = scope.spawn(|| others(repo, rules, cancel));
        let flags = ["--raw", "-z", "--no-abbrev", "--no-renames", "--ignore-submodules=dirty", commit, "--"];
        let tracked = rules.call(repo, "diff-index", cancel).args(flags).timeout(LONG).run();
        (tracked, others.join().expect("invariant: the listing does not panic"))
    });
    let (tracked, others) = (tracked?.stdout, others?);
    let mut found = BTreeMap::new();
    let mut parts = fields(&tracked);
    while let (Some(head), Some(path)) = (parts.next(), parts.next()) {
        let path = path_of(path);
        let (old, status) = parse(head)?;
        // Unmerged paths come twice; the line with the old side says more.
        if status != b'U' || !found.contains_key(&path) {
            let on_disk_only = status == b'D' && others.contains(&path);
            let tracked = match status {
                _ if on_disk_only => Tracked::Others,
                b'D' => Tracked::Ignored,
                _ => Tracked::Index,
            };
            found.insert(path, Candidate { old, tracked });
        }
    }
    for path in others {
        found.entry(path).or_insert(Candidate { old: None, tracked: Tracked::Others });
    }
    Ok(found)
}

/// What `commit` has at each of `paths`; folders come with their own mode.
pub(super) fn olds(
    repo: &Repo,
    commit: &str,
    paths: &[&Path],
    cancel: &Cancel,
) -> Result<HashMap<PathBuf, Old>, GitError> {
    let output = repo.call("ls-tree").args(["-z", "--full-tree", commit, "--"]).args(paths).cancel(cancel).run()?;
    fields(&output.stdout)
        .map(|line| {
            let broken = || unreadable("ls-tree", line);
            let tab = line.iter().position(|&b| b == b'\t').ok_or_else(broken)?;
            let head = String::from_utf8_lossy(&line[..tab]).into_owned();
            let mut words = head.split(' ');
            let mode = words.next().and_then(|mode| u32::from_str_radix(mode, 8).ok()).ok_or_else(broken)?;
            let oid = words.nth(1).ok_or_else(broken)?.to_owned();
            Ok((path_of(&line[tab + 1..]), Old { mode, oid }))
        })
        .collect()
}

/// How git knows each of `paths` now; those that it ignores are left out.
pub(super) fn known(repo: &Repo, paths: &[&Path], cancel: &Cancel) -> Result<HashMap<PathBuf, Tracked>, GitError> {
    let flags = ["-z", "-t", "--cached", "--others", "--exclude-standard", "--"];
    let output = repo.call("ls-files").args(flags).args(paths).cancel(cancel).timeout(PATIENCE).run()?;
    let lines = fields(&output.stdout).filter(|line| line.len() > 2);
    Ok(lines
        .map(|line| (path_of(&line[2..]), if line[0] == b'?' { Tracked::Others } else { Tracked::Index }))
        .collect())
}

/// Whether git would turn CRLF to LF when it takes `path` in.
pub(super) fn converts(repo: &Repo, rules: &Rules, path: &Path) -> Result<bool, GitError> {
    let output = repo.call("check-attr").args(["-z", "text", "eol", "--"]).arg(path).timeout(PATIENCE).run()?;
    let parts: Vec<_> = fields(&output.stdout).collect();
    let value = |name: &[u8]| parts.chunks(3).find(|chunk| chunk.get(1) == Some(&name)).and_then(|chunk| chunk.get(2));
    let eol = value(b"eol").is_some_and(|&eol| eol == b"lf" || eol == b"crlf");
    Ok(match value(b"text").copied() {
        Some(b"unset") => false,
        Some(b"unspecified") | None => eol || rules.autocrlf,
        Some(_) => true,
    })
}

fn others(repo: &Repo, rules: &Rules, cancel: &Cancel) -> Result<HashSet<PathBuf>, GitError> {
    let list = |timeout: Duration| {
        let call = rules.call(repo, "ls-files", cancel).args(["--others", "--exclude-standard", "-z"]);
        let output = call.timeout(timeout).run()?;
        // A folder comes with a slash at its end: a repository inside this one.
        Ok(fields(&output.stdout).map(|path| path_of(path.strip_suffix(b"/").unwrap_or(path))).collect())
    };
    match list(PATIENCE) {
        Err(GitError::TimedOut { .. }) => match blocker(repo.root(), Path::new(""), cancel) {
            Some(path) => Ok(HashSet::from([path])),
            None => list(LONG),
        },
        other => other,
    }
}

/// A FIFO or the like under a name that git reads.
fn blocker(root: &Path, folder: &Path, cancel: &Cancel) -> Option<PathBuf> {
    const READ: [&str; 2] = [".gitignore", ".gitattributes"];
    let entries: Vec<_> = fs::read_dir(root.join(folder)).ok()?.flatten().collect();
    let kind = |entry: &fs::DirEntry| entry.file_type().ok();
    let blocks = |entry: &&fs::DirEntry| {
        let name = entry.file_name();
        READ.iter().any(|read| name == OsStr::new(read))
            && kind(entry).is_some_and(|kind| !kind.is_file() && !kind.is_dir() && !kind.is_symlink())
    };
    if let Some(entry) = entries.iter().find(blocks) {
        return Some(folder.join(entry.file_name()));
    }
    let folders =
        entries.iter().filter(|entry| kind(entry).is_some_and(|kind| kind.is_dir()) && entry.file_name() != ".git");
    folders
        .into_iter()
        .take_while(|_| !cancel.is_canceled())
        .find_map(|entry| blocker(root, &folder.join(entry.file_name()), cancel))
}

/// `:100644 100644 <old> <new> M`
fn parse(head: &[u8]) -> Result<(Option<Old>, u8), GitError> {
    let text = String::from_utf8_lossy(head);
    let parts: Vec<_> = text.split(' ').collect();
    let [mode, _, oid, _, status] = parts[..] else { return Err(unreadable("diff-index", head)) };
    let mode = u32::from_str_radix(mode.trim_start_matches(':'), 8).map_err(|_| unreadable("diff-index", head))?;
    let old = (mode != 0).then(|| Old { mode, oid: oid.to_owned() });
    Ok((old, status.bytes().next().unwrap_or_default()))
}

fn unreadable(verb: &str, text: &[u8]) -> GitError {
    GitError::Unreadable { verb: verb.to_owned(), text: String::from_utf8_lossy(text).into_owned() }
}
