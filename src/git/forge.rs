//! A branch to its remote, and a pull request for it: network commands, on request only.
//!
//! Invariants: nothing is ever forced; the requests themselves are the person's own `gh`'s, so no token is ours to keep.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::command::Hooks;
use super::error::GitError;
use super::process::{self, Bounds, Cancel, Finished};
use super::repo::Repo;
use super::trust;

/// A push of much, over a slow line, with hooks that run tests.
const PUSH: Duration = Duration::from_mins(5);
const ASK: Duration = Duration::from_mins(1);

/// What is to be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub branch: String,
    pub base: String,
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// A pull request that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    pub url: String,
    /// It was there before.
    pub known: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    #[error("there is no branch {branch}")]
    NoBranch { branch: String },
    #[error("{branch} has no commit that {base} has not")]
    NothingNew { branch: String, base: String },
    #[error("{base} follows no remote branch, and there is no remote \"origin\"")]
    NoRemote { base: String },
    #[error("{remote} does not take {branch}: {detail}")]
    Refused { remote: String, branch: String, detail: String },
    #[error("gh, the command line of GitHub, is not on PATH")]
    NoGh,
    #[error("{branch} is on {remote} now, but gh opened no pull request: {detail}")]
    Gh { remote: String, branch: String, detail: String },
    #[error(transparent)]
    Git(#[from] GitError),
}

impl ForgeError {
    /// The next step for a person, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoBranch { .. } => "S makes it.".to_owned(),
            Self::NothingNew { .. } => "Commit in its worktree first.".to_owned(),
            Self::NoRemote { .. } => "Add one: git remote add origin URL".to_owned(),
            Self::Refused { remote, branch, .. } => format!("See: git push {remote} {branch}"),
            Self::NoGh => "Install it, then: gh auth login".to_owned(),
            Self::Gh { .. } => "See: gh auth status".to_owned(),
            Self::Git(error) => return error.hint(),
        })
    }
}

/// Pushes the branch and opens a pull request for it, or finds the one that is open.
pub fn open(repo: &Repo, proposal: &Proposal, hooks: Hooks, cancel: &Cancel) -> Result<PullRequest, ForgeError> {
    let Proposal { branch, base, title, body } = proposal;
    let tip = repo.branch(branch)?.ok_or_else(|| ForgeError::NoBranch { branch: branch.clone() })?;
    if repo.ahead_behind(&repo.commit(base)?, &tip)?.0 == 0 {
        return Err(ForgeError::NothingNew { branch: branch.clone(), base: base.clone() });
    }
    let (remote, target) = remote_of(repo, base)?;
    let gh = Gh { repo, remote: &remote, branch, cancel };
    // A machine without gh pushes nothing either.
    gh.run(&["--version"])?;
    push(repo, (&remote, branch), hooks, cancel)?;
    let create = ["pr", "create", "--head", branch, "--base", &target, "--title", title, "--body", body];
    let made = gh.run(&create)?;
    if made.status.success() {
        return gh.url(&made).map(|url| PullRequest { url, known: false });
    }
    let told = String::from_utf8_lossy(&made.stderr).trim().to_owned();
    if !told.contains("already exists") {
        return Err(gh.failed(told));
    }
    let found = gh.run(&["pr", "view", branch, "--json", "url", "--jq", ".url"])?;
    gh.url(&found).map(|url| PullRequest { url, known: true })
}

/// The remote of the branch that the base follows, and that branch there; else `origin`, and the base's own name.
fn remote_of(repo: &Repo, base: &str) -> Result<(String, String), ForgeError> {
    let format = "--format=%(upstream:remotename)%00%(upstream:remoteref)";
    let text = repo.call("for-each-ref").args([format, &format!("refs/heads/{base}")]).text()?;
    if let Some((remote, target)) = text.split_once('\0').filter(|(remote, _)| !matches!(*remote, "" | ".")) {
        return Ok((remote.to_owned(), target.trim_start_matches("refs/heads/").to_owned()));
    }
    let remotes = repo.call("remote").text()?;
    if remotes.lines().any(|remote| remote == "origin") {
        return Ok(("origin".to_owned(), base.to_owned()));
    }
    Err(ForgeError::NoRemote { base: base.to_owned() })
}

fn push(repo: &Repo, (remote, branch): (&str, &str), hooks: Hooks, cancel: &Cancel) -> Result<(), ForgeError> {
    if hooks == Hooks::Off {
        require_plain(repo)?;
    }
    let spec = format!("refs/heads/{branch}:refs/heads/{branch}");
    let flags = ["--set-upstream", "--no-follow-tags", "--recurse-submodules=no", "--porcelain", "--", remote, &spec];
    match repo.write("push", hooks)?.args(flags).timeout(PUSH).cancel(cancel).run() {
        Ok(_) => Ok(()),
        Err(GitError::Failed { stderr, .. }) => {
            Err(ForgeError::Refused { remote: remote.to_owned(), branch: branch.to_owned(), detail: stderr })
        }
        Err(error) => Err(error.into()),
    }
}

/// An error when the repository itself names commands for the network, which nobody trusts.
fn require_plain(repo: &Repo) -> Result<(), GitError> {
    const STARTS: [&str; 6] =
        ["core.sshcommand", "core.gitproxy", "core.askpass", "credential.", "remote.", "protocol."];
    let trust::Commands { hash, what } = trust::commands(repo)?;
    let named = |line: &String| STARTS.iter().any(|start| line.to_ascii_lowercase().starts_with(start));
    if what.iter().any(named) {
        return Err(GitError::Untrusted { hash: hash.unwrap_or_default(), what });
    }
    Ok(())
}

/// The person's `gh` in a repository.
struct Gh<'a> {
    repo: &'a Repo,
    remote: &'a str,
    branch: &'a str,
    cancel: &'a Cancel,
}

impl Gh<'_> {
    fn run(&self, args: &[&str]) -> Result<Finished, ForgeError> {
        let program = self.repo.git().beside("gh").ok_or(ForgeError::NoGh)?;
        let mut command = Command::new(program);
        command.args(args).current_dir(self.repo.root()).env_clear().envs(self.repo.git().environment());
        command.envs([
            ("GH_PROMPT_DISABLED", "1"),
            ("GH_NO_UPDATE_NOTIFIER", "1"),
            ("NO_COLOR", "1"),
            ("GH_PAGER", "cat"),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let cwd: &Path = self.repo.root();
        let bounds = Bounds { verb: "pull request", cwd, timeout: ASK, cancel: self.cancel };
        Ok(process::run(&mut command, None, &bounds)?)
    }

    /// The address that it printed last.
    fn url(&self, finished: &Finished) -> Result<String, ForgeError> {
        let text = String::from_utf8_lossy(&finished.stdout);
        let url = text.lines().rev().map(str::trim).find(|line| line.starts_with("http"));
        let url = url.filter(|_| finished.status.success());
        url.map(str::to_owned).ok_or_else(|| self.failed(String::from_utf8_lossy(&finished.stderr).trim().to_owned()))
    }

    fn failed(&self, detail: String) -> ForgeError {
        ForgeError::Gh { remote: self.remote.to_owned(), branch: self.branch.to_owned(), detail }
    }
}
