//! What stages produced, as files that agents and people can open: `.artifacts/<slug>/<artifact>.md` is the latest,
//! `history/<stage>-<n>.md` are all.
//!
//! Invariant: these are copies. The database has the truth, and whatever is deleted here is written again from it.

use std::fs;
use std::path::PathBuf;

use super::atomic::{Access, FileError, check_beneath, write_as};
use super::database::Artifact;
use super::paths::Folder;
use crate::model::Slug;

/// Name of the artifact that tells of each attempt; no stage's may have it.
pub const ACTIVITY_LOG: &str = "activity_log";

/// Writes the files that are missing or differ, for all `artifacts` of a task in the order they were produced. Returns what was
/// written.
pub fn write_all(folder: &Folder, slug: &Slug, artifacts: &[Artifact]) -> Result<Vec<PathBuf>, FileError> {
    if artifacts.is_empty() {
        return Ok(Vec::new());
    }
    let dir = folder.artifacts(slug);
    let history = dir.join("history");
    folder.create_dir(&history)?;
    let is_latest = |index: usize| artifacts[index + 1..].iter().all(|later| later.name != artifacts[index].name);
    let mut written = Vec::new();
    for (index, artifact) in artifacts.iter().enumerate() {
        let past = history.join(format!("{}-{}.md", artifact.stage, artifact.iteration));
        let latest = is_latest(index).then(|| dir.join(format!("{}.md", artifact.name)));
        for path in [Some(past), latest].into_iter().flatten() {
            if write_changed(&path, &artifact.text)? {
                written.push(path);
            }
        }
    }
    Ok(written)
}

/// Writes the latest artifact of a name, where it differs; `true`: it did.
pub fn write_latest(folder: &Folder, slug: &Slug, name: &str, text: &str) -> Result<bool, FileError> {
    folder.create_dir(&folder.artifacts(slug))?;
    write_changed(&path(folder, slug, name), text)
}

/// The file of the latest artifact of a name, whether it exists or not.
pub fn path(folder: &Folder, slug: &Slug, name: &str) -> PathBuf {
    folder.artifacts(slug).join(format!("{name}.md"))
}

/// The file for a new log of a task, with its folder made.
pub fn prepare_log(folder: &Folder, slug: &Slug, stage: &str, number: u32) -> Result<PathBuf, FileError> {
    folder.create_dir(&folder.logs(slug))?;
    Ok(folder.log(slug, stage, number))
}

/// Removes a task's artifacts and logs; missing ones are no error. Links are removed, not followed.
pub fn remove_all(folder: &Folder, slug: &Slug) -> Result<(), FileError> {
    for dir in [folder.artifacts(slug), folder.logs(slug)] {
        match check_beneath(folder.root(), &dir) {
            Ok(()) => fs::remove_dir_all(&dir).map_err(FileError::io("remove", &dir))?,
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn write_changed(path: &std::path::Path, text: &str) -> Result<bool, FileError> {
    if super::atomic::read_capped(path, text.len() as u64).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    write_as(path, text.as_bytes(), Access::Shared).map(|()| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(stage: &str, iteration: u32, name: &str) -> Artifact {
        Artifact { stage: stage.into(), iteration, name: name.into(), text: format!("{stage} {iteration}") }
    }

    #[test]
    fn deleted_artifacts_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        let slug = Slug::new("one").unwrap();
        let all = [artifact("plan", 1, "plan"), artifact("work", 1, "summary"), artifact("work", 2, "summary")];
        assert_eq!(write_all(&folder, &slug, &all).unwrap().len(), 5);
        assert_eq!(fs::read_to_string(path(&folder, &slug, "summary")).unwrap(), "work 2");
        assert!(write_all(&folder, &slug, &all).unwrap().is_empty());
        fs::remove_dir_all(folder.artifacts(&slug).join("history")).unwrap();
        fs::write(path(&folder, &slug, "plan"), "changed").unwrap();
        assert_eq!(write_all(&folder, &slug, &all).unwrap().len(), 4);
        assert!(prepare_log(&folder, &slug, "work", 3).unwrap().ends_with(".logs/one/work-3.log"));
        remove_all(&folder, &slug).unwrap();
        remove_all(&folder, &slug).unwrap();
        assert!(!folder.artifacts(&slug).exists() && !folder.logs(&slug).exists());
    }
}
