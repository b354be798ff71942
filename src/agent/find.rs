//! Which agents are on this machine: names on `PATH` at once, versions when they have answered.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use regex::Regex;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::model::AgentFound;

use super::catalog::Catalog;
use super::environment;

/// How long an agent may take to tell its version: a first start may unpack itself.
pub const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// The agents of `catalog` in order of preference, and where they are; no version is known yet. Those that are
/// preferred are listed even where they are missing.
pub fn agents(catalog: &Catalog, path: &OsStr) -> Vec<AgentFound> {
    let found =
        |name: &str, program: &str| AgentFound { name: name.to_owned(), path: on_path(program, path), version: None };
    catalog.in_order().into_iter().map(|manifest| found(&manifest.name, manifest.program())).collect()
}

/// The executable file that `program` names: itself when absolute, else the first on the absolute entries of `path`.
pub fn on_path(program: &str, path: &OsStr) -> Option<PathBuf> {
    let program = Path::new(program);
    if program.is_absolute() {
        return is_executable(program).then(|| program.to_owned());
    }
    // A relative path with a folder in it would be looked up in the worktree, where anybody may have put it.
    if program.components().count() != 1 {
        return None;
    }
    environment::absolute_entries(path).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

/// What `program --version` says, as a version number; none when it says nothing of the kind within `limit`.
pub async fn version(program: &Path, inherited: &[(OsString, OsString)], limit: Duration) -> Option<String> {
    let mut child = Command::new(program)
        .arg("--version")
        .env_clear()
        .envs(environment::base(inherited, None))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut said = Vec::new();
    let mut stdout = child.stdout.take()?.take(4096);
    timeout(limit, stdout.read_to_end(&mut said)).await.ok()?.ok()?;
    parse_version(&String::from_utf8_lossy(&said))
}

fn parse_version(said: &str) -> Option<String> {
    let pattern = Regex::new(r"\d+\.\d+(\.\d+)*(-[0-9A-Za-z.]+)?").expect("invariant: the pattern is valid");
    pattern.find(said).map(|found| found.as_str().to_owned())
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    fn script(folder: &Path, name: &str, body: &str) -> PathBuf {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    #[test]
    fn agents_are_found_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let claude = script(folder.path(), "claude", "");
        fs::write(folder.path().join("opencode"), "not executable").unwrap();
        let catalog = Catalog::new(&BTreeMap::new()).unwrap();
        let found = agents(&catalog, folder.path().as_os_str());
        let found: Vec<_> = found.into_iter().map(|agent| (agent.name, agent.path)).collect();
        assert_eq!(
            found,
            [("opencode".to_owned(), None), ("claude".to_owned(), Some(claude)), ("codex".to_owned(), None)]
        );
    }

    #[test]
    fn fault_v7_a_program_beside_us_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        script(folder.path(), "opencode", "");
        for path in ["", ".", "relative"] {
            assert_eq!(on_path("opencode", OsStr::new(path)), None);
        }
        assert_eq!(on_path("./opencode", folder.path().as_os_str()), None);
        assert_eq!(on_path("sub/opencode", folder.path().as_os_str()), None);
    }

    #[tokio::test]
    async fn versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let env = [("PATH".into(), "/usr/bin:/bin".into())];
        let limit = Duration::from_secs(20);
        for (body, expected) in [
            ("echo 1.18.33", Some("1.18.33")),
            ("echo '2.1.329 (Claude Code)'", Some("2.1.329")),
            ("echo codex-cli 0.169.0-alpha.2", Some("0.169.0-alpha.2")),
            ("echo none; exit 1", None),
        ] {
            let file = script(folder.path(), "agent", body);
            assert_eq!(version(&file, &env, limit).await.as_deref(), expected);
        }
    }

    #[tokio::test]
    async fn fault_c5_an_agent_that_never_answers_has_no_version() {
        let folder = tempfile::tempdir().unwrap();
        let file = script(folder.path(), "agent", "exec sleep 600");
        let env = [("PATH".into(), "/usr/bin:/bin".into())];
        assert_eq!(version(&file, &env, Duration::from_millis(100)).await, None);
    }
}
