//! What a repository would have git run: commands in its own configuration, and hooks. A person trusts their hash.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::command::{Hooks, path_of};
use super::error::GitError;
use super::repo::Repo;
use crate::model::HooksPolicy;

/// Larger hooks count by their size and beginning, bytes.
const HOOK: usize = 1 << 20;

/// The commands of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commands {
    /// Hex, over keys, values and hook files; none when there is nothing that runs.
    pub hash: Option<String>,
    /// One line for each: `core.sshCommand = ...`, `hook pre-commit`.
    pub what: Vec<String>,
}

/// Everything that a write in this checkout could run by the repository's own word.
pub fn commands(repo: &Repo) -> Result<Commands, GitError> {
    let all = repo.settings()?;
    let mut settings: Vec<_> = all.own().filter(|(key, _)| runs(&key.to_string_lossy())).collect();
    settings.sort();
    let mut hash = Sha256::new();
    let mut what = Vec::new();
    let mut feed = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for (key, value) in &settings {
        feed(key.as_bytes());
        feed(value.as_bytes());
        what.push(format!("{} = {}", key.to_string_lossy(), value.to_string_lossy()));
    }
    for path in hook_files(repo)? {
        let name = path.file_name().unwrap_or_default();
        let meta = fs::metadata(&path).map_err(GitError::io(&path))?;
        let content = fs::read(&path).map_err(GitError::io(&path))?;
        feed(name.as_bytes());
        feed(&[u8::from(meta.permissions().mode() & 0o111 != 0)]);
        feed(&(content.len() as u64).to_le_bytes());
        feed(&content[..content.len().min(HOOK)]);
        what.push(format!("hook {}", name.to_string_lossy()));
    }
    let hash =
        (!what.is_empty()).then(|| hash.finalize().iter().fold(String::new(), |text, b| text + &format!("{b:02x}")));
    Ok(Commands { hash, what })
}

/// The hash alone, for the record of what a person trusts.
pub fn command_hash(repo: &Repo) -> Result<Option<String>, GitError> {
    Ok(commands(repo)?.hash)
}

/// Whether the repository's commands run in our writes; an error when a person has to look at them first.
pub fn hooks(repo: &Repo, policy: HooksPolicy, trusted: Option<&str>) -> Result<Hooks, GitError> {
    if policy == HooksPolicy::Never {
        return Ok(Hooks::Off);
    }
    let Commands { hash, what } = commands(repo)?;
    match hash {
        None => Ok(Hooks::Run),
        Some(hash) if Some(hash.as_str()) == trusted => Ok(Hooks::Run),
        Some(hash) => Err(GitError::Untrusted { hash, what }),
    }
}

fn runs(key: &str) -> bool {
    const KEYS: [&str; 17] = [
        "core.hookspath",
        "core.fsmonitor",
        "core.sshcommand",
        "core.editor",
        "core.pager",
        "core.askpass",
        "core.gitproxy",
        "core.alternaterefscommand",
        "core.attributesfile",
        "sequence.editor",
        "gpg.program",
        "diff.external",
        "interactive.difffilter",
        "include.path",
        "credential.helper",
        "uploadpack.packobjectshook",
        "gpg.ssh.defaultkeycommand",
    ];
    const FAMILIES: [(&str, &[&str]); 11] = [
        ("filter.", &[".clean", ".smudge", ".process"]),
        ("diff.", &[".command", ".textconv"]),
        ("merge.", &[".driver"]),
        ("gpg.", &[".program"]),
        ("credential.", &[".helper"]),
        ("includeif.", &[".path"]),
        ("remote.", &[".uploadpack", ".receivepack", ".vcs"]),
        ("protocol.", &[".allow"]),
        ("trailer.", &[".command", ".cmd"]),
        ("submodule.", &[".update"]),
        ("hook.", &[".command"]),
    ];
    let key = key.to_ascii_lowercase();
    KEYS.contains(&key.as_str())
        || FAMILIES.iter().any(|(start, ends)| key.starts_with(start) && ends.iter().any(|end| key.ends_with(end)))
}

/// The files in the folder that git would look for hooks in, less git's own samples.
fn hook_files(repo: &Repo) -> Result<Vec<PathBuf>, GitError> {
    let output = repo.call("rev-parse").args(["--git-path", "hooks"]).hooks(Hooks::Run).run()?;
    let folder = repo.root().join(path_of(output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout)));
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let is_hook = |path: &PathBuf| path.extension().is_none_or(|end| end != "sample") && path.is_file();
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_hook).collect();
    files.sort();
    Ok(files)
}
