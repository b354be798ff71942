//! The environment of an agent: the user's own, less what would mislead a program in a terminal of ours.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

pub(super) type Environment = BTreeMap<OsString, OsString>;

/// Prefixes of what is not inherited: the state of git and of ourselves, other terminals, multiplexers and agents.
/// A `GIT_DIR` that came from a hook would send an agent's commits elsewhere, and an agent that believes it runs in
/// kitty asks for what we don't speak.
const DROPPED_PREFIXES: &[&str] = &[
    "GIT_",
    "ORCHESTRA_",
    "ORKESTRA_",
    "TMUX",
    "ZELLIJ",
    "TERM_PROGRAM",
    "TERM_SESSION",
    "KITTY_",
    "ITERM_",
    "WEZTERM_",
    "ALACRITTY_",
    "KONSOLE_",
    "GHOSTTY_",
    "WT_",
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_MESSAGING",
    "OPENCODE_PID",
    "OPENCODE_SERVER_",
];

const DROPPED: &[&str] = &[
    "STY",
    "WINDOW",
    "LINES",
    "COLUMNS",
    "VTE_VERSION",
    "AGENT",
    "OPENCODE",
    "NO_COLOR",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
];

/// `inherited` without what is dropped, with our terminal's facts and a `PATH` of absolute entries behind `bin_dir`.
pub(super) fn base(inherited: &[(OsString, OsString)], bin_dir: Option<&Path>) -> Environment {
    let mut env: Environment = inherited
        .iter()
        .filter(|(name, _)| !is_dropped(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    env.insert("TERM".into(), "xterm-256color".into());
    env.insert("COLORTERM".into(), "truecolor".into());
    let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    env.insert("PATH".into(), absolute_path(bin_dir, &path));
    env
}

/// The entries of a `PATH` that are absolute: in a relative one, a repository could plant a program.
pub(super) fn absolute_entries(path: &OsStr) -> impl Iterator<Item = std::path::PathBuf> {
    env::split_paths(path).filter(|entry| entry.is_absolute())
}

fn absolute_path(front: Option<&Path>, path: &OsStr) -> OsString {
    let entries = front.map(Path::to_path_buf).into_iter().chain(absolute_entries(path));
    // Entries that came out of `split_paths` join again; only a `bin_dir` with a colon can't, and then it is left out.
    env::join_paths(entries).or_else(|_| env::join_paths(absolute_entries(path))).unwrap_or_default()
}

fn is_dropped(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let foreign_session = name.ends_with("_SESSION_ID") && !name.starts_with("XDG_");
    foreign_session || DROPPED.contains(&name) || DROPPED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_inherits() {
        let inherited: Vec<(OsString, OsString)> = [
            ("HOME", "/h"),
            ("PATH", "/usr/bin:.:bin::/bin"),
            ("ANTHROPIC_API_KEY", "k=1\n2"),
            ("XDG_SESSION_ID", "4"),
            ("CLAUDE_CODE_SESSION_ID", "x"),
            ("GIT_DIR", "/r/.git"),
            ("ORCHESTRA_TASK_ID", "7"),
            ("TMUX_PANE", "%1"),
            ("TERM", "dumb"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec();
        let env = base(&inherited, Some(Path::new("/run/bin")));
        let names: Vec<_> = env.keys().filter_map(|name| name.to_str()).collect();
        assert_eq!(names, ["ANTHROPIC_API_KEY", "COLORTERM", "HOME", "PATH", "TERM", "XDG_SESSION_ID"]);
        assert_eq!(env[OsStr::new("PATH")], "/run/bin:/usr/bin:/bin");
        assert_eq!(env[OsStr::new("ANTHROPIC_API_KEY")], "k=1\n2");
        assert_eq!(env[OsStr::new("TERM")], "xterm-256color");
    }

    #[test]
    fn fault_v7_no_program_comes_from_a_relative_path() {
        let env = base(&[("PATH".into(), "./node_modules/.bin::x".into())], None);
        assert_eq!(env[OsStr::new("PATH")], "");
    }
}
