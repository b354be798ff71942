//! The files in which an agent keeps its conversations: they tell an id that it tells nowhere else.
//!
//! Invariants: nothing is written; of a file only its beginning is read; what is no id is not taken.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::launch::checked;
use super::manifest::Pattern;

/// Bytes at the beginning of a file in which it tells whose it is.
const BEGINNING: u64 = 8 * 1024;

/// Folders within folders: those of a year, a month and a day.
const DEPTH: u8 = 4;

/// Where an agent keeps its conversations, a file each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcripts {
    /// The first one counts whose beginning has a value: `$NAME/..` below a variable of the environment, `~/..` below the home.
    pub folders: Vec<String>,
    /// Finds the groups `id` and `folder`, as JSON has them, in the beginning of a file.
    pub pattern: Pattern,
}

impl Transcripts {
    /// The conversation that was begun first in `worktree` from `since` on. Reads many files: not for a thread that must not wait.
    pub fn find(&self, env: &[(OsString, OsString)], worktree: &Path, since: SystemTime) -> Option<String> {
        let folder = self.folders.iter().find_map(|folder| expanded(folder, env))?;
        let mut files = Vec::new();
        collect(&folder, DEPTH, since, &mut files);
        files.sort();
        let real = worktree.canonicalize().ok();
        files.iter().find_map(|(_, file)| {
            let groups = self.pattern.groups(&beginning(file)?);
            let told: String = serde_json::from_str(&format!("\"{}\"", groups.get("folder")?)).ok()?;
            let here = Path::new(&told) == worktree || Some(Path::new(&told)) == real.as_deref();
            checked(groups.get("id")?).ok().filter(|_| here)
        })
    }
}

/// A path with its first part replaced; none: that has no value.
fn expanded(folder: &str, env: &[(OsString, OsString)]) -> Option<PathBuf> {
    let (first, rest) = folder.split_once('/')?;
    let name = if first == "~" { "HOME" } else { first.strip_prefix('$')? };
    let (_, value) = env.iter().find(|(known, value)| known == name && !value.is_empty())?;
    Some(Path::new(value).join(rest))
}

/// The files below `folder` that were made from `since` on, with that time.
fn collect(folder: &Path, depth: u8, since: SystemTime, files: &mut Vec<(SystemTime, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() && depth > 1 {
            collect(&entry.path(), depth - 1, since, files);
        } else if meta.is_file() {
            // Where no file system tells when a file was made, its last change is near enough: it is only just begun.
            let made = meta.created().or_else(|_| meta.modified()).ok();
            files.extend(made.filter(|made| *made >= since).map(|made| (made, entry.path())));
        }
    }
}

fn beginning(file: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(BEGINNING).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ID: &str = "01a2000e-8217-7480-b078-03829531a072";

    fn transcripts() -> Transcripts {
        let catalog = crate::agent::Catalog::new(&BTreeMap::new()).unwrap();
        catalog.get("codex").unwrap().transcripts.clone().unwrap()
    }

    /// A conversation as Codex begins one.
    fn begun(home: &Path, id: &str, worktree: &str) {
        let folder = home.join(".codex/sessions/2026/11/21");
        fs::create_dir_all(&folder).unwrap();
        let meta = format!(
            r#"{{"timestamp":"2026-11-21T21:41:20.622Z","ordinal":0,"type":"session_meta","payload":{{"session_id":"{id}","id":"{id}","timestamp":"2026-11-21T21:41:20.548Z","cwd":{},"originator":"codex-tui"}}}}"#,
            serde_json::Value::from(worktree)
        );
        fs::write(folder.join(format!("rollout-{id}.jsonl")), format!("{meta}\n")).unwrap();
    }

    fn home(dir: &Path) -> Vec<(OsString, OsString)> {
        vec![("HOME".into(), dir.into()), ("CODEX_HOME".into(), "".into())]
    }

    #[test]
    fn only_a_conversation_of_this_folder_counts() {
        let dir = tempfile::tempdir().unwrap();
        begun(dir.path(), "11a2000e-8217-7480-b078-03829531a072", "/other");
        let find = |worktree: &str| transcripts().find(&home(dir.path()), Path::new(worktree), SystemTime::UNIX_EPOCH);
        assert_eq!(find("/w \"t\""), None);
        begun(dir.path(), ID, "/w \"t\"");
        assert_eq!(find("/w \"t\"").as_deref(), Some(ID));
    }

    #[test]
    fn one_that_was_there_before_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        begun(dir.path(), ID, "/w");
        let later = SystemTime::now() + std::time::Duration::from_mins(1);
        assert_eq!(transcripts().find(&home(dir.path()), Path::new("/w"), later), None);
    }

    #[test]
    fn a_variable_may_name_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        begun(dir.path(), ID, "/w");
        let mut env = home(Path::new("/nowhere"));
        env[1].1 = dir.path().join(".codex").into();
        assert_eq!(transcripts().find(&env, Path::new("/w"), SystemTime::UNIX_EPOCH).as_deref(), Some(ID));
    }
}
