//! The one place that starts `git`.
//!
//! Invariants of every call: no `GIT_*` of our own environment reaches it (but where the user's settings lie); it
//! takes no optional lock, asks nobody, runs no editor, pager, monitor or garbage collection; it stands in a process
//! group of its own and dies with it at the deadline or when canceled; its output is bounded. Commands that a
//! repository's own configuration names run only under [`Hooks::Run`].

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::error::GitError;
use super::process::{self, Bounds, Cancel, Feed, Finished};

const OLDEST: (u32, u32) = (2, 38);

/// Whether commands of the repository's own configuration (hooks, filters, merge drivers, signing) may run in a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hooks {
    Off,
    Run,
}

/// A `git` that was found once, with the environment of its calls.
#[derive(Debug, Clone)]
pub struct Git(Arc<Installation>);

#[derive(Debug)]
struct Installation {
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Git {
    /// Finds `git` with the environment of this process.
    pub fn from_env() -> Result<Self, GitError> {
        Self::new(std::env::vars_os())
    }

    /// Finds `git` in the absolute entries of `PATH` among `vars`, and keeps `vars` (less `GIT_*`) for its calls.
    pub fn new(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, GitError> {
        let vars: Vec<_> = vars.into_iter().collect();
        let path = vars.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone()).unwrap_or_default();
        let program = in_path(&path, "git").ok_or(GitError::NoGit)?;
        let git = Self(Arc::new(Installation { program, env: environment(vars) }));
        let version = git.call(Path::new("/"), "version").text()?;
        if parse_version(&version).is_none_or(|found| found < OLDEST) {
            return Err(GitError::GitTooOld { found: version.trim_start_matches("git version ").to_owned() });
        }
        Ok(git)
    }

    /// A call of `git VERB` in `cwd`, hooks off.
    pub(crate) fn call(&self, cwd: &Path, verb: &str) -> Call {
        Call {
            git: self.clone(),
            cwd: cwd.to_owned(),
            verb: verb.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            config: vec![("core.hooksPath".into(), "/dev/null".into())],
            stdin: None,
            timeout: Duration::from_mins(1),
            cancel: Cancel::default(),
        }
    }

    /// The environment of git's calls, for programs that call git themselves.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.env.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Another program of this name on the same `PATH`.
    pub(crate) fn beside(&self, name: &str) -> Option<PathBuf> {
        let path = self.0.env.iter().find(|(known, _)| known == "PATH").map(|(_, path)| path)?;
        in_path(path, name)
    }

    /// A long-lived child that answers on its pipes; the caller ends it by dropping its standard input.
    pub(crate) fn spawn(&self, cwd: &Path, args: &[&str]) -> Result<Child, GitError> {
        let call = self.call(cwd, args[0]).args(&args[1..]);
        call.command().stderr(Stdio::null()).spawn().map_err(GitError::io(&self.0.program))
    }
}

/// One call, as it is put together.
pub(crate) struct Call {
    git: Git,
    cwd: PathBuf,
    verb: String,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    config: Vec<(OsString, OsString)>,
    stdin: Option<Feed>,
    timeout: Duration,
    cancel: Cancel,
}

/// What a call printed.
#[derive(Debug)]
pub(crate) struct Output {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Call {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Settings for this call only; they win over the repository's.
    pub fn configs(mut self, settings: &[(OsString, OsString)]) -> Self {
        self.config.extend_from_slice(settings);
        self
    }

    /// Under [`Hooks::Run`] the repository's hooks run, and missing objects may be fetched.
    pub fn hooks(mut self, hooks: Hooks) -> Self {
        if hooks == Hooks::Run {
            self.config.retain(|(key, _)| key != "core.hooksPath");
            // Hooks inherit the environment, and may rely on pathspecs that match.
            self.env.extend([("GIT_NO_LAZY_FETCH".into(), "0".into()), ("GIT_LITERAL_PATHSPECS".into(), "0".into())]);
        }
        self
    }

    pub fn stdin(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.feed(move |pipe| pipe.write_all(&bytes))
    }

    /// As [`Call::stdin`], for more than should stand in memory at once.
    pub fn feed(mut self, feed: impl FnOnce(&mut dyn Write) -> std::io::Result<()> + Send + 'static) -> Self {
        self.stdin = Some(Box::new(feed));
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Runs it; every exit code but 0 is an error.
    pub fn run(self) -> Result<Output, GitError> {
        self.run_with(&[0])
    }

    /// Runs it; every exit code that is not in `accepted` is an error.
    pub fn run_with(self, accepted: &[i32]) -> Result<Output, GitError> {
        let (verb, cwd) = (self.verb.clone(), self.cwd.clone());
        let output = self.execute()?;
        if accepted.contains(&output.code) {
            return Ok(output);
        }
        Err(classify(verb, cwd, output))
    }

    /// Runs it for its first line or lines, without the last line break.
    pub fn text(self) -> Result<String, GitError> {
        let verb = self.verb.clone();
        let output = self.run()?;
        let mut text = String::from_utf8(output.stdout)
            .map_err(|e| GitError::Unreadable { verb, text: String::from_utf8_lossy(e.as_bytes()).into_owned() })?;
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    /// Runs it and takes its answer, or none when it fails with code 1 or 128: "there is no such thing".
    pub fn maybe(self) -> Result<Option<String>, GitError> {
        match self.text() {
            Ok(text) => Ok(Some(text)),
            Err(GitError::Failed { code: 1 | 128, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.git.0.program);
        command.arg(&self.verb).args(&self.args).current_dir(&self.cwd);
        command.env_clear().envs(self.git.0.env.iter().map(|(k, v)| (k, v)));
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        // In the environment a key may hold any character, "=" too, which "-c" cannot say.
        let fixed = FIXED_CONFIG.iter().map(|(k, v)| (OsStr::new(k), OsStr::new(v)));
        let own = self.config.iter().map(|(k, v)| (k.as_os_str(), v.as_os_str()));
        let mut count = 0;
        for (key, value) in fixed.chain(own) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key).env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command
    }

    fn execute(mut self) -> Result<Output, GitError> {
        let feed = self.stdin.take();
        let mut command = self.command();
        if feed.is_none() {
            command.stdin(Stdio::null());
        }
        let bounds = Bounds { verb: &self.verb, cwd: &self.cwd, timeout: self.timeout, cancel: &self.cancel };
        let Finished { status, stdout, stderr } = process::run(&mut command, feed, &bounds)?;
        // Without a code it was ended by a signal.
        let code = status.code().ok_or(GitError::Killed { verb: self.verb, cwd: self.cwd })?;
        Ok(Output { code, stdout, stderr: String::from_utf8_lossy(&stderr).trim().to_owned() })
    }
}

/// The first executable of this name in the absolute entries of `path`.
fn in_path(path: &OsStr, name: &str) -> Option<PathBuf> {
    let programs = std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name));
    let runs = |program: &PathBuf| program.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    programs.into_iter().find(runs)
}

/// Splits `-z` output into its fields.
pub(crate) fn fields(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&b| b == 0).filter(|field| !field.is_empty())
}

/// A path of git's output.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

const FIXED_CONFIG: &[(&str, &str)] = &[
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("color.ui", "false"),
    ("core.quotePath", "false"),
    ("advice.detachedHead", "false"),
    ("submodule.recurse", "false"),
    ("merge.autoStash", "false"),
    ("rebase.autoStash", "false"),
    ("status.showUntrackedFiles", "all"),
];

fn environment(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    // Where the user's own settings lie is the user's word; everything else of GIT_* belongs to another call.
    const KEPT: [&str; 3] = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];
    const SET: [(&str, &str); 13] = [
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_ASKPASS", ""),
        ("SSH_ASKPASS", ""),
        ("SSH_ASKPASS_REQUIRE", "never"),
        ("GCM_INTERACTIVE", "never"),
        ("GIT_EDITOR", "true"),
        ("GIT_SEQUENCE_EDITOR", "true"),
        ("GIT_PAGER", "cat"),
        ("GIT_MERGE_AUTOEDIT", "no"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("LC_ALL", "C"),
    ];
    let gone = |name: &OsStr| {
        let bytes = name.as_bytes();
        (bytes.starts_with(b"GIT_") && !KEPT.iter().any(|kept| name == *kept))
            || name == "GPG_TTY"
            || bytes.starts_with(b"LC_")
            || SET.iter().any(|(set, _)| name == *set)
    };
    let own = SET.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    vars.into_iter().filter(|(name, _)| !gone(name)).chain(own).collect()
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches("git version ").split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Reads git's words (in the C locale) for the failures that have a kind of their own.
fn classify(verb: String, cwd: PathBuf, output: Output) -> GitError {
    let text = &output.stderr;
    let quoted = |after: &str| {
        let (_, rest) = text.split_once(after)?;
        let rest = rest.trim_start_matches([' ', ':', '\'']);
        Some(rest.split(['\'', '\n']).next().unwrap_or_default().to_owned())
    };
    if let Some(lock) = quoted("Unable to create").filter(|path| !path.is_empty() && text.contains("File exists")) {
        let lock = cwd.join(lock);
        return if lock.ends_with("index.lock") {
            GitError::IndexLocked { lock }
        } else {
            GitError::RefLocked { lock }
        };
    }
    if text.contains("detected dubious ownership") {
        return GitError::OtherOwner { path: cwd };
    }
    if text.contains("not a git repository") {
        return GitError::NotARepository { path: cwd };
    }
    if text.contains("Please tell me who you are") || text.contains("empty ident name") || text.contains("auto-detect")
    {
        return GitError::NoIdentity { detail: text.lines().last().unwrap_or_default().to_owned() };
    }
    GitError::Failed { verb, cwd, code: output.code, stderr: output.stderr }
}
