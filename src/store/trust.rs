//! What runs commands from a project's files, and whether a person has allowed that.
//!
//! Invariants: trust is for exact content; any change of any of the files takes it away; a file that cannot be read or
//! understood counts as one that runs commands.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::atomic::{self, FileError, into_text, read_capped};
use super::paths::{Folder, Home, hex};
use super::workflow;
use super::yaml::Node;
use crate::model::{FormerTrust, ProjectId, TrustFacts};

/// The largest file that can be trusted, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// The most files, and folders within one another.
const MAX_FILES: usize = 1000;
const MAX_DEPTH: usize = 8;

/// A project's files that may run commands, as they are now: `config.yaml`, `workflow.yaml`, `agents.d/`, `scripts/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// By path, relative to the project's folder.
    files: BTreeMap<PathBuf, Vec<u8>>,
    hash: String,
    runs: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("more than {MAX_FILES} files, or too many folders, in {}", .0.display())]
    TooMany(PathBuf),
    #[error("{}: {source}", path.display())]
    Broken { path: PathBuf, source: serde_yaml::Error },
    #[error("the files changed while you looked at them")]
    Changed,
    #[error(transparent)]
    File(#[from] FileError),
}

/// What has been trusted, of all projects: `~/.orchestra/trust.yaml`.
#[derive(Debug, Clone)]
pub struct Trust {
    path: PathBuf,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Granted {
    hash: String,
    /// When a person gave it.
    #[serde(default)]
    at: Option<Timestamp>,
    /// Digest by path: tells which files changed since.
    files: BTreeMap<PathBuf, String>,
}

impl Commands {
    pub fn read(folder: &Folder) -> Result<Self, TrustError> {
        let mut files = BTreeMap::new();
        for path in [folder.config(), folder.workflow(), folder.agents_d(), folder.scripts()] {
            collect(folder, &path, 0, &mut files)?;
        }
        let runs = files.iter().any(|(path, bytes)| runs_commands(path, bytes));
        let digests: Vec<String> = files
            .iter()
            // The length keeps a path with a line break from passing for two files.
            .map(|(path, bytes)| format!("{} {} {}", path.as_os_str().len(), path.display(), hex(bytes)))
            .collect();
        Ok(Self { files, hash: hex(digests.join("\n").as_bytes()), runs })
    }

    /// 64 hex digits over all paths and contents.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// False: nothing here runs anything, so no trust is needed.
    pub const fn run_something(&self) -> bool {
        self.runs
    }
}

impl Trust {
    pub fn of(home: &Home) -> Self {
        Self { path: home.trust() }
    }

    pub fn is_trusted(&self, project: &ProjectId, commands: &Commands) -> Result<bool, TrustError> {
        Ok(!commands.runs || self.read()?.get(project).is_some_and(|granted| granted.hash == commands.hash))
    }

    /// What a person is to look at, files that changed since the last time first.
    pub fn facts(&self, project: &ProjectId, commands: &Commands) -> Result<TrustFacts, TrustError> {
        let granted = self.read()?.remove(project);
        let known = |path: &Path| granted.as_ref()?.files.get(path);
        let (changed, same): (Vec<_>, Vec<_>) =
            commands.files.iter().partition(|(path, bytes)| known(path) != Some(&hex(bytes)));
        let former = granted.as_ref().map(|granted| FormerTrust { at: granted.at, changed: changed.len() });
        let shown = changed.into_iter().chain(same);
        let files = shown.map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned())).collect();
        Ok(TrustFacts { hash: commands.hash.clone(), files, former })
    }

    /// Trusts the files as a person saw them: refused when `seen` is not their hash any more. `at` is the time now.
    pub fn grant(&self, project: &ProjectId, commands: &Commands, seen: &str, at: Timestamp) -> Result<(), TrustError> {
        if commands.hash != seen {
            return Err(TrustError::Changed);
        }
        let files = commands.files.iter().map(|(path, bytes)| (path.clone(), hex(bytes))).collect();
        let mut all = self.read()?;
        all.insert(project.clone(), Granted { hash: commands.hash.clone(), at: Some(at), files });
        self.write(&all)
    }

    /// Takes trust away; `false`: there was none.
    pub fn revoke(&self, project: &ProjectId) -> Result<bool, TrustError> {
        let mut all = self.read()?;
        let had = all.remove(project).is_some();
        if had {
            self.write(&all)?;
        }
        Ok(had)
    }

    fn read(&self) -> Result<BTreeMap<ProjectId, Granted>, TrustError> {
        let bytes = match read_capped(&self.path, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.into()),
        };
        let text = into_text(&self.path, bytes)?;
        if text.trim().is_empty() {
            return Ok(BTreeMap::new());
        }
        serde_yaml::from_str(&text).map_err(|source| self.broken(source))
    }

    fn write(&self, all: &BTreeMap<ProjectId, Granted>) -> Result<(), TrustError> {
        let text = serde_yaml::to_string(all).map_err(|source| self.broken(source))?;
        Ok(atomic::write(&self.path, text.as_bytes())?)
    }

    fn broken(&self, source: serde_yaml::Error) -> TrustError {
        TrustError::Broken { path: self.path.clone(), source }
    }
}

/// Reads `path`, a file or a folder with all below it, into `files`.
fn collect(
    folder: &Folder,
    path: &Path,
    depth: usize,
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) -> Result<(), TrustError> {
    if files.len() >= MAX_FILES || depth > MAX_DEPTH {
        return Err(TrustError::TooMany(folder.dir().to_owned()));
    }
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FileError::io("inspect", path)(error).into()),
    };
    if metadata.is_dir() {
        let list = || fs::read_dir(path)?.collect::<io::Result<Vec<_>>>();
        let entries = list().map_err(FileError::io("list", path))?;
        return entries.iter().try_for_each(|entry| collect(folder, &entry.path(), depth + 1, files));
    }
    // Through links: what would run is what counts.
    let bytes = read_capped(path, MAX_FILE)?;
    files.insert(path.strip_prefix(folder.dir()).unwrap_or(path).to_owned(), bytes);
    Ok(())
}

fn runs_commands(path: &Path, bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return true };
    match path.to_str() {
        Some("config.yaml") => config_runs_commands(text),
        Some("workflow.yaml") => workflow::runs_commands(text).unwrap_or(true),
        _ => true,
    }
}

/// Settings that name a command, or that let an agent do more than the user's own settings say.
fn config_runs_commands(text: &str) -> bool {
    let Ok(node) = Node::parse(text.strip_prefix('\u{feff}').unwrap_or(text)) else { return true };
    let below = |section: &str, key: &str| node.get(section).is_some_and(|section| section.get(key).is_some());
    node.get("agents").is_some()
        || node.get("permissions").is_some()
        || below("ui", "editor")
        || below("worktrees", "root")
        || below("git", "hooks")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Project {
        dir: tempfile::TempDir,
        folder: Folder,
        trust: Trust,
        id: ProjectId,
    }

    impl Project {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let folder = Folder::of(dir.path());
            fs::create_dir_all(folder.scripts()).unwrap();
            let trust = Trust { path: dir.path().join("trust.yaml") };
            Self { dir, folder, trust, id: ProjectId::from("p-123456") }
        }

        fn put(&self, path: &str, text: &str) {
            fs::write(self.folder.dir().join(path), text).unwrap();
        }

        fn commands(&self) -> Commands {
            Commands::read(&self.folder).unwrap()
        }

        fn is_trusted(&self) -> bool {
            self.trust.is_trusted(&self.id, &self.commands()).unwrap()
        }
    }

    #[test]
    fn fault_c3_commands_need_trust_for_exactly_their_content() {
        let project = Project::new();
        assert!(project.is_trusted(), "nothing runs anything");
        project.put("scripts/checks.sh", "exit 0");
        project.put("workflow.yaml", "flows: {a: {stages: [{name: x, artifact: y, gate: checks.sh}]}}");
        assert!(!project.is_trusted());
        let commands = project.commands();
        let facts = project.trust.facts(&project.id, &commands).unwrap();
        assert_eq!((facts.files.len(), facts.former), (2, None));
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        project.trust.grant(&project.id, &commands, &facts.hash, at).unwrap();
        assert!(project.is_trusted());
        assert!(!project.trust.is_trusted(&ProjectId::from("other"), &commands).unwrap());

        project.put("scripts/checks.sh", "exit 1");
        assert!(!project.is_trusted());
        let changed = project.commands();
        assert!(matches!(project.trust.grant(&project.id, &changed, &facts.hash, at), Err(TrustError::Changed)));
        let facts = project.trust.facts(&project.id, &changed).unwrap();
        assert_eq!(facts.files[0], (PathBuf::from("scripts/checks.sh"), "exit 1".to_owned()));
        assert_eq!(facts.former, Some(FormerTrust { at: Some(at), changed: 1 }));

        project.put("scripts/checks.sh", "exit 0");
        assert!(project.is_trusted());
        project.put("scripts/new.sh", "");
        assert!(!project.is_trusted());
        fs::remove_file(project.folder.scripts().join("new.sh")).unwrap();
        assert!(project.trust.revoke(&project.id).unwrap() && !project.trust.revoke(&project.id).unwrap());
        assert!(!project.is_trusted());
    }

    #[test]
    fn only_what_runs_something_asks() {
        for (path, text, asks) in [
            ("config.yaml", "agent: claude\nmax_running: 2\n", false),
            ("config.yaml", "agents: {bot: {start: [rm]}}\n", true),
            ("config.yaml", "ui: {editor: evil}\n", true),
            ("config.yaml", "permissions: all\n", true),
            ("config.yaml", "a: [\n", true),
            ("workflow.yaml", "flows: {a: {stages: [{name: x, artifact: y}]}}", false),
            ("workflow.yaml", "flows: {a: {stages: [{name: x, artifact: y}], integration: {gate: x}}}", true),
            ("workflow.yaml", "flows: {a: {stages: [{name: x, artifact: y, script: {command: x}}]}}", true),
            ("scripts/x", "\u{0}", true),
        ] {
            let project = Project::new();
            project.put(path, text);
            assert_eq!(project.commands().run_something(), asks, "{path}: {text}");
        }
    }

    #[test]
    fn fault_f4_a_broken_trust_file_trusts_nothing_and_stays() {
        let project = Project::new();
        project.put("scripts/x", "exit 0");
        let path = project.dir.path().join("trust.yaml");
        fs::write(&path, "p-123456: 3").unwrap();
        let commands = project.commands();
        assert!(matches!(project.trust.is_trusted(&project.id, &commands), Err(TrustError::Broken { .. })));
        assert!(project.trust.grant(&project.id, &commands, commands.hash(), Timestamp::UNIX_EPOCH).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "p-123456: 3");
    }

    #[test]
    fn fault_f13_special_files_do_not_block() {
        let project = Project::new();
        let fifo = project.folder.scripts().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(Commands::read(&project.folder), Err(TrustError::File(FileError::NotRegular { .. }))));
    }
}
